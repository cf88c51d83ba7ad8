"""Fixtures that all tests share."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from rendergateway import extensions
from rendergateway.wrappers.core import registry

ROOT = Path(__file__).parent.parent
SHARED = ROOT.parent / "shared"


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No variable or configuration file of the developer's reaches a test."""
    for name in os.environ:
        if name.startswith(("RENDER_", "RENDERGATEWAY_", "DEFAULT_RENDER_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("RENDERGATEWAY_CONFIG", str(tmp_path / "no-config.toml"))


@contextmanager
def registrations_kept() -> Iterator[None]:
    """Undo the registrations of wrapper classes, transform classes, image loaders and filters when the block ends."""
    with registry.DEFAULT.kept(), registry.ANNOUNCED.kept(), extensions.kept():
        yield


@pytest.fixture(autouse=True)
def _registrations_end() -> Iterator[None]:
    with registrations_kept():
        yield


@pytest.fixture
def shared_data() -> Path:
    """Real tile specs and matches, stored beside the project."""
    folder = SHARED / "data"
    if not folder.is_dir():
        pytest.skip("real data (../shared/data) is not here")
    return folder
