"""Transforms of many tiles changed."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from rendergateway import Gateway, NotFoundError, RecordError, ResolvedTiles, StackWrapper, TileRecord
from rendergateway.transforms import AffineModel2D, PolynomialTransform2D, TransformReference, from_spec
from tests.conftest import SHARED
from tests.wrappers.conftest import LENS

SHIFT = AffineModel2D([[1, 0, 10], [0, 1, 20]])
LENS_HERE = TransformReference("lens")


def own(tile: Any) -> list[Any]:
    """The transforms of a tile, as stored."""
    return list(tile.transforms)


@pytest.mark.parametrize(
    ("how", "expected"),
    [
        ("append", lambda place: [LENS_HERE, place, SHIFT]),
        ("prepend", lambda place: [SHIFT, LENS_HERE, place]),
        ("insert_before_last", lambda place: [LENS_HERE, SHIFT, place]),
        ("replace_last", lambda place: [LENS_HERE, SHIFT]),
        ("replace_all", lambda place: [SHIFT]),
        ("concatenate_last", lambda place: [LENS_HERE, SHIFT @ place]),
    ],
)
def test_apply__ways(stack: StackWrapper, how: str, expected: Any) -> None:
    """Each mode places the transform as named, in all tiles of the sections, and derives boxes."""
    place = own(stack.tile("t1_1"))[1]
    other = own(stack.tile("t2_1"))

    with stack.editing() as edit:
        assert edit.apply(SHIFT, how=how, sections=1) == 2

    tile = stack.tile("t1_1")
    assert own(tile) == expected(place)
    assert own(stack.tile("t2_1")) == other
    corner = tile.world_from_local([0, 0])
    assert tile.bounds is not None
    assert list(tile.bounds)[:2] == np.trunc(corner).tolist()


def test_apply__one_a_tile(stack: StackWrapper, gateway: Gateway) -> None:
    """A solver's result, one transform a tile, is applied to the tiles that it names, and saved elsewhere."""
    solution = {"t1_0": SHIFT, "t3_1": AffineModel2D()}

    with stack.copy_to("aligned", tiles=False).editing() as edit:
        assert edit.apply(solution, source=stack, how="replace_last") == 2

    aligned = gateway.stack("aligned")
    assert [tile.tile_id for section in aligned.sections() for tile in section.tiles()] == ["t1_0", "t3_1"]
    assert own(aligned.tile("t1_0")) == [LENS_HERE, SHIFT]
    assert aligned.resolution_nm == stack.resolution_nm
    assert aligned.tile("t1_0").world_from_local([0, 0]).tolist() == [11, 22]
    assert own(stack.tile("t1_0")) != [LENS_HERE, SHIFT]


def test_apply__ids_and_matrices(stack: StackWrapper, gateway: Gateway) -> None:
    """Affine matrices with tile ids; with sections given, tiles are read in one request per section."""
    ids = ["t1_0", "t1_1", "t2_0"]
    matrices = np.tile(np.eye(2, 3), (3, 1, 1))
    matrices[:, 0, 2] = [0.5, 100, 200]

    with gateway.counting() as requests, stack.editing() as edit:
        assert edit.apply((ids, matrices), how="replace_last", sections=(1, 2)) == 3

    assert requests == [
        "stack.read",
        "stack.set_state",
        *["section.resolved_tiles"] * 2,
        "stack.save_tiles",
        "stack.read",
        "stack.set_state",
    ]
    assert [own(stack.tile(tile_id))[1].matrix[0, 2] for tile_id in ids] == [0.5, 100, 200]


def test_apply__shared(stack: StackWrapper, gateway: Gateway) -> None:
    """One transform for whole sections is stored once, and the tiles refer to it."""
    with gateway.counting() as requests, stack.editing() as edit:
        assert edit.apply(SHIFT, sections=stack.sections(z=(2, 3)), how="append", shared_id="z_drift") == 4

    assert requests.count("stack.save_tiles") == 1
    assert own(stack.tile("t2_0"))[2] == TransformReference("z_drift")
    assert stack.shared_transforms["z_drift"].evolve(id=None) == SHIFT
    assert stack.tile("t2_0").world_from_local([0, 0]).tolist() == [11, 22]
    assert list(stack.tile("t2_0").bounds or ())[:2] == [11, 22]


def test_apply__all_sections(stack: StackWrapper) -> None:
    """Without sections all tiles of the stack are meant."""
    with stack.editing(batch=1, workers=3) as edit:
        assert edit.apply(SHIFT) == 6
        assert edit.saved == 6

    assert all(own(tile)[-1] == SHIFT for section in stack.sections() for tile in section.tiles())


def test_apply__sees_what_is_stored_now(stack: StackWrapper, gateway: Gateway) -> None:
    """Tiles are read anew: writes of another program are kept."""
    tiles = stack.section(1).tiles().load()
    stack.set_state("LOADING")
    other = gateway.using()
    with other.stack("montage").editing(complete=False) as edit:
        edit.put([other.stack("montage").tile("t1_0")._obj.evolve(group_id="theirs")])
    assert tiles is not None

    with stack.editing() as edit:
        edit.apply({"t1_0": SHIFT})

    assert stack.tile("t1_0")._obj.group_id == "theirs"


def test_apply__nothing_is_saved_before_all_are_changed(stack: StackWrapper, gateway: Gateway) -> None:
    """With one transform per tile, a missing tile is an error before the first tile is saved."""
    with gateway.counting() as requests:
        with pytest.raises(NotFoundError), stack.editing(batch=1) as edit:
            edit.apply({"t1_0": SHIFT, "none": SHIFT})
        with (
            pytest.raises(NotFoundError, match=r"1 tiles are not in these sections of .*'t3_0'"),
            stack.editing() as edit,
        ):
            edit.apply({"t1_0": SHIFT, "t3_0": SHIFT}, sections=[1, 2])

    assert "stack.save_tiles" not in requests


def test_apply__not_affine(stack: StackWrapper) -> None:
    """Failed concatenations name the tile."""
    with pytest.raises(RecordError, match="last transform of tile 't1_0'"), stack.editing() as edit:
        edit.apply({"t1_0": CURVED}, how="concatenate_last")
    with stack.editing(complete=False) as edit:
        edit.put([TileRecord(tile_id="bare", z=9, width=1, height=1, transforms=[])])
        with pytest.raises(RecordError, match="tile 'bare' has no transform"):
            edit.apply(SHIFT, how="concatenate_last", sections=9)


CURVED = PolynomialTransform2D([[0, 1, 0, 1e-5, 0, 0], [0, 0, 1, 0, 0, 1e-5]])


@pytest.mark.parametrize(
    ("changes", "options", "error", "sentence"),
    [
        (SHIFT, {"how": "sideways"}, ValueError, "how must be append, prepend, .*; got 'sideways'"),
        (
            {"a": SHIFT},
            {"shared_id": "x"},
            ValueError,
            "shared_id='x' requires one transform for all tiles, got one per tile",
        ),
        (SHIFT, {"shared_id": "x", "how": "concatenate_last"}, ValueError, "cannot be shared"),
        (SHIFT, {"sections": []}, ValueError, "sections= is empty; leave it out"),
        ((["a", "b"], np.zeros((1, 2, 3))), {}, RecordError, r"expected \(2, 2, 3\)"),
        ((["a", "a"], np.zeros((2, 2, 3))), {}, RecordError, "duplicate tile id 'a'"),
        ((["a"], np.full((1, 2, 3), np.nan)), {}, RecordError, "the matrix of tile 'a' contains numbers"),
    ],
)
def test_apply__that_does_not_go_together(
    stack: StackWrapper, changes: Any, options: dict[str, Any], error: type[Exception], sentence: str
) -> None:
    """Contradictory arguments are refused before anything is read or saved."""
    with stack.editing() as edit, pytest.raises(error, match=sentence):
        edit.apply(changes, **options)


# Shared transforms


def test_set_shared_transform__boxes_follow(stack: StackWrapper, gateway: Gateway) -> None:
    """A changed lens moves the boxes of all tiles that refer to it, and of no other."""
    alone = TileRecord(tile_id="alone", z=3, width=100, height=80, transforms=[])
    with stack.editing() as edit:
        edit.put([alone])
    new = AffineModel2D([[1, 0, 50], [0, 1, 60]])

    with gateway.counting() as requests, stack.editing() as edit:
        assert edit.set_shared_transform("lens", new) == 6

    assert requests.count("stack.save_tiles") == 1
    assert list(stack.tile("t2_1").bounds or ()) == [140, 60, 240, 140]
    assert list(stack.tile("alone").bounds or ()) == [0, 0, 100, 80]
    assert stack.tile("t1_0").resolved_transforms[0].evolve(id=None) == new
    with pytest.raises(NotFoundError, match=r"no tile of stack .* refers to .* 'none'"), stack.editing() as edit:
        edit.set_shared_transform("none", new)


def test_apply__shared_id_that_is_taken(stack: StackWrapper) -> None:
    """An existing shared transform is not replaced by apply()."""
    with (
        pytest.raises(RecordError, match=r"different shared transform 'lens', .*set_shared_transform\(\) replaces it"),
        stack.editing() as edit,
    ):
        edit.apply(SHIFT, sections=1, shared_id="lens")

    assert stack.shared_transforms["lens"].evolve(id=None) == LENS


# The Java clients


GOLDEN = SHARED / "golden-clients"
TURN = AffineModel2D([[0.5, -0.1, 7.25], [0.1, 0.5, 9.125]])
CHANGES = {
    "append": "append",
    "concatenate": "concatenate_last",
    "concatenate_translation": "concatenate_last",
    "replace_all": "replace_all",
    "replace_last_default": "replace_last",
}
SECTIONS = {
    "append_two_layers": ("append", [3407, 3408]),
    "pre_concatenate_last": ("concatenate_last", [3407, 3408]),
    "replace_last": ("replace_last", [3407]),
}


@pytest.fixture
def acquired(gateway: Gateway) -> StackWrapper:
    """The input stack of the Java clients."""
    if not GOLDEN.is_dir():
        pytest.skip("results of the Java clients (../shared/golden-clients) are not here")
    stack = gateway.create_stack("acquire", resolution_nm=(4, 4, 35))
    with stack.editing() as edit:
        edit.put(ResolvedTiles.from_json((GOLDEN / "fixtures/example_1.json").read_bytes()), boxes="service")
    return stack


def stored(stack: StackWrapper) -> dict[str, Any]:
    """All tiles and shared transforms, numbers in texts read."""
    found: dict[str, Any] = comparable(stack._bound.call("stack.resolved_tiles"))
    return found


def java_result(client: str, case: str) -> dict[str, Any]:
    """Result of the Java client."""
    (file,) = (GOLDEN / client / case / "state").glob("*_resolvedTiles.json")
    found: dict[str, Any] = comparable(json.loads(file.read_bytes()))
    return found


def comparable(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _numbers(item) if key == "dataString" else comparable(item) for key, item in value.items()}
    return [comparable(item) for item in value] if isinstance(value, list) else value


def _numbers(text: str) -> Any:
    try:
        return [round(float(word), 9) for word in text.split()]
    except ValueError:
        return text


@pytest.mark.parametrize("boxes", ["service", "local"])
@pytest.mark.parametrize("case", CHANGES)
def test_golden__one_transform_a_tile(acquired: StackWrapper, case: str, boxes: str) -> None:
    """A list of changes yields ImportTransformChangesClient's results."""
    listed = json.loads((GOLDEN / "ImportTransformChangesClient" / case / "inputs/changes.json").read_bytes())
    changes = {change["tileId"]: from_spec(change["transform"]) for change in listed}

    with acquired.copy_to("montage", tiles=False).editing(complete=False) as edit:
        edit.apply(changes, source=acquired, how=CHANGES[case], boxes=boxes)

    assert stored(edit.stack) == java_result("ImportTransformChangesClient", case)


@pytest.mark.parametrize("boxes", ["service", "local"])
@pytest.mark.parametrize("case", SECTIONS)
def test_golden__one_transform_for_sections(acquired: StackWrapper, case: str, boxes: str) -> None:
    """Whole sections match TransformSectionClient's results."""
    how, sections = SECTIONS[case]
    shared_id = None if how == "concatenate_last" else "moved"

    with acquired.copy_to("moved", tiles=False).editing(complete=False) as edit:
        edit.apply(TURN, source=acquired, sections=sections, how=how, shared_id=shared_id, boxes=boxes)

    assert stored(edit.stack) == java_result("TransformSectionClient", case)
