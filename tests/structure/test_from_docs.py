"""The migration pages from other clients refer to existing names only."""

from __future__ import annotations

import builtins
import importlib
import inspect
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import rendergateway
from rendergateway.endpoints import ENDPOINTS

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
INVENTORY = ROOT.parent / "shared" / "reference" / "gateway-inventory.md"
STATES = {"works", "otherwise", "no"}
# `Gateway.using`, `StackWrapper.sections`, `rendergateway.transforms.fit_affine`: names that begin with a public one.
NAME = re.compile(r"`((?:[A-Z]\w*[a-z]\w*|rendergateway)(?:\.\w+)*|refreshWrappers|json_default|without_requests)`")
CALL = re.compile(r"\b(?:call|call_raw)\(\"([\w.]+)\"")


def names() -> Iterator[tuple[str, str]]:
    """Every name in a row of such a page, and the page."""
    for page in sorted(DOCS.glob("from-*.md")):
        for line in page.read_text(encoding="utf-8").splitlines():
            # The first cell is what the other client calls it.
            cells = line.split("|")[2:] if line.startswith("|") else []
            for cell in cells:
                yield from ((page.name, name) for name in NAME.findall(cell))


def found(name: str) -> Any:
    """Look a dotted name up, in the package or in a module of it."""
    first, *rest = name.removeprefix("rendergateway.").split(".")
    value: Any = getattr(rendergateway, first, getattr(builtins, first, None))
    if value is None and first != "rendergateway":
        value = importlib.import_module(f"rendergateway.{first}")
    for part in rest:
        if inspect.ismodule(value) and not hasattr(value, part):
            value = importlib.import_module(f"{value.__name__}.{part}")
        else:
            value = inspect.getattr_static(value, part) if inspect.isclass(value) else getattr(value, part)
    return value


@pytest.mark.parametrize(("page", "name"), sorted(set(names())))
def test_from_docs__names_are_there(page: str, name: str) -> None:
    """Each name in a row exists."""
    found(name)


def rows_of(text: str) -> list[str]:
    """The rows of the tables in a text, without their heads."""
    lines = text.splitlines()
    return [line for line, below in zip(lines, [*lines[1:], ""], strict=True) if is_row(line) and "---" not in below]


def is_row(line: str) -> bool:
    return line.startswith("| ")


@pytest.mark.parametrize("page", ["from-blitz.md", "from-caveclient.md", "from-mibitracker.md"])
def test_from_docs__each_row_says_how_it_stands(page: str) -> None:
    """Each row has one of the three states, a reason, and any names."""
    for row in rows_of((DOCS / page).read_text(encoding="utf-8")):
        _, _, named, state, why = (cell.strip() for cell in row.strip()[1:-1].split("|"))
        assert state in STATES, row
        assert why, row
        assert named or state == "no", row


@pytest.mark.parametrize(("page", "letter"), [("from-caveclient.md", "C"), ("from-mibitracker.md", "M")])
def test_from_docs__a_row_for_each(page: str, letter: str) -> None:
    """Every entry of the inventory has its row."""
    if not INVENTORY.exists():
        pytest.skip("the inventory (../shared/reference) is not here")
    entries = re.findall(rf"^\| {letter}\d+ ", INVENTORY.read_text(encoding="utf-8"), re.MULTILINE)

    assert len(rows_of((DOCS / page).read_text(encoding="utf-8"))) == len(entries)


def test_from_docs__a_row_for_each_of_blitz() -> None:
    """Every feature of the inventory's tables A1.1 to A1.9 has its row, in the same order of sections."""
    if not INVENTORY.exists():
        pytest.skip("the inventory (../shared/reference) is not here")
    theirs = INVENTORY.read_text(encoding="utf-8").split("## A1. ")[1].split("## A2. ")[0].split("\n### ")[1:]
    ours = (DOCS / "from-blitz.md").read_text(encoding="utf-8").split("\n## ")[1:]

    assert [len(rows_of(section)) for section in ours] == [len(rows_of(section)) for section in theirs]


def called() -> set[str]:
    """The endpoints that the pages call by name."""
    return {name for page in DOCS.glob("*.md") for name in CALL.findall(page.read_text(encoding="utf-8"))}


@pytest.mark.parametrize("name", sorted(called()))
def test_from_docs__endpoints_are_there(name: str) -> None:
    """Each `gateway.call("…")` on a page names a known endpoint."""
    assert name in ENDPOINTS
