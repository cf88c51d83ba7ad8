"""Fuzzing: every request gets an answer of the contract, never an internal error."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote, urlencode

import attrs
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rendergateway.endpoints import ENDPOINTS, Endpoint
from tests.service.conftest import AFFINE, STACK, Service, tile

FULL = bool(os.environ.get("RENDERGATEWAY_FULL_TESTS"))
INTERNAL_ERROR = "see the log of the service"
STATUSES = {200, 201, 204, 400, 404, 406, 415, 500, 501}

_words = st.sampled_from(
    ["lab", "tissue", "raw", "copy", "a", "b", "pairs", "1.0", "2", "0", "-1", "1e3", "NaN", "x y"]
)
_texts = _words | st.text(st.characters(codec="utf-8", exclude_characters="/"), min_size=1, max_size=8)
_scalars = st.none() | st.booleans() | st.integers() | st.floats() | _texts
_names = st.sampled_from(
    [
        "tileId",
        "z",
        "minX",
        "minY",
        "maxX",
        "maxY",
        "width",
        "height",
        "transforms",
        "type",
        "specList",
        "className",
        "dataString",
        "refId",
        "id",
        "a",
        "b",
        "lambda",
        "transformIdToSpecMap",
        "tileIdToSpecMap",
        "mipmapLevels",
        "channels",
        "name",
        "pGroupId",
        "pId",
        "qGroupId",
        "qId",
        "matches",
        "p",
        "q",
        "w",
        "local",
        "world",
        "owner",
        "project",
        "stack",
        "layout",
        "sectionId",
        "metaData",
        "labels",
        "tileSpecs",
        "scale",
        "meshCellSize",
    ]
)
_json = st.recursive(
    _scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_names, inner, max_size=5),
    max_leaves=12,
)
_specs = st.fixed_dictionaries(
    {"type": st.just("leaf"), "className": st.sampled_from([AFFINE, "no.such"]), "dataString": st.just("1 0 0 1 5 5")}
) | st.fixed_dictionaries({"type": st.just("ref"), "refId": st.sampled_from(["lens", "gone"])})
_tiles = st.builds(lambda z, spec: tile("a", z, transforms={"type": "list", "specList": [spec]}), st.floats(), _specs)
_bodies = _json | st.builds(lambda one: {"tileIdToSpecMap": {"a": one}}, _tiles) | _tiles | st.lists(_tiles, max_size=2)


@st.composite
def _requests(draw: st.DrawFn) -> tuple[Endpoint, str, bytes | None]:
    endpoint = draw(st.sampled_from(sorted(ENDPOINTS.values(), key=lambda endpoint: endpoint.name)))
    path = endpoint.path
    for name in endpoint.path_values:
        usual = {"owner": "lab", "project": "tissue", "stack": "raw", "collection": "pairs", "tile_id": "a", "z": "1"}
        value = usual[name] if name in usual and draw(st.integers(0, 3)) else draw(_texts)
        path = path.replace(f"{{{name}}}", quote(value, safe=""))
    query = [(value.wire_name, draw(_texts)) for value in endpoint.query_values.values() if not draw(st.integers(0, 3))]
    body = None if endpoint.body == "none" else json.dumps(draw(_bodies)).encode()
    return endpoint, path + (f"?{urlencode(query)}" if query else ""), body


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A service with a stack, a shared transform and some pairs."""
    service = Service("embedded:")
    application = service.adapter.application
    application.options = attrs.evolve(application.options, images=(tmp_path_factory.mktemp("images"),))
    service.send("POST", STACK, {})
    lens: dict[str, Any] = {"type": "leaf", "id": "lens", "className": AFFINE, "dataString": "1 0 0 1 1 1"}
    service.save(tile("a"), tile("b", 2.5, 50), shared={"lens": lens})
    pair = {
        "pGroupId": "1.0",
        "pId": "a",
        "qGroupId": "2.5",
        "qId": "b",
        "matches": {"p": [[1], [2]], "q": [[3], [4]], "w": [1]},
    }
    service.send("PUT", "/owner/lab/matchCollection/pairs/matches", [pair])
    yield service
    service.adapter.close()


@settings(
    max_examples=20_000 if FULL else 400,
    deadline=None,
    derandomize=not FULL,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(_requests())
def test_any_request__has_an_answer(filled: Service, request_: tuple[Endpoint, str, bytes | None]) -> None:
    """No request ends in a traceback."""
    endpoint, path, body = request_
    kind = "text/plain" if endpoint.body == "text" else "application/json"

    answer = filled.send(endpoint.method, path, body=body, headers={"Content-Type": kind} if body is not None else None)

    assert INTERNAL_ERROR not in answer.text
    assert answer.status_code in STATUSES


# Valid tiles with unusual values.
ODD_TILES: dict[str, dict[str, Any]] = {
    "without anything": {},
    "nowhere": {"z": "NaN", "minX": "NaN", "minY": "NaN", "maxX": "NaN", "maxY": "NaN", "width": "NaN"},
    "endless": {"z": "Infinity", "minX": "-Infinity", "maxX": "Infinity", "width": "Infinity", "height": "Infinity"},
    "large": {"z": 1e300, "minX": -1e308, "minY": -1e308, "maxX": 1e308, "maxY": 1e308, "width": 1e308, "height": 1e9},
    "backwards": {"minX": 10, "maxX": -10, "minY": 10, "maxY": -10, "width": -5, "height": 0, "meshCellSize": 0},
    "null": {"layout": None, "mipmapLevels": None, "channels": [None, {"mipmapLevels": None}], "meshCellSize": None},
    "unreal": {"transforms": {"type": "list", "specList": [None, {"type": "interpolated"}, {"type": "leaf"}]}},
    "of numbers": {"layout": {"sectionId": 5, "stageX": "NaN"}, "groupId": 7, "labels": [None, 1]},
}
ODD_VALUES = {"z": ("1", "Infinity", "1e300", "NaN"), "x": ("5", "NaN")}


@pytest.fixture(params=ODD_TILES)
def odd(request: pytest.FixtureRequest, service: Service) -> Service:
    """A stack with one unusual tile and a usual one, COMPLETE if all z are finite."""
    box = {"tileId": "odd", "z": 1, "minX": 0, "minY": 0, "maxX": 10, "maxY": 10, "layout": {"sectionId": "5"}}
    tiles = {"odd": box | ODD_TILES[request.param], "usual": tile("a", minX=0, minY=0, maxX=100, maxY=80)}
    service.send("POST", STACK, {})
    assert service.send("PUT", f"{STACK}/resolvedTiles", {"tileIdToSpecMap": tiles}).status_code == 201
    has_layers = request.param not in ("nowhere", "endless")
    assert service.send("PUT", f"{STACK}/state/COMPLETE").status_code == (201 if has_layers else 500)
    return service


def test_odd_tile__every_question_has_an_answer(odd: Service) -> None:
    """Every read of a stack with an unusual tile gets an answer of the contract."""
    usual = {"owner": "lab", "project": "tissue", "stack": "raw", "width": "10", "height": "10", "collection": "pairs"}
    usual |= {"tile_id": "odd", "section_id": "5"}
    for endpoint in ENDPOINTS.values():
        if endpoint.method != "GET":
            continue
        for choice in range(4 if FULL else 2) if "z" in endpoint.path_values else (0,):
            values = {name: chosen[choice % len(chosen)] for name, chosen in ODD_VALUES.items()}
            path = endpoint.path
            for name in endpoint.path_values:
                path = path.replace(f"{{{name}}}", quote((usual | values).get(name, "1"), safe=""))
            answer = odd.send("GET", path)
            assert INTERNAL_ERROR not in answer.text, path
            if answer.headers.get("Content-Type") == "application/json" and answer.text:
                assert b":null" not in answer.content.replace(b"[null", b""), path
