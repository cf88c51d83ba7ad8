"""``rendergateway tree``: the contents of a service or a stack."""

from __future__ import annotations

import click

from rendergateway.cli.services import named_stack, open_gateway, service_options, stack_argument
from rendergateway.cli.stacks.outline import Branch, stack_branch, stack_line
from rendergateway.cli.terminal import json_option, result, result_console
from rendergateway.display import plural
from rendergateway.gateway import Gateway
from rendergateway.wrappers import OwnerWrapper, StackWrapper

__all__ = ["tree"]


@click.command()
@stack_argument(required=False)
@click.option("--sections", default=10, show_default=True, type=click.IntRange(0), help="Number of sections shown.")
@click.option(
    "--tiles", default=3, show_default=True, type=click.IntRange(0), help="Number of tiles shown per section."
)
@json_option
@service_options
def tree(name: str | None, sections: int, tiles: int, as_json: bool, service: str | None, profile: str | None) -> None:
    """
    Show the contents of a stack, or of the whole service.

    With a name the stack with its sections, tiles and transforms; without, all stacks and match collections.
    """
    with open_gateway(service, profile) as gateway:
        if name is None:
            found = [_owner_branch(owner) for owner in gateway.owners()]
        else:
            found = [_whole_branch(named_stack(gateway, name), sections, tiles)]
        if as_json:
            values = [branch.as_values() for branch in found]
            result(values if name is None else values[0], "", as_json)
            return
        _show(gateway, found)


def _show(gateway: Gateway, found: list[Branch]) -> None:
    console = result_console()
    for branch in found:
        console.print(branch.as_tree())
    if not found:
        result(None, f"{gateway.server} has no stacks", as_json=False)


def _whole_branch(stack: StackWrapper, sections: int, tiles: int) -> Branch:
    stack.load()
    project = Branch("project", stack.project.name, below=[stack_branch(stack, sections=sections, tiles=tiles)])
    return Branch("owner", stack.owner.name, below=[project])


def _owner_branch(owner: OwnerWrapper) -> Branch:
    projects = [
        Branch("project", project.name, below=[stack_line(stack) for stack in project.stacks()])
        for project in owner.projects()
    ]
    collections = [
        Branch("match collection", matches.name, plural(matches.pair_count, "pair"), {"pair_count": matches.pair_count})
        for matches in owner.match_collections()
    ]
    return Branch("owner", owner.name, below=[*projects, *collections])
