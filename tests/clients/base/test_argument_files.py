"""Arguments from files, ``@file``, in the command lines of clients."""

from __future__ import annotations

from pathlib import Path

import pytest

from rendergateway.clients.base.parser import parse
from rendergateway.clients.stacks.stack import StackClient
from rendergateway.errors import CommandError

SERVICE = ["--baseDataUrl", "http://host", "--owner", "o", "--project", "p"]


def test_argument_file__lines_are_arguments(tmp_path: Path) -> None:
    """Lines of the file are arguments; empty lines and comments are not."""
    file = tmp_path / "arguments.txt"
    file.write_text("# a stack\n--stack\nmontage one\n\n--action\nDELETE\n", encoding="utf-8")

    client = parse(StackClient, [*SERVICE, f"@{file}"])

    assert (client.stack, client.action) == ("montage one", "DELETE")


def test_argument_file__missing() -> None:
    """A missing file is an error that names it."""
    with pytest.raises(CommandError, match=r"Could not read file none\.txt"):
        parse(StackClient, ["@none.txt"])
