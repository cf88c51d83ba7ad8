"""Numbers that are not finite: refused by every way in, reported by validate, and survived by the service."""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rendergateway import Gateway, RecordError, ResolvedTiles, StackEdit, StackWrapper, TileRecord, TileTable
from rendergateway.batch.load import load_files
from rendergateway.errors import CoordinateError
from rendergateway.model.records.json_slices import copy_of, cut_list
from rendergateway.transforms import AffineModel2D, ThinPlateSplineTransform
from rendergateway.transforms.base.text import encode_block
from tests.cases.read import case, case_file

BESIDE = cut_list(case("nan_affine_no_box.json"))
ALONE = cut_list(case("nan_affine_only_tile.json"))
GOOD = json.loads(copy_of(BESIDE[1]))
AFFINE = AffineModel2D.JAVA_NAME
NAN_OF_THE_CASES = (
    "transforms.specList[0] of tile 't1' is AffineModel2D([[nan, nan, nan], [nan, nan, nan]]); expected finite"
)


def _tile(**members: Any) -> bytes:
    return json.dumps({**GOOD, "tileId": "bad", **members}).encode()


def _with(data: str, name: str = AFFINE) -> bytes:
    leaf = {"type": "leaf", "className": name, "dataString": data}
    return _tile(transforms={"type": "list", "specList": [leaf]})


def _spline(number: float) -> bytes:
    """A tile with a thin plate spline, whose numbers are packed; the last of them is *number*."""
    spline = ThinPlateSplineTransform([[0, 0], [9, 0], [0, 9], [9, 9]], np.zeros((4, 2)), np.zeros((2, 3)))
    *words, packed = spline.to_spec()["dataString"].split()
    raw = base64.b64decode(packed.removeprefix("@"))
    numbers = np.frombuffer(raw if packed.startswith("@") else zlib.decompress(raw), dtype=">f8").astype(np.float64)
    numbers[-1] = number
    return _with(" ".join([*words, encode_block(numbers)]), spline.JAVA_NAME)


BAD = {
    "z": _tile(z="NaN"),
    "minX": _tile(minX="Infinity", minY=0, maxX=1, maxY=1),
    "width": _tile(width="-Infinity"),
    "layout.stageX": _tile(layout={"sectionId": "1.0", "stageX": "NaN"}),
    "minIntensity": _tile(minIntensity="NaN"),
    "channels[0].maxIntensity": _tile(channels=[{"name": "a", "maxIntensity": "NaN"}]),
    "meshCellSize": _tile(meshCellSize="NaN"),
    "transforms.specList[0]": _with("1 0 0 1 Infinity 0"),
    "transforms.specList[0] ": _with("1 0 0 1 1e999 0"),
    "transforms.specList[0]  ": _with("NaN 5", "mpicbg.trakem2.transform.TranslationModel2D"),
    "transforms.specList[0]   ": _spline(np.nan),
    "transforms.specList[1].specList[0]": _tile(
        transforms={"type": "list", "specList": [
            {"type": "leaf", "className": AFFINE, "dataString": "1 0 0 1 0 0"},
            {"type": "list", "specList": [{"type": "leaf", "className": AFFINE, "dataString": "NaN 0 0 1 0 0"}]},
        ]}
    ),
}  # fmt: skip
FINE = {
    "NaN in a name": _tile(groupId="NaN-team", labels=["NaN"], mipmapLevels={"0": {"imageUrl": "file:/a/NaN"}}),
    "unknown class": _with("NaN lots", "org.example.Unknown"),
    "negative zero": _with("1 0 0 1 -0.0 0"),
    "huge but finite": _with("1 0 0 1 1e300 0"),
    "spline": _spline(0.5),
}  # fmt: skip


def _put(edit: StackEdit, text: bytes, folder: Path) -> None:
    edit.put([TileRecord.from_json(text)])


def _put_table(edit: StackEdit, text: bytes, folder: Path) -> None:
    edit.put(TileTable([BESIDE[1], text]))


def _put_resolved(edit: StackEdit, text: bytes, folder: Path) -> None:
    edit.put(ResolvedTiles({"bad": text}))


def _put_dict(edit: StackEdit, text: bytes, folder: Path) -> None:
    edit.put([TileRecord.from_dict(json.loads(text))])


def _put_stream(edit: StackEdit, text: bytes, folder: Path) -> None:
    edit.put(iter([TileRecord.from_json(text)]))


def _load(edit: StackEdit, text: bytes, folder: Path) -> None:
    path = folder / "tiles.json"
    path.write_bytes(b"[%b]" % text)
    edit.load(path)


Way = Callable[[StackEdit, bytes, Path], None]
WAYS_IN: list[Way] = [_put, _put_table, _put_resolved, _put_dict, _put_stream, _load]


@pytest.fixture
def stack(gateway: Gateway) -> StackWrapper:
    """A stack with one tile, COMPLETE."""
    stack = gateway.create_stack("solved")
    with stack.editing() as edit:
        edit.put(TileTable(BESIDE[1:]))
    return stack


@pytest.mark.parametrize("way", WAYS_IN)
@pytest.mark.parametrize("member", BAD)
def test_refused(
    way: Callable[[StackEdit, bytes, Path], None], member: str, stack: StackWrapper, tmp_path: Path
) -> None:
    """Every way in refuses a number that is not finite, naming tile and member, before anything is stored."""
    with stack.editing() as edit, stack._conn.counting() as requests, pytest.raises(RecordError) as caught:
        way(edit, BAD[member], tmp_path)
    assert f"{member.strip()} of tile 'bad' is " in str(caught.value)
    assert "allow_nan=True" in str(caught.value)
    assert "stack.save_tiles" not in requests
    assert stack.state == "COMPLETE"
    assert stack.tiles().ids == ["t2"]


@pytest.mark.parametrize("way", WAYS_IN)
@pytest.mark.parametrize("name", FINE)
def test_taken(way: Way, name: str, stack: StackWrapper, tmp_path: Path) -> None:
    """Words that only look like numbers that are not finite, unknown classes and extreme numbers are stored."""
    text = json.dumps({**json.loads(FINE[name]), "minX": 0, "minY": 0, "maxX": 9, "maxY": 9}).encode()

    with stack.editing() as edit:
        way(edit, text, tmp_path)

    assert "bad" in stack.tiles().ids


@pytest.mark.parametrize("member", BAD)
def test_validate(member: str) -> None:
    """Validation of a record, a table and resolved tiles reports the member."""
    text = BAD[member]
    found = [
        (TileRecord.from_json(text).validate(), "$."),
        (TileTable([BESIDE[1], text]).validate(), "$[1]."),
        (ResolvedTiles({"bad": text}).validate(), '$.tileIdToSpecMap["bad"].'),
    ]

    for problems, start in found:
        (problem,) = problems
        assert problem.path == start + member.strip()


@pytest.mark.parametrize("name", FINE)
def test_validate__fine(name: str) -> None:
    """Validation reports nothing of other tiles."""
    assert TileRecord.from_json(FINE[name]).validate() == []


@pytest.mark.parametrize("name", ["nan_affine_only_tile.json", "nan_affine_no_box.json"])
def test_load__case(name: str, gateway: Gateway, tmp_path: Path) -> None:
    """A file of a diverged solve is refused, naming file, tile and member, and no stack is made of it."""
    stack = gateway.stack("diverged")

    with pytest.raises(RecordError) as caught:
        load_files(stack, case_file(name, tmp_path))

    assert f"{name}, element 1: {NAN_OF_THE_CASES}" in str(caught.value)
    assert not stack.exists
    assert [problem.path for problem in TileTable(cut_list(case(name))).validate()] == ["$[0].transforms.specList[0]"]


@pytest.mark.parametrize("name", ["nan_affine_only_tile.json", "nan_affine_no_box.json"])
def test_load__allowed(name: str, gateway: Gateway, tmp_path: Path) -> None:
    """If allowed, the tile is stored with the box of the service, and its points have a reason."""
    stack = gateway.stack("diverged")

    load_files(stack, case_file(name, tmp_path), allow_nan=True)

    assert stack.state == "COMPLETE"
    bounds = stack.tile("t1").bounds
    assert bounds is not None
    assert tuple(bounds)[:4] == (2147483647.0, 2147483647.0, -1.0, -1.0)
    for compute in ("local", "service"):
        table = stack.world_from_local("t1", [[1, 2]], compute=compute)
        assert table.error.tolist() == ["world coordinates are not finite: got (nan, nan)"]
        with pytest.raises(CoordinateError, match="not finite"):
            stack.tile("t1").world_from_local([1, 2], compute=compute)
    (problem,) = stack.tiles().table().validate()
    assert problem.path == "$[0].transforms.specList[0]"
    with stack.editing() as edit, pytest.raises(RecordError, match="tile 't1'"):
        edit.put(stack.tiles().table())


@pytest.mark.parametrize(
    ("how", "is_refused"),
    [("append", True), ("replace_last", False), ("replace_all", False), ("concatenate_last", True)],
)
def test_apply(how: str, is_refused: bool, gateway: Gateway, tmp_path: Path) -> None:
    """A change that leaves a number that is not finite is refused; one that replaces it is stored, with a box."""
    stack = gateway.stack("diverged")
    load_files(stack, case_file("nan_affine_no_box.json", tmp_path), allow_nan=True)

    with stack.editing() as edit:
        if is_refused:
            with pytest.raises(RecordError, match="tile 't1'"):
                edit.apply(AffineModel2D(), how=how)
        else:
            edit.apply(AffineModel2D(), how=how)

    assert stack.state == "COMPLETE"
    assert (stack.bounds is not None and stack.bounds.max_x == 100) is not is_refused


def test_apply__not_finite(stack: StackWrapper) -> None:
    """A solver's result that is not finite is refused, naming the tile, in each of its forms."""
    with stack.editing() as edit:
        with pytest.raises(RecordError, match="matrix of tile 't2' contains numbers that are not finite"):
            edit.apply((["t2"], np.full((1, 2, 3), np.nan)))
        with pytest.raises(Exception, match="must be finite to be written"):
            edit.apply({"t2": AffineModel2D(np.full((2, 3), np.nan))})
        read = AffineModel2D.from_data_string("NaN 0 0 1 0 0")
        with pytest.raises(Exception, match="finite"):
            edit.apply({"t2": read})

    assert stack.state == "COMPLETE"


def test_copies__keep_stored_tiles(gateway: Gateway, tmp_path: Path) -> None:
    """Tiles that a service holds already are copied, grouped and moved to another lens as they are."""
    stack = gateway.stack("diverged")
    load_files(stack, case_file("nan_affine_no_box.json", tmp_path), allow_nan=True)

    copy = stack.copy_to("copy", edit=lambda table: table.evolve(z=2))
    with copy.editing() as edit:
        edit.set_group("diverged", ["t1"])

    assert copy.tile("t1").transforms == stack.tile("t1").transforms
    assert copy.tile_group("diverged").tiles().ids == ["t1"]


def test_put__shared_transform(stack: StackWrapper) -> None:
    """A shared transform with parameters that are not finite is refused by its id."""
    tile = TileRecord.from_json(_tile(transforms={"type": "list", "specList": [{"type": "ref", "refId": "lens"}]}))
    lens = b'{"type":"leaf","className":"%b","dataString":"NaN 0 0 1 0 0"}' % AFFINE.encode()

    with stack.editing() as edit:
        with pytest.raises(RecordError, match="shared transform 'lens' has parameters that are not finite"):
            edit.put([tile], transforms={"lens": lens})
        edit.put([tile], transforms={"lens": lens}, allow_nan=True)

    assert "bad" in stack.tiles().ids


@pytest.mark.parametrize("boxes", ["service", "local"])
@pytest.mark.parametrize(
    ("data", "box"),
    [
        ("1e12 0 0 1 0 0", (0.0, 0.0, 2147483647.0, 80.0)),
        ("1 0 0 1e12 0 0", (0.0, 0.0, 100.0, 2147483647.0)),
        ("1 0 0 1 -3e9 3e9", (-2147483648.0, 2147483647.0, -2147483548.0, 2147483727.0)),
    ],
)
def test_put__far_away(data: str, box: tuple[float, ...], boxes: str, stack: StackWrapper) -> None:
    """A derived box is limited to 32-bit integers along each axis, by the service and here."""
    with stack.editing() as edit:
        edit.put([TileRecord.from_json(_with(data))], boxes=boxes)

    bounds = stack.tile("bad").bounds
    assert bounds is not None
    assert tuple(bounds)[:4] == box
