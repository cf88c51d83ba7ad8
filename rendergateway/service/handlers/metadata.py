"""Stack metadata: reading and updating it as a whole and member by member."""

from __future__ import annotations

from typing import Any

from rendergateway.service.base.ids import StackId
from rendergateway.service.base.refusals import IllegalArgument, NullPointer
from rendergateway.service.domain.lookup import existing_stack, not_read_only
from rendergateway.service.domain.stack_metadata import metadata_of, version_of
from rendergateway.service.store import Store
from rendergateway.wire import Cycle, Hierarchy, PathBuilderJson, encode

_REQUIRED = ("rootPath", "numberOfLevels", "extension")


def _change(store: Store, stack: StackId, **members: Any) -> None:
    row = not_read_only(existing_stack(store, stack))
    version = version_of(row)
    for name, value in members.items():
        setattr(version, name, value)
    row.version = encode(version)
    store.stacks.update(row)


def stack_read(store: Store, *, stack: StackId) -> bytes:
    """Return the metadata of a stack."""
    return encode(metadata_of(existing_stack(store, stack)))


def stack_resolution(store: Store, *, stack: StackId) -> bytes:
    """Return nanometres per pixel in x, y, z; null if not set."""
    version = version_of(existing_stack(store, stack))
    return encode([version.stackResolutionX, version.stackResolutionY, version.stackResolutionZ])


def stack_set_resolution(store: Store, *, stack: StackId, body: list[float | None] | None) -> None:
    """Set the resolution; a shorter list leaves the remaining axes unchanged."""
    row = not_read_only(existing_stack(store, stack))
    if body is None:
        raise NullPointer
    names = ("stackResolutionX", "stackResolutionY", "stackResolutionZ")
    _change(store, row.stack_id, **dict(zip(names, body, strict=False)))


def stack_clear_resolution(store: Store, *, stack: StackId) -> None:
    """Clear the resolution."""
    _change(store, stack, stackResolutionX=None, stackResolutionY=None, stackResolutionZ=None)


def stack_box_root(store: Store, *, stack: StackId) -> str | None:
    """Return the root path of pre-rendered boxes."""
    return version_of(existing_stack(store, stack)).materializedBoxRootPath


def stack_set_box_root(store: Store, *, stack: StackId, body: bytes) -> None:
    """Set the root path of pre-rendered boxes; a blank body clears it."""
    _change(store, stack, materializedBoxRootPath=body.decode("utf-8", "replace").strip() or None)


def stack_clear_box_root(store: Store, *, stack: StackId) -> None:
    """Clear the root path of pre-rendered boxes."""
    _change(store, stack, materializedBoxRootPath=None)


def stack_path_builder(store: Store, *, stack: StackId) -> bytes | None:
    """Return the rule for URLs of unlisted mipmap levels."""
    builder = version_of(existing_stack(store, stack)).mipmapPathBuilder
    return None if builder is None else encode(builder)


def stack_set_path_builder(store: Store, *, stack: StackId, body: PathBuilderJson | None) -> None:
    """Set the rule for URLs of unlisted mipmap levels; an empty body clears it."""
    row = not_read_only(existing_stack(store, stack))
    if body is not None:
        for name in _REQUIRED:
            if getattr(body, name) is None:
                raise IllegalArgument(f"{name} must be specified for MipmapPathBuilder")
        body.rootPath = (body.rootPath or "").removesuffix("/") + "/"
    _change(store, row.stack_id, mipmapPathBuilder=body)


def stack_clear_path_builder(store: Store, *, stack: StackId) -> None:
    """Clear the rule for URLs of unlisted mipmap levels."""
    _change(store, stack, mipmapPathBuilder=None)


def stack_default_channel(store: Store, *, stack: StackId) -> str | None:
    """Return the default channel."""
    return version_of(existing_stack(store, stack)).defaultChannel


def stack_set_default_channel(store: Store, *, stack: StackId, body: bytes) -> None:
    """Set the default channel to the verbatim body, quotes included."""
    _change(store, stack, defaultChannel=body.decode("utf-8", "replace"))


def stack_clear_default_channel(store: Store, *, stack: StackId) -> None:
    """Clear the default channel."""
    _change(store, stack, defaultChannel=None)


def stack_cycle(store: Store, *, stack: StackId) -> bytes:
    """Return cycle and step."""
    version = version_of(existing_stack(store, stack))
    return encode(Cycle(number=version.cycleNumber, stepNumber=version.cycleStepNumber))


def stack_set_cycle(store: Store, *, stack: StackId, body: Cycle | None) -> None:
    """Set cycle and step; an empty body clears them."""
    cycle = body or Cycle()
    _change(store, stack, cycleNumber=cycle.number, cycleStepNumber=cycle.stepNumber)


def stack_clear_cycle(store: Store, *, stack: StackId) -> None:
    """Clear cycle and step."""
    _change(store, stack, cycleNumber=None, cycleStepNumber=None)


def hierarchy_read(store: Store, *, stack: StackId) -> bytes | None:
    """Return the hierarchical alignment data of a stack."""
    return existing_stack(store, stack).hierarchy


def hierarchy_save(store: Store, *, stack: StackId, body: Hierarchy | None) -> None:
    """Set the hierarchical alignment data of a stack; an empty body clears it."""
    row = not_read_only(existing_stack(store, stack))
    row.hierarchy = None if body is None else encode(body)
    store.stacks.update(row)


def hierarchy_delete(store: Store, *, stack: StackId) -> None:
    """Clear the hierarchical alignment data of a stack."""
    hierarchy_save(store, stack=stack, body=None)
