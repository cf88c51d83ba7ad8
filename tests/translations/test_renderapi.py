"""Each row of the page for users of renderapi, run there and here on one service."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator

import pytest

from tests.translations.pairs import ROWS
from tests.translations.pairs.rows import Row
from tests.translations.running import Contents, Service, renderapi_modules, run

ALL = [(heading, row) for heading, rows in ROWS.items() for row in rows]
RUN = [(heading, row) for heading, row in ALL if row.here]
# Entries that are not classes or functions of an importable module: constants, decorators, pathos, names of old docs.
OTHERS = {
    "IMAGE_FORMATS",
    "PathosWithPool",
    "WithPool",
    "renderaccess",
    "renderclientaccess",
    "stack.get_z_value_for_section",
    "tilespec.ImagePyramid(mipMapLevels=[])",
    "tilespec.ImagePyramid.append",
    "tilespec.ImagePyramid.get",
    "tilespec.ImagePyramid.update",
}


@pytest.mark.parametrize("row", [row for _, row in RUN], ids=[f"{heading}-{row.entry}" for heading, row in RUN])
def test_renderapi__row(row: Row, service: Service, before: Contents, copied: Callable[[str], Service]) -> None:
    """Both calls have the results that the row promises."""
    there, here = (copied("there_" + row.entry), copied("here_" + row.entry)) if row.writes else (service, service)

    run(row, there, here, before)


def entries() -> Iterator[str]:
    """Every public class, method and function of the installed renderapi."""
    for module in renderapi_modules():
        for name, value in vars(module).items():
            is_own = getattr(value, "__module__", None) == module.__name__
            if is_own and not name.startswith("_") and (inspect.isclass(value) or inspect.isfunction(value)):
                yield name
                members = vars(value).items() if inspect.isclass(value) else ()
                yield from (f"{name}.{key}" for key, member in members if key[0] != "_" and is_callable(member))


def is_callable(member: object) -> bool:
    return callable(member) or isinstance(member, property | staticmethod | classmethod)


def test_renderapi__every_entry_has_a_row() -> None:
    """Each public name of renderapi has its row, and each row has a name of renderapi."""
    assert {row.entry for _, row in ALL} == {*entries(), *OTHERS}


def test_renderapi__status_of_each_row() -> None:
    """A row has code on the sides that its status names, and a reason for each side that it lacks."""
    sides = {"same": (True, True), "differs": (True, True), "here": (False, True)}
    for _, row in ALL:
        assert (bool(row.there), bool(row.here)) == sides.get(row.status, (False, False)), row.entry
        assert row.note or row.status == "same", row.entry
