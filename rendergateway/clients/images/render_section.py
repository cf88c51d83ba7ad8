"""``RenderSectionClient``: pictures of sections."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import attrs

from rendergateway import Bounds, StackWrapper
from rendergateway.clients.base.groups import ServiceOptions
from rendergateway.clients.base.options import Client, flag, group, many, option, positional, required
from rendergateway.clients.images.files import save
from rendergateway.clients.images.look import LookOptions, intensity
from rendergateway.errors import ImageError, StackStateError
from rendergateway.number_text import double_text
from rendergateway.wrappers.images.tile_files import folder_of_z

__all__ = ["RenderSectionClient"]

_BOUNDS = 4


@attrs.frozen
class RenderSectionClient(Client):
    """Draw whole sections, or the same box of each, into files."""

    service: ServiceOptions = group(ServiceOptions)
    stack: str = required("Stack.")
    root_directory: str = required("Folder below which the files are written.")
    scale: float = option(0.02, help="Picture pixels per world pixel.")
    format: str = option("png", help="Format of the files: png, jpg, tif.")
    resolution_unit: str | None = option(help="Unit of the resolution that is stored in a TIFF, as nm.")
    do_filter: bool = option(True, help="Whether the default filters are applied.")
    look: LookOptions = group(LookOptions)
    fill_with_noise: bool = option(True, help="Whether transparent pixels are filled with noise.")
    z_values: tuple[float, ...] = positional("Z values for sections to render")
    bounds: tuple[int, ...] = many("The same box of each section: min x, max x, min y, max y.", repeated=True)
    custom_output_folder: str | None = option(help="Folder below the root, instead of one per project and stack.")
    custom_sub_folder: str | None = option(help="Folder below the custom one.")
    pad_file_names_with_zeros: bool = flag("Name files by five digits of the whole z.")
    max_intensity: int | None = option(help="Value that is drawn white.")
    min_intensity: int | None = option(help="Value that is drawn black.")
    render_tile_labels: bool = flag("Draw each tile in one colour.")
    use_stack_bounds: bool = flag("Draw the bounds of the stack of each section.")

    def run(self) -> None:
        """Draw the sections one after another."""
        if self.render_tile_labels:
            raise ImageError("labels cannot be drawn in 8 bits: got --renderTileLabels; 'boxes --labels' draws 16 bits")
        folder = self._folder()
        folder.mkdir(parents=True, exist_ok=True)
        with self.service.gateway(remote_images=True) as gateway:
            stack = gateway.stack(self.stack)
            size = self._pixel_size(stack)
            for z in self.z_values:
                picture = stack.section(z).image(self._box(stack, z), scale=self.scale, **self._options())
                save(picture, self._path(folder, z), self.format, grey=True, pixel_size=size)

    def _options(self) -> dict[str, Any]:
        return {
            **self.look.picture_options(do_filter=self.do_filter, fill_with_noise=self.fill_with_noise),
            "intensity": intensity(self.min_intensity, self.max_intensity),
        }

    def _box(self, stack: StackWrapper, z: float) -> Bounds:
        if self.use_stack_bounds:
            box = stack.bounds
            if box is None:
                raise StackStateError(f"stack {stack} has no bounds: it is {stack.state}; complete it")
        else:
            box = stack.section(z).bounds
            if box is None:
                raise ImageError(f"stack {stack} does not contain any tiles with a z value of {double_text(z)}")
        left, top, width, height = box.min_x, box.min_y, int(box.width + 0.5), int(box.height + 0.5)
        if len(self.bounds) == _BOUNDS:
            left, right, top, bottom = self.bounds
            width, height = right - left, bottom - top
        if width <= 0 or height <= 0:
            raise ImageError(
                f"Width ({int(self.scale * width)}) and height ({int(self.scale * height)}) cannot be <= 0"
            )
        return Bounds(left, top, left + width, top + height)

    def _folder(self) -> Path:
        root = Path(self.root_directory).absolute()
        if self.custom_output_folder is not None:
            return root / self.custom_output_folder / (self.custom_sub_folder or "")
        return root / self.service.project / self.stack / f"sections_at_{double_text(self.scale)}"

    def _path(self, folder: Path, z: float) -> Path:
        if self.custom_output_folder is None:
            folder /= folder_of_z(z)
        name = f"{int(z):05d}" if self.pad_file_names_with_zeros else double_text(z)
        return folder / f"{name}.{self.format.lower()}"

    def _pixel_size(self, stack: StackWrapper) -> tuple[float, float, str] | None:
        if self.resolution_unit is None:
            return None
        width, height, _ = stack.resolution_nm
        if width is None or height is None:
            return None
        return width / self.scale, height / self.scale, self.resolution_unit
