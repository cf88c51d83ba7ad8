"""Tile specs from files into a stack, which is made where it is missing."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import attrs

from rendergateway.errors import BadRequestError
from rendergateway.model.files.spec_set import SpecSet, gather_specs
from rendergateway.model.files.specs import SpecSource
from rendergateway.progress import Progress

if TYPE_CHECKING:
    from rendergateway import StackEdit, StackWrapper
    from rendergateway.model.tile_text.limits import TileLimits

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
        What to do with a stack that is there: nothing; add, tiles of the same id replaced; the same, and delete all
        other tiles once the new ones are stored.
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
    No tile is deleted before all are stored. Where a replacement breaks off, the stack is left LOADING with tiles of
    before among the new ones; a note on the error says so, and that the same load may be repeated. A layer that has
    no new tile goes with one request; of the other layers one ``tile.delete`` a tile.
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
    # A stack that is new, or that keeps no other tiles, has none that refer to another transform of the same id.
    ready = edit.checked(resolved, boxes=boxes, validate=validate, may_change=existing != "append")
    if not is_there:
        stack._conn.create_stack(stack.name, owner=stack.owner.name, project=stack.project.name)
    with edit:
        if is_there and existing == "replace":
            edit.remark("tiles of before are still among the new ones; the same load may be repeated")
        saved = edit.save(ready)
        if is_there and existing == "replace":
            _delete_others(edit, specs)
    return Loaded(saved, len({name for part in ready for name in part.tiles.transforms}), tuple(sorted(specs.z)))


def _delete_others(edit: StackEdit, specs: SpecSet) -> None:
    """Delete the tiles that are not among those just saved."""
    edit.delete(sections=[z for z in edit.stack.sections().ids if z not in specs.z])
    edit.delete([tile_id for tile_id in edit.stack._call("stack.tile_ids") if tile_id not in specs.tiles])


def load_files(
    stack: StackWrapper, files: SpecSource | Iterable[SpecSource], *, z: float | None = None, **options: Any
) -> Loaded:
    """Put the tile specs of files into a stack: `gather_specs`, then `load_specs` with its *options*."""
    return load_specs(stack, gather_specs(files, z=z), **options)
