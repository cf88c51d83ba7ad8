"""The requests adapter of an embedded service, and its addresses."""

from __future__ import annotations

import gc
from pathlib import Path

import pytest
import requests

from rendergateway.errors import ConfigurationError, StoreError
from rendergateway.service.embedded import embedded_adapter


@pytest.mark.parametrize(
    ("address", "problem"),
    [
        ("http://localhost", "invalid address of an embedded service: got 'http://localhost'"),
        ("render.db", "invalid address of an embedded service: got 'render.db'"),
        ("embedded:?color=red", "unknown option of an embedded service: got 'color'"),
        ("embedded:?tile_limit=x", "tile_limit must be an integer: got 'x'"),
        ("embedded:?filters=/no/lists.json", "filter lists cannot be read: got /no/lists.json; No such file"),
    ],
)
def test_address__invalid(address: str, problem: str) -> None:
    """An invalid address is refused with the reason."""
    with pytest.raises(ConfigurationError, match=problem):
        embedded_adapter(address)


def test_address__with_option(tmp_path: Path) -> None:
    """The tile limit is an option in the address."""
    adapter = embedded_adapter(f"embedded:{tmp_path}/render.db?tile_limit=7")

    assert adapter.application.options.tile_limit == 7
    adapter.close()


def test_closed__answers_503(tmp_path: Path) -> None:
    """A closed service answers 503 with the reason."""
    adapter = embedded_adapter(f"embedded:{tmp_path}/render.db")
    adapter.close()

    answer = adapter.send(requests.Request("GET", "http://embedded/render-ws/v1/owners").prepare())

    assert answer.status_code == 503
    assert answer.text == f"{tmp_path}/render.db is closed"


def test_missing_folder__refused_at_once(tmp_path: Path) -> None:
    """A file in a missing folder is refused before the first request."""
    with pytest.raises(StoreError, match="missing folder"):
        embedded_adapter(f"embedded:{tmp_path}/nowhere/render.db")


def test_private_service__garbage_collected() -> None:
    """The folder of a private service is deleted if the adapter is garbage-collected without close."""
    adapter = embedded_adapter("embedded:")
    folder = adapter.application.database.path.parent
    assert folder.is_dir()

    del adapter
    gc.collect()

    assert not folder.exists()
