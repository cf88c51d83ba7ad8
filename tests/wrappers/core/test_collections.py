"""Collections: chosen, ordered, measured and worked through."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rendergateway import Gateway, NotFoundError, RenderGatewayError, StackWrapper, TileTable, TileWrapper
from rendergateway.transforms import AffineModel2D
from rendergateway.wrappers.core.bulk import Bulk, mapped
from tests.wrappers.conftest import tile


@pytest.fixture
def mosaic(gateway: Gateway) -> StackWrapper:
    """Four tiles of one section in two rows, taken by two cameras, and one of another section without a layout."""
    stack = gateway.create_stack("mosaic", resolution_nm=(4, 8, 40))
    record = tile("model", 3.0, 0.0)
    tiles = [
        record.evolve(
            tile_id=f"r{row}_c{col}",
            layout=record.layout.evolve(image_row=row, image_col=col, camera_id=f"cam{col + 1}"),  # type: ignore[union-attr]
            transforms=[AffineModel2D([[1.0, 0.0, 90.0 * col], [0.0, 1.0, 70.0 * row]])],
            group_id="left" if col == 0 else None,
        )
        for row in (0, 1)
        for col in (0, 1)
    ]
    with stack.editing() as edit:
        edit.put([*tiles, tiles[0].evolve(tile_id="bare", z=4.0, layout=None, group_id="right")])
    return stack


def test_filter__fields_of_record_and_layout(mosaic: StackWrapper, gateway: Gateway) -> None:
    """Objects are chosen by fields of the record and of the layout in it, without another request."""
    tiles = mosaic.section(3).tiles()

    with gateway.counting() as requests:
        assert tiles.filter(image_row=1, image_col=0, camera_id="cam1").one().tile_id == "r1_c0"
        assert tiles.filter(image_col=lambda col: col > 0).ids == ["r0_c1", "r1_c1"]
        assert tiles.filter(z=3, width=100.0).ids == tiles.ids
        assert tiles.filter(group_id=None).ids == ["r0_c1", "r1_c1"]
        assert tiles.filter(camera_id="cam9").ids == []
    assert requests == ["section.resolved_tiles"]
    assert mosaic.tiles().filter(image_row=None).ids == ["bare"]
    assert mosaic.tiles().filter(image_row=lambda row: row >= 0).count() == 4


@pytest.mark.parametrize(
    "columns",
    [[1, 2], (1.0,), {1, 7}, frozenset([1]), range(1, 3), np.array([1, 2]), iter([1])],
    ids=lambda columns: type(columns).__name__,
)
def test_filter__one_of_several_values(mosaic: StackWrapper, columns: Any) -> None:
    """Several values mean one of them, however they are given, and however often the collection is read."""
    chosen = mosaic.section(3).tiles().filter(image_col=columns)

    assert chosen.ids == ["r0_c1", "r1_c1"]
    assert chosen.reload().ids == ["r0_c1", "r1_c1"]


def test_filter__values_of_numpy_and_lists(mosaic: StackWrapper, gateway: Gateway) -> None:
    """A number out of an array is that number, and a field that holds several values is compared as a whole."""
    with mosaic.editing() as edit:
        edit.put([mosaic.tile("r0_c0")._obj.evolve(labels=["good", "seen"])])
    tiles = mosaic.section(3).tiles()

    assert tiles.filter(image_col=np.float64(1), camera_id=np.str_("cam2")).ids == ["r0_c1", "r1_c1"]
    assert tiles.filter(camera_id=["cam1", None]).ids == tiles.filter(camera_id="cam1").ids
    good = ["good", "seen"]
    assert tiles.filter(labels=good).ids == tiles.filter(labels=[good, ["bad"]]).ids == ["r0_c0"]
    assert tiles.filter(z=[]).ids == []
    assert gateway.stacks().filter(resolution_nm=mosaic.resolution_nm).ids == gateway.stacks().ids


def test_filter__unknown_field(mosaic: StackWrapper, gateway: Gateway) -> None:
    """An unknown field is refused with a list of the known ones."""
    with (
        gateway.counting() as requests,
        pytest.raises(TypeError, match=r"unknown field row of a tile; known: .*image_row"),
    ):
        mosaic.tiles().filter(row=1)
    with pytest.raises(TypeError, match="unknown field nmae of a stack"):
        gateway.stacks().order_by("nmae")
    assert requests == []


def test_filter__properties_of_a_class_of_ones_own(mosaic: StackWrapper, gateway: Gateway) -> None:
    """Filters use properties of a subclass, including overridden fields."""

    class LabTile(TileWrapper):
        @property
        def is_left(self) -> bool:
            return self.layout.image_col == 0

        @property
        def width(self) -> float | None:
            return 7.0

    gateway.register(LabTile)

    assert mosaic.section(3).tiles().filter(is_left=True).ids == ["r0_c0", "r1_c0"]
    assert len(mosaic.section(3).tiles().filter(width=7)) == 4


def test_filter__says_what_was_looked_for(mosaic: StackWrapper, gateway: Gateway) -> None:
    """For no match or several, the message names the filter."""
    with pytest.raises(NotFoundError, match=r"no tiles of section 3\.0 with camera_id 'cam7'"):
        mosaic.section(3).tiles().filter(camera_id="cam7").one()
    with pytest.raises(NotFoundError, match=r"image_col \[100, 101, 102, 103, 104, 105, \.\.\.\]"):
        mosaic.section(3).tiles().filter(image_col=np.arange(100, 9000)).one()
    with pytest.raises(NotFoundError, match=r"stacks of project cortex with name '\*align\*' and state 'LOADING'"):
        gateway.stacks(name="*align*", state="LOADING").one()


def test_order_by__missing_comes_last(mosaic: StackWrapper) -> None:
    """Objects are sorted by several fields, descending on request; missing values come last."""
    tiles = mosaic.tiles()

    assert tiles.order_by("-image_row", "image_col").ids == ["r1_c0", "r1_c1", "r0_c0", "r0_c1", "bare"]
    assert tiles.order_by("-image_col").ids == ["r0_c1", "r1_c1", "r0_c0", "r1_c0", "bare"]
    assert [section.z for section in mosaic.sections().order_by("-tile_count")] == [3.0, 4.0]


def test_parts__follow_their_source(mosaic: StackWrapper, gateway: Gateway) -> None:
    """Slices, filters and sorts make no request of their own, and are as fresh as their source."""
    tiles = mosaic.section(3).tiles()
    first, left = tiles[:2], tiles.filter(image_col=0)
    assert not first.is_loaded

    with gateway.counting() as requests:
        assert (first.ids, left.ids) == (["r0_c0", "r0_c1"], ["r0_c0", "r1_c0"])
        assert left[1:][0] is tiles[2]
    assert requests == ["section.resolved_tiles"]
    with mosaic.editing() as edit:
        edit.put([tiles[0]._obj.evolve(tile_id="a")])
    assert first.ids == ["a", "r0_c0"]
    with gateway.counting() as again:
        first.reload()
    assert again == ["section.resolved_tiles"]


def test_part__does_not_undo_a_later_reading(stack: StackWrapper) -> None:
    """A tile of a later listing keeps the newer record, also when reached through a slice or filter of the first."""
    tiles = stack.section(1).tiles().load()
    tile = stack.tiles(z=(1, 2))[0]
    read = tile._obj

    assert tiles[:1][0]._obj is read
    assert tiles.filter(tile_id=tile.tile_id).one()._obj is read


def test_pages(mosaic: StackWrapper) -> None:
    """A collection is split into pages, which are collections; counting as in Django's Paginator works too."""
    pages = mosaic.tiles().pages(2)

    assert (len(pages), pages[0].ids, pages[-1].ids) == (3, ["bare", "r0_c0"], ["r1_c1"])
    assert [len(page) for page in pages[:2]] == [2, 2]
    assert mosaic.tiles().count() == 5
    with pytest.raises(IndexError):
        _ = pages[3]
    with pytest.raises(ValueError, match="page size must be >= 1, got 0"):
        mosaic.tiles().pages(0)


def test_index(mosaic: StackWrapper) -> None:
    """The index of an object or id is found; a missing one is a ValueError, as for a list."""
    tiles = mosaic.section(3).tiles()

    assert tiles.index(tiles[2]) == tiles.index("r1_c0") == 2
    with pytest.raises(ValueError, match="'x' is not among the tiles"):
        tiles.index("x")
    with pytest.raises(ValueError, match="not among"):
        tiles.index("r1_c0", 3)


def test_table__tiles(mosaic: StackWrapper, gateway: Gateway) -> None:
    """Tiles become a table over the same texts, with columns in nanometres on request."""
    tiles = mosaic.section(3).tiles()

    table = tiles.table()
    in_nm = tiles.table(units="nm")

    assert isinstance(table, TileTable)
    np.testing.assert_array_equal(table.image_col, [0, 1, 0, 1])
    np.testing.assert_array_equal(in_nm.max_x_nm, 4 * table.box[:, 2])
    np.testing.assert_array_equal(in_nm["max_y_nm"], 8 * table.box[:, 3])
    assert len(mosaic.tiles(pattern="c1").table()) == 2
    with pytest.raises(ValueError, match="px"):
        tiles.table(units="um")
    gateway.create_stack("bare")
    with pytest.raises(RenderGatewayError, match=r"has no resolution; stack.update\(resolution_nm=...\) sets it"):
        gateway.stacks(name="bare").table(units="nm")


def test_table__sections_and_stacks(mosaic: StackWrapper, gateway: Gateway) -> None:
    """Sections and stacks become columns of their metadata; missing numbers are NaN."""
    gateway.create_stack("empty")

    sections, stacks = mosaic.sections().table(), gateway.stacks().order_by("name").table()

    assert (sections.z.tolist(), sections.tile_count.tolist()) == ([3.0, 4.0], [4, 1])
    assert sections.max_x.tolist() == [190.0, 100.0]
    assert stacks["stack"].tolist() == ["empty", "mosaic"]
    assert np.isnan(stacks.tile_count[0])
    assert stacks.resolution_y_nm.tolist()[1] == 8.0
    assert list(stacks)[1]["state"] == "COMPLETE"
    assert mosaic.sections().table(units="nm").max_x_nm.tolist() == [760.0, 400.0]
    assert list(stacks.to_pandas()["state"]) == ["LOADING", "COMPLETE"]
    assert "tile_count" in dir(stacks)
    with pytest.raises(AttributeError, match="no column 'color'"):
        _ = stacks.color


def test_map__in_order(stack: StackWrapper) -> None:
    """Results are in the order of the objects, however they finish; progress is reported."""
    first_may_end, told = threading.Event(), list[int]()

    def work(section: object) -> str:
        if str(section) == "1.0":
            assert first_may_end.wait(30)
        elif str(section) == "3.0":
            first_may_end.set()
        return str(section)

    assert stack.sections().map(work, workers=3, progress=told.append) == ["1.0", "2.0", "3.0"]
    assert told == [1, 2, 3]


def test_map__first_error(mosaic: StackWrapper) -> None:
    """The first error in the order of the objects is raised with the object, and no more work is started."""
    begun = list[str]()

    def work(tile: TileWrapper) -> None:
        begun.append(tile.tile_id)
        raise KeyError(tile.tile_id)

    with pytest.raises(KeyError, match="bare") as caught:
        (mosaic.tiles()).map(work, workers=1)

    assert vars(caught.value)["__notes__"] == ["while processing <TileWrapper lab/cortex/mosaic/bare>"]
    assert len(begun) < 5
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("rendergateway-map")]


def test_map__interrupted(mosaic: StackWrapper) -> None:
    """Ctrl-C stops all workers."""

    def tell(done: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        mosaic.tiles().map(str, workers=2, progress=tell)

    assert not [thread for thread in threading.enumerate() if thread.name.startswith("rendergateway-map")]


def _z_and_count(section: object) -> tuple[float, int]:
    return section.z, len(section.tiles())  # type: ignore[attr-defined]


@pytest.fixture
def on_disk(tmp_path: Path) -> Iterator[StackWrapper]:
    """A stack of two sections in a file that other processes can open."""
    with Gateway(f"embedded:{tmp_path / 'render.db'}", owner="lab", project="cortex") as gateway:
        stack = gateway.create_stack("s")
        with stack.editing() as edit:
            edit.put([tile(f"t{z}", z, 0.0).evolve(transforms=[]) for z in (1.0, 2.0)])
        yield stack


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_map__in_processes(on_disk: StackWrapper) -> None:
    """Work runs in other processes, and its errors come back with the object."""
    sections = on_disk.sections()

    assert sections.map(_z_and_count, processes=2) == [(1.0, 1), (2.0, 1)]
    with pytest.raises(ValueError, match="could not convert") as caught:
        on_disk.tiles().map(_fail, processes=2)
    assert vars(caught.value)["__notes__"][-1] == "while processing <TileWrapper lab/cortex/s/t1.0>"


def _fail(tile: TileWrapper) -> float:
    return float(tile.tile_id)


def test_map__wrong_numbers(stack: StackWrapper) -> None:
    """Threads together with processes, and fewer than one worker, are refused."""
    with pytest.raises(TypeError, match="workers= are threads and processes= are processes; pass one of them"):
        stack.sections().map(str, workers=2, processes=2)
    with pytest.raises(ValueError, match="workers must be >= 1, got -1"):
        stack.sections().map(str, workers=-1)


def test_map__what_does_not_travel(stack: StackWrapper) -> None:
    """Work that cannot be pickled is refused before a process is started."""
    with pytest.raises(
        TypeError, match=r"<lambda>.* cannot be pickled for another process: .*; pass a module-level func"
    ):
        stack.sections().map(lambda section: section.z, processes=2)


def test_prefetch__children_are_there_when_reached(stack: StackWrapper, gateway: Gateway) -> None:
    """After prefetch a loop over sections and tiles makes no request, without other references to them."""
    with gateway.counting() as requests:
        sections = stack.sections().prefetch(workers=3)
    assert sorted(requests) == ["section.resolved_tiles"] * 3 + ["stack.z_values"]

    with gateway.counting() as again:
        assert [len(section.tiles()) for section in sections] == [2, 2, 2]
        assert [len(section.tiles()) for section in sections[1:]] == [2, 2]
    assert again == []


def test_prefetch__tiles_by_id(stack: StackWrapper, gateway: Gateway) -> None:
    """Objects that have no children are loaded themselves."""
    tiles = stack.tiles(pattern="t1").prefetch()

    with gateway.counting() as requests:
        assert [tile.z for tile in tiles] == [1.0, 1.0]
    assert requests == []


def test_stacks__by_pattern_and_state(mosaic: StackWrapper, gateway: Gateway) -> None:
    """Stacks are found by a pattern of the name and by state, in one request."""
    gateway.create_stack("v1_mosaic")

    with gateway.counting() as requests:
        stacks = gateway.stacks(name="*mosaic")
        assert sorted(stacks.ids) == ["mosaic", "v1_mosaic"]
        assert gateway.stacks("v?_*", state="LOADING").one().name == "v1_mosaic"
        assert gateway.stacks(state="COMPLETE").one() is mosaic
    assert requests == ["project.stacks"]
    assert Gateway.stacks(gateway, "mosaic").one() is mosaic
    with pytest.raises(ValueError, match="COMPLETE"):
        gateway.stacks(state="complete")


def test_map__bounded_in_flight() -> None:
    """The number of objects in flight is bounded."""
    taken, told = list[int](), list[int]()

    class Numbers(list[int]):
        def __iter__(self) -> Iterator[int]:
            for number in super().__iter__():
                taken.append(number)
                yield number

    bulk = Bulk(workers=3, progress=lambda done: told.append(len(taken) - done))
    mapped(str, Numbers(range(100)), bulk, what="numbers")

    assert max(told) <= 2 * 3
