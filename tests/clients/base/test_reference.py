"""The options of clients are those of the real ones: names, kinds, required marks and defaults."""

from __future__ import annotations

import re
from functools import cache
from typing import Any, NamedTuple

import pytest

from rendergateway.clients.base.options import Option
from rendergateway.clients.base.table import CLIENTS, client_class
from tests.conftest import SHARED

REFERENCE = SHARED / "reference" / "native-clients-options.md"
KINDS: dict[Any, str] = {str: "text", int: "int", float: "real", bool: "true/false"}
TAKES = {"one": "", "flag": "", "repeated": " ×n", "many": " ×n, many values"}


class Row(NamedTuple):
    """A row of a table: kind, default and required mark of an option."""

    kind: str
    default: str
    is_required: bool


@cache
def sections() -> dict[str, str]:
    """The text of each client, by its name."""
    if not REFERENCE.is_file():
        return {}
    text = REFERENCE.read_text(encoding="utf-8")
    parts = re.split(r"^## (\w+).*\n", text, flags=re.M)
    return {"": parts[0], **dict(zip(parts[1::2], parts[2::2], strict=True))}


def rows_of(text: str) -> list[list[str]]:
    return [
        [cell.strip() for cell in line.strip().strip("|").split("|")]
        for line in text.splitlines()
        if line.startswith("|") and not line.startswith("|--")
    ][1:]


def enumerations() -> dict[str, tuple[str, ...]]:
    return {
        cells[0]: tuple(cells[1].split()) for cells in rows_of("|" + sections()[""].split("| Enumeration")[-1]) if cells
    }


def recorded(name: str) -> dict[str, Row]:
    """The options of the real client, by name; the values without a name as an empty one."""
    found = {}
    for names, kind, *rest in rows_of(sections()[name]):
        default, is_required = (*rest, "", "")[:2]
        # A remark in parentheses.
        row = Row(re.sub(r" \(.*\)", "", kind), default, is_required == "yes")
        found.update(dict.fromkeys(re.findall(r"`(--\w+)`", names) or [""], row))
    return found


def row_of(option: Option) -> Row:
    """An option of ours in the words of the table."""
    kind: Any = option.kind
    if option.takes == "flag":
        return Row("flag", "false", option.is_required)
    known = {values: name for name, values in enumerations().items()}
    word = known.get(kind, "|".join(kind)) if isinstance(kind, tuple) else KINDS.get(kind, "row,column")
    default = "" if option.default in (None, ()) else str(option.default)
    return Row(word + TAKES[option.takes], default.lower() if kind is bool else default, option.is_required)


def comparable(row: Row) -> Row:
    # A default beside a required mark is never used, that of a flag is false.
    default = "" if row.is_required else "false" if row.kind == "flag" else row.default
    number = re.fullmatch(r"-?\d[\d.]*", default)
    return row._replace(default=repr(float(default)) if number else default)


@pytest.mark.parametrize("name", sorted({*CLIENTS, *sections()} - {""}))
def test_options__equal_the_reference(name: str) -> None:
    """Each option of the real client is there, and no other."""
    if not REFERENCE.is_file():
        pytest.skip("the options of the real clients (../shared/reference) are not here")
    if name not in CLIENTS:
        pytest.skip(f"{name} is not in the table of clients")
    theirs = {one: comparable(row) for one, row in recorded(name).items()}
    ours = {one: comparable(row_of(option)) for option in client_class(name).options() for one in option.names or [""]}

    assert {one: row for one, row in ours.items() if theirs.get(one) != row} == {}
    assert theirs.keys() == ours.keys()
