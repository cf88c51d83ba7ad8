"""
Code as users write it, with the types that their editors show.

mypy and pyright (strict) check the assertions; test_user_code runs the functions on a small stack.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import numpy as np
import numpy.typing as npt
from typing_extensions import assert_type

from rendergateway import (
    Bounds,
    Collection,
    Gateway,
    MatchCollectionWrapper,
    MatchGroupWrapper,
    MatchPairWrapper,
    MatchRecord,
    MatchTable,
    MergedMatches,
    ObjectWrapper,
    OwnerWrapper,
    Picture,
    PictureOptions,
    ProjectWrapper,
    Removal,
    SectionWrapper,
    SharedTransformWrapper,
    StackEdit,
    StackWrapper,
    TileGroupWrapper,
    TileRecord,
    TileTable,
    TileWrapper,
    Window,
)
from rendergateway.model import Layout
from rendergateway.model.tables.row_table import RowTable
from rendergateway.transforms import AffineModel2D, Transform, TransformList
from rendergateway.wrappers.core.pages import Page


class LabTile(TileWrapper):
    """A tile with a score."""

    @property
    def score(self) -> float:
        """For example the brightness."""
        return 0.5


class LabGateway(Gateway):
    """A gateway of a lab."""

    def owner_names(self) -> list[str]:
        """Return the names of all owners."""
        return [owner.name for owner in self.owners()]


def navigation(gateway: Gateway) -> None:
    """From owners down to transforms, and up again."""
    assert_type(gateway.owners(), Collection[OwnerWrapper])
    owner = gateway.owner("lab")
    assert_type(owner, OwnerWrapper)
    assert_type(owner.projects(), Collection[ProjectWrapper])
    project = owner.projects()[0]
    assert_type(project, ProjectWrapper)
    assert_type(project.stacks(), Collection[StackWrapper])
    assert_type(gateway.project("cortex").owner, OwnerWrapper)

    stack = gateway.stack("montage")
    assert_type(stack, StackWrapper)
    assert_type(stack.bounds, Bounds | None)
    assert_type(stack.modified, datetime | None)
    assert_type(stack.resolution_nm, tuple[float | None, float | None, float | None])
    assert_type(stack.sections(z=(1, None)), Collection[SectionWrapper])
    section = stack.sections()[0]
    assert_type(section, SectionWrapper)
    assert_type(section.next, SectionWrapper | None)
    assert_type(section.tiles(), Collection[TileWrapper])
    assert_type(stack.section(z=1.0).stack, StackWrapper)

    tile = stack.sections()[0].tiles()[0]
    assert_type(tile, TileWrapper)
    assert_type(tile.bounds, Bounds | None)
    assert_type(tile.layout, Layout)
    assert_type(tile.layout.section_id, str | None)
    assert_type(tile.transforms, TransformList)
    assert_type(tile.section, SectionWrapper)
    assert_type(tile.section.stack.project.owner.name, str)
    assert_type(tile.neighbours(), Collection[TileWrapper])
    assert_type(tile.group, TileGroupWrapper | None)
    assert_type(tile.shared_transforms(), Collection[SharedTransformWrapper])
    assert_type(tile.world_from_local([0, 0]), npt.NDArray[np.float64])
    last: Transform = tile.transforms[-1]
    assert_type(last.apply([[0.0, 0.0]]), npt.NDArray[np.float64])
    if tile.bounds is not None:
        assert_type(tile.bounds.width, float)


def collections(section: SectionWrapper) -> None:
    """A selection from a collection has the type of its objects."""
    tiles = section.tiles()
    assert_type(tiles.filter(width=[10, 20], image_row=_is_first), Collection[TileWrapper])
    assert_type(tiles.order_by("-z", "name"), Collection[TileWrapper])
    assert_type(tiles[:2], Collection[TileWrapper])
    assert_type(tiles.first, TileWrapper | None)
    assert_type(tiles[:1].one(), TileWrapper)
    assert_type(tiles.get(tiles[0].id), TileWrapper)
    assert_type(tiles.map(_tile_id, workers=2), list[str])
    assert_type(tiles.prefetch(progress=False), Collection[TileWrapper])
    assert_type(tiles.records().__next__(), TileRecord)
    for tile in reversed(tiles):
        assert_type(tile, TileWrapper)

    page = tiles.pages(3).page(1)
    assert_type(page, Page[TileWrapper])
    assert_type(page.objects, Collection[TileWrapper])
    for tile in page:
        assert_type(tile, TileWrapper)
    assert_type(tiles.pages(3)[0][0], TileWrapper)

    objects: Sequence[ObjectWrapper[Any]] = tiles
    assert_type(objects[0].name, str)


def tables(stack: StackWrapper) -> None:
    """Each kind of object has its table."""
    assert_type(stack.tiles().table(), TileTable)
    assert_type(stack.tiles().table().last_affine, npt.NDArray[np.float64])
    assert_type(stack.tiles().table(units="nm"), RowTable)
    assert_type(stack.sections().table(), RowTable)
    assert_type(stack.tiles().table()[0], TileRecord)


def _is_first(value: int) -> bool:
    return value == 0


def _tile_ids(tiles: Collection[TileWrapper]) -> list[str]:
    return [tile.tile_id for tile in tiles]


def _tile_id(tile: TileWrapper) -> str:
    return tile.tile_id


def registered(gateway: Gateway) -> None:
    """A registered class is reached with its type, and fits where its base is expected."""

    @gateway.register
    class ScoredTile(LabTile):
        """A tile registered by the decorator."""

        @property
        def doubled(self) -> float:
            """Twice the score."""
            return 2 * self.score

    section = gateway.stack("montage").sections()[0]
    tiles = section.tiles().of(ScoredTile)
    assert_type(tiles, Collection[ScoredTile])
    assert_type([tile.doubled for tile in tiles], list[float])
    assert_type(tiles[0].bounds, Bounds | None)
    assert_type(_tile_ids(tiles), list[str])

    with gateway.registered(LabTile, replace=True) as same:
        assert_type(same, Gateway)
    assert_type(gateway.register(LabTile, replace=True), type[LabTile])


def matches(gateway: Gateway) -> None:
    """Pairs and their points."""
    collection = gateway.match_collection("matches", frame="raw")
    assert_type(collection, MatchCollectionWrapper)
    assert_type(collection.pairs(), Collection[MatchPairWrapper])
    assert_type(collection.pairs(within="1.0"), Collection[MatchPairWrapper])
    assert_type(collection.groups(), Collection[MatchGroupWrapper])
    pair = collection.pairs()[0]
    assert_type(pair, MatchPairWrapper)
    assert_type(pair.p, npt.NDArray[np.float64])
    assert_type(collection.pair("a", "b", p_group="1.0", q_group="1.0"), MatchPairWrapper)
    assert_type(collection.table(within="1.0"), MatchTable)
    assert_type(collection.pairs().table(), MatchTable)
    assert_type(next(collection.iter_pairs(points=False, outside="1.0")), MatchPairWrapper)
    assert_type(next(collection.pairs().records()), MatchRecord)
    merged = collection.merged_with("matches")
    assert_type(merged, MergedMatches)
    assert_type(merged.pairs(), Collection[MatchPairWrapper])
    tile = gateway.stack("montage").sections()[0].tiles()[0]
    assert_type(tile.matches(collection), Collection[MatchPairWrapper])
    assert_type(pair.tiles(tile.stack), tuple[TileWrapper, TileWrapper])


def pictures(gateway: Gateway) -> None:
    """Options of pictures are typed keywords."""
    section = gateway.stack("montage").sections()[0]
    picture = section.image(scale=0.5, intensity=(0, 255), compute="local", mask=None)
    assert_type(picture, Picture)
    assert_type(section.thumbnail(32, background="#102030", compute="local"), Picture)
    assert_type(section.tiles()[0].image(compute="local", dtype="uint8"), Picture)
    assert_type(section.url("jpg", filter=True, max_tiles=100), str)
    assert_type(PictureOptions(channels={"DAPI": Window(0, 255, "#ff0000")}).is_local, bool)


def editing(gateway: Gateway) -> None:
    """Records are typed, and so is what saves them."""
    record = TileRecord(tile_id="new", z=9.0, width=10, height=10, transforms=TransformList([AffineModel2D()]))
    assert_type(record.tile_id, str)
    assert_type(record.z, float | None)
    assert_type(record.layout, Layout | None)
    assert_type(record.evolve(z=4.0), TileRecord)

    with gateway.temporary_stack("trial") as stack:
        assert_type(stack, StackWrapper)
        with stack.editing(workers=1) as edit:
            assert_type(edit, StackEdit)
            edit.put([record])
        assert_type(stack.state, str)
        assert_type(stack.delete(dry_run=True), Removal | None)
    with gateway.counting() as requests:
        assert_type(requests, list[str])


def blitz(gateway: Gateway) -> None:
    """The verbs of Blitz Gateway have the types of the primary ones."""
    stack = gateway.getObject("Stack", "montage")
    assert_type(stack, StackWrapper | None)
    assert_type(gateway.get_object("MatchCollection", "matches"), MatchCollectionWrapper | None)
    assert_type(gateway.getObjects("Project"), Collection[ProjectWrapper])
    assert stack is not None
    assert_type(stack.getId(), Any)
    assert_type(stack.getName(), str)
    assert_type(stack.getParent(), ProjectWrapper)
    assert_type(stack.getAncestry(), list[ObjectWrapper[Any]])
    assert_type(stack.listChildren(), Collection[SectionWrapper])
    assert_type(stack.countChildren(), int)
    assert_type(stack.simpleMarshal(parents=True), dict[str, Any])
    for project in gateway.listProjects():
        assert_type(project, ProjectWrapper)
        for child in project.listChildren():
            assert_type(child.getParent(), ProjectWrapper)
            assert_type(child.listChildren()[0].listChildren(), Collection[TileWrapper])


def gateways(address: str) -> None:
    """A gateway keeps its class."""
    with LabGateway(address, owner="lab", workers=2, create=True) as lab:
        assert_type(lab, LabGateway)
        assert_type(lab.owner_names(), list[str])
        assert_type(lab.using(project="tests"), LabGateway)


def environment() -> None:
    """Gateways to what environment and profiles name."""
    assert_type(LabGateway.from_env(owner="lab", timeout_s=5.0), LabGateway)
    assert_type(Gateway.from_profile("lab", project="cortex"), Gateway)
