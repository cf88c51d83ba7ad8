"""Clients that import tile specs, transforms and layout files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from rendergateway import Gateway, StackWrapper, write_transform_changes
from rendergateway.transforms import AffineModel2D
from tests.clients.stacks.conftest import Run

MOVED = AffineModel2D([[1.0, 0.0, 1000.0], [0.0, 1.0, 2000.0]])


def spec(tile_id: str, z: float = 1.0, x: float = 0.0, **members: Any) -> dict[str, Any]:
    """A tile spec of 600 × 500 pixels at x, with a wrong bounding box."""
    leaf = {"className": AffineModel2D.JAVA_NAME, "dataString": f"1 0 0 1 {x} 0"}
    box = {"minX": 7, "minY": 7, "maxX": 8, "maxY": 8}
    return {
        "tileId": tile_id,
        "z": z,
        "width": 600,
        "height": 500,
        **box,
        "transforms": {"type": "list", "specList": [leaf]},
        **members,
    }


def file_of(folder: Path, name: str, content: Any) -> Path:
    """A JSON file in a folder."""
    path = folder / name
    path.write_text(json.dumps(content))
    return path


@pytest.fixture
def empty(gateway: Gateway) -> StackWrapper:
    """An empty stack."""
    return gateway.create_stack("empty")


def test_import_json__several_files(run: Run, empty: StackWrapper, tmp_path: Path) -> None:
    """Files are loaded one after another: boxes derived, a later tile of the same id stored, empty files skipped."""
    first = file_of(tmp_path, "a.json", [spec("a"), spec("b", x=50)])
    second = file_of(tmp_path, "b.json", [spec("b", x=70), spec("c", z=2)])
    nothing = file_of(tmp_path, "c.json", [])

    ended = run("ImportJsonClient", "--stack", "empty", first, nothing, second)

    assert ended.code == 0
    assert empty.reload().state == "LOADING"
    table = empty.tiles().table()
    assert table.tile_id.tolist() == ["a", "b", "c"]
    assert table.box.tolist() == [[0, 0, 600, 500], [70, 0, 670, 500], [0, 0, 600, 500]]


def test_import_json__earlier_files_stay(run: Run, empty: StackWrapper, tmp_path: Path) -> None:
    """After a file that cannot be loaded, earlier ones are stored, later ones are not, and the message names it."""
    good = [file_of(tmp_path, f"{name}.json", [spec(name)]) for name in "ab"]
    bad = file_of(
        tmp_path, "bad.json", [spec("x", transforms={"type": "list", "specList": [{"type": "ref", "refId": "LENS"}]})]
    )

    ended = run("ImportJsonClient", "--stack", "empty", good[0], bad, good[1])

    assert ended.code == 1
    assert "bad.json, element 1: tile x requires the following transform ids [LENS]" in ended.err
    assert list(empty.tiles().ids) == ["a"]


def test_import_json__validator(run: Run, empty: StackWrapper, tmp_path: Path) -> None:
    """Invalid tiles are reported and left out; a file without a valid tile is an error."""
    image = tmp_path / "a.png"
    image.write_bytes(b"image")
    levels: dict[str, Any] = {"mipmapLevels": {"0": {"imageUrl": f"file:{image}"}}}
    tiles = file_of(tmp_path, "a.json", [spec("good", **levels), spec("far", x=-9000, **levels), spec("bare")])
    validator = ["--validatorClass", "org.janelia.alignment.spec.validator.TemTileSpecValidator"]

    ended = run("ImportJsonClient", "--stack", "empty", *validator, "--validatorData", "minCoordinate:-500", tiles)
    refused = run("ImportJsonClient", "--stack", "empty", *validator, file_of(tmp_path, "b.json", [spec("bare")]))

    assert ended.code == 0
    assert "tile far is invalid and was not saved: min x is -9000" in ended.err
    assert "tile bare is invalid and was not saved: no mipmap level" in ended.err
    assert list(empty.tiles().ids) == ["good"]
    assert refused.code == 1
    assert "no tile of" in refused.err
    assert "is valid" in refused.err


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--validatorClass", "org.example.None"], "validatorClass 'org.example.None' cannot be found"),
        (["--validatorClass", "TemTileSpecValidator", "--validatorData", "minSize:x"], "failed to parse 'minSize'"),
        (["none.json"], "none.json (No such file or directory)"),
    ],
)
def test_import_json__bad_input(
    run: Run, empty: StackWrapper, tmp_path: Path, options: list[str], sentence: str
) -> None:
    """Bad input ends with code 1 and a sentence; nothing is stored."""
    ended = run("ImportJsonClient", "--stack", "empty", *options, file_of(tmp_path, "a.json", [spec("a")]))

    assert ended.code == 1
    assert sentence in ended.err
    assert len(empty.tiles()) == 0


def test_import_json__read_only(run: Run, stack: StackWrapper, tmp_path: Path) -> None:
    """A READ_ONLY stack is not changed."""
    stack.set_state("READ_ONLY")

    ended = run("ImportJsonClient", "--stack", "acquire", file_of(tmp_path, "a.json", [spec("new")]))

    assert ended.code == 1
    assert "acquire stack state is READ_ONLY and cannot be changed" in ended.err
    assert stack.reload().state == "READ_ONLY"


def test_transform_changes__into_a_derived_stack(
    run: Run, gateway: Gateway, stack: StackWrapper, tmp_path: Path
) -> None:
    """The listed tiles alone are saved in the target, which has the resolution of the source and stays LOADING."""
    path = tmp_path / "changes.json"
    write_transform_changes(path, {"t1_0": MOVED, "t2_1": MOVED})

    ended = run("ImportTransformChangesClient", "--stack", "acquire", "--targetStack", "done", "--transformFile", path)

    done = gateway.stack("done")
    assert ended.code == 0
    assert done.state == "LOADING"
    assert list(done.resolution_nm) == [4, 4, 40]
    table = done.tiles().table()
    assert table.tile_id.tolist() == ["t1_0", "t2_1"]
    assert table.box.tolist() == [[1000, 2000, 1100, 2080]] * 2


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ([], "No transform information found in"),
        ([{"tileId": "t1_0", "transform": MOVED.to_spec()}] * 2, "duplicate tile id 't1_0'"),
        ([{"tileId": "nobody", "transform": MOVED.to_spec()}], "nobody"),
    ],
)
def test_transform_changes__bad_files(
    run: Run, gateway: Gateway, stack: StackWrapper, tmp_path: Path, content: Any, sentence: str
) -> None:
    """A bad file saves no tile."""
    path = file_of(tmp_path, "changes.json", content)

    ended = run("ImportTransformChangesClient", "--stack", "acquire", "--targetStack", "done", "--transformFile", path)

    assert ended.code == 1
    assert sentence in ended.err
    assert len(gateway.stack("done").tiles()) == 0


@pytest.mark.parametrize(
    ("version", "line"),
    [("v1", "1 {} x 1 0 1000 0 1 2000"), ("v2", "1 {} 6 1 0 0 1 1000 2000 tail"), ("V3", "1 {} 6 1 0 0 1 1000 2000")],
)
def test_import_met__versions(
    run: Run, gateway: Gateway, stack: StackWrapper, tmp_path: Path, version: str, line: str
) -> None:
    """The lines of each version are read in its order of parameters; short lines are skipped."""
    path = tmp_path / "layout.txt"
    path.write_text(f"{line.format('t1_0')}\nshort line\n{line.format('t2_0')}\n")
    words = ["--stack", "acquire", "--targetStack", "done", "--metFile", path, "--formatVersion", version]

    ended = run("ImportMETClient", *words, "--disableValidation")

    assert ended.code == 0
    assert gateway.stack("done").tiles().table().box.tolist() == [[1000, 2000, 1100, 2080]] * 2


def test_import_met__validation(run: Run, gateway: Gateway, stack: StackWrapper, tmp_path: Path) -> None:
    """Without --disableValidation, implausible tiles are left out; if none is left, the client fails."""
    path = tmp_path / "layout.txt"
    path.write_text("1 t1_0 x 1 0 1000 0 1 2000\n")

    ended = run("ImportMETClient", "--stack", "acquire", "--targetStack", "done", "--metFile", path)

    assert ended.code == 1
    assert "collection does not have any tiles" in ended.err
    assert len(gateway.stack("done").tiles()) == 0
