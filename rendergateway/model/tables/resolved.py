"""Tiles together with the shared transforms that they refer to: the unit of bulk transfer."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, cast

import attrs
import msgspec

from rendergateway.errors import RecordError, TransformError
from rendergateway.model.records.json_slices import Raw, Text, copy_of, cut_object, decode, join_object
from rendergateway.model.records.record import to_text
from rendergateway.model.records.tiles import TileRecord
from rendergateway.model.tables.table import Table
from rendergateway.transforms import Transform, TransformReference, from_spec

if TYPE_CHECKING:
    from rendergateway.model.records.validation import Problem

__all__ = ["ResolvedTiles"]

_TILES, _TRANSFORMS = "tileIdToSpecMap", "transformIdToSpecMap"


class _Maps(msgspec.Struct):
    """Both maps, found in one pass over the text."""

    tiles: dict[str, Raw] | None = msgspec.field(name=_TILES, default=None)
    transforms: dict[str, Raw] = msgspec.field(name=_TRANSFORMS, default_factory=dict)


@attrs.define
class ResolvedTiles:
    """
    Tiles and shared transforms, each as its JSON text.

    Attributes
    ----------
    tiles : dict of str to JSON text
        By tile id, in the order of the answer.
    transforms : dict of str to JSON text
        The shared transforms that the tiles refer to, by id.
    """

    tiles: dict[str, Raw | bytes] = attrs.field(factory=dict)
    transforms: dict[str, Raw | bytes] = attrs.field(factory=dict)

    @classmethod
    def from_json(cls, text: Text) -> ResolvedTiles:
        """
        Cut an answer into tiles and transforms; neither is read.

        Raises
        ------
        RecordError
            If *text* is not an object of two maps.
        """
        maps: _Maps = decode(text, _Maps)
        if maps.tiles is None:
            members = ", ".join(cut_object(text)) or "none"
            raise RecordError(f"resolved tiles have a member {_TILES}; these have {members}")
        # Both maps were made for this object alone; a copy of them would be work for nothing.
        return cls(cast("dict[str, Raw | bytes]", maps.tiles), cast("dict[str, Raw | bytes]", maps.transforms))

    @classmethod
    def of(
        cls, tiles: Iterable[TileRecord], transforms: Mapping[str, Transform | Raw | bytes] | None = None
    ) -> ResolvedTiles:
        """
        Gather *tiles* with the shared transforms that they may refer to.

        Parameters
        ----------
        tiles : TileTable or iterable of TileRecord
            Of a table, the texts are taken as they are.
        transforms : mapping of str to Transform or JSON text, optional
            The shared transforms by id.

        Raises
        ------
        RecordError
            If two tiles have one id.
        """
        shared = {key: _shared_text(key, transform) for key, transform in (transforms or {}).items()}
        if isinstance(tiles, Table):
            return cls(_texts_by_id(tiles), shared)
        gathered = cls(transforms=shared)
        for tile in tiles:
            if tile.tile_id in gathered.tiles:
                raise RecordError(f"tile id {tile.tile_id!r} stands here twice")
            gathered.tiles[tile.tile_id] = tile.to_json()
        return gathered

    def to_json(self) -> bytes:
        """Return the text that a service takes."""
        return join_object({_TRANSFORMS: join_object(self.transforms), _TILES: join_object(self.tiles)})

    def merged(self, *others: ResolvedTiles) -> ResolvedTiles:
        """
        Return these tiles and those of *others*, with all transforms.

        Raises
        ------
        RecordError
            If a tile id stands in two of them, or a transform id means different transforms.
        """
        whole = ResolvedTiles(dict(self.tiles), dict(self.transforms))
        for other in others:
            twice = next((tile_id for tile_id in other.tiles if tile_id in whole.tiles), None)
            if twice is not None:
                raise RecordError(f"tile id {twice!r} stands in both; expected each tile once")
            for key, text in other.transforms.items():
                if key in whole.transforms and decode(whole.transforms[key]) != decode(text):
                    raise RecordError(f"shared transform {key!r} is another one in each; expected one of this id")
            whole.tiles.update(other.tiles)
            whole.transforms.update(other.transforms)
        return whole

    def filtered(self, keep: Callable[[TileRecord], bool] | Iterable[str]) -> ResolvedTiles:
        """
        Return some of the tiles, with the transforms that they refer to.

        Parameters
        ----------
        keep : callable or iterable of str
            Is given each record and tells whether it stays; or the ids of those that stay, all of which must be here.

        Raises
        ------
        RecordError
            If an id is not here.
        """
        if callable(keep):
            part = {tile_id: text for tile_id, text in self.tiles.items() if keep(TileRecord.from_json(text))}
        else:
            wanted = dict.fromkeys(keep)
            missing = next((tile_id for tile_id in wanted if tile_id not in self.tiles), None)
            if missing is not None:
                raise RecordError(f"there is no tile {missing!r} among these {len(self)}")
            part = {tile_id: text for tile_id, text in self.tiles.items() if tile_id in wanted}
        return ResolvedTiles(part, self._wanted(part.values()))

    def shared(self) -> dict[str, Transform]:
        """Return the shared transforms by id; each is one object, however many tiles refer to it."""
        return {key: from_spec(decode(text)) for key, text in self.transforms.items()}

    def resolved(self) -> Iterator[TileRecord]:
        """
        Yield each tile with its references replaced by what they name.

        Raises
        ------
        TransformError
            If a reference names no transform that is here, or references lead back to themselves; the message names
            the tile.
        """
        shared = self.shared()
        for record in self.records():
            if not references(record.to_json()):
                yield record
                continue
            try:
                flat = record.transforms.resolve(shared)
            except TransformError as error:
                raise type(error)(f"{record!r}: {error}") from error
            yield record.evolve(transforms=flat)

    def validate(self) -> list[Problem]:
        """
        Return what is wrong with the tiles and the transforms, missing and cyclic references included; see `Problem`.

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
        Gather tiles, with references in the place of transforms that are shared.

        Parameters
        ----------
        tiles : iterable of TileRecord
            Transforms in their lists that are equal to a shared one, but for the id, become references.
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

        A service resolves references only among the transforms that come in the same request.
        """
        if size < 1:
            raise ValueError(f"a batch holds at least one tile, not {size}")
        ids = list(self.tiles)
        for start in range(0, len(ids), size):
            part = {tile_id: self.tiles[tile_id] for tile_id in ids[start : start + size]}
            yield ResolvedTiles(part, self._wanted(part.values()))

    def _wanted(self, tiles: Iterable[Text]) -> dict[str, Raw | bytes]:
        """Return the transforms that *tiles* refer to, also by way of another transform."""
        wanted: set[str] = set().union(*map(references, tiles))
        ahead = list(wanted)
        while ahead:
            text = self.transforms.get(ahead.pop())
            found: set[str] = set()
            if text is not None:
                _collect(decode(text), found)
            ahead += found - wanted
            wanted |= found
        return {key: text for key, text in self.transforms.items() if key in wanted}

    def records(self) -> Iterator[TileRecord]:
        """Yield a record a tile."""
        return map(TileRecord.from_json, self.tiles.values())

    def __len__(self) -> int:
        return len(self.tiles)


def _texts_by_id(tiles: Any) -> dict[str, Raw | bytes]:
    # Part of the tables, which a plain import leaves out.
    from rendergateway.model.tables.column_texts import checked_ids

    texts = (text.encode() if isinstance(text, str) else text for text in tiles.texts)
    return dict(zip(checked_ids(tiles.tile_id), texts, strict=True))


def _shared_text(key: str, transform: Transform | Raw | bytes) -> Raw | bytes:
    return _with_id(to_text(transform), key) if isinstance(transform, Transform) else transform


def _with_id(text: Text, key: str) -> bytes:
    return join_object({**cut_object(text), "id": to_text(key)})


def _with_references(tile: TileRecord, names: Mapping[Transform, str]) -> TileRecord:
    """Return a tile in which the transforms that have a name are references."""
    items = list(tile.transforms)
    new = [TransformReference(names[item.evolve(id=None)]) if item.evolve(id=None) in names else item for item in items]
    return tile.evolve(transforms=tile.transforms.evolve(transforms=new)) if new != items else tile


def references(tile: Text) -> set[str]:
    """Return the ids of the shared transforms that a tile's text refers to, however deep."""
    if b'"ref' not in copy_of(tile):
        return set()
    found: set[str] = set()
    _collect(decode(cut_object(tile).get("transforms", b"{}")), found)
    return found


def _collect(spec: object, found: set[str]) -> None:
    if isinstance(spec, dict):
        if spec.get("type") == "ref":
            found.add(spec["refId"])
        for value in spec.values():
            _collect(value, found)
    elif isinstance(spec, list):
        for value in spec:
            _collect(value, found)
