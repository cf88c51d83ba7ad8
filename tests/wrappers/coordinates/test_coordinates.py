"""Points between tiles and the world: computed locally or by the service; requests of each."""

from __future__ import annotations

import json
from typing import Any

import attrs
import numpy as np
import numpy.typing as npt
import pytest

from rendergateway import (
    CoordinateError,
    CoordinateTable,
    Gateway,
    NotFoundError,
    NotInvertibleError,
    RecordError,
    StackWrapper,
    TileRecord,
    TileTable,
    TransformError,
)
from rendergateway.transforms import (
    AffineModel2D,
    InterpolatedTransform,
    PolynomialTransform2D,
    Transform,
    TransformList,
    TransformReference,
    TranslationModel2D,
    UnknownTransform,
)
from rendergateway.wrappers.coordinates.tile_maps import TileMaps

BEND = PolynomialTransform2D([[0, 1, 0, -1e-4, 0, 1e-4], [0, 0, 1, 0, 1e-4, 0]], id="bend", labels=("lens",))


def placed(tile_id: str, *transforms: Transform) -> TileRecord:
    """A tile of 100 × 80 pixels at z 1."""
    return TileRecord(tile_id=tile_id, z=1.0, width=100, height=80, transforms=transforms)


def affine(*numbers: float) -> AffineModel2D:
    return AffineModel2D(np.reshape(numbers, (2, 3)))


@pytest.fixture
def odd(gateway: Gateway) -> StackWrapper:
    """One section of tiles of all kinds, one over the other."""
    stack = gateway.create_stack("odd")
    tiles = [
        placed("bare"),
        placed("bent", TransformReference("bend"), affine(0.9, 0.1, 20, -0.1, 0.95, 30)),
        placed("bent too", TransformReference("bend"), affine(1, 0, 90, 0, 1, 10)),
        placed("flat", affine(1, 0, 0, 0, 0, 0)).evolve(min_x=0, min_y=0, max_x=300, max_y=300),
        placed("mirrored", affine(-1, 0, 100, 0, 1, 40)),
        placed("straight", affine(0.8, -0.3, 40, 0.3, 0.8, 10)),
        placed("twice", affine(1, 0, 3, 0, 1, 4), affine(1.1, 0, 0, 0, 1.1, 0)),
    ]
    with stack.editing() as edit:
        edit.put(tiles, transforms={"bend": BEND})
    return stack


@pytest.fixture
def points() -> npt.NDArray[Any]:
    """World points over, between and beside the tiles of `odd`."""
    grid = np.stack(np.meshgrid(np.linspace(-20, 240, 40), np.linspace(-20, 150, 30)), axis=-1).reshape(-1, 2)
    return np.concatenate([grid, [[0, 0], [99, 79], [100, 80], [40, 10], [np.nan, 3]]])


def assert_same(found: CoordinateTable, asked: CoordinateTable) -> None:
    assert found.frame == asked.frame
    assert found.point.tolist() == asked.point.tolist()
    assert found.tile_id.tolist() == asked.tile_id.tolist()
    assert found.visible.tolist() == asked.visible.tolist()
    assert found.error.tolist() == asked.error.tolist()
    # Pixels; an affine list is one matrix here.
    np.testing.assert_allclose(found.xy, asked.xy, rtol=0, atol=1e-9)
    np.testing.assert_array_equal(found.z, asked.z)


def test_tile__to_world_and_back(stack: StackWrapper, gateway: Gateway) -> None:
    """Points keep their shape on the way to the world and back; a listed tile makes no request."""
    tile = stack.section(1).tiles()[1]
    local = np.array([[[0, 0], [100, 50]], [[3.5, 4], [-200, 900]]])

    with gateway.counting() as requests:
        world = tile.world_from_local(local)
        again = tile.local_from_world(world)
        single = tile.local_from_world([91, 2])

    assert requests == []
    np.testing.assert_allclose(world[0, 1], [191, 52])
    np.testing.assert_allclose(again, local, rtol=0, atol=1e-9)
    np.testing.assert_allclose(single, [0, 0], rtol=0, atol=1e-9)


def test_tile__asked_of_the_service(stack: StackWrapper, gateway: Gateway) -> None:
    """The service agrees, with one request for all points."""
    tile = stack.section(1).tiles()[1]
    local = np.array([[[0, 0], [99, 50]]])

    with gateway.counting() as requests:
        world = tile.world_from_local(local, compute="service")
        back = tile.local_from_world(world, compute="service")

    assert requests == [
        "coordinate.batch_world_from_local",
        "stack.tile_specs",
        "coordinate.batch_local_from_world",
    ]
    np.testing.assert_allclose(world, tile.world_from_local(local))
    np.testing.assert_allclose(back, local, rtol=0, atol=1e-9)


def test_tile__outside_by_formula_and_by_mesh(stack: StackWrapper) -> None:
    """The formula extends beyond the image; the mesh, local or in the service, ends one pixel before it."""
    tile = stack.section(1).tiles()[1]

    assert tile.local_from_world([691, 2]).tolist() == pytest.approx([600, 0])
    assert tile.local_from_world([[190, 2]], method="mesh").tolist() == [pytest.approx([99, 0])]
    with pytest.raises(NotInvertibleError, match=r"\(190.5, 2.0\) lies in no triangle"):
        tile.local_from_world([190.5, 2], method="mesh")
    with pytest.raises(CoordinateError, match=r"point 0: world coordinate \(190.5, 2.0\) found in .*t1_1.* cannot be"):
        tile.local_from_world([190.5, 2], compute="service")


def test_tile__bare_or_without_size(gateway: Gateway) -> None:
    """Without transforms points are unchanged; a mesh needs width and height."""
    stack = gateway.create_stack("sizeless")
    record = TileRecord(tile_id="sizeless", z=1, transforms=[affine(1, 0, 1, 0, 1, 1)])
    sizeless = record.evolve(min_x=0, min_y=0, max_x=9, max_y=9)
    with stack.editing() as edit:
        edit.put([placed("bare"), sizeless])
    first, second = stack.section(1).tiles()

    assert first.local_from_world([50, 7], method="mesh").tolist() == [50, 7]
    assert second.local_from_world([5, 7]).tolist() == [4, 6]
    with pytest.raises(TransformError, match="'sizeless' has no width or height"):
        second.local_from_world([5, 7], method="mesh")
    found, asked = (stack.section(1).locate([[5, 7], [50, 50]], compute=compute) for compute in ("local", "service"))
    reason = "width and height must be set to create transform mesh"
    assert asked.error.tolist() == [reason, ""]
    assert list(zip(found.tile_id, found.error, found.visible, strict=True)) == [
        ("bare", "", False),
        ("sizeless", reason, False),
        ("bare", "", True),
    ]


def odd_class(name: str, box: tuple[float, float, float, float]) -> TileRecord:
    """A tile of a class that no local code knows."""
    sides = dict(zip(("min_x", "min_y", "max_x", "max_y"), box, strict=True))
    return placed(name, UnknownTransform("a.b.Strange", "1 2 3")).evolve(**sides)


@pytest.mark.parametrize("method", ["mesh", "exact"])
def test_locate__unknown_class(gateway: Gateway, method: str) -> None:
    """A tile of an unknown class is a row with its error; the tiles below and above it are mapped."""
    stack = gateway.create_stack("unknown")
    with stack.editing() as edit:
        edit.put([placed("a"), odd_class("b", (40, 0, 120, 80)), placed("c", affine(1, 0, 60, 0, 1, 0))])

    found = stack.section(1).locate([[10, 5], [50, 5], [70, 5], [110, 5]], method=method)

    rows = list(zip(found.point.tolist(), found.tile_id, found.visible, found.failed, strict=True))
    assert rows == [
        (0, "a", True, False),
        (1, "a", False, False),
        (1, "b", False, True),
        (2, "a", False, False),
        (2, "b", False, True),
        (2, "c", True, False),
        (3, "b", False, True),
        (3, "c", True, False),
    ]
    assert {text[:45] for text in found.error[found.failed]} == {"transform class 'a.b.Strange' cannot be found"}
    assert found.xy[5].tolist() == [10, 5]
    assert np.isnan(found.xy[found.failed]).all()


def test_world_from__unknown_class(gateway: Gateway) -> None:
    """A point shown above a tile of an unknown class is mapped; below one, the tile that shows it is not known."""
    stack = gateway.create_stack("unknown")
    with stack.editing() as edit:
        edit.put([placed("a"), odd_class("b", (40, 0, 120, 80)), placed("c", affine(1, 0, 60, 0, 1, 0))])

    found = stack.world_from(stack.section(1), [[10, 5], [50, 5], [70, 5]])

    assert found.failed.tolist() == [False, True, False]
    assert found.tile_id.tolist() == ["a", None, "c"]
    assert "a.b.Strange" in found.error[1]


@pytest.mark.parametrize("point", [[5, 5], [75, 5]])
def test_mesh__old_box(gateway: Gateway, point: list[float]) -> None:
    """The mesh method maps points in the stored box only, as the service does, even if the box is old."""
    stack = gateway.create_stack("moved")
    with stack.editing() as edit:
        box = {"min_x": 0, "min_y": 0, "max_x": 60, "max_y": 60}
        edit.put([placed("a", affine(1, 0, 4, 0, 1, 4)).evolve(**box)])
    tile, inside = stack.tile("a"), point[0] < 60

    found = [stack.local_from_world("a", [point], compute=compute, method="mesh") for compute in ("local", "service")]

    assert [table.failed.tolist() for table in found] == [[not inside]] * 2
    np.testing.assert_array_equal(found[0].xy, found[1].xy)
    if inside:
        assert tile.local_from_world(point, method="mesh").tolist() == [1, 1]
    else:
        assert found[0].error[0] == "world coordinate (75.0, 5.0) is outside of the stored box of tile 'a'"
        with pytest.raises(NotInvertibleError, match=r"\(75\.0, 5\.0\) is outside of the stored box of tile 'a'"):
            tile.local_from_world([[5.0, 5.0], point], method="mesh")
        with pytest.raises(CoordinateError):
            tile.local_from_world(point, compute="service")
    assert tile.local_from_world(point).tolist() == [point[0] - 4, 1]


def test_locate__tiles_under_points(stack: StackWrapper, gateway: Gateway) -> None:
    """All tiles under a point are rows, the last one visible; a point outside is a row with an error."""
    section = stack.section(1)

    with gateway.counting() as requests:
        found = section.locate([[95.0, 20.0], [5.0, 5.0], [-1e6, 0.0]])
        section.locate([[7, 7]])

    assert requests == ["section.resolved_tiles"]
    assert found.frame == "local"
    assert found.point.tolist() == [0, 0, 1, 2]
    assert found.tile_id.tolist() == ["t1_0", "t1_1", "t1_0", None]
    assert found.visible.tolist() == [False, True, True, False]
    np.testing.assert_allclose(found[~found.failed].xy, [[94, 18], [4, 18], [4, 3]])
    assert found.error[3].startswith("no tile specifications found in stack with owner 'lab'")
    with pytest.raises(CoordinateError, match=r"^1 of 3 points could not be mapped: point 2: no tile"):
        found.raise_errors()
    assert found[found.visible].raise_errors().tile_id.tolist() == ["t1_1", "t1_0"]


def test_locate__as_the_service(odd: StackWrapper, points: npt.NDArray[Any]) -> None:
    """Bent, mirrored, flat, turned and bare tiles have the service's results and error messages."""
    finite = points[np.isfinite(points).all(axis=1)]
    found, asked = (odd.section(1).locate(finite, compute=compute) for compute in ("local", "service"))

    assert_same(found, asked)
    assert set(found.tile_id[found.visible]) >= {"bare", "bent", "bent too", "straight", "twice"}
    assert "mirrored" not in found.tile_id
    assert found.failed.any()
    assert "cannot be inverted" in " ".join(found.error)


def test_locate__by_formula(odd: StackWrapper, points: npt.NDArray[Any]) -> None:
    """The formula also finds mirrored tiles, respects image edges, and inverts back to the world point."""
    found = odd.section(1).locate(points, method="exact")
    good = found[~found.failed]

    assert "mirrored" in good.tile_id
    assert "flat" not in good.tile_id
    assert ((good.xy >= 0) & (good.xy <= [100, 80])).all()
    world = odd.world_from_local(good.tile_id.tolist(), good.xy)
    np.testing.assert_allclose(world.xy, points[good.point], rtol=0, atol=1e-8)
    corner = found[found.point == len(points) - 3]
    assert corner[corner.tile_id == "bare"].xy.tolist() == [[100, 80]]
    assert found.failed[-1]


def test_locate__empty_layer_and_missing_stack(stack: StackWrapper, gateway: Gateway) -> None:
    """In an empty layer no point has a tile; a stack that does not exist is an error, wherever it is asked."""
    empty = stack.section(99).locate([[1, 2]])
    assert empty.failed.tolist() == [True]
    assert len(stack.section(1).locate([])) == 0
    for compute in ("local", "service"):
        with pytest.raises(NotFoundError, match="does not exist"):
            gateway.stack("nope").section(1).locate([[1, 2]], compute=compute)
        with pytest.raises(NotFoundError, match="does not exist"):
            gateway.stack("nope").world_from_local(["a"], [[1, 2]], compute=compute)
        with pytest.raises(NotFoundError, match="does not exist"):
            gateway.stack("nope").local_from_world(["a"], [[1, 2]], compute=compute)


def test_stack__many_points_of_many_tiles(odd: StackWrapper, gateway: Gateway) -> None:
    """Each point is mapped by its tile with one request for all; a point that fails is a row with an error."""
    tile_ids = ["bent", "twice", "nope", "mirrored", "bent too", "bare", "bent"]
    local = np.arange(14.0).reshape(7, 2)

    with gateway.counting() as requests:
        mapped = odd.world_from_local(tile_ids, local)
        back = odd.local_from_world(tile_ids, np.nan_to_num(mapped.xy))
    asked = odd.world_from_local(tile_ids, local, compute="service")

    assert requests == ["stack.tile_specs", "stack.tile_specs"]
    assert mapped.point.tolist() == list(range(7))
    assert mapped.tile_id.tolist() == tile_ids
    assert mapped.failed.tolist() == back.failed.tolist() == asked.failed.tolist() == [False] * 2 + [True] + [False] * 4
    assert mapped.error[2].startswith("tile spec with id 'nope' does not exist in stack with owner")
    np.testing.assert_allclose(mapped.xy, asked.xy, rtol=0, atol=1e-9)
    np.testing.assert_allclose(np.delete(back.xy, 2, axis=0), np.delete(local, 2, axis=0), rtol=0, atol=1e-8)
    np.testing.assert_array_equal(mapped.z, asked.z)


@pytest.mark.parametrize("frame", ["raw", "lens_corrected"])
def test_tile_maps__of_all_kinds(frame: str) -> None:
    """For all kinds of transforms, mapping many tiles at once equals one by one."""
    leaves: list[Transform] = [
        affine(0.9, 0.1, 20, -0.1, 0.95, 30),
        affine(1.1, 0, 5, 0.2, 1, 6),
        TranslationModel2D(3.3, 4.4),
    ]
    shared = {"bend": BEND, "moved": affine(1, 0, 7, 0, 1, 8)}
    bend, moved = map(TransformReference, shared)
    lists: list[list[Transform]] = [
        *([bend, leaf] for leaf in leaves),
        *([leaf, other] for leaf in leaves for other in leaves),
        *([moved, *leaves[:count]] for count in range(4)),
        [TransformList([bend, leaves[0]], labels=("lens",)), leaves[1], leaves[2]],
        [leaves[0], TransformList([leaves[1], bend])],
        [leaves[0], attrs.evolve(leaves[1], labels=("lens",))],
        [leaves[1], InterpolatedTransform(leaves[0], leaves[1], 0.25), leaves[0]],
        [BEND],
        [],
    ]
    tiles = [placed(str(number), *transforms) for number, transforms in enumerate(lists)]
    points = np.random.default_rng(1).uniform(0, 80, (len(tiles), 2))
    ids = [tile.tile_id for tile in tiles]

    maps = TileMaps(TileTable([tile.to_json() for tile in tiles]), shared, frame)
    found = maps.world_from_local(ids, points)
    back = maps.local_from_world(ids, found.points, "exact")

    flat = [tile.transforms.flattened(shared) for tile in tiles]
    flat = flat if frame == "raw" else [whole.split_at_lens()[1] for whole in flat]
    alone = [whole.apply(point) for whole, point in zip(flat, points, strict=True)]
    assert not found.error.any()
    assert not back.error.any()
    # Pixels; affines that follow each other are one matrix here.
    np.testing.assert_allclose(found.points, alone, rtol=0, atol=1e-9)
    np.testing.assert_allclose(back.points, points, rtol=0, atol=1e-7)


def test_stack__reason_of_each_tile(gateway: Gateway) -> None:
    """Each unusable tile has its own error, and the other points are mapped."""
    stack = gateway.create_stack("unknown")
    strange = UnknownTransform("a.b.Strange", "1 2 3")
    placed_by = {"a": strange, "b": strange, "c": affine(1, 0, 5, 0, 1, 6)}
    with stack.editing() as edit:
        edit.put([placed(name, one).evolve(min_x=0, min_y=0, max_x=9, max_y=9) for name, one in placed_by.items()])

    mapped = stack.world_from_local(["b", "c", "a"], [[1, 2]] * 3)

    assert mapped.failed.tolist() == [True, False, True]
    assert mapped.xy[1].tolist() == [6, 8]
    assert "a.b.Strange" in mapped.error[0]


def test_tile_maps__reason_names_the_tile() -> None:
    """Errors of tiles with identical unreadable transforms name the tile."""
    broken = {"type": "list", "specList": [{"className": AffineModel2D.JAVA_NAME, "dataString": "1 2"}]}
    maps = TileMaps(TileTable([json.dumps({"tileId": name, "transforms": broken}) for name in "ab"]), {})

    reasons = maps.world_from_local(["a", "b", "a"], np.zeros((3, 2))).error

    assert [reason[:28] for reason in reasons] == [f"transforms of <TileRecord {name}>" for name in "aba"]


def test_stack__back_into_named_tiles(odd: StackWrapper) -> None:
    """The named tile is used, not the topmost; a point outside it is a row with an error."""
    tile_ids = ["straight", "bent", "mirrored", "flat", "straight", "nope"]
    world = odd.world_from_local(tile_ids[:3], [[50, 40]] * 3).xy
    world = np.concatenate([world, [[5, 5], [-900, 0], [1, 1]]])

    exact = odd.local_from_world(tile_ids, world)
    mesh = odd.local_from_world(tile_ids, world, method="mesh")
    asked = odd.local_from_world(tile_ids, world, compute="service")

    np.testing.assert_allclose(exact.xy[:3], [[50, 40]] * 3, rtol=0, atol=1e-8)
    assert exact.error.tolist()[:3] == ["", "", ""]
    assert exact.error[3] == "the tile's affine has no inverse"
    assert mesh.failed.tolist() == asked.failed.tolist() == [False, False, True, True, True, True]
    np.testing.assert_allclose(mesh.xy, asked.xy, rtol=0, atol=1e-9)
    assert mesh.error[2].endswith("found in tile id(s) [mirrored] cannot be inverted")


def test_world_from__another_stack(stack: StackWrapper, gateway: Gateway) -> None:
    """Points are transformed by the tile that shows them, and each failure has its own reason."""
    aligned = gateway.create_stack("aligned", project="other")
    moved = [tile for tile in stack.section(1).tiles() if tile.tile_id == "t1_1"]
    with aligned.editing() as edit:
        edit.put([moved[0]._obj.evolve(z=7.0, transforms=[affine(1, 0, 1000, 0, 1, 2000)])], boxes="service")
    points = [[95, 20], [5, 5], [-900, 0]]

    with gateway.counting() as requests:
        found = aligned.world_from(stack.section(1), points)
    asked = aligned.world_from(stack, points, z=1, compute="service")
    layers = aligned.world_from(stack, points[:1] * 2, z=[1, 99])

    assert requests == ["stack.tile_specs"]
    assert found.tile_id.tolist() == asked.tile_id.tolist() == ["t1_1", "t1_0", None]
    np.testing.assert_allclose(found.xy[0], [1004, 2018])
    np.testing.assert_allclose(found.xy, asked.xy)
    assert found.z[0] == asked.z[0] == 7.0
    assert found.failed.tolist() == asked.failed.tolist() == [False, True, True]
    assert "t1_0" in found.error[1]
    assert found.error[2].startswith("no tile specifications found")
    assert layers.failed.tolist() == [False, True]
    with pytest.raises(TypeError, match="pass a section, or a stack and z="):
        aligned.world_from(stack, points)
    with pytest.raises(TypeError, match="pass a section, or a stack and z="):
        aligned.world_from(stack.section(1), points, z=3)


def test_coordinates__after_a_write(stack: StackWrapper) -> None:
    """Tiles moved through the gateway are found at their new position."""
    assert stack.section(1).locate([[500, 5]]).failed.all()

    with stack.editing() as edit:
        edit.put([stack.tile("t1_0")._obj.evolve(transforms=[affine(1, 0, 480, 0, 1, 0)])], boxes="service")

    assert stack.section(1).locate([[500, 5]]).xy.tolist() == [[20, 5]]


def test_coordinates__in_several_requests(
    stack: StackWrapper, gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    """More points than fit into one request are split, and numbered consecutively."""
    monkeypatch.setattr("rendergateway.wrappers.coordinates.locate._POINTS_PER_REQUEST", 2)
    monkeypatch.setattr("rendergateway.wrappers.coordinates.locate._TILES_PER_REQUEST", 1)
    points = [[95.0, 20.0], [5.0, 5.0], [-1e6, 0.0]]
    section = stack.section(1)

    with gateway.counting() as requests:
        asked = section.locate(points, compute="service")
        stack.world_from_local(["t1_0", "t1_1"], points[:2])

    assert requests == ["coordinate.section_local_from_world"] * 2 + ["stack.tile_specs"] * 2
    assert_same(section.locate(points), asked)


def test_coordinates__misuse(stack: StackWrapper) -> None:
    """Unknown options and wrong numbers of points are refused."""
    tile = stack.tile("t1_0")
    with pytest.raises(ValueError, match="compute must be 'local' or 'service', got 'there'"):
        tile.world_from_local([0, 0], compute="there")
    with pytest.raises(ValueError, match="method must be 'exact' or 'mesh', got 'guess'"):
        stack.section(1).locate([[0, 0]], method="guess")
    with pytest.raises(ValueError, match="method must be 'exact' or 'mesh', got 'guess'"):
        tile.local_from_world([0, 0], method="guess")
    with pytest.raises(ValueError, match="expected one tile id per point, got 1 tile ids and 2 points"):
        stack.world_from_local(["t1_0"], [[0, 0], [1, 1]])
    with pytest.raises(TransformError, match=r"points must have shape \(…, 2\)"):
        stack.section(1).locate([[1, 2, 3]])


def test_coordinates__not_finite(stack: StackWrapper) -> None:
    """Points that are not finite are not found locally, and are not sent to the service."""
    points = [[5.0, 5.0], [np.nan, 1.0]]
    section = stack.section(1)

    assert section.locate(points).failed.tolist() == [False, True]
    for ask in (section.locate, lambda *args, **compute: stack.world_from_local("t1_0", *args, **compute)):
        with pytest.raises(
            TransformError, match=r"point 1 is \(nan, 1.0\); coordinates must be finite for the service"
        ):
            ask(points, compute="service")
    with pytest.raises(TransformError, match=r"point 1 is \(nan, 1.0\); coordinates must be finite for the service"):
        stack.local_from_world("t1_0", points, compute="service")


def test_coordinate_table__json() -> None:
    """Both forms of the service's answers are read and written: one row or several tiles per point."""
    nested = b'[[{"tileId":"a","local":[1.0,2.0,3.0]},{"tileId":"b","visible":true,"local":[4.0,5.0,3.0]}],'
    nested += b'[{"world":[9.0,9.0],"error":"nothing there"}]]'
    table = CoordinateTable.from_json(nested)

    assert (table.frame, table.point.tolist(), table.tile_id.tolist()) == ("local", [0, 0, 1], ["a", "b", None])
    assert table.to_json(nested=True) == b'[[{"tileId":"a","local":[1.0,2.0,3.0]},' + (
        b'{"tileId":"b","visible":true,"local":[4.0,5.0,3.0]}],[{"error":"nothing there"}]]'
    )
    assert CoordinateTable.from_json(table.to_json()).xy[:2].tolist() == [[1, 2], [4, 5]]
    assert table[1].visible
    assert table[-1].error == "nothing there"
    assert [row.tile_id for row in table] == ["a", "b", None]
    assert len(table.to_pandas()) == 3
    assert repr(table).splitlines()[0] == "<CoordinateTable of 3 rows, local pixels, 1 failed>"
    with pytest.raises(IndexError):
        table[3]
    with pytest.raises(ValueError, match="read-only"):
        table.x[0] = 1
    assert CoordinateTable.from_json(b'[{"local":[1,2],"error":"no"}]').frame == "world"
    (not_finite,) = json.loads(CoordinateTable.from_json(b'[{"world":["NaN",2],"tileId":"a"}]').to_json())
    assert not_finite == {"tileId": "a", "error": "world coordinates are not finite: got (nan, 2.0)"}


@pytest.mark.parametrize("text", [b"{}", b"[1]", b'[{"tileId":"a","world":["x",1]}]', b'[{"world":7}]', b"["])
def test_coordinate_table__wrong_json(text: bytes) -> None:
    """JSON other than a list of coordinates is an error."""
    with pytest.raises(RecordError, match="expected"):
        CoordinateTable.from_json(text)


def test_coordinate_table__columns_of_one_length() -> None:
    """Columns have one value per row."""
    with pytest.raises(RecordError, match="one value per row"):
        CoordinateTable([0, 1], ["a"], [0.0], [0.0], [0.0], [True], [""])


def test_stack_locate__like_the_section(stack: StackWrapper, gateway: Gateway) -> None:
    """Points of any sections are found like in each section, with two requests; each failure has the section in it."""
    points = [[95, 20], [5, 5], [-900, 0]]

    with gateway.counting() as requests:
        found = stack.locate([*points, [95, 20]], z=[1, 1, 1, 99])
    wanted = stack.section(1).locate(points)
    exact = stack.locate(points, 1, method="exact")
    asked = stack.locate(points, 1, compute="service")

    assert requests == ["coordinate.tile_ids", "stack.tile_specs"]
    assert found[found.point < 3].to_json() == wanted.to_json()
    assert exact.to_json() == stack.section(1).locate(points, method="exact").to_json()
    assert asked.tile_id.tolist() == wanted.tile_id.tolist()
    assert found.error[-1].endswith("for world coordinates x=95.0, y=20.0, z=99.0")


def test_stack_locate__bad_arguments(stack: StackWrapper, gateway: Gateway) -> None:
    """A missing stack and coordinates that are not finite are errors; without points nothing is found."""
    with pytest.raises(NotFoundError):
        gateway.stack("nowhere").locate([[1, 1]], 1)
    with pytest.raises(TransformError, match="coordinates must be finite"):
        stack.locate([[1, 1]], np.nan)
    assert len(stack.locate([], 1)) == 0


@pytest.mark.parametrize(
    ("transforms", "frame", "expected"),
    [
        ([TranslationModel2D(1, 2)], "raw", True),
        ([BEND, AffineModel2D([[1, 0, 2], [0, 1, 3]])], "after:lens", True),
        ([BEND, AffineModel2D([[1, 0, 2], [0, 1, 3]])], "raw", False),
        ([TranslationModel2D(1, 2), TranslationModel2D(1, 2)], "raw", False),
        ([TransformReference("shift"), TranslationModel2D(1, 2)], "raw", False),
        ([TransformReference("still")], "raw", False),
        ([TransformReference("gone"), TranslationModel2D(1, 2)], "raw", False),
        ([BEND], "raw", False),
        ([], "raw", False),
    ],
)
def test_maps__single_affines(transforms: list[Transform], frame: str, expected: bool) -> None:
    """Tiles are recognized whose only transform after the frame is an affine of their own."""
    shared = {"shift": TranslationModel2D(5, 0), "still": AffineModel2D([[1, 0, 0], [0, 1, 0]])}
    usual = placed("a", *([BEND] if frame == "after:lens" else []), TranslationModel2D(3, 4))

    maps = TileMaps(TileTable.from_records([usual, placed("b", *transforms)]), shared, frame)

    assert maps.are_single_affines == expected
