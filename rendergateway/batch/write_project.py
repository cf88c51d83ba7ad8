"""Tiles of a stack as files of other programs: TrakEM2 projects, and KARSH, SCHEFFER and MET layouts."""

from __future__ import annotations

import io
import os
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rendergateway.errors import RecordError
from rendergateway.local_files import file_path
from rendergateway.model.files.objects import write_file
from rendergateway.model.files.trakem2 import MASK_FOLDER, Patch, mask_name
from rendergateway.model.files.trakem2_text import trakem2_text
from rendergateway.model.records.pyramid import MipmapLevel
from rendergateway.model.records.tiles import TileRecord
from rendergateway.number_text import double_text
from rendergateway.progress import Progress, tracking
from rendergateway.wrappers import StackWrapper, TileWrapper
from rendergateway.wrappers.images.source import address_of, window_of
from rendergateway.wrappers.images.view import image_opener

if TYPE_CHECKING:
    from rendergateway.wrappers.core.arguments import ZRange

__all__ = ["LAYOUTS", "write_layout", "write_project"]

LAYOUTS = ("karsh", "scheffer", "met")
_GREY_8, _GREY_16, _BYTE = 0, 1, 255
_SIX = 6


def write_project(
    stack: StackWrapper, path: str | os.PathLike[str], *, z: ZRange = None, progress: Progress = None
) -> int:
    """
    Write the tiles of a stack as a TrakEM2 project, and their masks beside it; return the number of tiles.

    Layers are at z · thickness in pixels, where the thickness is that of the stack's resolution. Paths of images below
    the folder of the project are relative.

    Parameters
    ----------
    stack : StackWrapper
        The stack.
    path : str or Path
        ``.xml`` or ``.xml.gz``; created or replaced on success only.
    z : float or (float, float), optional
        Only these sections.
    progress : bool or callable, optional
        Progress in tiles.

    Raises
    ------
    RecordError
        If a tile has no size or no local image, or a transform that TrakEM2 has no class for; nothing is written.
    ImageError
        If a mask cannot be read.

    Notes
    -----
    As `StackWrapper.iter_tiles`. The bit depth is that of the intensity windows: 8 bits up to 255. Tiles with channels
    are written with the first one.
    """
    folder = Path(os.path.abspath(path)).parent
    x_nm, _, z_nm = resolution_nm = stack.resolution_nm
    thickness = z_nm / x_nm if x_nm and z_nm else 1.0
    unuid = f"{time.time_ns() // 10**6}.0.0"
    patches: list[Patch] = []
    masks: list[tuple[str, MipmapLevel]] = []
    with tracking(progress, f"Reading tiles of {stack}", stack.tile_count) as report:
        for tile in StackWrapper.iter_tiles(stack, z=z):
            patch, level = _patch(tile, str(len(patches) + 2), thickness, folder)
            patches.append(patch)
            if patch.mask is not None:
                masks.append((patch.oid, level))
            report(len(patches))
    if not patches:
        raise RecordError(f"stack {stack} has no tiles to write")
    # Transforms are checked before the first mask is written.
    content = trakem2_text(patches, title=stack.name, resolution_nm=resolution_nm, unuid=unuid)
    _write_masks(stack, masks, folder / f"trakem2.{unuid}" / MASK_FOLDER)
    with write_file(path) as file:
        file.write(content)
    return len(patches)


def _patch(tile: TileWrapper, oid: str, thickness: float, folder: Path) -> tuple[Patch, MipmapLevel]:
    record = tile._obj
    level = (record.channels[0].mipmaps if record.channels else record.mipmaps).get(0, MipmapLevel())
    path = None if level.image_url is None else file_path(level.image_url)
    if path is None or record.width is None or record.height is None:
        missing = "size" if record.width is None or record.height is None else "image file at level 0"
        raise RecordError(f"tile {record.tile_id!r} has no {missing}: got {level.image_url!r}; TrakEM2 needs it")
    low, high = window_of(record, record.channels[0].name if record.channels else None)
    place = (record.z or 0.0) * thickness
    patch = Patch(
        oid=oid,
        title=record.tile_id,
        z=place,
        thickness=thickness,
        path=_relative(path, folder),
        slice_number=level.image_slice,
        width=record.width,
        height=record.height,
        kind=_GREY_8 if high <= _BYTE else _GREY_16,
        window=(low, high),
        transforms=tuple(tile._resolved_transforms.flattened()),
        mask=level.mask_url,
    )
    return patch, level


def _relative(path: str, folder: Path) -> str:
    file = Path(path)
    return file.relative_to(folder).as_posix() if file.is_relative_to(folder) else path


def _write_masks(stack: StackWrapper, masks: list[tuple[str, MipmapLevel]], folder: Path) -> None:
    """Write each mask as a zip archive with a TIFF, as TrakEM2 stores them."""
    if not masks:
        return
    from rendergateway.rendering import Sources
    from rendergateway.rendering.output.encoding import file_bytes, write_whole

    sources = Sources(image_opener(stack._conn))
    for oid, level in masks:
        pixels = sources.image(address_of(level, mask=True))
        archive = io.BytesIO()
        with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as entries:
            entries.writestr("mask.tif", file_bytes(pixels, None, "tif"))
        target = folder / mask_name(oid, oid)
        target.parent.mkdir(parents=True, exist_ok=True)
        write_whole(target, archive.getvalue())


def write_layout(
    stack: StackWrapper,
    path: str | os.PathLike[str],
    format: str = "karsh",
    *,
    z: ZRange = None,
    progress: Progress = None,
) -> int:
    """
    Write a line of text per tile; return the number of tiles.

    Parameters
    ----------
    stack : StackWrapper
        The stack.
    path : str or Path
        Gzipped if it ends in ``.gz``; created or replaced on success only.
    format : {'karsh', 'scheffer', 'met'}
        The layouts that the service writes; or MET, version 1: section, tile id, a zero, and the rows of an affine
        matrix, as ``ImportMETClient`` reads.
    z : float or (float, float), optional
        Only these sections.
    progress : bool or callable, optional
        Progress in tiles of a MET file.

    Raises
    ------
    RecordError
        If the last transform of a tile is not affine (MET); nothing is written.
    ValueError
        If the format is unknown.

    Notes
    -----
    One request, ``stack.layout_file``; for MET as `StackWrapper.iter_tiles`.
    """
    from rendergateway.wrappers.core.arguments import as_z_range

    if format not in LAYOUTS:
        raise ValueError(f"format must be one of {', '.join(LAYOUTS)}: got {format!r}")
    if format == "met":
        lines = list(_met_lines(stack, z, progress))
        content, count = "".join(lines), len(lines)
    else:
        low, high = as_z_range(z)
        limits = {name: value for name, value in (("min_z", low), ("max_z", high)) if value is not None}
        content = str(stack._bound.call("stack.layout_file", format=format.upper(), **limits))
        count = content.count("\n") - (format == "scheffer")
    if not count:
        raise RecordError(f"stack {stack} has no tiles to write")
    with write_file(path) as file:
        file.write(content.encode())
    return count


def _met_lines(stack: StackWrapper, z: ZRange, progress: Progress) -> Iterator[str]:
    with tracking(progress, f"Reading tiles of {stack}", stack.tile_count) as report:
        for count, tile in enumerate(StackWrapper.iter_tiles(stack, z=z), 1):
            record: TileRecord = tile._obj
            transforms: Any = list(tile._resolved_transforms.flattened())
            if not transforms or not transforms[-1].is_affine:
                raise RecordError(f"the last transform of tile {record.tile_id!r} is not affine; MET has six numbers")
            numbers = transforms[-1].as_affine().matrix.ravel().tolist()
            section = (record.layout.section_id if record.layout else None) or double_text(record.z or 0.0)
            yield "\t".join([section, record.tile_id, "0", *map(double_text, numbers)]) + "\n"
            report(count)
