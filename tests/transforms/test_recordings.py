"""Coordinates and bounding boxes recorded from the real service."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import parse_qs, urlsplit

import attrs
import numpy as np
import pytest
import yaml

from rendergateway.geometry import Bounds
from rendergateway.transforms import TransformList, from_spec, mesh_inverse, tile_box

REPOSITORY = Path(__file__).resolve().parents[2]
MADE_UP = REPOSITORY / "cassettes" / "coordinates"
REAL = REPOSITORY.parent / "shared" / "recordings-of-real-data" / "coordinates"

# Relative to the coordinate, or pixels near zero: the service sums in another order.
TOLERANCE = 1e-9

_POINT = re.compile(r"-coordinates/(-?[\d.]+),(-?[\d.]+)$")
_REFUSAL = re.compile(r"world coordinate \((.+?), (.+?)\) found in tile id\(s\) \[(.+?)\] cannot be inverted")


class Tile(NamedTuple):
    """The members of a tile spec that determine coordinates."""

    transform: TransformList
    width: float
    height: float
    cell_size: float

    def local_from_world(self, world: list[float]) -> Any:
        """Map with the mesh, NaN outside; a tile without transforms has no mesh."""
        if not len(self.transform):
            return np.asarray(world)
        return mesh_inverse(self.transform, self.width, self.height, self.cell_size).find(world)


class Fact(NamedTuple):
    """A point in both frames, one of them answered by the service."""

    tile: Tile
    local: list[float]
    world: list[float]


@attrs.define
class Recording:
    """Coordinates and boxes in one cassette."""

    forward: list[Fact] = attrs.Factory(list)
    backward: list[Fact] = attrs.Factory(list)
    refused: list[tuple[Tile, list[float]]] = attrs.Factory(list)
    boxes: list[tuple[Tile, Bounds]] = attrs.Factory(list)
    tiles: dict[tuple[str, str], Tile] = attrs.Factory(dict)

    def read(self, address: str, body: Any, answer: Any) -> None:
        """Add the points, refusals and boxes of one exchange."""
        path = urlsplit(address).path
        stack = path.partition("/stack/")[2].partition("/")[0]
        if path.endswith("/resolvedTiles"):
            self.tiles |= {(stack, tile_id): tile for tile_id, tile in saved_tiles(body)}
        for question, row in rows(address, body, answer):
            self._read_row(stack, question, row)

    def _read_row(self, stack: str, question: Mapping[str, Any], row: Mapping[str, Any]) -> None:
        tile = question.get("tile") or self.tiles.get((stack, row.get("tileId", "")))
        if tile is not None and "minX" in row:
            self.boxes.append((tile, Bounds(row["minX"], row["minY"], row["maxX"], row["maxY"])))
        elif tile is not None and "error" not in row and {"local", "world"} <= question.keys() | row.keys():
            answered = "world" if "world" in row else "local"
            point = {"local": question.get("local"), "world": question.get("world"), answered: row[answered]}
            if all(isinstance(number, float | int) for number in [*point["local"][:2], *point["world"][:2]]):
                facts = self.forward if answered == "world" else self.backward
                facts.append(Fact(tile, point["local"][:2], point["world"][:2]))
        elif refusal := _REFUSAL.search(str(row.get("error"))):
            x, y, names = refusal.groups()
            self.refused += [(self.tiles[stack, name], [float(x), float(y)]) for name in names.split(", ")]


def saved_tiles(body: Any) -> Iterator[tuple[str, Tile]]:
    """Yield the tiles that a request saves, with references resolved."""
    if isinstance(body, Mapping):
        shared = {name: from_spec(spec) for name, spec in body["transformIdToSpecMap"].items()}
        for tile_id, spec in body["tileIdToSpecMap"].items():
            yield tile_id, tile_of(spec, shared)


def tile_of(spec: Mapping[str, Any], shared: Mapping[str, Any]) -> Tile:
    transform = TransformList.from_spec(spec.get("transforms", {"type": "list", "specList": []})).flattened(shared)
    return Tile(transform, spec.get("width", 0), spec.get("height", 0), spec.get("meshCellSize", 64.0))


def rows(address: str, body: Any, answer: Any) -> Iterator[tuple[Mapping[str, Any], Mapping[str, Any]]]:
    """Yield each point or box of an answer with the question for it."""
    _, _, path, query, _ = urlsplit(address)
    if path.endswith("/tileBounds"):
        yield from (({}, row) for row in answer)
    elif point := _POINT.search(path):
        asked = "local" if "local-to-world" in path else "world"
        question: dict[str, Any] = {asked: [float(word) for word in point.groups()]}
        if "/stack/" not in path:
            cell_size = {name: float(values[0]) for name, values in parse_qs(query).items()}
            question["tile"] = tile_of(body | cell_size, {})
            answer = {"world" if asked == "local" else "local": answer}
        yield from ((question, row) for row in as_rows(answer))
    elif path.endswith("-coordinates") and isinstance(body, list) and isinstance(answer, list):
        for question, answered in zip(body, answer, strict=True):
            yield from ((question or {}, row) for row in as_rows(answered))


def as_rows(answer: Any) -> Iterable[Mapping[str, Any]]:
    if isinstance(answer, str):
        return [{"error": answer}]
    return answer if isinstance(answer, list) else [answer]


def decoded(text: str | None) -> Any:
    try:
        return json.loads(text or "null")
    except ValueError:
        return text


def recording(path: Path) -> Recording:
    """Read a cassette; of refused requests only those for points that cannot be inverted."""
    whole = Recording()
    for exchange in yaml.load(path.read_text(), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))["interactions"]:
        request, response = exchange["request"], exchange["response"]
        answer = decoded(response["body"]["string"])
        if response["status"]["code"] < 400 or _REFUSAL.search(str(answer)):
            whole.read(request["uri"], decoded(request["body"]), answer)
    return whole


def cassettes() -> list[Any]:
    """Return the cassettes of coordinates; cassettes of real data are not part of the repository."""
    missing = pytest.param(REAL, id="real", marks=pytest.mark.skip(reason=f"no recordings of real data in {REAL}"))
    made_up = [pytest.param(path, id=path.stem) for path in sorted(MADE_UP.glob("*.yaml"))]
    return made_up + ([pytest.param(path, id=path.stem) for path in sorted(REAL.glob("*.yaml"))] or [missing])


@pytest.mark.parametrize("path", cassettes())
def test_apply__recorded(path: Path) -> None:
    """Local points are mapped to the recorded world points."""
    for tile, local, world in recording(path).forward:
        np.testing.assert_allclose(tile.transform.apply(local), world, rtol=TOLERANCE, atol=TOLERANCE)


@pytest.mark.parametrize("path", cassettes())
def test_mesh_inverse__recorded(path: Path) -> None:
    """World points are mapped to the recorded local points."""
    for tile, local, world in recording(path).backward:
        np.testing.assert_allclose(tile.local_from_world(world), local, rtol=TOLERANCE, atol=TOLERANCE)


@pytest.mark.parametrize("path", cassettes())
def test_mesh_inverse__recorded_refusals(path: Path) -> None:
    """Points that the service could not invert lie in no triangle of the mesh."""
    for tile, world in recording(path).refused:
        assert np.isnan(tile.local_from_world(world)).all(), (tile, world)


@pytest.mark.parametrize("path", [MADE_UP.parent / "tiles" / "derive_boxes.yaml", *cassettes()])
def test_tile_box__recorded(path: Path) -> None:
    """Derived boxes equal the recorded ones."""
    for tile, box in recording(path).boxes:
        assert tile_box(tile.transform, tile.width, tile.height, tile.cell_size) == box


def test_recordings__are_read() -> None:
    """The made-up recordings contain points in both directions, refusals and boxes."""
    found = [recording(path) for path in sorted(MADE_UP.glob("*.yaml"))]
    counts = [sum(len(getattr(one, kind)) for one in found) for kind in ("forward", "backward", "refused", "boxes")]
    assert counts == [99, 135, 40, 7]
