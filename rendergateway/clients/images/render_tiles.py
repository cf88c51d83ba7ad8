"""``RenderTilesClient``: pictures of tiles, each alone."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

import attrs

from rendergateway import StackWrapper
from rendergateway.clients.base.groups import ServiceOptions
from rendergateway.clients.base.options import Client, flag, group, many, option, required
from rendergateway.clients.images.look import LookOptions, intensity
from rendergateway.errors import CommandError

__all__ = ["RenderTilesClient"]


@attrs.frozen
class RenderTilesClient(Client):
    """Draw tiles into files, and on request make a stack of these."""

    service: ServiceOptions = group(ServiceOptions)
    stack: str = required("Stack.")
    root_directory: str = required("Folder below which the files are written.")
    run_timestamp: str | None = option(help="Name of the folder of this run. Default: the time.")
    scale: float = option(1.0, help="Picture pixels per world pixel.")
    format: str = option("png", help="Format of the files: png, jpg, tif.")
    do_filter: bool = flag("Ignored, as by the Java client; use --filterListName.")
    look: LookOptions = group(LookOptions)
    fill_with_noise: bool = flag("Fill transparent pixels with noise.")
    max_intensity: int | None = option(help="Value that is drawn white.")
    min_intensity: int | None = option(help="Value that is drawn black.")
    exclude_mask: bool = flag("Ignore masks.")
    render_mask_only: bool = flag("Draw the masks.")
    z: tuple[float, ...] = many("Sections whose tiles are drawn.")
    tile_ids: tuple[str, ...] = many("Tiles that are drawn.")
    hack_stack: str | None = option(help="Stack of tiles whose images are the pictures.")
    hack_transform_count: int = option(1, help="Number of the last transforms that are not drawn, but kept.")
    complete_hack_stack: bool = flag("Complete that stack.")

    def run(self) -> None:
        """Draw the tiles."""
        if self.hack_stack is not None and self.look.channels is not None:
            raise CommandError("explicit channels cannot be specified when creating a hack stack")
        if self.hack_stack is not None and self.tile_ids:
            raise CommandError("explicit tile ids cannot be specified when creating a hack stack")
        if self.hack_stack is not None and self.scale != 1.0:
            raise CommandError(f"a hack stack has pictures at full resolution: got --scale {self.scale}")
        if not self.z and not self.tile_ids:
            raise CommandError("There are no tiles to render!")
        run = self.run_timestamp or f"{datetime.now():%Y%m%d_%H%M%S}"
        folder = Path(self.root_directory).absolute() / self.service.project / self.stack / run
        folder.mkdir(parents=True, exist_ok=True)
        with self.service.gateway(remote_images=True) as gateway:
            self._draw(gateway.stack(self.stack), folder)

    def _draw(self, stack: StackWrapper, folder: Path) -> None:
        options: dict[str, Any] = {
            **self.look.picture_options(do_filter=False, fill_with_noise=self.fill_with_noise),
            "intensity": intensity(self.min_intensity, self.max_intensity),
            "mask": None if self.exclude_mask else "blended",
            "dtype": "uint8",
        }
        how: dict[str, Any] = {"format": self.format.lower(), "masks": self.render_mask_only, "overwrite": True}
        if self.hack_stack is not None:
            made = stack.rasterize_to(
                self.hack_stack,
                folder,
                sections=self.z,
                keep=self.hack_transform_count,
                complete=self.complete_hack_stack,
                **how,
                **options,
            )
            print(f"tiles drawn in {folder}, stack {made} is {made.state}", flush=True)
            return
        files = stack.render_tiles(
            folder, tiles=self.tile_ids or None, sections=self.z or None, scale=self.scale, **how, **options
        )
        print(f"{len(files)} tiles drawn in {folder}", flush=True)
