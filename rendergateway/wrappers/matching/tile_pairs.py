"""Tile pairs of a stack: the tiles that may overlap, read layer by layer."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator
from operator import attrgetter
from pathlib import Path
from typing import Any

import attrs
import numpy as np

from rendergateway.alignment.tile_pairs import PairRule, TileBoxes, pairs_across, pairs_within
from rendergateway.errors import NotFoundError, RecordError, add_note
from rendergateway.geometry import Bounds
from rendergateway.model.files.pair_files import PairWriter
from rendergateway.model.records.json_slices import Text, cut_list
from rendergateway.model.records.matches import CollectionRecord, MatchRecord, pair_ids
from rendergateway.model.records.stacks import SectionRecord
from rendergateway.model.records.tiles import TileBoundsRecord, TileRecord
from rendergateway.model.records.view import view, viewed
from rendergateway.model.tables.field_values import field_paths, field_values
from rendergateway.model.tables.pair_table import POSITIONS, PairTable, TilePair
from rendergateway.mutators import changes_data
from rendergateway.progress import Progress, tracking
from rendergateway.visible_text import visible
from rendergateway.wrappers.core.arguments import as_count, as_number
from rendergateway.wrappers.core.bound import Bound
from rendergateway.wrappers.core.keys import CollectionKey, StackKey
from rendergateway.wrappers.reading.tiles import StackReader
from rendergateway.wrappers.reading.z_values import listed_z_values

__all__ = ["PairQuery", "TilePairs", "WrittenPairs", "checked_rule", "layer_of", "url_template"]

# Side of a cell of rows and columns; any length would do.
_CELL_PX = 10.0
_EDGES = ("min_x", "min_y", "max_x", "max_y")
_TileBounds = view(
    TileBoundsRecord, tile_id=str, section_id=(str | None, None), **dict.fromkeys(_EDGES, (float | None, None))
)


def checked_rule(
    radius_factor: float, radius_px: float | None, *, corners: bool, same_section: bool, without_position: str | None
) -> PairRule:
    """
    Return the rule of neighbours.

    Raises
    ------
    TypeError, ValueError
        If a number is not one, or the position is unknown.
    """
    if without_position is not None and without_position not in POSITIONS:
        raise ValueError(f"without_position must be one of {', '.join(POSITIONS)}: got {without_position!r}")
    return PairRule(
        radius_factor=as_number(radius_factor, "radius_factor"),
        radius_px=None if radius_px is None else as_number(radius_px, "radius_px"),
        corners=corners,
        same_section=same_section,
        without_position=without_position,
    )


def _count(value: Any) -> int:
    return as_count(value, "z_distance", 0)


@attrs.frozen(kw_only=True, eq=False)
class PairQuery:
    """
    Which pairs of a stack are sought; see `StackWrapper.tile_pairs`.

    Attributes
    ----------
    rule : PairRule
        Which tiles are neighbours.
    z_distance : float
        Largest difference of z of two layers.
    same_layer : bool
        Whether tiles of one layer are paired.
    obscured : bool
        Whether tiles that others cover completely are paired.
    by_row_and_column : bool
        Whether tiles are placed by row and column of their layouts.
    z : iterable of float, optional
        The layers; default all.
    z_range : (float or None, float or None)
        First and last z.
    box : Bounds, optional
        Only tiles that touch it.
    only_in : Bound, optional
        A stack; only tiles whose ids it has in the same layer.
    near : collection of str, optional
        Tiles whose neighbours are sought.
    stored : Bound, optional
        A match collection whose pairs are left out.
    stored_above : int
        If > 0, only stored pairs with more matches are left out.
    base : StackKey, optional
        The stack in the URL template.
    """

    rule: PairRule
    z_distance: int = attrs.field(default=2, converter=_count)
    same_layer: bool = True
    obscured: bool = False
    by_row_and_column: bool = False
    z: Iterable[float] | None = None
    z_range: tuple[float | None, float | None] = (None, None)
    box: Bounds | None = None
    only_in: Bound[StackKey] | None = None
    near: Collection[str] | None = None
    stored: Bound[CollectionKey] | None = None
    stored_above: int = 0
    base: StackKey | None = None

    def __attrs_post_init__(self) -> None:
        if self.by_row_and_column and self.z_distance:
            raise ValueError(
                f"z_distance must be 0 with by_row_and_column: got {self.z_distance}; rows and columns of two layers "
                "are not comparable"
            )


@attrs.frozen
class WrittenPairs:
    """
    The files of tile pairs.

    Attributes
    ----------
    files : tuple of Path
        In the order of the pairs.
    pair_count : int
        The pairs in them.
    """

    files: tuple[Path, ...]
    pair_count: int


def url_template(stack: StackKey) -> str:
    """Return the URL of the render parameters of a tile of a stack, with ``{baseDataUrl}`` and ``{id}``."""
    return (
        f"{{baseDataUrl}}/owner/{stack.owner}/project/{stack.project}/stack/{stack.stack}/tile/{{id}}/render-parameters"
    )


class TilePairs:
    """
    The tile pairs of a stack, read layer by layer each time that they are iterated, written or listed.

    Examples
    --------
    ::

        pairs = stack.tile_pairs(z_distance=1)
        pairs.write("pairs.json.gz")
        collection.derive(pairs, epsilon_px=5)

    Notes
    -----
    Per pass ``stack.z_values`` and one ``section.tile_bounds`` per layer; ``section.resolved_tiles`` by row and column.
    With a stack that limits the tiles also its ``section.tile_bounds``; with stored pairs also ``match.collections``,
    ``stack.section_data`` and one ``match.with_p_group`` per section id.
    """

    def __init__(self, stack: Bound[StackKey], query: PairQuery) -> None:
        self._stack = stack
        self._query = query

    @property
    def template(self) -> str:
        """URL of the render parameters of a tile, with ``{baseDataUrl}`` and ``{id}``."""
        return url_template(self._query.base or self._stack.key)

    def tables(self) -> Iterator[PairTable]:
        """Yield the pairs of one layer after another with itself and the layers after it, sorted; some may be empty."""
        return self._by_layer()

    def table(self) -> PairTable:
        """Return all pairs, ordered by groups and ids as text."""
        return PairTable.merged(self.tables())

    def to_pandas(self) -> Any:
        """Return all pairs as a data frame; needs pandas."""
        return self.table().to_pandas()

    def __iter__(self) -> Iterator[TilePair]:
        for table in self.tables():
            yield from table

    def __repr__(self) -> str:
        return visible(f"<TilePairs of stack {self._stack}>")

    @changes_data
    def write(
        self, path: str | os.PathLike[str], *, max_pairs_per_file: int = 100_000, progress: Progress = None
    ) -> WrittenPairs:
        """
        Write the pairs to a file, or to parts if they are too many for one.

        Parameters
        ----------
        path : str or Path
            Gzipped if it ends in ``.gz``. Parts are named like ``pairs_p000.json.gz``.
        max_pairs_per_file : int
            Less than 1 counts as 1.
        progress : bool or callable, optional
            See `rendergateway.progress.tracking`; counts layers.

        Returns
        -------
        WrittenPairs
            The files, none if there are no pairs, and the number of pairs.

        Raises
        ------
        NotFoundError
            If the stack has no layer in the range, or a match collection is missing.
        RecordError
            If a tile has no section id, or by row and column no row or column.
        OSError
            If a file cannot be written.

        Notes
        -----
        Each file is complete when it appears; a note on an error or Ctrl-C names those that were written.
        """
        folder = Path(path).parent
        if not folder.is_dir():
            raise FileNotFoundError(2, "the folder of the pairs does not exist", str(folder))
        writer = PairWriter(path, self.template, max_pairs_per_file)
        left = PairTable.of([])
        try:
            with tracking(progress, f"Pairing tiles of {self._stack.key.stack}") as report:
                for number, pairs in enumerate(self._by_layer(), 1):
                    left = writer.write_full(PairTable.merged([left, pairs]))
                    report(number)
            writer.write_rest(left)
        except BaseException as error:
            if writer.files:
                add_note(error, f"{len(writer.files)} files of {writer.count} pairs were written before: "
                                f"{writer.files[0]} to {writer.files[-1].name}")  # fmt: skip
            raise
        return WrittenPairs(tuple(writer.files), writer.count)

    # Layers

    def _by_layer(self) -> Iterator[PairTable]:
        """Yield the pairs of each layer with itself and the layers after it, sorted."""
        query = self._query
        z_values = self._z_values()
        stored_of = self._stored_pairs(z_values)
        near = None if query.near is None else set(query.near)
        layers: deque[tuple[float, TileBoxes, _Stored]] = deque()
        unread = deque(z_values)
        for z in z_values:
            while unread and unread[0] <= z + query.z_distance:
                following = unread.popleft()
                layers.append((following, self._layer(following), stored_of(following)))
            _, layer, stored = layers.popleft()
            sources = None if near is None else np.fromiter((name in near for name in layer.ids), bool, len(layer))
            parts = [_without(pairs_within(layer, query.rule, sources), stored)] if query.same_layer else []
            for other_z, other, other_stored in layers:
                pairs = pairs_across(layer, other, other_z - z, query.rule, sources)
                # The p group of a pair may be that of either layer.
                parts.append(_without(pairs, {**stored, **other_stored}))
            yield PairTable.merged(parts)

    def _z_values(self) -> list[float]:
        low, high = self._query.z_range
        limits = {name: value for name, value in (("min_z", low), ("max_z", high)) if value is not None}
        found = sorted(listed_z_values(self._stack, **limits))
        if self._query.z is not None:
            wanted = set(self._query.z)
            found = [z for z in found if z in wanted]
        if not found:
            raise NotFoundError(
                f"stack {self._stack.key.stack} does not contain any layers with the specified z values"
            )
        return found

    def _layer(self, z: float) -> TileBoxes:
        query = self._query
        if query.by_row_and_column:
            return _by_row_and_column(StackReader.fresh(self._stack).layer(z).tiles.values())
        layer = layer_of(self._stack.fetch("section.tile_bounds", z=z))
        if query.only_in is not None:
            texts = _bounds_or_none(query.only_in, z)
            known = set(field_values(TileBoundsRecord, ("tile_id",), texts))
            layer = layer.selected(np.fromiter((name in known for name in layer.ids), bool, len(layer)))
        if query.box is not None:
            layer = layer.touching(query.box)
        return layer if query.obscured else layer.visible()

    def _stored_pairs(self, z_values: list[float]) -> Callable[[float], _Stored]:
        """Return what reads the stored pairs of the sections of a layer."""
        stored, above = self._query.stored, self._query.stored_above
        if stored is None:
            return lambda z: {}
        listed = cut_list(stored.client.call_raw("match.collections", owner=stored.key.owner))
        if stored.key.collection not in [CollectionRecord.from_json(text).collection_id.name for text in listed]:
            raise NotFoundError(f"owner {stored.key.owner} has no match collection {stored.key.collection!r}")
        limits = {"min_z": z_values[0], "max_z": z_values[-1]}
        sections: dict[float, list[str]] = {}
        for text in cut_list(self._stack.fetch("stack.section_data", **limits)):
            row = SectionRecord.from_json(text)
            if row.section_id is not None:
                sections.setdefault(row.z, []).append(row.section_id)
        return lambda z: {group: _stored_ids(stored, group, above) for group in sections.get(z, [])}


# Pairs of ids of a p group: (p id, q group, q id).
_Stored = dict[str, set[tuple[str, str, str]]]


def _stored_ids(stored: Bound[CollectionKey], group: str, above: int) -> set[tuple[str, str, str]]:
    found = set()
    for text in cut_list(stored.fetch("match.with_p_group", p_group=group, exclude_match_details=True)):
        ids = pair_ids(text)
        if above > 0:
            count = MatchRecord.from_json(text).match_count
            if count is None:
                raise RecordError(
                    f"stored pair {'/'.join(ids[:2])} – {'/'.join(ids[2:])} has no match count; update the counts of "
                    f"{stored.key.collection} first"
                )
            if count <= above:
                continue
        found.add(ids[1:])
    return found


def _without(pairs: PairTable, stored: _Stored) -> PairTable:
    """Return the pairs that are not stored."""
    if not any(stored.values()):
        return pairs
    nothing: set[tuple[str, str, str]] = set()
    rows = zip(*(getattr(pairs, name).tolist() for name in ("p_group", "p_id", "q_group", "q_id")), strict=True)
    return pairs[np.fromiter((row[1:] not in stored.get(row[0], nothing) for row in rows), bool, len(pairs))]


def _bounds_or_none(stack: Bound[StackKey], z: float) -> list[Any]:
    """Return the tile bounds of a layer; none if it has no tiles."""
    try:
        return cut_list(stack.fetch("section.tile_bounds", z=z))
    except NotFoundError:
        stack.fetch("stack.read")
        return []


def layer_of(bounds: Text) -> TileBoxes:
    """
    Return the tiles of a layer from their bounds, a JSON array.

    Raises
    ------
    RecordError
        If one has no section id, or a side of its box is missing.
    """
    rows = viewed(_TileBounds, TileBoundsRecord, bounds)
    columns = {name: list(map(attrgetter(name), rows)) for name in _TileBounds.__struct_fields__}
    _check(columns, ("section_id", *_EDGES), "tile")
    boxes = np.array([columns[edge] for edge in _EDGES], dtype=np.float64).T.reshape(-1, 4)
    return TileBoxes(_objects(columns["tile_id"]), _objects(_once_each(columns["section_id"])), boxes)


def _by_row_and_column(tiles: Iterable[Text]) -> TileBoxes:
    """Return tiles as cells of a grid."""
    texts, paths = list(tiles), field_paths(TileRecord)
    names = ("tile_id", "section_id", "image_row", "image_col")
    columns = {name: field_values(TileRecord, paths[name], texts) for name in names}
    _check(columns, names[1:], "layout of tile")
    x, y = (_CELL_PX * np.array(columns[name], dtype=np.float64) for name in ("image_col", "image_row"))
    boxes = np.stack([x, y, x + _CELL_PX, y + _CELL_PX], axis=1)
    return TileBoxes(_objects(columns["tile_id"]), _objects(_once_each(columns["section_id"])), boxes)


def _check(columns: dict[str, list[Any]], names: Iterable[str], what: str) -> None:
    for name in names:
        if None in columns[name]:
            tile_id = columns["tile_id"][columns[name].index(None)]
            raise RecordError(f"{what} {tile_id!r} has no {name}, which tile pairs need; set it, or leave the tile out")


def _once_each(values: list[str]) -> Iterable[str]:
    """Return equal texts as one object, which takes less memory and is faster to copy."""
    seen: dict[str, str] = {}
    return map(seen.setdefault, values, values)


def _objects(values: Iterable[Any]) -> Any:
    items = list(values)
    column = np.empty(len(items), dtype=object)
    column[:] = items
    return column
