"""Docstrings, comments, messages and pages are written in plain technical English: the worst words are banned."""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "rendergateway"
FOLDERS = [PACKAGE, ROOT / "tests", ROOT / "benchmarks"]
MODULES = [*(path for folder in FOLDERS for path in sorted(folder.rglob("*.py"))), *sorted(ROOT.glob("*.py"))]
PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").glob("*.md"))]

# Pattern and what to write in its place.
BANNED = {
    r"\bstands?\b|\bstood\b": "is, occurs, represents",
    r"\b(?:of|in|for|by|from|to|with|behind|under) which\b": "a second sentence",
    r"\bnobody\b|\bsomebody\b": "the passive, or what is missing",
    r"(?<!there )\b(?:is|are) no (?!longer\b|more\b)": "is not a, has no",
    r"\b(?:says?|said)\b": "states, reports, specifies",
    r"\b(?:tells?|told)\b": "returns, reports, distinguishes",
    r"\b(?:gives?|gave)\b": "returns, provides",
    r"\b(?:goes|gone)\b": "is deleted, is sent, is unreachable",
    r"\b(?:brings?|brought)\b": "includes, adds",
    r"\bcarr(?:y|ies|ied)\b": "transform, map, contain",
    r"\bwhat (?:is|are|was|were|it|they|there)\b": "the noun",
    r"\bwhere (?:there|none|it|they|nothing|one|no)\b": "if, when",
    r"\bas good as\b": "is a no-op, is equivalent to",
    r"\b(?:one|two|requests?|rows?|pixels?|points?|pairs?|bytes?|tiles?|times?|bits|objects?|texts?|numbers?) "
    r"an? (?:tile|pixel|point|section|layer|page|stack|group|request|second|pair|batch|object|process|worker|row|file"
    r"|line|time|channel|listing|picture|image|kind|match|collection|answer)\b": "per",
}
# Files and the phrases that are right in them.
EXCEPTIONS: dict[str, list[str]] = {
    # Tests find the table by this heading.
    "docs/objects.md": ["What it costs"],
}


def texts_of(path: Path) -> Iterator[tuple[int, str]]:
    """The docstrings, comments and raised messages of a module, with their lines."""
    source = path.read_text(encoding="utf-8")
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            text = ast.get_docstring(node, clean=False)
            if text:
                yield getattr(node, "lineno", 1), text
        elif isinstance(node, ast.Raise) and node.exc is not None:
            words = (part.value for part in ast.walk(node.exc) if isinstance(part, ast.Constant))
            yield node.lineno, " … ".join(word for word in words if isinstance(word, str))
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            yield token.start[0], token.string


def prose_of(page: Path) -> Iterator[tuple[int, str]]:
    """The lines of a page that are not code."""
    in_code = False
    for number, line in enumerate(page.read_text(encoding="utf-8").splitlines(), 1):
        in_code ^= line.startswith("```")
        if not in_code:
            yield number, line


def found_in(texts: Iterator[tuple[int, str]], allowed: list[str]) -> list[str]:
    """Each banned phrase of some texts, as a line that names its replacement."""
    found = []
    for line, text in texts:
        # Code in backquotes and quoted examples of other people's words are not ours.
        bare = re.sub(r"``[^`]+``|`[^`]+`|>>>.*", "", text)
        for phrase in allowed:
            bare = bare.replace(phrase, "")
        for pattern, instead in BANNED.items():
            found += [f"line {line}: {hit.group()!r} → {instead}" for hit in re.finditer(pattern, bare, re.IGNORECASE)]
    return found


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_prose__of_a_module(path: Path) -> None:
    """Docstrings, comments and raised messages use the words of the field."""
    place = path.relative_to(ROOT).as_posix()
    assert found_in(texts_of(path), EXCEPTIONS.get(place, [])) == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_prose__of_a_page(page: Path) -> None:
    """Pages use the words of the field."""
    place = page.relative_to(ROOT).as_posix()
    assert found_in(prose_of(page), EXCEPTIONS.get(place, [])) == []
