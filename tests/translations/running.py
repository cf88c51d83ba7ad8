"""Runs the code of rows, and compares results and stored data."""

from __future__ import annotations

import ast
import contextlib
import importlib
import json
import math
import pkgutil
import shlex
import warnings
from collections.abc import Callable, Iterator
from functools import cache
from types import CodeType, ModuleType
from typing import Any

import attrs
import numpy as np
from click.testing import CliRunner

import rendergateway
from rendergateway import Gateway, NotFoundError
from rendergateway.cli.commands import commands
from tests.translations.pairs import setup
from tests.translations.pairs.rows import Row

# Times differ between the two copies.
_TIMES = {"createTimestamp", "lastModifiedTimestamp"}


@attrs.frozen
class Service:
    """A service over HTTP, and the owner of the data that a row reads or changes."""

    address: str
    owner: str = "lab"

    def gateway(self) -> Gateway:
        """Return a gateway to the owner's data."""
        return Gateway(self.address, owner=self.owner, project="cortex")

    def text(self, code: str) -> str:
        """Return code of the page for this address and owner."""
        host, _, port = self.address.partition(":")
        code = code.replace("localhost", host).replace("8080", port)
        return code.replace('"lab"', f'"{self.owner}"').replace("/lab/", f"/{self.owner}/")


@cache
def renderapi_modules() -> list[ModuleType]:
    """The modules of renderapi, except for the one that needs pathos, which is not a dependency."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        names = [
            found.name for found in pkgutil.walk_packages(importlib.import_module("renderapi").__path__, "renderapi.")
        ]
        return [importlib.import_module(name) for name in names if not name.endswith("pool_pathos")]


def value_of(code: str, names: dict[str, Any]) -> Any:
    """Run code; return the value of its last expression, also of one at the end of a ``with`` block."""
    exec(_compiled(code), names)
    return names.pop("_result", None)


@cache
def _compiled(code: str) -> CodeType:
    tree = ast.parse(code)
    body: Any = tree.body
    while body and isinstance(body[-1], ast.With):
        body = body[-1].body
    if body and isinstance(body[-1], ast.Expr):
        body[-1] = ast.Assign([ast.Name("_result", ast.Store())], body[-1].value)
    return compile(ast.fix_missing_locations(tree), code, "exec")


def plain(value: Any) -> Any:
    """Plain values of a result of either library."""
    if isinstance(value, bytes):
        return json.loads(value)
    if hasattr(value, "to_dict"):
        return plain(value.to_dict())
    if isinstance(value, np.ndarray | np.generic):
        return np.asarray(value)
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | range) or hasattr(value, "__next__"):
        return [plain(item) for item in value]
    if value is None or isinstance(value, str | int | float):
        return value
    return json.loads(rendergateway.to_json(value))


def difference(there: Any, here: Any, path: str = "$") -> str | None:
    """The first difference of plain values; None if they are equal. Numbers are equal to 1e-9 of their size."""
    if isinstance(there, np.ndarray) or isinstance(here, np.ndarray):
        left, right = np.asarray(there, dtype=float), np.asarray(here, dtype=float)
        is_close = left.shape == right.shape and np.allclose(left, right, rtol=1e-9, atol=1e-6)
        return None if is_close else f"{path}: {left!r:.500} and {right!r:.500}"
    if isinstance(there, dict) and isinstance(here, dict):
        if there.keys() != here.keys():
            return f"{path}: members {sorted(there)} and {sorted(here)}"
        pairs = [(f"{path}.{key}", there[key], here[key]) for key in there]
    elif isinstance(there, list) and isinstance(here, list):
        if len(there) != len(here):
            return f"{path}: {len(there)} and {len(here)} items"
        pairs = [(f"{path}[{i}]", *both) for i, both in enumerate(zip(there, here, strict=True))]
    else:
        are_numbers = all(isinstance(side, int | float) for side in (there, here))
        are_equal = math.isclose(there, here, rel_tol=1e-9, abs_tol=1e-6) if are_numbers else there == here
        return None if are_equal else f"{path}: {there!r} and {here!r}"
    return next(filter(None, (difference(a, b, at) for at, a, b in pairs)), None)


class Contents:
    """Everything that an owner has in a service, without the owner's name and times."""

    def __init__(self, service: Service) -> None:
        self.stacks: dict[str, Any] = {}
        self.tiles: dict[str, Any] = {}
        self.matches: dict[str, Any] = {}
        with service.gateway() as gateway:
            for stack in gateway.owner().stacks():
                name = f"{stack.project.name}/{stack.name}"
                self.stacks[name] = _without(stack._obj.to_dict(), {*_TIMES, service.owner})
                # The service does not find an empty stack here.
                with contextlib.suppress(NotFoundError):
                    self.tiles[name] = gateway.call("stack.resolved_tiles", **stack._key._asdict())
            for collection in gateway.match_collections():
                self.matches[collection.name] = plain(list(collection.table()))

    def to_dict(self) -> dict[str, Any]:
        """All of it as plain values."""
        return {"stacks": self.stacks, "tiles": self.tiles, "matches": self.matches}


def _without(value: Any, names: set[str]) -> Any:
    """The value without members of these names, and without strings that are equal to one of them."""
    if isinstance(value, dict):
        return {key: _without(item, names) for key, item in value.items() if key not in names}
    return None if isinstance(value, str) and value in names else value


def run(row: Row, there: Service, here: Service, before: Contents) -> None:
    """Run both sides of a row, and check its rules; a row that writes must change something."""
    with _theirs(there) as theirs, _ours(here) as ours:
        left = _result(row, row.there, there, theirs, is_caught=row.holds is not None)
        right = _result(row, row.here, here, ours, is_caught=row.status == "differs")
        if row.writes:
            left, right = Contents(there), Contents(here)
            assert difference(before.to_dict(), right.to_dict()) is not None
        _check(row, left, right)
        value_of(there.text(row.also_there), {**theirs, "_value": left, "raised": raised})
        value_of(here.text(row.also_here), {**ours, "_value": right, "raised": raised})


def raised(call: Callable[[], object]) -> str | None:
    """The class of the error that a call raises."""
    try:
        call()
    except Exception as error:
        return type(error).__name__
    return None


def _check(row: Row, left: Any, right: Any) -> None:
    if row.holds is not None:
        assert row.holds(left, right), f"{left!r:.2000} and {right!r:.2000}"
    else:
        seen = plain((row.there_as or plain)(left))
        assert seen is not None
        found = difference(seen, plain((row.here_as or plain)(right)))
        assert found is None, found


def _result(row: Row, code: str, service: Service, names: dict[str, Any], *, is_caught: bool) -> Any:
    value_of(row.setup, names)
    if code.startswith("rendergateway "):
        return _command(shlex.split(code)[1:], service)
    try:
        return value_of(service.text(code), names)
    except Exception as error:
        if not is_caught:
            raise
        return error


def _command(words: list[str], service: Service) -> str:
    place = {"SERVICE": service.address, "OWNER": service.owner, "PROJECT": "cortex"}
    result = CliRunner().invoke(commands, words, env={f"RENDERGATEWAY_{name}": value for name, value in place.items()})
    assert result.exit_code == 0, result.output
    return result.output


@cache
def _renderapi_names() -> dict[str, Any]:
    return {name: value for module in renderapi_modules() for name, value in vars(module).items() if name[0] != "_"}


@cache
def our_names() -> dict[str, Any]:
    """The names that the page imports."""
    names: dict[str, Any] = {}
    value_of(setup.IMPORTS, names)
    return names


@contextlib.contextmanager
def _theirs(service: Service) -> Iterator[dict[str, Any]]:
    names = dict(_renderapi_names())
    value_of(service.text(setup.THERE), names)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield names
    names["render"].session.close()


@contextlib.contextmanager
def _ours(service: Service) -> Iterator[dict[str, Any]]:
    names = dict(our_names())
    value_of(service.text(setup.HERE), names)
    with names["gateway"]:
        yield names
