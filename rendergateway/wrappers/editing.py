"""Writing into a stack: LOADING while the block runs, COMPLETE after it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from types import TracebackType
from typing import TYPE_CHECKING

from rendergateway.errors import NotFoundError, RecordError
from rendergateway.model import ResolvedTiles, TileRecord
from rendergateway.model.record import to_text
from rendergateway.model.resolved import references
from rendergateway.model.slices import Raw, Text, copy_of, cut_object
from rendergateway.transforms import Transform

if TYPE_CHECKING:
    from rendergateway.wrappers.stack import StackWrapper
    from rendergateway.wrappers.tile import TileWrapper

__all__ = ["StackEdit"]

_SIDES = ("minX", "minY", "maxX", "maxY")


class StackEdit:
    """
    A context in which tiles are put into a stack.

    Entering makes a COMPLETE stack LOADING; leaving makes it COMPLETE again. After an error it stays LOADING, and a
    note on the error says so.
    """

    def __init__(self, stack: StackWrapper, *, batch: int = 5000, complete: bool = True) -> None:
        if batch < 1:
            raise ValueError(f"a batch holds at least one tile, not {batch}")
        self.stack = stack
        self.batch = batch
        self.complete = complete

    def __enter__(self) -> StackEdit:
        if self.stack.state != "LOADING":
            self.stack.set_state("LOADING")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is not None:
            note = f"stack {self.stack} was left LOADING; what was put before this error is stored"
            # As add_note does, which Python 3.10 does not have.
            vars(error)["__notes__"] = [*getattr(error, "__notes__", ()), note]
        elif self.complete:
            self.stack.set_state("COMPLETE")

    def put(
        self,
        tiles: ResolvedTiles | Iterable[TileRecord | TileWrapper],
        *,
        transforms: Mapping[str, Transform | Text] | None = None,
        boxes: str = "keep",
        progress: Callable[[int], object] | None = None,
    ) -> int:
        """
        Save tiles, those that are there already as a whole, with the shared transforms that they refer to.

        Parameters
        ----------
        tiles : ResolvedTiles or iterable of TileRecord or TileWrapper
            What to save. Tiles of another stack bring the transforms that they refer to.
        transforms : mapping of str to Transform or JSON text, optional
            More shared transforms, by id.
        boxes : {'keep', 'service'}
            Whether boxes that are there are kept, missing ones derived by the service; or all are derived.
        progress : callable, optional
            Called with the number of tiles saved so far.

        Returns
        -------
        int
            How many tiles were saved.

        Raises
        ------
        RecordError
            If two tiles have one id, or a transform that a tile refers to is nowhere; nothing is saved then.
        StackStateError
            If the stack is not LOADING.

        Notes
        -----
        One ``stack.save_tiles`` a batch of tiles with boxes and of tiles without; ``transform.read`` for each shared
        transform that is not given and was not met before, of the tile's stack or of this one.
        """
        if boxes not in ("keep", "service"):
            raise ValueError(f"boxes are kept ('keep') or derived ('service'), not {boxes!r}")
        resolved = self._gathered(tiles, transforms or {})
        self._add_missing_transforms(resolved)
        boxed, unboxed = _by_box(resolved) if boxes == "keep" else (ResolvedTiles(), resolved)
        saved = 0
        for part, derive in ((boxed, False), (unboxed, True)):
            for piece in part.batches(self.batch):
                self.stack._call("stack.save_tiles", body=piece.to_json(), derive_data=derive)
                saved += len(piece)
                if progress is not None:
                    progress(saved)
        return saved

    def _gathered(
        self, tiles: ResolvedTiles | Iterable[TileRecord | TileWrapper], transforms: Mapping[str, Transform | Text]
    ) -> ResolvedTiles:
        given = {id: _transform_text(transform) for id, transform in transforms.items()}
        if isinstance(tiles, ResolvedTiles):
            return ResolvedTiles(dict(tiles.tiles), {**tiles.transforms, **given})
        records = []
        for tile in tiles:
            if isinstance(tile, TileRecord):
                records.append(tile)
                continue
            records.append(tile._obj)
            for transform_id in references(tile._obj.to_json()) - given.keys():
                given[transform_id] = tile.stack.shared_transforms.text(transform_id)
        return ResolvedTiles.of(records, given)

    def _add_missing_transforms(self, resolved: ResolvedTiles) -> None:
        """Add the shared transforms that this stack has already; a service looks only at what comes with the tiles."""
        for tile_id, text in resolved.tiles.items():
            for transform_id in references(text) - resolved.transforms.keys():
                try:
                    resolved.transforms[transform_id] = self.stack.shared_transforms.text(transform_id)
                except NotFoundError as error:
                    raise RecordError(
                        f"tile {tile_id!r} refers to the shared transform {transform_id!r}, which is neither given nor "
                        f"in stack {self.stack}; put(tiles, transforms={{{transform_id!r}: transform}}) brings it"
                    ) from error


def _transform_text(transform: Transform | Text) -> bytes:
    return to_text(transform) if isinstance(transform, Transform) else copy_of(transform)


def _by_box(resolved: ResolvedTiles) -> tuple[ResolvedTiles, ResolvedTiles]:
    """Part tiles into those with a box and those without."""
    parts: tuple[dict[str, Raw | bytes], dict[str, Raw | bytes]] = ({}, {})
    for tile_id, text in resolved.tiles.items():
        members = cut_object(text)
        parts[any(side not in members for side in _SIDES)][tile_id] = text
    return ResolvedTiles(parts[0], resolved.transforms), ResolvedTiles(parts[1], resolved.transforms)
