"""Queries for tiles of a stack, whole or in pieces."""

from __future__ import annotations

import gc
import weakref
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from rendergateway import (
    BadRequestError,
    Bounds,
    Gateway,
    NotFoundError,
    RecordError,
    SharedTransformWrapper,
    StackWrapper,
    TileGroupWrapper,
    TileRecord,
)
from rendergateway.testing import make_stack
from rendergateway.testing.misbehaving import MisbehavingServer, sends
from rendergateway.transforms import AffineModel2D, TransformReference
from rendergateway.wrappers.core.space import Recent
from tests.wrappers.conftest import LENS, tile

LIMIT = 7


def test_tiles__by_what_they_are_asked_for(stack: StackWrapper, gateway: Gateway) -> None:
    """Each query takes exactly one request."""
    asked = {
        "section.resolved_tiles": stack.tiles(z=2),
        "stack.resolved_tiles": stack.tiles(z=(2, 3), box=Bounds(0, 0, 50, 50)),
        "stack.tile_ids": stack.tiles(pattern="^t3"),
    }
    for endpoint, tiles in asked.items():
        with gateway.counting() as requests:
            tiles.load()
        assert requests == [endpoint]

    assert [tiles.ids for tiles in asked.values()] == [["t2_0", "t2_1"], ["t2_0", "t3_0"], ["t3_0", "t3_1"]]
    assert stack.tiles().ids == [f"t{z}_{column}" for z in (1, 2, 3) for column in (0, 1)]
    assert stack.tiles(z=(2, None)).ids == ["t2_0", "t2_1", "t3_0", "t3_1"]
    assert stack.tiles(box=Bounds(150, 0, 160, 9)).ids == ["t1_1", "t2_1", "t3_1"]
    assert stack.tiles(pattern="_0", z=(1, 2)).ids == ["t1_0", "t2_0"]
    assert [tile.z for tile in asked["stack.tile_ids"]] == [3.0, 3.0]
    assert stack.tiles(z=2) is stack.tiles(z=2.0)


def test_tiles__by_section_id(stack: StackWrapper, gateway: Gateway) -> None:
    """The tiles of a section id are found in all layers, as stored."""
    with stack.editing() as edit:
        edit.put([stack.tile("t3_0")._obj.evolve(tile_id="moved", z=9.0)])

    with gateway.counting() as requests:
        tiles = stack.tiles(section_id="3.0")
        assert tiles.ids == ["moved", "t3_0", "t3_1"]
        assert {tile.z for tile in tiles} == {3.0, 9.0}
        assert isinstance(next(iter(tiles[0].transforms)), TransformReference)
    assert requests == ["section_id.tile_bounds", "section.resolved_tiles", "section.resolved_tiles"]
    assert stack.tiles(section_id="nowhere").ids == []


def test_tiles__what_does_not_go_together(stack: StackWrapper) -> None:
    """Criteria that no endpoint combines are refused."""
    with pytest.raises(TypeError, match=r"section_id= cannot be combined with other criteria; use filter\(\)"):
        stack.tiles(section_id="1.0", z=3)
    with pytest.raises(TypeError, match=r"cannot combine pattern= and box=; use filter\(\)"):
        stack.tiles(pattern="x", box=Bounds(0, 0, 1, 1))


def test_section__by_section_id(stack: StackWrapper, gateway: Gateway) -> None:
    """A section is opened by z or by section id, and is the same one."""
    with gateway.counting() as requests:
        section = stack.section(section_id="2.0")
        assert stack.section(z=section.z) is section is stack.section(section_id="2.0")
        assert section.z == 2.0
    assert requests == ["section_id.z"]
    assert section.section_id == "2.0"
    with pytest.raises(NotFoundError, match="sectionId '7' does not exist"):
        stack.section(section_id="7")
    with pytest.raises(TypeError, match="one of them"):
        stack.section()
    with pytest.raises(TypeError, match="one of them"):
        stack.section(1, section_id="1.0")


def test_sections__of_a_range(stack: StackWrapper, gateway: Gateway) -> None:
    """A range of z includes both ends; None leaves one open."""
    with gateway.counting() as requests:
        assert stack.sections(z=(2, 3)).ids == [2.0, 3.0]
    assert requests == ["stack.z_values"]
    assert stack.sections(z=(None, 2)).ids == [1.0, 2.0]
    assert stack.sections(z=2).one().z == 2.0
    assert stack.sections(z=(2, 3)) is stack.sections(z=(2, 3))
    with pytest.raises(NotFoundError, match=r"sections of z 5…6 of stack montage"):
        stack.sections(z=(5, 6)).one()


def test_neighbours(stack: StackWrapper, gateway: Gateway) -> None:
    """The tiles beside a tile are those whose boxes touch its own; also of the sections beside it."""
    tile = stack.section(2).tiles()[0]

    with gateway.counting() as requests:
        assert tile.neighbours().ids == ["t2_1"]
    assert requests == ["stack.resolved_tiles"]
    assert tile.neighbours(dz=1).ids == ["t1_0", "t1_1", "t2_1", "t3_0", "t3_1"]
    with stack.editing(complete=False) as edit:
        edit.put(
            [TileRecord(tile_id="far", z=2, width=5, height=5, transforms=[AffineModel2D([[1, 0, 200], [0, 1, 0]])])]
        )
    assert tile.neighbours().ids == ["t2_1"]
    assert tile.neighbours(margin_px=100).ids == ["far", "t2_1"]


def test_shared_transforms__as_objects(stack: StackWrapper, gateway: Gateway) -> None:
    """A shared transform is reached from its stack by id and from a tile that refers to it, and is one object."""
    lens = stack.shared_transform("lens")

    with gateway.counting() as requests:
        assert lens.value == LENS.evolve(id="lens")
        assert lens.class_name == LENS.JAVA_NAME
        assert lens.stack is lens.parent is stack
    assert requests == ["transform.read"]
    assert lens.data_string == lens._obj.to_dict()["dataString"]
    transforms = stack.section(1).tiles()[0].shared_transforms()
    assert transforms.one() is lens
    assert isinstance(lens, SharedTransformWrapper)
    with pytest.raises(NotFoundError, match="'mirror' does not exist"):
        _ = stack.shared_transform("mirror").value


def test_tile_groups(stack: StackWrapper, gateway: Gateway) -> None:
    """A group holds the tiles with its id; the list of groups is derived from the tiles."""
    with stack.editing() as edit:
        edit.put([stack.tile(f"t{z}_0")._obj.evolve(group_id="left") for z in (1, 2)])

    with gateway.counting() as requests:
        group = stack.tile_group("left")
        assert group.tiles().ids == ["t1_0", "t2_0"]
    assert requests == ["stack.resolved_tiles"]
    assert stack.tile("t1_0").group is group is stack.tile_groups().one()
    assert group.stack is group.parent is stack
    assert group.count_children() == 2
    assert stack.tile("t1_1").group is None
    assert stack.tile_group("right").tiles().ids == []
    assert isinstance(group, TileGroupWrapper)


@pytest.mark.parametrize("complete", [True, False])
def test_iter_tiles__no_request_to_count(gateway: Gateway, complete: bool) -> None:
    """Tiles of a LOADING stack, and tiles without section ids, cost one listing per section, as a raw caller's do."""
    stack = gateway.create_stack("many")
    with stack.editing(complete=complete) as edit:
        edit.put(tile(f"t{z}", z, 0).evolve(layout=None, transforms=[AffineModel2D()]) for z in range(9))

    with gateway.counting() as requests:
        assert len(list(stack.iter_tiles())) == 9

    assert requests.count("section.resolved_tiles") == 9
    assert len(requests) <= 12


def test_iter_tiles(stack: StackWrapper, gateway: Gateway) -> None:
    """Tiles of any number of sections stream by, one section in memory."""
    with gateway.counting() as requests:
        assert [(tile.z, tile.tile_id) for tile in stack.iter_tiles(z=(2, 3))] == [
            (2.0, "t2_0"),
            (2.0, "t2_1"),
            (3.0, "t3_0"),
            (3.0, "t3_1"),
        ]
    # Which tiles each section has is known from one listing of the stack's sections.
    assert requests == ["stack.z_values", "stack.read", "stack.section_data", *["section.resolved_tiles"] * 2]


# More than one answer may hold


@pytest.mark.parametrize("kind", ["LOADING", "without section ids"])
def test_iter_tiles__one_request_per_section(kind: str, gateway: Gateway) -> None:
    """Sections whose sizes are unknown are streamed with one request each, as by raw calls."""
    stack = make_stack(gateway, "open", sections=50, rows=1, columns=1, complete=False)
    if kind == "without section ids":
        with stack.editing() as edit:
            edit.put([tile._obj.evolve(layout=None) for tile in stack.iter_tiles()])

    fresh = gateway.using()
    with fresh.counting() as requests:
        assert len(list(fresh.stack("open").iter_tiles())) == 50
    raw = {"stack.z_values": 1, "section.resolved_tiles": 50, "stack.read": 1}
    assert Counter(requests) == (raw if kind == "LOADING" else {**raw, "stack.section_data": 1})


@pytest.fixture
def large(tmp_path: Path) -> Iterator[StackWrapper]:
    """A layer of 5 × 5 overlapping tiles with a lens and one of two tiles, in a service limited to seven tiles."""
    path = tmp_path / "render.db"
    with Gateway(f"embedded:{path}", owner="lab", project="cortex") as unlimited:
        stack = unlimited.create_stack("large")
        record = tile("model", 1.0, 0.0)
        tiles = [
            record.evolve(
                tile_id=f"r{row}_c{col}",
                group_id="odd" if (row + col) % 2 else "even",
                transforms=[TransformReference("lens"), AffineModel2D([[1, 0, 90.0 * col], [0, 1, 70.0 * row]])],
            )
            for row in range(5)
            for col in range(5)
        ]
        with stack.editing() as edit:
            edit.put(
                [*tiles, *(one.evolve(tile_id=f"z2_{one.tile_id}", z=2.0) for one in tiles[:2])],
                transforms={"lens": LENS},
            )
    with Gateway(f"embedded:{path}?tile_limit={LIMIT}", owner="lab", project="cortex") as gateway:
        yield gateway.stack("large")


EVERY = sorted(f"r{row}_c{col}" for row in range(5) for col in range(5))


def test_pieces__a_layer_larger_than_the_limit(large: StackWrapper) -> None:
    """A layer that the service refuses comes whole all the same: each tile once, with the shared transforms."""
    gateway = large._conn
    with pytest.raises(BadRequestError, match="too broad"):
        gateway.call("section.resolved_tiles", **large._key._asdict(), z=1.0)

    tiles = large.section(1).tiles()

    assert tiles.ids == EVERY
    with gateway.counting() as requests:
        assert all(len(tile.resolved_transforms) == 2 for tile in tiles)
    assert requests == []
    assert large.section(2).tiles().ids == ["z2_r0_c0", "z2_r0_c1"]


def test_pieces__flattened_records(large: StackWrapper) -> None:
    """The flattened records of a layer that the service refuses are those of a service without limit."""
    with large._conn.counting() as requests:
        records = large.section(1).resolved_tiles()

    assert requests == ["section.tile_specs", "section.tile_bounds", "stack.tile_specs"]
    with Gateway(large._conn.server.partition("?")[0], owner="lab", project="cortex") as unlimited:
        assert records == unlimited.stack("large").section(1).resolved_tiles()
    assert [record.tile_id for record in records] == EVERY


def test_pieces__other_listings(large: StackWrapper) -> None:
    """A whole stack, a box and a group are read in pieces as well."""
    box = Bounds(0, 0, 300, 300)

    in_box = {
        tile.tile_id for tile in large.section(1).tiles() if tile.bounds is not None and tile.bounds.overlaps(box)
    }
    assert len(in_box) > LIMIT

    assert large.tiles().ids == sorted([*EVERY, "z2_r0_c0", "z2_r0_c1"])
    assert set(large.tiles(z=1, box=box).ids) == in_box
    assert set(large.tiles(z=(1, 2), box=box).ids) == in_box | {"z2_r0_c0", "z2_r0_c1"}
    odd = [f"r{row}_c{col}" for row in range(5) for col in range(5) if (row + col) % 2]
    assert large.tile_group("odd").tiles().ids == sorted([*odd, "z2_r0_c1"])


@pytest.mark.parametrize("batch", [6, 12])
def test_pieces__streamed(large: StackWrapper, batch: int) -> None:
    """A layer streams in pieces no larger than requested, each tile once, whatever the service's limit."""
    pieces = [list(piece.tiles) for piece in large.section(1)._pieces(batch)]

    assert max(map(len, pieces)) <= min(batch, LIMIT)
    assert sorted(tile_id for piece in pieces for tile_id in piece) == EVERY
    assert sorted(tile.tile_id for tile in large.iter_tiles(z=1, batch=batch)) == EVERY


def test_pieces__tiles_on_the_cut(gateway: Gateway) -> None:
    """A tile whose corner lies on the line between two pieces comes once."""
    stack = gateway.create_stack("grid")
    tiles = [
        TileRecord(
            tile_id=f"r{row}_c{column}",
            z=1,
            width=100,
            height=100,
            transforms=[AffineModel2D([[1, 0, 100 * column], [0, 1, 100 * row]])],
        )
        for row in range(4)
        for column in range(4)
    ]
    with stack.editing() as edit:
        edit.put(tiles)
    assert stack.bounds is not None
    assert tuple(stack.bounds)[:4] == (0, 0, 400, 400)

    for batch in (1, 4, 9):
        assert sorted(tile.tile_id for tile in stack.iter_tiles(batch=batch)) == [tile.tile_id for tile in tiles]


def test_pieces__smaller_than_what_overlaps(large: StackWrapper) -> None:
    """A batch smaller than a set of overlapping tiles may be exceeded; batch=0 is an error."""
    with large._conn.counting() as requests:
        assert sorted(tile.tile_id for tile in large.iter_tiles(z=1, batch=1)) == EVERY

    # To halve down to pixels wherever tiles overlap would take a hundred times as many.
    assert len(requests) < 1000
    with pytest.raises(ValueError, match="batch must be >= 1, got 0"):
        list(large.section(1).iter_tiles(batch=0))


def test_pieces__all_on_one_spot(large: StackWrapper) -> None:
    """If no box is small enough, the error names the place."""
    with Gateway(large._conn.server.partition("?")[0], owner="lab", project="cortex") as unlimited:
        record = large.section(2).tiles()[0]._obj
        with unlimited.stack("large").editing() as edit:
            edit.put([record.evolve(tile_id=f"pile{number}", z=5.0) for number in range(LIMIT + 2)])

    with pytest.raises(
        RecordError,
        match=r"stack lab/cortex/large has more overlapping tiles at \(1.0, 2.0, .* than one answer may hold",
    ):
        large.section(5).tiles().load()


def test_tiles__one_box_after_another(stack: StackWrapper, gateway: Gateway) -> None:
    """Asking for a box again returns the same collection while it is referenced; nothing else keeps it."""
    gateway.objects.recent = Recent(limit_bytes=0)
    tiles = stack.tiles(box=Bounds(0, 0, 10, 10)).load()
    assert stack.tiles(box=Bounds(0, 0, 10, 10)) is tiles
    gone = weakref.ref(tiles)

    del tiles
    stack.tiles(box=Bounds(0, 0, 20, 20)).load()
    gc.collect()

    assert gone() is None


@pytest.mark.parametrize(
    ("answer", "ids"),
    [
        (b'["a","quote"d","back\\slash"]', ["a", "back\\slash", 'quote"d']),
        (b'["a","quote\\"d"]', ["a", 'quote"d']),
        ('["é"é","b"]'.encode(), ["b", 'é"é']),
    ],
)
def test_pattern__ids_that_are_not_escaped(
    misbehaving: Callable[..., MisbehavingServer], answer: bytes, ids: list[str]
) -> None:
    """Ids with quotes and backslashes, which the real service does not escape, are listed as they are."""
    gateway = Gateway(misbehaving(sends(answer)).url, owner="o", project="p")

    assert gateway.stack("s").tiles(pattern=".*").ids == ids
    gateway.close()


@pytest.mark.parametrize("answer", [b"[1]", b'["a"b]', b'["\xff"\xff"]', b'["a",1]'])
def test_pattern__no_list_of_ids(misbehaving: Callable[..., MisbehavingServer], answer: bytes) -> None:
    """Another answer in the place of ids is an error."""
    gateway = Gateway(misbehaving(sends(answer)).url, owner="o", project="p")

    with pytest.raises(RecordError):
        len(gateway.stack("s").tiles(pattern=".*"))
    gateway.close()


def test_sections__z_values_that_are_no_numbers(misbehaving: Callable[..., MisbehavingServer]) -> None:
    """The z values of a stack are numbers, NaN as text too; anything else is an error that names the stack."""
    server = misbehaving(sends(b'["1.5"]'), sends(b'["NaN",2]'), sends(b'["lab"]'), sends(b"[null]"))
    gateway = Gateway(server.url, owner="o", project="p")

    assert gateway.stack("s").sections().ids == [1.5]
    assert gateway.stack("s").sections().reload().ids[1] == 2.0
    for _ in range(2):
        with pytest.raises(RecordError):
            gateway.stack("s").sections().reload()
    gateway.close()
