"""The outlines that maps show."""

from __future__ import annotations

import json
import struct
from collections.abc import Callable

import numpy as np
import pytest

from rendergateway import Layout, StackWrapper, TileRecord, TileTable
from rendergateway.catalogue.section_map import SectionMap
from rendergateway.geometry import FloatArray
from rendergateway.transforms import AffineModel2D, TransformReference


def decoded(piece: bytes) -> tuple[dict[str, object], FloatArray]:
    """Read a piece as the browser does."""
    (length,) = struct.unpack_from("<I", piece)
    head = json.loads(piece[4 : 4 + length])
    return head, np.frombuffer(piece, "<f4", offset=4 + length).reshape(-1, head["points"], 2).astype(float)


def of(stack: StackWrapper, z: float = 1.0) -> SectionMap:
    return SectionMap.of(stack.section(z).tiles().table(), stack.shared_transforms)


def test_outlines__by_the_transforms(make_stack: Callable[..., StackWrapper]) -> None:
    """An outline is the border of the image, transformed into the world, lens included."""
    stack = make_stack(sections=1)
    tiles, found = stack.section(1).tiles(), of(stack)

    border = np.array([[0, 0], [256, 0], [512, 0], [512, 256], [512, 512], [256, 512], [0, 512], [0, 256]])
    assert found.ids == tiles.ids
    for tile, outline in zip(tiles, found.outlines, strict=True):
        np.testing.assert_allclose(outline, tile.world_from_local(border), atol=1e-6)


def test_outlines__far_from_the_origin() -> None:
    """Outlines are sent relative to the section, so that 32-bit floats keep them within a hundredth of a pixel."""
    corner = 12_345_678.25
    places = [[corner, corner], [corner + 99.5, corner]]
    tiles = TileTable.from_columns(tile_id=["a", "b"], z=1, width=100, height=50, translation=places)
    found = SectionMap.of(tiles, {})

    _, outlines = decoded(found.piece(0))

    assert found.bounds is not None
    world = outlines + np.array([found.bounds.min_x, found.bounds.min_y])
    np.testing.assert_allclose(world, found.outlines, atol=0.01)


def test_outlines__of_boxes_without_usable_transforms() -> None:
    """A tile whose transforms cannot be applied is shown by its box; one without either is counted."""
    unknown = {"type": "leaf", "className": "org.example.Unknown", "dataString": "1"}
    record = TileRecord(tile_id="a", z=1, width=9, height=9, min_x=0, min_y=0, max_x=20, max_y=10)
    spec = json.loads(record.to_json()) | {"transforms": {"type": "list", "specList": [unknown]}}
    boxed = TileRecord.from_json(json.dumps(spec).encode())
    lost = TileRecord(tile_id="b", z=1, transforms=[TransformReference("none")])
    found = SectionMap.of(TileTable.from_records([boxed, lost]), {})

    assert found.outlines[0].max(axis=0).tolist() == [20.0, 10.0]
    assert found.unplaced == 1
    assert found.description()["bounds"] == [0.0, 0.0, 20.0, 10.0]


def test_map__of_no_tiles() -> None:
    """A section without tiles, or without places, has no pieces."""
    empty = SectionMap.of(TileTable([]), {})
    lost = SectionMap.of(TileTable.from_records([TileRecord(tile_id="b", z=1)]), {})

    for one in (empty, lost):
        assert (one.bounds, one.pieces, one.description()["bounds"]) == (None, [], None)


def test_pieces__each_tile_once() -> None:
    """Pieces have about equally many tiles, each tile is in one, and extents contain their outlines."""
    count = 9000
    rows, columns = np.divmod(np.arange(count), 90)
    tiles = TileTable.from_columns(
        tile_id=[f"t{number}" for number in range(count)],
        z=1,
        width=100,
        height=100,
        image_row=rows.astype(float),
        image_col=columns.astype(float),
        translation=np.stack([columns * 90.0, rows * 90.0], axis=1),
    )
    found = SectionMap.of(tiles, {})

    heads = [decoded(found.piece(number)) for number in range(len(found.pieces))]
    ids = [tile_id for head, _ in heads for tile_id in head["ids"]]  # type: ignore[attr-defined]
    assert sorted(ids) == sorted(found.ids)
    assert max(map(len, found.pieces)) <= 4000
    corner = np.array([found.bounds.min_x, found.bounds.min_y])  # type: ignore[union-attr]
    for (_, outlines), extent in zip(heads, found.description()["pieces"], strict=True):
        world = outlines + corner
        assert (world.min(axis=(0, 1)) >= np.array(extent[:2]) - 0.01).all()
        assert (world.max(axis=(0, 1)) <= np.array(extent[2:]) + 0.01).all()


def test_codes__properties_that_differ() -> None:
    """Tiles are coloured by properties that differ among them, with names in natural order and missing ones last."""
    layouts = [Layout(section_id="1.0", camera_id=camera, image_col=column) for camera, column in (("10", 1), ("9", 2))]
    records = [
        TileRecord(
            tile_id=f"t{number}", z=1, width=9, height=9, layout=layout, group_id="all", transforms=[AffineModel2D()]
        )
        for number, layout in enumerate([*layouts, None])
    ]
    found = SectionMap.of(TileTable.from_records(records), {})

    assert set(found.codes) == {"camera", "column", "section"}
    assert found.codes["camera"].names == ["9", "10", "none"]
    assert found.codes["camera"].codes.tolist() == [1, 0, 2]
    assert found.codes["column"].names == ["1", "2", "none"]


@pytest.mark.parametrize("ids", [["t0", "none"], []])
def test_centres__of_unknown_tiles(ids: list[str]) -> None:
    """The centre of a tile that is not in the section is unknown."""
    tiles = TileTable.from_columns(tile_id=["t0"], z=1, width=10, height=10, translation=[[5, 5]])

    assert np.isnan(SectionMap.of(tiles, {}).centres(ids)).any(axis=1).tolist() == [one != "t0" for one in ids]
