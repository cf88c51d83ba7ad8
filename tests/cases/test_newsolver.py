"""Members, image loaders, transform classes and filters of newer services are kept, and computed if known."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from rendergateway import (
    Bounds,
    FilterError,
    FilterRecord,
    Gateway,
    ImageError,
    RenderGatewayError,
    StackWrapper,
    TileRecord,
    read_tiles,
    write_tiles,
)
from rendergateway.batch.load import load_files
from rendergateway.rendering import FILTERS
from rendergateway.transforms import UnknownTransform
from tests.cases.read import FILES, case, case_file

NAMES = sorted(path.name for path in FILES.glob("newsolver_*.json"))
IMAGE = f"file:{FILES}/zipmask/tile.png"
COMPOSITE = "org.janelia.alignment.filter.CompositeFilter"

# Of a service that is newer than this package.
STRANGE: dict[str, dict[str, Any]] = {
    "loader": {"mipmapLevels": {"0": {"imageUrl": "lab://7", "imageLoaderType": "LAB", "maskLoaderType": "LAB_MASK"}}},
    "class": {"transforms": {"type": "list", "specList": [{"type": "leaf", "className": "a.B", "dataString": "x  y"}]}},
    "filter": {"filterSpec": {"className": "a.Filter", "parameters": {"k": "v"}}},
    "channel": {
        "channels": [
            {
                "name": "c",
                "minIntensity": 0.0,
                "maxIntensity": 255.0,
                "mipmapLevels": {},
                "filterSpec": {"className": "a.Filter", "parameters": {}},
            }
        ]
    },
}


def tile(name: str = "a", x: int = 0, **members: Any) -> dict[str, Any]:
    """The tile of a case file, moved by *x*, with other members."""
    (spec,) = json.loads(case("newsolver_filter_spec.json"))
    del spec["filterSpec"]
    spec["transforms"]["specList"][0]["dataString"] = f"1 0 0 1 {x} 0"
    return {**spec, "tileId": name, "minX": float(x), "maxX": x + 80.0, **members}


def loaded(gateway: Gateway, folder: Path, *specs: dict[str, Any]) -> StackWrapper:
    """A stack of these tiles."""
    path = folder / "tiles.json"
    path.write_text(json.dumps(specs))
    stack = gateway.stack("loaded")
    load_files(stack, [path])
    return stack


def drawn(stack: StackWrapper, compute: str = "local", **options: Any) -> npt.NDArray[Any]:
    return np.asarray(stack.tile("a").image("raw", compute=compute, **options))


@pytest.mark.parametrize("name", [*NAMES, *STRANGE])
def test_kept__from_file_to_file(gateway: Gateway, tmp_path: Path, name: str) -> None:
    """A tile is stored, read, listed, copied and written as it was."""
    path = tmp_path / name
    path.write_text(json.dumps([tile(**STRANGE[name])])) if name in STRANGE else case_file(name, tmp_path)
    (given,) = json.loads(path.read_text())
    stack = gateway.stack("given")

    load_files(stack, [path])
    with gateway.create_stack("changed").editing() as edit:
        edit.put(stack.section(1).tiles().table().evolve(z=2.0))
    gateway.stack("changed").copy_to("copied")
    write_tiles(tmp_path / "written.json", gateway.stack("copied").section(2).tiles().records())

    (kept,) = json.loads((tmp_path / "written.json").read_text())
    assert kept.pop("meshCellSize") == 64.0
    assert kept == {**given, "z": 2.0}
    assert not TileRecord.from_json(json.dumps(kept)).validate()


def test_records__filter() -> None:
    """A tile and its channels have their filters as records."""
    (record,) = read_tiles(FILES / "newsolver_filter_spec.json")
    assert record.filter_spec is not None
    assert record.filter_spec.parameters == {"dataString": "1,1,2,0.5,0.1"}
    assert record.filter_spec.class_name.endswith(".LinearIntensityMap8BitFilter")
    other = record.evolve(filter_spec=FilterRecord(class_name="a.B", parameters={}))
    assert json.loads(other.to_json())["filterSpec"] == {"className": "a.B", "parameters": {}}
    (channel,) = TileRecord.from_json(json.dumps(STRANGE["channel"] | {"tileId": "a"})).channels
    assert channel.filter_spec is not None
    assert channel.filter_spec.class_name == "a.Filter"


def test_loaders__drawn(gateway: Gateway, tmp_path: Path) -> None:
    """The loader with a timeout reads like the default one, and a mask of boxes is shifted by one pixel, as in Java."""
    url = "mask://outside-boxes?width=80&height=60&count=2&boxes=0,0,3,2,4,1,2,3"
    level = {"imageUrl": IMAGE, "imageLoaderType": "IMAGEJ_DEFAULT_W_TIMEOUT"}
    mask = {"maskUrl": url, "maskLoaderType": "MULTI_BOX_DYNAMIC_MASK"}
    plain = drawn(loaded(gateway, tmp_path, tile()))
    for members in (level, level | mask):
        stack = gateway.stack("other")
        (tmp_path / "other.json").write_text(json.dumps([tile(mipmapLevels={"0": members})]))
        load_files(stack, [tmp_path / "other.json"], existing="replace")
        local, asked = (drawn(stack, compute) for compute in ("local", "service"))
        np.testing.assert_array_equal(local, asked)
        shown = np.ones((60, 80), bool)
        if "maskUrl" in members:
            shown[:] = False
            shown[1:3, 1:4] = shown[2:5, 5:7] = True
        shown[-1], shown[:, -1] = False, False
        np.testing.assert_array_equal(local[shown], plain[shown])
        assert not local[~shown].any()


@pytest.mark.parametrize("compute", ["local", "service"])
def test_unknown__other_tiles_are_drawn(gateway: Gateway, tmp_path: Path, compute: str) -> None:
    """Only a picture that shows a tile of an unknown class, loader or filter is an error, which names it."""
    specs = [tile("a"), *(tile(name, 100 * row, **STRANGE[name]) for row, name in enumerate(STRANGE, 1))]
    stack = loaded(gateway, tmp_path, *specs)
    section = stack.section(1)
    words = {
        "loader": "LAB",
        "class": "a.B",
        "filter": "'a.Filter'",
        "channel": "no mipmap levels|mipmapLevel",
    }

    assert np.asarray(section.image(Bounds(0, 0, 80, 60), compute=compute)).any()
    assert section.bounds == Bounds(0, 0, 480, 60)
    for row, name in enumerate(STRANGE, 1):
        box = Bounds(100 * row, 0, 100 * row + 80, 60)
        with pytest.raises(RenderGatewayError, match=words[name]) as caught:
            section.image(box, compute=compute)
        assert compute == "service" or f"tile '{name}'" in str(caught.value)
    assert isinstance(stack.tile("class").transforms[0], UnknownTransform)


def test_filter__of_tile_and_channel(gateway: Gateway, tmp_path: Path) -> None:
    """A filter is applied to the image when it is loaded, at the scale of the picture and before other filters."""
    scales = []

    def darker(pixels: Any, parameters: Any, scale: float, random: Any) -> Any:
        scales.append((parameters["by"], scale))
        return (pixels * float(parameters["by"])).astype(pixels.dtype)

    def spec(name: str, **parameters: str) -> dict[str, Any]:
        return {"className": name, "parameters": parameters}

    invert = spec("org.janelia.alignment.filter.Invert")
    both = spec(COMPOSITE, filter0=json.dumps(spec("lab.Darker", by="0.5")), filter1=json.dumps(invert))
    channel = {"name": "c", "mipmapLevels": {"0": {"imageUrl": IMAGE}}, "filterSpec": spec("lab.Darker", by="0.25")}
    plain = drawn(loaded(gateway, tmp_path, tile())).astype(float)
    inside = np.s_[1:-1, 1:-1]

    with FILTERS.registered("lab.Darker", darker):
        for members, expected in (
            ({"filterSpec": spec("lab.Darker", by="0.5")}, plain * 0.5),
            ({"filterSpec": both}, 255 - np.floor(plain * 0.5)),
            # A tile with channels has only theirs.
            ({"channels": [channel], "filterSpec": both}, plain * 0.25),
        ):
            stack = gateway.stack("filtered")
            (tmp_path / "filtered.json").write_text(json.dumps([tile(**members)]))
            load_files(stack, [tmp_path / "filtered.json"], existing="replace")
            for compute in ("local", "service"):
                np.testing.assert_array_equal(drawn(stack, compute)[inside], np.floor(expected[inside]))
        darkest = drawn(stack, filter=[FilterRecord(class_name="lab.Darker", parameters={"by": "0.1"})], scale=0.4)
    assert darkest.shape == (24, 32)
    # The scale of the picture for the filter of the tile, that of the mipmap level for the filter of the picture.
    assert scales[-2:] == [("0.25", 0.4), ("0.1", 1.0)]
    with pytest.raises(FilterError, match=r"tile 'a': filter class 'lab\.Darker' cannot be found"):
        drawn(stack)


@pytest.mark.parametrize(
    ("parameters", "sentence"),
    [
        ({"filter0": "{"}, "invalid JSON in CompositeFilter: got '{'"),
        ({"filter0": "{}"}, "no className defined for filter spec"),
        ({"filter1": '{"className": "Invert"}'}, r"filter0, filter1, … without a gap: got \['filter1'\]"),
    ],
)
def test_filter__wrong_composite(gateway: Gateway, tmp_path: Path, parameters: dict[str, str], sentence: str) -> None:
    """A composite filter with an entry that is missing or not a filter is an error that names the tile."""
    stack = loaded(gateway, tmp_path, tile(filterSpec={"className": COMPOSITE, "parameters": parameters}))
    with pytest.raises(FilterError, match=f"tile 'a': .*{sentence}"):
        drawn(stack)


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("mask://outside-boxes?width=8&height=6&count=2&boxes=0,0,3,2", "expected 8 box values but found 4 in dynamic"),
        ("mask://outside-boxes?height=6&width=8&count=1&boxes=0,0,3,2", "failed to parse dynamic mask URL: mask://out"),
        ("mask://outside-boxes?width=8&height=6&count=1&boxes=0,0,3,-2", "failed to parse dynamic mask URL: mask://ou"),
        ("mask://outside-boxes?width=99999&height=99999&count=1&boxes=0,0,3,2", "mask too large: got 99999 × 99999"),
    ],
)
def test_loaders__wrong_mask(gateway: Gateway, tmp_path: Path, url: str, sentence: str) -> None:
    """A mask URL that the service cannot parse is refused with its sentence."""
    level = {"imageUrl": IMAGE, "maskUrl": url, "maskLoaderType": "MULTI_BOX_DYNAMIC_MASK"}
    with pytest.raises(ImageError, match=f"tile 'a', .*{sentence}"):
        drawn(loaded(gateway, tmp_path, tile(mipmapLevels={"0": level})))


@pytest.mark.parametrize("name", ["newsolver_stage_creep.json", "newsolver_exponential_wrong_sign.json"])
def test_transforms__box_and_picture(gateway: Gateway, tmp_path: Path, name: str) -> None:
    """Box, coordinates and picture are computed with the newer classes, by both sides alike."""
    stack = gateway.stack("given")
    load_files(stack, [case_file(name, tmp_path)])
    with stack.editing() as edit:
        edit.put(list(stack.section(1).tiles()), boxes="service")
    section, given = stack.section(1), [[5.0, 40.0], [70.0, 50.0]]

    world = stack.world_from_local("a", given)
    asked = stack.world_from_local("a", given, compute="service")
    back = stack.local_from_world("a", world.xy)

    np.testing.assert_allclose(world.xy, asked.raise_errors().xy)
    np.testing.assert_allclose(back.xy, given)
    assert section.locate(world.xy[1:]).visible.tolist() == [True]
    np.testing.assert_array_equal(section.image(compute="local"), section.image(compute="service"))


def test_displacement_field__only_local(gateway: Gateway, tmp_path: Path) -> None:
    """A field is read locally; the service, like the real one, refuses to read a file that a transform names."""
    field = Path(__file__).parents[1] / "transforms/field"
    text = case("newsolver_displacement_field.json").replace(b"file:///data/field?z=5", b"file://%a?z=0" % str(field))
    spec = json.loads(text.replace(b"'", b""))[0]
    stack = loaded(gateway, tmp_path, spec)

    assert stack.tile("a").world_from_local([100, -50]).round(9).tolist() == [100.888888889, -51.027777778]
    assert drawn(stack).any()
    assert np.asarray(stack.section(1).image(compute="local")).any()
    assert "cannot be found" in stack.world_from_local("a", [[0, 0]], compute="service").error[0]
    with pytest.raises(RenderGatewayError, match=r"DisplacementFieldTransform' cannot be found"):
        stack.section(1).image()
