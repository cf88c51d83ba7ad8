"""Search for a stack, section or tile."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import attrs

from rendergateway.catalogue.pages.places import full_name, named_stack
from rendergateway.catalogue.site import Page, Site, is_reachable
from rendergateway.errors import NotFoundError
from rendergateway.extras import needed_for

with needed_for("the catalogue"):
    import flask

__all__ = ["search_page"]

# Stacks that are asked for a tile id if none is selected, the last changed ones first; each costs a request.
_MOST_STACKS = 20
_MOST_FOUND = 100


@attrs.define
class _Found:
    """Results of one kind."""

    title: str
    rows: list[Any] = attrs.field(factory=list)
    left_out: int = 0


def search_page(site: Site) -> Page:
    """
    Return what a text finds.

    Within a stack, ``stack=owner/project/stack``: ``tile.read``, ``section_id.z``, ``stack.z_values`` and
    ``stack.tile_ids`` with a pattern. Within an owner: ``stack.list``, ``match.collections``, and ``tile.read`` of at
    most 20 stacks.
    """
    query = flask.request.args
    words, owner = query.get("q", "").strip(), query.get("owner", "").strip()
    stack = named_stack(site, query.get("stack", ""))
    owners = site.gateway.owners().ids
    found: list[_Found] = []
    asked = None
    if words and stack is not None:
        found = _in_stack(stack, words)
    elif words and owner and is_reachable(owner):
        found, asked = _in_owner(site, owner, words, query.get("project", "").strip())
    elif words:
        found = [_Found("Owners", [site.gateway.owner(name) for name in owners if words.casefold() in name.casefold()])]
        for name in owners:
            more, asked = _in_owner(site, name, words, "")
            found = [*found, *more]
    return site.page(
        "catalogue/search.html",
        words=words,
        owner=owner,
        project=query.get("project", ""),
        stack=stack,
        stack_name="" if stack is None else full_name(stack),
        found=[one for one in found if one.rows],
        asked=asked,
        most=_MOST_STACKS,
    )


def _in_stack(stack: Any, words: str) -> list[_Found]:
    sections = _Found("Sections")
    z = _number(words)
    if z is not None and z in stack.sections().ids:
        sections.rows.append(stack.section(z))
    if is_reachable(words):
        section = _existing(lambda: stack.section(section_id=words))
        if section is not None and section not in sections.rows:
            sections.rows.append(section)
    # The pattern is searched within ids, so that a part of an id finds the tile.
    tiles = stack.tiles(pattern=re.escape(words))
    return [sections, _Found("Tiles", list(tiles[:_MOST_FOUND]), max(0, len(tiles) - _MOST_FOUND))]


def _in_owner(site: Site, owner: str, words: str, project: str) -> tuple[list[_Found], int]:
    shown, wanted = site.gateway.owner(owner), words.casefold()
    stacks = [stack for stack in shown.stacks() if project in ("", stack.project.name)]
    named = [stack for stack in stacks if wanted in stack.name.casefold()]
    projects = {stack.project.name: stack.project for stack in stacks if wanted in stack.project.name.casefold()}
    collections = [one for one in shown.match_collections() if wanted in one.name.casefold()]
    changed = [(stack.modified, place) for place, stack in enumerate(stacks) if stack.modified is not None]
    recent = [stacks[place] for _, place in sorted(changed, reverse=True)[:_MOST_STACKS]]
    tiles = []
    if is_reachable(words):
        tiles = [tile for tile in (_existing(lambda one=one: one.tile(words).load()) for one in recent) if tile]  # type: ignore[misc]
    found = [
        _Found("Projects", list(projects.values())),
        _Found("Stacks", named[:_MOST_FOUND], max(0, len(named) - _MOST_FOUND)),
        _Found("Match collections", collections),
        _Found("Tiles", tiles),
    ]
    return found, len(recent)


def _existing(find: Callable[[], Any]) -> Any:
    try:
        return find()
    except NotFoundError:
        return None


def _number(words: str) -> float | None:
    try:
        return float(words)
    except ValueError:
        return None
