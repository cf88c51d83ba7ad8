"""Tiles of a stack read as they are stored now, whatever was read before: what a write starts from."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, TypeAlias

from rendergateway.errors import RecordError
from rendergateway.model import ResolvedTiles
from rendergateway.model.records.json_slices import Text, copy_of
from rendergateway.model.records.tiles import TileRecord
from rendergateway.wrappers.core.arguments import as_z
from rendergateway.wrappers.reading.shared_transforms import SharedTransforms
from rendergateway.wrappers.reading.tiles import read_layer

if TYPE_CHECKING:
    from rendergateway.wrappers.objects.section import SectionWrapper
    from rendergateway.wrappers.objects.stack import StackWrapper

__all__ = ["Sections", "StoredTiles", "z_values_of"]

Sections: TypeAlias = "Iterable[float | str | SectionWrapper] | float | str | SectionWrapper"

# Up to so many tiles are read one by one; for more, their layers are.
_FEW = 8


def z_values_of(stack: StackWrapper, sections: Sections | None) -> list[float]:
    """
    Return the z values that are meant, each once; all of the stack where none are given.

    Raises
    ------
    ValueError
        If no section is given, or one at a z that is not finite.
    TypeError
        If something else is given.
    """
    if sections is None:
        return [float(z) for z in stack._call("stack.z_values")]
    # A text is one z, not its letters.
    given = [sections] if isinstance(sections, str) or not isinstance(sections, Iterable) else sections
    found = dict.fromkeys(as_z(getattr(section, "z", section)) for section in given)
    if not found:
        raise ValueError("there are no sections among those given; leave sections= out to mean all of them")
    return list(found)


class StoredTiles:
    """
    The tiles of a stack, read anew at each call.

    Parameters
    ----------
    stack : StackWrapper
        Whose tiles.

    Attributes
    ----------
    transforms : SharedTransforms
        The shared transforms that came with tiles, or were asked for.
    """

    def __init__(self, stack: StackWrapper) -> None:
        self.stack = stack
        self.transforms = SharedTransforms(stack._text)

    def layer(self, z: float) -> ResolvedTiles:
        """
        Return the tiles of a layer with their shared transforms; none where the layer is empty.

        Notes
        -----
        One request, ``section.resolved_tiles``; more where the layer is too large for one answer.
        """
        layer = read_layer(self.stack, z)
        self.transforms.add(layer.transforms)
        return layer

    def named(self, tile_ids: Iterable[str]) -> Iterator[tuple[str, Text]]:
        """
        Yield tiles by their ids, in the order of the layers; one layer is in memory.

        Raises
        ------
        NotFoundError
            If the stack has no tile of an id.
        RecordError
            If a tile is not in the layer that it names.

        Notes
        -----
        A ``tile.read`` and a ``section.resolved_tiles`` for each layer in which there are tiles of those ids; where
        only a few are left, a ``tile.read`` each.
        """
        left = dict.fromkeys(tile_ids)
        while left:
            first = next(iter(left))
            text = self.stack._text("tile.read", tile_id=first)
            found = ResolvedTiles({first: copy_of(text)}) if len(left) <= _FEW else self._layer_of(first, text)
            for tile_id in [tile_id for tile_id in left if tile_id in found.tiles]:
                del left[tile_id]
                yield tile_id, found.tiles[tile_id]

    def _layer_of(self, tile_id: str, text: Text) -> ResolvedTiles:
        z = TileRecord.from_json(text).z
        layer = self.layer(z) if z is not None else ResolvedTiles()
        if tile_id not in layer.tiles:
            raise RecordError(f"tile {tile_id!r} of stack {self.stack} is not in the layer that it names, z {z}")
        return layer
