"""Kinds of tiles: tiles grouped by everything but the numbers of their trailing affines."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from rendergateway.model.tile_text.kinds import TileKinds

AFFINE = "mpicbg.trakem2.transform.AffineModel2D"
SHIFT = "mpicbg.trakem2.transform.TranslationModel2D"
LENS = {"type": "ref", "refId": "lens"}


def leaf(numbers: str, class_name: str = AFFINE, **others: Any) -> dict[str, Any]:
    return {"type": "leaf", "className": class_name, "dataString": numbers, **others}


def text(*items: Any, **members: Any) -> bytes:
    return json.dumps({"tileId": "t", "transforms": {"type": "list", "specList": items}, **members}).encode()


def test_tile_kinds__numbers_of_the_last_affines_apart() -> None:
    """Tiles of equal transforms and size are of one kind, whatever the numbers of their trailing affines."""
    kinds = TileKinds.of(
        [
            text(LENS, leaf("1 0 0 1 5 6")),
            text(leaf("1 0 0 1 0 0"), leaf("2 0 0 2 0 0")),
            text(LENS, leaf("2.5 0 0 1 7 8")),
            text(leaf("1 0 0 1 0 0"), leaf("1 0 0 1 0 0")),
            text(LENS, leaf("1 0 0 1 5 6"), width=10),
            text(LENS, leaf("5 6", SHIFT)),
        ]
    )

    assert kinds.number.tolist() == [0, 1, 0, 1, 2, 3]
    assert kinds.examples == [0, 1, 4, 5]
    assert kinds.counts == [1, 2, 1, 1]


@pytest.mark.parametrize(
    "odd",
    [
        pytest.param(text(leaf("1 0 0 1 5")), id="too few numbers"),
        pytest.param(text(leaf("1 0 0 1 5 x")), id="no number"),
        pytest.param(text(leaf("")), id="no numbers"),
        pytest.param(text(leaf("1 0 0 1 5 6", type="ref")), id="no leaf"),
        pytest.param(text(leaf("1 0 0 1 5 6")).replace(b'"list"', b'"other"'), id="no list"),
        pytest.param(text(leaf("1 0 0 1 5 6")).replace(b"[{", b"[[{").replace(b"}]", b"}]]"), id="a list in the list"),
        pytest.param(text(), id="empty"),
        pytest.param(b'{"tileId": "t", "transforms": null}', id="null"),
        pytest.param(b'{"tileId": "t", "transforms": 5}', id="no object"),
        pytest.param(b'{"tileId": "t"}', id="missing"),
    ],
)
def test_tile_kinds__odd_text(odd: bytes) -> None:
    """A tile that does not end with a valid affine is a kind of its own, without effect on others."""
    kinds = TileKinds.of([text(leaf("1 0 0 1 5 6")), odd, text(leaf("1 0 0 1 7 8"))])

    assert kinds.number.tolist() == [0, 1, 0]
    assert kinds.counts == [1, 0]
    placed = kinds.placed(np.array([0, 2]), 1, np.eye(2, 3))
    assert placed[:, :, 2].tolist() == [[5, 6], [7, 8]]


def test_tile_kinds__written_with_escapes() -> None:
    """Escaped numbers, which are not found in the text, do not hide the transforms before them."""
    ends = leaf("1 0 0 1 5 6"), leaf("1 0 0 1 7 8")
    tiles = [text({"type": "ref", "refId": name}, *ends).replace(b"1 0 0", b"1\\u00200 0") for name in ("a", "b", "a")]

    assert TileKinds.of(tiles).number.tolist() == [0, 1, 0]


def test_tile_kinds__the_same_words_behind() -> None:
    """Later words equal to the numbers do not merge different transforms into one kind."""
    tiles = [text(leaf(numbers, metaData={"labels": [label]})) for numbers, label in (("1 1", "1 1"), ("2 2", "2 2"))]
    tiles = [tile.replace(AFFINE.encode(), SHIFT.encode()) for tile in tiles]

    assert TileKinds.of(tiles).number.tolist() == [0, 1]
    assert TileKinds.of([tiles[0], tiles[0].replace(b'"1 1"]', b'"2 2"]')]).number.tolist() == [0, 1]


def test_tile_kinds__affines_as_one() -> None:
    """The last affines of each tile are multiplied, after a common one."""
    kinds = TileKinds.of([text(leaf(f"2 0 0 2 {shift} 0"), leaf("1 0 0 1 1 1")) for shift in (10, 20)])
    before = np.array([[3.0, 0, 0], [0, 3, 0]])

    both = kinds.placed(np.array([0, 1]), 2, before)
    last = kinds.placed(np.array([1]), 1, before)

    assert both.tolist() == [[[6, 0, 11], [0, 6, 1]], [[6, 0, 21], [0, 6, 1]]]
    assert last.tolist() == [[[3, 0, 1], [0, 3, 1]]]
