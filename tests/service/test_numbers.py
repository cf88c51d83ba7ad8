"""Numbers that are not finite, and numbers that Java parses differently from Python."""

from __future__ import annotations

from typing import Any

import pytest

from tests.service.conftest import STACK, Service, tile

ENDLESS: dict[str, Any] = {"minX": "-Infinity", "minY": 0, "maxX": "Infinity", "maxY": 5}


def _endless(stack: Service) -> None:
    body = {"tileIdToSpecMap": {"a": tile("a", z=2, **ENDLESS)}}
    assert stack.send("PUT", f"{STACK}/resolvedTiles", body).status_code == 201


@pytest.mark.parametrize("path", ["z/2/bounds", "z/2/tileBounds", "z/2/sectionData", "sectionData", "bounds"])
def test_endless_box__is_written_as_text(stack: Service, path: str) -> None:
    """An infinite box is written as text in every listing."""
    _endless(stack)
    stack.send("PUT", f"{STACK}/state/COMPLETE")

    answer = stack.json(f"{STACK}/{path}")

    box = answer[0] if isinstance(answer, list) else answer
    assert (box["minX"], box["maxX"], box["maxY"]) == ("-Infinity", "Infinity", 5.0)


@pytest.mark.parametrize("z", ["Infinity", "-Infinity", "NaN"])
def test_z_that_is_not_finite__is_no_layer(stack: Service, z: str) -> None:
    """A tile keeps a z that is not finite, and the stack no longer has a list of layers, as in the real service."""
    stack.save(tile("a"), tile("b"))
    assert stack.send("PUT", f"{STACK}/z/{z}/tileIds", ["a"]).status_code == 201

    assert stack.json(f"{STACK}/tile/a")["z"] == z
    assert stack.json(f"{STACK}/z/{z}/tileBounds") == []
    assert [box["tileId"] for box in stack.json(f"{STACK}/z/1/tileBounds")] == ["b"]
    for method, path in (("GET", "zValues"), ("GET", "mergeableZValues"), ("PUT", "state/COMPLETE")):
        refused = stack.send(method, f"{STACK}/{path}")
        assert (refused.status_code, refused.text) == (500, "Invalid numeric type, found: STRING")


def test_box_that_is_not_finite__is_no_extent(stack: Service) -> None:
    """A stack whose only box has a side that is NaN cannot become COMPLETE."""
    box = {"minX": "NaN", "minY": 0, "maxX": 9, "maxY": 9}
    sent = {"tileIdToSpecMap": {"a": tile("a") | box}}
    assert stack.send("PUT", f"{STACK}/resolvedTiles", sent).status_code == 201

    refused = stack.send("PUT", f"{STACK}/state/COMPLETE")

    assert (refused.status_code, refused.text) == (500, "Invalid numeric type, found: STRING")
    assert stack.json(STACK)["state"] == "LOADING"


def test_box_that_is_no_number__in_render_parameters(stack: Service) -> None:
    """Render parameters of a box at NaN have x NaN."""
    assert stack.json(f"{STACK}/z/1/box/NaN,1,10,10,Infinity/render-parameters")["x"] == "NaN"


@pytest.mark.parametrize(("text", "value"), [("1.5d", 1.5), (" 0x1p1 ", 2.0), ("+7f", 7.0), ("+Infinity", "Infinity")])
def test_number_as_text__read_as_java_does(stack: Service, text: str, value: Any) -> None:
    """Numbers as text are parsed like in Java."""
    stack.save(tile("a") | {"z": text})

    assert stack.json(f"{STACK}/tile/a")["z"] == value


@pytest.mark.parametrize("text", ["1_0", "inf", "nan", "infinity", "\u0663", "1e", "0x1"])
def test_number_as_text__refused_as_java_does(stack: Service, text: str) -> None:
    """Number texts that only Python accepts are refused."""
    assert stack.save(tile("a") | {"z": text}).status_code == 400


@pytest.mark.parametrize("level", ["3000000000", "1.5", "one", ""])
def test_level__no_integer(stack: Service, level: str) -> None:
    """A mipmap level must be a 32-bit integer."""
    assert stack.save(tile("a", mipmapLevels={level: {}})).status_code == 400


def test_levels__in_numeric_order(stack: Service) -> None:
    """Mipmap levels are in numeric order, also those of channels."""
    levels: dict[str, Any] = {"10": {}, "02": {}, "0": {}}
    stack.save(tile("a", mipmapLevels=levels, channels=[{"mipmapLevels": levels}]))

    found = stack.json(f"{STACK}/tile/a")

    assert list(found["mipmapLevels"]) == list(found["channels"][0]["mipmapLevels"]) == ["0", "2", "10"]


def test_shared_transform__without_id(stack: Service) -> None:
    """Shared transforms without an id replace each other."""
    shared = {name: {"className": "c", "dataString": name} for name in ("one", "other")}
    for _ in range(3):
        stack.save(tile("a"), shared=shared)
    stack.send("PUT", f"{STACK}/state/COMPLETE")

    assert stack.json(STACK)["stats"]["transformCount"] == 1
