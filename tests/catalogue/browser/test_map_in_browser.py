"""The map of a section in a real browser: pictures and outlines on the right pixels, zoomed and panned."""

from __future__ import annotations

import base64
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import numpy as np
import numpy.typing as npt
import pytest

from rendergateway import Bounds
from rendergateway.links import neuroglancer_state
from tests.catalogue.browser.conftest import Site, Tab, sample
from tests.catalogue.conftest import MONTAGE

SECTION = f"{MONTAGE}z/2.0/"
_EDGE_PX = 8
# Reads the pixels in the middle of the map, and the box of the world that they show.
READ = """(() => {
  const map = document.querySelector('[data-map]').sectionMap;
  map.paint();
  const { canvas, view } = map;
  const [width, height] = [Math.min(canvas.width, 640), Math.min(canvas.height, 420)];
  const [left, top] = [Math.floor((canvas.width - width) / 2), Math.floor((canvas.height - height) / 2)];
  const data = canvas.getContext('2d').getImageData(left, top, width, height).data;
  const box = [...view.toWorld(left, top), ...view.toWorld(left + width, top + height)];
  const text = Array.from(data, (value) => String.fromCharCode(value)).join('');
  return { width, height, box, scale: view.scale, data: btoa(text) };
})()"""


def pixels_of(tab: Tab) -> tuple[npt.NDArray[np.uint8], list[float], float]:
    """Return pixels of the map (H, W, 4), the box of the world that they show, and the scale of the view."""
    found = tab.page.evaluate(READ)
    pixels = np.frombuffer(base64.b64decode(found["data"]), dtype=np.uint8).reshape(found["height"], found["width"], 4)
    return pixels, found["box"], found["scale"]


def show(tab: Tab, x: float, y: float, scale: float, *, outlines: bool, pictures: bool) -> None:
    """Show a place of the world, and wait until it is drawn."""
    tab.page.locator("[data-outlines]").set_checked(outlines)
    tab.page.locator("[data-pictures]").set_checked(pictures)
    tab.page.evaluate(f"document.querySelector('[data-map]').sectionMap.view.set({x}, {y}, {scale})")
    tab.page.wait_for_timeout(100)
    tab.page.wait_for_selector("[data-map][data-ready=true]")
    tab.until("document.querySelector('[data-map]').sectionMap.layer.pictureQueue.running === 0")


@pytest.mark.parametrize(("x", "y", "scale"), sample([(480, 470, 0.5), (300, 620, 1.0), (610, 250, 2.0)]))
def test_map__picture_on_the_right_pixels(wide: Tab, site: Site, x: float, y: float, scale: float) -> None:
    """The map shows what section.image() draws of the same box, also zoomed and panned."""
    wide.open(SECTION)
    show(wide, x, y, scale, outlines=False, pictures=True)
    pixels, box, _ = pixels_of(wide)

    section = site.gateway.stack("montage").section(2)
    size = round(100 / max(scale, 0.5))
    middle = Bounds(x - size, y - size, x + size, y + size)
    wanted = np.asarray(section.image(middle), dtype=float)
    if wanted.ndim == 3:
        wanted = wanted.mean(axis=2)
    rows, columns = (np.arange(2 * size) + 0.5 for _ in range(2))
    at_x = ((middle.min_x + columns - box[0]) * scale).astype(int)
    at_y = ((middle.min_y + rows - box[1]) * scale).astype(int)
    shown = pixels[np.ix_(at_y, at_x)][:, :, :3].mean(axis=2)

    def alike(shift: tuple[int, int]) -> float:
        moved = np.roll(wanted, shift, axis=(0, 1))
        return float(np.corrcoef(shown[20:-20, 20:-20].ravel(), moved[20:-20, 20:-20].ravel())[0, 1])

    correlation = {shift: alike(shift) for shift in ((0, 0), (0, 4), (4, 0), (0, -4), (-4, 0))}
    assert correlation[0, 0] > 0.95
    assert max(correlation, key=lambda shift: correlation[shift]) == (0, 0)


@pytest.mark.parametrize(("x", "y", "scale"), sample([(300, 620, 1.5), (480, 470, 0.5)]))
def test_map__outlines_on_the_right_pixels(wide: Tab, site: Site, x: float, y: float, scale: float) -> None:
    """Each pixel of an outline is on the transformed border of a tile, and each border has an outline."""
    wide.open(SECTION)
    show(wide, x, y, scale, outlines=True, pictures=False)
    pixels, box, _ = pixels_of(wide)
    drawn = np.argwhere(pixels[:, :, 3] > 150)[:, ::-1] + 0.5

    along = np.linspace(0, 512, 200)
    border = np.concatenate([
        np.stack([along, np.full(200, edge)], axis=1)[:, order] for edge in (0, 512) for order in ([0, 1], [1, 0])
    ])  # fmt: skip
    tiles = site.gateway.stack("montage").section(2).tiles()
    world = np.concatenate([tile.world_from_local(border) for tile in tiles])
    expected = (world - box[:2]) * scale
    height, width = pixels.shape[:2]
    # Near the border, the nearest pixel of a line may be outside of the pixels that were read.
    inside = expected[
        (expected > _EDGE_PX).all(axis=1) & (expected < [width - _EDGE_PX, height - _EDGE_PX]).all(axis=1)
    ]

    # An outline has eight points, so it is a straight line where a lens bends a border by a pixel or two.
    assert len(drawn) > 500
    assert len(inside) > 100
    assert _nearest(drawn, expected).max() < 2 + 2 * scale
    assert _nearest(inside, drawn).max() < 2 + 2 * scale


def _nearest(points: npt.NDArray[Any], others: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    """Return the distance of each point to the nearest of the others."""
    found = [np.hypot(*(others - point).T).min() for point in points[:: max(1, len(points) // 1500)]]
    return np.array(found)


def test_map__tile_under_the_pointer(wide: Tab, site: Site) -> None:
    """A click names the tile on top, and links to it."""
    page = wide.open(SECTION)
    show(wide, 480, 470, 0.5, outlines=True, pictures=True)
    (tile,) = {tile.tile_id for tile in site.gateway.stack("montage").tiles(z=2, box=(200, 200, 201, 201))}
    canvas = page.locator("[data-map] canvas")
    box = canvas.bounding_box()
    assert box is not None

    canvas.click(position={"x": box["width"] / 2 + (200 - 480) * 0.5, "y": box["height"] / 2 + (200 - 470) * 0.5})
    page.locator(".map-found").get_by_role("link", name="Tile", exact=True).click()

    assert page.locator("h1").inner_text() == tile


def test_map__links_of_a_tile(wide: Tab, site: Site) -> None:
    """The menu of a tile leads to its neighbours, its matches and its spec, and to its middle in other viewers."""
    hosts = "render=http://render.example.org&catmaid=https://catmaid.example.org"
    page = wide.open(f"{SECTION}?{hosts}")
    show(wide, 480, 470, 0.5, outlines=True, pictures=True)
    tile = site.gateway.stack("montage").tile("s2_r0_c0")
    assert tile.bounds is not None
    middle = [(getattr(tile.bounds, f"min_{axis}") + getattr(tile.bounds, f"max_{axis}")) / 2 for axis in "xy"]

    page.evaluate("document.querySelector('[data-map]').sectionMap.select([200, 200])")
    links = {one.inner_text(): one.get_attribute("href") or "" for one in page.locator(".map-found a").all()}

    assert list(links)[:6] == [
        "Tile", "Immediate neighbours", "Neighbourhood", "Matches in 3D", "Picture", "Tile spec"
    ]  # fmt: skip
    for name in list(links)[:6]:
        assert page.request.get(links[name]).ok, name
    assert all(hosts_kept(links[name]) for name in list(links)[:4])
    state = neuroglancer_state(links["Neuroglancer neuroglancer-demo.appspot.com"])
    assert state["position"] == pytest.approx([*middle, 2.0], abs=2)
    assert state["layers"][0]["source"].startswith("render://http://render.example.org/")
    for level in (1, 2, 3):
        url = urlsplit(links[f"CATMAID level {level} catmaid.example.org"])
        query = dict(parse_qsl(url.query))
        assert (url.netloc, query["s0"], float(query["zp"])) == ("catmaid.example.org", str(level), 2 * 40)
        assert [float(query["xp"]), float(query["yp"])] == pytest.approx([4 * side for side in middle], abs=8)
    assert wide.problems == []


def hosts_kept(url: str) -> bool:
    return {("render", "http://render.example.org"), ("catmaid", "https://catmaid.example.org")} <= set(
        parse_qsl(urlsplit(url).query)
    )


@pytest.mark.parametrize("way", ["over the buttons of z", "with Shift over the map"])
def test_map__wheel_steps_z(wide: Tab, way: str) -> None:
    """The wheel opens the next and the previous section with the same view, and stops at the last one."""
    page = wide.open(SECTION)
    view = "(({ x, y, scale }) => [x, y, scale])(document.querySelector('[data-map]').sectionMap.view)"
    place = page.locator("[data-wheel-z] span" if way.startswith("over") else "[data-map] canvas")
    page.locator("[data-map] canvas").focus()
    page.keyboard.press("+")
    first = page.evaluate(view)

    def turn(by: int) -> None:
        place.hover()
        if way.startswith("with"):
            page.keyboard.down("Shift")
        page.mouse.wheel(0, by)
        page.keyboard.up("Shift")

    turn(120)
    page.wait_for_url("**/z/3.0/**")
    page.wait_for_selector("[data-map][data-ready=true]")
    assert page.evaluate(view) == pytest.approx(first, rel=1e-4)
    turn(120)
    page.get_by_text("There is no further section.").wait_for()
    turn(-120)
    page.wait_for_url("**/z/2.0/**")
    assert wide.problems == []


def test_map__address_of_the_view(wide: Tab) -> None:
    """The address of a view restores its place, its colours, its hosts and the size of its outlines."""
    page = wide.open(f"{SECTION}?catmaid=catmaid.example.org")
    page.locator("[data-colour]").select_option("row")
    page.locator("[data-size]").fill("50")
    page.locator("[data-map] canvas").focus()
    page.keyboard.press("+")
    view = "(({ x, y, scale }) => [x, y, scale])(document.querySelector('[data-map]').sectionMap.view)"
    first = page.evaluate(view)

    link = page.get_by_role("link", name="Address of this view")
    link.focus()
    address = link.get_attribute("href") or ""
    page.goto("about:blank")
    wide.open(address.removeprefix(wide.site.url))

    assert page.evaluate(view) == pytest.approx(first, rel=1e-4)
    assert (page.locator("[data-colour]").input_value(), page.locator("[data-size]").input_value()) == ("row", "50")
    assert page.get_by_label("CATMAID").input_value() == "http://catmaid.example.org"
    assert wide.problems == []


def test_map__keys(wide: Tab) -> None:
    """Keys move, zoom and fit the map; Page Down opens the next section with the same view and colours."""
    page = wide.open(SECTION)
    page.locator("[data-colour]").select_option("column")
    page.locator("[data-map] canvas").focus()
    view = "(({ x, y, scale }) => [x, y, scale])(document.querySelector('[data-map]').sectionMap.view)"
    first = page.evaluate(view)

    page.keyboard.press("+")
    page.keyboard.press("ArrowRight")
    moved = page.evaluate(view)
    page.keyboard.press("PageDown")
    page.wait_for_url("**/z/3.0/**")
    page.wait_for_selector("[data-map][data-ready=true]")
    kept = page.evaluate(view)
    assert page.locator("[data-colour]").input_value() == "column"
    page.keyboard.press("PageUp")
    page.wait_for_url("**/z/2.0/**")
    page.wait_for_selector("[data-map][data-ready=true]")
    page.keyboard.press("0")

    assert moved[2] == pytest.approx(1.5 * first[2])
    assert moved[0] == pytest.approx(first[0] + 60 / moved[2])
    assert kept == pytest.approx(moved, rel=1e-4)
    assert page.evaluate(view) == pytest.approx(first, rel=1e-4)
    assert wide.problems == []


@pytest.mark.parametrize(
    ("mode", "words"),
    [
        ("column", "0 1"),
        ("row", "0 1"),
        ("cluster", "4 tiles"),
        ("residual", "px and more"),
        ("residual-z", "px and more"),
        ("missing", "0 without matches"),
    ],
)
def test_map__colours(wide: Tab, mode: str, words: str) -> None:
    """Tiles are coloured by their properties and by their matches, with a legend."""
    page = wide.open(SECTION)

    page.locator("[data-colour]").select_option(mode)
    wide.until(f"document.querySelector('.map-legend').innerText.replace(/\\s+/g, ' ').includes('{words}')")

    assert wide.problems == []


def test_map__size_of_the_outlines(wide: Tab) -> None:
    """Smaller outlines separate tiles that overlap: their borders are drawn nearer to their middles."""
    page = wide.open(SECTION)
    show(wide, 480, 470, 0.5, outlines=True, pictures=False)
    whole = pixels_of(wide)[0][:, :, 3] > 150
    page.locator("[data-size]").fill("50")
    half, box, scale = pixels_of(wide)

    across = np.argwhere(half[:, :, 3] > 150)
    assert 0 < len(across) < 0.8 * whole.sum()
    x = box[0] + across[:, 1] / scale
    # Tiles are 512 px wide and 448 px apart: halves are around 128 … 384 and 576 … 832.
    assert not ((x > 400) & (x < 560)).any()


def test_map__fits_the_stack(wide: Tab, site: Site) -> None:
    """A button shows the bounds of the whole stack, so that sections can be compared."""
    page = wide.open(SECTION)
    page.get_by_role("button", name="Fit stack").click()

    box = site.gateway.stack("montage").bounds
    assert box is not None
    assert page.evaluate("document.querySelector('[data-map]').sectionMap.view.x") == (box.min_x + box.max_x) / 2


def test_map__only_what_is_seen(wide: Tab) -> None:
    """Zoomed in, outlines of far tiles are not requested, and pictures appear once they show few enough tiles."""
    requested: list[str] = []
    wide.page.on("request", lambda one: requested.append(one.url))
    wide.page.goto(f"{wide.site.url}/owner/lab/project/cortex/stack/many/z/1.0/#x=300&y=300&scale=1")
    wide.page.wait_for_selector("[data-map][data-ready=true]")

    assert len([url for url in requested if "/pieces/" in url]) == 1
    wide.page.locator("[data-fit]").click()
    wide.until("document.querySelector('[data-map]').sectionMap.layer.pieces.every(one => one.data)")
    assert "zoom in for the picture" in wide.page.locator(".map-status").inner_text()
