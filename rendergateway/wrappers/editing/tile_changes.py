"""Changes of the tiles of a stack while they are copied: z and place."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime

import attrs
import numpy as np

from rendergateway.display import call_text
from rendergateway.errors import BadRequestError, RecordError
from rendergateway.model.records.json_slices import encode
from rendergateway.model.records.stacks import SectionRecord, StackRecord, StackVersion
from rendergateway.model.tables.tile_table import TileTable
from rendergateway.model.tile_text.edits import changed_transforms, reference_text
from rendergateway.number_text import double_text
from rendergateway.transforms import AffineModel2D, LeafTransform, TranslationModel2D
from rendergateway.wrappers.core.arguments import as_count, as_number
from rendergateway.wrappers.editing.derived import with_thinner_sections

__all__ = ["PreparedChanges", "TileChanges"]

_ORIGIN_PX = 10.0
_MARGIN_PX = 100


def _sections(value: int | None) -> int | None:
    return None if value is None else as_count(value, "split_sections")


def _z(value: float) -> float:
    return as_number(value, "add_to_z")


@attrs.frozen(kw_only=True)
class TileChanges:
    """
    Changes of tiles while they are copied.

    Parameters
    ----------
    add_to_z : float
        Added to the z of each tile.
    split_sections : int, optional
        Move each section id of a layer to a layer of its own: those of z, ordered by id, to z · *split_sections* and
        the layers after it. The section thickness of a new copy is divided by it.
    to_origin : bool
        Translate the stack so that its bounds begin at (10, 10), unless they begin between there and (0, 0), by one
        shared transform after all others.
    at_stage : bool
        Replace the last transform of each tile by a translation to its stage position.
    in_grid : bool
        Lay the tiles of each layer out in a grid, ordered by id, 100 pixels apart, without their transforms: for a
        review of a few tiles of many.

    Raises
    ------
    ValueError
        If changes exclude each other.
    """

    add_to_z: float = attrs.field(default=0.0, converter=_z)
    split_sections: int | None = attrs.field(default=None, converter=_sections)
    to_origin: bool = False
    at_stage: bool = False
    in_grid: bool = False

    def __repr__(self) -> str:
        return call_text("TileChanges", attrs.asdict(self, recurse=False))

    def __attrs_post_init__(self) -> None:
        if self.split_sections is not None and self.add_to_z:
            raise ValueError("split_sections and add_to_z exclude each other")
        if self.to_origin + self.at_stage + self.in_grid > 1:
            raise ValueError("to_origin, at_stage and in_grid exclude each other")

    @property
    def moves_z(self) -> bool:
        """Whether tiles change their layers."""
        return bool(self.add_to_z) or self.split_sections is not None

    def version(self, version: StackVersion) -> StackVersion:
        """Return the metadata of a copy: the section thickness is divided as the layers are."""
        return version if self.split_sections is None else with_thinner_sections(version, self.split_sections)

    def prepared(self, source: StackRecord, sections: Callable[[], Iterable[SectionRecord]]) -> PreparedChanges:
        """
        Return the changes of the tiles of one stack.

        Parameters
        ----------
        source : StackRecord
            The stack, with its bounds for *to_origin*.
        sections : callable
            Reads its section data, for *split_sections*.

        Raises
        ------
        BadRequestError
            If the stack has no bounds.
        RecordError
            If a layer has too many sections.
        """
        z_of = {} if self.split_sections is None else _split(sections(), self.split_sections)
        return PreparedChanges(self, z_of, *self._shift(source))

    def _shift(self, source: StackRecord) -> tuple[str | None, dict[str, bytes]]:
        if not self.to_origin:
            return None, {}
        box = None if source.stats is None or source.stats.stack_bounds is None else source.stats.stack_bounds.bounds
        if box is None:
            raise BadRequestError(f"stack is {source.state} and has no bounds; make it COMPLETE before to_origin")
        if 0 <= box.min_x <= _ORIGIN_PX and 0 <= box.min_y <= _ORIGIN_PX:
            return None, {}
        name = f"MOVE_STACK_{datetime.now():%Y%m%d_%I%M%S_%f}"[:-3]
        x, y = (double_text(_ORIGIN_PX - side) for side in (box.min_x, box.min_y))
        return name, {name: _leaf(AffineModel2D, f"1 0 0 1 {x} {y}", id=name)}


@attrs.frozen
class PreparedChanges:
    """
    Changes of the tiles of one stack.

    Attributes
    ----------
    changes : TileChanges
    z_of : mapping of (float, str) to float
        The new z of the tiles of a layer with a section id.
    shift : str or None
        Id of the shared transform after all others.
    shared : mapping of str to JSON text
        Shared transforms to be saved with the tiles.
    """

    changes: TileChanges
    z_of: Mapping[tuple[float, str], float]
    shift: str | None
    shared: Mapping[str, bytes]

    def of(self, tiles: TileTable, z: float) -> TileTable:
        """
        Return the tiles of layer *z*, changed; bounding boxes that no longer fit are removed.

        Raises
        ------
        RecordError
            If a tile has no stage position, section id or size.
        """
        if self.changes.at_stage:
            tiles = _at_stage(tiles)
        elif self.changes.in_grid:
            tiles = _in_grid(tiles)
        elif self.shift is not None:
            tiles = _changed(tiles, "append", [reference_text(self.shift)] * len(tiles))
        if self.changes.add_to_z:
            return tiles.evolve(z=tiles.z + self.changes.add_to_z)
        return tiles if self.changes.split_sections is None else tiles.evolve(z=self._split(tiles, z))

    def _split(self, tiles: TileTable, z: float) -> list[float]:
        found = [self.z_of.get((z, section_id)) for section_id in tiles.section_id]
        for tile_id, section_id, new in zip(tiles.tile_id, tiles.section_id, found, strict=True):
            if new is None:
                raise RecordError(
                    f"section id of tile {tile_id!r} is {section_id!r}, which is not among the sections of z {z:g}; "
                    "make the stack COMPLETE, so that its section data are those of its tiles"
                )
        return found  # type: ignore[return-value]


def _split(sections: Iterable[SectionRecord], most: int) -> dict[tuple[float, str], float]:
    layers: dict[float, list[str]] = {}
    for section in sections:
        if section.section_id is not None:
            layers.setdefault(section.z, []).append(section.section_id)
    for z, ids in layers.items():
        if len(ids) > most:
            raise RecordError(f"{len(ids)} sections exist for z {z:g}: got split_sections={most}; use more")
    return {(z, name): z * most + place for z, ids in layers.items() for place, name in enumerate(sorted(ids))}


def _at_stage(tiles: TileTable) -> TileTable:
    missing = np.flatnonzero(np.isnan(tiles.stage).any(axis=1))
    if missing.size:
        raise RecordError(f"tile {tiles.tile_id[int(missing[0])]!r} has no stage position; leave it out of the copy")
    places = (f"1 0 0 1 {double_text(x)} {double_text(y)}" for x, y in tiles.stage.tolist())
    return _changed(tiles, "replace_last", [_leaf(AffineModel2D, place) for place in places])


def _leaf(kind: type[LeafTransform], data: str, **members: str) -> bytes:
    return encode({**members, "type": "leaf", "className": kind.JAVA_NAME, "dataString": data})


def _changed(tiles: TileTable, how: str, transforms: Iterable[bytes]) -> TileTable:
    texts = [changed_transforms(text, how, new, {}) for text, new in zip(tiles.texts, transforms, strict=True)]
    return TileTable(texts, shared=tiles.shared)


def _in_grid(tiles: TileTable) -> TileTable:
    missing = np.flatnonzero(np.isnan(tiles.size).any(axis=1))
    if missing.size:
        raise RecordError(f"tile {tiles.tile_id[int(missing[0])]!r} has no size; set width and height")
    order = np.argsort(tiles.tile_id, kind="stable")
    columns = math.ceil(math.sqrt(len(tiles)))
    texts: list[bytes] = [b""] * len(tiles)
    x = y = row_height = 0
    for place, row in enumerate(order.tolist()):
        if place and place % columns == 0:
            x, y, row_height = 0, y + row_height + _MARGIN_PX, 0
        texts[row] = _leaf(TranslationModel2D, f"{x} {y}")
        width, height = map(int, tiles.size[row])
        x, row_height = x + width + _MARGIN_PX, max(row_height, height)
    return _changed(tiles, "replace_all", texts)
