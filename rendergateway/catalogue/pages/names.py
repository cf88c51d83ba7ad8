"""Pages of owners, projects and stacks of a project."""

from __future__ import annotations

from typing import Any

import attrs

from rendergateway import links
from rendergateway.catalogue.site import Page, Site

__all__ = ["home", "owner_page", "project_page"]


@attrs.define
class _Project:
    """A project of an owner, with what its stacks add up to."""

    name: str
    url: str | None
    stacks: int = 0
    tiles: int = 0
    modified: Any = None


def home(site: Site) -> Page:
    """Return the page of all owners: ``owner.list`` and ``match.owners``."""
    gateway = site.gateway
    with_stacks = gateway.owners().ids
    with_matches = gateway.call("match.owners")
    owners = [gateway.owner(name) for name in sorted({*with_stacks, *with_matches})]
    return site.page(
        "catalogue/home.html",
        owners=owners,
        with_stacks=set(with_stacks),
        with_matches=set(with_matches),
        description=links.description(gateway.image_base_url),
    )


def owner_page(site: Site, owner: str) -> Page:
    """Return the page of an owner: ``stack.list`` and ``match.collections``."""
    shown = site.gateway.owner(owner)
    projects: dict[str, _Project] = {}
    for stack in shown.stacks():
        name = stack.project.name
        one = projects.setdefault(name, _Project(name, site.url(stack.project)))
        one.stacks += 1
        one.tiles += stack.tile_count or 0
        one.modified = max(filter(None, (one.modified, stack.modified)), default=None)
    collections = site.table("match_collection", shown.match_collections(), size=500)
    return site.page_of(shown, projects=sorted(projects.values(), key=lambda one: one.name), collections=collections)


def project_page(site: Site, owner: str, project: str) -> Page:
    """Return the page of the stacks of a project: ``project.stacks`` and ``project.list``."""
    shown = site.gateway.project(project, owner=owner)
    stacks = shown.stacks()
    states = sorted({stack.state for stack in stacks})
    has_tiers = any(stack.hierarchical_data is not None for stack in map(_record_of, stacks))
    return site.page_of(
        shown,
        stacks=site.table("stack", stacks, size=500),
        states=states,
        tiles=sum(stack.tile_count or 0 for stack in stacks),
        layers=sum(stack.section_count or 0 for stack in stacks),
        projects=shown.owner.projects(),
        has_tiers=has_tiers,
    )


def _record_of(stack: Any) -> Any:
    return stack.load()._obj
