"""README leads to every page, and the commands of README and docs are commands that there are."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import click
import pytest

from rendergateway.cli.commands import commands

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
PAGES = sorted((ROOT / "docs").glob("*.md"))


def test_readme__every_page_once() -> None:
    """The tables of README have a row for each page of docs, and for nothing else."""
    rows = re.findall(r"^\| \[[^\]]+\]\((docs/[^)]+)\) \| (.+) \|$", README, re.MULTILINE)

    assert sorted(page for page, _ in rows) == [f"docs/{page.name}" for page in PAGES]
    assert all(line.strip() for _, line in rows)


@pytest.mark.parametrize("page", [ROOT / "README.md", *PAGES], ids=lambda page: page.name)
def test_links__lead_somewhere(page: Path) -> None:
    """A link to a file of the project leads to a file that is there."""
    for target in re.findall(r"\]\(([^)#]+)[^)]*\)", page.read_text(encoding="utf-8")):
        assert "://" in target or (page.parent / target).exists(), f"{page.name} links to {target}"


@pytest.mark.parametrize("page", [ROOT / "README.md", *PAGES], ids=lambda page: page.name)
def test_prose__one_sentence_a_line(page: Path) -> None:
    """A line of prose holds one sentence; tables, lists and code are as they are."""
    text = re.sub(r"^(```|<!---).*?^(```|-->)", "", page.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)
    for line in text.splitlines():
        assert re.match(r"[|# -]|[0-9]+\. ", line) or not re.search(r"[a-z`)]\. [A-Z`]", line), line


def test_design__every_dependency_has_its_reason() -> None:
    """Each requirement in pyproject.toml has a reason among the decisions."""
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    groups = re.findall(
        r"^\[(?:project\.optional-dependencies|dependency-groups)\]$(.*?)^\[", project, re.DOTALL | re.MULTILINE
    )
    core = re.findall(r"^dependencies = \[$(.*?)^\]", project, re.DOTALL | re.MULTILINE)
    names = {name.lower() for one in [*core, *groups] for name in re.findall(r'"([A-Za-z0-9-]+)', one)} - {
        "rendergateway"
    }
    reasons = (ROOT / "docs" / "design.md").read_text(encoding="utf-8").partition("**Dependencies.**")[2].lower()

    assert {"numpy", "waitress", "pandas", "django", "render-python", "h5py"} <= names
    spoken = {name.removesuffix("-python-headless") for name in names}
    assert not {name for name in spoken if not re.search(rf"\b{name}\b", reasons)}


def shown_commands() -> list[list[str]]:
    """The words of each line of ours in the shell blocks of README and docs."""
    texts = [page.read_text(encoding="utf-8") for page in (ROOT / "README.md", *PAGES)]
    blocks = [block for text in texts for block in re.findall(r"^```sh\n(.*?)^```", text, re.DOTALL | re.MULTILINE)]
    lines = [shlex.split(line, comments=True) for block in blocks for line in block.splitlines()]
    return [words[1:] for words in lines if words[:1] == ["rendergateway"]]


@pytest.mark.parametrize("words", shown_commands(), ids=" ".join)
def test_commands__take_what_is_shown(words: list[str]) -> None:
    """A command of a page is one of ours, and has the options that it is shown with."""
    command: click.Command = commands
    while isinstance(command, click.Group):
        assert words[0] in command.commands, f"there is no command {words[0]}"
        command, words = command.commands[words[0]], words[1:]

    known = {name for parameter in command.params for name in (*parameter.opts, *parameter.secondary_opts)}
    assert {word for word in words if word.startswith("-")} <= known
