"""Pictures in files: one, or a stack of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile

from rendergateway import (
    Bounds,
    Gateway,
    ImageError,
    StackWrapper,
)
from tests.wrappers.images.pictured import image_of, plain_tile, put, ramp, save


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".JPEG", ".tif", ".tiff"])
def test_save__formats(drawn: StackWrapper, tmp_path: Path, suffix: str) -> None:
    """The suffix selects the format; no other file is left in the folder."""
    picture = drawn.section(2).image(scale=0.1)

    picture.save(tmp_path / f"a{suffix}")

    found = image_of(tmp_path / f"a{suffix}").astype(int)
    assert found.shape == picture.shape
    assert np.abs(found - picture.pixels).max() <= (60 if "j" in suffix.lower() else 0)
    assert [file.name for file in tmp_path.iterdir()] == [f"a{suffix}"]


def test_save__sixteen_bits(two_channels: StackWrapper, tmp_path: Path) -> None:
    """PNG and TIFF keep 16 bits; JPEG and unknown suffixes are refused."""
    picture = two_channels.tile("t1").image(channel="DAPI")

    for name in ("a.png", "a.tif"):
        picture.save(tmp_path / name)
        assert np.array_equal(image_of(tmp_path / name), picture.pixels)
    with pytest.raises(ImageError, match="JPEG needs 8-bit pixels: got uint16; draw with dtype='uint8'"):
        picture.save(tmp_path / "a.jpg")
    with pytest.raises(ImageError, match=r"'.*a.gif' has an unknown suffix; use .png, .jpg"):
        picture.save(tmp_path / "a.gif")
    assert sorted(file.suffix for file in tmp_path.glob("a.*")) == [".png", ".tif"]


def test_save__missing_folder(drawn: StackWrapper, tmp_path: Path) -> None:
    """A missing folder is named by the error."""
    with pytest.raises(FileNotFoundError, match="the folder of the picture does not exist") as caught:
        drawn.section(2).image(scale=0.1).save(tmp_path / "missing" / "a.png")

    assert caught.value.filename == str(tmp_path / "missing")
    assert not list(tmp_path.iterdir())


def test_save__whole_or_not_at_all(drawn: StackWrapper, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An interrupted write keeps the old file and leaves no partial one."""
    picture = drawn.section(2).image(scale=0.1)
    target = tmp_path / "a.png"
    target.write_bytes(b"old")

    def broken(self: Path, other: Path) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Path, "replace", broken)
    with pytest.raises(KeyboardInterrupt):
        picture.save(target)

    assert [file.name for file in tmp_path.iterdir()] == ["a.png"]
    assert target.read_bytes() == b"old"


def test_export__sections_to_files(drawn: StackWrapper, tmp_path: Path) -> None:
    """Each section becomes one file; a second export draws nothing and only requests the state."""
    first = drawn.export(tmp_path, scale=0.1)
    assert (first.files, first.drawn) == (["00001.0.png", "00002.0.png", "00003.0.png"], 3)
    assert np.array_equal(image_of(tmp_path / "00002.0.png"), drawn.section(2).image(scale=0.1).pixels)

    with drawn._conn.counting() as requests:
        again = drawn.export(tmp_path, scale=0.1)

    assert (again.files, again.drawn) == (first.files, 0)
    assert requests == ["stack.read"]
    assert drawn.export(tmp_path, scale=0.1, overwrite=True).drawn == 3
    assert drawn.export(tmp_path, scale=0.2, z=(2, 3)).drawn == 2
    assert drawn.export(tmp_path, scale=0.2).drawn == 1
    (tmp_path / "00001.0.png").unlink()
    assert drawn.export(tmp_path, scale=0.2, max_tiles=100).drawn == 1


def test_export__is_taken_up_where_it_broke_off(drawn: StackWrapper, tmp_path: Path) -> None:
    """Files finished before Ctrl-C stay and are not drawn again; no partial file is left."""

    def stop(done: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        drawn.export(tmp_path, scale=0.1, workers=1, progress=stop)

    finished = {path.name for path in tmp_path.glob("*.png")}
    assert finished
    assert not list(tmp_path.glob(".*.part"))
    assert drawn.export(tmp_path, scale=0.1).drawn == 3 - len(finished)


def test_export__follows_the_stack(gateway: Gateway, tmp_path: Path) -> None:
    """A stack that changed is drawn again, also by another gateway's doing; one that is LOADING always."""
    url = save(tmp_path / "a.png", np.full((80, 100), 9, np.uint8))
    stack = put(gateway, plain_tile(url))
    assert stack.export(tmp_path / "out").drawn == 1
    assert stack.export(tmp_path / "out").drawn == 0
    other = gateway.using().stack("some")
    with other.editing() as edit:
        edit.put([plain_tile(url, "t2", x=50)])

    assert stack.export(tmp_path / "out").drawn == 1
    stack.set_state("LOADING")
    assert [stack.export(tmp_path / "out", box=Bounds(0, 0, 9, 9)).drawn for _ in range(2)] == [1, 1]


def test_export__leaves_the_files_of_others(drawn: StackWrapper, gateway: Gateway, tmp_path: Path) -> None:
    """A file that was not exported from this stack is kept unless overwrite=True."""
    (tmp_path / "00002.0.png").write_bytes(b"mine")
    with pytest.raises(ImageError, match=r"00002\.0\.png exists and was not made by an export; export montage to"):
        drawn.export(tmp_path, scale=0.1, z=2)
    assert (tmp_path / "00002.0.png").read_bytes() == b"mine"
    assert drawn.export(tmp_path, scale=0.1, overwrite=True).drawn == 3
    other = put(gateway, plain_tile(save(tmp_path / "a.png", ramp())), name="other")

    with pytest.raises(ImageError, match=r"00001\.0\.png exists and shows stack lab/cortex/montage"):
        other.export(tmp_path)
    assert drawn.export(tmp_path, scale=0.1).drawn == 0


def test_export__broken_off_while_a_file_is_written(
    drawn: StackWrapper, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file whose writing broke off is known as one of this export, and drawn again."""
    with monkeypatch.context() as broken:
        broken.setattr(Path, "replace", lambda self, other: other.write_bytes(b"part") and 1 / 0)
        with pytest.raises(ZeroDivisionError):
            drawn.export(tmp_path, scale=0.1, z=2)

    assert drawn.export(tmp_path, scale=0.1, z=2).drawn == 1
    assert image_of(tmp_path / "00002.0.png").size


def test_export__refuses_before_it_begins(drawn: StackWrapper, tmp_path: Path) -> None:
    """Formats, scales and sections that are none leave no folder behind."""
    wrong: list[tuple[type[Exception], dict[str, Any]]] = [
        (ImageError, {"format": "gif"}),
        (ImageError, {"scale": 0}),
        (ImageError, {"format": "jpg", "dtype": "uint16"}),
        (ImageError, {"z": 99}),
        (TypeError, {"colour": "red"}),
    ]
    for error, options in wrong:
        given: dict[str, Any] = {"scale": 0.1, **options}
        with pytest.raises(error):
            drawn.export(tmp_path / "out", **given)

    assert not (tmp_path / "out").exists()


def test_save__modes(gateway: Gateway, tmp_path: Path) -> None:
    """Grey is luminance over black; rgb has three channels, and opacity in a PNG only."""
    mask = np.zeros((80, 100), np.uint8)
    mask[:, 50:] = 255
    mask[:, 20:50] = 100
    level = {name: save(tmp_path / f"{name}.png", pixels) for name, pixels in (("a", ramp(most=200)), ("m", mask))}
    picture = put(gateway, plain_tile(level["a"], "t", mask_url=level["m"])).tile("t").image()
    assert picture.alpha is not None

    found = {}
    for name, mode in (("grey.png", "grey"), ("rgb.png", "rgb"), ("rgb.tif", "rgb"), ("grey.tif", "grey")):
        picture.save(tmp_path / name, mode=mode)
        found[name] = image_of(tmp_path / name)

    flat = picture.pixels * (picture.alpha / 255)
    assert np.abs(found["grey.png"] - flat).max() <= 0.5
    assert np.array_equal(found["grey.tif"], found["grey.png"])
    assert found["rgb.png"].shape[2] == 4
    assert np.array_equal(found["rgb.png"][..., 3], picture.alpha)
    assert np.array_equal(found["rgb.tif"], np.repeat(picture.pixels[..., np.newaxis], 3, axis=2))
    with pytest.raises(ImageError, match="mode must be 'grey' or 'rgb': got 'red'"):
        picture.save(tmp_path / "no.png", mode="red")


def test_save__resolution_of_a_tiff(drawn: StackWrapper, tmp_path: Path) -> None:
    """The size of a pixel is stored as ImageJ does: pixels per unit, and the unit in the description."""
    drawn.section(2).image(scale=0.1).save(tmp_path / "a.tif", pixel_size=(40.0, 20.0, "nm"))

    with tifffile.TiffFile(tmp_path / "a.tif") as file:
        tags = {tag.name: tag.value for tag in file.pages.first.tags}
    assert [round(top / bottom, 6) for top, bottom in (tags["XResolution"], tags["YResolution"])] == [0.025, 0.05]
    assert "unit=nm" in tags["ImageDescription"]


def test_export__mode(drawn: StackWrapper, tmp_path: Path) -> None:
    """Files have the channels of the mode; another mode draws them again."""
    for mode, shape in (("rgb", 3), ("grey", 2)):
        found = drawn.export(tmp_path, scale=0.05, mode=mode)
        assert (found.drawn, image_of(tmp_path / found.files[0]).ndim) == (3, 4 - 1 if shape == 3 else 2)
