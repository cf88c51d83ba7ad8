"""Resolved tiles: tiles and the shared transforms they refer to, the unit of bulk transfer."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any, cast

import attrs
import msgspec

from rendergateway.display import TableDisplay, plural
from rendergateway.errors import RecordError, TransformError
from rendergateway.model.records.json_slices import Raw, Text, cut_object, decode, join_object
from rendergateway.model.records.record import to_text
from rendergateway.model.records.tiles import TileRecord
from rendergateway.model.tables.references import references, references_of_transform
from rendergateway.model.tables.table import Table
from rendergateway.transforms import Transform, TransformReference, from_spec
from rendergateway.type_hints import resolvable_hints

if TYPE_CHECKING:
    from rendergateway.model.records.validation import Problem

__all__ = ["ResolvedTiles"]

_TILES, _TRANSFORMS = "tileIdToSpecMap", "transformIdToSpecMap"


class _Maps(msgspec.Struct):
    """Both maps, decoded in one pass over the text."""

    tiles: dict[str, Raw] | None = msgspec.field(name=_TILES, default=None)
    transforms: dict[str, Raw] = msgspec.field(name=_TRANSFORMS, default_factory=dict)


@resolvable_hints
@attrs.define(repr=False)
class ResolvedTiles(TableDisplay):
    """
    Tiles and shared transforms, each as its JSON text.

    Attributes
    ----------
    tiles : dict of str to JSON text
        By tile id, in the order of the response.
    transforms : dict of str to JSON text
        The shared transforms that the tiles refer to, by id.
    """

    tiles: dict[str, Raw | bytes] = attrs.field(factory=dict)
    transforms: dict[str, Raw | bytes] = attrs.field(factory=dict)

    @classmethod
    def from_json(cls, text: Text) -> ResolvedTiles:
        """
        Split a response into tiles and transforms, without decoding them.

        Raises
        ------
        RecordError
            If *text* is not an object of two maps.
        """
        maps: _Maps = decode(text, _Maps)
        if maps.tiles is None:
            members = ", ".join(cut_object(text)) or "none"
            raise RecordError(f"resolved tiles lack the member {_TILES}; they have {members}")
        # Both maps belong to this object alone and need no copy.
        return cls(cast("dict[str, Raw | bytes]", maps.tiles), cast("dict[str, Raw | bytes]", maps.transforms))

    @classmethod
    def of(
        cls, tiles: Iterable[TileRecord], transforms: Mapping[str, Transform | Raw | bytes] | None = None
    ) -> ResolvedTiles:
        """
        Combine *tiles* with the shared transforms they may refer to.

        Parameters
        ----------
        tiles : TileTable or iterable of TileRecord
            The texts of a table are used unchanged.
        transforms : mapping of str to Transform or JSON text, optional
            The shared transforms by id.

        Raises
        ------
        RecordError
            If a tile id is a duplicate.
        """
        shared = {key: _shared_text(key, transform) for key, transform in (transforms or {}).items()}
        if isinstance(tiles, Table):
            return cls(_texts_by_id(tiles), shared)
        gathered = cls(transforms=shared)
        for tile in tiles:
            if tile.tile_id in gathered.tiles:
                raise RecordError(f"duplicate tile id {tile.tile_id!r}")
            gathered.tiles[tile.tile_id] = tile.to_json()
        return gathered

    def to_json(self) -> bytes:
        """Return the JSON text in the format of the service."""
        return join_object({_TRANSFORMS: join_object(self.transforms), _TILES: join_object(self.tiles)})

    def merged(self, *others: ResolvedTiles) -> ResolvedTiles:
        """
        Return these tiles and those of *others*, with all transforms.

        Raises
        ------
        RecordError
            If a tile id is a duplicate, or a transform id has different transforms.
        """
        whole = ResolvedTiles(dict(self.tiles), dict(self.transforms))
        for other in others:
            duplicate = next((tile_id for tile_id in other.tiles if tile_id in whole.tiles), None)
            if duplicate is not None:
                raise RecordError(f"duplicate tile id {duplicate!r} in the merged tiles")
            for key, text in other.transforms.items():
                if key in whole.transforms and decode(whole.transforms[key]) != decode(text):
                    raise RecordError(f"shared transform {key!r} differs between the merged tiles")
            whole.tiles.update(other.tiles)
            whole.transforms.update(other.transforms)
        return whole

    def filtered(self, keep: Callable[[TileRecord], bool] | Iterable[str]) -> ResolvedTiles:
        """
        Return a subset of the tiles, with the transforms they refer to.

        Parameters
        ----------
        keep : callable or iterable of str
            A predicate of records, or the ids of the tiles to keep.

        Raises
        ------
        RecordError
            If an id is missing.
        """
        if callable(keep):
            part = {tile_id: text for tile_id, text in self.tiles.items() if keep(TileRecord.from_json(text))}
        else:
            wanted = dict.fromkeys(keep)
            missing = next((tile_id for tile_id in wanted if tile_id not in self.tiles), None)
            if missing is not None:
                raise RecordError(f"no tile {missing!r} among these {len(self)}")
            part = {tile_id: text for tile_id, text in self.tiles.items() if tile_id in wanted}
        return ResolvedTiles(part, self._wanted(part.values()))

    def shared(self) -> dict[str, Transform]:
        """Return the shared transforms by id, each as one object."""
        return {key: from_spec(decode(text)) for key, text in self.transforms.items()}

    def resolved(self) -> Iterator[TileRecord]:
        """
        Yield each tile with its references replaced by the shared transforms.

        Raises
        ------
        TransformError
            If a reference is missing or cyclic; the message names the tile.
        """
        shared = self.shared()
        for record in self.records():
            if not references(record.to_json()):
                yield record
                continue
            try:
                flat = record.transforms.resolve(shared)
            except TransformError as error:
                raise type(error)(f"{record._label}: {error}") from error
            # The map is the same, so the box is kept.
            yield record._changed({"transforms": flat})

    def validate(self) -> list[Problem]:
        """
        Return the problems of tiles and transforms, including missing and cyclic references; see `Problem`.

        Examples
        --------
        >>> tiles = ResolvedTiles.of([TileRecord(tile_id="a", transforms=[TransformReference("lens")])])
        >>> print(tiles.validate()[0])
        $.tileIdToSpecMap["a"].transforms is lens; expected references to transforms of transformIdToSpecMap (there is \
no shared transform with id 'lens')
        """
        from rendergateway.model.tables.resolved_validation import problems_of_resolved

        return list(problems_of_resolved(self))

    @classmethod
    def unresolved(cls, tiles: Iterable[TileRecord], shared: Mapping[str, Transform | Raw | bytes]) -> ResolvedTiles:
        """
        Combine tiles, with shared transforms replaced by references.

        Parameters
        ----------
        tiles : iterable of TileRecord
            Transforms in their lists that equal a shared one, except for the id, become references.
        shared : mapping of str to Transform or JSON text
            The shared transforms by id.
        """
        known = {
            key: value if isinstance(value, Transform) else from_spec(decode(value)) for key, value in shared.items()
        }
        names = {value.evolve(id=None): key for key, value in known.items()}
        texts = {
            key: _with_id(to_text(value) if isinstance(value, Transform) else value, key)
            for key, value in shared.items()
        }
        return cls.of((_with_references(tile, names) for tile in tiles), texts)

    def batches(self, size: int) -> Iterator[ResolvedTiles]:
        """
        Yield parts of at most *size* tiles, each with every transform its tiles refer to.

        The service resolves references only to transforms in the same request.
        """
        if size < 1:
            raise ValueError(f"batch size must be >= 1: got {size}")
        ids = list(self.tiles)
        for start in range(0, len(ids), size):
            part = {tile_id: self.tiles[tile_id] for tile_id in ids[start : start + size]}
            yield ResolvedTiles(part, self._wanted(part.values()))

    def _wanted(self, tiles: Iterable[Text]) -> dict[str, Raw | bytes]:
        """Return the transforms that *tiles* refer to, directly or through other transforms."""
        wanted: set[str] = set().union(*map(references, tiles))
        ahead = list(wanted)
        while ahead:
            text = self.transforms.get(ahead.pop())
            found = references_of_transform(text) if text is not None else frozenset()
            ahead += found - wanted
            wanted |= found
        return {key: text for key, text in self.transforms.items() if key in wanted}

    def records(self) -> Iterator[TileRecord]:
        """Yield one record per tile."""
        return map(TileRecord.from_json, self.tiles.values())

    def __len__(self) -> int:
        return len(self.tiles)

    def _caption(self) -> str:
        transforms = plural(len(self.transforms), "shared transform")
        return f"ResolvedTiles of {plural(len(self), 'tile')} and {transforms}"

    def _first_rows(self, count: int) -> Mapping[str, Sequence[Any]]:
        # Loaded on use, like the tables.
        from rendergateway.model.tables.tile_table import TileTable

        return TileTable(islice(self.tiles.values(), count))._first_rows(count)


def _texts_by_id(tiles: Any) -> dict[str, Raw | bytes]:
    # Loaded on use, like the tables.
    from rendergateway.model.tables.column_texts import checked_ids

    texts = (text.encode() if isinstance(text, str) else text for text in tiles.texts)
    return dict(zip(checked_ids(tiles.tile_id), texts, strict=True))


def _shared_text(key: str, transform: Transform | Raw | bytes) -> Raw | bytes:
    return _with_id(to_text(transform), key) if isinstance(transform, Transform) else transform


def _with_id(text: Text, key: str) -> bytes:
    return join_object({**cut_object(text), "id": to_text(key)})


def _with_references(tile: TileRecord, names: Mapping[Transform, str]) -> TileRecord:
    """Return a tile with references to the named transforms."""
    items = list(tile.transforms)
    new = [TransformReference(names[item.evolve(id=None)]) if item.evolve(id=None) in names else item for item in items]
    # The map is the same, so the box is kept.
    return tile._changed({"transforms": tile.transforms.evolve(transforms=new)}) if new != items else tile
