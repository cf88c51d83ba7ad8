"""Each page in a real browser, narrow and wide, dark and light."""

from __future__ import annotations

import pytest

from rendergateway.catalogue.charts import ticks
from tests.catalogue.browser.conftest import FULL, Site, Tab
from tests.catalogue.conftest import MONTAGE, PAGES, PAIR

# The pixel in the middle of the first map of a comparison.
MIDDLE = (
    "(canvas => [...canvas.getContext('2d').getImageData(canvas.width / 2, canvas.height / 2, 1, 1).data])"
    "(document.querySelector('[data-compare] canvas'))"
)
ALL = {**PAGES, "many": "/owner/lab/project/cortex/stack/many/z/1.0/"}


@pytest.mark.parametrize("page", ALL if FULL else ["section", "explorer", "neighbours"])
def test_page__fits_and_reports_nothing(tab: Tab, page: str) -> None:
    """No error on the console, no request to another host, no page wider than the window, and no serious barrier."""
    shown = tab.open(ALL[page])

    assert tab.problems == []
    assert shown.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") == 0
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe-playwright-python is not installed")
    found = axe.Axe().run(shown).response["violations"]
    assert [(one["id"], one["nodes"][0]["html"]) for one in found if one["impact"] in ("serious", "critical")] == []


def test_page__without_javascript(wide: Tab, site: Site) -> None:
    """Without JavaScript a section has its picture and its tiles, and a pair its matches."""
    context = wide.page.context.browser.new_context(java_script_enabled=False)  # type: ignore[union-attr]
    page = context.new_page()

    page.goto(site.url + PAGES["section"])
    assert page.locator("noscript img, img.whole").first.is_visible()
    assert page.locator("tbody tr").count() >= 4
    page.goto(site.url + PAIR)
    assert page.locator("svg .match").count() > 10
    page.get_by_role("link", name="Next").click()
    assert page.locator("svg .match").count() == 1
    page.goto(site.url + PAGES["compare"])
    overlay = page.locator("noscript img, img.whole").last
    assert overlay.get_attribute("alt") == "Both sections over each other in two colours"
    page.wait_for_function("[...document.images].every(one => one.complete && one.naturalWidth > 500)")
    page.goto(site.url + PAGES["explorer"])
    assert page.get_by_role("row", name="z 1 – 2").is_visible()
    context.close()


def test_search__finds_a_tile(wide: Tab) -> None:
    """A reader types a part of an id, and opens the tile that is found."""
    page = wide.open(MONTAGE)

    page.get_by_label("Search for a stack, section or tile").fill("s2_r1")
    page.get_by_role("button", name="Search").click()
    page.get_by_role("link", name="s2_r1_c0").click()

    assert page.locator("h1").inner_text() == "s2_r1_c0"
    wide.until("document.querySelector('img.whole').naturalWidth > 500")
    assert wide.problems == []


def test_keyboard__reaches_everything(wide: Tab) -> None:
    """The first stop of the tab key skips to the content, and each stop has a visible focus."""
    page = wide.open(MONTAGE)

    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the content"
    for _ in range(12):
        page.keyboard.press("Tab")
        style = "getComputedStyle(document.activeElement)"
        assert page.evaluate(f"{style}.outlineStyle") != "none"


def test_chart__point_and_its_links(wide: Tab) -> None:
    """A point of a chart shows its values and section ids; a click keeps them, with links that answer."""
    page = wide.open(MONTAGE)
    figure = page.locator("[data-chart]").first
    tip = figure.locator(".tip")
    box = figure.locator("svg").bounding_box()
    assert box is not None

    page.mouse.move(box["x"] + box["width"] * 0.55, box["y"] + box["height"] / 2)
    assert tip.inner_text() == "Original: z 2, 4 tiles, section id 2.0"
    assert tip.locator("a").count() == 0
    page.mouse.click(box["x"] + box["width"] * 0.55, box["y"] + box["height"] / 2)
    page.mouse.move(box["x"] + box["width"] * 0.55, box["y"] + box["height"] + 5, steps=3)
    links = {one.inner_text(): one.get_attribute("href") or "" for one in tip.locator("a").all()}
    assert list(links) == ["Section 2", "Picture", "Bounds", "Tile bounds", "Tiles"]
    for name, url in links.items():
        assert page.request.get(url if url.startswith("http") else wide.site.url + url).ok, name
    assert {one["z"] for one in page.request.get(links["Tile bounds"]).json()} == {2}
    tip.get_by_role("link", name="Section 2").click()
    page.wait_for_url("**/z/2.0/")
    assert wide.problems == []


def test_chart__keys(wide: Tab) -> None:
    """Arrow keys choose points by z and by series, Enter shows the links of one, and Tab reaches them."""
    page = wide.open(MONTAGE)
    figure = page.locator("[data-chart]").nth(2)
    tip = figure.locator(".tip")
    figure.locator("svg").focus()

    said = []
    for key in ("ArrowRight", "ArrowRight", "ArrowDown", "End", "ArrowRight", "Home"):
        page.keyboard.press(key)
        said.append(tip.inner_text().partition(",")[0])
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")

    assert said == ["Min x: z 1", "Min x: z 2", "Min x: z 2", "Min x: z 3", "Min x: z 3", "Min x: z 1"]
    assert page.evaluate("document.activeElement.textContent") == "Section 1"
    figure.locator("svg").focus()
    page.keyboard.press("ArrowUp")
    assert tip.inner_text().startswith("Max x: z 1")
    page.keyboard.press("Escape")
    assert tip.inner_text() == ""
    page.keyboard.press("End")
    assert tip.inner_text().startswith("Min x: z 3")
    assert wide.problems == []


def test_chart__file_of_its_own(wide: Tab) -> None:
    """The picture of a chart is drawn by itself: its policy allows no style, so that it needs none."""
    wide.open(MONTAGE)
    box = wide.page.locator("[data-chart] svg").first.bounding_box()
    assert box is not None

    page = wide.open(f"{MONTAGE}charts/tiles-per-section.svg")

    assert page.evaluate("getComputedStyle(document.querySelector('path')).stroke") == "rgb(11, 100, 116)"
    assert page.evaluate("document.querySelector('path').getBBox().width") > 100
    assert not [one for one in wide.problems if "favicon" not in one and "404" not in one]


@pytest.mark.parametrize("whole", [True, False])
def test_chart__ticks_are_those_of_the_page(wide: Tab, whole: bool) -> None:
    """The script selects the same ticks as the page for any range, whole ones for whole numbers."""
    wide.open(MONTAGE)
    ranges = [(0.4, 3.2), (1, 12), (-7.5, 3), (10, 10_000), (0.001, 0.002), (2.2, 2.9), (99, 223)]

    found = wide.page.evaluate(
        "async ([ranges, whole]) => { const { ticks } = await import('/catalogue-static/charts.js');"
        " return ranges.map(([low, high]) => ticks(low, high, whole)); }",
        [ranges, whole],
    )

    assert found == [pytest.approx(ticks(low, high, whole)) for low, high in ranges]
    if whole:
        assert all(float(tick).is_integer() for some in found for tick in some)


def test_chart__range_and_legend(wide: Tab) -> None:
    """A drag over a chart shows a range of z, a button the whole range again; a name of the legend hides its points."""
    page = wide.open(MONTAGE)
    figure = page.locator("[data-chart]").nth(2)
    figure.scroll_into_view_if_needed()
    box = figure.locator("svg").bounding_box()
    assert box is not None
    paths = figure.locator("path[data-series]")
    whole = paths.first.get_attribute("d")

    page.mouse.move(box["x"] + box["width"] * 0.4, box["y"] + box["height"] / 2)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.7, box["y"] + box["height"] / 2, steps=3)
    page.mouse.up()
    assert len((paths.first.get_attribute("d") or "").split("M")) == 2
    page.mouse.move(box["x"] + box["width"] * 0.2, box["y"] + box["height"] / 2)
    assert " z 2, " in figure.locator(".tip").inner_text()
    assert figure.locator(".tick-x").all_text_contents() == ["2"]
    figure.get_by_role("button", name="Later z").click()
    figure.get_by_role("button", name="Later z").click()
    figure.locator("svg").focus()
    page.keyboard.press("End")
    assert " z 3, " in figure.locator(".tip").inner_text()
    figure.get_by_role("button", name="Whole range").click()
    assert len((paths.first.get_attribute("d") or "").split("M")) == len((whole or "").split("M")) == 4
    figure.get_by_role("button", name="Min x").click()
    assert not paths.first.is_visible()
    assert page.url.endswith(MONTAGE)
    assert wide.problems == []


def test_neighbours__keys_and_clicks(wide: Tab) -> None:
    """Arrow keys and clicks move to a neighbour; the page keeps its choices."""
    page = wide.open(PAGES["neighbours"])

    page.locator("h1").click()
    page.keyboard.press("ArrowRight")
    page.wait_for_url("**id=s1_r0_c1**")
    assert "collection=truth" in page.url
    page.locator("svg a[aria-label=s2_r1_c0]").click()
    page.wait_for_url("**id=s2_r1_c0**")
    wide.until("document.querySelector('.side-frame.chosen').closest('a').getAttribute('aria-label') === 's2_r1_c0'")
    assert wide.problems == []


def test_neighbours__shift_opens_the_pair(wide: Tab) -> None:
    """A click with Shift on a neighbour opens its pair with the tile."""
    page = wide.open(PAGES["neighbours"])

    page.locator("svg a[aria-label=s1_r0_c1]").click(modifiers=["Shift"])
    page.wait_for_url("**/pair?**")
    assert page.locator("h1").inner_text() == "s1_r0_c0 – s1_r0_c1"
    assert wide.problems == []


def test_tiers__box_opens_its_stack(wide: Tab) -> None:
    """A box of a split stack shows its facts."""
    page = wide.open(PAGES["hierarchy"])

    page.locator("svg a").click()
    page.get_by_role("heading", name="montage").wait_for()
    assert page.get_by_text("Groups of split consensus sets").is_visible()
    assert wide.problems == []


def test_pair__matches_over_the_pictures(wide: Tab, site: Site) -> None:
    """Matches are drawn where the arrays are, over pictures of the tiles."""
    page = wide.open(PAIR)
    pair = site.gateway.match_collection("truth").pair(("1.0", "s1_r0_c0"), ("1.0", "s1_r0_c1"))
    pictures = [page.locator("svg image").nth(place).bounding_box() for place in (0, 1)]
    circles = page.locator('[data-match="1"] circle')
    centres = [circles.nth(place).bounding_box() for place in (0, 1)]

    for points, picture, circle in zip((pair.p, pair.q), pictures, centres, strict=True):
        assert picture is not None
        assert circle is not None
        scale = picture["width"] / 512
        assert circle["x"] + circle["width"] / 2 == pytest.approx(picture["x"] + points[0, 0] * scale, abs=0.6)
        assert circle["y"] + circle["height"] / 2 == pytest.approx(picture["y"] + points[0, 1] * scale, abs=0.6)
    page.locator("h1").click()
    page.keyboard.press("ArrowRight")
    page.wait_for_url("**match=1*")
    assert wide.problems == []


def test_compare__two_colours(wide: Tab) -> None:
    """Two equal sections over each other in two colours are grey."""
    page = wide.open(PAGES["compare"])
    wide.until("document.querySelector('[data-compare]').comparison.sides.every(one => one.layer.picturesIn"
                           "(document.querySelector('[data-compare]').comparison.view).length)")  # fmt: skip
    page.get_by_label("Two colours").check()
    wide.until(f"{MIDDLE}[3] === 255")

    middle = page.evaluate(MIDDLE)
    assert max(middle[:3]) - min(middle[:3]) <= 70
    page.get_by_label("Blink").check()
    page.get_by_text("Shown: b").wait_for()
