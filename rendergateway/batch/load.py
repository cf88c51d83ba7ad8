"""Load tile specs from files into a stack, which is created if it is missing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import attrs

from rendergateway.errors import BadRequestError, RecordError
from rendergateway.model.files.spec_set import SpecSet, gather_specs
from rendergateway.model.files.specs import SpecSource
from rendergateway.progress import Progress
from rendergateway.wrappers.reading.tiles import tile_ids_of

if TYPE_CHECKING:
    from rendergateway import StackEdit, StackWrapper
    from rendergateway.wrappers.editing.batches import Validate

__all__ = ["Loaded", "check_existing", "load_files", "load_specs"]


@attrs.frozen
class Loaded:
    """
    Summary of a load.

    Attributes
    ----------
    tile_count, transform_count : int
        Numbers of saved tiles and shared transforms.
    z : tuple of float
        Sections of the tiles, ascending.
    dropped : mapping of str to str
        Reason for each invalid tile that was not saved, by id.
    """

    tile_count: int
    transform_count: int
    z: tuple[float, ...]
    dropped: Mapping[str, str] = attrs.field(factory=dict)


def load_specs(
    stack: StackWrapper,
    specs: SpecSet,
    *,
    existing: str = "refuse",
    complete: bool = True,
    workers: int | None = None,
    batch: int | None = None,
    boxes: str = "keep",
    validate: Validate = None,
    invalid: str = "raise",
    progress: Progress = None,
    resolution_nm: Sequence[float | None] | None = None,
) -> Loaded:
    """
    Save checked tile specs to a stack, which is created if it is missing.

    Parameters
    ----------
    stack : StackWrapper
        The stack to save to.
    specs : SpecSet
        The result of `gather_specs`.
    existing : {'refuse', 'append', 'replace'}
        Treatment of an existing stack: raise; add tiles, replacing tiles of equal id; or add tiles and then delete
        all others.
    complete : bool
        Whether to leave the stack COMPLETE instead of LOADING.
    workers, batch, boxes, validate, invalid, progress
        As in `StackChanges.editing` and `StackEdit.put`.
    resolution_nm : (float, float, float), optional
        Resolution of a stack that is created.

    Raises
    ------
    BadRequestError
        If the stack exists and *existing* is ``refuse``.
    RecordError
        If there is no tile, a shared transform is missing, or a tile is invalid; nothing is stored in this case.

    Notes
    -----
    No tile is deleted before all are stored. If a replacement is interrupted, the stack is left LOADING with old tiles
    among the new ones; a note on the error reports this, and that the same load may be repeated. A section without new
    tiles is deleted with one request; in other sections, one ``tile.delete`` per tile.
    """
    is_there = check_existing(stack, existing)
    stored = stack._shared_transforms.text if is_there and existing == "append" else None
    resolved = specs.resolved(stored, where=f"stack {stack}")
    edit = stack.editing(workers=workers, batch=batch, complete=complete, progress=progress)
    # In a new or replaced stack, no old tile refers to another transform of the same id.
    may_change = existing != "append"
    ready = edit.checked(
        resolved,
        boxes=boxes,
        validate=validate,
        invalid=invalid,
        may_change=may_change,
        allow_nan=specs.allow_nan,
    )
    if not ready:
        raise RecordError(f"all {len(specs.tiles)} tiles are invalid; nothing was saved")
    if not is_there:
        stack._conn.create_stack("/".join(stack._key), resolution_nm=resolution_nm)
    with edit:
        if is_there and existing == "replace":
            edit.remark("old tiles are still among the new ones; the same load may be repeated")
        saved = edit.save(ready)
        if is_there and existing == "replace":
            _delete_others(stack, edit, specs)
    transforms = {name for part in ready for name in part.tiles.transforms}
    return Loaded(saved, len(transforms), tuple(sorted(specs.z)), edit.dropped)


def check_existing(stack: StackWrapper, existing: str) -> bool:
    """Return whether a stack exists; refuse it, or a value of *existing*, as `load_specs` does."""
    if existing not in ("refuse", "append", "replace"):
        raise ValueError(f"existing must be 'refuse', 'append' or 'replace': got {existing!r}")
    is_there: bool = stack._exists
    if is_there and existing == "refuse":
        raise BadRequestError(
            f"stack {'/'.join(stack._key)} exists already; pass existing='append' or existing='replace'"
        )
    return is_there


def _delete_others(stack: StackWrapper, edit: StackEdit, specs: SpecSet) -> None:
    """Delete all tiles except those just saved."""
    edit.delete(sections=[z for z in stack.sections().ids if z not in specs.z])
    kept = specs.tiles.keys() - edit.dropped.keys()
    edit.delete([tile_id for tile_id in tile_ids_of(stack._bound) if tile_id not in kept])


def load_files(
    stack: StackWrapper,
    files: SpecSource | Iterable[SpecSource],
    *,
    z: float | None = None,
    allow_nan: bool = False,
    **options: Any,
) -> Loaded:
    """Load files into a stack: `gather_specs`, then `load_specs` with its *options*."""
    return load_specs(stack, gather_specs(files, z=z, allow_nan=allow_nan), **options)
