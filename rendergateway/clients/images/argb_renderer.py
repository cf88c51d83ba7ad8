"""``ArgbRenderer``: a picture of tile specs or render parameters, without a service."""

from __future__ import annotations

from pathlib import Path

import attrs

from rendergateway.clients.base.options import Client, flag, option, required
from rendergateway.clients.base.years import keeps_edges

__all__ = ["ArgbRenderer"]

# Attributes whose names differ from the members of render parameters.
_MEMBERS = {
    "tile_spec_url": "tileSpecUrl",
    "mesh_cell_size": "meshCellSize",
    "min_mesh_cell_size": "minMeshCellSize",
    "in_file": "in_",
    "area_offset": "areaOffset",
    "min_intensity": "minIntensity",
    "max_intensity": "maxIntensity",
    "gray": "convertToGray",
    "threads": "numberOfThreads",
    "skip_interpolation": "skipInterpolation",
    "binary_mask": "binaryMask",
    "exclude_mask": "excludeMask",
    "parameters_url": "parametersUrl",
    "do_filter": "doFilter",
    "background_color": "backgroundRGBColor",
    "add_warp_field_debug_overlay": "addWarpFieldDebugOverlay",
    "fill_with_noise": "fillWithNoise",
}


@attrs.frozen
class ArgbRenderer(Client):
    """Draw tile specs, or the tiles of render parameters, into a file."""

    tile_spec_url: str | None = option(names=["--tile_spec_url"], help="Path or URL of a list of tile specs.")
    mesh_cell_size: float = option(64.0, names=["--res", "--meshCellSize"], help="Distance of mesh vertices in pixels.")
    min_mesh_cell_size: float = option(
        0.0, names=["--min_res", "--minMeshCellSize"], help="Least distance of mesh vertices in picture pixels."
    )
    in_file: str | None = option(names=["--in"], help="Image to draw upon.")
    out: str = required("File of the picture; its extension selects the format: png, jpg, tif.")
    x: float = option(0.0, help="Left edge in world pixels.")
    y: float = option(0.0, help="Top edge in world pixels.")
    width: int = option(256, help="Width in world pixels.")
    height: int = option(256, help="Height in world pixels.")
    scale: float = option(1.0, help="Picture pixels per world pixel.")
    area_offset: bool = flag("Ignored.", names=["--area_offset"])
    min_intensity: float | None = option(help="Value that is drawn black.")
    max_intensity: float | None = option(help="Value that is drawn white.")
    gray: bool = flag("Store one channel.")
    quality: float = option(0.85, help="Quality of a JPEG, 0 to 1.")
    threads: int | None = option(help="Ignored.")
    skip_interpolation: bool = flag("Draw the nearest pixels.", names=["--skip_interpolation"])
    binary_mask: bool = flag("Draw opaque pixels only.", names=["--binary_mask"])
    exclude_mask: bool = flag("Ignore masks.", names=["--exclude_mask"])
    parameters_url: str | None = option(
        names=["--parameters_url"], help="Path or URL of render parameters, for the options that have their default."
    )
    do_filter: bool = flag("Apply the default filters.", names=["--do_filter"])
    background_color: int | None = option(names=["--background_color"], help="Colour of transparent pixels.")
    channels: str | None = option(help="Channel, or names and weights: DAPI__0.7__TdTomato__0.3.")
    add_warp_field_debug_overlay: bool = flag("Not available.")
    fill_with_noise: bool = flag("Fill transparent pixels with noise.", names=["--fill_with_noise"])

    def run(self) -> None:
        """Draw the picture."""
        from rendergateway import wire
        from rendergateway.rendering import ImageOpener, Sources
        from rendergateway.rendering.output.recipe_files import complete_recipe, write_recipe_picture

        values = {_MEMBERS.get(name, name): value for name, value in attrs.asdict(self).items()}
        path = Path(self.out.removeprefix("file://").removeprefix("file:")).absolute()
        recipe = complete_recipe(wire.RenderParametersJson(**values))
        path.parent.mkdir(parents=True, exist_ok=True)
        write_recipe_picture(recipe, path, sources=Sources(ImageOpener(remote=True)), edges=keeps_edges())
        print(f"saved {path}", flush=True)
