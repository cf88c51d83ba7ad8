"""Public names of the importers."""

from __future__ import annotations

from rendergateway.batch import importers


def test_names__same_each_time() -> None:
    """A name that is imported on first use is not replaced by a module of the same name."""
    first = [getattr(importers, name) for name in importers.__all__]

    assert [getattr(importers, name) for name in importers.__all__] == first
    assert all(callable(value) for value in first)
