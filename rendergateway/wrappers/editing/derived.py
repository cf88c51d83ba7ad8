"""Stacks derived from another: created if missing, open for the results."""

from __future__ import annotations

from rendergateway.errors import NotFoundError, StackStateError
from rendergateway.model.records.stacks import StackRecord, StackVersion
from rendergateway.wrappers.core.bound import Bound
from rendergateway.wrappers.core.keys import StackKey
from rendergateway.wrappers.editing.versions import new_version, update_one

__all__ = ["fill_metadata", "open_derived", "open_for_writing", "with_thinner_sections"]

_RESOLUTION = ("resolution_x_nm", "resolution_y_nm", "resolution_z_nm")


def with_thinner_sections(version: StackVersion, count: int) -> StackVersion:
    """Return the metadata of a stack whose sections are divided into *count* layers."""
    thickness = version.resolution_z_nm
    return version if thickness is None else version.evolve(resolution_z_nm=thickness / count)


def open_derived(source: Bound[StackKey], target: Bound[StackKey], layers_per_z: int = 1) -> None:
    """
    Make sure that *target* exists, is LOADING and has resolution and mipmap paths; see `StackWrapper.derived_stack`.

    Raises
    ------
    NotFoundError
        If the source does not exist.
    StackStateError
        If the target is READ_ONLY.
    """
    version = StackRecord.from_json(source.fetch("stack.read")).version or StackVersion()
    version = with_thinner_sections(version, layers_per_z)
    try:
        found = StackRecord.from_json(target.fetch("stack.read"))
    except NotFoundError:
        copied = {name: getattr(version, name) for name in (*_RESOLUTION, "path_builder")}
        derived = new_version(f"derived from {source}", None)
        target.call(
            "stack.create", body=derived.evolve(**{name: one for name, one in copied.items() if one is not None})
        )
        return
    fill_metadata(target, found, version)
    open_for_writing(target, found)


def fill_metadata(stack: Bound[StackKey], found: StackRecord, version: StackVersion) -> None:
    """
    Set resolution and mipmap paths of a stack that has none to those of *version*.

    Parameters
    ----------
    stack : Bound
        The stack.
    found : StackRecord
        The stack as it was just read.
    version : StackVersion
        The metadata to copy.
    """
    stored = found.version or StackVersion()
    resolution = [getattr(version, name) for name in _RESOLUTION]
    if None in [getattr(stored, name) for name in _RESOLUTION] and None not in resolution:
        update_one(stack, "resolution_nm", resolution)
    if stored.path_builder is None and version.path_builder is not None:
        update_one(stack, "path_builder", version.path_builder)


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
