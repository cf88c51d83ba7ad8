"""Tile pairs of a stack: its options, lazy reading, and files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from rendergateway import (
    Bounds,
    Gateway,
    Layout,
    MatchCollectionWrapper,
    NotFoundError,
    RecordError,
    StackStateError,
    StackWrapper,
    TileRecord,
)
from rendergateway.testing import make_stack

Ids = list[tuple[str, str]]


@pytest.fixture
def grid(gateway: Gateway) -> StackWrapper:
    """Three sections of three rows and columns, COMPLETE, with the matches of all neighbours in ``truth``."""
    return make_stack(gateway, "grid", sections=3, rows=3, columns=3, matches="truth")


def ids(stack: StackWrapper, **options: Any) -> Ids:
    return [(pair.p_id, pair.q_id) for pair in stack.tile_pairs(**options).table()]


def test_pairs__of_one_section(grid: StackWrapper) -> None:
    """The neighbours of a grid are those beside and below, with positions."""
    pairs = list(grid.tile_pairs(z=2, z_distance=0))

    found = {(one.p_id, one.q_id): (one.p_position, one.q_position, one.delta_z) for one in pairs}
    assert len(pairs) == len(found) == 12
    assert found["s2_r0_c0", "s2_r0_c1"] == ("LEFT", "RIGHT", 0.0)
    assert found["s2_r0_c0", "s2_r1_c0"] == ("TOP", "BOTTOM", 0.0)


def test_pairs__corners(grid: StackWrapper) -> None:
    """Corners are pairs on request."""
    found = ids(grid, z=1, z_distance=0, corners=True)

    assert len(found) == 20
    assert ("s1_r0_c0", "s1_r1_c1") in found


def test_pairs__across(grid: StackWrapper) -> None:
    """Layers up to the distance are paired; without the layer itself only those."""
    every = grid.tile_pairs(z_distance=2, same_layer=False).table()
    near = grid.tile_pairs(z_distance=1, same_layer=False).table()

    assert sorted(set(every.delta_z)) == [1.0, 2.0]
    assert sorted(set(near.delta_z)) == [1.0]
    assert set(every.p_position) == {""}
    assert ids(grid, z=(1, 2), sections=[1, 2], z_distance=2) == ids(grid, z=(1, 2))


def test_pairs__a_radius(grid: StackWrapper) -> None:
    """A radius in pixels replaces the factor."""
    assert ids(grid, z=1, z_distance=0, radius_px=1) == []
    assert len(ids(grid, z=1, z_distance=0, radius_px=5000, corners=True)) == 36


def test_pairs__box_and_near(grid: StackWrapper) -> None:
    """A box, and tiles whose neighbours are sought, limit the pairs."""
    corner = grid.tile("s1_r0_c0").bounds
    assert corner is not None
    inner = Bounds(corner.min_x, corner.min_y, corner.max_x - 100, corner.max_y - 100)
    assert ids(grid, z=1, z_distance=0, box=inner) == []
    assert ids(grid, z=1, z_distance=0, near=["s1_r2_c2"]) == [("s1_r1_c2", "s1_r2_c2"), ("s1_r2_c1", "s1_r2_c2")]


def test_pairs__only_in(grid: StackWrapper, gateway: Gateway) -> None:
    """Only tiles that another stack has in the same layer are paired; a layer that it lacks has none."""
    other = gateway.create_stack("other")
    with other.editing() as edit:
        edit.put([grid.tile("s1_r0_c0"), grid.tile("s1_r0_c1")])

    assert ids(grid, only_in=other) == ids(grid, only_in="other") == [("s1_r0_c0", "s1_r0_c1")]
    with pytest.raises(NotFoundError):
        ids(grid, only_in="missing")


def test_pairs__obscured(gateway: Gateway) -> None:
    """A tile under others is left out, unless it is asked for."""
    stack = gateway.create_stack("piled")
    boxes = {"a": (0, 0), "b": (0, 0), "c": (90, 0)}
    with stack.editing() as edit:
        edit.put([placed(name, *place) for name, place in boxes.items()])

    assert ids(stack) == [("b", "c")]
    assert len(ids(stack, obscured=True)) == 4


def placed(name: str, x: float, y: float, **layout: Any) -> TileRecord:
    one = TileRecord(tile_id=name, z=1.0, width=100, height=100, layout=Layout(section_id="1.0", **layout))
    return one.evolve(min_x=x, min_y=y, max_x=x + 100.0, max_y=y + 100.0)


def test_pairs__by_row_and_column(gateway: Gateway) -> None:
    """Rows and columns replace the boxes."""
    stack = gateway.create_stack("cells")
    with stack.editing() as edit:
        edit.put([placed(f"t{n}", 5000 * n, 0, image_row=n // 2, image_col=n % 2) for n in range(4)])

    found = list(stack.tile_pairs(by_row_and_column=True, z_distance=0))

    assert [(one.p_id, one.q_id, one.p_position) for one in found] == [
        ("t0", "t1", "LEFT"), ("t0", "t2", "TOP"), ("t1", "t3", "TOP"), ("t2", "t3", "LEFT"),
    ]  # fmt: skip
    with pytest.raises(ValueError, match="z_distance must be 0"):
        stack.tile_pairs(by_row_and_column=True)


def test_pairs__without_row(gateway: Gateway) -> None:
    """A tile without row or section id is named."""
    stack = gateway.create_stack("cells")
    with stack.editing() as edit:
        edit.put([placed("t0", 0, 0, image_col=1)])

    with pytest.raises(RecordError, match="layout of tile 't0' has no image_row"):
        list(stack.tile_pairs(by_row_and_column=True, z_distance=0))


def test_pairs__exclude(grid: StackWrapper, gateway: Gateway) -> None:
    """Stored pairs are left out, on whichever side of the order their groups are."""
    truth = gateway.match_collection("truth")
    stored = {(pair.p_id, pair.q_id) for pair in truth.pairs()}
    every = set(ids(grid))

    found = set(ids(grid, exclude=truth))

    assert found == every - stored
    assert every & stored
    assert set(ids(grid, exclude=truth, min_matches=10**6)) == every


def test_pairs__exclude_missing(grid: StackWrapper, gateway: Gateway) -> None:
    """A collection that does not exist is an error, not an empty one."""
    with pytest.raises(NotFoundError, match="no match collection 'nothing'"):
        ids(grid, exclude=gateway.match_collection("nothing"))


def test_pairs__exclude_in_a_loading_stack(gateway: Gateway) -> None:
    """Stored pairs are found by section data, so the stack must have been completed."""
    stack = make_stack(gateway, "open", sections=1, matches="m", complete=False)

    with pytest.raises(StackStateError):
        ids(stack, exclude=gateway.match_collection("m"))


def test_pairs__no_layer(grid: StackWrapper) -> None:
    """A range without layers is an error."""
    with pytest.raises(NotFoundError, match="does not contain any layers with the specified z values"):
        ids(grid, z=(50, 60))


@pytest.mark.parametrize("options", [{"without_position": "UP"}, {"z_distance": -1}, {"radius_factor": float("nan")}])
def test_pairs__bad_options(grid: StackWrapper, options: dict[str, Any]) -> None:
    """A wrong value is refused before any request."""
    with pytest.raises(ValueError, match=next(iter(options))):
        grid.tile_pairs(**options)


def test_write__parts(grid: StackWrapper, tmp_path: Path) -> None:
    """Files have all pairs once, and the base stack in the URL."""
    pairs = grid.tile_pairs(base="other/elsewhere/raw")
    written = pairs.write(tmp_path / "pairs.json", max_pairs_per_file=50)

    documents = [json.loads(path.read_bytes()) for path in written.files]
    found = [(pair["p"]["id"], pair["q"]["id"]) for one in documents for pair in one["neighborPairs"]]
    assert written.pair_count == len(found) == len(set(found)) == len(pairs.table())
    assert {len(one["neighborPairs"]) for one in documents[:-1]} == {50}
    assert documents[0]["renderParametersUrlTemplate"] == (
        "{baseDataUrl}/owner/other/project/elsewhere/stack/raw/tile/{id}/render-parameters"
    )


def test_write__nothing(grid: StackWrapper, tmp_path: Path) -> None:
    """No pairs make no file."""
    written = grid.tile_pairs(z_distance=0, radius_px=0).write(tmp_path / "pairs.json")

    assert (written.files, written.pair_count, list(tmp_path.iterdir())) == ((), 0, [])


def test_write__no_folder(grid: StackWrapper, tmp_path: Path) -> None:
    """A missing folder is found before the tiles are read."""
    with pytest.raises(FileNotFoundError, match="folder of the pairs"):
        grid.tile_pairs(z=99).write(tmp_path / "missing" / "pairs.json")


def test_write__interrupted(grid: StackWrapper, tmp_path: Path) -> None:
    """An interruption leaves complete files, and reports them."""

    def stop(done: int) -> None:
        if done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt) as caught:
        grid.tile_pairs().write(tmp_path / "pairs.json", max_pairs_per_file=20, progress=stop)

    names = sorted(path.name for path in tmp_path.iterdir())
    assert names[0] == "pairs_p000.json"
    assert all(len(json.loads((tmp_path / name).read_bytes())["neighborPairs"]) == 20 for name in names)
    assert f"{len(names)} files of {20 * len(names)} pairs" in vars(caught.value)["__notes__"][0]


def test_pairs__lazy(grid: StackWrapper) -> None:
    """Pairs are read when they are used, and again after a change."""
    pairs = grid.tile_pairs(z=1, z_distance=0)
    with grid.editing() as edit:
        edit.delete(["s1_r0_c0"])

    assert len(pairs.table()) == 10
    assert len(pairs.to_pandas()) == 10
    assert isinstance(grid._conn.match_collection("truth"), MatchCollectionWrapper)
