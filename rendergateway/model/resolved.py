"""Tiles together with the shared transforms that they refer to: the unit of bulk transfer."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

import attrs
import msgspec

from rendergateway.errors import RecordError
from rendergateway.model.slices import Raw, Text, copy_of, cut_object, decode, join_object
from rendergateway.model.tiles import TileRecord

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
        return cls(dict(maps.tiles), dict(maps.transforms))

    @classmethod
    def of(cls, tiles: Iterable[TileRecord], transforms: Mapping[str, Raw | bytes] | None = None) -> ResolvedTiles:
        """
        Gather *tiles* with the shared transforms that they may refer to.

        Raises
        ------
        RecordError
            If two tiles have one id.
        """
        gathered = cls(transforms=dict(transforms or {}))
        for tile in tiles:
            if tile.tile_id in gathered.tiles:
                raise RecordError(f"tile id {tile.tile_id!r} stands here twice")
            gathered.tiles[tile.tile_id] = tile.to_json()
        return gathered

    def to_json(self) -> bytes:
        """Return the text that a service takes."""
        return join_object({_TRANSFORMS: join_object(self.transforms), _TILES: join_object(self.tiles)})

    def batches(self, size: int) -> Iterator[ResolvedTiles]:
        """
        Yield parts of at most *size* tiles, each with every transform its tiles refer to.

        A service resolves references only among the transforms that come in the same request.
        """
        ids = list(self.tiles)
        for start in range(0, len(ids), size):
            part = {tile_id: self.tiles[tile_id] for tile_id in ids[start : start + size]}
            wanted = set().union(*map(references, part.values()))
            yield ResolvedTiles(part, {key: text for key, text in self.transforms.items() if key in wanted})

    def records(self) -> Iterator[TileRecord]:
        """Yield a record a tile."""
        return map(TileRecord.from_json, self.tiles.values())

    def __len__(self) -> int:
        return len(self.tiles)


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
