"""Implemented endpoints, and their documentation."""

from __future__ import annotations

import re
from pathlib import Path

import requests

from rendergateway.endpoints import ENDPOINTS
from rendergateway.service.embedded import BASE_URL
from rendergateway.service.handlers import HANDLERS
from tests.service.conftest import Service

ROOT = Path(__file__).parents[2]
DOCS = (ROOT / "docs" / "service.md").read_text(encoding="utf-8")


def test_handlers__one_for_each_endpoint() -> None:
    """Each endpoint of the table has a handler."""
    assert set(HANDLERS) == set(ENDPOINTS)


def test_docs__show_every_deliberate_difference() -> None:
    """The docs list each deliberate difference with its reason."""
    lines = (ROOT / "cassettes" / "differences.txt").read_text(encoding="utf-8").splitlines()
    differences = [line.split(maxsplit=2) for line in lines if line and not line.startswith("#")]
    shown = re.findall(r"^\| ([a-z_]+/[a-z_]+) \| (\d+) \| (.*) \|$", DOCS, re.MULTILINE)

    assert [tuple(difference) for difference in differences] == shown


def test_description__names_every_endpoint(service: Service) -> None:
    """The OpenAPI description contains all endpoints by name."""
    paths = service.adapter.send(requests.Request("GET", f"{BASE_URL}/swagger.json").prepare()).json()["paths"]

    names = {operation["operationId"] for methods in paths.values() for operation in methods.values()}
    assert names == set(ENDPOINTS)
