"""Arguments that are too long for one URL are divided among requests."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from rendergateway import Gateway, RenderGatewayError, StackWrapper, TileRecord
from rendergateway.testing.misbehaving import MisbehavingServer, answers, says
from rendergateway.transforms import AffineModel2D, TransformReference

# The service refuses request lines and headers of 8 kB together.
LONGEST_URL = 6000


@pytest.fixture
def many(gateway: Gateway) -> StackWrapper:
    """A stack of 1 500 sections, each of one tile with a shared transform."""
    stack = gateway.create_stack("many")
    with stack.editing() as edit:
        edit.put(
            [
                TileRecord(tile_id=f"t{n}", z=n / 8, width=2, height=2, transforms=[TransformReference("lens")])
                for n in range(1500)
            ],
            transforms={"lens": AffineModel2D()},
        )
    return stack


def test_clone__many_sections(gateway: Gateway, many: StackWrapper) -> None:
    """A clone of many sections is several requests, none with a long URL, and has all tiles and shared transforms."""
    urls: list[str] = []
    gateway.hooks.on_request.append(lambda exchange: urls.append(exchange.url))
    wanted = many.sections().ids[1:]

    copy = many.clone_to("copy", sections=wanted, complete=True)

    cloned = [url for url in urls if "/cloneTo/" in url]
    assert len(cloned) > 1
    assert max(map(len, urls)) < LONGEST_URL
    assert [url.count("skipTransforms=true") for url in cloned] == [0, *[1] * (len(cloned) - 1)]
    assert copy.sections().ids == wanted
    assert copy.tile_count == len(wanted)
    assert copy.tile("t7").bounds == many.tile("t7").bounds


def test_clone__few_sections(many: StackWrapper, counting: list[str]) -> None:
    """A clone of few sections, or of all, is one request."""
    counting.clear()
    many.clone_to("few", sections=[1.0, 2.0])
    many.clone_to("all")

    assert counting.count("stack.clone") == 2


def test_clone__fails_half_way(misbehaving: Callable[..., MisbehavingServer]) -> None:
    """The error of a later part has a note that the copy is incomplete, that of the first has none."""
    stack = answers({"stackId": {"owner": "o", "project": "p", "stack": "s"}, "state": "COMPLETE"})
    listed, missing = answers([n / 8 for n in range(1500)]), says(404, "stack does not exist")
    for parts, notes in ((0, []), (1, ["stack o/p/copy is incomplete; delete it before another attempt"])):
        script = [listed, missing, stack, *[answers(None, status=201)] * parts, says(500, "it broke")]
        gateway = Gateway(misbehaving(*script).url, owner="o", project="p")
        with pytest.raises(RenderGatewayError, match="it broke") as caught:
            gateway.stack("s").clone_to("copy", sections=[n / 8 for n in range(1500)])
        assert getattr(caught.value, "__notes__", []) == notes
        gateway.close()
