"""Every worked example of the predecessors is an executed example of the docs."""

from __future__ import annotations

import ast
import builtins
import re
import shlex
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
COOKBOOK = ROOT.parent / "shared" / "reference" / "cookbook.md"

# The blocks of each docs page, by number. A block on two pages is split across them.
PAGES = {
    "configuration": [2, 3, 49, 50, 52, 53, 54, 61, 62, 63, 66],
    "coordinates": [29, 30, 31],
    "editing": [4, 6, 7, 8, 9, 10, 11, 18, 27, 28, 43, 44, 56, 59, 60, 64],
    "extending": [68, 69, 72, 73, 74],
    "matches": [20, 21, 22, 23, 24, 25],
    "objects": [26, 38, 39, 40, 41, 42, 57, 58, 67, 70],
    "pictures": [22, 26, 33, 34, 35, 36, 37, 55, 71],
    "records": [5, 45, 48, 65],
    "templates": [75],
    "transforms": [12, 13, 14, 15, 16, 17, 19],
}
LATER = {
    1: "a container for the service",
    32: "the file form of coordinates, a command",
    46: "pairs of tiles to be matched",
    47: "the Java command lines",
    51: "README: installation, held by test_docs",
}
# Names in the cookbook's blocks, and their names here.
RENAMED = {
    "set": "update",
    "set(cycle=)": "update(cycle=)",
    "set(resolution_nm=)": "update(resolution_nm=)",
    "world": "world_points",
    "world_from_local(where=)": "world_from_local(compute=)",
}
# The data shapes at the cookbook's end, in its order: the page that reads and writes them, and by what names.
SHAPES = [
    ("records", ["read_transform_changes", "write_transform_changes"]),
    ("coordinates", ["CoordinateTable.from_json", "to_json(nested=)"]),
    ("objects", ["section_ids", "tile_count", "table"]),
    ("records", ["bounds", "to_nm"]),
    ("records", ["MatchRecord.from_json", "MatchTable.from_records", "is_by_row", "repaired", "to_dict"]),
    None,  # pairs of tiles to be matched come later
    ("records", ["read_tiles", "write_tiles", "ResolvedTiles.of", "ResolvedTiles.unresolved"]),
    ("records", ["with_level(image_url=)", "with_level(mask_url=)"]),
    ("configuration", ["TokenFile(key=)"]),
]
PLACED = sorted({number for numbers in PAGES.values() for number in numbers})

pytestmark = pytest.mark.skipif(not COOKBOOK.exists(), reason="the cookbook (../shared/reference) is not here")


def fences(text: str, language: str) -> Iterator[str]:
    """The code blocks of a page in a language, except those marked as skipped."""
    for skipped, code in re.findall(
        rf"(<!--- skip: .*?-->\n+)?^```{language}\n(.*?)^```", text, re.DOTALL | re.MULTILINE
    ):
        if not skipped:
            yield code


@cache
def blocks() -> dict[int, str]:
    """The text below each number of the cookbook."""
    text = COOKBOOK.read_text(encoding="utf-8").partition("## Blocks")[2].partition("## Data shapes")[0]
    return {
        int(number): block
        for number, block in re.findall(r"^\*\*(\d+)\*\*(.*?)(?=^\*\*\d|\Z)", text, re.DOTALL | re.MULTILINE)
    }


def shapes() -> list[str]:
    """The data shapes of the cookbook, as its second table has them."""
    table = COOKBOOK.read_text(encoding="utf-8").partition("| shape |")[2].partition("\n\n")[0]
    return [line.split(" | ")[0] for line in table.splitlines()[2:]]


@cache
def page_text(page: str) -> str:
    return (ROOT / "docs" / f"{page}.md").read_text(encoding="utf-8")


def public_names(code: str) -> set[str]:
    """Functions called, attributes and keyword arguments in a piece of Python, except its own definitions."""
    nodes = list(ast.walk(ast.parse(code)))
    calls = [node for node in nodes if isinstance(node, ast.Call)]
    bases = [base for node in nodes if isinstance(node, ast.ClassDef) for base in node.bases]
    plain = {node.id for node in [*bases, *(call.func for call in calls)] if isinstance(node, ast.Name)}
    own = {node.name for node in nodes if isinstance(node, ast.FunctionDef | ast.ClassDef)}
    given = {f"{called(call)}({word.arg}=)" for call in calls for word in call.keywords if called(call) not in own}
    return {node.attr for node in nodes if isinstance(node, ast.Attribute)} | given | plain - own - set(vars(builtins))


def called(call: ast.Call) -> str:
    return call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")


def shell_words(code: str) -> set[str]:
    """The verbs and options of commands."""
    lines = [shlex.split(line, comments=True) for line in code.splitlines()]
    return {word for words in lines for word in words[1:] if word.startswith("--") or word == words[1]}


def dotted_words(code: str) -> set[str]:
    """Attributes used in a template."""
    return set(re.findall(r"\.([a-z_]+)", code))


READERS = {"python": public_names, "sh": shell_words, "django": dotted_words}


def test_table__every_block() -> None:
    """Each block of the cookbook has a page or is listed as later."""
    assert sorted([*PLACED, *LATER]) == sorted(blocks())


@pytest.mark.parametrize("number", PLACED)
def test_block__is_run_on_its_page(number: int) -> None:
    """The page of a block has, in code that is run, every public name that the block has."""
    pages = [page for page, numbers in PAGES.items() if number in numbers]
    for language, read in READERS.items():
        shown: set[str] = set()
        shown.update(*(read(code) for page in pages for code in fences(page_text(page), language)))
        for code in fences(blocks()[number], language):
            missing = {RENAMED.get(name, name) for name in read(code)} - shown
            assert not missing, f"{' and '.join(pages)} lack {sorted(missing)} of block {number}"


def test_shapes__each_is_read_and_written() -> None:
    """Each documented data shape of the predecessors is read or made, and written, on a page."""
    assert len(shapes()) == len(SHAPES)
    for shape, place in zip(shapes(), SHAPES, strict=True):
        page, names = place or ("objects", [])
        code = "".join(fences(page_text(page), "python"))
        lacking = set(names) - said(code)
        assert not lacking, f"docs/{page}.md lacks {sorted(lacking)} for {shape}"


def said(code: str) -> set[str]:
    """The names in a piece of code, and its attributes with the name before the dot."""
    nodes = [node for node in ast.walk(ast.parse(code)) if isinstance(node, ast.Attribute)]
    return public_names(code) | {f"{node.value.id}.{node.attr}" for node in nodes if isinstance(node.value, ast.Name)}
