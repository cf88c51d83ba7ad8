"""
Fixtures for tests of code that uses rendergateway; pytest loads them where rendergateway is installed.

Nothing of the package is imported before a fixture is used, so that sessions that use none pay nothing and coverage of
the package itself is measured from its first line.
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
    """A gateway to an empty embedded service of its own: owner lab, project cortex."""
    from rendergateway import Gateway

    with Gateway("embedded:", owner="lab", project="cortex") as gateway:
        yield gateway


@pytest.fixture
def counting(gateway: Gateway) -> Iterator[list[str]]:
    """The endpoints that `gateway` was asked, in order, since the test began or ``counting.clear()``."""
    with gateway.counting() as requests:
        yield requests


@pytest.fixture
def make_stack(gateway: Gateway) -> Callable[..., StackWrapper]:
    """`rendergateway.testing.make_stack` into the service of `gateway`."""
    from rendergateway.testing import make_stack

    return functools.partial(make_stack, gateway)


@pytest.fixture
def misbehaving() -> Iterator[Callable[..., MisbehavingServer]]:
    """Starts servers that fail as told: ``misbehaving(says(503, "busy"), answers([])).url``; they end with the test."""
    from rendergateway.testing.misbehaving import MisbehavingServer

    with contextlib.ExitStack() as servers:
        yield lambda *behaviours: servers.enter_context(MisbehavingServer(*behaviours))
