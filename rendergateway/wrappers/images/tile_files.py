"""Pictures of tiles as files, and tiles whose images are such files."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import attrs

from rendergateway.errors import ImageError, RecordError, TransformError
from rendergateway.geometry import Bounds
from rendergateway.model.records.pyramid import ImagePyramid, MipmapLevel
from rendergateway.model.records.render_parameters import RenderParameters
from rendergateway.model.records.tiles import TileRecord
from rendergateway.transforms import AffineModel2D, Transform, TransformList, tile_box
from rendergateway.wrappers.core.bound import Client
from rendergateway.wrappers.core.bulk import Bulk, mapped
from rendergateway.wrappers.images.options import PictureOptions
from rendergateway.wrappers.images.picture import Picture, checked_kind
from rendergateway.wrappers.images.render import recipe_picture

__all__ = ["TileFiles", "folder_of_z", "rasterized", "write_tiles"]


def folder_of_z(z: float) -> str:
    """
    Return the folders of a section: thousands and hundreds of the whole z.

    Examples
    --------
    >>> folder_of_z(12345.5)
    '012/3'
    """
    thousands, rest = divmod(abs(int(z)), 1000)
    sign = "-" if z <= -1000 else ""
    return f"{sign}{thousands:0{3 - len(sign)}d}/{'-' if z < 0 and rest >= 100 else ''}{rest // 100}"


@attrs.frozen
class TileFiles:
    """
    Where pictures of tiles are written, and how they look.

    Attributes
    ----------
    folder : Path
    format : str
        Suffix of the files.
    options : PictureOptions
        Drawn by this process.
    masks : bool
        Whether the masks are drawn instead of the images.
    overwrite : bool
        Whether existing files are drawn again.
    """

    folder: Path
    format: str
    options: PictureOptions
    masks: bool = False
    overwrite: bool = False

    def __attrs_post_init__(self) -> None:
        checked_kind(f"a.{self.format}")

    def path(self, tile: TileRecord) -> Path:
        """
        Return the file of a tile.

        Raises
        ------
        ImageError
            If its id is not a file name, or it has no z.
        """
        name = f"{tile.tile_id}.{self.format}"
        if Path(name).name != name or "\\" in name or "\0" in name:
            raise ImageError(f"tile {tile.tile_id!r} cannot be written: its id is not a file name")
        if tile.z is None:
            raise ImageError(f"tile {tile.tile_id!r} cannot be written: it has no z")
        return self.folder / folder_of_z(tile.z) / str(int(tile.z)) / name

    def save(self, picture: Picture, path: Path) -> None:
        """Write a picture; one with a mask has colours, and opacity in a PNG."""
        path.parent.mkdir(parents=True, exist_ok=True)
        picture.save(path, mode=None if picture.alpha is None else "rgb")


def write_tiles(
    client: Client,
    files: TileFiles,
    tiles: Sequence[tuple[TileRecord, Callable[[], RenderParameters]]],
    bulk: Bulk,
    what: str,
) -> list[Path]:
    """Draw tiles into files; see `StackWrapper.render_tiles`."""
    if not tiles:
        raise ImageError(f"stack {what} has no such tiles to draw")
    items = [(files.path(record), recipe) for record, recipe in tiles]

    def write(item: tuple[Path, Callable[[], RenderParameters]]) -> Path:
        path, recipe_of = item
        if files.overwrite or not path.exists():
            recipe = recipe_of()
            files.save(recipe_picture(client, _of_masks(recipe) if files.masks else recipe, files.options), path)
        return path

    return mapped(write, items, bulk, what=f"Drawing tiles of {what}")


def _of_masks(recipe: RenderParameters) -> RenderParameters:
    def of_mask(tile: TileRecord) -> TileRecord:
        if tile.channels:
            return tile.evolve(channels=[one.evolve(mipmaps=_masks(tile, one.mipmaps)) for one in tile.channels])
        return tile.evolve(mipmaps=_masks(tile, tile.mipmaps))

    return recipe.evolve(tiles=[of_mask(tile) for tile in recipe.tiles])


def _masks(tile: TileRecord, pyramid: ImagePyramid) -> ImagePyramid:
    number = next(iter(pyramid), None)
    level = None if number is None else pyramid[number]
    if number is None or level is None or level.mask_url is None:
        raise ImageError(f"tile {tile.tile_id!r} does not have a mask to draw")
    mask = MipmapLevel(image_url=level.mask_url, image_loader_type=level.mask_loader_type, image_slice=level.mask_slice)
    return ImagePyramid({number: mask})


def rasterized(
    client: Client,
    files: TileFiles,
    tile: TileRecord,
    transforms: TransformList,
    recipe_of: Callable[[], RenderParameters],
    keep: int,
) -> TileRecord:
    """
    Draw a tile with all of its transforms but the last ones, and return a tile of that picture with these.

    Parameters
    ----------
    client : Client
    files : TileFiles
    tile : TileRecord
    transforms : TransformList
        Of the tile, resolved and flattened.
    recipe_of : callable
        Returns the recipe of the tile.
    keep : int
        Number of the last transforms.

    Raises
    ------
    ImageError
        If the tile has several channels, and as `write_tiles`.
    RecordError
        If the tile has no size or no bounding box.
    TransformError
        If it has fewer transforms, or the last one is not affine.
    """
    if len(tile.channels) > 1:
        raise ImageError(f"tile {tile.tile_id!r} has {len(tile.channels)} channels; draw tiles of one channel")
    if len(transforms) < keep:
        raise TransformError(f"tile {tile.tile_id!r} has {len(transforms)} transforms, fewer than the {keep} to keep")
    if tile.width is None or tile.height is None or tile.bounds is None:
        raise RecordError(f"tile {tile.tile_id!r} needs width, height and a bounding box to be drawn")
    items = list(transforms)
    drawn, kept = TransformList(items[: len(items) - keep]), items[len(items) - keep :]
    box = tile_box(drawn, tile.width, tile.height, tile.mesh_cell_size)
    path = files.path(tile)
    width, height = round(box.width), round(box.height)
    if files.overwrite or not path.exists():
        _draw(client, files, tile.evolve(transforms=drawn), recipe_of().evolve(width=width, height=height), box, path)
    mask = _mask_path(path)
    pyramid = ImagePyramid({0: MipmapLevel(image_url=str(path), mask_url=str(mask) if mask.exists() else None)})
    channels = [one.evolve(mipmaps=pyramid) for one in tile.channels]
    new = tile.evolve(width=width, height=height, mipmaps=ImagePyramid() if channels else pyramid, channels=channels)
    return _moved_to(new, kept, tile.bounds)


def _mask_path(path: Path) -> Path:
    return path.with_name(f"{path.stem}.mask{path.suffix}")


def _draw(
    client: Client, files: TileFiles, tile: TileRecord, recipe: RenderParameters, box: Bounds, path: Path
) -> None:
    placed = recipe.evolve(x=box.min_x, y=box.min_y, tiles=[tile], binary_mask=True)
    picture = recipe_picture(client, _of_masks(placed) if files.masks else placed, files.options)
    if picture.alpha is not None:
        from rendergateway.rendering.output.encoding import file_bytes, write_whole

        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(_mask_path(path), file_bytes(picture.alpha, None, checked_kind(path)))
    files.save(picture, path)


def _moved_to(tile: TileRecord, transforms: list[Transform], place: Bounds) -> TileRecord:
    """Return a tile with transforms that place its box at the upper left corner of *place*."""
    width, height = float(tile.width or 0), float(tile.height or 0)
    box = tile_box(TransformList(transforms), width, height, tile.mesh_cell_size)
    shift = AffineModel2D([[1, 0, place.min_x - box.min_x], [0, 1, place.min_y - box.min_y]])
    if not transforms:
        moved: list[Transform] = [shift]
    elif not transforms[-1].is_affine:
        raise TransformError(
            f"tile {tile.tile_id!r} cannot be moved to its place: its last transform, {type(transforms[-1]).__name__}, "
            "is not affine; keep another number of transforms"
        )
    else:
        matrix = TransformList([transforms[-1], shift]).as_affine().matrix
        moved = [*transforms[:-1], AffineModel2D(matrix)]
    final = tile_box(TransformList(moved), width, height, tile.mesh_cell_size)
    corners = {"min_x": final.min_x, "min_y": final.min_y, "max_x": final.max_x, "max_y": final.max_y}
    return tile.evolve(transforms=TransformList(moved), **corners)
