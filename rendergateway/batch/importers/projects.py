"""Import of files of other programs that place images: TrakEM2 projects, KARSH layouts, metadata of SerialEM."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import attrs

from rendergateway.batch.importers.choices import FORMATS, ORDER, STORED, format_of
from rendergateway.batch.importers.images import ImageListing, Imported, ListedImage, check_unique, image_url
from rendergateway.batch.importers.mrc import without_mrc
from rendergateway.batch.importers.places import Placing
from rendergateway.batch.importers.save import SaveKeywords, save_images
from rendergateway.batch.load import check_existing
from rendergateway.display import plural
from rendergateway.errors import RecordError
from rendergateway.model.files.karsh import read_karsh
from rendergateway.model.files.serialem import Block, SerialEMFile, read_serialem
from rendergateway.model.files.trakem2 import Patch, read_trakem2

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from rendergateway.wrappers import StackWrapper

__all__ = ["import_project"]

# Keys with the place of a piece in pixels, the most accurate first.
_PIECES = ("AlignedPieceCoordsVS", "AlignedPieceCoords", "PieceCoordinates")
_NM_PER_ANGSTROM = 0.1
_SLASHES = re.compile(r"[/\\]+")
_IMAGE_BLOCKS = ("Image", "ZValue")
_RGB = 4


def import_project(
    stack: StackWrapper,
    path: str | os.PathLike[str],
    *,
    format: str | None = None,
    ids: str = "id",
    z: float | str | None = None,
    flip: str = "",
    convert_to: str | os.PathLike[str] | None = None,
    **options: Unpack[SaveKeywords],
) -> Imported:
    """
    Import a file of another program that places images, with the images it refers to.

    Parameters
    ----------
    stack : StackWrapper
        The stack; usually a new one.
    path : str or Path
        A TrakEM2 project (``.xml``, ``.xml.gz``), metadata of SerialEM (``.idoc``, ``.mdoc``), or a KARSH layout.
        Relative paths in it are below its folder.
    format : {'trakem2', 'serialem', 'karsh'}, optional
        Default: by the suffix.
    ids : {'id', 'title'}
        Tile ids of a TrakEM2 project: the numbers of its patches, or their titles.
    z : float, 'order' or 'stored', optional
        Section of all images; ``'order'``: sections are counted from 1; ``'stored'``: z of the file. Default: z of the
        file; in a TrakEM2 project, which has it in pixels, divided by the thickness of the layers, if it is the same.
    flip : {'', 'x', 'y', 'xy'}
        Axes of stage positions of SerialEM that point to the left or upwards; those of its pieces point upwards and are
        always flipped.
    convert_to : str or Path, optional
        Folder for the sections of an MRC stack of SerialEM as TIFF files, one per tile, because no image loader reads
        MRC; also of a dry run. Files of the same names are replaced. It needs mrcfile.
    **options
        Those of `import_images` from *resolution_nm* on. The resolution defaults to that of the file, and images may
        differ in size.

    Returns
    -------
    Imported
        The stack, and a summary.

    Raises
    ------
    RecordError
        If the file is malformed, images have no position, or as `import_images`; the message names file and line.
    ImageError
        If images are missing, damaged or of other sizes than in the file; each is a note of the error.
    BadRequestError
        If the stack exists and *existing* is ``refuse``.

    Notes
    -----
    Nothing is stored after these errors. Requests as `load_specs`.
    """
    kind = format or format_of(path)
    if kind not in FORMATS:
        raise ValueError(f"format must be one of {', '.join(FORMATS)}: got {kind!r} for {os.fspath(path)!r}")
    if ids not in ("id", "title"):
        raise ValueError(f"ids must be 'id' or 'title': got {ids!r}")
    if isinstance(z, str) and z not in (ORDER, STORED):
        raise ValueError(f"z must be a number, {ORDER!r} or {STORED!r}: got {z!r}")
    listing, resolution_nm = _READERS[kind](path, ids, z)
    if options.get("resolution_nm") is None and resolution_nm is not None:
        options["resolution_nm"] = resolution_nm
    check_existing(stack, options.get("existing", "refuse"))
    check_unique(listing.images)
    bulk = stack._bulk(options.get("workers"), options.get("batch"), options.get("progress"))
    listing = without_mrc(_with_z(listing, z), convert_to, bulk)
    placing = Placing.of(unit=None, flip=flip, overlap=None, resolution_nm=options.get("resolution_nm"))
    options.setdefault("mixed_sizes", True)
    return save_images(stack, listing, placing.with_unit(listing.unit, listing.name), **options)


_Resolution = tuple[float, float, float | None] | None


def _with_z(listing: ImageListing, z: float | str | None) -> ImageListing:
    if z is None or z == STORED:
        unknown = next((image for image in listing.images if image.z is None), None)
        if unknown is not None:
            raise RecordError(f"{unknown.where}: the section is unknown; pass z=, a number for all images")
        return listing
    if isinstance(z, str):
        order = {old: float(place) for place, old in enumerate(sorted({image.z or 0.0 for image in listing.images}), 1)}
        images = [attrs.evolve(image, z=order[image.z or 0.0]) for image in listing.images]
        return attrs.evolve(listing, images=images, notes=(*listing.notes, "z counts the sections, from 1"))
    return attrs.evolve(listing, images=[attrs.evolve(image, z=float(z)) for image in listing.images])


# TrakEM2


def _trakem2(path: str | os.PathLike[str], ids: str, z: float | str | None) -> tuple[ImageListing, _Resolution]:
    project, folder = read_trakem2(path), Path(os.path.abspath(path)).parent
    name = os.fspath(path)
    shown = [patch for patch in project.patches if patch.visible]
    hidden = len(project.patches) - len(shown)
    notes = [f"{plural(hidden, 'patch')}{'es' if hidden > 1 else ''} left out because hidden"] if hidden else []
    thickness = {patch.thickness for patch in shown}
    unit = 1.0
    if z is None and len(thickness) == 1 and min(thickness) > 0:
        (unit,) = thickness
        notes.append(f"z counts layers of {unit:g} px")
    elif z is None:
        notes.append("z is in pixels, because layers differ in thickness")
    images = [_of_patch(patch, name, folder, ids, patch.z / unit) for patch in shown]
    return ImageListing(name, images, notes=tuple(notes)), project.resolution_nm


def _of_patch(patch: Patch, name: str, folder: Path, ids: str, z: float) -> ListedImage:
    where = f"{name}, line {patch.line}"
    return ListedImage(
        where=where,
        url=_url(patch.path, folder),
        tile_id=patch.title if ids == "title" else patch.oid,
        z=z,
        transforms=patch.transforms,
        size=(patch.width, patch.height),
        window=None if patch.kind == _RGB or not patch.window[0] < patch.window[1] else patch.window,
        slice_number=patch.slice_number,
        mask_url=None if patch.mask is None else _url(patch.mask, folder),
    )


def _url(path: str, folder: Path) -> str:
    return image_url(path if "://" in path or path.startswith("file:") else folder / path)


# KARSH


def _karsh(path: str | os.PathLike[str], ids: str, z: float | str | None) -> tuple[ImageListing, _Resolution]:
    folder = Path(os.path.abspath(path)).parent
    images = []
    for tile in read_karsh(path):
        if tile.path is None:
            raise RecordError(f"{tile.where}: tile {tile.tile_id!r} has no image path")
        layer = tile.z if tile.z is not None else _number_or_none(tile.section_id)
        images.append(
            ListedImage(
                where=tile.where,
                url=_raw_url(tile.path, folder),
                tile_id=tile.tile_id,
                z=layer,
                section_id=tile.section_id,
                transforms=(tile.transform,),
                row=tile.row,
                column=tile.column,
                camera_id=tile.camera,
                scope_id=tile.scope,
                rotation=tile.rotation,
            )
        )
    return ImageListing(os.fspath(path), images), None


def _raw_url(path: str, folder: Path) -> str:
    """Return the URL of a path, which the service takes from a URL without decoding it."""
    is_encoded = "%" in path and os.path.isabs(path) and not os.path.exists(path)
    return f"file://{path}" if is_encoded else _url(path, folder)


def _number_or_none(text: str | None) -> float | None:
    try:
        return float(text or "")
    except ValueError:
        return None


# SerialEM


def _serialem(path: str | os.PathLike[str], ids: str, z: float | str | None) -> tuple[ImageListing, _Resolution]:
    file, folder = read_serialem(path), Path(os.path.abspath(path)).parent
    blocks = [block for block in file.blocks if block.kind in _IMAGE_BLOCKS]
    if not blocks:
        raise RecordError(f"{file.name} lists no images: got blocks {', '.join({b.kind for b in file.blocks})}")
    key = next((key for key in _PIECES if all(key in block.values for block in blocks)), None)
    images = [_of_block(block, file, folder, key) for block in blocks]
    spacing = next((one for block in blocks if (one := block.numbers("PixelSpacing", 1))), None)
    pixel_nm = spacing[0] * _NM_PER_ANGSTROM if spacing else None
    resolution = None if pixel_nm is None else (pixel_nm, pixel_nm, None)
    note = f"places are {key}, in pixels" if key else "places are StagePosition, in µm"
    return ImageListing(file.name, images, unit=None if key else "um", notes=(note,)), resolution


def _of_block(block: Block, file: SerialEMFile, folder: Path, key: str | None) -> ListedImage:
    number = None
    if block.kind == "ZValue":
        name = file.values.get("ImageFile", "")
        number = int(block.name) + 1 if block.name.isdigit() else None
        if not name or number is None:
            raise RecordError(f"{block.where}: the image is unknown: got ImageFile {name!r} and ZValue {block.name!r}")
    else:
        name = block.name
    position, z = _place(block, key)
    base = Path(_SLASHES.split(name)[-1])
    return ListedImage(
        where=block.where,
        url=image_url(_existing(folder, name)),
        tile_id=base.stem if number is None else f"{base.stem}_{number - 1}",
        z=z,
        position=position if key else None,
        stage=None if key else position,
        slice_number=number,
        rotation=_rotation(block),
    )


def _existing(folder: Path, name: str) -> Path:
    """Return the file of a name, which may contain the folder of another machine."""
    given = folder / name
    beside = folder / _SLASHES.split(name)[-1]
    return given if given.exists() or not beside.exists() else beside


def _place(block: Block, key: str | None) -> tuple[tuple[float, float], float]:
    """Return the corner in pixels, or the stage position, and z."""
    if key is not None:
        x, y, z = block.numbers(key, 3) or (0.0, 0.0, 0.0)
        # Pieces are counted from the bottom.
        return (x, -y + 0.0), z
    found = block.numbers("StagePosition", 2)
    if found is None:
        raise RecordError(
            f"{block.where}: the position is missing; {' or '.join(_PIECES)}, or StagePosition is required"
        )
    return (found[0], found[1]), 0.0


def _rotation(block: Block) -> float | None:
    found = block.numbers("RotationAngle", 1)
    return None if found is None else found[0]


_READERS: dict[str, Callable[[str | os.PathLike[str], str, float | str | None], tuple[ImageListing, _Resolution]]] = {
    "trakem2": _trakem2,
    "serialem": _serialem,
    "karsh": _karsh,
}
