"""Cache of recent listings."""

from __future__ import annotations

import gc
import weakref
from typing import Any

from rendergateway import Gateway, StackWrapper
from rendergateway.wrappers.core.listing import Listing
from rendergateway.wrappers.core.space import Recent


def test_recent__second_loop_costs_nothing(stack: StackWrapper, gateway: Gateway) -> None:
    """Two loops over sections and their tiles read each listing once, whatever the collector does in between."""
    with gateway.counting() as requests:
        for _ in range(2):
            assert sum(len(section.tiles()) for section in stack.sections()) == 6
            gc.collect()

    assert requests == ["stack.z_values", *["section.resolved_tiles"] * 3]


def test_recent__lets_go(stack: StackWrapper) -> None:
    """Listings above the limit push out those from before; the last one stays whatever its size."""
    recent = Recent(limit_bytes=1000)
    large = Listing(range(100), lambda id: stack._key, [b"x" * 100] * 100)
    first, second = (stack._wrap("stack", stack._key._replace(stack=name)) for name in ("first", "second"))
    gone: weakref.ref[Any] = weakref.ref(first)

    recent.keep_listed(first, large.size)
    del first
    gc.collect()
    assert gone() is not None

    recent.keep_listed(second, large.size)
    gc.collect()
    assert gone() is None


def test_recent__opened_by_name(gateway: Gateway) -> None:
    """Of the objects opened by name the last sixteen are kept."""
    refs = [weakref.ref(gateway.stack(f"s{number}")) for number in range(20)]
    gc.collect()

    assert [ref() is not None for ref in refs] == [False] * 4 + [True] * 16


def test_parents__live_as_long_as_their_children(gateway: Gateway, stack: StackWrapper) -> None:
    """A tile keeps its section and its stack, however it was reached."""
    fresh = gateway.using()
    tile = fresh.wrap("stack", stack._key).section(2).tiles()[0]
    fresh.objects.recent = Recent()
    gc.collect()

    with fresh.counting() as requests:
        assert (tile.section.bounds, tile.stack.state) == (tile.section.bounds, tile.stack.state)

    assert requests == ["stack.read", "stack.section_data"]


def test_recent__stays_behind(gateway: Gateway) -> None:
    """The cache belongs to one gateway in one process: others start empty."""
    remote = Gateway("localhost:1", owner="o", project="p")

    assert remote.using(project="q").objects.recent is not remote.objects.recent
