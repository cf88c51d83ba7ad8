"""Drawing of recipes: properties that hold for any tile."""

from __future__ import annotations

import json
import os
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from rendergateway import ImageError, MissingChannelError
from rendergateway.rendering import Channel, FilterStep, ImageAddress, Level, PathRule, Recipe, Sources, Tile, draw
from rendergateway.rendering.base import threads as threads_module
from rendergateway.rendering.base.cache import ByteCache
from rendergateway.rendering.filters.intensity import Invert
from rendergateway.rendering.filters.registry import FILTERS
from rendergateway.rendering.images.levels import average_scale, best_level, drawn_level
from rendergateway.rendering.pixels.band import Runs
from rendergateway.rendering.pixels.canvas import Canvas, converted
from rendergateway.rendering.pixels.patches import Patch
from rendergateway.transforms import AffineModel2D, PolynomialTransform2D, Transform, TransformList
from tests.rendering.conftest import Images, shift, texture

TURNED = AffineModel2D([[0.96, -0.2, 70.3], [0.21, 0.97, -30.1]])
BENT = PolynomialTransform2D([[5.0, 1.0, 0.0, 2e-6, 1e-6, 0.0], [-3.0, 0.0, 1.0, 0.0, -1e-6, 3e-6]])
FOLDED = PolynomialTransform2D([[0.0, 1.0, 0.0, -0.004, 0.0, 0.0], [0.0, 0.0, 1.0, 0.0, 0.0, 0.0]])
MIRRORED = AffineModel2D([[-1, 0, 400.5], [0, 1, 0.25]])


def test_shifted_tile__is_copied(images: Images) -> None:
    """A tile shifted by whole pixels is copied, except for its borders, whose positions the mesh rounds."""
    pixels = texture(300, 400)

    drawn = images.drawn(images.tile(pixels, shift(20, 30)), width=500, height=400)

    assert (drawn[31:329, 21:419] == pixels[1:-1, 1:-1]).all()
    drawn[30:329, 20:419] = 0
    assert not drawn.any()


@pytest.mark.parametrize("transform", [shift(3.25, 4.5), TURNED, MIRRORED, BENT, FOLDED])
def test_parts__make_up_the_whole(images: Images, transform: Transform) -> None:
    """An image drawn in parts equals the whole within one grey level, except for a few border pixels."""
    tile = images.tile(texture(420, 500), transform)

    whole = images.drawn(tile, width=480, height=480)
    parts = [
        [images.drawn(tile, x=x, y=y, width=120, height=120) for x in range(0, 480, 120)] for y in range(0, 480, 120)
    ]

    off = np.abs(np.block(parts).astype(int) - whole)
    assert whole.any()
    assert (off > 1).mean() < 0.002


@pytest.mark.parametrize("transform", [TURNED, MIRRORED, BENT])
@pytest.mark.parametrize("dtype", ["uint8", "uint16", "colour"])
def test_kinds_of_pixels__lie_in_one_place(images: Images, transform: Transform, dtype: str) -> None:
    """Images of all dtypes have the same placement."""
    grey = texture(420, 500)
    pixels = {"uint8": grey, "uint16": grey.astype(np.uint16) * 257, "colour": np.repeat(grey[..., None], 3, axis=2)}[
        dtype
    ]

    drawn = images.drawn(images.tile(pixels, transform), width=400, height=400)

    wanted = images.drawn(images.tile(grey, transform), width=400, height=400)
    seen = drawn / 257 if dtype == "uint16" else drawn[..., 1] if dtype == "colour" else drawn
    assert (np.abs(seen - wanted.astype(float)) > 1).mean() < 0.001


def test_mesh__bends_as_the_transform_does(images: Images) -> None:
    """A spot of a tile with a nonlinear transform is drawn at its transformed position."""
    pixels = np.full((1000, 1000), 20, dtype=np.uint8)
    spots = np.array([[100, 100], [900, 80], [500, 500], [120, 850], [880, 900]])
    for x, y in spots:
        cv2.circle(pixels, (int(x), int(y)), 6, 250, -1)

    drawn = images.drawn(images.tile(pixels, BENT), width=1010, height=1010)

    for x, y in BENT.apply(spots):
        left, top = int(x) - 20, int(y) - 20
        weights = drawn[top : top + 40, left : left + 40] - 20.0
        rows, columns = np.indices(weights.shape)
        found = (columns * weights).sum() / weights.sum() + left, (rows * weights).sum() / weights.sum() + top
        assert np.hypot(found[0] - x, found[1] - y) < 0.05


def test_later_tiles__cover_earlier_ones(images: Images) -> None:
    """Later tiles cover earlier ones, although they are read in parallel."""
    flat = [images.tile(np.full((60, 60), 10 * (n + 1), dtype=np.uint8), shift(10 * n, 0)) for n in range(12)]

    drawn = images.drawn(*flat, width=160, height=50)

    assert drawn[25, 5:115:10].tolist() == [10 * (n + 1) for n in range(11)]


def test_noninvertible__draws_nothing(images: Images) -> None:
    """A tile with a singular transform draws nothing."""
    tile = images.tile(texture(90, 90), AffineModel2D([[1, 0, 0], [1, 0, 0]]))

    assert not images.drawn(tile, width=100, height=100).any()


def test_masks__blend_and_give_opacity(images: Images) -> None:
    """A mask of one half blends both tiles equally; pixels without tiles are transparent."""
    below = images.tile(np.full((60, 60), 100, dtype=np.uint8))
    mask = np.full((60, 60), 128, dtype=np.uint8)
    above = images.tile(np.full((60, 60), 200, dtype=np.uint8), shift(20, 0), mask=mask)

    picture = draw(Recipe(tiles=(below, above), width=100, height=50), images.sources, coverage=True)

    assert picture.alpha is not None
    assert picture.pixels[12, [5, 30, 70]].tolist() == [100, 150, 100]
    assert picture.alpha[12, [5, 30, 70, 90]].tolist() == [255, 255, 128, 0]
    assert picture.coverage == pytest.approx((picture.alpha > 0).mean())


def test_binary_masks__cover_or_leave(images: Images) -> None:
    """With binary masks any value above 0 is opaque."""
    below = images.tile(np.full((60, 60), 100, dtype=np.uint8))
    mask = np.zeros((60, 60), dtype=np.uint8)
    mask[:, :30] = 1
    above = images.tile(np.full((60, 60), 200, dtype=np.uint8), mask=mask)

    assert images.drawn(below, above, width=50, height=50, binary_mask=True)[10, [5, 45]].tolist() == [200, 100]
    assert images.drawn(below, above, width=50, height=50, exclude_mask=True)[10, [5, 45]].tolist() == [200, 200]


def test_mask_of_another_size__counts_as_none(images: Images) -> None:
    """A mask of another size is ignored, but the image has an opacity channel."""
    tile = images.tile(texture(60, 60), mask=np.zeros((10, 10), dtype=np.uint8))

    picture = draw(Recipe(tiles=(tile,), width=50, height=50), images.sources)

    assert picture.alpha is not None
    assert (picture.alpha == 255).all()
    assert picture.pixels.all()


def test_coverage__tells_where_tiles_lie(images: Images) -> None:
    """Coverage is computed on request, also without masks."""
    tile = images.tile(np.zeros((41, 51), dtype=np.uint8))

    picture = draw(Recipe(tiles=(tile,), width=100, height=80), images.sources, coverage=True)

    assert picture.coverage == pytest.approx(51 * 41 / 8000)
    assert np.isnan(draw(Recipe(tiles=(tile,), width=100, height=80), images.sources).coverage)


def test_path_rule__finds_levels_that_are_not_listed(images: Images) -> None:
    """A level derived by the path rule is drawn if its file exists; otherwise the listed level is downsampled."""
    folder = images.folder / "levels" / "1"
    tile = images.tile(np.full((200, 200), 50, dtype=np.uint8))
    address = tile.channels[0].levels[0].image
    assert address is not None
    derived = folder / (address.url.lstrip("/") + ".png")
    derived.parent.mkdir(parents=True)
    cv2.imwrite(str(derived), np.full((100, 100), 90, dtype=np.uint8))
    rule = PathRule(str(images.folder / "levels"), 1, "png")
    ruled = Tile("ruled", tile.transform, (Channel(levels=tile.channels[0].levels, path_rule=rule),))

    assert images.drawn(ruled, width=150, height=150, scale=0.5)[30, 30] == 90
    derived.unlink()
    assert images.drawn(ruled, width=150, height=150, scale=0.5)[30, 30] == 50


def test_channels__are_chosen_and_averaged(images: Images) -> None:
    """One channel is drawn unchanged, several are averaged by weight."""
    one, two = (ImageAddress(images.save(f"{n}.png", np.full((80, 80), n, dtype=np.uint8))) for n in (40, 200))
    tile = Tile("t", TransformList(), (Channel("one", levels={0: Level(one)}), Channel("two", levels={0: Level(two)})))

    def at(*channels: tuple[str, float]) -> int:
        return int(images.drawn(tile, width=50, height=50, channels=channels)[20, 20])

    assert (at(("two", 0.1)), at(("one", 0.5), ("two", 0.5)), at(("none", 1.0))) == (200, 120, 0)
    with pytest.raises(MissingChannelError, match="'t' has no channel 'none'"):
        at(("one", 0.5), ("none", 0.5))


def test_noise__is_repeatable_with_a_seed(images: Images) -> None:
    """Filters that add noise are reproducible with a seed."""
    pixels = texture(120, 120)
    pixels[:40] = 0
    step = FilterStep("org.janelia.alignment.filter.ValueToNoise", {"value": "0", "min": "64", "max": "191"})
    tile, steps = images.tile(pixels), (step,)

    one, other, free = (images.drawn(tile, width=100, height=100, filters=steps, seed=seed) for seed in (7, 7, None))

    assert (one == other).all()
    assert (one != free).any()
    assert one[:40].min() >= 64
    assert one[:40].max() <= 191


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_fork__what_another_thread_reads_is_read_in_the_child() -> None:
    """A forked process can use a cache that another thread was filling."""
    cache: ByteCache[bytes] = ByteCache(100, len)
    cache.get("kept", lambda: b"1234")
    begun, done = threading.Event(), threading.Event()

    def slow() -> bytes:
        begun.set()
        done.wait()
        return b"parent"

    thread = threading.Thread(target=cache.get, args=("a", slow))
    thread.start()
    begun.wait()
    with cache._lock:
        child = os.fork()
        if not child:
            os._exit(0 if (cache.get("a", lambda: b"child"), cache.bytes) == (b"child", 9) else 1)
    done.set()
    thread.join()

    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert cache.get("a", lambda: b"again") == b"parent"


def test_busy__pictures_drawn_by_many_threads_are_the_same(images: Images) -> None:
    """With more images than cores in progress, each is drawn in its calling thread, with the same pixels."""
    recipe = Recipe(tiles=tuple(images.tile(texture(300, 300, n), shift(200 * n, n)) for n in range(6)), width=1200)
    alone = draw(recipe, images.sources).pixels

    with ThreadPoolExecutor(2 * (os.cpu_count() or 1) + 2) as threads:
        pictures = list(threads.map(lambda _: draw(recipe, Sources()).pixels, range(24)))

    assert all((picture == alone).all() for picture in pictures)
    assert threads_module._in_progress == set()


def test_busy__opencv_stays_in_the_thread_that_calls_it() -> None:
    """OpenCV is limited to one thread while images are in progress, and restored afterwards."""
    before = cv2.getNumThreads()
    cv2.setNumThreads(3)
    try:
        with threads_module.drawing():
            alone = cv2.getNumThreads()
            with threads_module.drawing():
                beside_another = cv2.getNumThreads()
            again = cv2.getNumThreads()
        afterwards = cv2.getNumThreads()
    finally:
        cv2.setNumThreads(before)

    assert (alone, beside_another, again, afterwards) == (1, 1, 1, 3)


def test_sources__large_images_lie_in_memory_of_their_own(images: Images) -> None:
    """A large image is cached in its own memory mapping, a small one on the heap; both are read-only."""
    large, small = texture(1100, 1000, 1), texture(300, 200, 2)

    def kept(pixels: npt.NDArray[Any]) -> npt.NDArray[Any]:
        address = images.tile(pixels, shift(0, 0)).channels[0].levels[0].image
        assert address is not None
        return images.sources.image(address)

    kept_large, kept_small = kept(large), kept(small)

    assert isinstance(kept_large.base, np.ndarray)
    assert kept_small.base is None
    for image, pixels in ((kept_large, large), (kept_small, small)):
        assert (image == pixels).all()
        assert not image.flags.writeable


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
@pytest.mark.parametrize("shape", [(300, 70), (5, 9, 3)])
def test_runs__cover_what_their_mask_does(shape: tuple[int, ...], dtype: type) -> None:
    """Runs are drawn like their mask, including empty ones."""
    random = np.random.default_rng(5)
    above: npt.NDArray[Any] = random.integers(1, 200, shape).astype(dtype)
    start = random.integers(0, 20 if shape[0] > 9 else shape[1], shape[0])
    stop = np.minimum(start + random.integers(-3, shape[1], shape[0]), shape[1])
    for runs in (Runs(start, stop, shape[1]), Runs(start // 4, shape[1] - start // 5, shape[1])):
        canvas = Canvas(shape[1], shape[0], masked=False)
        canvas.begin(above)
        canvas.add(Patch(0, 0, runs, [above]), above, None)
        inside = runs.as_mask().reshape(*shape[:2], *(1 for _ in shape[2:]))

        assert canvas.pixels is not None
        assert np.array_equal(canvas.pixels, np.where(inside > 0, above, 0))


@pytest.mark.parametrize("scale", [0.5, 0.25, 0.249999, 0.3, 0.1, 1.0, 3.0])
def test_level__is_that_of_the_fit(scale: float) -> None:
    """The level of an affine tile equals that of the fit, also far away and near a change of levels."""
    for turn in (0.0, 1e-9, 0.3):
        for offset in (0.0, 12345.678, 1e9, 1e15):
            turned = scale * np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
            map_ = AffineModel2D(np.column_stack([turned, [offset, -offset]]))
            for side in (64, 65, 128, 2048):
                fitted = best_level(average_scale(map_, side, side))
                assert drawn_level(map_, side, side, 64.0) == fitted, (turn, offset, side)


def test_threads__draw_the_same(images: Images) -> None:
    """Images drawn concurrently equal those drawn in sequence, and caches stay within their limits."""
    sources = Sources(cache_bytes=200_000, shape_bytes=100_000)
    tiles = tuple(images.tile(texture(300, 300, n), TransformList([BENT, shift(250 * n, 0)])) for n in range(4))
    recipes = [Recipe(tiles=tiles, x=100 * n, width=300, height=280) for n in range(8)]

    with ThreadPoolExecutor(4) as threads:
        together = list(threads.map(lambda recipe: draw(recipe, sources).pixels, recipes))

    assert all(
        (pixels == draw(recipe, Sources()).pixels).all() for pixels, recipe in zip(together, recipes, strict=True)
    )
    assert 0 < sources.cached_bytes <= 300_000


def test_image__is_decoded_once(images: Images) -> None:
    """An image requested by several threads is read once, and again when the file changes."""
    path, reads, ready = images.folder / "a.png", [], threading.Barrier(4)
    images.save("a.png", texture(50, 50))

    def opened(url: str) -> bytes | Path:
        reads.append(url)
        return Path(url)

    sources = Sources(opened)

    def read(_: int) -> npt.NDArray[Any]:
        ready.wait()
        return sources.image(ImageAddress(str(path)))

    with ThreadPoolExecutor(4) as threads:
        found = list(threads.map(read, range(4)))
    assert len({id(pixels) for pixels in found}) == 1

    images.save("a.png", texture(60, 50))
    assert sources.image(ImageAddress(str(path))).shape == (60, 50)


@pytest.mark.parametrize("where", ["recipe", "channel"])
def test_filters__once_per_version_of_an_image(images: Images, where: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """An image is filtered once, whichever part is drawn, and again for another window, filter or file."""
    calls, run = [], Invert._run

    def counted(one: Invert, pixels: Any, context: Any) -> Any:
        calls.append(pixels.shape)
        return run(one, pixels, context)

    monkeypatch.setattr(Invert, "_run", counted)
    invert = FilterStep("org.janelia.alignment.filter.Invert")
    first = texture(60, 80)
    more: Any = {"filters": (invert,)} if where == "recipe" else {}
    tile = images.tile(first, filter=None if more else invert)

    parts = [images.drawn(tile, x=x, width=30, height=20, **more) for x in (0, 40)]
    assert len(calls) == 1
    assert np.array_equal(parts[1], 255 - first[:20, 40:70])

    path = next(images.folder.iterdir())
    images.save(path.name, first[::-1].copy())
    os.utime(path, ns=(1, 1))
    assert np.array_equal(images.drawn(tile, width=30, height=20, **more), 255 - first[::-1][:20, :30])
    assert len(calls) == 2
    if where == "recipe":
        images.drawn(tile, max_intensity=100, **more)
        images.drawn(tile, filters=(invert, invert))
        assert len(calls) == 5


def test_filters__random_and_registered_ones_each_time(images: Images) -> None:
    """A filter that may return other pixels each time is applied for each picture."""
    calls: list[float] = []

    def own(pixels: Any, parameters: Any, scale: float, random: Any) -> Any:
        calls.append(scale)
        return pixels

    noise = FilterStep("org.janelia.alignment.filter.ValueToNoise", {"value": "0", "min": "1", "max": "255"})
    within = FilterStep("org.janelia.alignment.filter.CompositeFilter", {"filter0": json.dumps(_json_of(noise))})
    tile = images.tile(np.zeros((40, 40), dtype=np.uint8))
    for step in (noise, within):
        one, other = (images.drawn(tile, width=40, height=40, filters=(step,)) for _ in range(2))
        assert not np.array_equal(one, other)
    with FILTERS.registered("lab.Own", own):
        for _ in range(2):
            images.drawn(tile, filters=(FilterStep("lab.Own"),))
    assert len(calls) == 2


def _json_of(step: FilterStep) -> dict[str, Any]:
    return {"className": step.class_name, "parameters": step.parameters}


def test_failed_image__is_tried_again(images: Images) -> None:
    """Failures are not cached: a file that appears later is read."""
    tile = images.tile(str(images.folder / "late.png"))
    with pytest.raises(ImageError, match=r"tile 'late', image '.*late\.png': file not found"):
        images.drawn(tile)

    images.save("late.png", texture(100, 100))

    assert images.drawn(tile, width=50, height=50).any()


def test_cache__larger_than_its_limit(images: Images) -> None:
    """A value above the limit of a cache is returned and not kept, and does not push out others."""
    cache = ByteCache[bytes](10, len)
    cache.get("small", lambda: b"12345")

    assert cache.get("large", lambda: b"12345678901") == b"12345678901"
    assert cache.bytes == 5
    assert cache.get("large", lambda: b"again") == b"again"
    assert cache.get("small", lambda: b"") == b"12345"


def test_cache__changed_file_of_equal_size(images: Images) -> None:
    """A changed image file is read again, also if its size is the same."""
    path = Path(images.save("a.bmp", np.full((8, 8), 1, dtype=np.uint8)))
    address = ImageAddress(str(path))
    before = path.stat()
    assert images.sources.image(address).max() == 1

    images.save("a.bmp", np.full((8, 8), 2, dtype=np.uint8))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns + 1_000_000))

    assert path.stat().st_size == before.st_size
    assert images.sources.image(address).min() == 2


@pytest.mark.parametrize("colour", [(255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 0)])
def test_masks__over_pure_colours(images: Images, colour: tuple[int, int, int]) -> None:
    """Under a mask only black counts as empty: a pure colour is blended like any other."""
    below = images.tile(np.full((60, 60, 3), colour, dtype=np.uint8))
    mask = np.full((60, 60), 128, dtype=np.uint8)
    above = images.tile(np.zeros((60, 60, 3), dtype=np.uint8), mask=mask)

    assert images.drawn(below, above, width=50, height=50)[12, 30].tolist() == [one // 2 for one in colour]


def test_masks__opacity_of_colours_is_truncated(images: Images) -> None:
    """Where two masks overlap, the opacity of a colour picture is truncated, that of a grey one rounded."""
    mask = np.full((60, 60), 105, dtype=np.uint8)

    def opacity(pixels: npt.NDArray[Any]) -> int:
        tiles = (images.tile(pixels, mask=mask), images.tile(pixels, mask=mask))
        picture = draw(Recipe(tiles=tiles, width=50, height=50), images.sources)
        assert picture.alpha is not None
        return int(picture.alpha[20, 9])

    # 255 · (1 − (1 − 105 / 255)²) = 166.76
    assert opacity(np.full((60, 60, 3), (90, 100, 110), dtype=np.uint8)) == 166
    assert opacity(np.full((60, 60), 100, dtype=np.uint8)) == 167


def test_colours__on_a_canvas_of_fractions_are_not_rounded() -> None:
    """A colour tile on a canvas of fractions has the mean of its colours, on one of integers the rounded mean."""
    colours = np.array([[[10, 20, 31]]], dtype=np.uint8)

    assert converted(colours, np.zeros((1, 1), np.float32), (0, 255)).tolist() == [[pytest.approx(61 / 3)]]
    assert converted(colours, np.zeros((1, 1), np.uint16), (0, 255)).tolist() == [[20]]


def test_tile_without_mask__among_masks_has_no_border(images: Images) -> None:
    """The last row and column of a tile without a mask are left out if another tile has one: the tile below shows."""
    below = images.tile(np.full((80, 80), 100, dtype=np.uint8), mask=np.full((80, 80), 255, dtype=np.uint8))
    above = images.tile(np.full((40, 40), 200, dtype=np.uint8), shift(10, 10))
    alone = images.tile(np.full((40, 40), 200, dtype=np.uint8), shift(300, 10))

    for width in (400, 2000):
        picture = draw(Recipe(tiles=(below, above, alone), width=width, height=90), images.sources)

        assert picture.alpha is not None
        assert picture.pixels[30, [48, 49, 50]].tolist() == [200, 100, 100]
        assert picture.pixels[[48, 49, 50], 30].tolist() == [200, 100, 100]
        assert picture.alpha[30, [338, 339, 340]].tolist() == [255, 0, 0]
