"""A small stack and a match collection in an embedded service."""

from __future__ import annotations

import pytest

from rendergateway import Gateway, Layout, MatchCollectionWrapper, MatchRecord, StackWrapper, TileRecord
from rendergateway.transforms import AffineModel2D, PolynomialTransform2D, TransformReference
from tests.wrappers.images.pictured import drawn, picture_database, picture_folder, two_channels

__all__ = ["drawn", "picture_database", "picture_folder", "two_channels"]

LENS = PolynomialTransform2D.from_affine(AffineModel2D([[1, 0, 1], [0, 1, 2]]))


def tile(tile_id: str, z: float, x: float, *, section_id: str | None = None) -> TileRecord:
    """A tile of 100 × 80 pixels, shifted to *x* after the lens."""
    return TileRecord(
        tile_id=tile_id,
        z=z,
        width=100,
        height=80,
        image_url=f"file:/images/{tile_id}.png",
        layout=Layout(section_id=section_id or f"{z}", image_row=0, image_col=int(x) // 90),
        transforms=[TransformReference("lens"), AffineModel2D([[1.0, 0.0, x], [0.0, 1.0, 0.0]])],
    )


@pytest.fixture
def stack(gateway: Gateway) -> StackWrapper:
    """Three sections of two overlapping tiles each, COMPLETE."""
    stack = gateway.create_stack("montage", resolution_nm=(4, 4, 40))
    tiles = [tile(f"t{z}_{column}", float(z), 90 * column) for z in (1, 2, 3) for column in (0, 1)]
    with stack.editing() as edit:
        edit.put(tiles, transforms={"lens": LENS.evolve(id="lens")})
    return stack


@pytest.fixture
def matches(gateway: Gateway) -> MatchCollectionWrapper:
    """A pair within section 1.0 and one across to 2.0."""
    matches = gateway.match_collection("dmesh")
    corners = [[90, 0], [99, 0], [90, 79]]
    shifted = [[0, 0], [9, 0], [0, 79]]
    matches.put(
        [
            MatchRecord(p_group="1.0", p_id="t1_0", q_group="1.0", q_id="t1_1", p=corners, q=shifted),
            MatchRecord(
                p_group="2.0", p_id="t2_0", q_group="1.0", q_id="t1_0", p=corners, q=corners, weights=[1, 0, 1]
            ),
        ]
    )
    return matches
