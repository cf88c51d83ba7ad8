"""What is served at all."""

from __future__ import annotations

from typing import Any

import requests

from rendergateway.endpoints import ENDPOINTS
from rendergateway.service.handlers import HANDLERS
from rendergateway.service.launch import BASE_URL
from tests.service.conftest import Service


def test_handlers__one_for_each_endpoint() -> None:
    """Each endpoint of the table has its function."""
    assert set(HANDLERS) == set(ENDPOINTS)


def test_description__names_every_endpoint(service: Service) -> None:
    """The description lists what is served, by the names of the table."""
    paths = service.adapter.send(requests.Request("GET", f"{BASE_URL}/swagger.json").prepare()).json()["paths"]

    names = {operation["operationId"] for methods in paths.values() for operation in methods.values()}
    assert names == set(ENDPOINTS)


def test_trial__refused_with_a_sentence(service: Service) -> None:
    """What would need a feature matcher says so, and says its name."""
    body: dict[str, Any] = {"featureAndMatchParameters": {"siftFeatureParameters": {}}}
    answer = service.send("POST", "/owner/lab/matchTrial", body)

    assert answer.status_code == 501
    assert "trial.run" in answer.text
