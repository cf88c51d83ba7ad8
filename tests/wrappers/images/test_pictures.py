"""Pictures of tiles, sections and stacks: content and requests."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from rendergateway import (
    Bounds,
    FilterRecord,
    Gateway,
    ImageError,
    Picture,
    StackWrapper,
    TransformError,
    Window,
)
from rendergateway.testing import make_stack
from rendergateway.transforms import AffineModel2D
from tests.wrappers.images.pictured import channel_images, image_in, image_of, opacity, plain_tile, put, save, shifted

# -- properties of a picture -------------------------------------------------------------------------------------


def test_picture__is_an_array(drawn: StackWrapper) -> None:
    """A picture converts to an array without a copy, and operators work on its pixels."""
    picture = drawn.section(2).image(scale=0.25)

    assert np.asarray(picture) is picture.pixels
    assert np.asarray(picture, dtype=np.float32).dtype == np.float32
    assert np.array(picture, copy=True).flags.writeable
    assert (picture.shape, picture.ndim, picture.dtype.name, len(picture)) == ((243, 241), 2, "uint8", 243)
    assert int((picture > 200).sum()) == int((picture.pixels > 200).sum())
    assert picture[10, 20] == picture.pixels[10, 20]
    with pytest.raises(ValueError, match="read-only"):
        picture.pixels[0, 0] = 1
    with pytest.raises(ValueError, match="converting uint8 pixels to float32 requires a copy"):
        np.array(picture, dtype=np.float32, copy=False)
    assert "section 2.0 of stack montage, 241 × 243 uint8, scale 0.25" in repr(picture)


def test_picture__in_a_notebook(drawn: StackWrapper) -> None:
    """A notebook shows a picture without another request; 16 bits are shown from the least value to the greatest."""
    plain = drawn.section(2).image(scale=0.1)
    deep = drawn.section(2).image(scale=0.1, dtype=np.uint16)

    with drawn._conn.counting() as requests:
        shown = image_in(plain._repr_png_())
        bundle = deep._repr_mimebundle_()

    assert requests == []
    assert np.array_equal(shown, plain.pixels)
    values = image_in(bundle["image/png"])
    assert (values.dtype.name, values.min(), values.max()) == ("uint8", 0, 255)


def test_picture__travels(picture_database: Path) -> None:
    """A picture can be pickled, and its coverage read afterwards."""
    with Gateway(f"embedded:{picture_database}") as gateway:
        picture = gateway.stack("lab/cortex/montage").section(2).image(scale=0.1)
        again: Picture = pickle.loads(pickle.dumps(picture))

        assert np.array_equal(again, picture)
        assert again.coverage.shape == picture.shape


def test_coverage__is_where_tiles_lie(drawn: StackWrapper) -> None:
    """Coverage costs one request, once, and is true exactly where something was drawn."""
    picture = drawn.section(2).image(scale=0.25)

    with drawn._conn.counting() as requests:
        covered = picture.coverage
        assert picture.coverage is covered

    assert requests == ["box.render_parameters"]
    assert np.array_equal(covered, picture.pixels > 0)
    assert 0.9 < covered.mean() < 1


# -- tiles -------------------------------------------------------------------------------------------------------


def test_tile__in_its_frames(drawn: StackWrapper, picture_folder: Path) -> None:
    """A loaded tile costs one request in each frame; raw it is its own file, but for the last row and column."""
    tile = drawn.section(2).tiles()[0]
    source = image_of(picture_folder / "s2_r0_c0.png")

    with drawn._conn.counting() as requests:
        raw, lens, world = tile.image(frame="raw"), tile.image(frame="lens_corrected"), tile.image()

    assert requests == ["tile.png"] * 3
    assert np.array_equal(raw[:-1, :-1], source[:-1, :-1])
    assert (raw.box, lens.box) == (Bounds(0, 0, 512, 512), Bounds(-4, -4, 516, 516))
    assert tuple(world.box) == tuple(tile.bounds or ())
    assert [picture.frame for picture in (raw, lens, world)] == ["raw", "lens_corrected", "world"]
    assert lens.shape == (520, 520)


def test_tile__frames_show_the_same_spot(drawn: StackWrapper) -> None:
    """A point mapped between frames has the same grey value in each picture."""
    tile = drawn.section(2).tiles()[3]
    pictures = {frame: tile.image(frame) for frame in ("raw", "lens_corrected", "world")}
    head, tail = tile.resolved_transforms.flattened().split_at_lens()
    local = np.random.default_rng(1).uniform(60, 450, (200, 2))
    points = {"raw": local, "lens_corrected": head.apply(local), "world": tail.apply(head.apply(local))}

    seen = {}
    for frame, picture in pictures.items():
        corner = picture.frame_from_pixels([0, 0])
        x, y = ((points[frame] - corner) * picture.scale).astype(np.float32).T
        smooth = cv2.GaussianBlur(picture.pixels, (0, 0), 2)
        seen[frame] = cv2.remap(smooth, x, y, cv2.INTER_LINEAR).ravel().astype(float)

    assert np.abs(seen["raw"] - seen["lens_corrected"]).mean() < 2
    assert np.abs(seen["raw"] - seen["world"]).mean() < 2


@pytest.mark.parametrize("frame", ["raw", "lens_corrected", "world"])
@pytest.mark.parametrize("compute", ["service", "local"])
def test_tile__far_from_the_origin(two_channels: StackWrapper, frame: str, compute: str) -> None:
    """No frame shows an empty picture, even of a distant tile."""
    picture = two_channels.tile("t1").image(frame, channel="DAPI", compute=compute)

    assert np.array_equal(picture[:-1, :-1], channel_images()["DAPI"][:-1, :-1])


def test_tile__lens_corrected_of_two_affines(gateway: Gateway, tmp_path: Path) -> None:
    """If the transforms before the last move a tile, its lens-corrected picture moves too."""
    url = save(tmp_path / "a.png", np.full((80, 100), 77, np.uint8))
    stack = put(gateway, plain_tile(url, transforms=[*shifted(9000, 5000), *shifted(1, 2), *shifted(100, 100)]))

    picture = stack.tile("t1").image("lens_corrected")

    assert picture.box == Bounds(9001, 5002, 9101, 5082)
    assert (picture[:-1, :-1] == 77).all()


def test_tile__depth(two_channels: StackWrapper, tmp_path: Path) -> None:
    """Values beyond 255 come in 16 bits; a range, or dtype=, makes 8 of them."""
    tile, values = two_channels.tile("t1"), channel_images()["TdTomato"][:-1, :-1]

    assert np.array_equal(tile.image("raw", channel="TdTomato")[:-1, :-1], values)
    seen = tile.image("raw", channel="TdTomato", intensity=(100, 355))
    assert seen.dtype == np.uint8
    assert np.abs(seen[:-1, :-1].astype(int) - np.clip(values.astype(int) - 100, 0, 255)).max() <= 1
    assert tile.image(dtype="uint8").dtype == np.uint8
    assert tile.image().dtype == np.uint16
    assert tile.thumbnail(40).dtype == np.uint8


def test_channels__composed_in_colours(two_channels: StackWrapper) -> None:
    """Channels are composed locally by windows and colours; one request per channel."""
    tile = two_channels.tile("t1").load()
    windows = {"DAPI": Window(20, 300, "#00ff00"), "TdTomato": Window(50, 500, 0xFF0000)}

    with two_channels._conn.counting() as requests:
        picture = tile.image("raw", channels=windows)

    assert requests == ["tile.tiff16"] * 2
    images = channel_images()
    for place, (name, low, high) in enumerate([("TdTomato", 50, 500), ("DAPI", 20, 300)]):
        wanted = np.clip((images[name].astype(float) - low) / (high - low), 0, 1) * 255
        assert np.abs(picture[:-1, :-1, place] - wanted[:-1, :-1]).max() <= 1
    assert not picture[..., 2].any()
    assert np.array_equal(picture, tile.image("raw", channels=windows, compute="local"))
    section = two_channels.section(1).image(channels=windows)
    assert section.shape == (80, 100, 3)
    assert section[:-1, :-1].any()


# -- sections and stacks -----------------------------------------------------------------------------------------


def test_section__requests(drawn: StackWrapper) -> None:
    """A box takes one request; a whole section also reads its bounds, once."""
    with drawn._conn.counting() as requests:
        drawn.section(1).image(box=Bounds(0, 0, 100, 100))
        assert requests == ["box.png"]
        drawn.section(1).image(Bounds(0, 0, 100, 100), dtype="uint16")
        assert requests.pop() == "box.png16"
        requests.clear()
        drawn.section(1).image(scale=0.1)
        drawn.section(2).image(scale=0.1)

    assert requests == ["stack.read", "stack.section_data", "box.png", "box.png"]


def test_section__whole_is_what_the_layer_endpoint_draws(drawn: StackWrapper) -> None:
    """Without a box all of the section is drawn, as the service draws layers."""
    from rendergateway.rendering.images.decoding import decoded_picture

    answer = drawn._conn.call_raw("section.png", **drawn.section(2)._key._asdict(), scale=0.2)

    assert np.array_equal(drawn.section(2).image(scale=0.2), decoded_picture(answer)[0])


def test_section__box_keeps_fractions(drawn: StackWrapper) -> None:
    """A box may begin between pixels; sides are rounded up."""
    picture = drawn.section(2).image(Bounds(10.25, 20.5, 110.5, 80.5))

    assert picture.box == Bounds(10.25, 20.5, 111.25, 80.5)
    assert picture.shape == (60, 101)
    assert picture.frame_from_pixels([[0, 0], [4, 2]]).tolist() == [[10.25, 20.5], [14.25, 22.5]]
    for corner in (0.1, 0.7, 12.3, -0.3):
        assert drawn.section(2).image(Bounds(corner, corner, corner + 60, corner + 50)).shape == (50, 60)


def test_options__reach_the_service(gateway: Gateway, tmp_path: Path) -> None:
    """Range, masks, background and filters are those that were asked for, drawn there or here."""
    url = save(tmp_path / "a.png", np.full((80, 100), 100, np.uint8))
    mask = np.zeros((80, 100), np.uint8)
    mask[:, :50] = 255
    mask[:, 50:60] = 128
    stack = put(gateway, plain_tile(url, mask_url=save(tmp_path / "m.png", mask)))
    box = Bounds(0, 0, 90, 70)

    def shown(**options: Any) -> Picture:
        service, local = (stack.section(1).image(box, compute=compute, **options) for compute in ("service", "local"))
        assert np.array_equal(service, local)
        assert (service.alpha is None) == (local.alpha is None)
        return service

    assert set(np.unique(shown(intensity=(50, 150))[:, :40])) == {127, 128} & set(np.unique(shown(intensity=(50, 150))))
    assert set(np.unique(opacity(shown()))) == {0, 128, 255}
    assert set(np.unique(opacity(shown(mask="binary")))) == {0, 255}
    assert shown(mask=None).alpha is None
    assert shown(mask=None)[10, 80] == 100
    background = shown(background="#0000ff")
    assert background.alpha is None
    assert background[10, 80].tolist() == [0, 0, 255]
    replaced = FilterRecord(
        class_name="org.janelia.alignment.filter.ValueToNoise", parameters={"value": "100", "min": "155", "max": "155"}
    )
    assert shown(filter=[replaced])[10, 10] == 155
    assert shown(filter=True).alpha is not None
    noisy = stack.section(1).image(box, background="noise")
    assert len(np.unique(noisy.pixels[:, 70:])) > 100


def test_slice__a_row_for_each_section(drawn: StackWrapper) -> None:
    """A cross section shows along its axis what the pictures of the sections show there."""
    whole = drawn.bounds
    assert whole is not None

    with drawn._conn.counting() as requests:
        across = drawn.cross_section(at=300)
        down = drawn.cross_section("yz", at=200, z=(2, 3))

    assert requests.count("box.png") == 5
    for row, z in enumerate((1, 2, 3)):
        assert alike(across[row], drawn.section(z).image(whole)[300 - int(whole.min_y)])
    assert alike(down[0], drawn.section(2).image(whole)[:, 200 - int(whole.min_x)])
    assert across.shape == (3, int(whole.width))
    assert down.shape == (2, int(whole.height))
    assert tuple(down.box) == (whole.min_y, 2, whole.max_y, 3)
    assert np.array_equal(across.coverage, across.pixels > 0)
    with pytest.raises(ValueError, match="axis must be 'xz' or 'yz', got 'xy'"):
        drawn.cross_section("xy", at=3)
    with pytest.raises(ImageError, match="rows of a cross section are sections"):
        across.frame_from_pixels([0, 0])
    with pytest.raises(ImageError, match="has no sections in this range"):
        drawn.cross_section(at=3, z=77)
    for scale in (0.1, 0.3, 1 / 3, 1 / 49, 2.5):
        assert drawn.cross_section(at=300, scale=scale, z=1).shape == (1, int(scale * whole.width))


def alike(row: npt.NDArray[Any], other: npt.NDArray[Any]) -> bool:
    """Return whether rows differ by rounding alone (positions start at another corner)."""
    return bool(np.abs(row.astype(int) - other).max() <= 1)


def test_thumbnail__is_as_wide_as_asked(drawn: StackWrapper) -> None:
    """Thumbnails of tiles and sections have the requested width."""
    tile = drawn.section(1).tiles()[0]

    for width in (1, 7, 64, 100, 128, 333):
        assert tile.thumbnail(width).shape[1] == width
        assert drawn.section(1).thumbnail(width).shape[1] == width
    with pytest.raises(ImageError, match="the width of a thumbnail must be >= 1, got 0"):
        tile.thumbnail(0)


# -- recipes -----------------------------------------------------------------------------------------------------


def test_recipe__changed_and_drawn(drawn: StackWrapper) -> None:
    """The recipe of a picture draws the same picture; changed, another one."""
    gateway, tile = drawn._conn, drawn.section(2).tiles()[0]

    with gateway.counting() as requests:
        recipe = tile.render_parameters(scale=0.25)
        picture = gateway.render(recipe)
    assert requests == ["tile.render_parameters", "recipe.png"]

    assert np.array_equal(picture, tile.image(scale=0.25))
    assert np.array_equal(picture, gateway.render(recipe, compute="local"))
    assert gateway.render(recipe.evolve(scale=0.5)).shape == tile.image(scale=0.5).shape
    assert gateway.render(recipe, compute="local", dtype="uint16").dtype == np.uint16
    assert np.array_equal(
        gateway.render(drawn.section(2).render_parameters(scale=0.1)), drawn.section(2).image(scale=0.1)
    )
    box = Bounds(5, 6, 300, 301)
    assert np.array_equal(gateway.render(drawn.section(2).render_parameters(box)), drawn.section(2).image(box))
    assert tuple(picture.box) == tuple(tile.bounds or ())


def test_recipe__misuse(drawn: StackWrapper) -> None:
    """Options of a recipe belong in the recipe; other types are refused."""
    gateway, recipe = drawn._conn, drawn.section(2).render_parameters(scale=0.1)

    with pytest.raises(TypeError, match="unexpected keyword argument 'intensity'"):
        gateway.render(recipe, intensity=(0, 5))
    with pytest.raises(TypeError, match=r"render\(\) takes RenderParameters"):
        gateway.render({"x": 1})
    with pytest.raises(ImageError, match="in 8 bits; compute='local' draws 16"):
        gateway.render(recipe, dtype="uint16")
    with pytest.raises(TypeError, match="a recipe has one channel"):
        drawn.section(2).render_parameters(channels={"DAPI": Window(0, 9)})


# -- addresses ---------------------------------------------------------------------------------------------------


def test_url__costs_no_request(drawn: StackWrapper) -> None:
    """Addresses for pages cost nothing where stack and tile are loaded; they change when the stack does."""
    drawn.load()
    section = drawn.section(2)
    tiles = list(section.tiles())
    assert section.bounds

    with drawn._conn.counting() as requests:
        urls = [tile.thumbnail_url for tile in tiles]
        whole = section.thumbnail_url
        of_stack = drawn.section(2).url("jpg", box=section.bounds, scale=0.5)
    assert requests == []
    assert (
        of_stack == section.url("jpg", box=section.bounds, scale=0.5) == drawn.section(z=2).url(format="jpg", scale=0.5)
    )

    assert len(set(urls)) == 4
    assert urls[0].startswith(
        "/render-ws/v1/owner/lab/project/cortex/stack/montage/tile/s2_r0_c0/jpeg-image?scale=0.24"
    )
    mark = parse_qs(urlsplit(urls[0]).query)["v"]
    assert parse_qs(urlsplit(whole).query)["v"] == mark
    with drawn.editing():
        pass
    assert parse_qs(urlsplit(tiles[0].thumbnail_url).query)["v"] != mark


def test_url__shows_the_picture(drawn: StackWrapper) -> None:
    """The URL of a picture returns that picture."""
    from rendergateway.rendering.images.decoding import decoded_picture

    tile = drawn.section(2).tiles()[0]
    looks: list[dict[str, Any]] = [
        {},
        {"frame": "raw", "intensity": (10, 200)},
        {"frame": "lens_corrected", "scale": 0.3},
    ]

    for look in looks:
        split = urlsplit(tile.url(**look))
        segments = split.path.partition("/v1/")[2].split("/")
        answer = drawn._conn.request("GET", *segments, params=parse_qs(split.query))
        assert np.array_equal(decoded_picture(answer.content)[0], tile.image(**look))
    with pytest.raises(TypeError, match="custom filters or background, has no URL"):
        tile.url(background="#ffffff")
    with pytest.raises(ImageError, match="format must be png, jpg, jpeg, tif, tiff; got 'gif'"):
        tile.url("gif")
    assert "/tiff-image" in drawn.section(2).url("tif", box=Bounds(0, 0, 5, 5))


def test_url__of_a_service_with_an_address() -> None:
    """Pictures of a remote service have URLs."""
    gateway = Gateway("render.test:8080", owner="o", project="p")

    assert gateway.image_base_url == "http://render.test:8080/render-ws/v1"


def test_import__stays_light() -> None:
    """Pictures are drawn by libraries that are loaded when the first one is drawn."""
    import subprocess
    import sys

    code = "import sys; from rendergateway import Picture, Window; print({'cv2', 'PIL', 'tifffile'} & set(sys.modules))"

    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "set()\n"


@pytest.mark.parametrize("frame", ["before:match", "after:match", "after:lens"])
def test_tile__labelled_frame(gateway: Gateway, tmp_path: Path, frame: str) -> None:
    """A picture in a labelled frame shows the image after the transforms of the frame, and is placed there."""
    stack = make_stack(gateway, "labelled", sections=1, rows=1, columns=1, images=tmp_path)
    lens = AffineModel2D([[1.0, 0.0, 3.0], [0.0, 1.0, 4.0]], labels=("lens",))
    moved = AffineModel2D([[2.0, 0.0, 50.0], [0.0, 2.0, 60.0]], labels=("match",))
    with stack.editing() as edit:
        edit.put([one._obj.evolve(transforms=[lens, moved, lens]) for one in stack.section(1).tiles()], boxes="service")
    (tile,) = stack.section(1).tiles()
    corner, zoom = {"before:match": ((3, 4), 1), "after:match": ((56, 68), 2), "after:lens": ((59, 72), 2)}[frame]

    pictures = [tile.image(frame, compute=compute) for compute in ("local", "service")]
    raw = np.asarray(tile.image("raw"))

    for picture in pictures:
        assert picture.frame == frame
        assert tuple(picture.box)[:2] == corner
        assert np.shape(picture) == tuple(zoom * side for side in raw.shape)
        np.testing.assert_array_equal(np.asarray(picture)[: 50 * zoom : zoom, : 50 * zoom : zoom], raw[:50, :50])
        np.testing.assert_allclose(picture.frame_from_pixels([[0, 0]]), [corner], atol=0.5)
    assert frame.partition(":")[2] in tile.url(frame=frame)


def test_tile__wrong_frame(gateway: Gateway, tmp_path: Path) -> None:
    """A word that is not a frame, a missing label and one that the service would cut elsewhere are refused."""
    stack = make_stack(gateway, "labelled", sections=1, rows=1, columns=1, images=tmp_path)
    twice = [AffineModel2D(labels=("match",)), AffineModel2D(labels=("match",))]
    with stack.editing() as edit:
        edit.put([one._obj.evolve(transforms=twice) for one in stack.section(1).tiles()])
    (tile,) = stack.section(1).tiles()

    for frame in ("cooked", "before:", "match"):
        sentence = f"frame must be 'world', 'raw', 'lens_corrected', got '{frame}'; 'before:match' or 'after:lens' end"
        with pytest.raises(ValueError, match=sentence):
            tile.image(frame)
    with pytest.raises(
        TransformError, match=r"frame 'after:lens' needs a transform labelled 'lens': got labels \['match"
    ):
        tile.image("after:lens")
    with pytest.raises(TransformError, match=r"frame 'before:match' cannot be drawn: .*, got 2 transforms of it"):
        tile.image("before:match")
    assert np.asarray(tile.image("after:match")).any()


def test_cross_section__at_any_scale(drawn: StackWrapper) -> None:
    """A section is one row of pixels at scales whose inverse is rounded down, too."""
    # int(161 * (1 / 161)) is 0.
    for scale in (1 / 160, 1 / 161, 1 / 322):
        assert drawn.cross_section(at=300, scale=scale).shape[0] == 3
