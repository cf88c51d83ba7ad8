"""The made-up volume: known places, true matches, and images that show them."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from rendergateway.demo.texture import Section, draw_section
from rendergateway.demo.volume import TILE_PX, DemoTile, match, neighbours, tiles, world_bounds
from rendergateway.geometry import Bounds

TILES = {(tile.z, tile.row, tile.column): tile for tile in tiles()}
GREY_LEVELS = 12.0


@pytest.fixture(scope="module")
def tissue() -> Section:
    """The part of a section around the first tiles."""
    return draw_section(1.0, Bounds(-48, -48, 1100, 1100))


def seen(tissue: Section, tile: DemoTile, local: npt.NDArray[Any]) -> npt.NDArray[Any]:
    return tissue.at(tile.whole.apply(local)).astype(float)


def test_tiles__overlap_by_an_eighth() -> None:
    """Neighbours share 9 to 17 per cent of their width, and all tiles lie in the world that is drawn."""
    world = world_bounds()
    for tile, other in neighbours(tiles()):
        box = tile.bounds
        assert world.min_x < box.min_x < box.max_x < world.max_x
        assert world.min_y < box.min_y < box.max_y < world.max_y
        if other.column > tile.column:
            assert 0.09 < (box.max_x - other.bounds.min_x) / TILE_PX < 0.17


def test_tiles__jitter() -> None:
    """From a tile to the next one it is not always equally far: a few pixels more or less."""
    steps = [
        np.subtract(other.affine.translation, tile.affine.translation)
        for tile, other in neighbours(tiles())
        if other.column > tile.column
    ]

    assert (np.std(steps, axis=0) > 2).all()
    np.testing.assert_allclose(np.mean(steps, axis=0), [448, 0], atol=3)


@pytest.mark.parametrize("place", [(1.0, 1, 2), (1.0, 2, 1), (2.0, 1, 1)])
def test_match__same_point_of_the_world(place: tuple[float, int, int]) -> None:
    """Matching points lie within both images, and at one place in the world (to a nanopixel)."""
    tile, other = TILES[1.0, 1, 1], TILES[place]
    pair = match(tile, other)

    assert len(pair) > 30
    assert ((pair.p >= 0) & (pair.p < TILE_PX) & (pair.q >= 0) & (pair.q < TILE_PX)).all()
    np.testing.assert_allclose(tile.whole.apply(pair.p), other.whole.apply(pair.q), atol=1e-9)


def test_neighbours__count() -> None:
    """24 pairs in each of three sections, 16 between each two."""
    assert len(list(neighbours(tiles()))) == 3 * 24 + 2 * 16


def test_section__neighbours_show_the_same_tissue(tissue: Section) -> None:
    """Matching points show the same grey, but for the rounding of the world's place."""
    pair = match(TILES[1.0, 0, 0], TILES[1.0, 0, 1])
    here, there = seen(tissue, TILES[1.0, 0, 0], pair.p), seen(tissue, TILES[1.0, 0, 1], pair.q)

    assert np.abs(here - there).max() <= GREY_LEVELS
    assert here.std() > 15


def test_section__is_the_same_each_time_and_drifts_with_z(tissue: Section) -> None:
    """The same seed yields the same tissue; adjacent sections are similar, distant ones not."""
    box = tissue.bounds
    again, after, far = (draw_section(z, box).values for z in (1.0, 2.0, 12.0))

    assert (again == tissue.values).all()
    alike = [np.corrcoef(tissue.values.ravel(), values.ravel())[0, 1] for values in (after, far)]
    assert alike[0] > 0.4 > alike[1]
