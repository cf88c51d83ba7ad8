"""Frames that end at a labelled transform, for match points, points of tiles and pictures."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from rendergateway import (
    ConfigurationError,
    Gateway,
    MatchRecord,
    StackWrapper,
    TileRecord,
    TransformError,
)
from rendergateway.transforms import AffineModel2D, PolynomialTransform2D, TransformList, TransformReference

OFFSETS = (1, 10, 100)


def shift(x: float, *labels: str) -> AffineModel2D:
    return AffineModel2D([[1.0, 0.0, x], [0.0, 1.0, 0.0]], labels=labels)


def offsets(labels: Sequence[str]) -> TransformList:
    """Shifts by 1, 10 and 100 with these labels."""
    return TransformList(shift(x, *filter(None, [label])) for x, label in zip(OFFSETS, labels, strict=True))


@pytest.mark.parametrize(
    ("labels", "frame", "into", "after"),
    [
        (("", "", ""), "before:match", 11, 100),
        (("match", "", ""), "before:match", 0, 111),
        (("", "match", ""), "before:match", 1, 110),
        (("", "", "match"), "before:match", 11, 100),
        (("match", "match", ""), "before:match", 1, 110),
        # Requests with excludeTransformsAfterLast=match keep the labelled transform.
        (("match", "", ""), "after:match", 1, 110),
        (("", "match", ""), "after:match", 11, 100),
        (("", "", "match"), "after:match", 111, 0),
        (("lens", "lens", "match"), "after:lens", 11, 100),
        (("", "my: label", ""), "before:my: label", 1, 110),
        (("lens", "", ""), "lens_corrected", 1, 110),
        (("match", "", ""), "raw", 0, 111),
    ],
)
def test_split_at(labels: Sequence[str], frame: str, into: float, after: float) -> None:
    """A frame ends before or after the last transform of its label, as in the service."""
    parts = offsets(labels).split_at(frame)
    assert [part.apply([0, 0]).tolist() for part in parts] == [[into, 0], [after, 0]]
    assert TransformList().split_at("before:match") == (TransformList(), TransformList())


@pytest.mark.parametrize("frame", ["cooked", "before", "before:", "after: ", "beside:match", "", None])
def test_frame__unknown(gateway: Gateway, frame: Any) -> None:
    """A word that is not a frame is refused with the words that are."""
    sentence = f"frame must be 'raw' or 'lens_corrected', got {frame!r}; 'before:match' or 'after:lens' end"
    with pytest.raises(ValueError, match=sentence):
        offsets(("", "", "")).split_at(frame)
    if frame is not None:
        with pytest.raises(ValueError, match=sentence):
            gateway.match_collection("m", frame=frame)
        with pytest.raises(ValueError, match=sentence):
            gateway.stack("s").tile("t").world_from_local([0, 0], frame=frame)


LENS = PolynomialTransform2D([[3, 1, 0.05, 1e-3, 0, 0], [2, 0, 1.02, 0, 1e-3, 0]], id="lens", labels=("lens",))


def tile(name: str, x: float, *extra: Any) -> TileRecord:
    """A tile with a shared lens, a rough shift labelled match and a last affine."""
    place = AffineModel2D([[0.9, -0.1, x], [0.1, 0.95, 5]])
    transforms = [TransformReference("lens"), shift(20, "match"), *extra, place]
    return TileRecord(tile_id=name, z=1, width=100, height=80, layout={"sectionId": "1.0"}, transforms=transforms)


@pytest.fixture
def stack(gateway: Gateway) -> StackWrapper:
    """Two overlapping tiles and one without labels."""
    stack = gateway.create_stack("labelled")
    with stack.editing() as edit:
        plain = tile("c", 0).evolve(transforms=[shift(7), shift(11)])
        edit.put([tile("a", 0), tile("b", 60), plain], transforms={"lens": LENS})
    return stack


FRAMES = ["raw", "lens_corrected", "before:match", "after:match", "after:lens", "before:lens"]


@pytest.mark.parametrize("frame", FRAMES)
def test_matches__residual_zero(gateway: Gateway, stack: StackWrapper, frame: str) -> None:
    """Points made by the rule of a frame meet in the world, one pair by one and in a table."""
    world = np.array([[70.0, 20.0], [80.0, 60.0], [90.0, 33.0]])
    sides = [stack.tile(name).local_from_world(world, frame=frame) for name in "ab"]
    matches = gateway.match_collection("made", frame=frame)
    matches.put([MatchRecord(p_group="1.0", p_id="a", q_group="1.0", q_id="b", p=sides[0], q=sides[1])])
    (pair,) = matches.pairs()

    assert matches.frame == pair.match_collection.frame == frame
    for p, q in (pair.world_points(stack), matches.world_points(stack, matches.table())):
        np.testing.assert_allclose(p, world, rtol=0, atol=1e-6)
        np.testing.assert_allclose(q, world, rtol=0, atol=1e-6)
    assert matches.residuals(stack, matches.table()).max() < 1e-6
    assert pair.residuals(stack).max() < 1e-6
    other = gateway.match_collection("made", frame="raw" if frame == "after:match" else "after:match")
    assert abs(other.pairs()[0].world_points(stack)[0] - world).max() > 1
    assert matches.frame == pair.match_collection.frame == frame


def test_frame__belongs_to_the_opened_collection(gateway: Gateway, stack: StackWrapper) -> None:
    """Opening a collection in a frame changes no other object, and all objects reached from it have the frame."""
    unset, raw = gateway.match_collection("made"), gateway.match_collection("made", frame="raw")
    raw.put([MatchRecord(p_group="1.0", p_id="a", q_group="1.0", q_id="b", p=[[1, 1]], q=[[1, 1]])])
    before = gateway.match_collection("made", frame="before:match")

    assert (unset.frame, raw.frame, before.frame) == (None, "raw", "before:match")
    assert gateway.match_collection("made") is unset
    assert unset == raw == before
    assert raw is gateway.match_collection("made", frame="raw")
    assert raw.groups()[0].match_collection is raw
    assert stack.tile("a").matches(raw)[0].match_collection is raw
    assert stack.tile("a").matches("made")[0].match_collection is unset
    assert raw._conn.in_frame(raw._key, "raw") is raw._conn
    # Another frame from there on, beside those of other collections.
    other = raw._conn.match_collection("other", frame="lens_corrected")
    assert (other.frame, other._conn.match_collection("made").frame) == ("lens_corrected", "raw")


def test_frame__of_merged(gateway: Gateway) -> None:
    """Merged collections have the frame of the first one whose frame is set."""
    one, raw = gateway.match_collection("one"), gateway.match_collection("two", frame="raw")
    assert one.merged_with("two").frame is None
    assert one.merged_with(raw).frame == raw.merged_with(one).frame == "raw"


@pytest.mark.parametrize("frame", FRAMES)
def test_points__of_tiles(gateway: Gateway, stack: StackWrapper, frame: str) -> None:
    """Points of one tile and of many are mapped between a frame and the world, both ways."""
    local = np.array([[10.0, 20.0], [30.0, 40.0]])
    transforms = stack.tile("a").resolved_transforms.flattened()
    head, tail = transforms.split_at(frame)

    alone = stack.tile("a").world_from_local(head.apply(local), frame=frame)
    table = stack.world_from_local(["a", "a"], head.apply(local), frame=frame)
    back = stack.local_from_world("a", table.xy, frame=frame)

    np.testing.assert_allclose(alone, transforms.apply(local))
    np.testing.assert_allclose(table.raise_errors().xy, alone)
    np.testing.assert_allclose(back.raise_errors().xy, head.apply(local), atol=1e-7)
    np.testing.assert_allclose(stack.tile("a").local_from_world(alone, frame=frame), head.apply(local), atol=1e-7)
    np.testing.assert_allclose(tail.apply(head.apply(local)), alone)


def test_points__label_is_missing(gateway: Gateway, stack: StackWrapper) -> None:
    """A tile without the label is an error that names label and tile; other tiles are mapped."""
    sentence = r"frame 'after:lens' needs a transform labelled 'lens': got labels \[\]"
    table = stack.world_from_local(["a", "c"], [[1, 1]] * 2, frame="after:lens")
    assert table.failed.tolist() == [False, True]
    assert table.error[1].startswith(sentence.replace("\\", ""))
    assert stack.world_from_local("c", [[1, 1]], frame="before:match").xy.tolist() == [[12, 1]]
    with pytest.raises(TransformError, match=sentence):
        stack.tile("c").world_from_local([1, 1], frame="after:lens")
    matches = gateway.match_collection("made", frame="after:lens")
    matches.put([MatchRecord(p_group="1.0", p_id="a", q_group="1.0", q_id="c", p=[[1, 1]], q=[[1, 1]])])
    with pytest.raises(TransformError, match=f"tile 'c' of stack .*labelled.*: {sentence}"):
        matches.residuals(stack, matches.table())
    with pytest.raises(TransformError, match=f"tile 'c' of stack .*labelled.*: {sentence}"):
        matches.pairs()[0].residuals(stack)


@pytest.mark.parametrize("options", [{"compute": "service"}, {"method": "mesh"}])
def test_points__frame_of_the_service(stack: StackWrapper, options: dict[str, str]) -> None:
    """The service and its mesh have raw pixels only."""
    sentence = "frame 'before:match' needs compute='local' and method='exact'"
    for subject, ids in ((stack, ["a"]), (stack.tile("a"), [])):
        with pytest.raises(ValueError, match=sentence):
            subject.local_from_world(*ids, [[1, 1]], frame="before:match", **options)  # type: ignore[arg-type,call-arg]
    if "compute" in options:
        with pytest.raises(ValueError, match=sentence):
            stack.world_from_local("a", [[1, 1]], frame="before:match", compute="service")


def test_merged__other_frame(gateway: Gateway) -> None:
    """Collections of different labels are not merged."""
    one, other = (gateway.match_collection(name, frame=f"before:{name}") for name in ("m", "n"))
    with pytest.raises(ConfigurationError, match=r"the frame of <.*> is before:m, that of <.*> is before:n"):
        one.merged_with(other)
