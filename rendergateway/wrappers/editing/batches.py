"""Batches of tiles to save, with the shared transforms that they refer to."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import NamedTuple, TypeAlias, TypeVar, cast

import numpy as np

from rendergateway.errors import NotFoundError, RecordError, TransformError
from rendergateway.geometry import FloatArray
from rendergateway.model.records.json_slices import Raw, Text, copy_of, decode
from rendergateway.model.tables.references import references_of_transform
from rendergateway.model.tables.resolved import ResolvedTiles
from rendergateway.model.tile_text.outlines import TileOutline, check_finite, outline_of
from rendergateway.model.tile_text.validators import TileValidator
from rendergateway.transforms import Transform, from_spec
from rendergateway.wrappers.editing.sources import Lookup, SourcedTile

__all__ = ["BOXES", "INVALID", "Batch", "Batches", "Validate", "check_boxes"]

T = TypeVar("T")
Validate: TypeAlias = TileValidator | Iterable[TileValidator] | None

# Keep stored boxes and let the service derive missing ones, or derive all, by the service or locally.
BOXES = ("keep", "service", "local")
# Refuse to save anything if a tile is invalid, or drop invalid tiles.
INVALID = ("raise", "drop")


def check_boxes(boxes: object) -> None:
    """Raise ValueError unless *boxes* is one of `BOXES`."""
    if boxes not in BOXES:
        raise ValueError(f"boxes must be {', '.join(map(repr, BOXES))}; got {boxes!r}")


class Batch(NamedTuple):
    """The tiles of one request."""

    tiles: ResolvedTiles
    derives_boxes: bool


class Batches:
    """
    Splits tiles into batches; each text is decoded once.

    Parameters
    ----------
    size : int
        Tiles per batch.
    stored : callable
        Returns the text of a shared transform of the target stack; raises NotFoundError if it has none.
    boxes : str
        One of `BOXES`.
    validate : TileValidator or iterable of these, optional
        What rejects tiles.
    invalid : {'raise', 'drop'}
        What happens to tiles that are rejected.
    given : mapping of str to JSON text
        Shared transforms passed with the tiles.
    may_change : bool
        Whether *given* may replace those of the stack.
    allow_nan : bool
        Whether numbers that are not finite are allowed.
    dropped : dict of str to str, optional
        Filled with the reason for each dropped tile, by id.
    """

    def __init__(
        self,
        *,
        size: int,
        stored: Lookup,
        boxes: str = "keep",
        validate: Validate = None,
        invalid: str = "raise",
        given: Mapping[str, Text] | None = None,
        may_change: bool = False,
        allow_nan: bool = False,
        dropped: dict[str, str] | None = None,
    ) -> None:
        check_boxes(boxes)
        if invalid not in INVALID:
            raise ValueError(f"invalid must be {' or '.join(map(repr, INVALID))}; got {invalid!r}")
        self._size = size
        self._stored = stored
        self._boxes = boxes
        self._validators = _validators(validate)
        self._drops = invalid == "drop"
        self._dropped = {} if dropped is None else dropped
        self._given = given or {}
        self._may_change = may_change
        self._allow_nan = allow_nan
        self._texts: dict[str, bytes] = {}
        self._shared: dict[str, Transform] = {}
        self._met: set[int] = set()

    def of(self, sourced: Iterable[SourcedTile]) -> Iterator[Batch]:
        """
        Yield *sourced* tiles in batches.

        Raises
        ------
        RecordError
            If a tile id is duplicate, a number is not finite, a shared transform is missing or differs from the
            stack's, a bounding box cannot be derived, or a tile is invalid.
        """
        rows = iter(sourced)
        while piece := list(islice(rows, self._size)):
            yield from self._cut(piece)

    def _cut(self, piece: Sequence[SourcedTile]) -> Iterator[Batch]:
        outlines = [outline_of(text) for text, _ in piece]
        self._check_ids(outlines)
        if not self._allow_nan:
            for outline, (text, _) in zip(outlines, piece, strict=True):
                if outline.maybe_not_finite:
                    check_finite(text)
        for outline, (_, lookup) in zip(outlines, piece, strict=True):
            for name in outline.references:
                if name not in self._texts:
                    self._learn(name, lookup, outline.tile_id)
        texts, boxed = self._boxed([text for text, _ in piece], outlines)
        derives = [self._boxes == "service" or not outline.has_box for outline in boxed]
        _check_sizes(boxed, derives)
        for derive in sorted(set(derives)):
            rows = [row for row, it_does in enumerate(derives) if it_does is derive]
            yield Batch(self._resolved([texts[row] for row in rows], [boxed[row] for row in rows]), derive)

    def _check_ids(self, outlines: Sequence[TileOutline]) -> None:
        for outline in outlines:
            # The hash, not the id, to keep memory small for a stream of tiles.
            mark = hash(outline.tile_id)
            if mark in self._met:
                raise RecordError(f"duplicate tile id {outline.tile_id!r}")
            self._met.add(mark)

    # Shared transforms

    def _learn(self, name: str, lookup: Lookup | None, tile_id: str) -> None:
        """Add a shared transform, and those that it refers to."""
        given = self._given.get(name)
        if given is not None:
            self._texts[name] = copy_of(given)
            self._check_same(name)
        else:
            self._texts[name] = self._looked_up(name, lookup, tile_id)
        if not self._allow_nan:
            _check_parameters(name, self._texts[name])
        for inner in references_of_transform(self._texts[name]) - self._texts.keys():
            self._learn(inner, lookup, tile_id)

    def _looked_up(self, name: str, lookup: Lookup | None, tile_id: str) -> bytes:
        try:
            if lookup is None or lookup == self._stored:
                return self._stored(name)
            self._texts[name] = lookup(name)
            self._check_same(name)
            return self._texts[name]
        except NotFoundError as error:
            raise RecordError(
                f"tile {tile_id} requires the following transform ids [{name}], which are missing; "
                f"pass it with put(tiles, transforms={{{name!r}: transform}})"
            ) from error

    def _check_same(self, name: str) -> None:
        """Refuse to replace a shared transform: other tiles of the stack may refer to it."""
        if self._may_change:
            return
        try:
            stored = self._stored(name)
        except NotFoundError:
            return
        if stored != self._texts[name] and decode(stored) != decode(self._texts[name]):
            raise RecordError(
                f"the stack has a different shared transform {name!r}, which other tiles may refer to; "
                "edit.set_shared_transform() replaces it for all of them, or use another id"
            )

    def _wanted(self, outlines: Iterable[TileOutline]) -> dict[str, Raw | bytes]:
        wanted = frozenset[str]().union(*{outline.references for outline in outlines})
        ahead = list(wanted)
        while ahead:
            inner = references_of_transform(self._texts[ahead.pop()]) - wanted
            ahead += inner
            wanted |= inner
        return {name: self._texts[name] for name in sorted(wanted)}

    def transforms(self) -> Mapping[str, Transform]:
        """Return the shared transforms added so far, by id."""
        for name in self._texts.keys() - self._shared.keys():
            self._shared[name] = from_spec(decode(self._texts[name]))
        return self._shared

    # Boxes

    def _boxed(self, texts: list[Text], outlines: list[TileOutline]) -> tuple[Sequence[Text], Sequence[TileOutline]]:
        """Return the texts with locally derived boxes, and check all boxes."""
        if self._boxes == "local":
            boxes = self._derived(texts)
            valid = self._valid(outlines, texts, boxes)
            return _with_boxes(_chosen(texts, valid), boxes[valid]), [
                outlines[row]._replace(has_box=True) for row in valid
            ]
        if self._validators:
            derived = [self._boxes == "service" or not outline.has_box for outline in outlines]
            boxes = np.array(_stored_boxes(texts))
            if any(derived):
                boxes[derived] = self._derived([text for text, it_is in zip(texts, derived, strict=True) if it_is])
            valid = self._valid(outlines, texts, boxes)
            return _chosen(texts, valid), _chosen(outlines, valid)
        return texts, outlines

    def _derived(self, texts: Sequence[Text]) -> FloatArray:
        from rendergateway.model.tile_text.boxes import derived_boxes

        return derived_boxes(texts, self.transforms())

    def _valid(self, outlines: Sequence[TileOutline], texts: Sequence[Text], boxes: FloatArray) -> list[int]:
        """Return the rows of valid tiles; raise for the others, or note them."""
        rows = range(len(outlines))
        if not self._validators:
            return list(rows)
        from rendergateway.model.tile_text.validators import check_tiles, invalid_tiles

        problems = invalid_tiles(self._validators, texts, boxes, self.transforms())
        if not self._drops:
            check_tiles(problems, [outline.tile_id for outline in outlines])
        self._dropped.update((outlines[row].tile_id, problem) for row, problem in problems.items())
        return [row for row in rows if row not in problems]

    def _resolved(self, texts: Sequence[Text], outlines: Sequence[TileOutline]) -> ResolvedTiles:
        tiles = {outline.tile_id: text for outline, text in zip(outlines, texts, strict=True)}
        return ResolvedTiles(cast("dict[str, Raw | bytes]", tiles), self._wanted(outlines))


def _check_parameters(name: str, text: bytes) -> None:
    try:
        is_finite = from_spec(decode(text)).is_finite
    except TransformError:
        # Stored as it is, like transforms of unknown classes; computing with it raises.
        return
    if not is_finite:
        raise RecordError(
            f"the shared transform {name!r} has parameters that are not finite; correct it, or pass allow_nan=True"
        )


def _check_sizes(outlines: Sequence[TileOutline], derives: Sequence[bool]) -> None:
    """Refuse tiles whose boxes a service cannot derive: its error does not name the tile."""
    for outline, derive in zip(outlines, derives, strict=True):
        if derive and outline.missing_size:
            raise RecordError(
                f"the bounding box of tile {outline.tile_id!r} cannot be derived: it has no {outline.missing_size}; "
                "evolve(width=…, height=…) sets the image size"
            )


def _validators(validate: Validate) -> tuple[TileValidator, ...]:
    if validate is None:
        return ()
    from rendergateway.model.tile_text.validators import listed_validators

    return listed_validators(validate)


def _chosen(items: Sequence[T], rows: Sequence[int]) -> Sequence[T]:
    return items if len(rows) == len(items) else [items[row] for row in rows]


def _stored_boxes(texts: Sequence[Text]) -> FloatArray:
    from rendergateway.model.tables.tile_table import TileTable

    return TileTable(texts).box


def _with_boxes(texts: Sequence[Text], boxes: FloatArray) -> Sequence[Text]:
    from rendergateway.model.tables.tile_table import TileTable

    return TileTable(texts).evolve(box=boxes).texts
