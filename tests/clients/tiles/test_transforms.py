"""Clients that change transforms, and the one that validates tiles."""

from __future__ import annotations

import pytest

from rendergateway import Gateway, StackWrapper
from tests.clients.stacks.conftest import Run, layout

SHIFT = ["--transformId", "moved", "--transformClass", "mpicbg.trakem2.transform.AffineModel2D"]
DATA = ["--transformData", "1,0,0,1,10,20"]


@pytest.mark.parametrize(
    ("method", "count", "first"), [("APPEND", 2, 110), ("REPLACE_LAST", 1, 10), ("PRE_CONCATENATE_LAST", 1, 110)]
)
def test_transform_section__methods(
    run: Run, gateway: Gateway, stack: StackWrapper, method: str, count: int, first: int
) -> None:
    """One section is changed and saved in the target; a shared transform has the given id."""
    words = ["--stack", "acquire", "--targetStack", "moved", *SHIFT, *DATA, "--transformApplicationMethod", method]

    ended = run("TransformSectionClient", *words, "1")

    moved = gateway.stack("moved").section(1).tiles()
    assert ended.code == 0
    assert [len(tile.transforms) for tile in moved] == [count] * 3
    assert moved[0].bounds is not None
    assert moved[0].bounds.min_x == first
    assert layout(gateway.stack("moved")).keys() == {1}
    if method != "PRE_CONCATENATE_LAST":
        assert list(moved[0].shared_transforms().ids) == ["moved"]


def test_transform_section__box_and_completion(run: Run, gateway: Gateway, stack: StackWrapper) -> None:
    """Only tiles that touch the box are saved, and the target is completed on request."""
    box = ["--minX", "0", "--maxX", "150", "--minY", "0", "--maxY", "50"]

    words = ["--stack", "acquire", "--targetStack", "moved", *SHIFT, *DATA, *box, "--completeTargetStack"]
    ended = run("TransformSectionClient", *words, "1")

    moved = gateway.stack("moved")
    assert ended.code == 0
    assert moved.state == "COMPLETE"
    assert layout(moved) == {1: ["t1_0"]}


def test_transform_section__to_minimum(run: Run, gateway: Gateway, stack: StackWrapper) -> None:
    """Each section is moved to begin at the minimum, with a transform of its own."""
    words = ["--stack", "acquire", "--targetStack", "moved", *SHIFT, *DATA, "--layerMinimumXAndYBound", "5"]

    ended = run("TransformSectionClient", *words, "1", "2")

    moved = gateway.stack("moved")
    assert ended.code == 0
    for z in (1, 2):
        bounds = moved.section(z).bounds
        assert bounds is not None
        assert (bounds.min_x, bounds.min_y) == (5, 5)
    assert list(moved.section(2).tiles()[0].shared_transforms().ids) == ["moved_2.0"]


def test_transform_section__from_tile_to_tile(run: Run, gateway: Gateway, stack: StackWrapper) -> None:
    """The section of one tile is moved so that the tile begins where another one does."""
    words = ["--stack", "acquire", "--targetStack", "moved", *SHIFT, *DATA]

    ended = run("TransformSectionClient", *words, "--fromTileId", "t1_0", "--toTileId", "t2_1", "1", "2")
    same = run("TransformSectionClient", *words, "--fromTileId", "t1_0", "--toTileId", "t1_1", "1")

    moved = gateway.stack("moved")
    assert ended.code == 0
    assert layout(moved) == {1: ["t1_0", "t1_1", "t1_2"]}
    assert moved.tile("t1_0").bounds == stack.tile("t2_1").bounds
    assert same.code == 1
    assert "cannot be in the same layer (1.0)" in same.err


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--minX", "0", "1"], "since one or more of minX (0.0), maxX (null), minY (null), maxY (null) is specified"),
        (["--minX", "5", "--maxX", "1", "--minY", "0", "--maxY", "1", "1"], "minX (5.0) must be less than or equal"),
        (["9"], "has no section at z 9"),
    ],
)
def test_transform_section__bad_input(run: Run, stack: StackWrapper, words: list[str], sentence: str) -> None:
    """Bad boxes and missing sections end with code 1 and a sentence."""
    ended = run("TransformSectionClient", "--stack", "acquire", "--targetStack", "moved", *SHIFT, *DATA, *words)

    assert ended.code == 1
    assert sentence in ended.err


def test_transform_removal__all_of_them(run: Run, gateway: Gateway, stack: StackWrapper) -> None:
    """Tiles that lose all transforms have their local rectangles as boxes."""
    words = ["--stack", "acquire", "--targetStack", "less", "--numberOfTransformsToRemove", "3", "--z", "1", "2"]

    ended = run("TransformRemovalClient", *words, "--completeTargetStack")

    less = gateway.stack("less")
    assert ended.code == 0
    assert less.state == "COMPLETE"
    assert less.tiles().table().box.tolist() == [[0, 0, 100, 80]] * 5


VALIDATOR = ["--validatorClass", "WarpedTileSpecValidator", "--validatorData", "maxDeltaThreshold:0.001"]


def test_validate_tiles__report(run: Run, stack: StackWrapper) -> None:
    """Invalid tiles are reported and stay; without a validator nothing is."""
    ended = run("ValidateTilesClient", "--stack", "acquire", *VALIDATOR, "1")
    nothing = run("ValidateTilesClient", "--stack", "acquire", "1")

    assert (ended.code, nothing.code) == (0, 0)
    assert ended.err.count("is invalid: no mipmap level") == 3
    assert nothing.err == ""
    assert stack.reload().state == "COMPLETE"


def test_validate_tiles__remove(run: Run, gateway: Gateway, stack: StackWrapper) -> None:
    """Invalid tiles are deleted; a section that would be left empty is an error."""
    ended = run("ValidateTilesClient", "--stack", "acquire", *VALIDATOR, "--removeInvalidTiles", "1")

    assert ended.code == 1
    assert "collection does not have any tiles" in ended.err
    assert layout(stack).keys() == {2}
    assert stack.reload().state == "LOADING"


def test_validate_tiles__missing_section(run: Run, stack: StackWrapper) -> None:
    """A missing section is an error."""
    ended = run("ValidateTilesClient", "--stack", "acquire", *VALIDATOR, "9")

    assert ended.code == 1
    assert "no tile specifications found for z=9" in ended.err
