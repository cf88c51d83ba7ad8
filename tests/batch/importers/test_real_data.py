"""Import of real images: their sizes, windows and seams."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from rendergateway import Gateway, StackWrapper
from rendergateway.batch.importers import import_images
from rendergateway.plots import seam_pictures

NAMES = [f"col00{place}_cam0.tif_level_2_mipmap.tif" for place in ("60_row0140", "61_row0140", "60_row0141")]


def test_tiles__of_a_section(gateway: Gateway, shared_data: Path, tmp_path: Path) -> None:
    """Real tiles at measured offsets agree at their seams; they do not at offsets that are wrong by six pixels."""
    files = [shared_data / "perf-test" / name for name in NAMES]

    def agreement(error: int) -> list[float]:
        table = tmp_path / "positions.csv"
        places = [(0, 0), (488 + error, 11), (-6, 484 + error)]
        table.write_text("\n".join(["image,x,y", *(f"{n},{x},{y}" for n, (x, y) in zip(NAMES, places, strict=True))]))
        stack = gateway.stack(f"shifted_{error}")
        imported = import_images(stack, files, positions=table, z=3407)
        assert (imported.tile_count, imported.kinds, len(imported.sizes)) == (3, {"uint8": 3}, 1)
        first, *others = (stack.tile(Path(name).stem) for name in NAMES)
        pictures = [seam_pictures(first, other) for other in others]
        return [float(np.corrcoef(one.pixels.ravel(), other.pixels.ravel())[0, 1]) for one, other in pictures]

    right, wrong = agreement(0), agreement(6)
    assert min(right) > 0.3
    assert all(there < here - 0.1 for here, there in zip(right, wrong, strict=True))


def test_sixteen_bits__not_saturated(stack: StackWrapper, shared_data: Path, tmp_path: Path) -> None:
    """Real 16-bit images are drawn in grey, neither black nor white."""
    files = sorted((shared_data / "stitch-test").glob("16_bit_source_*.png"))
    table = tmp_path / "positions.csv"
    table.write_text("\n".join(["image,row,col", *(f"{file.name},0,{place}" for place, file in enumerate(files))]))

    imported = import_images(stack, files, positions=table, z=1, overlap=0.1, mixed_sizes=True)

    assert list(imported.kinds) == ["uint16"]
    assert len(stack.check_images()) == 0
    pixels = stack.section(1).image(dtype="uint8", scale=0.25).pixels
    assert 40 < np.median(pixels) < 215
