"""What is known of a stack besides its tiles, as a whole and piece by piece."""

from __future__ import annotations

from typing import Any

from rendergateway.service.base.ids import StackId
from rendergateway.service.base.refusals import IllegalArgument, NullPointer
from rendergateway.service.domain.lookup import existing_stack, not_read_only
from rendergateway.service.domain.stack_metadata import metadata_of, version_of
from rendergateway.service.store import Store
from rendergateway.wire import Cycle, Hierarchy, PathBuilder, encode

_REQUIRED = ("rootPath", "numberOfLevels", "extension")


def _change(store: Store, stack: StackId, **members: Any) -> None:
    row = not_read_only(existing_stack(store, stack))
    version = version_of(row)
    for name, value in members.items():
        setattr(version, name, value)
    row.version = encode(version)
    store.stacks.update(row)


def stack_read(store: Store, *, stack: StackId) -> bytes:
    """Return a stack's metadata."""
    return encode(metadata_of(existing_stack(store, stack)))


def stack_resolution(store: Store, *, stack: StackId) -> bytes:
    """Return nanometres per pixel in x, y, z; null where they are not set."""
    version = version_of(existing_stack(store, stack))
    return encode([version.stackResolutionX, version.stackResolutionY, version.stackResolutionZ])


def stack_set_resolution(store: Store, *, stack: StackId, body: list[float | None] | None) -> None:
    """Set the resolution; a shorter list leaves the rest."""
    row = not_read_only(existing_stack(store, stack))
    if body is None:
        raise NullPointer
    names = ("stackResolutionX", "stackResolutionY", "stackResolutionZ")
    _change(store, row.stack_id, **dict(zip(names, body, strict=False)))


def stack_clear_resolution(store: Store, *, stack: StackId) -> None:
    """Forget the resolution."""
    _change(store, stack, stackResolutionX=None, stackResolutionY=None, stackResolutionZ=None)


def stack_box_root(store: Store, *, stack: StackId) -> str | None:
    """Return where pre-rendered boxes are."""
    return version_of(existing_stack(store, stack)).materializedBoxRootPath


def stack_set_box_root(store: Store, *, stack: StackId, body: bytes) -> None:
    """Set where pre-rendered boxes are; blanks clear it."""
    _change(store, stack, materializedBoxRootPath=body.decode("utf-8", "replace").strip() or None)


def stack_clear_box_root(store: Store, *, stack: StackId) -> None:
    """Forget where pre-rendered boxes are."""
    _change(store, stack, materializedBoxRootPath=None)


def stack_path_builder(store: Store, *, stack: StackId) -> bytes | None:
    """Return how URLs of missing mipmap levels are made."""
    builder = version_of(existing_stack(store, stack)).mipmapPathBuilder
    return None if builder is None else encode(builder)


def stack_set_path_builder(store: Store, *, stack: StackId, body: PathBuilder | None) -> None:
    """Set how URLs of missing mipmap levels are made; an empty body clears it."""
    row = not_read_only(existing_stack(store, stack))
    if body is not None:
        for name in _REQUIRED:
            if getattr(body, name) is None:
                raise IllegalArgument(f"{name} must be specified for MipmapPathBuilder")
        body.rootPath = (body.rootPath or "").removesuffix("/") + "/"
    _change(store, row.stack_id, mipmapPathBuilder=body)


def stack_clear_path_builder(store: Store, *, stack: StackId) -> None:
    """Forget how URLs of missing mipmap levels are made."""
    _change(store, stack, mipmapPathBuilder=None)


def stack_default_channel(store: Store, *, stack: StackId) -> str | None:
    """Return the channel that is drawn when none is asked for."""
    return version_of(existing_stack(store, stack)).defaultChannel


def stack_set_default_channel(store: Store, *, stack: StackId, body: bytes) -> None:
    """Set the default channel: the body as it is, quotes included."""
    _change(store, stack, defaultChannel=body.decode("utf-8", "replace"))


def stack_clear_default_channel(store: Store, *, stack: StackId) -> None:
    """Forget the default channel."""
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
    """Forget cycle and step."""
    _change(store, stack, cycleNumber=None, cycleStepNumber=None)


def hierarchy_read(store: Store, *, stack: StackId) -> bytes | None:
    """Return the stack's place in a hierarchical alignment."""
    return existing_stack(store, stack).hierarchy


def hierarchy_save(store: Store, *, stack: StackId, body: Hierarchy | None) -> None:
    """Set the stack's place in a hierarchical alignment; an empty body clears it."""
    row = not_read_only(existing_stack(store, stack))
    row.hierarchy = None if body is None else encode(body)
    store.stacks.update(row)


def hierarchy_delete(store: Store, *, stack: StackId) -> None:
    """Forget the stack's place in a hierarchical alignment."""
    hierarchy_save(store, stack=stack, body=None)
