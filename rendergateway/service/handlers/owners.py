"""The service itself, owners, projects, and lists of stacks."""

from __future__ import annotations

import secrets
import time
from typing import Any

from rendergateway.model.wire import StackMetaData, StackName, encode
from rendergateway.service.handlers.metadata import metadata_of
from rendergateway.service.options import Options
from rendergateway.service.store import Store
from rendergateway.version import __version__


def service_version(store: Store) -> bytes:
    """Say which service this is."""
    return encode({"git.build.version": __version__, "git.commit.url": "", "service": "rendergateway"})


def service_properties(store: Store, *, options: Options) -> bytes:
    """Say how the service was started."""
    limit = "" if options.tile_limit is None else str(options.tile_limit)
    return encode({"filePath": "", "properties": {"webService.maxTileSpecsPerQuery": limit}})


def service_clear_image_cache(store: Store) -> None:
    """Do nothing: pictures are not kept."""


def service_unique_id(store: Store) -> str:
    """Return 24 hexadecimal digits that nobody had before."""
    return f"{int(time.time()):08x}{secrets.token_hex(8)}"


def owner_list(store: Store) -> bytes:
    """List the owners of stacks."""
    return encode(store.stacks.owners())


def project_list(store: Store, *, owner: str) -> bytes:
    """List the projects of an owner."""
    return encode(store.stacks.projects(owner))


def stack_ids(store: Store, *, owner: str) -> bytes:
    """List the names of an owner's stacks."""
    return encode(_names(_listed(store, owner, None)))


def project_stack_ids(store: Store, *, owner: str, project: str) -> bytes:
    """List the names of a project's stacks."""
    return encode(_names(_listed(store, owner, project)))


def stack_list(store: Store, *, owner: str) -> bytes:
    """List an owner's stacks."""
    return encode(_listed(store, owner, None))


def project_stacks(store: Store, *, owner: str, project: str) -> bytes:
    """List a project's stacks."""
    return encode(_listed(store, owner, project))


def _names(stacks: list[StackMetaData]) -> list[StackName]:
    return [stack.stackId for stack in stacks]


def _listed(store: Store, owner: str, project: str | None) -> list[StackMetaData]:
    return sorted(map(metadata_of, store.stacks.of(owner, project)), key=_place)


def _place(stack: StackMetaData) -> tuple[Any, ...]:
    """Return what stacks are sorted by: project, then cycle, step and time downwards, those without cycle last."""
    version = stack.currentVersion
    moment = stack.lastModifiedTimestamp
    return (
        stack.stackId.project or "",
        *(_downwards(number) for number in (version.cycleNumber, version.cycleStepNumber)),
        # Texts of one length sort downwards by the complement of their letters.
        [-ord(letter) for letter in moment],
    )


def _downwards(number: int | None) -> tuple[bool, int]:
    return number is None, -(number or 0)
