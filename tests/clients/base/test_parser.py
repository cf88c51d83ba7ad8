"""The command line of clients, by the rules of the Java clients' parser."""

from __future__ import annotations

from typing import Any

import pytest

from rendergateway.clients.base.options import Client
from rendergateway.clients.base.parser import help_text, parse
from rendergateway.clients.stacks.cells import Cell
from rendergateway.errors import CommandError
from tests.clients.base.sample import SampleClient, TextClient

# The options that are required, and a positional value.
RIGHT = ["--owner", "lab", "--stack", "s", "1"]


@pytest.mark.parametrize(
    ("client", "words", "sentence"),
    [
        (SampleClient, ["--owner", "lab", "1"], "The following option is required: [--stack]"),
        (SampleClient, ["1"], "The following options are required: [--owner], [--stack]"),
        (SampleClient, ["--owner", "lab", "--stack", "s"], 'Main parameters are required ("Z values")'),
        (SampleClient, [*RIGHT, "--number", "x"], '"--number": couldn\'t convert "x" to an integer'),
        (SampleClient, [*RIGHT, "--number", "1.0"], '"--number": couldn\'t convert "1.0" to an integer'),
        (SampleClient, [*RIGHT, "--number", "2147483648"], '"--number": couldn\'t convert "2147483648" to an integer'),
        (SampleClient, [*RIGHT, "--number", "1_0"], '"--number": couldn\'t convert "1_0" to an integer'),
        (SampleClient, [*RIGHT, "--matchRod", "x"], '"--matchRod": couldn\'t convert "x" to a double'),
        (SampleClient, [*RIGHT, "--matchRod", "inf"], '"--matchRod": couldn\'t convert "inf" to a double'),
        (SampleClient, [*RIGHT, "--fillWithNoise", "yes"], '"--fillWithNoise": couldn\'t convert "yes" to a boolean'),
        (
            SampleClient,
            [*RIGHT, "--action", "MOVE"],
            "Invalid value for --action parameter. Allowed values:[CREATE, DELETE]",
        ),
        (SampleClient, [*RIGHT, "--replaceLast"], '"[Main class]": couldn\'t convert "--replaceLast" to a double'),
        (SampleClient, [*RIGHT, "--useStackBounds", "true"], '"[Main class]": couldn\'t convert "true" to a double'),
        (SampleClient, [*RIGHT, "--number"], "Expected a value after parameter --number"),
        (SampleClient, [*RIGHT, "--names"], "Expected a value after parameter --names"),
        (SampleClient, [*RIGHT, "--names", "--number", "1"], "Expected a value after parameter --names"),
        (SampleClient, [*RIGHT, "--number", "1", "--number", "2"], "Can only specify option --number once."),
        (SampleClient, [*RIGHT, "--res", "1", "--meshCellSize", "2"], "Can only specify option --meshCellSize once."),
        (
            SampleClient,
            [*RIGHT, "--cells", "1"],
            "invalid cell value: got '1'; cell identifier must be 'row,column' with ",
        ),
        (TextClient, ["--z", "1", "--speed", "1"], '"--z": couldn\'t convert "--speed" to a double'),
    ],
)
def test_parse__errors(client: type[Client], words: list[str], sentence: str) -> None:
    """Errors have the sentences that users search for."""
    with pytest.raises(CommandError) as caught:
        parse(client, words)

    assert str(caught.value).startswith(sentence)


@pytest.mark.parametrize(
    ("client", "words", "values"),
    [
        (SampleClient, [], {"number": None, "match_rod": 0.92, "res": 64.0, "fill_with_noise": True, "names": ()}),
        (SampleClient, ["2.5", "1e3", "7d"], {"z": (1.0, 2.5, 1000.0, 7.0)}),
        (SampleClient, ["--number", "-3", "--res", ".5f"], {"number": -3, "res": 0.5}),
        (SampleClient, ["--meshCellSize", "2"], {"res": 2.0}),
        (
            SampleClient,
            ["--action", "create", "--fillWithNoise", "FALSE"],
            {"action": "CREATE", "fill_with_noise": False},
        ),
        (SampleClient, ["--useStackBounds"], {"use_stack_bounds": True}),
        # A value after a flag is a positional one.
        (SampleClient, ["--useStackBounds", "9"], {"use_stack_bounds": True, "z": (1.0, 9.0)}),
        # One value each time, or several; commas separate values too.
        (SampleClient, ["--bounds", "1", "2", "--bounds", "3,4"], {"bounds": (1, 3, 4), "z": (1.0, 2.0)}),
        (SampleClient, ["--names", "a", "b,c", "--number", "1", "--names", "d"], {"names": ("a", "b", "c", "d")}),
        (SampleClient, ["--cells", "1,2", "3,-4"], {"cells": (Cell(1, 2), Cell(3, -4))}),
        # An option with several values takes unknown options too.
        (SampleClient, ["--names", "a", "--speed", "b"], {"names": ("a", "--speed", "b")}),
        (TextClient, ["--z", "1", "2", "--z", "3"], {"z": (1.0, 2.0, 3.0), "files": ()}),
        # An unknown option is one of the texts.
        (TextClient, ["a.json", "--nonsense", "b.json"], {"files": ("a.json", "--nonsense", "b.json")}),
    ],
)
def test_parse__values(client: type[Client], words: list[str], values: dict[str, Any]) -> None:
    """Values are converted; those that are not given have their defaults."""
    parsed = parse(client, [*(RIGHT if client is SampleClient else []), *words])

    found = {name: getattr(parsed, name, None) for name in values}
    found |= {"match_rod": parsed.shared.match_rod} if "match_rod" in values else {}  # type: ignore[attr-defined]
    assert found == values


def test_help__of_each_kind() -> None:
    """The help lists the options by name, with a star if they are required, their values and defaults."""
    lines = help_text(SampleClient).splitlines()

    assert lines[:3] == ["Usage: SampleClient [options] VALUE …", "", "Do nothing, with options of each kind."]
    assert "  * --owner TEXT" in lines
    assert "    --res, --meshCellSize NUMBER" in lines
    assert "    --names TEXT …" in lines
    assert "    --cells CELL …" in lines
    assert "    --action CREATE|DELETE" in lines
    assert "    --useStackBounds" in lines
    assert lines[lines.index("    --fillWithNoise true|false") + 2].strip() == "Default: true"
    assert "  VALUE … (optional)" in help_text(TextClient).splitlines()
