"""Saving tiles and matches: precedence of errors, atomicity and memory."""

from __future__ import annotations

import json
import tracemalloc
from typing import Any

import pytest

from tests.service.conftest import AFFINE, STACK, Service, tile

PAIRS = "/owner/lab/matchCollection/pairs"
UNREADABLE: dict[str, Any] = {"tileId": "z", "z": {"no": "number"}}


def _body(*tiles: dict[str, Any]) -> dict[str, Any]:
    return {"tileIdToSpecMap": {f"t{number}": one for number, one in enumerate(tiles)}}


@pytest.mark.parametrize(
    "path",
    [
        f"{STACK}/resolvedTiles",
        f"{STACK}/z/1/resolvedTiles",
        f"{STACK.replace('raw', 'gone')}/resolvedTiles",
        f"{STACK.replace('raw', 'no__name')}/resolvedTiles",
    ],
    ids=["box missing", "wrong z", "no stack", "bad name"],
)
def test_unreadable_tile__counts_first(stack: Service, path: str) -> None:
    """A malformed tile anywhere in the body is reported before any other error."""
    answer = stack.send("PUT", path, _body(tile("a", z=2), UNREADABLE))

    assert answer.status_code == 400
    assert answer.headers["Content-Type"].startswith("text/html")
    assert stack.json(f"{STACK}/tileIds") == []


def test_unreadable_tile__in_a_stack_that_takes_none(stack: Service) -> None:
    """A malformed tile is reported before the state of the stack."""
    stack.save(tile("a"))
    stack.send("PUT", f"{STACK}/state/COMPLETE")

    assert stack.send("PUT", f"{STACK}/resolvedTiles", _body(UNREADABLE)).status_code == 400
    assert stack.send("PUT", f"{STACK}/resolvedTiles", _body(tile("b"))).status_code == 500


def test_derived_boxes__all_before_the_first_is_looked_at(stack: Service) -> None:
    """An invalid transform is reported before the wrong z of an earlier tile."""
    odd = tile("b", transforms={"type": "list", "specList": [{"className": "no.such", "dataString": ""}]})

    answer = stack.send("PUT", f"{STACK}/z/1/resolvedTiles?deriveData=true", _body(tile("a", z=2), odd))

    assert answer.text == "transform class 'no.such' cannot be found"


def test_refused_tile__behind_many_good_ones(stack: Service) -> None:
    """A request refused for its last tile stores neither tiles nor shared transforms."""
    good = [tile(f"t{number:04d}", minX=0, minY=0, maxX=1, maxY=1) for number in range(1200)]
    shared = {"lens": {"type": "leaf", "id": "lens", "className": "c", "dataString": "d"}}

    answer = stack.send("PUT", f"{STACK}/resolvedTiles", _body(*good, tile("bad")) | {"transformIdToSpecMap": shared})

    assert answer.status_code == 400
    assert "'bad' is missing bounding box" in answer.text
    assert stack.json(f"{STACK}/tileIds") == []
    assert stack.send("GET", f"{STACK}/transform/lens").status_code == 404


@pytest.mark.parametrize("apart", [1, 1200])
def test_tile__twice_in_one_request(stack: Service, apart: int) -> None:
    """Of duplicate tile ids in one request the last tile is stored, even in another batch."""
    others = [tile(f"t{number:04d}") for number in range(apart)]

    body = _body(tile("a", x=1), *others, tile("a", x=2))
    assert stack.send("PUT", f"{STACK}/resolvedTiles?deriveData=true", body).status_code == 201

    assert stack.json(f"{STACK}/tile/a")["minX"] == 2
    assert len(stack.json(f"{STACK}/tileIds")) == apart + 1


def test_refused_pair__behind_good_ones(service: Service) -> None:
    """One invalid pair refuses all pairs of a request; the new collection is kept, as in the real service."""
    pair = {"pGroupId": "1", "pId": "a", "qGroupId": "2", "qId": "b"}

    assert service.send("PUT", f"{PAIRS}/matches", [pair, pair | {"qId": None}]).status_code == 400

    (found,) = service.json("/owner/lab/matchCollections")
    assert found["pairCount"] == 0


def test_refused_pair__leaves_what_was_there(service: Service) -> None:
    """A refused request does not change existing pairs."""
    pair = {"pGroupId": "1", "pId": "a", "qGroupId": "2", "qId": "b", "matches": {"p": [[1]], "q": [[2]], "w": [3]}}
    service.send("PUT", f"{PAIRS}/matches", [pair])

    service.send("PUT", f"{PAIRS}/matches", [pair | {"matches": {"p": [[9]], "q": [[9]], "w": [9]}}, None])

    assert service.json(f"{PAIRS}/pGroup/1/matches")[0]["matches"]["w"] == [3.0]


def test_tile__too_large(stack: Service) -> None:
    """A tile above 16 MiB is refused with a message."""
    answer = stack.save(tile("a", labels=["x" * (16 * 2**20)]))

    assert answer.status_code == 500
    assert "tile 'a' too large" in answer.text
    assert answer.text.endswith("the limit is 16777216")
    assert stack.json(f"{STACK}/tileIds") == []


def test_pair__too_large(service: Service) -> None:
    """Matches above 16 MiB are refused with a message."""
    matches = f'{{"p":[[{"1," * 9_000_000}1]],"q":[[1]],"w":[1]}}'
    body = f'[{{"pGroupId":"1","pId":"a","qGroupId":"2","qId":"b","matches":{matches}}}]'

    answer = service.send("PUT", f"{PAIRS}/matches", body=body.encode())

    assert answer.status_code == 500
    assert "matches of a and b too large" in answer.text
    assert answer.text.endswith("the limit is 16777216")


def test_layer__of_tiles_of_all_sizes(stack: Service) -> None:
    """A listing of tiles of very different sizes is complete and in order."""
    sizes = {f"t{number:03d}": 300_000 if number % 97 == 5 else 1 for number in range(400)}
    stack.save(*(tile(tile_id, labels=["x" * size]) for tile_id, size in sizes.items()))

    tiles = stack.json(f"{STACK}/z/1/resolvedTiles")["tileIdToSpecMap"]

    assert {tile_id: len(found["labels"][0]) for tile_id, found in tiles.items()} == sizes


def _peak_beyond(service: Service, path: str, body: bytes) -> float:
    """Return the peak memory of a request, excluding its body, as a multiple of the body."""
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    assert service.send("PUT", path, body=body).status_code == 201
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return (peak - before) / len(body)


def test_many_tiles__memory(stack: Service) -> None:
    """Saving tiles takes little more memory than the request."""
    level = {"0": {"imageUrl": f"file:/{'folder/' * 30}image.png"}}
    tiles = (tile(f"t{number:05d}", mipmapLevels=level) for number in range(12_000))
    body = json.dumps({"tileIdToSpecMap": {one["tileId"]: one for one in tiles}}).encode()

    assert _peak_beyond(stack, f"{STACK}/resolvedTiles?deriveData=true", body) < 1.0


def test_many_pairs__memory(service: Service) -> None:
    """Saving matches takes little more memory than the request."""
    row = [number * 1.37 for number in range(50)]
    names = ({"pGroupId": "1", "pId": f"a{number}", "qGroupId": "2", "qId": "b"} for number in range(3000))
    pairs = [name | {"matches": {"p": [row, row], "q": [row, row], "w": row}} for name in names]

    assert _peak_beyond(service, f"{PAIRS}/matches", json.dumps(pairs).encode()) < 1.0


def test_state__complete_again(stack: Service) -> None:
    """A COMPLETE stack that is completed again keeps the time of its last change."""
    stack.save(tile("a"))
    assert stack.send("PUT", f"{STACK}/state/COMPLETE").status_code == 201
    before = stack.json(STACK)

    assert stack.send("PUT", f"{STACK}/state/COMPLETE").status_code == 201

    assert stack.json(STACK) == before


@pytest.mark.parametrize("kind", [[], {}])
def test_save__type_of_a_transform_that_is_no_word(stack: Service, kind: object) -> None:
    """A transform with a list or object as its type is a malformed body."""
    spec = {"type": kind, "className": AFFINE, "dataString": "1 0 0 1 0 0"}

    answer = stack.save(tile("a", transforms={"type": "list", "specList": [spec]}))

    assert answer.status_code == 400
    assert stack.json(f"{STACK}/tileIds") == []
