"""Validators of tiles: what makes a tile invalid before it is saved, or in a report on a stack."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol, runtime_checkable

from rendergateway.errors import RecordError
from rendergateway.geometry import FloatArray
from rendergateway.model.records.json_slices import Text
from rendergateway.transforms import Transform

__all__ = ["TileValidator", "check_tiles", "invalid_tiles", "listed_validators"]

_SHOWN = 3


@runtime_checkable
class TileValidator(Protocol):
    """What `StackEdit.put`, `StackWrapper.validate` and others check tiles with."""

    def problems(self, texts: Sequence[Text], boxes: FloatArray, shared: Mapping[str, Transform]) -> dict[int, str]:
        """
        Return why tiles are invalid, by row.

        Parameters
        ----------
        texts : sequence of JSON text
            The tiles.
        boxes : ndarray, shape (N, 4)
            Their bounding boxes, min x, min y, max x, max y in world pixels; NaN if missing.
        shared : mapping of str to Transform
            The shared transforms that they refer to, by id.
        """
        ...


def listed_validators(validate: TileValidator | Iterable[TileValidator] | None) -> tuple[TileValidator, ...]:
    """
    Return one validator or several as a tuple; none for None.

    Raises
    ------
    TypeError
        If something is not a validator.
    """
    if validate is None:
        return ()
    given: tuple[Any, ...] = (validate,) if not isinstance(validate, Iterable) else tuple(validate)
    for one in given:
        if not callable(getattr(one, "problems", None)):
            raise TypeError(f"validate must be TileLimits(…), WarpLimits(…) or another validator, got {one!r}")
    return given


def invalid_tiles(
    validators: Iterable[TileValidator], texts: Sequence[Text], boxes: FloatArray, shared: Mapping[str, Transform]
) -> dict[int, str]:
    """Return why tiles are invalid, by row, ascending: the reason of the first validator that rejects each."""
    problems: dict[int, str] = {}
    for validator in validators:
        problems = validator.problems(texts, boxes, shared) | problems
    return dict(sorted(problems.items()))


def check_tiles(problems: Mapping[int, str], tile_ids: Sequence[str]) -> None:
    """
    Raise if tiles are invalid.

    Parameters
    ----------
    problems : mapping of int to str
        Result of `invalid_tiles`.
    tile_ids : sequence of str
        Ids of all checked tiles.

    Raises
    ------
    RecordError
        If there are problems; the message names the first tiles.
    """
    if problems:
        shown = [f"{tile_ids[row]!r} ({problem})" for row, problem in list(problems.items())[:_SHOWN]]
        more = f" and {len(problems) - _SHOWN} more" if len(problems) > _SHOWN else ""
        raise RecordError(f"{len(problems)} of {len(tile_ids)} checked tiles are invalid: {', '.join(shown)}{more}")
