"""Sparse matrices of scipy, imported when they are used."""

from __future__ import annotations

from typing import Any

from rendergateway.extras import needed_for

__all__ = ["sparse"]


def sparse() -> Any:
    """
    Return ``scipy.sparse``, with its solvers and graphs.

    Raises
    ------
    MissingExtraError
        If scipy is not installed.
    """
    with needed_for("a solve"):
        import scipy.sparse
        import scipy.sparse.csgraph
        import scipy.sparse.linalg
    return scipy.sparse
