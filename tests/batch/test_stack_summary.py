"""Summaries of stacks."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from rendergateway import ChannelRecord, Gateway, TileRecord
from rendergateway.batch.stack_summary import summarize
from rendergateway.testing import make_stack
from rendergateway.transforms import TransformReference


def test_summary__made_up_stack(gateway: Gateway, tmp_path: Path) -> None:
    """Sections, sizes, transforms, windows and folders are counted over all tiles."""
    stack = make_stack(gateway, sections=[1, 2, 4], rows=1, images=tmp_path)

    summary = summarize(stack)

    assert (summary.name, summary.state, summary.tile_count) == ("lab/cortex/montage", "COMPLETE", 6)
    assert (summary.z.tolist(), summary.tiles_per_section.tolist()) == ([1, 2, 4], [2, 2, 2])
    assert (summary.missing_z, summary.resolution_nm) == ((3.0,), (4, 4, 40))
    assert summary.bounds is not None
    assert stack.bounds is not None
    assert summary.bounds[:4] == stack.bounds[:4]
    assert summary.sizes == {(512, 512): 6}
    assert summary.transforms == {"shared 'lens', AffineModel2D": 6}
    assert summary.shared == {"lens": "PolynomialTransform2D"}
    assert summary.folders == {tmp_path.as_uri(): 6}
    assert summary.windows == {(0, 255): 6}


def test_summary__channels_and_missing_members(gateway: Gateway) -> None:
    """Channels are counted by name; tiles without image, size or box are counted, too."""
    stack = gateway.create_stack("odd")
    channel = ChannelRecord(name="DAPI", min_intensity=0, max_intensity=9)
    with stack.editing() as edit:
        edit.put([TileRecord(tile_id="a", z=1.5, width=5, height=5, channels=[channel])])
        edit.put([TileRecord(tile_id="b", z=2.5, width=5, height=5)])

    summary = summarize(stack)

    assert (summary.channels, summary.without_image, summary.transforms) == ({"DAPI": 1}, 2, {"none": 2})
    assert summary.z.tolist() == [1.5, 2.5]


def test_summary__empty_and_requests(gateway: Gateway) -> None:
    """An empty stack has no bounds; reading costs a request per section and two for the stack."""
    empty = summarize(gateway.create_stack("empty"))
    stack = make_stack(gateway, sections=3)

    with gateway.counting() as requests:
        summarize(gateway.using().stack("montage"))

    assert (empty.bounds, empty.tile_count, empty.missing_z) == (None, 0, ())
    assert np.array_equal(empty.z, [])
    assert requests.count("section.resolved_tiles") == len(stack.sections())
    assert len(requests) <= len(stack.sections()) + 3
    assert TransformReference("lens").ref_id in summarize(stack).shared


@pytest.mark.parametrize("complete", [True, False])
def test_summary__state(gateway: Gateway, complete: bool) -> None:
    """A LOADING stack is summarized from its tiles, too."""
    assert summarize(make_stack(gateway, complete=complete)).tile_count == 12
