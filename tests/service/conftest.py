"""An embedded service, and helpers to send requests to it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
import requests

from rendergateway.service.embedded import BASE_URL, EmbeddedAdapter, embedded_adapter

STACK = "/owner/lab/project/tissue/stack/raw"
AFFINE = "mpicbg.trakem2.transform.AffineModel2D"


class Service:
    """Sends requests to an embedded service."""

    def __init__(self, address: str) -> None:
        self.adapter: EmbeddedAdapter = embedded_adapter(address)

    def send(
        self,
        method: str,
        path: str,
        value: Any = None,
        *,
        body: bytes | None = None,
        headers: dict[str, str] | None = None,
        stream: bool = False,
    ) -> requests.Response:
        """Send one request with *value* as JSON, or with the verbatim *body*."""
        sent = body if value is None else json.dumps(value).encode()
        kind = {"Content-Type": "application/json"} if sent is not None else {}
        prepared = requests.Request(method, BASE_URL, data=sent, headers=kind | (headers or {})).prepare()
        prepared.url = f"{BASE_URL}/v1{path}"
        return self.adapter.send(prepared, stream=stream)

    def json(self, path: str) -> Any:
        """Return the JSON answer of a GET request."""
        answer = self.send("GET", path)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def save(
        self, *tiles: dict[str, Any], stack: str = STACK, shared: dict[str, Any] | None = None
    ) -> requests.Response:
        """Save tiles with derived boxes."""
        body = {"transformIdToSpecMap": shared or {}, "tileIdToSpecMap": {tile["tileId"]: tile for tile in tiles}}
        return self.send("PUT", f"{stack}/resolvedTiles?deriveData=true", body)


def tile(tile_id: str, z: float = 1.0, x: float = 0.0, y: float = 0.0, **members: Any) -> dict[str, Any]:
    """Return a tile of 100 × 80 pixels at x, y."""
    leaf = {"type": "leaf", "className": AFFINE, "dataString": f"1 0 0 1 {x} {y}"}
    spec = {
        "tileId": tile_id,
        "z": z,
        "width": 100,
        "height": 80,
        "layout": {"sectionId": str(z)},
        "transforms": {"type": "list", "specList": [leaf]},
    }
    return spec | members


@pytest.fixture
def service() -> Iterator[Service]:
    """An empty service."""
    service = Service("embedded:")
    yield service
    service.adapter.close()


@pytest.fixture
def stack(service: Service) -> Service:
    """A service with one empty stack."""
    assert service.send("POST", STACK, {}).status_code == 201
    return service
