"""``BoxClient``: boxes of sections for viewers."""

from __future__ import annotations

from pathlib import Path

import attrs
import numpy as np

from rendergateway import StackWrapper
from rendergateway.clients.base.groups import ServiceOptions
from rendergateway.clients.base.options import Client, flag, group, option, positional, required
from rendergateway.clients.base.years import keeps_edges
from rendergateway.errors import CommandError, ImageError, StackStateError
from rendergateway.number_text import double_text
from rendergateway.wrappers.images.boxes import BoxFiles, BoxLayout

__all__ = ["BoxClient"]

_WHITE = 255


@attrs.frozen
class BoxClient(Client):
    """Draw boxes of sections, and levels of lower resolution, into files for viewers."""

    service: ServiceOptions = group(ServiceOptions)
    stack: str = required("Stack.")
    root_directory: str = required("Folder below which the files are written.")
    width: int = required("Width of each box in pixels.")
    height: int = required("Height of each box in pixels.")
    max_level: int = option(0, help="Highest level; each has half the resolution of the one below.")
    format: str = option("png", help="Format of the files: png, jpg, tif.")
    convert_to_gray: bool = option(True, help="Whether the files have one channel.")
    max_overview_width_and_height: int | None = option(help="Width of an overview of each section.")
    do_filter: bool = flag("Apply the default filters.")
    filter_list_name: str | None = option(help="List of filters of the service, instead of the default filters.")
    skip_interpolation: bool = flag("Draw the nearest pixels.")
    binary_mask: bool = flag("Draw opaque pixels only.")
    label: bool = flag("Draw each tile in one value of its own.")
    create_i_grid: bool = flag("Write an index of the boxes of each section.", names=["--createIGrid"])
    force_generation: bool = flag("Draw existing boxes again.")
    render_group: int | None = option(help="Number of this job, from 1, if several share each section.")
    number_of_render_groups: int | None = option(help="Number of the jobs that share each section.")
    sort_by_cluster_group_id: bool = flag("Ignored: the order of tiles is that of the service.")
    z_values: tuple[float, ...] = positional("Z values for layers to render")

    def run(self) -> None:
        """Draw the boxes, section by section."""
        part = self._part()
        with self.service.gateway(remote_images=True) as gateway:
            stack = gateway.stack(self.stack)
            if stack.bounds is None:
                raise StackStateError(f"stack {stack} has no bounds: it is {stack.state}; complete it")
            name = f"{self.width}x{self.height}{'-label' if self.label else ''}"
            folder = Path(self.root_directory).absolute() / self.service.project / self.stack / name
            if self.label:
                self._refuse_labels(folder)
            done = self._render(stack, folder, part)
            print(f"{done.drawn} of {done.count} boxes drawn in {done.folder}", flush=True)
            if done.cut:
                print(f"cut at the origin of the world: z {', '.join(map(double_text, done.cut))}", flush=True)

    def _part(self) -> tuple[int, int] | None:
        number, count = self.render_group, self.number_of_render_groups
        if number is None and count is None:
            return None
        if count is None:
            raise CommandError("numberOfRenderGroups must be specified when renderGroup is specified")
        if number is None:
            raise CommandError("renderGroup (1-n) must be specified when numberOfRenderGroups are specified")
        if number < 1:
            raise CommandError("renderGroup values start at 1")
        if number > count:
            raise CommandError(f"numberOfRenderGroups ({count}) must be greater than the renderGroup ({number})")
        return number, count

    def _refuse_labels(self, folder: Path) -> None:
        """Fail as the Java client does, after it has written one file; `StackWrapper.render_boxes` draws labels."""
        layout = BoxLayout(folder, self.width, self.height, self.max_level, self.format.lower())
        layout.write(layout.empty, np.full((self.height, self.width), _WHITE, dtype=np.uint8))
        raise ImageError(
            "target must be a class ij.process.FloatProcessor instance but instead is class ij.process.ShortProcessor: "
            "this client cannot draw labels; 'rendergateway boxes --labels' does"
        )

    def _render(self, stack: StackWrapper, folder: Path, part: tuple[int, int] | None) -> BoxFiles:
        is_grey = self.convert_to_gray and not self.format.lower().startswith("tif")
        return stack.render_boxes(
            folder,
            width=self.width,
            height=self.height,
            sections=self.z_values,
            levels=self.max_level,
            format=self.format.lower(),
            mode="grey" if is_grey else "rgb",
            overview=self.max_overview_width_and_height or 0,
            index=self.create_i_grid,
            overwrite=self.force_generation,
            part=part,
            filter=self.filter_list_name or self.do_filter,
            mask="binary" if self.binary_mask else "blended",
            interpolate=not self.skip_interpolation,
            compute="local",
            edges=keeps_edges(),
        )
