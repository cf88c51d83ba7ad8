"""The 3D view of matches in a real browser: places of tiles and lines, selection, keys."""

from __future__ import annotations

from urllib.parse import parse_qsl, urlsplit

import pytest

from rendergateway.links import neuroglancer_state
from tests.catalogue.browser.conftest import Site, Tab
from tests.catalogue.conftest import PAGES

VIEW = "document.querySelector('[data-explorer]').explorer"
# The place of the middle of a tile on the screen, by the arrays of the view.
MIDDLE = f"(id => {VIEW}.middleOf({VIEW}.placer(), {VIEW}.tiles.findIndex(tile => tile[0] === id)))"
# The opacity and colour of the strongest pixel around a point of the canvas.
PIXEL = f"""(([x, y]) => {{
  {VIEW}.paint();
  const ratio = devicePixelRatio;
  const data = {VIEW}.canvas.getContext('2d').getImageData(x * ratio - 2, y * ratio - 2, 5, 5).data;
  const places = [...Array(25).keys()].sort((a, b) => data[4 * b + 3] - data[4 * a + 3]);
  return [...data.slice(4 * places[0], 4 * places[0] + 4)];
}})"""


@pytest.fixture
def tab(wide: Tab) -> Tab:
    """The view of the made-up stack."""
    wide.open(PAGES["explorer"])
    wide.page.wait_for_selector("[data-explorer][data-ready=true]")
    return wide


def middle(tab: Tab, tile_id: str) -> tuple[float, float]:
    x, y = tab.page.evaluate(f"{MIDDLE}('{tile_id}')")
    return x, y


def test_explorer__lines_where_the_matches_are(tab: Tab) -> None:
    """A line runs between the middles of matched tiles, also after the stack is turned, and nowhere else."""
    for _ in range(2):
        (x0, y0), (x1, y1) = middle(tab, "s1_r0_c0"), middle(tab, "s2_r0_c0")
        # A third of the way: no other line crosses there.
        assert tab.page.evaluate(f"{PIXEL}([{x0 + (x1 - x0) / 3}, {y0 + (y1 - y0) / 3}])")[3] > 100
        apart = middle(tab, "s1_r0_c0"), middle(tab, "s1_r1_c1")
        between = [sum(one[axis] for one in apart) / 2 for axis in (0, 1)]
        tab.page.locator("[data-outlines]").uncheck()
        corner = [apart[0][0] * 0.7 + between[0] * 0.3, apart[0][1] * 0.7 + between[1] * 0.3]
        assert tab.page.evaluate(f"{PIXEL}({corner})")[3] < 100
        tab.page.locator("[data-outlines]").check()
        tab.page.locator("[data-explorer] canvas").focus()
        tab.page.keyboard.press("ArrowLeft")


def test_explorer__selection(tab: Tab, site: Site) -> None:
    """A click selects a tile: its pairs are listed by section, and lead to their pages; Escape ends it."""
    canvas = tab.page.locator("[data-explorer] canvas")
    x, y = middle(tab, "s1_r0_c1")
    canvas.click(position={"x": x, "y": y})

    panel = tab.page.locator(".explorer-tile")
    assert panel.locator("h2").inner_text() == "s1_r0_c1 z 1"
    pairs = site.gateway.stack("montage").tile("s1_r0_c1").matches("truth")
    shown = panel.locator("li", has_text="matches").all_inner_texts()
    assert len(shown) == len(pairs)
    assert all(any(pair.q_id in text and f"{len(pair)} matches" in text for text in shown) for pair in pairs)
    assert panel.locator("h3").all_inner_texts() == ["Same section", "Later sections"]
    for name in ("Picture", "Tile spec", "Clusters of the section"):
        href = panel.get_by_role("link", name=name).get_attribute("href")
        assert tab.page.request.get(href or "").ok
    canvas.focus()
    tab.page.keyboard.press("Escape")
    assert not panel.is_visible()
    tab.page.keyboard.press("n")
    panel.locator("li", has_text="s2_r0_c0").get_by_role("link").click()
    tab.page.wait_for_url("**/pair?**")
    assert tab.page.locator("svg .match").count() > 10
    assert tab.problems == []


def test_explorer__viewers_and_clusters(wide: Tab, site: Site) -> None:
    """A tile leads to its middle in neuroglancer and CATMAID, and to the clusters of its section in the whole stack."""
    page = wide.open(f"{PAGES['explorer']}&render=render.example.org&catmaid=catmaid.example.org")
    page.wait_for_selector("[data-explorer][data-ready=true]")
    box = site.gateway.stack("montage").tile("s1_r0_c0").bounds
    assert box is not None
    page.evaluate(f"{VIEW}.select({VIEW}.tiles.findIndex(tile => tile[0] === 's1_r0_c0'))")
    panel = page.locator(".explorer-tile")

    state = neuroglancer_state(panel.get_by_role("link", name="Neuroglancer").get_attribute("href") or "")
    assert state["position"] == [(box.min_x + box.max_x) / 2, (box.min_y + box.max_y) / 2, 1]
    for level in (2, 5):
        url = panel.get_by_role("link", name=f"CATMAID level {level}").get_attribute("href") or ""
        query = dict(parse_qsl(urlsplit(url).query))
        assert query["s0"] == str(level)
        assert float(query["xp"]) == pytest.approx(4 * state["position"][0])
    panel.get_by_role("link", name="Clusters of the section").click()
    page.wait_for_selector("[data-map][data-ready=true]")
    assert page.locator("[data-size]").input_value() == "30"
    assert page.locator("[data-colour]").input_value() == "cluster"
    assert page.get_by_label("CATMAID").input_value() == "http://catmaid.example.org"
    assert wide.problems == []


def test_explorer__wheel_zooms(tab: Tab) -> None:
    """The wheel zooms about the pointer: the tile under it stays there."""
    x, y = middle(tab, "s1_r1_c1")
    tab.page.locator("[data-explorer] canvas").hover(position={"x": x, "y": y})
    size = tab.page.evaluate(f"{VIEW}.camera.size")

    tab.page.mouse.wheel(0, -400)
    tab.until(f"{VIEW}.camera.size > {size}")
    assert middle(tab, "s1_r1_c1") == pytest.approx((x, y), abs=1)


def test_explorer__keys_and_pointer(tab: Tab) -> None:
    """Keys and the pointer turn, move, zoom and fit; the status names the tile under the pointer."""
    view = f"(({{ turn, tilt, size, left, top }}) => [turn, tilt, size, left, top])({VIEW}.camera)"
    canvas = tab.page.locator("[data-explorer] canvas")
    first = tab.page.evaluate(view)
    canvas.focus()

    tab.page.keyboard.press("ArrowUp")
    tab.page.keyboard.press("+")
    turned = tab.page.evaluate(view)
    tab.page.keyboard.press("m")
    tab.page.keyboard.press("ArrowRight")
    moved = tab.page.evaluate(view)
    tab.page.keyboard.press("0")
    x, y = middle(tab, "s1_r1_c1")
    canvas.hover(position={"x": x, "y": y})

    assert turned[1] < first[1]
    assert turned[2] == pytest.approx(1.5 * first[2])
    assert moved[:3] == turned[:3]
    assert moved[3] == turned[3] - 60
    assert tab.page.evaluate(view) == first
    tab.page.get_by_text("Tile s1_r1_c1, z 1, 3 pairs").wait_for()
    assert tab.problems == []


def test_explorer__same_place_under_the_pointer(tab: Tab) -> None:
    """A point of the screen and the tile that is drawn there belong together, for every tile that nothing covers."""
    found = tab.page.evaluate(f"""{VIEW}.tiles.filter(tile => tile[1] === 0).map(tile => {{
      const [x, y] = {MIDDLE}(tile[0]);
      const number = {VIEW}.tileAt(x, y);
      return [tile[0], {VIEW}.tiles[number]?.[0]];
    }})""")

    assert len(found) == 4
    assert all(one == other for one, other in found)
