"""The real service's recorded coordinates, asked again of the objects."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import numpy as np
import pytest
import yaml

from rendergateway import CoordinateTable, Gateway, StackWrapper
from rendergateway.endpoints import route
from tests.conftest import ROOT, SHARED

MADE_UP = ROOT / "cassettes" / "coordinates"
REAL = SHARED / "recordings-of-real-data" / "coordinates"
SCENARIOS = sorted(MADE_UP.glob("*.yaml")) + sorted(REAL.glob("*.yaml"))

# Pixels, or that share of a large coordinate: the service adds in another order than we do.
TOLERANCE = 1e-9
WRITES = {"stack.create", "stack.save_tiles"}
BATCHES = {
    f"coordinate.{scope}_{kind}" for scope in ("batch", "section") for kind in ("world_from_local", "local_from_world")
}
QUESTIONS = BATCHES | {f"coordinate.{kind}" for kind in ("world_from_local", "local_from_world", "mapped_to_stack")}
# How many rows of each recording mean something to the client.
COMPARED = {
    "batch_local_to_world": 18,
    "batch_world_to_local": 30,
    "edges": 45,
    "mapped_to_stack": 9,
    "posted_tile": 0,
    "single": 41,
    "splines": 58,
    "tile_ids": 0,
}


def exchanges(path: Path) -> Iterator[tuple[str, dict[str, Any], Any, Any]]:
    """Yield endpoint, values, body and answer of the recorded writes, and of the questions about points in a stack."""
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    for exchange in yaml.load(path.read_text(encoding="utf-8"), Loader=loader)["interactions"]:
        request, split = exchange["request"], urlsplit(exchange["request"]["uri"])
        try:
            found = route(request["method"], unquote(split.path.partition("/v1")[2]))
            query = found.endpoint.parse_query(parse_qs(split.query)) if found else {}
            body = json.loads(request["body"] or "null")
        except ValueError:
            continue
        if found is None or found.endpoint.name not in WRITES | QUESTIONS or _is_misuse(found.endpoint.body, body):
            continue
        yield found.endpoint.name, {**found.values, **query}, body, decoded(exchange["response"]["body"]["string"])


def _is_misuse(kind: str, body: Any) -> bool:
    """Return whether no client could send a body."""
    is_list = isinstance(body, list) and all(item is None or isinstance(item, dict) for item in body)
    return kind == "json" and not (is_list or isinstance(body, dict))


def decoded(answer: str) -> Any:
    """Return an answer, or an error in the form of the batches."""
    try:
        return json.loads(answer or "null")
    except ValueError:
        return [{"error": answer}]


def stack_of(gateway: Gateway, values: dict[str, Any]) -> StackWrapper:
    return gateway.stack(values["stack"], owner=values["owner"], project=values["project"])


def usable(items: list[Any], member: str, count: int) -> list[int]:
    """Return the places of the items that have as many numbers, and no words."""
    numbers = [(item or {}).get(member) for item in items]
    return [
        place
        for place, values in enumerate(numbers)
        if isinstance(values, list) and len(values) >= count and all(isinstance(value, float | int) for value in values)
    ]


def same(found: CoordinateTable, recorded: Any) -> int:
    """Compare the rows of one point, or one row, with the recorded answer; return how many were compared."""
    rows = recorded if isinstance(recorded, list) else [recorded]
    assert len(found) == len(rows), (found, rows)
    for ours, theirs in zip(found, rows, strict=True):
        if "NaN" in theirs.get(found.frame, []):
            # The service returns it without a reason.
            assert "coordinates are not finite" in (ours.error or "")
            continue
        assert bool(ours.error) == ("error" in theirs), (ours.to_dict(), theirs)
        if "error" in theirs:
            assert ours.error is not None
            # Ignore the name of the database's table.
            assert ours.error.partition(" in ")[0] == theirs["error"].partition(" in ")[0]
            continue
        assert ours.tile_id == theirs["tileId"]
        np.testing.assert_allclose(getattr(ours, found.frame), theirs[found.frame], rtol=TOLERANCE, atol=TOLERANCE)
    if found.frame == "local":
        assert found.visible.tolist() == [bool(row.get("visible")) for row in rows]
    return len(rows)


def compare(gateway: Gateway, name: str, values: dict[str, Any], body: Any, answer: Any) -> int:
    """Ask one recorded question of the objects; return how many rows were compared."""
    stack = stack_of(gateway, values)
    if not stack.exists:
        return 0
    if name in BATCHES:
        return compare_batch(stack, name, values.get("z"), body, answer)
    point = [[values["x"], values["y"]]]
    if name == "coordinate.world_from_local":
        return same(stack.world_from_local(values["tile_id"], point), answer)
    section = stack.section(values["z"])
    if name == "coordinate.local_from_world":
        return same(section.locate(point), answer)
    wanted = {key[3:]: value for key, value in values.items() if key.startswith("to_")}
    if "-" in wanted["stack"] or not stack_of(gateway, values | wanted).exists:
        return 0
    return same(stack_of(gateway, values | wanted).world_from(section, point), answer)


def compare_batch(stack: StackWrapper, name: str, z: float | None, items: list[Any], answer: Any) -> int:
    """Ask the usable points of a recorded batch."""
    if not isinstance(answer, list):
        return 0
    if name.endswith("world_from_local"):
        places = [place for place in usable(items, "local", 2) if items[place].get("tileId")]
        tile_ids, points = ([items[place][key] for place in places] for key in ("tileId", "local"))
        found = stack.world_from_local(tile_ids, [point[:2] for point in points])
        return sum(same(found[found.point == row], answer[place]) for row, place in enumerate(places))
    places = usable(items, "world", 3 if z is None else 2)
    points = [items[place]["world"] for place in places]
    tables = [stack.section(point[2] if z is None else z).locate([point[:2]]) for point in points]
    return sum(same(table, answer[place]) for table, place in zip(tables, places, strict=True))


@pytest.mark.parametrize("path", SCENARIOS, ids=lambda path: path.stem)
def test_coordinates__recorded(path: Path, gateway: Gateway) -> None:
    """Points computed locally match the recorded answers, including errors and visible tiles."""
    compared = 0
    for name, values, body, answer in exchanges(path):
        if name in WRITES:
            gateway.call(name, **values, body=body)
        else:
            compared += compare(gateway, name, values, body, answer)

    # Cassettes of real data are not part of the repository.
    assert compared == COMPARED.get(path.stem, compared)


def test_coordinates__recordings_are_here() -> None:
    """The made-up recordings that hold points in stacks are those that are counted."""
    assert COMPARED.keys() <= {path.stem for path in MADE_UP.glob("*.yaml")}
