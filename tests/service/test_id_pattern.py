"""Regular expressions of requests."""

from __future__ import annotations

from urllib.parse import quote

import pytest

from rendergateway.service.base.refusals import Uncaught
from rendergateway.service.domain.id_pattern import id_pattern
from rendergateway.service.http.target import refused_target
from tests.service.conftest import STACK, Service, tile

# Backtracking over one of these takes longer than any test run.
HOSTILE = ["^(([0-9.]+)+)+x$", "(a*)*b", "(.*.*)*=", "^(1|1)*2$", "(a|aa|aaa)+$x"]


@pytest.mark.parametrize("pattern", HOSTILE)
def test_pattern__hostile(stack: Service, pattern: str) -> None:
    """No expression occupies the service."""
    stack.save(tile("1" * 60), tile("a" * 60), tile("170420.1.2.3.4.5.6.7.8.9.10.11.12.13.14"))

    assert stack.json(f"{STACK}/tileIds?matchPattern={quote(pattern)}") == []


@pytest.mark.parametrize(
    ("pattern", "found"),
    [
        ("c0", ["tile_c0", "tile_c01"]),
        ("^tile.*c0$", ["tile_c0"]),
        ("TILE", []),
        ("(?i)TILE", ["tile_c0", "tile_c01"]),
        (r"^\d", ["1é2"]),
        ("1.2", ["1é2"]),
        ("", ["1é2", "tile_c0", "tile_c01"]),
    ],
)
def test_pattern__finds(stack: Service, pattern: str, found: list[str]) -> None:
    """An expression selects the ids that contain a match; characters are not bytes."""
    stack.save(tile("tile_c0"), tile("tile_c01"), tile("1é2"))

    assert stack.json(f"{STACK}/tileIds?matchPattern={quote(pattern)}") == found


@pytest.mark.parametrize("pattern", ["(", r"(a)\1", "(?=a)", "a{1001}"])
def test_pattern__refused(pattern: str) -> None:
    """Expressions that are invalid or need backtracking are refused with the reason."""
    with pytest.raises(Uncaught, match=r"invalid regular expression: got .*: "):
        id_pattern(pattern)


@pytest.mark.parametrize(("segment", "refused"), [("%2e." * 200, True), (".%2e", True), ("%2e" * 2000 + "x", False)])
def test_quoted_dots__in_linear_time(segment: str, refused: bool) -> None:
    """Quoted dot segments are refused, however long."""
    environ = {"REQUEST_METHOD": "GET"}

    assert (refused_target(environ, f"/render-ws/{segment}/x", "") is not None) == refused
