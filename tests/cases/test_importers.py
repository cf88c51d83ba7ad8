"""Case D12: files of other programs that place images are readable."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from rendergateway import Gateway
from rendergateway.batch.importers import import_project
from rendergateway.rendering.output.encoding import file_bytes
from tests.cases.read import case_file


def image(path: Path) -> None:
    path.write_bytes(file_bytes(np.full((80, 100), 9, np.uint8), None, path.suffix[1:]))


def test_trakem2_project__one_patch(gateway: Gateway, tmp_path: Path) -> None:
    """A minimal project, without sizes of images, calibration and thickness."""
    project = case_file("trakem2_project.xml", tmp_path)
    image(tmp_path / "a.tif")
    stack = gateway.stack("m")

    import_project(stack, project)

    (tile,) = stack.tiles()
    assert (tile.tile_id, tile.z, tile.image_url) == ("8", 0, (tmp_path / "a.tif").as_uri())
    assert tile.world_from_local([0, 0]).tolist() == [56, 6]
    assert tuple(tile.bounds)[:4] == (56, 6, 156, 86)  # type: ignore[arg-type]


def test_karsh_layout__one_line(gateway: Gateway, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A line that ends with the image path: its section is z, its numbers are the rows of a matrix."""
    layout = case_file("karsh_layout.txt", tmp_path)
    image(tmp_path / "a.jpg")
    here = gateway.using()
    monkeypatch.setattr(here, "image_paths", {"/data": str(tmp_path)})
    stack = here.stack("m")

    import_project(stack, layout, format="karsh")

    (tile,) = stack.tiles()
    assert (tile.tile_id, tile.z, tile.image_url) == ("64", 4, "file:///data/a.jpg")
    assert tile.world_from_local([[0, 0], [100, 0]]).tolist() == [[8960.1, 5898.0], [9060.1, 5898.0 - 0.0253]]
    assert (tile.layout.image_row, tile.layout.image_col, tile.layout.section_id) == (8, 8, "4")
