"""The table of endpoints: complete, and its own inverse."""

from __future__ import annotations

import json
from pathlib import Path
from urllib.parse import unquote

import pytest

from rendergateway.endpoints import ENDPOINTS, Endpoint, candidates, route
from rendergateway.errors import BadRequestError

SHARED = Path(__file__).parents[3] / "shared"
STACK = "/owner/o/project/p/stack/s"
TYPICAL = {"z": -1.5e10, "x": 0.1, "y": -0.0, "scale": 0.25, "min_z": 1e-5, "max_z": 3407.0, "state": "READ_ONLY"}
WHOLE = dict.fromkeys(("width", "height", "level", "row", "column"), 2048)


def typical_values(endpoint: Endpoint) -> dict[str, object]:
    odd = "a b%2F?#;,é'\"{}"
    return {name: {**TYPICAL, **WHOLE}.get(name, odd + name) for name in endpoint.path_values}


@pytest.mark.parametrize("endpoint", ENDPOINTS.values(), ids=lambda endpoint: endpoint.name)
def test_endpoint__path_is_read_as_it_was_written(endpoint: Endpoint) -> None:
    """Parsing a path built from unusual values returns the endpoint and the values."""
    values = typical_values(endpoint)

    found = route(endpoint.method, unquote(endpoint.url(values)))

    assert found is not None
    assert found.endpoint is endpoint
    assert found.values == values


def test_table__holds_every_endpoint_of_the_service() -> None:
    """Methods and paths are those of the service's 164 endpoints."""
    reference = SHARED / "reference" / "endpoints.json"
    if not reference.exists():
        pytest.skip("the list of the service's endpoints (../shared/reference) is not here")
    wanted = {(item["method"], shape(item["path"].removeprefix("/v1"))) for item in json.loads(reference.read_text())}

    assert {(endpoint.method, shape(endpoint.path)) for endpoint in ENDPOINTS.values()} == wanted
    assert len(ENDPOINTS) == 164


def shape(path: str) -> str:
    """A path with all names of values alike."""
    pieces = path.split("{")
    return pieces[0] + "".join("{}" + piece.partition("}")[2] for piece in pieces[1:])


def test_table__query_names_of_the_service() -> None:
    """Query values are those of the service, with their types and repetition."""
    reference = SHARED / "reference" / "endpoints.json"
    if not reference.exists():
        pytest.skip("the list of the service's endpoints (../shared/reference) is not here")
    ours = {(endpoint.method, shape(endpoint.path)): endpoint for endpoint in ENDPOINTS.values()}

    for item in json.loads(reference.read_text()):
        endpoint = ours[item["method"], shape(item["path"].removeprefix("/v1"))]
        wanted = {value["name"]: "repeatable" in value["type"] for value in item["query"]}
        named = {value.wire_name: value.repeated for value in endpoint.query_values.values()}
        assert named == wanted or set(named) - set(wanted) == {"scale"}, endpoint.name
        assert endpoint.tier == item["tier"], endpoint.name


@pytest.mark.parametrize(
    ("path", "name"),
    [
        (f"{STACK}/tile/bounds", "tile.read"),
        (f"{STACK}/z/1/bounds", "section.bounds"),
        (f"{STACK}/z/1/bounds/", "section.bounds"),
        (f"{STACK}/largeDataTileSource/1/2/small/3.0.jpg", "large_data.overview_jpeg"),
        (f"{STACK}/group/z/z/1/box/1,2,3,4,5/png-image", "group_box.png"),
    ],
)
def test_route__literal_text_wins(path: str, name: str) -> None:
    """Where two paths fit, the one with more literal text is meant."""
    found = route("GET", path)

    assert found is not None
    assert found.endpoint.name == name


def test_route__nothing_there() -> None:
    """A path that is not in the table has no endpoint."""
    assert candidates("/") == candidates("") == candidates("/owners/x") == {}
    assert route("PATCH", STACK) is None


def test_route__value_of_the_wrong_type() -> None:
    """A value of the wrong type is distinguished from an unknown path."""
    with pytest.raises(ValueError, match='"one"'):
        route("GET", f"{STACK}/z/one/bounds")
    with pytest.raises(ValueError, match=r'"100\.0"'):
        route("GET", f"{STACK}/z/1/box/0,0,100.0,100,1/png-image")


def test_url__quotes_every_value() -> None:
    """Separators in values do not become part of the address."""
    url = ENDPOINTS["tile.read"].url({"owner": "o", "project": "p", "stack": "s", "tile_id": "a;b c?d"})

    assert url == f"{STACK}/tile/a%3Bb%20c%3Fd"


@pytest.mark.parametrize("tile_id", ["a/b", "a/", "/", ".", "..", ""])
def test_url__text_that_would_name_another_thing(tile_id: str) -> None:
    """A value not representable in a URL is refused: the service would read or delete another object."""
    with pytest.raises(BadRequestError, match=r"tile_id not allowed in a URL: got '.*'"):
        ENDPOINTS["tile.delete"].url({"owner": "o", "project": "p", "stack": "s", "tile_id": tile_id})


def test_url__what_the_service_reads_in_a_slash() -> None:
    """The recorded service finds tile "a" when asked for "a/", and nothing for an id with an inner slash."""
    recorded = SHARED / "cassettes" / "general" / "slashes.yaml"
    if not recorded.exists():
        pytest.skip("the recordings of the service (../shared/cassettes) are not here")
    _, _, answer = recorded.read_text().partition("/tile/a%2F\n")

    assert answer.index('"tileId" : "a"') < answer.index("code: 200") < answer.index("uri:")


def test_url__query() -> None:
    """Query values are written as the service reads them; repeated ones repeat their name, None is left out."""
    where = {"owner": "o", "project": "p", "stack": "s"}

    clone = ENDPOINTS["stack.clone"].url(
        {**where, "to_stack": "t", "z": [1, 2.5], "skip_transforms": True, "to_project": None}
    )
    image = ENDPOINTS["box.png"].url(
        {**where, "z": 1, "x": 0, "y": 0, "width": 8, "height": 8.0, "scale": 1, "query_scale": 0.5}
    )

    assert clone == f"{STACK}/cloneTo/t?z=1.0&z=2.5&skipTransforms=true"
    assert image == f"{STACK}/z/1.0/box/0.0,0.0,8,8,1.0/png-image?scale=0.5"


def test_url__wrong_values() -> None:
    """Missing, unknown and ill-typed values are reported by name."""
    with pytest.raises(TypeError, match=r"stack\.read needs project, stack"):
        ENDPOINTS["stack.read"].url({"owner": "o"})
    with pytest.raises(TypeError, match="does not take colour"):
        ENDPOINTS["owner.list"].url({"colour": 1})
    with pytest.raises(ValueError, match="integer expected"):
        ENDPOINTS["box.tile_count"].url(
            {"owner": "o", "project": "p", "stack": "s", "z": 1, "x": 0, "y": 0, "width": 1.5, "height": 1}
        )


def test_query__first_value_counts() -> None:
    """Of a query value given twice the first counts, but for those that may be repeated."""
    assert ENDPOINTS["stack.z_values"].parse_query({"minZ": ["1", "2"], "other": ["3"]}) == {"min_z": 1.0}
    assert ENDPOINTS["stack.clone"].parse_query({"z": ["1", "2"]}) == {"z": [1.0, 2.0]}


def test_effects__what_is_repeated() -> None:
    """A POST, a clone, a rename and a change of state are never sent twice; reads and replacements may be."""
    unsafe = {endpoint.name for endpoint in ENDPOINTS.values() if not endpoint.safe_to_repeat}

    assert {"stack.create", "stack.clone", "stack.rename", "stack.set_state", "match.rename", "trial.run"} <= unsafe
    assert not unsafe & {"stack.save_tiles", "tile.delete", "section.delete", "section_id.delete", "match.save"}
    assert all(endpoint.safe_to_repeat for endpoint in ENDPOINTS.values() if endpoint.method == "GET")
