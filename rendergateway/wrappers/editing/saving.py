"""Tiles saved: looked at, cut into batches, sent several at once until each is confirmed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import TYPE_CHECKING

from rendergateway.model import ResolvedTiles, StackVersion
from rendergateway.model.records.json_slices import Text
from rendergateway.progress import Progress, tracking
from rendergateway.transforms import Transform
from rendergateway.wrappers.editing.batches import Batch, Batches
from rendergateway.wrappers.editing.opening import OpenStack
from rendergateway.wrappers.editing.sending import Sending
from rendergateway.wrappers.editing.sources import TileSource, shared_texts, texts_of
from rendergateway.wrappers.reading.layers import StoredTiles

if TYPE_CHECKING:
    from rendergateway.model.tile_text.limits import TileLimits
    from rendergateway.wrappers.objects.stack import StackWrapper

__all__ = ["TileSaving"]


class TileSaving(OpenStack):
    """
    A context in which batches of tiles are saved in a stack.

    Parameters
    ----------
    stack : StackWrapper
        What is written to.
    workers : int
        Requests made at once.
    batch : int
        Tiles a request.
    complete : bool
        Whether the stack becomes COMPLETE when the block ends.
    progress : None, bool or callable
        As `rendergateway.progress.tracking` takes it.
    patience_s : float
        How long a service that is gone is waited for; then the batches that it had not confirmed are sent again.
    version : StackVersion, optional
        What the stack's next version is; without one a COMPLETE stack keeps what is said of it.
    """

    def __init__(
        self,
        stack: StackWrapper,
        *,
        workers: int = 1,
        batch: int = 5000,
        complete: bool = True,
        progress: Progress = None,
        patience_s: float = 60.0,
        version: StackVersion | None = None,
    ) -> None:
        if batch < 1 or workers < 1:
            raise ValueError(f"a batch holds at least one tile and needs a worker, not {batch} and {workers}")
        super().__init__(stack, complete=complete, version=version)
        self.workers = workers
        self.batch = batch
        self.patience_s = patience_s
        self._progress = progress
        self._stored = StoredTiles(stack)

    def checked(
        self,
        tiles: TileSource,
        *,
        transforms: Mapping[str, Transform | Text] | None = None,
        boxes: str = "keep",
        validate: TileLimits | None = None,
        may_change: bool = False,
    ) -> list[Batch]:
        """
        Look at tiles as `put` does, and return them ready to be saved; the stack need not be open.

        Parameters
        ----------
        tiles, transforms, boxes, validate
            As in `put`.
        may_change : bool
            Whether shared transforms may take the place of others of their ids.

        Raises
        ------
        RecordError
            As `put`.
        """
        given = shared_texts(transforms)
        if isinstance(tiles, ResolvedTiles):
            given = {**tiles.transforms, **given}
        batches = self.batches(boxes=boxes, limits=validate, given=given, may_change=may_change)
        return list(batches.of(texts_of(tiles)))

    def batches(
        self,
        *,
        boxes: str = "keep",
        limits: TileLimits | None = None,
        given: Mapping[str, Text] | None = None,
        may_change: bool = False,
    ) -> Batches:
        """Return what cuts tiles into batches for this stack."""
        stored = self._stored.transforms.text
        return Batches(size=self.batch, stored=stored, boxes=boxes, limits=limits, given=given, may_change=may_change)

    def save(self, batches: Iterable[Batch], *, total: int | None = None, progress: Progress = None) -> int:
        """Send batches as they come; return how many tiles were saved. *total* is for the progress bar."""
        if total is None and isinstance(batches, list):
            total = sum(len(batch.tiles) for batch in batches)
        with tracking(self._progress if progress is None else progress, "Saving tiles", total) as tell:
            sending = self._sending(tell)
            try:
                return sending.run(partial(self._send, batch) for batch in batches)
            finally:
                self.saved += sending.acknowledged

    def _send(self, batch: Batch) -> int:
        self.stack._call("stack.save_tiles", body=batch.tiles.to_json(), derive_data=batch.derives_boxes)
        # What was just stored need not be asked for.
        self._stored.transforms.add(batch.tiles.transforms)
        return len(batch.tiles)

    def _sending(self, tell: Callable[[int], object]) -> Sending:
        is_there = partial(self.stack._conn.call, "service.version")
        return Sending(workers=self.workers, is_there=is_there, patience_s=self.patience_s, tell=tell)
