"""Pages of matches in a stack: in 3D, their residuals, and a tile among its neighbours."""

from __future__ import annotations

import re
from html import unescape
from typing import Any

import numpy as np
import pytest

from rendergateway import Gateway, MatchRecord, StackWrapper, TileRecord
from rendergateway.alignment.clusters import Clusters
from rendergateway.catalogue.charts import distribution
from rendergateway.transforms import TranslationModel2D
from tests.catalogue.conftest import MONTAGE, PAGES, Catalogue, put_tiles


def explored(catalogue: Catalogue, query: str) -> dict[str, Any]:
    """The data of the 3D view."""
    answer = catalogue.get(f"{MONTAGE}explorer.json?{query}")
    assert answer.status_code == 200, answer.text
    assert answer.json is not None
    return dict(answer.json)


def move_a_tile(stack: StackWrapper) -> None:
    """Shift a tile, so that its matches have residuals."""
    tile = stack.tile("s2_r0_c0")
    with stack.editing() as edit:
        edit.put([tile.load()._obj.evolve(transforms=[*tile.transforms, TranslationModel2D(7, 0)])])


def test_explorer__tiles_and_pairs(catalogue: Catalogue, montage: StackWrapper) -> None:
    """The 3D view has the boxes of all tiles, and each pair with its number of matches."""
    data = explored(catalogue, "collection=truth")

    bounds = {tile.tile_id: tile.bounds or () for section in montage.sections() for tile in section.tiles()}
    for tile_id, layer, group, *box in data["tiles"]:
        assert tuple(box) == tuple(bounds[str(tile_id)])[:4]
        assert data["groups"][group] == f"{data['layers'][layer]}"
    ids = [tile[0] for tile in data["tiles"]]
    pairs = {frozenset((pair.p_id, pair.q_id)): len(pair) for pair in montage._conn.match_collection("truth").pairs()}
    assert {frozenset((ids[p], ids[q])): count for p, q, count in data["pairs"]} == pairs


def test_explorer__range_of_z(catalogue: Catalogue, montage: StackWrapper) -> None:
    """Pairs with a tile of another section are counted, and not drawn."""
    data = explored(catalogue, "collection=truth&min_z=2&max_z=2")
    text = catalogue.text(f"{MONTAGE}explorer?collection=truth&min_z=2&max_z=2")

    across = catalogue.gateway.match_collection("truth").pairs(between=("2.0", "3.0"))
    assert data["layers"] == [2.0]
    assert len(data["pairs"]) == len(catalogue.gateway.match_collection("truth").pairs(within="2.0"))
    assert f"{len(across)} pairs have a tile outside of these sections" in text
    assert "no sections in this range" in catalogue.text(f"{MONTAGE}explorer?collection=truth&min_z=9")


def test_explorer__merged_collections(catalogue: Catalogue, montage: StackWrapper) -> None:
    """The matches of two collections are counted together."""
    pair = MatchRecord(p_group="1.0", p_id="s1_r0_c0", q_group="1.0", q_id="s1_r1_c1", p=[[1, 2]], q=[[3, 4]])
    catalogue.gateway.match_collection("more").put([pair])

    alone, merged = (len(explored(catalogue, f"collection=truth{more}")["pairs"]) for more in ("", "&merge=more"))

    assert merged == alone + 1


def test_explorer__many_tiles_at_first(catalogue: Catalogue, montage: StackWrapper) -> None:
    """Without a choice, as many sections are shown as have few enough tiles, and at least one."""
    stack = catalogue.gateway.create_stack("many")
    put_tiles(stack, 2500, complete=False)
    with stack.editing() as edit:
        edit.put(stack.section(1.0).tiles().table()[:1].evolve(tile_id=["x"], z=2.0, section_id="2.0"))

    text = catalogue.text("/owner/lab/project/cortex/stack/many/explorer?collection=truth")

    assert "1 of 2 sections" in text
    assert "2,500 of 2,500" in text
    assert "has no pairs of these tiles" in text


def test_residuals__numbers(catalogue: Catalogue, montage: StackWrapper) -> None:
    """The page has the numbers of stack.residuals(), and leads to the maps of the sections."""
    move_a_tile(montage)
    text = catalogue.text(PAGES["residuals"])

    found = montage.residuals(catalogue.gateway.match_collection("truth", frame="raw"))
    assert f"<dd>{found.total.mean_px:,.3f}".rstrip("0") in text
    assert unescape(text).count("#colour=residual&collection=truth&frame=raw") == 3
    assert unescape(text).count("#colour=residual-z&") == 2
    worst = text.partition("Tiles of the largest residuals")[2]
    assert re.findall(r'class="name">(s\d_r\d_c\d)<', worst)[0] == "s2_r0_c0"


def test_residuals__of_the_map(catalogue: Catalogue, montage: StackWrapper) -> None:
    """The map has residuals of the tiles of its section, with or without the sections beside it."""
    move_a_tile(montage)
    url = f"{MONTAGE}z/1.0/residuals.json?collection=truth&frame=raw"

    within, beside = (catalogue.get(f"{url}{more}").json["residuals"] for more in ("", "&adjacent=1"))  # type: ignore[index]

    assert set(within) == set(beside) == {f"s1_r{row}_c{column}" for row in (0, 1) for column in (0, 1)}
    assert within["s1_r0_c0"] == pytest.approx(0, abs=1e-6)
    assert beside["s1_r0_c0"] > 1


def test_residuals__clusters(catalogue: Catalogue, montage: StackWrapper) -> None:
    """Sizes of clusters and tiles without matches are on the page."""
    found = montage.residuals(catalogue.gateway.match_collection("truth", frame="raw"))
    sizes = Clusters.of(found.tiles.tile_id, [(found.pairs.p_id.tolist(), found.pairs.q_id.tolist())]).sizes

    text = re.sub(r"<[^>]*>", "", catalogue.text(PAGES["residuals"]))

    assert sizes == (12,)
    assert "through other tiles: 12 tiles." in text


@pytest.mark.parametrize(
    ("values", "counts"), [([0.5, 0.5, 8], {0: 2, 13: 1}), ([0, 0], {0: 2}), ([1e-9, 1], {0: 1, 13: 1}), ([], {})]
)
def test_distribution__every_value_counts(values: list[float], counts: dict[int, int]) -> None:
    """Each value is in a bar, whatever its size."""
    bars = distribution(np.array(values, dtype=float))

    assert {place: bar.count for place, bar in enumerate(bars) if bar.count} == counts


def test_neighbours__order_and_lines(catalogue: Catalogue, montage: StackWrapper) -> None:
    """Tiles are in the order of the mosaic, sections side by side; lines are the matches of the tile, or of all."""
    page = PAGES["neighbours"]
    text = catalogue.text(page)
    places = {
        unescape(tile): (float(x), float(y))
        for tile, x, y in re.findall(r'<image href="[^"]*?id=(\w+)[^"]*" x="([\d.]+)" y="([\d.]+)"', text)
    }

    assert places["s1_r0_c0"][0] < places["s1_r0_c1"][0] < places["s2_r0_c0"][0]
    assert places["s1_r0_c0"][1] == places["s2_r0_c1"][1] < places["s1_r1_c0"][1]
    own = sum(map(len, montage.tile("s1_r0_c0").matches("truth")))
    assert text.count('data-match="') == own
    assert catalogue.text(f"{page}&all=1").count('data-match="') > own
    assert "s2_" not in "".join(re.findall(r"<image [^>]*>", catalogue.text(f"{page}&dz=0")))
    assert re.findall(r'data-key="(\w+)"', text) == ["ArrowRight", "ArrowDown"]


def test_neighbours__no_box(gateway: Gateway, catalogue: Catalogue) -> None:
    """A tile without a bounding box is drawn alone."""
    stack = gateway.create_stack("loose")
    with stack.editing() as edit:
        edit.put([TileRecord(tile_id="a", z=1.0, width=9, height=9)], boxes="keep")

    text = catalogue.text("/owner/lab/project/cortex/stack/loose/tile/neighbours?id=a")

    assert text.count("<image ") == 1


def test_stack_page__shows_the_solve(catalogue: Catalogue, montage: StackWrapper) -> None:
    """The notes of a solved stack lead to its source and to the residuals of its matches."""
    pytest.importorskip("scipy")
    montage.solve(catalogue.gateway.match_collection("truth", frame="raw"), "solved")

    text = catalogue.text("/owner/lab/project/cortex/stack/solved/")

    assert f'from <a href="{MONTAGE}">' in text
    assert "/stack/solved/residuals?collection=truth" in text
    assert "residuals before:" in text


def test_collection_page__groups_without_address(catalogue: Catalogue) -> None:
    """A group that the service cannot be asked for is counted, and the others are shown."""
    pairs = [
        MatchRecord(p_group=group, p_id="a", q_group="1.0", q_id="b", p=[[1, 2]], q=[[3, 4]]) for group in ("", "0.5")
    ]
    catalogue.gateway.match_collection("odd").put(pairs)

    text = catalogue.text("/owner/lab/matches/odd/")

    assert "1 groups are not shown" in text
    assert '<th scope="row"><bdi class="name">0.5</bdi>' in text
