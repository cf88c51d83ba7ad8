"""Pairs of tiles, and the points in both that show the same spot."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from rendergateway.errors import NotFoundError, RenderGatewayError
from rendergateway.geometry import FloatArray
from rendergateway.model import MatchRecord
from rendergateway.model.records.json_slices import cut_list
from rendergateway.wrappers.core.existing import MayBeMissing
from rendergateway.wrappers.core.keys import OwnerKey, PairKey, Scope
from rendergateway.wrappers.core.object import ObjectWrapper
from rendergateway.wrappers.core.registry import add_base
from rendergateway.wrappers.core.templates import changes_data
from rendergateway.wrappers.matching.world import known_frame, residuals_of, tile_in_world

if TYPE_CHECKING:
    from rendergateway.wrappers.core.keys import Key
    from rendergateway.wrappers.objects.match_collection import MatchCollectionWrapper
    from rendergateway.wrappers.objects.stack import StackWrapper
    from rendergateway.wrappers.objects.tile import TileWrapper

__all__ = ["MatchPairWrapper"]


@add_base
class MatchPairWrapper(MayBeMissing, ObjectWrapper[MatchRecord]):
    """
    The matches of two tiles: points in both that show the same spot of tissue.

    p is the tile that was asked for; else the one whose group, then id, sorts first as text, as the service stores it.
    Seen from the other side, `swapped`, a pair is another object.

    Notes
    -----
    A pair that comes from a listing is loaded. Another one loads itself with one request, ``match.between_tiles``; so
    does one that was listed without its points, when they are read.
    """

    __slots__ = ()
    KIND = "match_pair"
    RECORD = MatchRecord
    MARSHALLED: ClassVar[Sequence[str]] = ("p_group", "p_id", "q_group", "q_id")

    _key: PairKey

    @property
    def id(self) -> tuple[str, str, str, str]:
        """Group and id of p, group and id of q."""
        return self.p_group, self.p_id, self.q_group, self.q_id

    @property
    def name(self) -> str:
        """Both sides, as text."""
        return f"{self.p_group}/{self.p_id} – {self.q_group}/{self.q_id}"

    def __repr__(self) -> str:
        collections = "+".join([self._key.collection, *self._key.merge_collection])
        return f"<{type(self).__name__} {collections}: {self.name}>"

    @property
    def match_collection(self) -> MatchCollectionWrapper:
        """The collection; of a merged pair the first one. No request."""
        collection: MatchCollectionWrapper = self._parent("match_collection", self._key.collection_key)
        return collection

    @property
    def parent(self) -> MatchCollectionWrapper:
        """The collection."""
        return self.match_collection

    # Sides

    @property
    def p_group(self) -> str:
        """Group of the first tile: by convention its section id."""
        return self._key.p_group

    @property
    def p_id(self) -> str:
        """Id of the first tile."""
        return self._key.p_id

    @property
    def q_group(self) -> str:
        """Group of the second tile."""
        return self._key.q_group

    @property
    def q_id(self) -> str:
        """Id of the second tile."""
        return self._key.q_id

    @property
    def swapped(self) -> MatchPairWrapper:
        """The same pair seen from the other side; no request."""
        key = self._key._replace(p_group=self.q_group, p_id=self.q_id, q_group=self.p_group, q_id=self.p_id)
        record = self._obj.swapped() if self.is_loaded else None
        pair: MatchPairWrapper = self._wrap("match_pair", key, record)
        return pair

    def tiles(self, stack: StackWrapper) -> tuple[TileWrapper, TileWrapper]:
        """Return both tiles as they are in a stack; no request, so that nothing says yet whether they are there."""
        return stack.tile(self.p_id), stack.tile(self.q_id)

    # Points

    @property
    def p(self) -> FloatArray:
        """Points in the first tile: (N, 2), x and y in the pixels that the collection's `frame` says."""
        return self._with_points.p

    @property
    def q(self) -> FloatArray:
        """Points in the second tile: (N, 2)."""
        return self._with_points.q

    @property
    def weights(self) -> FloatArray:
        """Weight of each point: (N,); 0 switches a match off."""
        return self._with_points.weights

    def world(self, stack: StackWrapper) -> tuple[FloatArray, FloatArray]:
        """
        Carry the points into the world, each side by the transforms of its tile.

        Raw points go through all transforms, lens-corrected ones through those behind the lens correction.

        Parameters
        ----------
        stack : StackWrapper
            Where the tiles are; it may belong to another owner or service.

        Returns
        -------
        p, q : ndarray, shape (N, 2)
            x, y in world pixels.

        Raises
        ------
        ConfigurationError
            If nobody said which pixels the points live in: see `MatchCollectionWrapper.frame`.
        NotFoundError
            If a tile is not in the stack.

        Notes
        -----
        None for tiles that are loaded; else a ``tile.read`` each, and ``transform.read`` for each shared transform
        that was not met before.
        """
        frame = known_frame(self._conn.match_frame(*self._key.collection_key), self._key.collection)
        p_tile, q_tile = self.tiles(stack)
        return tile_in_world(p_tile, self.p, frame), tile_in_world(q_tile, self.q, frame)

    def residuals(self, stack: StackWrapper) -> FloatArray:
        """
        Return how far apart the two points of each match lie in the world: (N,), in pixels.

        Parameters, errors and requests are those of `world`.
        """
        return residuals_of(*self.world(stack))

    def __len__(self) -> int:
        record = self._obj
        return len(record if record.match_count is not None else self._with_points)

    def __bool__(self) -> bool:
        return True

    # Writing

    @changes_data
    def delete(self) -> None:
        """
        Delete the pair.

        Notes
        -----
        One request, ``match.delete_between_tiles``; the service does not say whether there was such a pair.

        Raises
        ------
        RenderGatewayError
            If the pair is merged of several collections.
        NotFoundError
            If the collection does not exist.
        """
        key = self._key._asdict()
        if key.pop("merge_collection"):
            raise RenderGatewayError(f"{self!r} is merged of several collections; delete it in each of them")
        self._conn.call("match.delete_between_tiles", **key)

    # Loading

    @property
    def _scope(self) -> Scope:
        # What is merged is old after a write to any collection of the owner.
        return OwnerKey(self._key.owner) if self._key.merge_collection else super()._scope

    @property
    def _with_points(self) -> MatchRecord:
        """The record; read again if it was listed without its points."""
        if self._obj.points is None:
            with self._lock:
                if self._obj.points is None:
                    self._load()
        return self._obj

    @classmethod
    def _table_of(cls, pairs: Any, units: str) -> Any:
        from rendergateway.model import MatchTable

        if units != "px":
            raise ValueError(
                "points of matches have no place in the world, and so no nanometres; pair.world(stack) has"
            )
        return MatchTable(pairs.texts)

    @classmethod
    def _key_of(cls, record: MatchRecord | None) -> Key:
        if record is None:
            return super()._key_of(record)
        return PairKey("", "", record.p_group, record.p_id, record.q_group, record.q_id)

    def _fetch(self) -> MatchRecord:
        found = cut_list(self._text("match.between_tiles"))
        if not found:
            raise NotFoundError(f"{self._key.collection} has no matches of {self.name}")
        record = MatchRecord.from_json(found[0])
        # The service answers with the sides as it stores them.
        return record if (record.p_group, record.p_id) == (self.p_group, self.p_id) else record.swapped()
