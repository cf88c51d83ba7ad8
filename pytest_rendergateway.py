"""
The pytest plugin of rendergateway: fixtures for tests of code that uses it.

The package is imported lazily by the fixtures, so that sessions without them are not slowed down and coverage of the
package itself includes its imports.
"""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from rendergateway import Gateway, StackWrapper
    from rendergateway.testing.misbehaving import MisbehavingServer


@pytest.fixture
def gateway() -> Iterator[Gateway]:
    """A gateway to an empty private embedded service: owner lab, project cortex."""
    from rendergateway import Gateway

    with Gateway("embedded:", owner="lab", project="cortex") as gateway:
        yield gateway


@pytest.fixture
def counting(gateway: Gateway) -> Iterator[list[str]]:
    """The endpoints of all requests of `gateway`, in order; ``counting.clear()`` restarts."""
    with gateway.counting() as requests:
        yield requests


@pytest.fixture
def make_stack(gateway: Gateway) -> Callable[..., StackWrapper]:
    """`rendergateway.testing.make_stack` with `gateway` as its first argument."""
    from rendergateway.testing import make_stack

    return functools.partial(make_stack, gateway)


@pytest.fixture
def misbehaving() -> Iterator[Callable[..., MisbehavingServer]]:
    """Starts servers with scripted failures, closed after the test: ``misbehaving(says(503, "busy")).url``."""
    from rendergateway.testing.misbehaving import MisbehavingServer

    with contextlib.ExitStack() as servers:
        yield lambda *behaviours: servers.enter_context(MisbehavingServer(*behaviours))
