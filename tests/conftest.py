"""Fixtures that all tests share."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from rendergateway import Gateway
from rendergateway.wrappers import registry

ROOT = Path(__file__).parent.parent
SHARED = ROOT.parent / "shared"


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No variable or configuration file of the developer's reaches a test."""
    for name in os.environ:
        if name.startswith(("RENDER_", "RENDERGATEWAY_SERVICE", "RENDERGATEWAY_PROFILE")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("RENDERGATEWAY_CONFIG", str(tmp_path / "no-config.toml"))


@pytest.fixture
def gateway() -> Iterator[Gateway]:
    """A gateway to an empty embedded service of its own."""
    with Gateway("embedded:", owner="lab", project="cortex") as gateway:
        yield gateway


@pytest.fixture(autouse=True)
def _default_registry() -> Iterator[None]:
    """What a test registers by default goes with it."""
    classes = dict(registry.DEFAULT._classes)
    yield
    registry.DEFAULT._classes.clear()
    registry.DEFAULT._classes.update(classes)


@pytest.fixture
def shared_data() -> Path:
    """Real tile specs and matches, where they lie beside the project."""
    folder = SHARED / "data"
    if not folder.is_dir():
        pytest.skip("real data (../shared/data) is not here")
    return folder
