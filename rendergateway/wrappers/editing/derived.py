"""Stacks derived from another: created if missing, open for the results."""

from __future__ import annotations

from rendergateway.errors import NotFoundError, StackStateError
from rendergateway.model.records.stacks import StackRecord, StackVersion
from rendergateway.wrappers.core.bound import Bound
from rendergateway.wrappers.core.keys import StackKey
from rendergateway.wrappers.editing.versions import new_version, update_one

__all__ = ["derive", "open_for_writing"]

_RESOLUTION = ("resolution_x_nm", "resolution_y_nm", "resolution_z_nm")


def derive(source: Bound[StackKey], target: Bound[StackKey]) -> None:
    """
    Make sure that *target* exists, is LOADING and has resolution and mipmap paths; see `StackWrapper.derive`.

    Raises
    ------
    NotFoundError
        If the source does not exist.
    StackStateError
        If the target is READ_ONLY.
    """
    version = StackRecord.from_json(source.fetch("stack.read")).version or StackVersion()
    copied = {name: getattr(version, name) for name in (*_RESOLUTION, "path_builder")}
    try:
        found = StackRecord.from_json(target.fetch("stack.read"))
    except NotFoundError:
        derived = new_version(f"derived from {source}", None)
        target.call(
            "stack.create", body=derived.evolve(**{name: one for name, one in copied.items() if one is not None})
        )
        return
    _fill(target, found.version or StackVersion(), copied)
    open_for_writing(target, found)


def _fill(target: Bound[StackKey], version: StackVersion, copied: dict[str, object]) -> None:
    resolution = [copied[name] for name in _RESOLUTION]
    if None in [getattr(version, name) for name in _RESOLUTION] and None not in resolution:
        update_one(target, "resolution_nm", resolution)
    if version.path_builder is None and copied["path_builder"] is not None:
        update_one(target, "path_builder", copied["path_builder"])


def open_for_writing(stack: Bound[StackKey], found: StackRecord | None = None) -> None:
    """
    Make sure that a stack is LOADING.

    Parameters
    ----------
    stack : Bound
        The stack.
    found : StackRecord, optional
        The stack as it was just read.

    Raises
    ------
    StackStateError
        If it is READ_ONLY.
    """
    found = StackRecord.from_json(stack.fetch("stack.read")) if found is None else found
    if found.state == "READ_ONLY":
        raise StackStateError(f"{stack.key.stack} stack state is READ_ONLY and cannot be changed")
    if found.state != "LOADING":
        stack.call("stack.set_state", state="LOADING")
