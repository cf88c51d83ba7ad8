"""Tile specs from files into a stack, which is made where it is missing."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import attrs

from rendergateway.errors import BadRequestError
from rendergateway.model.files import SpecSource
from rendergateway.model.spec_set import SpecSet, gather_specs
from rendergateway.progress import Progress

if TYPE_CHECKING:
    from rendergateway import StackEdit, StackWrapper
    from rendergateway.model.tile_limits import TileLimits

__all__ = ["Loaded", "load_files", "load_specs"]


@attrs.frozen
class Loaded:
    """
    What a load did.

    Attributes
    ----------
    tile_count, transform_count : int
        Tiles saved, and shared transforms saved with them.
    z : tuple of float
        The sections that tiles went to, ascending.
    """

    tile_count: int
    transform_count: int
    z: tuple[float, ...]


def load_specs(
    stack: StackWrapper,
    specs: SpecSet,
    *,
    existing: str = "refuse",
    complete: bool = True,
    workers: int = 1,
    batch: int = 5000,
    boxes: str = "keep",
    validate: TileLimits | None = None,
    progress: Progress = None,
) -> Loaded:
    """
    Put checked tile specs into a stack, which is made where it is missing.

    Parameters
    ----------
    stack : StackWrapper
        Where they go.
    specs : SpecSet
        As `gather_specs` reads them.
    existing : {'refuse', 'append', 'replace'}
        What to do with a stack that is there: nothing; add, tiles of the same id replaced; empty it first.
    complete : bool
        Whether the stack is COMPLETE in the end; else it is left LOADING.
    workers, batch, boxes, validate, progress
        As in `StackChanges.editing` and `StackEdit.put`.

    Raises
    ------
    BadRequestError
        If the stack is there and *existing* does not say what then.
    RecordError
        If there is no tile, a transform that a tile refers to is nowhere, or a box is beyond the limits; nothing is
        stored then.

    Notes
    -----
    A stack that is to be replaced is emptied when all is known to be right. Where saving breaks off after that, it is
    left LOADING, half-empty, and a note on the error says how full it is and that the same load may be repeated.
    """
    if existing not in ("refuse", "append", "replace"):
        raise ValueError(f"a stack that is there is refused, appended to or replaced, not {existing!r}")
    is_there = stack.exists
    if is_there and existing == "refuse":
        raise BadRequestError(
            f"stack {'/'.join(stack._key)} is there already: append to it (--append) or replace what it holds "
            "(--replace)"
        )
    stored = stack.shared_transforms.text if is_there and existing == "append" else None
    resolved = specs.resolved(stored, where=f"stack {stack}")
    edit = stack.editing(workers=workers, batch=batch, complete=complete, progress=progress)
    # A stack that is new, or emptied, has no tiles that refer to another transform of the same id.
    ready = edit.checked(resolved, boxes=boxes, validate=validate, may_change=existing != "append")
    if not is_there:
        stack._conn.create_stack(stack.name, owner=stack.owner.name, project=stack.project.name)
    with edit:
        if is_there and existing == "replace":
            _empty(edit, len(resolved))
        saved = edit.save(ready)
    return Loaded(saved, len({name for part in ready for name in part.tiles.transforms}), tuple(sorted(specs.z)))


def _empty(edit: StackEdit, new_count: int) -> None:
    edit.remark(f"it was emptied to hold {new_count} new tiles and is not full; the same load may be repeated")
    sections = list(edit.stack.sections())
    if sections:
        edit.delete(sections=sections)


def load_files(
    stack: StackWrapper, files: SpecSource | Iterable[SpecSource], *, z: float | None = None, **options: Any
) -> Loaded:
    """Put the tile specs of files into a stack: `gather_specs`, then `load_specs` with its *options*."""
    return load_specs(stack, gather_specs(files, z=z), **options)
