"""The behaviour of the services of 2019, on request."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from rendergateway import ConfigurationError, Gateway, MatchRecord, TileRecord
from rendergateway.service.serve import serve
from tests.wrappers.images.pictured import plain_tile, put, save


@pytest.fixture
def tile(tmp_path: Path) -> TileRecord:
    """A tile of 100 × 80 pixels."""
    return plain_tile(save(tmp_path / "a.png", np.full((80, 100), 90, np.uint8)), "t")


def test_like_2019__matches_without_counts(tmp_path: Path) -> None:
    """Answers have no matchCount, merged ones too; the counts are stored, and listed on request."""
    answers = {}
    for like in ("", "?like=2019"):
        with Gateway(f"embedded:{tmp_path / 'm.db'}{like}", owner="lab", create=True) as gateway:
            for name in ("a", "b"):
                pair = MatchRecord(p_group="1", p_id="p", q_group="1", q_id="q", p=[[0, 1]], q=[[2, 3]])
                gateway.match_collection(name, owner="lab", frame="raw").put([pair])
            where = {"owner": "lab", "collection": "a", "group": "1"}
            single = gateway.call("match.within_group", **where)
            merged = gateway.call("match.within_group", **where, merge_collection=["b"])
            counts = gateway.call("match.counts", owner="lab", collection="a", p_group="1")
            answers[like] = single, merged, counts

    for now, then in zip(answers[""][:2], answers["?like=2019"][:2], strict=True):
        assert "matchCount" in now[0]
        assert then == [{name: value for name, value in now[0].items() if name != "matchCount"}]
    assert answers[""][2] == answers["?like=2019"][2]


def test_like_2019__tile_recipes_and_pictures(tile: TileRecord) -> None:
    """Tile recipes are one pixel wider and higher; pictures have the last column and row of the image."""
    sizes, pictures = {}, {}
    for like in ("", "?like=2019"):
        with Gateway(f"embedded:{like}", owner="lab", project="p") as gateway:
            stack = put(gateway, tile)
            recipe = json.loads(gateway.call_raw("tile.render_parameters", **stack.tile("t")._key._asdict()))
            sizes[like] = recipe["width"], recipe["height"]
            pictures[like] = stack.section(1).image().pixels

    assert sizes == {"": (100, 80), "?like=2019": (101, 81)}
    assert (pictures["?like=2019"] == 90).all()
    assert pictures[""].sum() == 90 * 99 * 79


@pytest.mark.parametrize("year", ["2020", "", "last"])
def test_like__unknown_year(tmp_path: Path, year: str) -> None:
    """Other years are refused, by the embedded service and before a socket is opened."""
    message = f"like must be 2019: got '{year}'; leave it out for the behaviour of today"
    with pytest.raises(ConfigurationError, match=message):
        Gateway(f"embedded:?like={year}").call("service.version")
    with pytest.raises(ConfigurationError, match=message):
        serve(tmp_path / "a.db", like=year, port=0)


def test_like_2019__png_of_a_file(tile: TileRecord, tmp_path: Path) -> None:
    """The picture of a service in another format is the same."""
    with Gateway("embedded:?like=2019", owner="lab", project="p") as gateway:
        stack = put(gateway, tile)
        data = gateway.call_raw("section.png", **stack.section(1)._key._asdict(), scale=1)

    found = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    assert np.asarray(found)[-1, -1].tolist() == [90, 90, 90, 255]
