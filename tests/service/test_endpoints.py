"""What is served at all."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import requests

from rendergateway.endpoints import ENDPOINTS
from rendergateway.service.embedded import BASE_URL
from rendergateway.service.handlers import HANDLERS
from tests.service.conftest import Service

ROOT = Path(__file__).parents[2]
DOCS = (ROOT / "docs" / "service.md").read_text(encoding="utf-8")


def test_handlers__one_for_each_endpoint() -> None:
    """Each endpoint of the table has its function."""
    assert set(HANDLERS) == set(ENDPOINTS)


def test_docs__name_what_is_not_built() -> None:
    """The endpoints that answer 501 are those whose functions say so, and the docs list them."""
    listed = set(re.findall(r"^\| `([a-z_.]+)` \|", DOCS.partition("## Where it differs")[0], re.MULTILINE))

    refusing = {
        name
        for name, call in HANDLERS.items()
        if "NotBuilt" in call.handler.__code__.co_names and ENDPOINTS[name].answer != "bytes"
    }

    assert listed == refusing


def test_docs__show_every_deliberate_difference() -> None:
    """Each exchange that is answered otherwise on purpose stands in the docs, with its reason."""
    lines = (ROOT / "cassettes" / "differences.txt").read_text(encoding="utf-8").splitlines()
    differences = [line.split(maxsplit=2) for line in lines if line and not line.startswith("#")]
    shown = re.findall(r"^\| ([a-z_]+/[a-z_]+) \| (\d+) \| (.*) \|$", DOCS, re.MULTILINE)

    assert [tuple(difference) for difference in differences] == shown


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
