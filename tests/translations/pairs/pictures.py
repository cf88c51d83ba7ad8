"""Pictures and recipes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from tests.translations.pairs.rows import Row, differs, same


def grey(picture: Any) -> Any:
    """One plane of a picture; renderapi returns the file's channels."""
    pixels = np.asarray(picture)
    return pixels if pixels.ndim == 2 else pixels[..., 0]


def draws(entry: str, there: str, here: str, note: str = "", **more: Any) -> Row:
    """A row that draws."""
    return same(entry, there, here, note, there_as=grey, here_as=grey, **more)


IMAGES: list[Row] = [
    same(
        "IMAGE_FORMATS",
        'sorted(name for name in IMAGE_FORMATS if name and name[0] == ".")',
        'for name in ("a.jpg", "a.png", "a.tif"): section.image(scale=0.05).save(name)',
        "the extension of the file",
        here_as=lambda _: sorted(path.suffix for path in Path().glob("a.*")),
    ),
    same(
        "get_bb_renderparams",
        'get_bb_renderparams("montage", 2, 0, 0, 600, 400, scale=0.25, render=render)',
        "section.render_parameters(box=Bounds(0, 0, 600, 400), scale=0.25)",
    ),
    draws(
        "get_bb_image",
        'get_bb_image("montage", 2, 0, 0, 600, 400, scale=0.25, render=render)',
        "section.image(box=Bounds(0, 0, 600, 400), scale=0.25)",
        "a failure is an error; there: the error is returned",
        also_there='assert type(get_bb_image("missing", 2, 0, 0, 9, 9, render=render)) is RenderError',
        also_here='missing = gateway.stack("missing").section(2); '
        'assert raised(lambda: missing.image(box=Bounds(0, 0, 9, 9))) == "NotFoundError"',
    ),
    same(
        "get_tile_renderparams",
        'get_tile_renderparams("montage", "s2_r0_c0", scale=0.25, render=render)',
        "tile.render_parameters(scale=0.25)",
    ),
    differs(
        "get_tile_image_data",
        'get_tile_image_data("montage", "s2_r0_c0", render=render)',
        'tile.image(frame="lens_corrected")',
        "there: all transforms are applied, on a canvas at the world's origin",
        lambda there, here: there.shape == (521, 521, 4) and not there[:, :8, 0].any() and here.shape == (520, 520),
    ),
    same(
        "get_section_renderparams",
        'get_section_renderparams("montage", 2, scale=0.1, render=render)',
        "section.render_parameters(scale=0.1)",
    ),
    draws(
        "get_section_image",
        'get_section_image("montage", 2, scale=0.1, render=render)',
        "section.image(scale=0.1)",
    ),
    draws(
        "get_renderparameters_image",
        'get_renderparameters_image(get_tile_renderparams("montage", "s2_r0_c0", scale=0.25, render=render), '
        "render=render)",
        "gateway.render(tile.render_parameters(scale=0.25))",
    ),
]
