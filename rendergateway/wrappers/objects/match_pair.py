"""Match pairs: two tiles, and the points that show the same spot in both."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from rendergateway.errors import NotFoundError, RenderGatewayError
from rendergateway.geometry import FloatArray
from rendergateway.model.records.json_slices import cut_list
from rendergateway.model.records.matches import MatchRecord
from rendergateway.mutators import changes_data
from rendergateway.visible_text import visible
from rendergateway.wrappers.core.arguments import check_kind
from rendergateway.wrappers.core.keys import Key, OwnerKey, PairKey, Scope
from rendergateway.wrappers.core.object import ObjectWrapper
from rendergateway.wrappers.core.registry import add_base
from rendergateway.wrappers.matching.world import known_frame, points_in_world, residuals_of

if TYPE_CHECKING:
    from rendergateway.wrappers.editing.deletions import Removal
    from rendergateway.wrappers.objects.match_collection import MatchCollectionWrapper
    from rendergateway.wrappers.objects.stack import StackWrapper
    from rendergateway.wrappers.objects.tile import TileWrapper

__all__ = ["MatchPairWrapper"]


@add_base
class MatchPairWrapper(ObjectWrapper[MatchRecord]):
    """
    The matches of two tiles: points in both that show the same spot of tissue.

    p is the selected tile; without selection, the tile whose group, then id, sorts first as text, as the service
    stores it. The same pair from the other side, `swapped`, is another object.

    Notes
    -----
    A pair of a listing is loaded. Another one loads itself with one request, ``match.between_tiles``; so does one that
    was listed without its points, when they are read.
    """

    __slots__ = ()
    KIND = "match_pair"
    RECORD = MatchRecord
    MARSHALLED: ClassVar[Sequence[str]] = ("p_group", "p_id", "q_group", "q_id")

    _key: PairKey

    @property
    def id(self) -> tuple[str, str, str, str]:
        """Group and id of p, group and id of q."""
        return self._sides

    @property
    def _sides(self) -> tuple[str, str, str, str]:
        return self._key.p_group, self._key.p_id, self._key.q_group, self._key.q_id

    @property
    def name(self) -> str:
        """Both sides, as text."""
        return "{}/{} – {}/{}".format(*self._sides)

    def __repr__(self) -> str:
        collections = "+".join([self._key.collection, *self._key.merge_collection])
        return visible(f"<{type(self).__name__} {collections}: {self.name}>")

    @property
    def match_collection(self) -> MatchCollectionWrapper:
        """The collection; of a merged pair the first one. No request."""
        return self._collection

    @property
    def _collection(self) -> MatchCollectionWrapper:
        collection: MatchCollectionWrapper = self._parent("match_collection", self._key.collection_key)
        return collection

    @property
    def parent(self) -> MatchCollectionWrapper:
        """The collection."""
        return self._collection

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
        """The same pair from the other side. No request."""
        own = self._key
        key = own._replace(p_group=own.q_group, p_id=own.q_id, q_group=own.p_group, q_id=own.p_id)
        record = None if self._held[0].is_over else self._obj.swapped()
        pair: MatchPairWrapper = self._wrap("match_pair", key, record)
        return pair

    def tiles(self, stack: StackWrapper) -> tuple[TileWrapper, TileWrapper]:
        """Return both tiles in a stack. No request; existence is not checked."""
        check_kind(stack, "stack", "stack")
        return stack._tile(self._key.p_id), stack._tile(self._key.q_id)

    # Points

    @property
    def p(self) -> FloatArray:
        """Points in the first tile, shape (N, 2): x, y in the `frame` of the collection."""
        return self._with_points.p

    @property
    def q(self) -> FloatArray:
        """Points in the second tile, shape (N, 2)."""
        return self._with_points.q

    @property
    def weights(self) -> FloatArray:
        """Weight of each match, shape (N,); 0 disables it."""
        return self._with_points.weights

    def world_points(self, stack: StackWrapper) -> tuple[FloatArray, FloatArray]:
        """
        Transform the points into the world, each side by the transforms of its tile.

        Raw points are transformed by all transforms, those of other frames by the transforms after the frame.

        Parameters
        ----------
        stack : StackWrapper
            The stack of the tiles; it may belong to another owner or service.

        Returns
        -------
        p, q : ndarray, shape (N, 2)
            x, y in world pixels.

        Raises
        ------
        ConfigurationError
            If `MatchCollectionWrapper.frame` is not set.
        NotFoundError
            If a tile is not in the stack.
        TransformError
            If a transform of a tile cannot be applied, or a tile has no transform of the frame's label.

        Notes
        -----
        None for loaded tiles; else a ``tile.read`` each, and ``transform.read`` for each shared transform that was not
        read before.
        """
        frame = known_frame(self._collection._frame, self._key.collection)
        tiles, points = MatchPairWrapper.tiles(self, stack), self._with_points
        p, q = (
            points_in_world(tile._resolved_transforms, side, frame, f"tile {tile._key.tile_id!r} of stack {stack}")
            for tile, side in zip(tiles, (points.p, points.q), strict=True)
        )
        return p, q

    def residuals(self, stack: StackWrapper) -> FloatArray:
        """
        Return the distance of the two points of each match in the world: shape (N,), in pixels.

        Parameters, errors and requests are those of `world_points`.
        """
        return residuals_of(*self.world_points(stack))

    def __len__(self) -> int:
        record = self._obj
        return len(record if record.match_count is not None else self._with_points)

    def __bool__(self) -> bool:
        return True

    # Writing

    @changes_data
    def delete(self, *, dry_run: bool = False) -> Removal | None:
        """
        Delete the pair; deleting a missing pair is a no-op.

        Parameters
        ----------
        dry_run : bool
            Only report whether the pair exists.

        Returns
        -------
        Removal or None
            The count of a dry run.

        Raises
        ------
        RenderGatewayError
            If the pair is merged from several collections.
        NotFoundError
            If the collection does not exist.

        Notes
        -----
        One request, ``match.delete_between_tiles``; for a dry run ``match.between_tiles``.
        """
        values = self._key._asdict()
        if values.pop("merge_collection"):
            raise RenderGatewayError(f"{self!r} is merged from several collections; delete it in each of them")
        if dry_run:
            from rendergateway.wrappers.editing.deletions import Removal

            return Removal(pair_count=len(cut_list(self._bound.fetch("match.between_tiles"))))
        self._conn.call("match.delete_between_tiles", **values)
        return None

    # Loading

    @property
    def _scope(self) -> Scope:
        # A merged pair is invalidated by a write to any collection of the owner.
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
    def _table_of(cls, objects: Any, units: str) -> Any:
        from rendergateway.model.tables.match_table import MatchTable

        if units != "px":
            raise ValueError("match points are in pixels of tiles; pair.world_points(stack) transforms them")
        return MatchTable(objects.texts)

    @classmethod
    def _key_of(cls, record: MatchRecord | None) -> Key:
        if record is None:
            return super()._key_of(record)
        return PairKey("", "", record.p_group, record.p_id, record.q_group, record.q_id)

    def _fetch(self) -> MatchRecord:
        found = cut_list(self._bound.fetch("match.between_tiles"))
        if not found:
            raise NotFoundError(f"{self._key.collection} has no matches of {self.name}")
        record = MatchRecord.from_json(found[0])
        # The service returns the sides as it stores them.
        return record if (record.p_group, record.p_id) == self._sides[:2] else record.swapped()
