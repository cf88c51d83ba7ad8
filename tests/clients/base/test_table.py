"""The table of clients: its modules, commands and calls exist."""

from __future__ import annotations

import importlib
import re

import click
import pytest

from rendergateway import Gateway, MatchCollectionWrapper, SectionWrapper, StackEdit, StackWrapper
from rendergateway.cli.commands import commands
from rendergateway.clients.base.table import CLIENTS, client_class
from rendergateway.wrappers.matching.tile_pairs import TilePairs

OWNERS = {
    "edit": StackEdit,
    "gateway": Gateway,
    "matches": MatchCollectionWrapper,
    "section": SectionWrapper,
    "stack": StackWrapper,
}
FUNCTIONS = ("match", "coordinates")


@pytest.mark.parametrize("name", CLIENTS)
def test_client__in_its_module(name: str) -> None:
    """Each client is found under its simple name and with a package."""
    assert client_class(f"org.janelia.render.client.{name}") is client_class(name)
    assert client_class(name).__name__ == name


@pytest.mark.parametrize("name", CLIENTS)
def test_client__has_a_command(name: str) -> None:
    """Each client names a command of the command line and, if any, one of its options."""
    words = CLIENTS[name].command.split()
    command: click.Command = commands
    while words and isinstance(command, click.Group) and words[0] in command.commands:
        command = command.commands[words.pop(0)]

    assert command is not commands
    assert all(any(word in option.opts for option in command.params) for word in words)


@pytest.mark.parametrize("call", [call for client in CLIENTS.values() for call in client.calls])
def test_client__has_calls(call: str) -> None:
    """Each call is of a public method, or of a function of long work."""
    owner, dot, method = call.partition("(")[0].partition(".")
    if dot:
        assert callable(getattr(OWNERS[owner], method))
    else:
        modules = [importlib.import_module(f"rendergateway.batch.{module}") for module in FUNCTIONS]
        assert any(owner in module.__all__ for module in modules)
    if ".write(" in call:
        assert callable(TilePairs.write)
    assert re.fullmatch(r"[\w.]+\(.*\)(\.\w+\(\w*\))?", call)
