"""Writes: kinds of tiles, boxes, limits, files, groups, deletions, stack metadata."""

from __future__ import annotations

import gzip
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rendergateway import (
    BadRequestError,
    Gateway,
    NotFoundError,
    RecordError,
    Removal,
    ResolvedTiles,
    StackStateError,
    StackWrapper,
    TileLimits,
    TileRecord,
    TileTable,
    write_tiles,
)
from rendergateway.model.records.json_slices import encode
from rendergateway.transforms import AffineModel2D, TransformReference, UnknownTransform
from tests.wrappers.conftest import LENS, tile

SIDES = {"min_x": 0, "min_y": 0, "max_x": 9, "max_y": 9}


def bare(tile_id: str, **fields: Any) -> TileRecord:
    return TileRecord(tile_id=tile_id, z=1, width=100, height=80, transforms=[], **fields)


@pytest.fixture
def empty(gateway: Gateway) -> StackWrapper:
    """A stack without tiles."""
    return gateway.create_stack("empty")


# Kinds of tiles


@pytest.mark.parametrize(
    "make",
    [
        lambda section: section.tiles(),
        lambda section: list(section.tiles()),
        lambda section: section.tiles()[:],
        lambda section: TileTable.from_records(section.tiles().records()),
        lambda section: list(section.tiles().records()),
        lambda section: section.tiles().records(),
        lambda section: iter(section.tiles()),
    ],
    ids=["collection", "wrappers", "slice", "table", "records", "stream of records", "stream of wrappers"],
)
def test_put__kinds_of_tiles(stack: StackWrapper, empty: StackWrapper, make: Any) -> None:
    """Any container of tiles can be put; the JSON of each tile is unchanged and its lens is included."""
    with empty.editing() as edit:
        assert edit.put(make(stack.section(2)), transforms={"lens": LENS}) == 2

    copied, original = empty.section(2).tiles(), stack.section(2).tiles()
    assert [one._obj.to_json() for one in copied] == [one._obj.to_json() for one in original]
    assert empty.shared_transforms["lens"].evolve(id=None) == LENS


def test_put__a_stream_is_not_held(gateway: Gateway, empty: StackWrapper) -> None:
    """Of a generator only a few batches are taken before the first is sent."""
    sent_after: list[int] = []
    gateway.hooks.on_request.append(lambda exchange: sent_after.append(len(taken)))
    taken: list[str] = []

    def stream() -> Iterator[TileRecord]:
        for number in range(10):
            taken.append(str(number))
            yield bare(str(number), **SIDES)

    with empty.editing(workers=1, batch=2) as edit:
        assert edit.put(stream()) == 10

    saves = sent_after[1:-2]
    assert saves[0] <= 4
    assert len(saves) == 5


def test_put__an_id_twice_in_a_stream(empty: StackWrapper) -> None:
    """A duplicate tile id is found in any batch."""
    stream = (bare(str(number % 5), **SIDES) for number in range(9))

    with pytest.raises(RecordError, match="duplicate tile id '0'"), empty.editing(batch=2) as edit:
        edit.put(stream)


def test_put__no_tile(empty: StackWrapper) -> None:
    """An argument that is not a tile is refused with the expected types."""
    with pytest.raises(TypeError, match="TileRecord or TileWrapper"), empty.editing(complete=False) as edit:
        edit.put(["t1"])
    with pytest.raises(RecordError, match="expected a tile spec"), empty.editing(complete=False) as edit:
        edit.put(TileTable([b'{"z": 1}']))


def test_put__flattened_tiles_are_refused(stack: StackWrapper, empty: StackWrapper) -> None:
    """Tiles with resolved references would lose their lens; flattening them must be explicit."""
    resolved = stack.section(1).resolved_tiles()
    assert type(resolved[0].transforms[0]) is type(LENS)

    with pytest.raises(RecordError, match="lose the link"), empty.editing() as edit:
        edit.put(resolved)
    with pytest.raises(RecordError, match="lose the link"), empty.editing() as edit:
        edit.put([resolved[0].evolve(z=7)])
    with empty.editing() as edit:
        assert edit.put([TileRecord.from_json(resolved[0].to_json())]) == 1


def test_tiles_resolved__requests(stack: StackWrapper, gateway: Gateway) -> None:
    """Flattened records take one request; an empty layer has none, a missing stack is an error."""
    with gateway.counting() as requests:
        assert len(stack.section(1).resolved_tiles()) == 2
    assert requests == ["section.tile_specs"]
    assert not stack.section(99).resolved_tiles()
    with pytest.raises(NotFoundError):
        gateway.stack("none").section(1).resolved_tiles()


def test_put__each_shared_transform_is_asked_for_once(stack: StackWrapper, gateway: Gateway) -> None:
    """However many tiles name a shared transform, and in however many calls, it is asked for once."""
    empty = gateway.create_stack("copy")
    tiles = [section.tiles().load() for section in stack.sections()]

    with gateway.counting() as requests, empty.editing(batch=1) as edit:
        for section in tiles:
            edit.put(section)

    assert requests == [
        "stack.read",
        "transform.read",
        *["stack.save_tiles"] * 6,
        "stack.read",
        "stack.set_state",
    ]


def test_put__shared_transforms_of_another_content(stack: StackWrapper) -> None:
    """A different transform with an id that the stack already has is refused."""
    other = AffineModel2D([[1, 0, 5], [0, 1, 5]])

    with pytest.raises(RecordError, match="different shared transform 'lens'"), stack.editing() as edit:
        edit.put([tile("new", 1, 0)], transforms={"lens": other})

    assert stack.shared_transforms["lens"].evolve(id=None) == LENS
    with stack.editing() as edit:
        assert edit.put([tile("new", 1, 0)], transforms={"lens": LENS}) == 1


def test_put__ids_of_shared_transforms(empty: StackWrapper) -> None:
    """A transform without an id is stored under its name; a transform with another id is refused."""
    with (
        pytest.raises(RecordError, match="shared transform 'lens' contains another id, 'eye'"),
        empty.editing() as edit,
    ):
        edit.put([tile("a", 1, 0)], transforms={"lens": LENS.evolve(id="eye")})
    with empty.editing() as edit:
        edit.put([tile("a", 1, 0)], transforms={"lens": LENS})

    assert empty.tile("a").resolved_transforms.apply([0, 0]).tolist() == [1, 2]


# Boxes


def boxes_of(stack: StackWrapper) -> list[list[float]]:
    return [list(one.bounds or ()) for section in stack.sections() for one in section.tiles()]


def test_boxes__here_as_the_service_derives_them(gateway: Gateway) -> None:
    """Boxes derived here are those that the service derives: of affines, of tiles with a lens, of none, of a list."""
    turned = AffineModel2D.from_spec(
        {"className": AffineModel2D.JAVA_NAME, "dataString": "0.99 -0.0575 0.0556 1.01 1108.67 -2104.64"}
    )
    sizes: dict[str, Any] = {"z": 1, "width": 2560, "height": 2160}
    tiles = [
        TileRecord(tile_id="affine", **sizes, transforms=[turned]),
        TileRecord(tile_id="lens", **sizes, transforms=[TransformReference("lens"), turned]),
        TileRecord(tile_id="lens alone", **sizes, mesh_cell_size=32, transforms=[TransformReference("lens")]),
        TileRecord(tile_id="nothing", **sizes, transforms=[]),
        TileRecord(tile_id="two", **sizes, transforms=[turned, turned]),
        TileRecord(tile_id="cells", **sizes, mesh_cell_size=17, transforms=[LENS, turned]),
    ]
    found = {}
    for boxes in ("local", "service"):
        stack = gateway.create_stack(boxes)
        with gateway.counting() as requests, stack.editing() as edit:
            edit.put(tiles, transforms={"lens": LENS}, boxes=boxes)
        assert requests.count("stack.save_tiles") == 1
        found[boxes] = boxes_of(stack)

    assert found["local"] == found["service"]


@pytest.mark.parametrize("boxes", ["service", "keep"])
@pytest.mark.parametrize(
    ("missing", "words"), [(("width",), "no width;"), (("width", "height"), "no width and height")]
)
def test_boxes__that_the_service_could_not_derive(
    empty: StackWrapper, gateway: Gateway, boxes: str, missing: tuple[str, ...], words: str
) -> None:
    """A tile of unknown size is an error before any request; with its box kept it is saved."""
    tile = bare("a").evolve(**dict.fromkeys(missing))

    with (
        gateway.counting() as requests,
        pytest.raises(RecordError, match=f"box of tile 'a' cannot be derived: it has {words}"),
        empty.editing() as edit,
    ):
        edit.put([bare("b"), tile], boxes=boxes)
    with empty.editing() as edit:
        edit.put([tile.evolve(min_x=0, min_y=0, max_x=9, max_y=9)])

    assert "stack.save_tiles" not in requests
    assert empty.section(1).tiles().ids == ["a"]


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"width": None}, "cannot derive the box of tile 'a' without its size"),
        ({"transforms": [UnknownTransform("a.B", "")]}, "cannot derive the box of tile 'a': .*'a.B'"),
        (
            {"transforms": [AffineModel2D([[1e308, 1e308, 0], [1e308, 1e308, 0]])]},
            "cannot derive the box of tile 'a': the box is not finite",
        ),
    ],
)
def test_boxes__that_cannot_be_derived_here(empty: StackWrapper, fields: dict[str, Any], sentence: str) -> None:
    """A tile whose box cannot be derived is named, and nothing is saved."""
    with (
        np.errstate(over="ignore", invalid="ignore"),
        pytest.raises(RecordError, match=sentence),
        empty.editing() as edit,
    ):
        edit.put([bare("b"), bare("a").evolve(**fields)], boxes="local")

    assert not len(empty.section(1).tiles())


@pytest.mark.parametrize("boxes", ["keep", "service", "local"])
def test_limits__name_tiles_and_nothing_is_written(gateway: Gateway, empty: StackWrapper, boxes: str) -> None:
    """Tiles beyond the limits are named before any tile is sent, whoever derives the boxes."""
    tiles = [bare(f"t{number}") for number in range(3)] + [bare("far").evolve(transforms=[TransformReference("shift")])]
    shift = AffineModel2D([[1, 0, -5000], [0, 1, 0]])

    with (
        gateway.counting() as requests,
        pytest.raises(RecordError, match=r"1 of 2 checked tiles are invalid: 'far' \(min x is -5000, allowed is 0"),
        empty.editing(batch=2) as edit,
    ):
        edit.put(tiles, transforms={"shift": shift}, boxes=boxes, validate=TileLimits(min_coordinate=0))

    assert "stack.save_tiles" not in requests


@pytest.mark.parametrize(
    ("limits", "sentence"),
    [
        (TileLimits(min_size=90), r"'a' \(height is 80, allowed is 90 to inf"),
        (TileLimits(max_size=90), r"'a' \(width is 100, allowed is 0 to 90"),
        (TileLimits(max_coordinate=99), r"'a' \(max x is 100, allowed is -inf to 99"),
        (TileLimits(min_coordinate=1), "5 of 5 .* and 2 more"),
    ],
)
def test_limits__each_side(empty: StackWrapper, limits: TileLimits, sentence: str) -> None:
    """Each side of a box, its width and its height have limits."""
    with pytest.raises(RecordError, match=sentence), empty.editing() as edit:
        edit.put([bare(name) for name in "abcde"], validate=limits)


def test_limits__as_text() -> None:
    """Limits are read from the words of a command line."""
    assert TileLimits.parse("size=500..,coordinate=-500..100000") == TileLimits(
        min_size=500, min_coordinate=-500, max_coordinate=100_000
    )
    for wrong in ("500..10000", "size=500", "colour=1..2", "size=a..b"):
        with pytest.raises(ValueError, match=r"limits are|convert"):
            TileLimits.parse(wrong)


# Files


def test_load__paths_open_files_and_bytes(empty: StackWrapper, tmp_path: Path) -> None:
    """Specs come from a path, an open file or bytes, transforms from a file of their own."""
    write_tiles(tmp_path / "tiles.json.gz", [tile("a", 1, 0)])
    lens = encode([LENS.evolve(id="lens").to_spec()])
    (tmp_path / "lens.json").write_bytes(lens)
    packed = io.BytesIO(gzip.compress(b"[" + tile("b", 1, 0).to_json() + b"]"))

    with empty.editing() as edit:
        assert edit.load(tmp_path / "tiles.json.gz", transforms=str(tmp_path / "lens.json")) == 1
        assert edit.load([packed, tile("c", 2, 0).to_json()], transforms=lens) == 2

    assert empty.tile_count == 3


def test_load__checks_first(empty: StackWrapper, gateway: Gateway) -> None:
    """A fault in any element is named with its file before anything is saved."""
    with gateway.counting() as requests, empty.editing(complete=False) as edit:
        with pytest.raises(RecordError, match="the bytes given, element 2: tile 'b' has no z"):
            edit.load(encode([bare("a").to_dict(), bare("b").evolve(z=None).to_dict()]))
        with pytest.raises(RecordError, match="expected a file of shared transforms"):
            edit.load(bare("a").to_json(), transforms=bare("b").to_json())
        with pytest.raises(RecordError, match=r"\[lens\], which are in no file that is loaded, nor in stack empty"):
            edit.load(tile("a", 1, 0).to_json())
        with pytest.raises(TypeError, match="open for text"):
            edit.load(io.StringIO("[]"))

    assert "stack.save_tiles" not in requests


# Deleting


def test_delete__tiles_sections_and_section_ids(stack: StackWrapper, gateway: Gateway) -> None:
    """Tiles go by id, by layer and by section id, with one request each."""
    with gateway.counting() as requests, stack.editing(workers=2) as edit:
        edit.delete(["t1_0"])
        edit.delete(sections=2)
        edit.delete(section_ids="3.0")

    assert requests[2:5] == ["tile.delete", "section.delete", "section_id.delete"]
    assert [one.tile_id for section in stack.sections() for one in section.tiles()] == ["t1_1"]


def test_delete__dry_run(stack: StackWrapper, gateway: Gateway) -> None:
    """A dry run counts deletions, and deletes nothing."""
    with gateway.counting() as requests, stack.editing() as edit:
        assert edit.delete(["t1_0", "no such tile"], dry_run=True) == Removal(1)
        assert edit.delete(sections=stack.sections(z=(2, 3)), dry_run=True) == Removal(4, 2)
        assert edit.delete(sections=[99], section_ids=["1.0", "x"], dry_run=True) == Removal(2)
        assert edit.delete(stack.section(1).tiles(), dry_run=True) == Removal(2)

    assert not [request for request in requests if "delete" in request]
    assert stack.tile_count == 6


def test_delete__objects(stack: StackWrapper) -> None:
    """Tiles, sections and stacks count their deletions and are deleted."""
    assert stack.delete(dry_run=True) == Removal(6, 3)
    assert stack.section(1).delete(dry_run=True) == Removal(2, 1)
    assert stack.tile("t1_0").delete(dry_run=True) == Removal(1)
    with pytest.raises(StackStateError):
        stack.tile("t1_0").delete()

    stack.set_state("LOADING")
    stack.tile("t1_0").delete()
    stack.section(2).delete()

    assert stack.delete(dry_run=True) == Removal(3, 2)
    stack.delete()
    assert not stack.exists


def test_delete__of_nothing(stack: StackWrapper) -> None:
    """A deletion without arguments is refused; an empty selection deletes nothing."""
    with stack.editing() as edit:
        with pytest.raises(ValueError, match=r"pass tiles, sections= or section_ids="):
            edit.delete()
        edit.delete([], sections=[], section_ids=[])

    assert stack.tile_count == 6


# Groups


def test_set_group__by_tiles_and_by_ids(stack: StackWrapper, gateway: Gateway) -> None:
    """The group of tiles is set and removed, and nothing else of them changes."""
    before = stack.tile("t1_0")._obj.to_dict()

    with stack.editing() as edit:
        assert edit.set_group("to_review", stack.section(1).tiles()) == 2
        assert edit.set_group("to_review", ["t2_0"]) == 1
    assert stack.tile_group("to_review").tiles().ids == ["t1_0", "t1_1", "t2_0"]
    assert stack.tile("t1_0")._obj.to_dict() == before | {"groupId": "to_review"}

    with stack.editing() as edit:
        edit.set_group(None, ["t1_0"])
        with pytest.raises(TypeError, match="must be a sequence of ids or tiles, got the text 't1_0'"):
            edit.set_group("x", "t1_0")
    assert stack.tile("t1_0")._obj.to_dict() == before


def test_set_group__many_ids_read_their_layers(gateway: Gateway, empty: StackWrapper) -> None:
    """Many tiles named by id are read layer by layer."""
    with empty.editing() as edit:
        edit.put([bare(f"{z}_{number}").evolve(z=z) for z in (1, 2) for number in range(10)])

    ids = [f"{z}_{number}" for z in (1, 2) for number in range(0, 10, 2)]
    with gateway.counting() as requests, empty.editing() as edit:
        assert edit.set_group("even", ids) == 10
    assert requests[2:] == [
        "tile.read",
        "section.resolved_tiles",
        *["tile.read"] * 5,
        "stack.save_tiles",
        "stack.read",
        "stack.set_state",
    ]
    with pytest.raises(NotFoundError, match="none"), empty.editing(complete=False) as edit:
        edit.set_group("even", ["none"])


# Stack metadata


def test_set__without_reopening(stack: StackWrapper, gateway: Gateway) -> None:
    """Resolution, cycle and channel change in place; the stack stays COMPLETE, its version the same."""
    before = stack.version_number

    with gateway.counting() as requests:
        stack.update(resolution_nm=(4.5, 4.5, 40), cycle=(2, 1), default_channel="DAPI", box_root_path="/boxes")
    assert requests == ["stack.set_resolution", "stack.set_cycle", "stack.set_default_channel", "stack.set_box_root"]
    assert (stack.state, stack.version_number, stack.resolution_nm) == ("COMPLETE", before, (4.5, 4.5, 40))
    assert (stack.version.cycle_number, stack.version.cycle_step_number) == (2, 1)
    assert (stack.version.default_channel, stack.version.box_root_path) == ("DAPI", "/boxes")

    stack.update(resolution_nm=None, cycle=None, default_channel=None, box_root_path=None, path_builder=None)
    assert stack.resolution_nm == (None, None, None)
    assert (stack.version.cycle_number, stack.version.default_channel) == (None, None)


def test_set__what_needs_a_new_version(stack: StackWrapper, gateway: Gateway) -> None:
    """Notes change only with a new version, and unknown fields are named."""
    with gateway.counting() as requests:
        with pytest.raises(TypeError, match=r"stack\.new_version\(notes=…\)"):
            stack.update(notes="second pass")
        with pytest.raises(TypeError, match="unknown field 'colour' of a stack"):
            stack.update(colour="red")
        stack.update()
    assert requests == []


def test_new_version__reopens(stack: StackWrapper, gateway: Gateway, caplog: pytest.LogCaptureFixture) -> None:
    """A new version reopens the stack and logs it; tiles and other metadata stay."""
    before = stack.version_number or 0
    opening = stack.new_version(notes="second pass", cycle=(3, 1))
    assert stack.reload().state == "COMPLETE"

    with caplog.at_level("INFO", "rendergateway"), gateway.counting() as requests, opening as edit:
        assert stack.state == "LOADING"
        edit.put([tile("new", 1, 0)])

    assert "stack lab/cortex/montage, COMPLETE, is opened for its next version" in caplog.text
    assert [one for one in requests if one in ("stack.create", "stack.set_state")] == [
        "stack.create",
        "stack.set_state",
    ]
    assert (stack.state, stack.version_number, stack.version.notes) == ("COMPLETE", before + 1, "second pass")
    assert (stack.resolution_nm, stack.version.cycle_number, stack.tile_count) == ((4, 4, 40), 3, 7)


def test_rename__the_old_wrapper_finds_nothing(stack: StackWrapper, gateway: Gateway) -> None:
    """The renamed stack is returned; the old wrapper is a missing stack."""
    target = gateway.stack("other/aligned")
    assert not target.exists
    listed = gateway.project("other").stacks()
    assert len(listed) == 0

    with gateway.counting() as requests:
        renamed = stack.rename("aligned", project="other")

    assert requests == ["stack.rename"]
    assert renamed is target
    assert (renamed.tile_count, renamed.state, renamed.resolution_nm) == (6, "COMPLETE", (4, 4, 40))
    assert listed.ids == ["aligned"]
    with pytest.raises(NotFoundError):
        _ = stack.state
    with pytest.raises(BadRequestError, match="already exists"):
        renamed.rename("aligned", project="other")


def test_create__exist_ok(stack: StackWrapper, gateway: Gateway) -> None:
    """An existing stack is returned unchanged, unless its resolution differs."""
    with gateway.counting() as requests:
        assert gateway.create_stack("montage", exist_ok=True, resolution_nm=(4, 4, 40)) is stack
    assert requests == ["stack.read"]
    assert stack.state == "COMPLETE"
    with pytest.raises(BadRequestError, match="exists with resolution"):
        gateway.create_stack("montage", exist_ok=True, resolution_nm=(8, 8, 40))


# Temporary stacks


@pytest.mark.parametrize("ends_with", [None, RuntimeError, KeyboardInterrupt])
def test_temporary__always_goes(gateway: Gateway, stack: StackWrapper, ends_with: type[BaseException] | None) -> None:
    """A temporary stack is deleted however the block ends; others stay."""
    met = []
    for context in (gateway.temporary_stack("trial", resolution_nm=(1, 2, 3)), stack.temporary()):
        try:
            with context as scratch:
                met.append((scratch.state, scratch.resolution_nm))
                with scratch.editing() as edit:
                    edit.put(stack.section(1).tiles())
                if ends_with is not None:
                    raise ends_with
        except (RuntimeError, KeyboardInterrupt):
            pass

    assert met == [("LOADING", (1, 2, 3)), ("LOADING", (4, 4, 40))]
    assert gateway.stacks().ids == ["montage"]


def test_temporary__read_only_goes_too(gateway: Gateway) -> None:
    """A READ_ONLY temporary stack is deleted as well."""
    with gateway.temporary_stack() as scratch:
        with scratch.editing() as edit:
            edit.put([bare("a")])
        scratch.set_state("READ_ONLY")

    assert not len(gateway.stacks())


def test_temporary__that_cannot_go(gateway: Gateway) -> None:
    """If deleting a temporary stack fails after an error, that error notes it."""

    def close_and_fail() -> None:
        gateway.close()
        raise RuntimeError("broken")

    with pytest.raises(RuntimeError) as caught, gateway.temporary_stack():
        close_and_fail()

    assert "could not be deleted" in vars(caught.value)["__notes__"][0]
    gateway.connect()


def test_put__resolved_tiles_with_transforms(empty: StackWrapper) -> None:
    """Resolved tiles include their transforms."""
    whole = ResolvedTiles({"a": tile("a", 1, 0).to_json()}, {"lens": encode(LENS.evolve(id="lens").to_spec())})

    with empty.editing() as edit:
        assert edit.put(whole) == 1


@pytest.mark.parametrize("tile_id", ["a/b", "a/", ".", ".."])
def test_put__ids_without_an_address(empty: StackWrapper, gateway: Gateway, tile_id: str) -> None:
    """Such tiles are saved, listed and used; reading one alone is refused, as it could find another tile."""
    with empty.editing() as edit:
        edit.put([bare("a"), bare(tile_id)])

    listed = empty.section(1).tiles().get(tile_id)

    assert listed.world_from_local([1, 2]).tolist() == empty.world_from_local([tile_id], [[1, 2]]).xy[0].tolist()
    with gateway.counting() as requests, pytest.raises(BadRequestError, match="not allowed in a URL"):
        empty.tile(tile_id).reload()
    assert requests == []
