"""Pictures of recipe files, drawn without a service."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import pytest
from pytest_httpserver import HTTPServer

from rendergateway.errors import ImageError, RecordError
from rendergateway.rendering.output.recipe_files import complete_recipe, read_parameters, write_recipe_picture
from rendergateway.wire import RenderParametersJson


def image_of(path: Path) -> npt.NDArray[Any]:
    return np.asarray(cv2.imread(str(path), cv2.IMREAD_UNCHANGED))


@pytest.fixture
def tiles(tmp_path: Path) -> Path:
    """A file with one tile of 40 × 30 pixels at (10, 20), with nested lists of transforms."""
    cv2.imwrite(str(tmp_path / "a.png"), np.arange(1200).reshape(30, 40) % 200 + 20)
    move = {"className": "mpicbg.trakem2.transform.AffineModel2D", "dataString": "1 0 0 1 10 20"}
    spec = {"type": "list", "specList": [{"type": "list", "specList": [move]}]}
    tile = {"tileId": "t", "z": 1, "width": 40, "height": 30, "minX": 10, "minY": 20, "maxX": 50, "maxY": 50,
            "mipmapLevels": {"0": {"imageUrl": str(tmp_path / "a.png")}}, "transforms": spec}  # fmt: skip
    path = tmp_path / "tiles.json"
    path.write_text(json.dumps([tile]))
    return path


def test_recipe__of_tile_specs(tiles: Path, tmp_path: Path) -> None:
    """A list of tile specs is drawn in the region of their boxes."""
    size = write_recipe_picture(read_parameters(str(tiles)), tmp_path / "b.png", edges=True)

    assert size == (40, 30)
    found = image_of(tmp_path / "b.png")
    assert np.array_equal(found[..., 0], image_of(tmp_path / "a.png"))
    assert (found[..., 3] == 255).all()


def test_recipe__given_values_win(tiles: Path, tmp_path: Path) -> None:
    """Parameters of a URL fill in the members with their default; others are kept."""
    (tmp_path / "base.json").write_text(json.dumps({"x": 10, "width": 40, "height": 99, "scale": 0.5}))

    found = complete_recipe(
        RenderParametersJson(parametersUrl=f"file:{tmp_path / 'base.json'}", tileSpecUrl=str(tiles), y=20, height=30)
    )

    assert (found.x, found.y, found.width, found.height, found.scale) == (10, 20, 40, 30, 0.5)
    assert [tile.tileId for tile in found.tileSpecs if tile is not None] == ["t"]


def test_recipe__drawn_upon_an_image(tiles: Path, tmp_path: Path) -> None:
    """The picture has the size of the image, and is drawn at its upper left corner, in grey with convertToGray."""
    cv2.imwrite(str(tmp_path / "below.png"), np.full((50, 60, 3), 7, np.uint8))
    recipe = read_parameters(str(tiles))
    recipe.in_, recipe.convertToGray = str(tmp_path / "below.png"), True

    assert write_recipe_picture(recipe, tmp_path / "b.png", edges=True) == (60, 50)

    expected = np.full((50, 60), 7)
    expected[:30, :40] = image_of(tmp_path / "a.png")
    assert np.array_equal(image_of(tmp_path / "b.png"), expected)


def test_recipe__over_http(tiles: Path, tmp_path: Path, httpserver: HTTPServer) -> None:
    """Render parameters of a service are read from its URL; an error names it."""
    recipe = {"x": 10, "y": 20, "width": 40, "height": 30, "tileSpecs": json.loads(tiles.read_text())}
    httpserver.expect_request("/recipe").respond_with_json(recipe)
    httpserver.expect_request("/missing").respond_with_data("no", status=404)

    assert write_recipe_picture(read_parameters(httpserver.url_for("/recipe")), tmp_path / "b.png") == (40, 30)
    with pytest.raises(ImageError, match=r"http://.*/missing: image cannot be downloaded"):
        read_parameters(httpserver.url_for("/missing"))


@pytest.mark.parametrize(
    ("text", "error", "message"),
    [
        ("{", RecordError, "r.json: "),
        ("null", RecordError, "r.json: expected an object or a list, got null"),
        ("[]", ImageError, "tile specs need minX, minY, maxX and maxY"),
        ('[{"tileId": "a"}]', ImageError, "tile specs need minX, minY, maxX and maxY"),
    ],
)
def test_recipe__malformed(tmp_path: Path, text: str, error: type[Exception], message: str) -> None:
    """Malformed files are errors that name the file."""
    (tmp_path / "r.json").write_text(text)

    with pytest.raises(error, match=message):
        read_parameters(str(tmp_path / "r.json"))


def test_recipe__bad_output(tiles: Path, tmp_path: Path) -> None:
    """Unknown suffixes and what cannot be drawn raise; no file is left."""
    recipe = read_parameters(str(tiles))
    with pytest.raises(ImageError, match="unknown suffix"):
        write_recipe_picture(recipe, tmp_path / "b.gif")
    recipe.addWarpFieldDebugOverlay = True
    with pytest.raises(ImageError, match="the overlay of warp fields cannot be drawn"):
        write_recipe_picture(recipe, tmp_path / "b.png")
    assert not list(tmp_path.glob("b.*"))
