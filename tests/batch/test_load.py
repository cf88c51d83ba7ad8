"""Loading files: checked as a whole, stored unchanged."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, NoReturn

import pytest

from rendergateway import BadRequestError, Gateway, RecordError, StackWrapper, TileLimits, TransformError
from rendergateway.batch.load import load_files, load_specs
from rendergateway.model.files.spec_set import gather_specs
from rendergateway.transforms import CLASSES, AffineModel2D, TransformReference

SHIFT = {"className": "mpicbg.trakem2.transform.TranslationModel2D", "dataString": "10 20"}


def tile(tile_id: str, *transforms: dict[str, Any], **members: Any) -> dict[str, Any]:
    size = {"tileId": tile_id, "z": 1.0, "width": 100, "height": 50}
    return {**size, "transforms": {"type": "list", "specList": list(transforms)}, **members}


def reference(name: str) -> dict[str, Any]:
    return {"type": "ref", "refId": name}


def shared(name: str, **members: Any) -> dict[str, Any]:
    return {"id": name, **SHIFT, **members}


JANELIA = "org.janelia.alignment.transform"


@pytest.fixture
def write(tmp_path: Path) -> Any:
    """Write an object as JSON to a file of that name; return its path."""

    def write(name: str, value: Any) -> Path:
        file = tmp_path / name
        file.write_text(json.dumps(value))
        return file

    return write


@pytest.fixture
def stack(gateway: Gateway) -> StackWrapper:
    """A stack that does not exist yet."""
    return gateway.stack("new")


def test_load__creates_a_complete_stack(stack: StackWrapper, write: Any) -> None:
    """A missing stack is created, filled and COMPLETE."""
    loaded = load_files(stack, [write("a.json", [tile("a", SHIFT), tile("b", SHIFT, z=2.5)])])

    assert (loaded.tile_count, loaded.transform_count, loaded.z) == (2, 0, (1.0, 2.5))
    assert (stack.state, stack.tile_count) == ("COMPLETE", 2)


def test_load__left_loading(stack: StackWrapper, write: Any) -> None:
    """With complete=False the stack is left LOADING."""
    load_files(stack, [write("a.json", [tile("a")])], complete=False)

    assert stack.state == "LOADING"


def test_load__boxes_kept_or_derived(stack: StackWrapper, write: Any) -> None:
    """Bounding boxes are kept; missing ones are derived."""
    boxed = tile("a", SHIFT, minX=1.0, minY=2.0, maxX=3.0, maxY=4.0)

    load_files(stack, [write("a.json", [boxed, tile("b", SHIFT)])])

    assert [list(found.bounds or ()) for found in stack.section(1).tiles()] == [[1, 2, 3, 4], [10, 20, 110, 70]]


def test_load__default_z(stack: StackWrapper, write: Any) -> None:
    """The z argument applies to tiles without z."""
    without = tile("a")
    del without["z"]

    load_files(stack, [write("a.json", [without, tile("b", z=3)])], z=7)

    assert {found: stack.tile(found).z for found in ("a", "b")} == {"a": 7, "b": 3}


def test_load__transform_from_another_file(stack: StackWrapper, write: Any) -> None:
    """References to shared transforms of other files are kept."""
    files = [write("tiles.json", [tile("a", reference("lens"))]), write("lenses.json", [shared("lens")])]

    assert load_files(stack, files).transform_count == 1
    assert stack.tile("a").transforms[0] == TransformReference("lens")
    assert stack.tile("a").world_from_local([0, 0]).tolist() == [10, 20]


def test_load__references_between_shared_transforms(stack: StackWrapper, write: Any) -> None:
    """A reference from one shared transform to another, which the service refuses, is resolved."""
    chain = {"id": "chain", "type": "list", "specList": [reference("lens"), reference("lens")]}

    load_files(stack, [write("a.json", [shared("lens"), chain, tile("a", reference("chain"))])])

    assert stack.tile("a").transforms[0] == TransformReference("chain")
    assert stack.tile("a").world_from_local([0, 0]).tolist() == [20, 40]


def test_load__same_transform_in_two_files(stack: StackWrapper, write: Any) -> None:
    """Equal shared transforms may occur in several files."""
    files = [write(name, [shared("lens"), tile(name, reference("lens"))]) for name in ("a.json", "b.json")]

    assert load_files(stack, files).tile_count == 2


@pytest.mark.parametrize(
    ("second", "sentence"),
    [
        ([tile("a")], r"duplicate tile id 'a': .*first.json, element 2, and .*second.json, element 1"),
        (
            [shared("lens", dataString="1 1")],
            r"transform id 'lens' with different transforms: .*first.json.* and .*second.json",
        ),
        (
            [tile("b", reference("no"))],
            r"second.json, element 1: tile b requires the following transform ids \[no\], which",
        ),
        ([tile("b", z="x")], r"second.json, element 1: tile 'b' cannot be read: .* at \$.z"),
        ([tile("b", z=None)], r"second.json, element 1: tile 'b' has no z; set a default with z="),
        ([tile("b", width=None)], r"second.json, element 1: tile 'b' has no box .* and no width and height"),
        ([tile("b", {**SHIFT, "dataString": "1"})], r"second.json, element 1: tile 'b' has a malformed transform: "),
        ([tile("b", {"className": "a.B"})], r"second.json, element 1: tile 'b' has no box .* unknown class: got a.B"),
        (
            [tile("b", {"className": f"{JANELIA}.DisplacementFieldTransform", "dataString": "/f?z=1"})],
            r"tile 'b' has no box .* unknown class: got .*DisplacementFieldTransform",
        ),
        ([tile("b") | {"transforms": None}], r"second.json, element 1: the transforms of tile 'b' are null"),
        ([{"id": "k", "className": "a.B"}, tile("b", reference("k"))], r"second.json, element 2: tile 'b' has no box"),
        ([{"id": "x", "type": "list", "specList": [reference("x")]}], r"second.json, element 1: transform 'x': "),
    ],
)
def test_load__invalid_element_stores_nothing(
    stack: StackWrapper, write: Any, second: list[Any], sentence: str
) -> None:
    """An error in any file is reported before anything is stored, including the stack."""
    files = [write("first.json", [shared("lens"), tile("a", reference("lens"))]), write("second.json", second)]

    with pytest.raises(RecordError, match=sentence):
        load_files(stack, files)

    assert not stack.exists


def test_load__no_tiles(stack: StackWrapper, write: Any) -> None:
    """Files of shared transforms alone are refused."""
    with pytest.raises(RecordError, match="no tile spec"):
        load_files(stack, [write("a.json", [shared("lens")])])


def test_load__unknown_class_with_a_box(stack: StackWrapper, write: Any) -> None:
    """A transform of an unknown class is stored unchanged if no bounding box has to be derived."""
    box = {"minX": 0, "minY": 0, "maxX": 9, "maxY": 9}

    load_files(stack, [write("a.json", [tile("a", {"className": "a.B", "dataString": "x y"}, **box)])])

    assert stack.tile("a").transforms[0].to_spec()["dataString"] == "x y"


def test_load__existing_stack_is_refused(stack: StackWrapper, write: Any) -> None:
    """An existing stack is refused by default, and not modified."""
    load_files(stack, [write("a.json", [tile("a")])])

    with pytest.raises(BadRequestError, match="lab/cortex/new exists already; pass existing='append' or"):
        load_files(stack, [write("b.json", [tile("b")])])

    assert stack.section(1).tiles().ids == ["a"]


def test_load__append_finds_transforms_of_the_stack(stack: StackWrapper, write: Any) -> None:
    """Appended tiles may refer to shared transforms of the stack."""
    load_files(stack, [write("a.json", [shared("lens"), tile("a", reference("lens"))])])

    load_files(stack, [write("b.json", [tile("b", reference("lens"))])], existing="append")

    assert stack.section(1).tiles().ids == ["a", "b"]
    assert stack.state == "COMPLETE"


def test_load__append_without_its_transform(stack: StackWrapper, write: Any) -> None:
    """An unresolved reference leaves the stack COMPLETE and unchanged."""
    load_files(stack, [write("a.json", [tile("a")])])

    with pytest.raises(RecordError, match="in no file that is loaded, nor in stack new"):
        load_files(stack, [write("b.json", [tile("b", reference("lens"))])], existing="append")

    assert (stack.state, stack.tile_count) == ("COMPLETE", 1)


def test_load__replace_keeps_the_metadata_of_the_stack(gateway: Gateway, write: Any) -> None:
    """Replacing leaves only the new tiles, and keeps the resolution of the stack."""
    stack = gateway.create_stack("old", resolution_nm=(4, 4, 40))
    load_files(stack, [write("a.json", [tile("a"), tile("b", z=2)])], existing="append")

    load_files(stack, [write("b.json", [tile("c")])], existing="replace")

    assert [section.tiles().ids for section in stack.sections()] == [["c"]]
    assert stack.resolution_nm == (4, 4, 40)


def test_load__interrupted_between_batches(stack: StackWrapper, write: Any) -> None:
    """Ctrl-C leaves the saved tiles in a LOADING stack, with a note on the error."""
    specs = gather_specs([write("a.json", [tile(name) for name in "abc"])])

    def interrupt(count: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt) as caught:
        load_specs(stack, specs, workers=1, batch=2, progress=interrupt)

    assert "was left LOADING" in vars(caught.value)["__notes__"][0]
    assert (stack.state, stack.section(1).tiles().ids) == ("LOADING", ["a", "b"])


def test_load__replaced_half_way(gateway: Gateway, stack: StackWrapper, write: Any) -> None:
    """An interrupted replacement keeps all old tiles, with a note on the error, and may be repeated."""
    load_files(stack, [write("a.json", [tile("old"), tile("older", z=2)])])
    specs = gather_specs([write("b.json", [tile(name) for name in "abcd"])])

    def interrupt(count: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt) as caught:
        load_specs(stack, specs, existing="replace", workers=1, batch=2, progress=interrupt)

    (note,) = vars(caught.value)["__notes__"]
    assert note == (
        "stack new was left LOADING; the 2 tiles put before this error are stored; old tiles are still among the new "
        "ones; the same load may be repeated"
    )
    assert stack.tiles().ids == ["a", "b", "old", "older"]
    load_specs(stack, specs, existing="replace")
    assert (stack.state, stack.tiles().ids) == ("COMPLETE", list("abcd"))


def test_load__replacement_refused_by_the_service(stack: StackWrapper, write: Any) -> None:
    """A replacement that the service refuses half-way keeps the old tiles."""
    load_files(stack, [write("a.json", [tile("old")])])
    specs = gather_specs([write("b.json", [tile("a"), tile("b")])])
    # An error that only the service detects.
    specs.texts["b"] = json.dumps(tile("b", width="wide")).encode()

    with pytest.raises(BadRequestError, match="width"):
        load_specs(stack, specs, existing="replace", workers=1, batch=1)

    assert stack.tiles().ids == ["a", "old"]


def test_load__replacing_deletes_old_tiles(gateway: Gateway, stack: StackWrapper, write: Any) -> None:
    """Sections without new tiles are deleted with one request each, other old tiles one by one."""
    load_files(stack, [write("a.json", [tile("a"), tile("b"), tile("c", z=2), tile("d", z=2), tile("e", z=3)])])

    with gateway.counting() as requests:
        load_files(stack, [write("b.json", [tile("a"), tile("e")])], existing="replace")

    assert [name for name in requests if "delete" in name] == ["section.delete", "tile.delete"]
    assert {one.id: one.z for one in stack.tiles()} == {"a": 1, "e": 1}


def test_load__limits_are_checked_first(stack: StackWrapper, write: Any) -> None:
    """Tiles beyond the limits are refused before the stack is created."""
    with pytest.raises(RecordError, match=r"'a' \(width is 100"):
        load_files(stack, [write("a.json", [tile("a")])], validate=TileLimits(max_size=99))

    assert not stack.exists


def test_load__append_another_transform(stack: StackWrapper, write: Any) -> None:
    """An appended file cannot change a shared transform of other tiles; a replacing one may."""
    load_files(stack, [write("a.json", [shared("lens"), tile("a", reference("lens"))])])
    other = [write("b.json", [shared("lens", dataString="1 1"), tile("b", reference("lens"))])]

    with pytest.raises(RecordError, match="the stack has a different shared transform 'lens'"):
        load_files(stack, other, existing="append")
    assert stack.state == "COMPLETE"
    load_files(stack, other, existing="replace")

    assert stack.tile("b").world_from_local([0, 0]).tolist() == [1, 1]


def test_load__several_workers(stack: StackWrapper, write: Any) -> None:
    """Batches may be sent concurrently."""
    specs = gather_specs([write("a.json", [tile(f"t{number}") for number in range(20)])])

    assert load_specs(stack, specs, workers=4, batch=3).tile_count == stack.tile_count == 20


def test_gather__affine_of_a_replaced_class() -> None:
    """A registered class for affines decides on their parameters, also on six plain numbers."""

    class Refusing(AffineModel2D):
        @classmethod
        def from_data_string(cls, text: str) -> NoReturn:
            raise TransformError(f"refused: {text}")

    leaf = {"className": AffineModel2D.JAVA_NAME, "dataString": "1 0 0 1 5 6"}
    specs = json.dumps([tile("a", leaf)]).encode()

    assert list(gather_specs(specs).tiles) == ["a"]
    sentence = "tile 'a' has a malformed transform: refused: 1 0 0 1 5 6"
    with (
        CLASSES.registered(AffineModel2D.JAVA_NAME, Refusing, replace=True),
        pytest.raises(RecordError, match=sentence),
    ):
        gather_specs(specs)
