"""What the tests of requests share."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TypeAlias

import pytest

from rendergateway import Gateway
from rendergateway.testing.misbehaving import Behaviour, MisbehavingServer

Serve: TypeAlias = Callable[..., MisbehavingServer]
Connect: TypeAlias = Callable[..., Gateway]


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Makes servers that misbehave as told."""
    servers = []

    def serve(*script: Behaviour, **options: object) -> MisbehavingServer:
        servers.append(MisbehavingServer(*script, **options))  # type: ignore[arg-type]
        return servers[-1]

    yield serve
    for server in servers:
        server.close()


@pytest.fixture
def connect() -> Iterator[Connect]:
    """Makes gateways; their waits between attempts are listed in ``waits``, not waited."""
    gateways = []

    def connect(url: str, **options: object) -> Gateway:
        gateway = Gateway(url, owner="o", project="p", **options)  # type: ignore[arg-type]
        gateway.waits = []  # type: ignore[attr-defined]
        gateway._pool._sleep = gateway.waits.append  # type: ignore[attr-defined]
        gateways.append(gateway)
        return gateway

    yield connect
    for gateway in gateways:
        gateway.close()
