"""The random numbers of Java."""

from __future__ import annotations

import pytest

from rendergateway.java_random import JavaRandom


def test_double__as_java() -> None:
    """The doubles are those that Java documents for its generator."""
    random = JavaRandom(42)

    assert [random.double() for _ in range(3)] == pytest.approx(
        [0.7275636800328681, 0.6832234717598454, 0.30871945533265976]
    )
