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


def test_endless_layer__is_a_layer(stack: Service) -> None:
    """Tiles may be moved to an infinite z, which is listed, counted and compared like any other."""
    stack.save(tile("a"), tile("b"), tile("c", z=2.5))
    stack.send("PUT", f"{STACK}/z/Infinity/tileIds", ["a"])
    stack.send("PUT", f"{STACK}/section/2.5/z", body=b'"-Infinity"')
    stack.send("PUT", f"{STACK}/state/COMPLETE")

    assert stack.json(f"{STACK}/tile/a")["z"] == "Infinity"
    assert stack.json(f"{STACK}/zValues") == ["-Infinity", 1.0, "Infinity"]
    assert stack.json(f"{STACK}/mergeableZValues") == []
    assert stack.json(STACK)["stats"]["stackBounds"]["maxZ"] == "Infinity"
    assert [row["sectionId"] for row in stack.json(f"{STACK}/reorderedSectionData")] == ["1.0", "2.5"]


def test_layer_that_is_no_number__keeps_it(stack: Service) -> None:
    """A tile with z NaN keeps it, and belongs to no layer."""
    stack.save(tile("a"))
    stack.send("PUT", f"{STACK}/z/NaN/tileIds", ["a"])

    assert stack.json(f"{STACK}/tile/a")["z"] == "NaN"
    assert stack.json(f"{STACK}/zValues") == []


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
