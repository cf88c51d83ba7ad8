"""Filters return the pixels of the service's own classes, and keep to what holds for all images."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import tifffile

from rendergateway.rendering import FilterStep
from rendergateway.rendering.filters.filter import FilterContext
from rendergateway.rendering.filters.registry import applied, built

CASES = Path(__file__).parents[1] / "cases" / "filters"
PACKAGE = "org.janelia.alignment.filter"

NAMED: list[dict[str, Any]] = json.loads((CASES / "cases.json").read_text())
WORKED: list[dict[str, Any]] = json.loads((CASES / "worked_8x8.json").read_text())

Pixels = npt.NDArray[Any]


def run(
    name: str,
    pixels: Pixels,
    parameters: dict[str, str] | None = None,
    *,
    scale: float = 1.0,
    window: Any = None,
    **more: str,
) -> Pixels:
    """Return *pixels* filtered by one class of the main package."""
    step = FilterStep(f"{PACKAGE}.{name}", {**(parameters or {}), **more})
    context = FilterContext(scale, None if window is None else tuple(window), np.random.default_rng(1))
    return applied(pixels, [built(step)], context)


def noise(dtype: str, *shape: int) -> Pixels:
    values = np.random.default_rng(7).random(shape)
    return values.astype(dtype) if dtype == "float32" else (values * np.iinfo(dtype).max).astype(dtype)


TYPES = ("uint8", "uint16", "float32")


# -- recorded ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("case", NAMED, ids=lambda case: case["expected"][9:-4])
def test_filter__equals_the_original(case: dict[str, Any]) -> None:
    """Each filter returns the pixels of the original class, to the bit."""
    spec, window = case["filterSpec"], case["window"]
    context = FilterContext(case["scale"], None if window is None else tuple(window))
    pixels = tifffile.imread(CASES / case["input"])
    before = pixels.copy()

    found = applied(pixels, [built(FilterStep(spec["className"], spec["parameters"]))], context)

    expected = tifffile.imread(CASES / case["expected"])
    assert found.dtype == expected.dtype
    assert np.array_equal(found, expected, equal_nan=expected.dtype.kind == "f")
    assert np.array_equal(pixels, before)


@pytest.mark.parametrize("case", WORKED, ids=lambda case: f"{case['class']}-{case['dtype']}")
def test_filter__equals_worked_numbers(case: dict[str, Any]) -> None:
    """Each filter returns the worked numbers of an 8 × 8 image."""
    y, x = np.mgrid[:8, :8]
    pixels = ((37 * x + 91 * y + 13 * x * y) % 251).astype(np.uint8)
    if case["dtype"] == "u16":
        pixels = pixels.astype(np.uint16) * 257

    found = run(case["class"], pixels, case["parameters"], scale=case["scale"])

    assert found.tolist() == case["result"]


# -- CLAHE against its definition ------------------------------------------------------------------------------------


def clipped(histogram: list[int], limit: int) -> list[int]:
    """Clip one histogram, entry by entry."""
    entries, excess = len(histogram), 0
    while True:
        before, excess = excess, sum(max(entry - limit, 0) for entry in histogram)
        histogram = [min(entry, limit) + excess // entries for entry in histogram]
        rest = excess % entries
        if rest:
            step = (entries - 1) // rest
            for place in range(step // 2, entries, step):
                histogram[place] += 1
        if excess == before:
            return histogram


@pytest.mark.parametrize(("radius", "bins", "slope"), [(3, 64, 2.0), (6, 256, 1.2), (30, 16, 4.0), (2, 40, 0.0)])
def test_clahe__window_of_each_pixel(radius: int, bins: int, slope: float) -> None:
    """The exact variant equalizes each pixel by the histogram of its own window."""
    pixels = noise("uint8", 19, 23) // 3
    levels = (pixels.astype(np.float32) / np.float32(255) * np.float32(bins) + np.float32(0.5)).astype(int)

    found = run("CLAHE", pixels, fast="false", blockRadius=str(radius), bins=str(bins), slope=str(slope))

    for y, x in ((0, 0), (9, 11), (18, 22), (5, 20)):
        window = levels[max(y - radius, 0) : y + radius + 1, max(x - radius, 0) : x + radius + 1]
        # The last column of images narrower than the radius is never counted.
        counted = window[:, :-1] if radius >= pixels.shape[1] else window
        area = np.float32(window.size)
        limit = int(np.float32(slope) * area / np.float32(bins) + np.float32(0.5))
        histogram = clipped(np.bincount(counted.ravel(), minlength=bins + 1).tolist(), limit)
        first = next((place for place, entry in enumerate(histogram[:-1]) if entry), bins)
        part = sum(histogram[first + 1 : levels[y, x] + 1])
        share = np.float32(part) / np.float32(sum(histogram[first + 1 :]) or 1)
        assert found[y, x] == int(share * np.float32(255) + np.float32(0.5)), (y, x)


def test_clahe__variants_agree_on_the_centre_of_a_block() -> None:
    """At the centre of a block that is not cut both variants are the same."""
    pixels = noise("uint8", 45, 45)

    fast, slow = (run("CLAHE", pixels, fast=fast, blockRadius="7", bins="128", slope="3") for fast in ("true", "false"))

    assert np.array_equal(fast[8:38:15, 8:38:15], slow[8:38:15, 8:38:15])


# -- what holds for all images ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("radius", [0, 1, 3, 12])
def test_rank__of_the_disk_around_each_pixel(dtype: str, radius: int) -> None:
    """Each rank is the statistic of the pixels of the disk, those of the edge repeated."""
    pixels = noise(dtype, 21, 17)
    square = radius * radius + 1
    reach = int(np.sqrt(square))
    padded = np.pad(pixels, reach, mode="edge")
    seen = np.array(
        [
            padded[reach + y : reach + y + 21, reach + x : reach + x + 17]
            for y in range(-reach, reach + 1)
            for x in range(-reach, reach + 1)
            if x * x + y * y <= square
        ],
        dtype=np.float64,
    )
    most = np.inf if dtype == "float32" else np.iinfo(dtype).max
    expected = [seen.mean(0), seen.min(0), seen.max(0), np.minimum(seen.var(0), most), np.median(seen, 0)]

    for kind, values in enumerate(expected):
        found = run("Rank", pixels, radius=str(radius), filterType=str(kind))
        # Values are rounded to single precision, then to whole numbers.
        near = 1e-6 if dtype == "float32" else 0.503
        assert np.abs(found - values).max() <= near, kind


@pytest.mark.parametrize("kind", range(5))
def test_rank__values_that_are_not_finite_stay_local(kind: int) -> None:
    """NaN and infinities change the pixels of the disk around them only; median, minimum and maximum skip NaN."""
    pixels = noise("float32", 30, 40)
    odd = pixels.copy()
    odd[15, 20], odd[5, 5] = np.nan, np.inf

    clean, found = (run("Rank", image, radius="2", filterType=str(kind)) for image in (pixels, odd))

    far = np.ones(pixels.shape, bool)
    far[13:18, 18:23] = far[3:8, 3:8] = False
    assert np.array_equal(found[far], clean[far])
    assert np.isnan(found[15, 20]) == (kind in (0, 3))


def test_rank__skips_nan() -> None:
    """Minimum and maximum are those of the pixels of the disk that are not NaN."""
    pixels = noise("float32", 40, 50)
    pixels[noise("float32", 50, 40).T > 0.7] = np.nan
    seen = np.lib.stride_tricks.sliding_window_view(np.pad(pixels, 1, mode="edge"), (3, 3))

    least, most = (run("Rank", pixels, radius="1", filterType=kind) for kind in "12")

    assert np.array_equal(least, np.nanmin(seen, axis=(2, 3)))
    assert np.array_equal(most, np.nanmax(seen, axis=(2, 3)))


def test_median__many_and_few_pixels() -> None:
    """The two ways to find a median agree."""
    pixels = noise("uint16", 60, 50)
    wide = pixels.astype(np.float32)
    wide[0, 0] = np.nan

    few, many = (run("Rank", image, radius="4", filterType="4") for image in (pixels, wide))

    assert np.array_equal(few[10:, 10:], many[10:, 10:])


@pytest.mark.parametrize("radius", [3, 20, 60, 110])
def test_rolling_ball__background_is_below_the_image(radius: int) -> None:
    """A constant is removed, whatever the radius; an image darker by a constant has the same details."""
    pixels = noise("uint8", 70, 90) // 2

    found, darker = (run("RollingBallSubtraction", image, radius=str(radius)) for image in (pixels + 100, pixels))

    # The background is interpolated in single precision.
    assert np.abs(found.astype(int) - darker).max() <= (radius > 10)
    assert not run("RollingBallSubtraction", np.full((70, 90), 77, np.uint8), radius=str(radius)).any()


@pytest.mark.parametrize("dtype", TYPES)
def test_local_contrast__of_the_block_around_each_pixel(dtype: str) -> None:
    """Each pixel is stretched between mean ± some deviations of its block."""
    pixels = noise(dtype, 24, 31)
    high = 1.0 if dtype == "float32" else float(np.iinfo(dtype).max)
    parameters = {"blockRadiusX": "4", "blockRadiusY": "2", "meanFactor": "3", "center": "true", "stretch": "true"}

    found = run("NormalizeLocalContrast", pixels, parameters, window=(0, high))

    for y, x in ((0, 0), (12, 15), (23, 30)):
        block = pixels[max(y - 2, 0) : y + 3, max(x - 4, 0) : x + 5].astype(np.float64)
        reach = 3 * block.std(ddof=1)
        expected = (float(pixels[y, x]) - (block.mean() - reach)) / (2 * reach) * high
        assert abs(found[y, x] - expected) <= 1e-6 * high + (0.5 if dtype != "float32" else 0)


@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
def test_equalize__keeps_the_order_of_grey_levels(dtype: str) -> None:
    """A brighter pixel stays brighter, and both ends of the range are reached."""
    pixels = noise(dtype, 40, 40)
    pixels[0, :2] = 0, np.iinfo(dtype).max

    found = run("EqualizeHistogram", pixels, saturatedPixels="0")

    order = np.argsort(pixels, axis=None)
    assert (np.diff(found.ravel()[order].astype(int)) >= 0).all()
    assert (int(found.min()), int(found.max())) == (0, np.iinfo(dtype).max)


BLOCKS = {"blockRadiusX": "5", "blockRadiusY": "3", "meanFactor": "2", "center": "true", "stretch": "true"}
BY_GREY_LEVEL = {
    "CLAHE": {"fast": "true", "blockRadius": "5", "bins": "64", "slope": "2"},
    "EqualizeHistogram": {"saturatedPixels": "0"},
}
BY_PLANE = [
    ("NormalizeLocalContrast", BLOCKS),
    ("Rank", {"radius": "2", "filterType": "4"}),
    ("Rank", {"radius": "2", "filterType": "3"}),
    ("RollingBallSubtraction", {"radius": "6"}),
    ("Invert", {}),
]


@pytest.mark.parametrize(("name", "parameters"), BY_PLANE, ids=lambda value: value if isinstance(value, str) else "")
def test_colours__plane_by_plane(name: str, parameters: dict[str, str]) -> None:
    """Each plane of a colour image is filtered by itself."""
    pixels = noise("uint8", 30, 36, 3)

    found = run(name, pixels, parameters)

    planes = [run(name, np.ascontiguousarray(pixels[..., plane]), parameters) for plane in range(3)]
    assert np.array_equal(found, np.stack(planes, axis=2))


@pytest.mark.parametrize(("name", "parameters"), BY_GREY_LEVEL.items(), ids=BY_GREY_LEVEL)
def test_colours__by_their_grey_level(name: str, parameters: dict[str, str]) -> None:
    """Colours whose planes are equal are filtered like the grey image, except for black, which stays black."""
    grey = noise("uint8", 30, 36)
    pixels = np.repeat(grey[..., np.newaxis], 3, axis=2)

    found, plain = run(name, pixels, parameters), run(name, grey, parameters)

    assert np.array_equal(found[..., 0], found[..., 2])
    assert np.array_equal(found[grey > 0][:, 1], plain[grey > 0])


# -- windows and scale -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("dtype", "window", "limits"),
    [
        ("uint8", None, (0, 255)),
        ("uint8", (20.5, 99.4), (21, 99)),
        ("uint8", (99, 20), (0, 255)),
        ("uint16", None, (3, 900)),
        ("uint16", (0, 0), (3, 900)),
        ("uint16", (-5, 70000), (0, 65535)),
        ("uint16", (2.9, 9.9), (2, 9)),
        ("float32", None, (3, 900)),
        ("float32", (0, 0), (3, 900)),
        ("float32", (0.1, 0.2), (float(np.float32(0.1)), float(np.float32(0.2)))),
    ],
)
def test_window__as_a_filter_sees_it(dtype: str, window: tuple[float, float] | None, limits: Any) -> None:
    """The display window is rounded and limited by the type of the pixels; unset, deep images have their own range."""
    values = [3, 40, 900] if dtype != "float32" else [3, np.nan, np.inf, 900]
    pixels = np.array([values]).clip(0, 255 if dtype == "uint8" else None).astype(dtype)

    assert FilterContext(window=window).limits(pixels) == limits


def test_window__of_colours() -> None:
    """The window of a colour image counts as that of bytes."""
    pixels = np.zeros((2, 2, 3), np.uint8)

    assert FilterContext().limits(pixels) == (0, 255)
    assert FilterContext(window=(0, 100)).limits(pixels) == (0, 100)


@pytest.mark.parametrize(("radius", "scale", "pixels"), [(5, 0.5, 3), (5, 0.25, 1), (1, 0.25, 0), (-3, 0.5, -1)])
def test_radius__shrinks_with_the_level(radius: float, scale: float, pixels: int) -> None:
    """Radii are rounded half up at the scale of the level."""
    assert FilterContext(scale).radius(radius) == pixels


# -- noise -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", TYPES)
def test_noise__replaces_one_value(dtype: str) -> None:
    """Only pixels of the value change, to values of the range."""
    pixels = np.tile(np.array([7, 8], dtype), (40, 50))

    found = run("ValueToNoise", pixels, value="8", min="20", max="23")

    assert (found[:, ::2] == 7).all()
    drawn = found[:, 1::2]
    assert drawn.min() >= 20
    assert drawn.max() <= 23
    assert dtype == "float32" or set(np.unique(drawn)) == {20, 21, 22, 23}


def test_noise__of_odd_values() -> None:
    """NaN matches NaN, packed colours are compared, large values wrap, an empty range changes nothing."""
    fractions = np.array([[1, np.nan]], np.float32)
    colours = np.array([[[16, 48, 80], [16, 48, 81]]], np.uint8)
    grey = np.array([[5, 6]], np.uint8)

    assert run("ValueToNoise", fractions, value="NaN", min="2", max="2").tolist() == [[1, 2]]
    found = run("ValueToNoise", colours, value=str(0x103050), min="9", max="9")
    assert found.tolist() == [[[9, 9, 9], [16, 48, 81]]]
    assert run("ValueToNoise", grey, value="5.5", min="260", max="260").tolist() == [[5, 4]]
    assert run("ValueToNoise", grey, value="5", min="9", max="8").tolist() == [[5, 6]]
