"""Resolution of shared transforms: references are replaced, and the transforms of tiles flattened."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from rendergateway.service.base.refusals import IllegalState
from rendergateway.service.store.tiles import StoredTile, Tiles
from rendergateway.wire import Spec, TileSpec, decode_stored, encode, flatten, references

__all__ = ["SPEC", "Resolver", "decoded_tile"]

SPEC = Spec

# How many levels of references the real service follows.
_PASSES = 10


def decoded_tile(stored: StoredTile) -> TileSpec:
    """Decode a stored tile."""
    tile: TileSpec = decode_stored(stored.text, TileSpec)
    return tile


class Resolver:
    """
    The shared transforms of one stack, read lazily and once.

    Parameters
    ----------
    tiles : Tiles
    """

    def __init__(self, tiles: Tiles) -> None:
        self._tiles = tiles
        self._texts: dict[str, bytes | None] = {}

    def text(self, transform_id: str) -> bytes | None:
        """Return the JSON of a shared transform; None if it is missing."""
        if transform_id not in self._texts:
            self._texts[transform_id] = self._tiles.shared(transform_id)
        return self._texts[transform_id]

    def closure(self, names: Iterable[str]) -> dict[str, bytes]:
        """Return the shared transforms *names*, and those that they refer to, by id."""
        found: dict[str, bytes] = {}
        wanted = set(names)
        for _ in range(_PASSES):
            texts = {name: self.text(name) for name in sorted(wanted - found.keys())}
            fresh = {name: text for name, text in texts.items() if text is not None}
            if not fresh:
                break
            found |= fresh
            specs = [decode_stored(text, SPEC) for text in fresh.values()]
            wanted = {name for spec in specs for name in references(spec) if name is not None}
        return found

    def flattened(self, tile: TileSpec) -> TileSpec:
        """
        Resolve and flatten the transforms of *tile* in place, and return it.

        Raises
        ------
        IllegalState
            If a shared transform is missing.
        """
        if tile.transforms is not None:
            tile.transforms = flatten(tile.transforms, self.copies())
            self.check(tile.tileId, references(tile.transforms))
        return tile

    def copies(self) -> Callable[[str], Spec | None]:
        """Return a lookup of shared transforms for one tile; its copies may be modified."""
        copies: dict[str, Spec | None] = {}

        def shared(name: str) -> Spec | None:
            if name not in copies:
                text = self.text(name)
                copies[name] = None if text is None else decode_stored(text, SPEC)
            return copies[name]

        return shared

    def check(self, tile_id: str | None, left: Iterable[str | None]) -> None:
        """
        Refuse a tile with unresolved references.

        Raises
        ------
        IllegalState
            If *left* is not empty.
        """
        if next(iter(left), self) is not self:
            known = [name for name, text in self._texts.items() if text is not None]
            raise IllegalState(
                f"tile spec {tile_id} is not fully resolved after applying the following transform specs: "
                f"[{', '.join(known)}]"
            )

    def texts(self, stored: Iterable[StoredTile]) -> Iterator[bytes]:
        """Yield the JSON of tiles with flat transforms; tiles that are stored flat are not decoded."""
        for tile in stored:
            yield tile.text if tile.flat else encode(self.flattened(decoded_tile(tile)))
