"""Options of clients as arguments, and arguments as options."""

from __future__ import annotations

from typing import Any

import pytest

from rendergateway.clients.base.options import Client, Option
from rendergateway.clients.base.parser import parse
from rendergateway.clients.base.table import ALIASES, CLIENTS, client_class
from rendergateway.clients.stacks.cells import Cell
from rendergateway.errors import CommandError
from tests.clients.base.sample import SampleClient


def value_of(option: Option, number: int) -> Any:
    """A value that is not the default."""
    kind: Any = option.kind
    if option.takes == "flag":
        return True
    if kind is bool:
        return not option.default
    if isinstance(kind, tuple):
        return next(name for name in kind if name != option.default)
    if kind is str:
        return f"text{number}"
    return Cell(number, 7) if kind is Cell else kind(number + 1000)


def filled(client: type[Client]) -> Client:
    """A client with a value of each option."""
    values = {}
    for number, option in enumerate(client.options()):
        value = value_of(option, number)
        values[option.field] = (value, value_of(option, number + 1)) if option.is_list else value
    return client.of_values(values)


@pytest.mark.parametrize("client", [SampleClient, *map(client_class, sorted(CLIENTS))])
def test_arguments__and_back(client: type[Client]) -> None:
    """The arguments of a client with a value of each option are parsed to the same client."""
    made = filled(client)

    assert parse(client, made.to_arguments()) == made


def test_arguments__only_what_differs() -> None:
    """Options with their defaults are left out; those of groups are in their place, values without a name first."""
    client = SampleClient.of_values(
        {"owner": "lab", "stack": "s", "z": (1.0, 2.5), "fill_with_noise": False, "number": -3}
    )

    assert client.to_arguments() == [
        "1.0", "2.5", "--owner", "lab", "--stack", "s", "--number", "-3", "--fillWithNoise", "false"
    ]  # fmt: skip


def test_options__required_ones() -> None:
    """A client without a required option cannot be made."""
    with pytest.raises(TypeError, match="stack"):
        SampleClient.of_values({"owner": "lab", "z": (1.0,)})


@pytest.mark.parametrize("name", sorted(CLIENTS))
def test_table__of_clients(name: str) -> None:
    """Each client has the name of its row, a first line for the help, a help for each option, and its names once."""
    client = client_class(name)
    options = list(client.options())
    names = [one for option in options for one in option.names]

    assert client.__name__ == name
    assert (client.__doc__ or "").strip().partition("\n")[0].endswith(".")
    assert [option.field for option in options if not option.help] == []
    assert len(set(names)) == len(names)
    assert sum(option.is_positional for option in options) <= 1


def test_table__packages_and_aliases() -> None:
    """A client is found with the package of its Java class; unknown ones list those that there are."""
    assert client_class("org.janelia.render.client.StackClient") is client_class("StackClient")
    assert {alias for alias, name in ALIASES.items() if alias in CLIENTS} == set()
    with pytest.raises(CommandError, match=r"unknown client class: got 'org\.None'; available are .*StackClient"):
        client_class("org.None")
