"""Service information, owners, projects and lists of stacks."""

from __future__ import annotations

import secrets
import time
from typing import Any

from rendergateway.service.base.options import Options
from rendergateway.service.domain.stack_metadata import metadata_of, version_of
from rendergateway.service.store import Store
from rendergateway.service.store.stacks import StackRow
from rendergateway.version import __version__
from rendergateway.wire import StackName, encode

# Build information of the real service; empty here, because an installed package has no repository.
_BUILD = dict.fromkeys(
    (
        "git.branch",
        "git.build.host",
        "git.build.time",
        "git.commit.id",
        "git.commit.id.abbrev",
        "git.commit.id.describe",
        "git.commit.time",
        "git.commit.url",
        "git.dirty",
        "git.remote.origin.url",
    ),
    "",
)
# Properties that the web pages of the real service read; none of them is set here.
_PROPERTIES = (
    "view.catmaidHost",
    "view.dynamicRenderHost",
    "view.matchCollection",
    "view.matchOwner",
    "view.ndvizHost",
    "view.renderStack",
    "view.renderStackOwner",
    "view.renderStackProject",
    "webService.maxImageProcessorCacheGb",
    "webService.maxTileSpecsToRender",
)


def service_version(store: Store) -> bytes:
    """Return name and version of the service."""
    return encode(_BUILD | {"git.build.version": __version__, "service": "rendergateway"})


def service_properties(store: Store, *, options: Options) -> bytes:
    """Return the settings of the service."""
    properties: dict[str, str] = dict.fromkeys(_PROPERTIES, "")
    if options.tile_limit is not None:
        properties["webService.maxTileSpecsPerQuery"] = str(options.tile_limit)
    return encode({"filePath": "", "properties": dict(sorted(properties.items()))})


def service_clear_image_cache(store: Store) -> None:
    """Do nothing: images are not cached."""


def service_unique_id(store: Store) -> str:
    """Return a unique id of 24 hexadecimal digits."""
    return f"{int(time.time()):08x}{secrets.token_hex(8)}"


def owner_list(store: Store) -> bytes:
    """List the owners of stacks."""
    return encode(store.stacks.owners())


def project_list(store: Store, *, owner: str) -> bytes:
    """List the projects of an owner."""
    return encode(store.stacks.projects(owner))


def stack_ids(store: Store, *, owner: str) -> bytes:
    """List the stack ids of an owner."""
    return encode(_names(_listed(store, owner, None)))


def project_stack_ids(store: Store, *, owner: str, project: str) -> bytes:
    """List the stack ids of a project."""
    return encode(_names(_listed(store, owner, project)))


def stack_list(store: Store, *, owner: str) -> bytes:
    """List the stacks of an owner."""
    return encode(list(map(metadata_of, _listed(store, owner, None))))


def project_stacks(store: Store, *, owner: str, project: str) -> bytes:
    """List the stacks of a project."""
    return encode(list(map(metadata_of, _listed(store, owner, project))))


def _names(rows: list[StackRow]) -> list[StackName]:
    return [StackName(owner=row.owner, project=row.project, stack=row.stack) for row in rows]


def _listed(store: Store, owner: str, project: str | None) -> list[StackRow]:
    return sorted(store.stacks.of(owner, project), key=_sort_key)


def _sort_key(row: StackRow) -> tuple[Any, ...]:
    """Return the sort key of a stack: project, then cycle, step and time descending; no cycle comes last."""
    version = version_of(row)
    return row.project, _descending(version.cycleNumber), _descending(version.cycleStepNumber), -row.modified_ms


def _descending(number: int | None) -> tuple[bool, int]:
    return number is None, -(number or 0)
