"""Made-up stacks."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from rendergateway import BadRequestError, Gateway
from rendergateway.testing import make_stack


def test_make_stack__as_asked(gateway: Gateway) -> None:
    """A stack has the given sections, rows and columns, and always the same tiles."""
    stack = make_stack(gateway, "a", sections=[2, 9], rows=1, columns=3)
    again = make_stack(gateway, "b", sections=[9], rows=1, columns=3)

    assert (stack.state, stack.tile_count, stack.section_count) == ("COMPLETE", 6, 2)
    assert [tile.tile_id for tile in stack.section(9).tiles()] == ["s9_r0_c0", "s9_r0_c1", "s9_r0_c2"]
    assert again.tile("s9_r0_c2").bounds == stack.tile("s9_r0_c2").bounds
    assert stack.tile("s2_r0_c1").layout.image_col == 1


def test_make_stack__matches_are_true(gateway: Gateway) -> None:
    """Both points of each match have the same world coordinates."""
    stack = make_stack(gateway, sections=2, rows=1, columns=2, matches="truth")

    pairs = gateway.match_collection("truth").pairs()

    assert len(pairs) == 4
    for pair in pairs:
        p = stack.tile(pair.p_id).world_from_local(pair.p)
        q = stack.tile(pair.q_id).world_from_local(pair.q)
        assert len(p) >= 9
        np.testing.assert_allclose(p, q, atol=1e-6)  # world pixels


def test_make_stack__images(gateway: Gateway, tmp_path: Path) -> None:
    """Images are drawn into the given folder and are not blank."""
    stack = make_stack(gateway, sections=1, rows=1, columns=1, images=tmp_path / "images", complete=False)

    path = tmp_path / "images" / "s1_r0_c0.png"
    assert stack.tile("s1_r0_c0").image_url == path.as_uri()
    assert stack.state == "LOADING"
    pixels = np.asarray(Image.open(path))
    assert pixels.shape == (512, 512)
    assert pixels.std() > 10  # grey levels


def test_make_stack__invalid(gateway: Gateway) -> None:
    """An existing stack is not modified, and a stack without tiles is not created."""
    make_stack(gateway, sections=1, rows=1, columns=1)

    with pytest.raises(BadRequestError, match="exists"):
        make_stack(gateway)
    with pytest.raises(ValueError, match="needs tiles: got 0 sections of 2 × 2 tiles"):
        make_stack(gateway, "empty", sections=0)
    assert not gateway.stack("empty").exists
