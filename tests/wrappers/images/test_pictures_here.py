"""Pictures drawn in this process: equal pixels, location of images."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

import numpy as np
import pytest

from rendergateway import (
    Bounds,
    Gateway,
    ImageError,
    MissingChannelError,
    Picture,
    RecordError,
    ServiceError,
    StackWrapper,
    TileRecord,
)
from rendergateway.model import ChannelRecord, ImagePyramid
from rendergateway.rendering.base import arrays
from rendergateway.rendering.output import encoding
from tests.cases.read import case
from tests.replay.cassettes import OURS, REAL_DATA, RECORDED_IMAGES, Scenario
from tests.wrappers.images.pictured import opacity, plain_tile, put, ramp, save


def test_local__same_pixels_of_the_made_up_volume(drawn: StackWrapper) -> None:
    """Drawn here or by the service, pictures are the same to the last pixel."""
    section = drawn.section(2)
    tile = section.tiles()[1]
    looks: list[Callable[[str], Picture]] = [
        lambda compute: section.image(scale=0.25, compute=compute),
        lambda compute: section.image(Bounds(100.5, 99.25, 700, 600), scale=1.7, compute=compute),
        lambda compute: section.image(scale=0.5, dtype="uint16", compute=compute),
        lambda compute: tile.image("lens_corrected", scale=0.5, compute=compute),
        lambda compute: tile.image("raw", intensity=(20, 230), compute=compute),
        lambda compute: drawn.cross_section("yz", at=444, scale=0.3, compute=compute),
    ]

    for look in looks:
        assert np.array_equal(look("service"), look("local"))


DRAWN = [
    OURS / "rendering" / f"{name}.yaml"
    for name in ("affine", "channels_square", "colour", "curved", "deep", "intensity", "masks", "mipmaps")
] + [REAL_DATA / "rendering" / "fafb.yaml"]


@pytest.mark.parametrize("path", DRAWN, ids=lambda path: path.stem)
def test_local__same_pixels_of_recorded_volumes(gateway: Gateway, path: Path, tmp_path: Path) -> None:
    """Of the volumes of the recordings, with their masks, depths, channels and colours, too."""
    if not path.exists():
        pytest.skip("recordings of real data are not here")
    for image in (*(OURS / "images").iterdir(), *(path.parents[1] / "images").glob("*")):
        if not (tmp_path / image.name).exists():
            (tmp_path / image.name).symlink_to(image.resolve())
    store_what_was_recorded(gateway, Scenario(path), tmp_path)
    compared = 0

    for owner in gateway.owners():
        for stack in owner.stacks():
            for section in stack.sections():
                for tile in section.tiles():
                    compared += same(lambda **look: tile.image(scale=0.7, **look))  # noqa: B023
                    compared += same(lambda **look: tile.image("raw", dtype="uint16", **look))  # noqa: B023
                compared += same(lambda **look: section.image(scale=0.5, **look))  # noqa: B023

    assert compared


def store_what_was_recorded(gateway: Gateway, scenario: Scenario, images: Path) -> None:
    """Send the writes of a recording up to the first deletion, and let its images lie in a folder of ours."""
    for request, _ in scenario.exchanges():
        if request["method"] == "DELETE":
            return
        split = urlsplit(request["uri"])
        if request["method"] in ("POST", "PUT") and "image" not in split.path:
            body = (request["body"] or "").encode().replace(RECORDED_IMAGES.encode(), str(images).encode())
            segments = [unquote(part) for part in split.path.partition("/v1/")[2].split("/")]
            query = {name: values[0] for name, values in parse_qs(split.query).items()}
            try:
                gateway.request(request["method"], *segments, params=query, data=body)
            except ServiceError:
                # Some were recorded to be refused.
                continue


def same(image: Callable[..., Picture]) -> int:
    """Compare a picture of the service with one drawn here; 0 if both fail."""
    try:
        service = image()
    except (ServiceError, ImageError, RecordError):
        with pytest.raises((ServiceError, ImageError, RecordError)):
            image(compute="local")
        return 0
    local = image(compute="local")
    assert np.array_equal(service, local)
    assert np.array_equal(opacity(service), opacity(local))
    return 1


# -- location of images ------------------------------------------------------------------------------------------


def test_image_paths__lead_from_the_services_folders_to_mine(gateway: Gateway, tmp_path: Path) -> None:
    """Image paths of the service are mapped to local ones by the gateway's image_paths."""
    save(tmp_path / "a.png", np.full((80, 100), 9, np.uint8))
    tile = plain_tile("file:/groups/scope/a.png")
    stack = put(gateway, tile)
    mine = Gateway("embedded:", owner="lab", project="cortex", image_paths={"/groups/scope/": f"{tmp_path}/"})
    there = put(mine, tile)

    assert (there.tile("t1").image(compute="local")[:-1, :-1] == 9).all()
    assert (mine.using(project="cortex").stack("some").tile("t1").image(compute="local")[:-1, :-1] == 9).all()
    assert len(there.check_images()) == 0
    assert stack.check_images().problem.tolist() == ["file not found: got '/groups/scope/a.png'"]
    with pytest.raises(ImageError, match=r"tile 't1', image 'file:/groups/scope/a.png': file not found"):
        stack.tile("t1").image(compute="local")
    mine.close()


def test_remote_images__only_where_allowed(gateway: Gateway, tmp_path: Path) -> None:
    """Remote images are opened only with remote_images=True."""
    stack = put(gateway, plain_tile("http://127.0.0.1:9/a.png"))

    with pytest.raises(ImageError, match="remote image not allowed: got a URL of scheme http"):
        stack.tile("t1").image(compute="local")
    assert "remote image not allowed" in stack.check_images().problem[0]


def test_remote_images__through_fsspec(tmp_path: Path) -> None:
    """If allowed, images of any fsspec file system are drawn and checked."""
    memory = pytest.importorskip("fsspec").filesystem("memory")
    memory.pipe(
        "/bucket/a.png",
        Path(unquote(urlsplit(save(tmp_path / "a.png", ramp(most=200).astype(np.uint8))).path)).read_bytes(),
    )
    with Gateway("embedded:", owner="lab", project="cortex", remote_images=True) as gateway:
        stack = put(gateway, plain_tile("memory://bucket/a.png"), plain_tile("memory://bucket/b.png", "t2"))

        assert np.array_equal(stack.tile("t1").image(compute="local")[:-1, :-1], ramp(most=200)[:-1, :-1])
        (row,) = stack.check_images()
        assert (row["tile_id"], row["problem"][:27]) == ("t2", "image cannot be downloaded:")


def test_check_images__tells_what_is_wrong(gateway: Gateway, tmp_path: Path) -> None:
    """Missing, unreadable, empty images and those of another size are rows; valid ones are not."""
    whole = save(tmp_path / "whole.png", np.full((80, 100), 9, np.uint8))
    half = save(tmp_path / "half.png", np.full((40, 50), 9, np.uint8))
    (tmp_path / "cut.png").write_bytes((tmp_path / "whole.png").read_bytes()[:-20])
    (tmp_path / "empty.png").touch()
    urls = {"right": whole, "cut": (tmp_path / "cut.png").as_uri(), "empty": str(tmp_path / "empty.png"),
            "gone": f"{tmp_path}/gone.png", "small": half}  # fmt: skip
    pyramids = {name: ImagePyramid().with_level(0, image_url=url) for name, url in urls.items()}
    tiles = [plain_tile("", name).evolve(mipmaps=one.with_level(1, image_url=half)) for name, one in pyramids.items()]
    masked = plain_tile(whole, "masked", mask_url=half)
    stack = put(gateway, *tiles, masked)
    told: list[int] = []

    found = stack.check_images(progress=told.append, workers=3)

    problems = {row["tile_id"]: row["problem"] for row in found}
    assert sorted(problems) == ["cut", "empty", "gone", "masked", "small"]
    assert problems["cut"] == "PNG is truncated"
    assert problems["empty"] == "file is empty"
    assert problems["gone"].startswith("file not found")
    assert problems["small"] == problems["masked"] == "expected 100 × 80 pixels, found 50 × 40"
    assert found.url[found.tile_id == "masked"].tolist() == [half]
    assert told == list(range(1, 13))
    assert len(stack.check_images(levels=[1])) == 0
    assert len(stack.check_images(z=7)) == 0


def test_seamless__boxes_fit_together(gateway: Gateway, tmp_path: Path) -> None:
    """At a scale between two levels, seamless boxes of a rotated tile have the pixels of a larger box."""
    noise = np.random.default_rng(1).integers(0, 256, (460, 614)).astype(np.uint8)
    url = save(tmp_path / "noise.png", noise)
    records = [TileRecord.from_json(json.dumps(one)) for one in json.loads(case("rotated_tile_half_scale.json"))]
    stack = gateway.create_stack("some")
    with stack.editing() as edit:
        edit.put([one.evolve(mipmaps=ImagePyramid().with_level(0, image_url=url)) for one in records], boxes="local")
    section = stack.section(612)
    corners = [(x, y) for x in range(1720, 2168, 64) for y in range(6200, 6520, 64)]

    differing = {}
    for seamless in (False, True):
        whole = section.image(Bounds(1720, 6200, 2168, 6520), scale=0.5, compute="local", seamless=seamless)
        parts = [
            section.image(Bounds(x, y, x + 64, y + 64), scale=0.5, compute="local", seamless=seamless)
            for x, y in corners
        ]
        places = [((x - 1720) // 2, (y - 6200) // 2) for x, y in corners]
        differing[seamless] = sum(
            not np.array_equal(part, whole[y : y + 32, x : x + 32]) for part, (x, y) in zip(parts, places, strict=True)
        )

    assert differing[False] > 0
    assert differing[True] == 0
    with pytest.raises(TypeError, match="seamless= is for pictures drawn by this process; pass compute='local'"):
        section.image(seamless=True)


def test_service_in_this_process__encodes_nothing(
    gateway: Gateway, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Pictures of a service in this process are not encoded: grey, masked, coloured, in 16 bits, and outlines."""
    grey, mask = save(tmp_path / "a.png", ramp(most=255).astype(np.uint8)), tmp_path / "mask.png"
    save(mask, np.where(np.arange(100) < 50, 90, 255).astype(np.uint8)[np.newaxis].repeat(80, axis=0))
    colours = save(tmp_path / "c.png", np.random.default_rng(1).integers(0, 256, (80, 100, 3)).astype(np.uint8))
    deep = save(tmp_path / "d.png", ramp())
    stacks = {
        "grey": put(gateway, plain_tile(grey), name="grey"),
        "masked": put(gateway, plain_tile(grey, mask_url=mask.as_uri()), name="masked"),
        "colours": put(gateway, plain_tile(colours, mask_url=mask.as_uri()), name="colours"),
        "deep": put(gateway, plain_tile(deep, max_intensity=65535), name="deep"),
    }
    looks: dict[str, Callable[[StackWrapper], Picture]] = {
        "tile": lambda stack: stack.tile("t1").image(),
        "section": lambda stack: stack.section(1).image(),
        "16 bits": lambda stack: stack.section(1).image(dtype="uint16"),
        "background": lambda stack: stack.tile("t1").image(background="#102030", dtype="uint8"),
    }
    files = {
        (name, look): (picture.pixels, opacity(picture))
        for name, stack in stacks.items()
        for look, draw in looks.items()
        for picture in [_through_files(lambda stack=stack, draw=draw: draw(stack), monkeypatch)]  # type: ignore[misc]
    }
    encoded_before = gateway.call_raw("tile.png", owner="lab", project="cortex", stack="grey", tile_id="t1")

    def refused(*given: object) -> bytes:
        raise AssertionError("a picture was encoded")

    monkeypatch.setattr(encoding, "_OF_8_BITS", dict.fromkeys(encoding._OF_8_BITS, refused))
    monkeypatch.setattr(encoding, "_OF_16_BITS", dict.fromkeys(encoding._OF_16_BITS, refused))

    for (name, look), (pixels, alpha) in files.items():
        picture = looks[look](stacks[name])
        np.testing.assert_array_equal(picture.pixels, pixels)
        np.testing.assert_array_equal(opacity(picture), alpha)
        assert picture.pixels.dtype == pixels.dtype
    with pytest.raises(ImageError, match="shows 1 tiles, more than max_tiles=0"):
        stacks["grey"].section(1).image(max_tiles=0)
    with pytest.raises(ImageError, match="shows 1 tiles, more than max_tiles=0"):
        stacks["grey"].section(1).image(max_tiles=0, dtype="uint16")
    assert encoded_before.startswith(b"\x89PNG")


def _through_files(draw: Callable[[], Picture], monkeypatch: pytest.MonkeyPatch) -> Picture:
    """Return a picture from a service that encodes it."""
    with monkeypatch.context() as patch:
        patch.setattr(arrays, "unencoded", contextlib.nullcontext)
        return draw()


def test_interpolate__nearest_pixels(gateway: Gateway, tmp_path: Path) -> None:
    """Without interpolation a picture has values of the file only, drawn here or by the service."""
    pixels = np.array([[10, 200]], dtype=np.uint8).repeat(40, axis=1).repeat(80, axis=0)
    stack = put(gateway, plain_tile(save(tmp_path / "a.png", pixels), "t", 0.5, 0.25, width=80))

    found = [stack.section(1).image(interpolate=False, compute=compute) for compute in ("service", "local")]

    assert np.array_equal(found[0], found[1])
    assert set(np.unique(found[0])) == {0, 10, 200}
    assert len(np.unique(stack.section(1).image())) > 3


def test_edges__last_column_and_row(gateway: Gateway, tmp_path: Path) -> None:
    """With edges the whole image is drawn, masks too; without, its last column and row are black."""
    pixels, mask = ramp(80, 100, 200).astype(np.uint8), np.full((80, 100), 255, np.uint8)
    levels = {"image_url": save(tmp_path / "a.png", pixels), "mask_url": save(tmp_path / "m.png", mask)}
    for name, mask_url in (("plain", None), ("masked", levels["mask_url"])):
        stack = put(gateway, plain_tile(levels["image_url"], "t", mask_url=mask_url), name=name)
        whole = stack.tile("t").image(compute="local", edges=True)
        assert np.array_equal(whole, pixels), name
        assert whole.alpha is None
        cut = stack.tile("t").image(compute="local")
        assert not cut[-1].any()
        assert not cut[:, -1].any()
        assert np.array_equal(cut[:-1, :-1], pixels[:-1, :-1])
    with pytest.raises(TypeError, match="edges= is for pictures drawn by this process; pass compute='local'"):
        stack.tile("t").image(edges=True)


def test_edges__moved_by_half_a_pixel(gateway: Gateway, tmp_path: Path) -> None:
    """Of a moved image, positions up to its last pixel centres are drawn; others stay black."""
    pixels = np.full((80, 100), 100, np.uint8)
    stack = put(gateway, plain_tile(save(tmp_path / "a.png", pixels), "t", 0.5, 0.5))

    box = Bounds(0, 0, 102, 82)
    covered = stack.section(1).image(box, compute="local", edges=True).pixels > 0

    assert covered[1:80, 1:100].all()
    assert covered.sum() == 79 * 99


def test_channel__weights(gateway: Gateway, tmp_path: Path) -> None:
    """Several channels with weights are averaged, by the service and here; an unknown one is named."""
    channels = [
        ChannelRecord(name=name, min_intensity=0, max_intensity=65535, mipmaps=ImagePyramid({0: url}))
        for name, url in (
            ("DAPI", save(tmp_path / "a.png", ramp(80, 80, 600))),
            ("TdTomato", save(tmp_path / "b.png", ramp(80, 80, 90))),
        )
    ]  # fmt: skip
    tile = put(gateway, plain_tile("", width=80, channels=channels, image_url=None)).tile("t1")
    weights = {"DAPI": 0.75, "TdTomato": 0.25}

    found = [tile.image(channel=weights, dtype="uint16", compute=compute) for compute in ("service", "local")]

    assert np.array_equal(found[0], found[1])
    one, other = (tile.image(channel=name, dtype="uint16").pixels.astype(float) for name in weights)
    assert np.abs(found[0].pixels - (0.75 * one + 0.25 * other))[:-1, :-1].max() <= 2
    with pytest.raises(MissingChannelError, match="has no channel 'red'"):
        tile.image(channel={"DAPI": 0.5, "red": 0.5})


def test_intensity__one_side(gateway: Gateway, tmp_path: Path) -> None:
    """A window with one side keeps the other side of the tile."""
    url = save(tmp_path / "a.png", ramp(most=250).astype(np.uint8))
    section = put(gateway, plain_tile(url, min_intensity=20, max_intensity=200)).section(1)

    for compute in ("service", "local"):
        assert np.array_equal(section.image(intensity=(50, None), compute=compute), section.image(intensity=(50, 200)))
        assert np.array_equal(section.image(intensity=(None, 90), compute=compute), section.image(intensity=(20, 90)))
    assert np.array_equal(section.image(intensity=(None, None)), section.image())
