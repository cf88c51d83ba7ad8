"""Images rendered by the service, beyond the recordings."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import pytest
import requests
import tifffile

from rendergateway.endpoints import ENDPOINTS
from rendergateway.rendering import FORMATS
from rendergateway.rendering.images.decoding import decoded
from rendergateway.service.app import app_for
from rendergateway.service.embedded import EmbeddedAdapter
from rendergateway.transforms import fit_thin_plate_spline
from tests.service.conftest import STACK, Service, tile


def save_image(folder: Path, name: str, pixels: npt.NDArray[Any]) -> str:
    path = str(folder / name)
    assert cv2.imwrite(path, pixels)
    return f"file://{path}"


def imaged(tile_id: str, url: str, **members: Any) -> dict[str, Any]:
    return tile(tile_id, mipmapLevels={"0": {"imageUrl": url}}, **members)


@pytest.fixture
def drawing(stack: Service, tmp_path: Path) -> Service:
    """A service with a layer of two grey tiles, one of them masked."""
    plain = save_image(tmp_path, "plain.png", np.full((80, 100), 60, dtype=np.uint8))
    mask = save_image(tmp_path, "mask.png", np.full((80, 100), 255, dtype=np.uint8))
    masked = imaged("b", plain, x=50)
    masked["mipmapLevels"]["0"]["maskUrl"] = mask
    assert stack.save(imaged("a", plain), masked).status_code == 201
    return stack


BOX = f"{STACK}/z/1/box/0,0,200,90,1"


@pytest.mark.parametrize("kind", FORMATS)
def test_formats__hold_the_same_picture(drawing: Service, kind: str) -> None:
    """Every format contains the same values in its own encoding."""
    answer = drawing.send("GET", f"{BOX}/{kind}-image")

    assert answer.status_code == 200, answer.text
    body = answer.content
    if kind.startswith("raw"):
        values = np.frombuffer(body, ">u2" if kind == "raw16" else np.uint8).reshape(90, 200, -1)
    elif kind.startswith("tiff"):
        values = tifffile.imread(io.BytesIO(body)).reshape(90, 200, -1)
    else:
        values = decoded(body).reshape(90, 200, -1)
    assert values.shape[2] == {"raw": 4, "png": 3, "tiff": 3}.get(kind, 1)
    assert abs(int(values[40, 30, -2 if values.shape[2] > 1 else 0]) - 60) <= 1
    assert not values[85, 190].any()


def test_formats__every_one_has_endpoints() -> None:
    """The encoders cover exactly the formats in the names of the endpoints."""
    kinds = {name.rpartition(".")[2].rpartition("_")[2] for name, each in ENDPOINTS.items() if each.answer == "bytes"}

    assert kinds == set(FORMATS)


def test_headers__let_clients_keep_a_picture(drawing: Service) -> None:
    """An image has an ETag for conditional requests."""
    answer = drawing.send("GET", f"{BOX}/png-image")

    again = drawing.send("GET", f"{BOX}/png-image", headers={"If-None-Match": answer.headers["ETag"]})

    assert answer.headers["Cache-Control"] == "no-transform, max-age=3600"
    assert (again.status_code, again.content) == (304, b"")


def test_quality__makes_smaller_files(drawing: Service, tmp_path: Path) -> None:
    """The quality of posted render parameters determines the size of a JPEG."""
    noise = np.random.default_rng(1).integers(0, 256, (80, 100), dtype=np.uint8)
    body = {"width": 99, "height": 79, "tileSpecs": [imaged("n", save_image(tmp_path, "n.png", noise))]}

    sizes = [
        len(drawing.send("PUT", "/owner/lab/jpeg-image", body | {"quality": quality}).content)
        for quality in (0.1, 0.5, 0.85, 1.0)
    ]

    assert sizes == sorted(set(sizes))


@pytest.mark.parametrize(
    ("box", "status", "message"),
    [
        ("0,0,2000000000,1,1", 500, "limit 100000000; request parts of it"),
        ("0,0,100000,100000,1", 500, "limit 100000000; request parts of it"),
        # 2 ** 17 * 2 ** 15 is 0 in 32 bits.
        ("0,0,131072,32768,1", 400, "Dimensions (width=131072 height=32768) are too large"),
    ],
)
def test_size__of_too_many_pixels(drawing: Service, box: str, status: int, message: str) -> None:
    """An image above the pixel limit fails with the status of the real service: out of memory, or beyond integers."""
    answer = drawing.send("GET", f"{STACK}/z/1/box/{box}/png-image")

    assert answer.status_code == status
    assert message in answer.text


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("cut.png", None),
        ("words.tif", b"II*\0 and no more"),
        ("words.png", b"no image"),
        ("short.jpg", b"\xff\xd8\xff\xe0"),
    ],
)
def test_file__that_is_no_image(stack: Service, tmp_path: Path, name: str, data: bytes | None) -> None:
    """An image file that cannot be decoded is reported with its tile, in every format."""
    whole = Path(save_image(tmp_path, "whole.png", np.full((80, 100), 9, dtype=np.uint8)).removeprefix("file://"))
    (tmp_path / name).write_bytes(whole.read_bytes()[:-20] if data is None else data)
    assert stack.save(imaged("bad", f"file://{tmp_path}/{name}")).status_code == 201

    for kind in ("png", "tiff16", "raw"):
        answer = stack.send("GET", f"{STACK}/z/1/box/0,0,90,70,1/{kind}-image")
        assert answer.status_code == 400
        assert answer.text.startswith(f"tile 'bad', image 'file://{tmp_path}/{name}': ")


def test_volume__names_a_library_or_what_is_missing(stack: Service, tmp_path: Path) -> None:
    """A volume passes the file check; errors in it are reported when it is read."""
    (tmp_path / "a.n5").mkdir()
    url = f"file://{tmp_path}/a.n5?dataSet=/s0&z=3"
    spec = tile("slice", mipmapLevels={"0": {"imageUrl": url, "imageLoaderType": "N5_SLICE"}})
    assert stack.save(spec).status_code == 201

    answer = stack.send("GET", f"{STACK}/tile/slice/png-image")

    assert answer.status_code == 400
    assert answer.text.startswith(f"tile 'slice', image '{url}': ")
    assert "cannot find" not in answer.text


def test_folded_tile__is_refused_in_little_memory(stack: Service, tmp_path: Path) -> None:
    """Render parameters with too fine a mesh are refused with the reason."""
    url = save_image(tmp_path, "a.png", np.full((80, 100), 9, dtype=np.uint8))
    bend = {
        "className": "mpicbg.trakem2.transform.PolynomialTransform2D",
        "dataString": "0 1 0 1e-3 0 0 0 0 1 0 0 1e-3",
    }
    spec = imaged("t", url, transforms={"type": "list", "specList": [bend]})

    answer = stack.send("PUT", "/owner/lab/png-image", {"tileSpecs": [spec], "meshCellSize": 1e-9})

    assert answer.status_code == 400
    assert answer.text.startswith("tile 't' cannot be drawn: mesh too fine: got cells of 1e-09 pixels")


INVERT = {"className": "org.janelia.alignment.filter.Invert", "parameters": {}}


@pytest.mark.parametrize("spec", [INVERT, {"className": "lab.Sharpen", "parameters": {}}], ids=["newer", "unknown"])
def test_filter__that_is_not_known(drawing: Service, tmp_path: Path, spec: dict[str, Any]) -> None:
    """A posted filter that the real service does not have is refused by name, if there is a tile to filter."""
    url = save_image(tmp_path, "f.png", np.full((80, 100), 9, dtype=np.uint8))
    body = {"tileSpecs": [imaged("t", url)], "filterSpecs": [spec]}

    answer, empty = (drawing.send("PUT", "/owner/lab/png-image", one) for one in (body, {**body, "tileSpecs": []}))

    assert answer.status_code == 400
    assert answer.text == f"filter class '{spec['className']}' cannot be found"
    assert empty.status_code == 200


def test_filter_lists__of_a_file(tmp_path: Path) -> None:
    """Lists of a file replace the default ones, and make newer filters known to the service."""
    path = tmp_path / "lists.json"
    path.write_text(json.dumps({"namedFilterSpecLists": {"inverted": [INVERT]}}))
    url = save_image(tmp_path, "f.png", np.full((80, 100), 9, dtype=np.uint8))
    service = Service(f"embedded:?filters={path}")
    try:
        service.send("POST", f"{STACK}", {})
        service.save(imaged("t", url))
        box = f"{STACK}/z/1/box/0,0,50,40,1"

        listed = service.send("GET", "/namedFilterSpecLists")
        drawn = service.send("GET", f"{box}/png-image?filterListName=inverted")
        parameters = service.send("GET", f"{box}/render-parameters?filterListName=inverted")
        posted = service.send("PUT", "/owner/lab/png-image", parameters.json())
        unknown = service.send("GET", f"{box}/render-parameters?filterListName=default")
    finally:
        service.adapter.close()

    assert listed.json() == {"namedFilterSpecLists": {"inverted": [INVERT]}}
    assert decoded(drawn.content)[20, 20].tolist()[:3] == [246] * 3
    assert posted.content == drawn.content
    assert unknown.status_code == 400
    assert unknown.text.startswith("Filter list with name 'default' not found.")


def test_square__drawn_before_is_sent_as_it_is(drawing: Service, tmp_path: Path) -> None:
    """A pre-rendered square below the root path of the stack is sent instead of a new one."""
    square = tmp_path / "boxes" / "64x48" / "0" / "1" / "0" / "0.png"
    square.parent.mkdir(parents=True)
    square.write_bytes(b"drawn before")
    root, text = str(tmp_path / "boxes").encode(), {"Content-Type": "text/plain"}
    answer = drawing.send("PUT", f"{STACK}/materializedBoxRootPath", body=root, headers=text)
    assert answer.status_code in (200, 201), answer.text

    path = f"{STACK}/largeDataTileSource/64/48/0/1/0/0.png"

    assert drawing.send("GET", path).content == b"drawn before"
    assert drawing.send("GET", path.replace("0.png", "1.png")).content.startswith(b"\x89PNG")
    assert drawing.send("GET", f"{path}?maxTileSpecsToRender=0").content.startswith(b"\x89PNG")


def test_overview__drawn_before_is_sent_as_it_is(drawing: Service, tmp_path: Path) -> None:
    """A pre-rendered overview below the root path of the stack is sent instead of a new one."""
    overview = tmp_path / "boxes" / "64x48" / "small" / "1.jpg"
    overview.parent.mkdir(parents=True)
    overview.write_bytes(b"drawn before")
    root, text = str(tmp_path / "boxes").encode(), {"Content-Type": "text/plain"}
    assert drawing.send("PUT", f"{STACK}/materializedBoxRootPath", body=root, headers=text).status_code == 200

    path = f"{STACK}/largeDataTileSource/64/48/small/1.jpg"

    assert drawing.send("GET", path).content == b"drawn before"
    assert drawing.send("GET", path.replace("1.jpg", "1.png")).content.startswith(b"\x89PNG")
    assert drawing.send("GET", f"{path}?maxTileSpecsToRender=0").content.startswith(b"\xff\xd8")


@pytest.mark.parametrize("scale", ["0", "-1", "1e-9", "1e9"])
@pytest.mark.parametrize("kind", FORMATS)
def test_scale__that_leaves_nothing_or_too_much(drawing: Service, scale: str, kind: str) -> None:
    """A scale without pixels, or with too many, is refused."""
    answer = drawing.send("GET", f"{STACK}/z/1/box/0,0,200,90,{scale}/{kind}-image")

    assert answer.status_code == 400
    assert ("are too large" if scale == "1e9" else "cannot be <= 0") in answer.text


@pytest.mark.parametrize("box", ["0,0,0,90", "0,0,90,0", "0,0,-5,90"])
def test_box__that_is_empty(drawing: Service, box: str) -> None:
    """An empty box is refused."""
    answer = drawing.send("GET", f"{STACK}/z/1/box/{box},1/png-image")

    assert answer.status_code == 400
    assert "cannot be <= 0" in answer.text


def test_crumpled_tile__names_itself(stack: Service, tmp_path: Path) -> None:
    """A tile that its transform folds many times is refused by name; a tile folded once is drawn."""
    url = save_image(tmp_path, "a.png", np.full((1200, 1200), 9, dtype=np.uint8))
    anywhere = np.random.default_rng(1).uniform(-1, 1, (2, 300, 2))
    crumpled = fit_thin_plate_spline(600 + 600 * anywhere[0], 500 + 9000 * anywhere[1])
    fold = {
        "className": "mpicbg.trakem2.transform.PolynomialTransform2D",
        "dataString": "0 1 0 -1e-3 0 0 0 0 1 0 0 0",
    }

    def drawn(leaf: Any) -> requests.Response:
        transforms = {"type": "list", "specList": [leaf]}
        spec = imaged("t", url, width=1200, height=1200, transforms=transforms)
        return stack.send("PUT", "/owner/lab/png-image", {"width": 900, "height": 900, "tileSpecs": [spec]})

    answer = drawn(crumpled.to_spec())
    assert answer.status_code == 400
    assert answer.text.startswith("tile 't' cannot be drawn: transform folds the image")
    assert drawn(fold).status_code == 200


@pytest.fixture
def rooted(service: Service, tmp_path: Path) -> tuple[Service, Path]:
    """A service with one image folder, and this folder."""
    folder = tmp_path / "images"
    folder.mkdir()
    service.adapter.close()
    service.adapter = EmbeddedAdapter(app_for(tmp_path / "render.db", images=(folder,)))
    return service, folder


def test_roots__nothing_else_is_read(rooted: tuple[Service, Path], tmp_path: Path) -> None:
    """Images outside the image folders count as missing, also through links, dots and path builders."""
    service, folder = rooted
    secret = np.full((80, 100), 200, dtype=np.uint8)
    save_image(tmp_path, "secret.png", secret)
    save_image(folder, "open.png", np.full((80, 100), 9, dtype=np.uint8))
    (folder / "link.png").symlink_to(tmp_path / "secret.png")
    (tmp_path / "1" / str(folder).lstrip("/")).mkdir(parents=True)
    save_image(tmp_path / "1" / str(folder).lstrip("/"), "open.png.png", secret[:40, :50])

    def drawn(url: str, **parameters: Any) -> requests.Response:
        body = {"width": 90, "height": 70, "tileSpecs": [imaged("t", url)]} | parameters
        return service.send("PUT", "/owner/lab/png-image", body)

    assert drawn(f"{folder}/open.png").status_code == 200
    for url in (f"{tmp_path}/secret.png", f"{folder}/link.png", f"file://{folder}/../secret.png", "/etc/hostname"):
        assert drawn(url).status_code == 400, url
        assert "cannot find imageUrl file" in drawn(url).text
    rule = {"rootPath": str(tmp_path), "numberOfLevels": 3, "extension": "png"}
    picture = drawn(f"{folder}/open.png", mipmapPathBuilder=rule, scale=0.5)
    assert decoded(picture.content)[10, 10, 0] == 9
