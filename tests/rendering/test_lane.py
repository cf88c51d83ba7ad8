"""The drawing lane: pictures of any size equal those of the service's rule, applied to each pixel."""

from __future__ import annotations

from typing import Any

import attrs
import numpy as np
import numpy.typing as npt
import pytest

from rendergateway.rendering import Recipe, Tile, draw
from rendergateway.rendering.base.cache import ByteCache
from rendergateway.rendering.pixels import sampling
from rendergateway.rendering.pixels.band import Box
from rendergateway.rendering.pixels.half_places import HalfPlaces
from rendergateway.rendering.pixels.patches import Placement, ShapeCache
from rendergateway.rendering.pixels.places import AffinePlaces, MappedPlaces, rounding
from rendergateway.rendering.placement import triangles
from rendergateway.rendering.placement.affine import AffinePlacement
from rendergateway.rendering.placement.mesh import MeshPlacement, image_mesh
from rendergateway.rendering.placement.placement import place
from rendergateway.transforms import AffineModel2D, PolynomialTransform2D, Transform, TransformList
from rendergateway.transforms.base.matrices import inverse_affines
from rendergateway.transforms.meshes.mesh import mesh_triangles, mesh_vertices
from tests.rendering.conftest import Images, shift, texture

WIDTH, HEIGHT = 340, 300
CANVAS = 360, 310
TURNED = AffineModel2D([[0.96, -0.2, 70.3], [0.21, 0.97, -30.1]])
BENT = PolynomialTransform2D([[5.0, 1.0, 0.0, 2e-5, 1e-5, 0.0], [-3.0, 0.0, 1.0, 0.0, -1e-5, 3e-5]])
FOLDED = PolynomialTransform2D([[0.0, 1.0, 0.0, -0.002, 0.0, 0.0], [0.0, 0.0, 1.0, 0.0, 0.0, 0.0]])
# Affine, but of a class that is drawn through the mesh.
STRAIGHT = PolynomialTransform2D([[4.0, 1.0, 0.0, 0.0, 0.0, 0.0], [8.0, 0.0, 1.0, 0.0, 0.0, 0.0]])
AFFINES = {
    "turned": TURNED,
    "whole pixels": shift(13, -7),
    "quarters": shift(3.5, 7.25),
    "halves": shift(3.5, 7.5),
    "halves along x": shift(-20.5, 4),
    "halves along y": shift(0, -30.5),
    "mirrored": AffineModel2D([[-1, 0, 340], [0, 1, 4]]),
    "mirrored by halves": AffineModel2D([[-1, 0, 340.5], [0, 1, 0.25]]),
    "quarter turn": AffineModel2D([[0, -1, 310], [1, 0, 0]]),
    "sheared": AffineModel2D([[1, 0.25, 0], [0.125, 1, 0]]),
    "enlarged": AffineModel2D([[2.5, 0, -100], [0, 2.25, -50]]),
    "in steps": TransformList(
        [AffineModel2D([[1 / 3, 0, 0.1], [0, 1 / 7, 0.2]]), AffineModel2D([[3, 0, 5], [0, 7, 5]])]
    ),
}
CURVED = {
    "bent": BENT,
    "bent and turned": TransformList([BENT, TURNED]),
    "bent and mirrored": TransformList([BENT, AffineModel2D([[-1, 0, 350], [0, 1, 0]])]),
    "folded": FOLDED,
    "straight": STRAIGHT,
    "straight and mirrored": TransformList([STRAIGHT, AffineModel2D([[-1, 0, 340], [0, 1, 1]])]),
}
TRANSFORMS = {**AFFINES, **CURVED}


def by_the_rule(
    image: npt.NDArray[Any], whole: Transform, columns: int, canvas: tuple[int, int], *, interpolate: bool = True
) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
    """
    Return the values of each pixel, and the number of its triangles, in the plainest form.

    A pixel of the box of a triangle is in it if it is on the same side of all edges; the last triangle counts.
    """
    height, width = image.shape[:2]
    cell = width / columns
    vertices, names = mesh_vertices(width, height, cell), mesh_triangles(width, height, cell)
    corners = whole.apply(vertices)[names]
    values = np.zeros((canvas[1], canvas[0], *image.shape[2:]), dtype=image.dtype)
    times = np.zeros(values.shape[:2], dtype=int)
    for triangle, back in zip(corners, inverse_affines(vertices[names], corners), strict=True):
        low, high = (np.trunc(edge(triangle, axis=0) + 0.5).astype(int) for edge in (np.min, np.max))
        x, y = np.meshgrid(
            *(
                np.arange(max(0, first), min(side - 1, last) + 1)
                for first, last, side in zip(low, high, canvas, strict=True)
            )
        )
        sides = []
        for begin, end in zip(triangle, np.roll(triangle, -1, axis=0), strict=True):
            across, down = end - begin
            sides.append(across * (y - begin[1]) - down * (x - begin[0]) < 0)
        inside = (sides[0] == sides[1]) & (sides[1] == sides[2])
        x, y = x[inside], y[inside]
        places = [row[0] * x + row[1] * y + row[2] for row in back]
        if interpolate:
            found = sampling.bilinear(image, *places)
            values[y, x] = found if image.dtype.kind == "f" else np.floor(found + 0.5)
        else:
            values[y, x] = sampling.nearest(image, *places)
        times[y, x] += 1
    return values, times


def placed(whole: Transform, shapes: ShapeCache | None = None, *, columns: int = 5) -> Placement:
    return place(
        whole,
        level=0,
        image_size=(WIDTH, HEIGHT),
        tile_width=WIDTH,
        cell_size=WIDTH / columns,
        picture_size=CANVAS,
        shapes=shapes,
    )


def drawn(
    placement: Placement, image: npt.NDArray[Any], *, interpolate: bool = True
) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
    """Return the values of each pixel, and the number of its patches."""
    values = np.zeros((CANVAS[1], CANVAS[0], *image.shape[2:]), dtype=image.dtype)
    times = np.zeros(values.shape[:2], dtype=int)
    for patch in placement.patches([image], interpolate=interpolate, blended=True):
        (sample,) = patch.samples
        part = np.s_[patch.y : patch.y + sample.shape[0], patch.x : patch.x + sample.shape[1]]
        inside = patch.inside
        mask = np.ones(sample.shape[:2], bool) if inside is None else (
            inside if isinstance(inside, np.ndarray) else inside.as_mask()
        ) > 0  # fmt: skip
        values[part][mask] = sample[mask]
        times[part] += mask
    return values, times


def all_of(box: Box) -> npt.NDArray[np.intp]:
    """Return x and y of all pixels of a box."""
    y, x = np.indices((box.height, box.width)).reshape(2, -1)
    return np.stack([x + box.x, y + box.y])


def rough_image(dtype: str) -> npt.NDArray[Any]:
    random = np.random.default_rng(3)
    if dtype == "colour":
        return random.integers(0, 256, (HEIGHT, WIDTH, 3), dtype=np.uint8)
    if dtype == "dim":
        return texture(HEIGHT, WIDTH).astype(np.uint16)
    if dtype == "float32":
        return random.random((HEIGHT, WIDTH), dtype=np.float32)
    return random.integers(0, np.iinfo(dtype).max, (HEIGHT, WIDTH), dtype=dtype, endpoint=True)


@pytest.mark.parametrize("name", TRANSFORMS)
@pytest.mark.parametrize("dtype", ["uint8", "uint16", "dim", "float32", "colour"])
@pytest.mark.parametrize("columns", [2, 5, 23])
def test_values__are_those_of_the_rule(name: str, dtype: str, columns: int) -> None:
    """A picture of more than 65 536 pixels equals the rule in each pixel, and draws each as often."""
    image = rough_image(dtype)

    values, times = drawn(placed(TRANSFORMS[name], columns=columns), image)

    wanted, wanted_times = by_the_rule(image, TRANSFORMS[name], columns, CANVAS)
    assert wanted.any()
    assert (times == wanted_times).all()
    assert (values == wanted).all()


@pytest.mark.parametrize(("across", "down"), [(True, True), (True, False), (False, True)])
@pytest.mark.parametrize("channels", [(), (3,)])
@pytest.mark.parametrize("top_value", [255, 5])
def test_half_places__round_as_double_precision(
    across: bool, down: bool, channels: tuple[int, ...], top_value: int
) -> None:
    """Sums of four bytes, and the sign of the change by rounding errors, have the values of double precision."""
    random = np.random.default_rng(1)
    image = random.integers(0, top_value, (203, 102, *channels), dtype=np.uint8, endpoint=True)
    most = HalfPlaces.MOST
    errors = random.integers(-most, most, (2, 200, 99), dtype=np.int8, endpoint=True)
    errors[:, random.random((200, 99)) < 0.3] //= most
    values = np.zeros((200, 99, *channels), dtype=np.uint8)
    unknown = np.arange(0, values.shape[0] * values.shape[1], 7)
    for left, top in ((1, 1), (2, 2)):
        doubtful = HalfPlaces(left, top, across, down, errors, unknown).set_values(values, image)

        rows, columns = np.indices(values.shape[:2])
        x = columns + (left + across / 2) + HalfPlaces.UNIT * errors[0]
        y = rows + (top + down / 2) + HalfPlaces.UNIT * errors[1]
        exact = sampling.bilinear(image, x.ravel(), y.ravel()).reshape(values.shape)
        assert (values == np.floor(exact + 0.5)).all()
        near = np.abs(exact - np.floor(exact) - 0.5) < 1e-6
        ties = np.logical_or.reduce(near.reshape(x.size, -1), axis=1)
        assert ties.mean() > 0.2
        assert (doubtful == unknown[ties[unknown]]).all()


def test_half_places__of_a_tile_are_known() -> None:
    """The errors of nearly all positions of an ordinary tile are known; others matter only halfway between integers."""
    size = 2048, 2048
    placement = place(
        shift(-100.5, 1200.5), level=0, image_size=size, tile_width=2048.0, cell_size=64.0, picture_size=(1500, 2000)
    )
    image = texture(*size)
    for box in placement.bands():
        halves = placement.band(box).halves
        assert halves is not None
        values = np.zeros((box.height, box.width), dtype=np.uint8)
        assert len(halves.set_values(values, image)) <= len(halves.unknown) < values.size / 20


@pytest.mark.parametrize("name", TRANSFORMS)
def test_nearest__is_that_of_the_rule(name: str) -> None:
    """Without interpolation, each pixel is the one that the rule names, halves included."""
    image = rough_image("uint8")

    values, _ = drawn(placed(TRANSFORMS[name]), image, interpolate=False)

    assert (values == by_the_rule(image, TRANSFORMS[name], 5, CANVAS, interpolate=False)[0]).all()


@pytest.mark.parametrize("name", ["turned", "quarters", "bent and turned"])
def test_values__with_coarse_opencv(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where OpenCV interpolates with coarse tables, all values are computed exactly."""
    image = rough_image("uint8")
    monkeypatch.setattr(sampling, "_opencv_is_precise", lambda: False)
    monkeypatch.setattr(sampling, "_interpolate", lambda *_: pytest.fail("asked OpenCV"))

    assert (drawn(placed(TRANSFORMS[name]), image)[0] == by_the_rule(image, TRANSFORMS[name], 5, CANVAS)[0]).all()


@pytest.mark.parametrize(("way", "places"), [(MappedPlaces, "x_y"), (AffinePlaces, "matrix")])
def test_opencv__coarse_tables_are_noticed(way: Any, places: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The check of OpenCV passes here, and fails for positions rounded to 1/32 of a pixel, as in older versions."""
    check = sampling._opencv_is_precise.__wrapped__
    values = way.values
    assert check()

    def coarse(rough: Any, part: npt.NDArray[Any]) -> npt.NDArray[Any]:
        cut = np.round(getattr(rough, places) * 32) / 32
        return np.asarray(values(attrs.evolve(rough, **{places: cut.astype(getattr(rough, places).dtype)}), part))

    monkeypatch.setattr(way, "values", coarse)
    assert not check()


@pytest.mark.parametrize("name", TRANSFORMS)
def test_rough_places__are_within_their_error(name: str) -> None:
    """Positions in single precision, read from a ramp, differ from exact ones by at most a small bound."""
    placement, pixels = placed(TRANSFORMS[name]), 0
    for box in placement.bands():
        band = placement.band(box)
        for number, block in enumerate(band.blocks):
            rough = band.rough(number)
            exact = np.stack(band.exact(*all_of(block)))
            within = (exact >= 0).all(axis=0) & (exact < [[WIDTH - 1], [HEIGHT - 1]]).all(axis=0)
            steps = np.indices((rough.bottom + 2 - rough.top, rough.right + 2 - rough.left), dtype=np.float32)[::-1]
            found = np.stack([rough.values(ramp).ravel() for ramp in steps]).astype(np.float64)
            found += np.array([[rough.left], [rough.top]])
            # The values of a ramp are rounded, too.
            bound = rough.error + rounding(steps.max())
            pixels += within.sum()
            assert np.abs(found - exact)[:, within].max(initial=0) <= bound < 1e-3
    assert pixels > WIDTH * HEIGHT / 4


@pytest.mark.parametrize("columns", [2, 5, 23])
@pytest.mark.parametrize("name", AFFINES)
def test_affine__triangles_of_pixels(name: str, columns: int) -> None:
    """Every pixel of an affine image is placed by the last triangle that it is in, found with and without a search."""
    whole = AFFINES[name]
    placement, mesh = placed(whole, columns=columns), image_mesh(whole, columns, (WIDTH, HEIGHT))
    for box in placement.bands():
        band = placement.band(box)
        x, y = all_of(box)
        triangle, times = (found.ravel() for found in mesh.last_and_count(box.rows, box.x, box.x + box.width - 1))
        inside = times > 0
        assert inside.any()
        assert (np.stack(band.settled(x, y))[:, inside] == np.stack(mesh.places(triangle, x, y))[:, inside]).all()


@pytest.mark.parametrize("name", AFFINES)
def test_affine__triangles_differ_by_less_than_the_tolerance(name: str) -> None:
    """The affines of all triangles agree with that of the image within its tolerance, in the whole picture."""
    whole = AFFINES[name]
    placement = placed(whole, columns=23)
    mesh = image_mesh(whole, 23, (WIDTH, HEIGHT))
    names = np.arange(len(mesh.affines))
    for box in placement.bands():
        band = placement.band(box)
        for x, y in ((box.x, box.y), (box.x + box.width - 1, box.y + box.height - 1)):
            places = np.stack(mesh.places(names, np.full(len(names), x), np.full(len(names), y)))
            exact = np.stack(band.exact(np.array([x]), np.array([y])))
            assert np.abs(places - exact).max() < band.tolerance < 1e-9


def test_edges__near_pixels_are_decided_by_the_rule() -> None:
    """Runs of triangles whose edges pass through pixels, or beside them by a rounding error, are those of the rule."""
    random = np.random.default_rng(0)
    corners = random.integers(0, 60, (400, 3, 2)).astype(float)
    corners[200:] += random.integers(-4, 5, (200, 3, 2)) * 2.0**-46
    whole = np.tile([[[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]], (400, 1, 1))
    rows = np.arange(60)

    for corner, affine in zip(corners, whole, strict=True):
        triangle, times = triangles.Mesh(corner[np.newaxis], affine[np.newaxis]).last_and_count(rows, 0, 59)

        x, y = np.meshgrid(rows, rows)
        sides = []
        for begin, end in zip(corner, np.roll(corner, -1, axis=0), strict=True):
            sides.append((end[0] - begin[0]) * (y - begin[1]) - (end[1] - begin[1]) * (x - begin[0]) < 0)
        low, high = (np.trunc(edge(corner, axis=0) + 0.5) for edge in (np.min, np.max))
        wanted = (sides[0] == sides[1]) & (sides[1] == sides[2])
        wanted &= (x >= low[0]) & (x <= high[0]) & (y >= low[1]) & (y <= high[1])
        assert (times == wanted).all()
        assert ((triangle == 0) == wanted).all()


def test_fine_mesh__of_an_affine_costs_nothing() -> None:
    """An affine image is drawn through fewer triangles if its mesh has more of them than pixels."""
    placement = placed(TURNED, columns=WIDTH)
    assert isinstance(placement, AffinePlacement)

    assert len(placement.mesh.affines) < 20
    assert (drawn(placement, rough_image("uint8"))[0] == by_the_rule(rough_image("uint8"), TURNED, 2, CANVAS)[0]).all()


def test_shapes__are_kept() -> None:
    """Meshes and bands are kept in the cache, which counts their size."""
    shapes: ShapeCache = ByteCache(10**8, lambda shape: shape.nbytes)
    for whole in (shift(13, -7), BENT):
        before = shapes.bytes
        first = placed(whole, shapes)
        bands = [first.band(box) for box in first.bands()]
        again = placed(whole, shapes)

        assert [again.band(box) for box in again.bands()] == bands
        assert shapes.bytes - before >= sum(band.nbytes for band in bands) > 0


def test_bands__are_bounded() -> None:
    """A band of a very wide picture has few rows."""
    placement = place(
        AffineModel2D([[1e4, 0, 0], [0, 1e4, 0]]),
        level=0,
        image_size=(10, 10),
        tile_width=10,
        cell_size=64,
        picture_size=(80_000, 50),
    )

    assert {box.width * box.height <= 1 << 20 for box in placement.bands()} == {True}
    assert sum(box.height for box in placement.bands()) == 50


def test_large_pictures__are_made_up_of_small_ones(images: Images) -> None:
    """A large picture equals its parts in each pixel, since one lane draws both."""
    tiles: tuple[Tile, ...] = tuple(
        images.tile(texture(420, 500, n), TransformList([BENT, shift(100 * n, 40 * n)])) for n in range(3)
    )

    whole = images.drawn(*tiles, width=600, height=480)
    parts = [
        [images.drawn(*tiles, x=x, y=y, width=120, height=120) for x in range(0, 600, 120)] for y in range(0, 480, 120)
    ]

    assert (np.abs(np.block(parts).astype(int) - whole) > 1).sum() == 0


def test_masks__pixels_on_common_sides_are_blended_twice(images: Images) -> None:
    """Under a mask of one half, pixels on a side of two triangles are blended twice, as in the service, at any size."""
    mask = np.full((HEIGHT, WIDTH), 128, dtype=np.uint8)
    tile = images.tile(np.full((HEIGHT, WIDTH), 200, dtype=np.uint8), STRAIGHT, mask=mask)

    picture = draw(Recipe(tiles=(tile,), width=CANVAS[0], height=CANVAS[1]), images.sources)

    _, times = by_the_rule(mask, STRAIGHT, 5, CANVAS)
    assert picture.alpha is not None
    assert (times == 2).any()
    inside = np.s_[8 : HEIGHT + 7, 4 : WIDTH + 3]
    assert (picture.alpha[inside] == np.array([0, 128, 192, 224, 240, 248, 252])[times[inside]]).mean() > 0.999


def test_mesh_placement__is_for_curved_transforms() -> None:
    """Affine transforms are drawn without a mesh, others through one."""
    assert isinstance(placed(TURNED), AffinePlacement)
    assert isinstance(placed(BENT), MeshPlacement)
