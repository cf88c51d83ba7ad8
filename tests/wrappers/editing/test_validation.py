"""Validators of tiles: reports, and tiles that are refused or dropped before they are saved."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from rendergateway import Gateway, StackWrapper, TileChecks, TileLimits, TileRecord, WarpLimits
from rendergateway.errors import NotFoundError, RecordError
from rendergateway.transforms import AffineModel2D, TransformReference, fit_thin_plate_spline

FAR = TileLimits(max_coordinate=1000)


def placed(tile_id: str, x: float = 0.0, z: float = 1.0) -> TileRecord:
    """A tile of 100 × 50 pixels at x."""
    transform = AffineModel2D([[1.0, 0.0, x], [0.0, 1.0, 0.0]])
    return TileRecord(tile_id=tile_id, z=z, width=100, height=50, transforms=[transform])


class NoNames:
    """A validator of users: tiles must not be called ``bad``."""

    def problems(self, texts: Sequence[Any], boxes: Any, shared: Mapping[str, Any]) -> dict[int, str]:
        """The rows of bad tiles."""
        return {row: "a bad name" for row, text in enumerate(texts) if b'"bad"' in bytes(text)}


@pytest.fixture
def stack(gateway: Gateway) -> StackWrapper:
    """One near and one far tile in section 1, one far tile in section 2."""
    stack = gateway.create_stack("checked")
    with stack.editing() as edit:
        edit.put([placed("near"), placed("far", 5000), placed("farther", 9000, 2)])
    return stack


def test_validate__lists_invalid_tiles(stack: StackWrapper) -> None:
    """Each invalid tile is a row with the first problem, in the order of sections."""
    found = stack.validate(FAR, NoNames())

    assert found.tile_id.tolist() == ["far", "farther"]
    assert found.z.tolist() == [1.0, 2.0]
    assert found.problem[0] == "max x is 5100, allowed is -inf to 1000"
    assert len(stack.validate(FAR, sections=stack.section(2))) == 1
    assert stack.validate(sections=1).problem.tolist() == ["no mipmap level"] * 2


def test_validate__misuse(stack: StackWrapper) -> None:
    """A missing section and something else than a validator are errors."""
    with pytest.raises(NotFoundError, match="no tile specifications found for z=9"):
        stack.validate(FAR, sections=[1, 9])
    with pytest.raises(TypeError, match="validate must be TileLimits"):
        stack.validate(7)  # type: ignore[arg-type]


@pytest.mark.parametrize("boxes", ["keep", "service", "local"])
def test_put__drops_invalid_tiles(stack: StackWrapper, boxes: str) -> None:
    """Dropped tiles are not saved, and the edit has their reasons."""
    tiles = [placed("good", 10), placed("bad", 20), placed("out", 7000)]

    with stack.editing() as edit:
        saved = edit.put(tiles, boxes=boxes, validate=[FAR, NoNames()], invalid="drop")

    assert saved == 1
    assert edit.dropped == {"bad": "a bad name", "out": "max x is 7100, allowed is -inf to 1000"}
    assert stack.tile("good").bounds is not None
    assert not stack.tile("out").exists


def test_put__all_dropped(stack: StackWrapper) -> None:
    """Without a valid tile nothing is saved."""
    with stack.editing() as edit:
        assert edit.put([placed("out", 7000)], boxes="local", validate=FAR, invalid="drop") == 0


def test_put__unknown_treatment(stack: StackWrapper) -> None:
    """Invalid tiles are either refused or dropped."""
    with stack.editing() as edit, pytest.raises(ValueError, match="invalid must be 'raise' or 'drop'; got 'skip'"):
        edit.put([placed("a")], validate=FAR, invalid="skip")


def test_put__user_validator_refuses(stack: StackWrapper) -> None:
    """Any object with the method of a validator is one."""
    with (
        pytest.raises(RecordError, match=r"1 of 2 checked tiles are invalid: 'bad' \(a bad name\)"),
        stack.editing() as edit,
    ):
        edit.put([placed("a"), placed("bad")], validate=NoNames())


def test_warp_limits__distance_from_a_rigid_map(stack: StackWrapper) -> None:
    """A rotated tile has no distortion; scaling and splines have, also behind shared transforms."""
    corners = [[0, 0], [99, 0], [0, 49], [99, 49], [50, 25]]
    bent = fit_thin_plate_spline(corners, [*corners[:4], [50, 45]])
    scaled = AffineModel2D([[2, 0, 0], [0, 2, 0]])
    turned = AffineModel2D([[0, -1, 500], [1, 0, 0]])
    kinds = {"turned": [turned], "scaled": [scaled], "bent": [TransformReference("bend"), turned]}
    tiles = [placed(name).evolve(transforms=kind) for name, kind in kinds.items()]
    with stack.editing() as edit:
        edit.put(tiles, transforms={"bend": bent})

    found = stack.validate(WarpLimits(max_distance_px=1), sections=1)
    loose = stack.validate(WarpLimits(max_distance_px=30), sections=1)

    assert sorted(found.tile_id) == ["bent", "scaled"]
    assert loose.tile_id.tolist() == ["scaled"]
    # Half of the diagonal of 99 × 49: the centre stays.
    assert loose.problem[0].startswith("distortion is 55.23")


def test_tile_checks__files(stack: StackWrapper, tmp_path: Any) -> None:
    """Image and mask files must exist and not be empty, if files are checked; other URLs are not."""
    (tmp_path / "full.png").write_bytes(b"image")
    (tmp_path / "empty.png").write_bytes(b"")
    urls = {
        "full": f"file:{tmp_path}/full.png",
        "empty": f"{tmp_path}/empty.png",
        "lost": "/none/a.png",
        "far": "s3://b/a.png",
    }
    with stack.editing() as edit:
        edit.put([placed(name, z=5).evolve(mipmaps={"0": {"imageUrl": url}}) for name, url in urls.items()])

    found = stack.validate(TileChecks(files=True), sections=5)

    assert dict(zip(found.tile_id, found.problem, strict=True)) == {
        "empty": f"file '{tmp_path}/empty.png' is empty",
        "lost": "file '/none/a.png' does not exist",
    }
    assert len(stack.validate(TileChecks(), sections=5)) == 0
