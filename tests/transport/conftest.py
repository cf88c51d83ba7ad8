"""Fixtures of the transport tests."""

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
    """Starts servers with scripted misbehaviour."""
    servers = []

    def serve(*script: Behaviour, **options: object) -> MisbehavingServer:
        servers.append(MisbehavingServer(*script, **options))  # type: ignore[arg-type]
        return servers[-1]

    yield serve
    for server in servers:
        server.close()


@pytest.fixture
def connect() -> Iterator[Connect]:
    """Creates gateways; their waits between attempts are recorded in ``waits`` instead of slept."""
    gateways = []

    def connect(url: str, **options: object) -> Gateway:
        gateway = Gateway(url, owner="o", project="p", **options)  # type: ignore[arg-type]
        gateway.waits = []  # type: ignore[attr-defined]
        gateway._client._pool._sleep = gateway.waits.append  # type: ignore[attr-defined]
        gateways.append(gateway)
        return gateway

    yield connect
    for gateway in gateways:
        gateway.close()
