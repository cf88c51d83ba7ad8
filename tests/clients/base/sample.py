"""A client with an option of each kind."""

from __future__ import annotations

from typing import Literal

import attrs

from rendergateway.clients.base.options import Client, Options, flag, group, many, option, positional, required
from rendergateway.clients.stacks.cells import Cell

__all__ = ["SampleClient", "TextClient"]


@attrs.frozen
class Shared(Options):
    """Options of a group."""

    owner: str = required("Owner.")
    match_rod: float = option(0.92, help="Ratio.")


@attrs.frozen
class SampleClient(Client):
    """Do nothing, with options of each kind."""

    shared: Shared = group(Shared)
    stack: str = required("Stack.")
    number: int | None = option(help="A number.")
    res: float = option(64.0, names=["--res", "--meshCellSize"], help="Two names.")
    fill_with_noise: bool = option(True, help="True or false.")
    action: Literal["CREATE", "DELETE"] | None = option(help="An enumeration.")
    use_stack_bounds: bool = flag("A flag.")
    bounds: tuple[int, ...] = many("One value each time.", repeated=True)
    names: tuple[str, ...] = many("Several values.")
    cells: tuple[Cell, ...] = many("Values of a class.")
    z: tuple[float, ...] = positional("Z values")


@attrs.frozen
class TextClient(Client):
    """Do nothing with files."""

    z: tuple[float, ...] = many("Sections.")
    files: tuple[str, ...] = positional("list of files", is_required=False)
