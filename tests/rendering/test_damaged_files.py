"""Damaged files and files with lying headers, of every format: pixels or a sentence, in little memory."""

from __future__ import annotations

import io
import os
import shutil
import struct
import subprocess
import sys
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import tifffile
from PIL import Image

from rendergateway import ImageError
from rendergateway.rendering import ImageAddress, Sources
from rendergateway.rendering.images.decoding import decoded
from rendergateway.rendering.images.headers import MOST_IMAGE_BYTES, check_size, read_header
from tests.rendering.conftest import texture
from tests.rendering.test_volumes import VOLUME, write_n5

PIXELS = texture(60, 80)
GIB = 2**30
FULL = bool(os.environ.get("RENDERGATEWAY_FULL_TESTS"))


def saved(kind: str, mode: str = "L", **options: Any) -> bytes:
    file = io.BytesIO()
    Image.fromarray(PIXELS).convert(mode).save(file, kind, **options)
    return file.getvalue()


def tiff(**options: Any) -> bytes:
    file = io.BytesIO()
    pixels = options.pop("pixels", PIXELS)
    tifffile.imwrite(file, pixels, **options)
    return file.getvalue()


def zipped(data: bytes) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("mask.tif", data)
    return file.getvalue()


FILES: dict[str, bytes] = {
    "grey.png": saved("PNG"),
    "colour.png": saved("PNG", "RGBA"),
    "palette.png": saved("PNG", "P"),
    "grey.jpg": saved("JPEG"),
    "progressive.jpg": saved("JPEG", "RGB", progressive=True),
    "a.gif": saved("GIF"),
    "a.bmp": saved("BMP", "RGB"),
    "grey.bmp": saved("BMP"),
    "a.pgm": saved("PPM"),
    "a.ppm": saved("PPM", "RGB"),
    "text.pgm": b"P2\n# words\n3 2 255\n1 2 3 4 5 6\n",
    "lossy.webp": saved("WEBP", "RGB"),
    "lossless.webp": saved("WEBP", "RGBA", lossless=True),
    "plain.tif": tiff(),
    "strips.tif": tiff(rowsperstrip=7, pixels=PIXELS.astype(np.uint16)),
    "tiles.tif": tiff(tile=(16, 16), compression="zlib", predictor=True),
    "big.tif": tiff(bigtiff=True, byteorder=">"),
    "planes.tif": tiff(pixels=np.stack([PIXELS] * 3), photometric="rgb", planarconfig="separate"),
    "imagej.tif": tiff(pixels=np.stack([PIXELS] * 3), imagej=True),
    "lzw.tif": saved("TIFF", compression="tiff_lzw"),
    "jpeg.tif": saved("TIFF", "RGB", compression="jpeg"),
    "fax.tif": saved("TIFF", "1", compression="group4"),
    "mask.zip": zipped(tiff()),
}


def volumes(folder: Path) -> Iterator[tuple[Path, str, Path, str]]:
    """Write volumes; yield the file to damage, its loader, and the path and query to read."""
    h5py = pytest.importorskip("h5py")
    forms: dict[str, dict[str, Any]] = {
        "plain": {},
        "gzip": {"compression": "gzip", "chunks": (2, 16, 16)},
        "lzf": {"compression": "lzf"},
    }
    for name, options in forms.items():
        with h5py.File(folder / f"{name}.h5", "w") as file:
            file.create_dataset("g/s0", data=VOLUME, **options)
        yield folder / f"{name}.h5", "H5_SLICE", folder / f"{name}.h5", "dataSet=/g/s0&z=1"
    numcodecs = pytest.importorskip("numcodecs")
    for name, packed in {"zstd": numcodecs.Zstd(), "blosc": numcodecs.Blosc(), "gzip": numcodecs.GZip()}.items():
        write_n5(folder / name / "s0", VOLUME, {"type": name}, packed.encode, (4, 30, 40))
        for part in ("attributes.json", "0/0/0"):
            yield folder / name / "s0" / part, "N5_SLICE", folder / name, "dataSet=s0&z=1"


def damaged(data: bytes, random: np.random.Generator) -> bytes:
    """Cut a file, change some of its bytes, or write a large number somewhere, mostly near its beginning."""
    changed = bytearray(data)
    kind = random.integers(4)
    if kind == 0:
        return data[: random.integers(len(data))]
    if kind == 1:
        for _ in range(random.integers(1, 9)):
            changed[random.integers(len(data))] = random.integers(256)
        return bytes(changed)
    most = len(data) if kind == 2 else min(len(data), 200)
    number = int(random.choice([0, 1, 2**15, 2**16 - 1, 2**20, 2**28, 2**31 - 1, 2**31, 2**32 - 1]))
    text = struct.pack(random.choice(["<I", ">I"]), number)[: random.choice([2, 4])]
    at = random.integers(max(1, most - len(text)))
    changed[at : at + len(text)] = text
    return bytes(changed)


# One process reads many files: a crash, or an error of another type, names the last one.
_CHILD = """
import resource, sys
import cv2, tifffile, numpy
from rendergateway import ImageError
from rendergateway.rendering import ImageAddress, Sources
used = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize() if sys.platform == "linux" else 2**33
resource.setrlimit(resource.RLIMIT_AS, (used + int(sys.argv[1]),) * 2)
def peak():
    # The other figure includes the process that started this one.
    if sys.platform == "linux":
        return int(next(line for line in open("/proc/self/status") if line.startswith("VmHWM")).split()[1])
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
before = peak()
for line in sys.stdin:
    loader, url = line.rstrip("\\n").split("\\t")
    print("reading", url, flush=True)
    try:
        pixels = Sources().image(ImageAddress(url, loader))
    except ImageError as error:
        print("refused", str(error).partition(": ")[2])
    else:
        print("read", pixels.shape, pixels.dtype)
print("memory", (peak() - before) // 1024)
"""


def read_in_child(lines: list[tuple[str, str]], most: int = 4 * GIB) -> tuple[list[str], int]:
    """Read images in a process of limited memory; return the outcomes and the memory that they took, in MiB."""
    text = "".join(f"{loader}\t{url}\n" for loader, url in lines)
    words = [sys.executable, "-W", "ignore", "-c", _CHILD, str(most)]
    found = subprocess.run(words, input=text, capture_output=True, text=True, check=False)
    told = found.stdout.splitlines()
    assert found.returncode == 0, (told[-1:], found.stderr[-2000:])
    return [line for line in told if line.startswith(("read ", "refused"))], int(told[-1].split()[1])


@pytest.mark.full
def test_damaged__pixels_or_a_sentence(tmp_path: Path) -> None:
    """A damaged file of any format is read or refused with a typed error; no damage crashes or exhausts the memory."""
    random = np.random.default_rng(14)
    lines = []
    for name, data in FILES.items():
        for number in range(400 if FULL else 12):
            path = tmp_path / f"{number}-{name}"
            path.write_bytes(damaged(data, random))
            loader = "IMAGEJ_TIFF_STACK" if name.startswith("imagej") else "IMAGEJ_DEFAULT"
            lines.append((loader, str(path)))
    (tmp_path / "volumes").mkdir()
    for file, loader, root, query in volumes(tmp_path / "volumes"):
        data = file.read_bytes()
        for number in range(200 if FULL else 8):
            # A volume of its own for each damage.
            copy = tmp_path / f"{number}-{loader}-{root.name}-{file.name}"
            shutil.copytree(root, copy) if root.is_dir() else shutil.copy(root, copy)
            (copy / file.relative_to(root) if root.is_dir() else copy).write_bytes(damaged(data, random))
            lines.append((loader, f"{copy}?{query}"))

    outcomes, mib = read_in_child(lines)

    assert len(outcomes) == len(lines)
    assert {line.split()[0] for line in outcomes} == {"read", "refused"}
    assert mib < 3 * 1024


def bmp_run_length(width: int, height: int) -> bytes:
    pixels = b"\x00\x01"
    info = struct.pack("<IiiHHIIiiII", 40, width, height, 1, 8, 1, len(pixels), 0, 0, 256, 0)
    return b"BM" + struct.pack("<IHHI", 1078 + len(pixels), 0, 0, 1078) + info + bytes(1024) + pixels


def tiff_of(**tags: int) -> bytes:
    """Return a TIFF of one strip of a few bytes with the given tags."""
    numbers = {"width": 256, "height": 257, "bits": 258, "compression": 259, "photometric": 262, "offset": 273,
               "samples": 277, "rows": 278, "count": 279, "depth": 32997}  # fmt: skip
    given = {"width": 10, "height": 10, "bits": 8, "compression": 1, "photometric": 1, "samples": 1, "rows": 10,
             "offset": 8, "count": 100, **tags}  # fmt: skip
    entries = sorted((numbers[name], value) for name, value in given.items())
    packed = b"".join(struct.pack("<HHII", number, 4, 1, value) for number, value in entries)
    return b"II*\0" + struct.pack("<IH", 8, len(entries)) + packed + bytes(4)


BOMBS: dict[str, bytes] = {
    "rle.bmp": bmp_run_length(40_000, 40_000),
    "upside_down.bmp": bmp_run_length(40_000, -40_000),
    "screen.gif": b"GIF89a" + struct.pack("<HH", 65_535, 65_535) + b"\x00\x00\x00,\0\0\0\0\1\0\1\0\0\2\2D\1\0;",
    "a.pgm": b"P5 # a\n 20000 20000 255\n" + bytes(99),
    "a.hdr": b"#?RADIANCE\nFORMAT=32-bit_rle_rgbe\n\n-Y 65535 +X 65535\n" + bytes(99),
    "a.sr": struct.pack(">8I", 0x59A66A95, 60_000, 60_000, 8, 0, 1, 0, 0),
    "a.jp2": bytes.fromhex("0000000c6a5020200d0a870a") + bytes(99),
    "a.exr": bytes.fromhex("762f3101") + bytes(99),
    "a.avif": b"\0\0\0\x1cftypavif" + bytes(99),
    "a.webp": b"RIFF" + bytes(4) + b"WEBPVP8X" + struct.pack("<II", 10, 0) + b"\xff\xff\xff" * 2 + bytes(99),
    "wide.tif": tiff_of(width=2**16, height=2**16),
    "samples.tif": tiff_of(width=2**13, height=2**13, samples=2**10),
    "deep.tif": tiff_of(depth=2**20),
    "bits.tif": tiff_of(width=2**14, height=2**14, bits=64),
    "rows.tif": tiff_of(width=2**14, height=2**14),
    "lzw.tif": tiff_of(compression=5, count=2**31 - 1),
    "inflating.tif": tiff_of(compression=8, offset=150, count=2**20) + bytes(20) + zlib.compress(bytes(2**28), 9),
    "huge.zip": zipped(bytes(2**27)),
}


def test_bombs__are_refused_in_little_memory(tmp_path: Path) -> None:
    """Small files that would become gigabytes of pixels, in every format and decoder, are refused before decoding."""
    for name, data in BOMBS.items():
        (tmp_path / name).write_bytes(data)
        assert len(data) < 2**20

    outcomes, mib = read_in_child([("IMAGEJ_DEFAULT", f"{tmp_path}/{name}") for name in BOMBS], GIB)

    assert [name for name, line in zip(BOMBS, outcomes, strict=True) if not line.startswith("refused")] == []
    assert mib < 300


def test_sparse__file_is_not_read(tmp_path: Path) -> None:
    """A sparse file of 40 GB is refused by its format or size, and a TIFF in it is read without the rest."""
    names = {"zeros.png": b"", "signature.png": FILES["grey.png"], "a.bmp": FILES["a.bmp"], "a.tif": FILES["plain.tif"]}
    for name, data in names.items():
        with (tmp_path / name).open("wb") as file:
            file.write(data)
            file.truncate(40 * 10**9)

    outcomes, mib = read_in_child([("IMAGEJ_DEFAULT", f"{tmp_path}/{name}") for name in names], GIB)

    assert "unknown image format" in outcomes[0]
    assert "file too large" in outcomes[1]
    assert "file too large" in outcomes[2]
    assert outcomes[3] == "read (60, 80) uint8"
    assert mib < 100


@pytest.mark.parametrize("path", ["/dev/zero", "/dev/null", "/dev/stdin"])
def test_device__drawn_locally(path: str) -> None:
    """A device is not read, by a client either."""
    with pytest.raises(ImageError, match=r"not a regular file|file is empty|file not found"):
        Sources().image(ImageAddress(path))


def test_pipe__drawn_locally(tmp_path: Path) -> None:
    """A pipe that no process writes to is refused, by a client too."""
    os.mkfifo(tmp_path / "a.png")

    with pytest.raises(ImageError, match="not a regular file"):
        Sources().image(ImageAddress(str(tmp_path / "a.png")))


@pytest.mark.parametrize("name", [name for name in FILES if not name.endswith((".tif", ".zip"))])
def test_header__agrees_with_the_decoder(name: str) -> None:
    """The size in the header is that of the decoded image, and its bytes are not less."""
    header = read_header(FILES[name])
    image: Any = cv2.imdecode(np.frombuffer(FILES[name], dtype=np.uint8), cv2.IMREAD_UNCHANGED)

    assert (header.height, header.width) == image.shape[:2]
    assert header.pixel_bytes >= image.itemsize * (image.shape[2] if image.ndim == 3 else 1)
    assert header.width * header.height * header.pixel_bytes <= MOST_IMAGE_BYTES


@pytest.mark.parametrize("size", [(2**14, 2**14 + 1, 1), (2**14, 2**13, 9), (0, 5, 1), (5, -5, 1)])
def test_size__limits(size: tuple[int, int, int]) -> None:
    """Images of no pixels, too many pixels, or too many bytes are refused; the largest are not."""
    check_size(2**14, 2**14, 4)

    with pytest.raises(ImageError, match=r"image too large|image without pixels"):
        check_size(*size)


def test_jpeg__first_frame_header_counts() -> None:
    """Fill bytes, bytes between segments and frame headers inside of other segments do not hide the size of a JPEG."""
    data = FILES["grey.jpg"]
    hidden = b"\xff\xe1" + struct.pack(">H", 20) + b"\xff\xc0\x00\x11\x08\x00\x01\x00\x01\x01" + bytes(8)

    for more in (hidden, b"\xff" * 9 + hidden, hidden + b"\x00\x12"):
        header = read_header(data[:2] + more + data[2:])
        assert (header.width, header.height) == (80, 60)


@pytest.mark.parametrize(
    "stored",
    [
        (np.arange(600).reshape(20, 30) % 7 * 9000).astype(np.uint16),
        np.arange(600, dtype=np.float32).reshape(20, 30),
        np.dstack([PIXELS, PIXELS // 2, 255 - PIXELS]),
    ],
    ids=["uint16", "float32", "colours"],
)
@pytest.mark.parametrize("compression", [None, "zlib", "lzma"])
@pytest.mark.parametrize("predictor", [False, True])
@pytest.mark.parametrize("options", [{"rowsperstrip": 7}, {"tile": (16, 32)}], ids=str)
@pytest.mark.parametrize("order", ["<", ">"])
def test_tiff__every_form(
    stored: Any, compression: str | None, predictor: bool, options: dict[str, Any], order: Any
) -> None:
    """Strips and tiles, compressed or not, in both byte orders and with a predictor, have the values of the image."""
    if predictor and (compression is None or stored.dtype == np.float32):
        pytest.skip("nothing to predict, or tifffile cannot write it")
    photometric = "rgb" if stored.ndim == 3 else "minisblack"
    file = io.BytesIO()
    tifffile.imwrite(
        file, stored, compression=compression, predictor=predictor, byteorder=order, photometric=photometric, **options
    )

    assert decoded(file.getvalue()).tolist() == stored.tolist()


@pytest.mark.parametrize("predictor", [1, 2, 3])
@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
def test_tiff__lzw(dtype: str, predictor: int) -> None:
    """LZW images are read with each of their predictors."""
    if (predictor == 3) != (dtype == "float32") and predictor > 1:
        pytest.skip("not a predictor of this type")
    pixels, file = PIXELS.astype(dtype), io.BytesIO()
    Image.fromarray(pixels).save(file, "TIFF", compression="tiff_lzw", tiffinfo={317: predictor})

    assert decoded(file.getvalue()).tolist() == pixels.tolist()


@pytest.mark.parametrize(
    ("bits", "values"), [(1, [[0, 255, 255], [0, 0, 255]]), (2, [[0, 1, 3], [2, 0, 1]]), (4, [[0, 9, 15], [2, 0, 1]])]
)
def test_tiff__few_bits(bits: int, values: list[list[int]]) -> None:
    """Samples of 1, 2 and 4 bits are read; those of one bit are black and white."""
    words = ["".join(format(min(one, 2**bits - 1), f"0{bits}b") for one in row).ljust(16, "0") for row in values]
    rows = b"".join(int(word, 2).to_bytes(2, "big")[: -(-3 * bits // 8)] for word in words)
    tags = {"width": 3, "height": 2, "bits": bits, "rows": 2, "count": len(rows)}
    data = tiff_of(**tags, offset=len(tiff_of(**tags))) + rows

    assert decoded(data).tolist() == values


@pytest.mark.parametrize(
    ("mode", "compression"), [("L", "jpeg"), ("RGB", "jpeg"), ("1", "group3"), ("1", "group4"), ("1", "packbits")]
)
def test_tiff__jpeg_and_fax(mode: str, compression: str) -> None:
    """JPEG and fax images in TIFF files have the pixels that libtiff decodes."""
    data = saved("TIFF", mode, compression=compression)
    wanted = np.array(Image.open(io.BytesIO(data)))

    assert decoded(data).tolist() == (wanted * np.uint8(255) if mode == "1" else wanted).tolist()


def test_tiff__planes() -> None:
    """Colours that are stored as one plane after the other are read."""
    colours = np.stack([PIXELS, PIXELS // 2, 255 - PIXELS])

    found = decoded(tiff(pixels=colours, photometric="rgb", planarconfig="separate", compression="zlib"))

    assert found.tolist() == np.moveaxis(colours, 0, 2).tolist()


@pytest.mark.parametrize(
    ("tags", "reason"),
    [
        ({"bits": 12}, "TIFF pixels not supported: got 12 bits"),
        ({"depth": 2}, "TIFF volumes are not supported: got a depth of 2"),
        ({"compression": 99}, "TIFF compression not supported: got 99"),
        ({"compression": 7, "bits": 16}, "supported for 8-bit grey or RGB images only"),
        ({"compression": 7}, "TIFF cannot be read"),
        ({"photometric": 6}, "TIFF of YCbCr pixels is supported with JPEG compression only"),
        ({"rows": 3}, "TIFF is truncated: it has 1 of 4 strips or tiles"),
        ({"offset": 10**6}, "TIFF is truncated: pixels are missing"),
        ({"offset": 10**6, "compression": 5}, "TIFF is truncated: pixels are missing"),
        ({"compression": 5, "count": 10**6}, "its compressed data are larger than its pixels"),
        ({"width": 0}, "image without pixels"),
    ],
)
def test_tiff__is_refused(tags: dict[str, int], reason: str) -> None:
    """A TIFF image of an unsupported kind, or without its pixels, is refused with the reason."""
    with pytest.raises(ImageError, match=reason):
        decoded(tiff_of(**tags) + bytes(100))
