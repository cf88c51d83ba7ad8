"""What a stack leads to: sections, tiles, groups of tiles, shared transforms."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, TypeVar

from rendergateway.errors import NotFoundError
from rendergateway.geometry import Bounds
from rendergateway.model import StackRecord, TileRecord
from rendergateway.model.tables.field_values import field_values
from rendergateway.wrappers.core.arguments import ZRange, as_box, as_name, as_z, as_z_range
from rendergateway.wrappers.core.collection import Collection, Listing
from rendergateway.wrappers.core.keys import SectionKey, StackKey, TileGroupKey, TileKey, TransformKey, keys_below
from rendergateway.wrappers.core.object import ObjectWrapper
from rendergateway.wrappers.reading import tiles as tile_listings
from rendergateway.wrappers.reading.shared_transforms import SharedTransforms
from rendergateway.wrappers.reading.splitting import Asked

if TYPE_CHECKING:
    from rendergateway.wrappers.objects.section import SectionWrapper
    from rendergateway.wrappers.objects.shared_transform import SharedTransformWrapper
    from rendergateway.wrappers.objects.tile import TileWrapper
    from rendergateway.wrappers.objects.tile_group import TileGroupWrapper

__all__ = ["StackParts"]

S = TypeVar("S")
T = TypeVar("T")


class StackParts(ObjectWrapper[StackRecord]):
    """The way down from a stack."""

    __slots__ = ()

    _key: StackKey

    def sections(self, z: ZRange = None) -> Collection[SectionWrapper]:
        """
        Return the sections of this stack: its z values, ascending.

        Parameters
        ----------
        z : (float, float) or float, optional
            Only those from the first to the last, both included; None leaves an end open.

        Notes
        -----
        No request now; one, ``stack.z_values``, when the collection is first read.
        """
        low, high = as_z_range(z)
        values = {name: value for name, value in (("min_z", low), ("max_z", high)) if value is not None}

        def load() -> Listing:
            z_values = [float(z) for z in self._call("stack.z_values", **values)]
            return Listing(z_values, keys_below(SectionKey, *self._key))

        remembered = self._children if z is None else self._selection
        sections: Collection[SectionWrapper] = remembered("section", f"sections{_words(low, high)}", load)
        return sections

    def section(self, z: float | None = None, *, section_id: str | None = None) -> SectionWrapper:
        """
        Return a section.

        Parameters
        ----------
        z : float, optional
            Its position.
        section_id : str, optional
            What the layouts of its tiles say; where they lie in several layers, one of them.

        Raises
        ------
        NotFoundError
            If no tile carries that section id.
        TypeError
            If not exactly one of them is given, or *z* is no number.
        ValueError
            If *z* is not finite.

        Notes
        -----
        By *z* no request, so that nothing says yet whether it has tiles. By *section_id* one, ``section_id.z``, once.
        """
        if (z is None) == (section_id is None):
            raise TypeError("a section is named by z or by section_id: give one of them")
        if z is None:
            z = self._remembered(("z of", section_id), lambda: self._call("section_id.z", section_id=section_id))
        section: SectionWrapper = self._child("section", SectionKey(*self._key, as_z(z)))
        return section

    def tiles(
        self,
        *,
        z: ZRange = None,
        box: Bounds | None = None,
        section_id: str | None = None,
        pattern: str | None = None,
    ) -> Collection[TileWrapper]:
        """
        Return tiles of this stack, ordered by id; without arguments all of them.

        Parameters
        ----------
        z : float or (float, float), optional
            Only those of this section, or from the first to the last; None leaves an end open.
        box : Bounds, optional
            Only those whose boxes touch this one, in world pixels.
        section_id : str, optional
            Only those whose layouts carry this section id; alone.
        pattern : str, optional
            Only those whose ids match this regular expression of the service, anywhere; not with *box*.

        Raises
        ------
        TypeError
            If what is given does not go together, or is no such thing.
        ValueError
            If *z* is not finite, or *box* goes from a larger number to a smaller one.
        NotFoundError
            When the collection is read, if the stack does not exist.

        Notes
        -----
        No request now. When the collection is first read: of one section ``section.resolved_tiles``; by *box*, of a
        range of z or of the whole stack ``stack.resolved_tiles``; by *section_id* ``section_id.tile_bounds`` and
        ``section.resolved_tiles``; by *pattern* ``stack.tile_ids``, and each tile loads itself (``prefetch`` loads them
        all). What a service refuses as too much is read in pieces. Where nothing is found another, ``stack.read``,
        tells a stack without such tiles from one that is not there.
        """
        low, high = as_z_range(z)
        box = as_box(box)
        if section_id is not None:
            if z is not None or box is not None or pattern is not None:
                raise TypeError("section_id chooses tiles alone; filter() chooses among them")
            return self._tiles(
                f"with section id {section_id}", lambda: tile_listings.tiles_of_section_id(self, section_id)
            )
        if pattern is not None:
            if box is not None:
                raise TypeError("the service does not choose by pattern and box at once; filter() chooses among tiles")
            what = f"matching {pattern!r}{_words(low, high)}"
            return self._tiles(what, lambda: tile_listings.ids_that_match(self, pattern, (low, high)))
        if box is None and low is not None and low == high:
            return self.section(low).tiles()
        return self._asked_for(Asked((low, high), box))

    def _asked_for(self, asked: Asked) -> Collection[TileWrapper]:
        box = "" if asked.box is None else f"in {tuple(asked.box)}"
        return self._tiles(f"{box}{_words(*asked.z)}", lambda: tile_listings.tiles_asked_for(self, asked))

    def _tiles(self, what: str, load: Callable[[], Listing]) -> Collection[TileWrapper]:
        tiles: Collection[TileWrapper] = self._selection("tile", f"tiles {what.strip()}".strip(), load)
        return tiles

    def iter_tiles(self, *, z: ZRange = None, batch: int | None = None) -> Iterator[TileWrapper]:
        """
        Yield the tiles of any number of sections, one section after another, in flat memory.

        Parameters
        ----------
        z : (float, float) or float, optional
            As for `sections`.
        batch : int, optional
            As for `SectionWrapper.iter_tiles`.

        Notes
        -----
        ``stack.z_values``; then as `SectionWrapper.iter_tiles` for each section.
        """
        for section in self.sections(z):
            yield from section.iter_tiles(batch=batch)

    def tile(self, tile_id: str) -> TileWrapper:
        """Return the tile of that id; no request, so that nothing says yet whether it is there."""
        tile: TileWrapper = self._child("tile", TileKey(*self._key, as_name(tile_id, "tile")))
        return tile

    def tile_group(self, name: str) -> TileGroupWrapper:
        """Return the group of tiles of that name; no request, so that nothing says yet whether it has tiles."""
        group: TileGroupWrapper = self._child("tile_group", TileGroupKey(*self._key, as_name(name, "tile group")))
        return group

    def tile_groups(self) -> Collection[TileGroupWrapper]:
        """
        Return the groups that tiles of this stack are in, by name.

        Notes
        -----
        The service lists no groups. When the collection is first read, all tiles are, as `iter_tiles` does.
        """

        def load() -> Listing:
            pieces = (piece for section in self.sections() for piece in section._pieces(None))
            path = ("group_id",)
            names = {name for piece in pieces for name in field_values(TileRecord, path, list(piece.tiles.values()))}
            return Listing(sorted(names - {None}), keys_below(TileGroupKey, *self._key))

        groups: Collection[TileGroupWrapper] = self._children("tile_group", "tile groups", load)
        return groups

    def transform(self, transform_id: str) -> SharedTransformWrapper:
        """Return the shared transform of that id; no request, so that nothing says yet whether it is there."""
        key = TransformKey(*self._key, as_name(transform_id, "shared transform"))
        transform: SharedTransformWrapper = self._child("transform", key)
        return transform

    def children(self) -> Collection[SectionWrapper]:
        """Return the sections."""
        return self.sections()

    @property
    def shared_transforms(self) -> SharedTransforms:
        """The transforms stored once for many tiles, by id; each is read when first asked for."""
        shared: SharedTransforms = self._remembered("shared transforms", lambda: SharedTransforms(self._text))
        return shared

    def _unless_missing(self, read: Callable[[], T], nothing: S) -> T | S:
        """
        Return what *read* reads, or *nothing* where the service finds nothing although the stack is there.

        Raises
        ------
        NotFoundError
            If the stack does not exist.

        Notes
        -----
        One request, ``stack.read``, where *read* finds nothing.
        """
        try:
            return read()
        except NotFoundError:
            self._load()
            return nothing


def _words(low: float | None, high: float | None) -> str:
    if low is None and high is None:
        return ""
    return (
        f" at z {low:g}"
        if low == high
        else f" of z {'' if low is None else f'{low:g}'}…{'' if high is None else f'{high:g}'}"
    )
