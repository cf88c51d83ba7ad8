"""Derived stacks, removed transforms, moves and warps."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from rendergateway import Gateway, MatchRecord, PathBuilder, StackWrapper, TileLimits, TileRecord
from rendergateway.errors import FitError, NotFoundError, RecordError, StackStateError
from rendergateway.transforms import AffineModel2D, TransformReference

LENS = AffineModel2D([[1.0, 0.0, 1.0], [0.0, 1.0, 1.0]])
GRID = {"a": (0, 0), "b": (200, 0), "c": (0, 200), "d": (200, 200), "e": (400, 0), "f": (400, 200), "g": (90, 110)}


def placed(tile_id: str, z: float = 1.0) -> TileRecord:
    """A tile of 100 × 50 pixels on the grid, behind the lens."""
    x, y = GRID[tile_id[0]]
    transforms = [TransformReference("lens"), AffineModel2D([[1, 0, x], [0, 1, y]])]
    return TileRecord(
        tile_id=tile_id, z=z, width=100, height=50, layout={"sectionId": f"s{z:g}"}, transforms=transforms
    )


@pytest.fixture
def stack(gateway: Gateway) -> StackWrapper:
    """Seven tiles in section 1, two in section 2; with resolution and mipmap paths."""
    stack = gateway.create_stack("montage", resolution_nm=(4, 4, 40))
    with stack.editing() as edit:
        edit.put([*map(placed, GRID), placed("a2", 2), placed("b2", 2)], transforms={"lens": LENS})
    stack.update(path_builder=PathBuilder(root_path="/mipmaps/", level_count=3, extension="png"))
    return stack


def ids(stack: StackWrapper) -> dict[float, list[str]]:
    """Tile ids of each section, as stored now."""
    return {section.z: list(section.tiles().ids) for section in stack.reload().sections()}


def test_derive__metadata(stack: StackWrapper, gateway: Gateway) -> None:
    """A missing stack is created with resolution and mipmap paths; an existing one gets missing ones, and is opened."""
    with gateway.create_stack("old").editing() as edit:
        edit.put([placed("a")], transforms={"lens": LENS})

    made, old = stack.derived_stack("made"), stack.derived_stack("old")

    for derived in (made, old):
        assert derived.state == "LOADING"
        assert list(derived.resolution_nm) == [4, 4, 40]
        assert derived.version.path_builder is not None
        assert derived.version.path_builder.root_path == "/mipmaps/"
    assert made.version.notes == "derived from lab/cortex/montage"


def test_derive__keeps_what_there_is(stack: StackWrapper, gateway: Gateway) -> None:
    """Metadata of an existing stack are not replaced, and a READ_ONLY one is refused."""
    old = gateway.create_stack("old", resolution_nm=(8, 8, 8))
    with old.editing() as edit:
        edit.put([placed("a")], transforms={"lens": LENS})
    assert list(stack.derived_stack("old").resolution_nm) == [8, 8, 8]

    old.set_state("COMPLETE")
    old.set_state("READ_ONLY")
    with pytest.raises(StackStateError, match="old stack state is READ_ONLY and cannot be changed"):
        stack.derived_stack("old")


def test_reopen__stays_open(stack: StackWrapper) -> None:
    """A reopened stack is LOADING also after an edit that fails."""
    stack.reopen()
    with pytest.raises(NotFoundError), stack.editing() as edit:
        edit.move(3, "nobody")

    assert stack.reload().state == "LOADING"


def test_remove_transforms__in_place_and_elsewhere(stack: StackWrapper) -> None:
    """The last transforms go, boxes follow, and transforms without a reference are not copied."""
    assert stack.remove_transforms(1, to="raw", sections=2) == 2
    assert stack.remove_transforms(5, sections=2) == 2

    raw = stack.derived_stack("raw")
    assert raw.tiles().table().box.tolist() == [[1, 1, 101, 51]] * 2
    assert stack.section(2).tiles().table().box.tolist() == [[0, 0, 100, 50]] * 2
    assert [len(tile.transforms) for tile in stack.section(2).tiles()] == [0, 0]
    assert len(stack.section(1).tiles()[0].transforms) == 2
    assert stack.reload().state == "COMPLETE"


@pytest.mark.parametrize(("options", "error"), [({"count": -1}, ValueError), ({"sections": 9}, NotFoundError)])
def test_remove_transforms__misuse(stack: StackWrapper, options: dict[str, Any], error: type[Exception]) -> None:
    """A negative count and a missing section change nothing."""
    with pytest.raises(error):
        stack.remove_transforms(**options)

    assert len(stack.tile("a").transforms) == 2


def test_apply__within_a_box(stack: StackWrapper) -> None:
    """Only tiles that touch the box are changed; one transform per tile excludes it."""
    shift = AffineModel2D([[1, 0, 1000], [0, 1, 0]])
    with stack.editing() as edit:
        assert edit.apply(shift, sections=1, box=(0, 0, 250, 60)) == 2
        assert edit.apply(shift, sections=1, box=(320, 120, 390, 300)) == 0
        with pytest.raises(ValueError, match="requires one transform for all tiles"):
            edit.apply({"a": shift}, box=(0, 0, 1, 1))

    assert [tile.tile_id for tile in stack.section(1).tiles() if len(tile.transforms) == 3] == ["a", "b"]


def test_move__tiles_and_sections(stack: StackWrapper) -> None:
    """Tiles are moved by id, section, section id and box, or by a function of z; others stay."""
    with stack.editing() as edit:
        assert edit.move(7, ["a", stack.tile("b")]) == 2
        assert edit.move(8, sections=1, box=(0, 150, 50, 300)) == 1
        assert edit.move(lambda z: math.floor(z / 2), section_ids="s2") == 2
    assert ids(stack) == {1: ["a2", "b2", "d", "e", "f", "g"], 7: ["a", "b"], 8: ["c"]}


@pytest.mark.parametrize(
    ("z", "options", "error"),
    [
        (3, {"tiles": ["a", "nobody"]}, NotFoundError),
        (3, {"section_ids": "s9"}, NotFoundError),
        (3, {"tiles": "a", "sections": 1}, TypeError),
        (math.floor, {"tiles": "a"}, TypeError),
        (math.nan, {"tiles": "a"}, ValueError),
        (3, {"tiles": "a", "missing": "ignore"}, ValueError),
    ],
)
def test_move__misuse(stack: StackWrapper, z: float, options: dict[str, object], error: type[Exception]) -> None:
    """Missing tiles and wrong arguments move nothing."""
    with pytest.raises(error), stack.editing() as edit:
        edit.move(z, **options)  # type: ignore[arg-type]

    assert {one: len(names) for one, names in ids(stack).items()} == {1: 7, 2: 2}


def test_move__into_another_stack(stack: StackWrapper) -> None:
    """Copies are saved with their shared transforms, and the source is not changed."""
    flat = stack.derived_stack("flat")
    with flat.editing() as edit:
        assert edit.move(5.0, source=stack, sections=2) == 2

    assert ids(flat) == {5: ["a2", "b2"]}
    assert list(flat.tile("a2").shared_transforms().ids) == ["lens"]
    assert ids(stack)[2] == ["a2", "b2"]


@pytest.fixture
def aligned(stack: StackWrapper) -> StackWrapper:
    """Section 1 turned, without tile g."""
    aligned = stack.derived_stack("aligned")
    turned = AffineModel2D([[0, -1, 1000], [1, 0, 0]])
    with aligned.editing() as edit:
        edit.apply(dict.fromkeys("abcdef", turned), how="append", source=stack)
    return aligned


def centres(stack: StackWrapper, names: str) -> np.ndarray:
    """World pixels of the centres of tiles."""
    return stack.world_from_local(list(names), [[50, 25]] * len(names)).xy


def test_warp__all_tiles_of_a_section(stack: StackWrapper, aligned: StackWrapper) -> None:
    """Centres are mapped to those of the aligned stack; a tile that is not aligned is warped with the others."""
    warped = stack.warp_to("warped", aligned, sections=1)

    assert (warped.tile_count, warped.dropped, warped.stack.state) == (7, {}, "COMPLETE")
    np.testing.assert_allclose(centres(warped.stack, "abcdef"), centres(aligned, "abcdef"), atol=1e-6)
    assert set(warped.stack.tile("g").shared_transforms().ids) == {"lens", "1.0_TPS"}
    assert list(warped.stack.resolution_nm) == [4, 4, 40]


def test_warp__clusters(stack: StackWrapper, aligned: StackWrapper, gateway: Gateway) -> None:
    """Each cluster of matched tiles gets a spline of its own; tiles in none, or in too small ones, are left out."""
    matches = gateway.match_collection("links")
    pairs = [("a", "b"), ("b", "c"), ("d", "e"), ("d", "f")]
    matches.put([MatchRecord(p_group="s1", p_id=p, q_group="s1", q_id=q, p=[[0, 0]], q=[[0, 0]]) for p, q in pairs])

    warped = stack.warp_to("warped", aligned, sections=1, matches=matches)

    assert set(warped.dropped) == {"g"}
    assert "1.0_cluster_0_TPS" in warped.stack.tile("a").shared_transforms().ids
    assert "1.0_cluster_1_TPS" in warped.stack.tile("f").shared_transforms().ids
    np.testing.assert_allclose(centres(warped.stack, "abcdef"), centres(aligned, "abcdef"), atol=1e-6)


def test_warp__left_out(stack: StackWrapper, aligned: StackWrapper) -> None:
    """Tiles that are not in both stacks, and invalid ones, are left out with their reasons."""
    limits = TileLimits(max_coordinate=950)

    warped = stack.warp_to("warped", aligned, sections=1, common_only=True, validate=limits, invalid="drop")

    assert warped.dropped["g"] == "not in the aligned stack"
    assert set(warped.dropped) == {"a", "b", "e", "g"}
    assert ids(warped.stack) == {1: ["c", "d", "f"]}


@pytest.mark.parametrize(
    ("sections", "error", "sentence"),
    [
        (2, NotFoundError, "stack lab/cortex/aligned has no section at z 2"),
        (9, NotFoundError, "stack lab/cortex/montage has no section at z 9"),
    ],
)
def test_warp__missing_sections(
    stack: StackWrapper, aligned: StackWrapper, sections: float, error: type[Exception], sentence: str
) -> None:
    """Both stacks need the section."""
    with pytest.raises(error, match=sentence):
        stack.warp_to("warped", aligned, sections=sections)


def test_warp__too_few_tiles(stack: StackWrapper, gateway: Gateway) -> None:
    """Two common tiles, or none, do not determine a warp."""
    few = gateway.create_stack("few")
    with few.editing() as edit:
        edit.put([placed("a"), placed("b")], transforms={"lens": LENS})
    with pytest.raises(FitError, match=r"1.0_TPS: the centres of 2 tiles do not determine a warp"):
        stack.warp_to("warped", few, sections=1)
    with few.editing() as edit:
        edit.delete(["a", "b"])
        edit.put([placed("a").evolve(tile_id="z")], transforms={"lens": LENS})
    with pytest.raises(RecordError, match="do not contain common tile ids"):
        stack.warp_to("warped", few, sections=1)
