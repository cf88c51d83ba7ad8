"""Real files: wrappers report the values of the files."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from rendergateway import Gateway, StackWrapper
from rendergateway.batch.load import load_files
from rendergateway.transforms import from_spec

SIDES = ("minX", "minY", "maxX", "maxY")
LAYOUT = {
    "sectionId": "section_id", "temca": "scope_id", "camera": "camera_id", "imageRow": "image_row",
    "imageCol": "image_col", "stageX": "stage_x", "stageY": "stage_y", "rotation": "rotation",
}  # fmt: skip


def specs_of(*files: Path) -> dict[str, dict[str, Any]]:
    """Read tile specs with the standard library."""
    found = {}
    for file in files:
        content = file.read_bytes()
        value = json.loads(gzip.decompress(content) if file.suffix == ".gz" else content)
        specs = value.get("tileIdToSpecMap", {"": value}).values() if isinstance(value, dict) else value
        found.update({spec["tileId"]: spec for spec in specs if "tileId" in spec})
    return found


def assert_same(stack: StackWrapper, specs: dict[str, dict[str, Any]]) -> None:
    """Compare z, bounding box, layout and transforms of each tile with its spec."""
    tiles = {tile.tile_id: tile for section in stack.sections() for tile in section.tiles()}
    assert tiles.keys() == specs.keys()
    for tile_id, spec in specs.items():
        tile = tiles[tile_id]
        assert tile.z == spec["z"] == tile.section.z
        assert (tile.width, tile.height) == (spec.get("width"), spec.get("height"))
        assert tile.bounds is not None
        if "minX" in spec:
            assert list(tile.bounds) == [spec[side] for side in SIDES]
        layout = spec.get("layout", {})
        assert {name: getattr(tile.layout, LAYOUT[name]) for name in layout} == layout
        assert list(tile.transforms) == [from_spec(item) for item in spec["transforms"]["specList"]]


@pytest.mark.parametrize(
    "names",
    [
        ["warp-test/20141216_863_montage.2119.json.gz"],
        ["example_1/cycle1_step1_acquire_tiles.json", "example_1/cycle1_step1_acquire_transforms.json"],
        ["asap/nonlinear_rough_ds_resolvedtiles.json"],
        ["asap/mipmap_tilespecs_ref.json", "asap/mipmap_ref_tforms.json"],
        ["mongodb/elastic-3903.json", "mongodb/elastic-transform.json"],
        ["renderapi/tilespec_interpolated.json"],
    ],
    ids=lambda names: Path(names[0]).stem,
)
def test_load__real_files(gateway: Gateway, shared_data: Path, names: list[str]) -> None:
    """Every tile of a real file has the transforms, bounding box and layout of the file."""
    files = [shared_data / name for name in names]
    stack = gateway.stack("real")

    load_files(stack, files)

    assert_same(stack, specs_of(*files))


def test_load__real_section_is_walked_with_few_requests(gateway: Gateway, shared_data: Path) -> None:
    """Listing the sections of a real stack, and the tiles of one, costs one request each."""
    stack = gateway.stack("montage")
    load_files(stack, [shared_data / "warp-test/20141216_863_montage.2119.json.gz"])

    with gateway.counting() as requests:
        tiles = stack.sections()[0].tiles()
        boxes = [tile.bounds for tile in tiles]

    assert len(boxes) == 1227
    assert requests == ["stack.z_values", "section.resolved_tiles"]


def test_put__real_tiles_back_unchanged(gateway: Gateway, shared_data: Path) -> None:
    """Tiles that are read and put back unchanged leave the stored text unchanged, byte for byte."""
    stack = gateway.stack("montage")
    load_files(stack, [shared_data / "warp-test/20141216_863_montage.2119.json.gz"])
    section = stack.sections()[0]
    before = gateway.call_raw("section.resolved_tiles", **section._key._asdict())

    with stack.editing() as edit:
        edit.put(section.tiles())

    assert gateway.call_raw("section.resolved_tiles", **section._key._asdict()) == before
