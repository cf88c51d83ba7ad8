"""``MipmapClient``: the images of tiles at reduced sizes."""

from __future__ import annotations

import attrs

from rendergateway.clients.base.groups import ServiceOptions
from rendergateway.clients.base.options import Client, flag, group, option, positional, required
from rendergateway.errors import CommandError

__all__ = ["MipmapClient"]


@attrs.frozen
class MipmapClient(Client):
    """Write the images and masks of tiles at reduced sizes, and store how they are found."""

    service: ServiceOptions = group(ServiceOptions)
    stack: str = required("Stack.")
    root_directory: str = required("Folder of the levels.")
    min_level: int = option(1, help="First level that is written.")
    max_level: int = option(6, help="Last level that is written.")
    format: str = option("tiff", help="Format of the files: tiff, png, jpg.")
    force_generation: bool = flag("Write existing files again.")
    render_group: int = option(1, help="Number of this job, from 1, if several share each section.")
    number_of_render_groups: int = option(1, help="Number of the jobs that share each section.")
    remove_all: bool = flag("Delete the files instead.")
    z_values: tuple[float, ...] = positional("Z values for layers to render")

    def run(self) -> None:
        """Write or delete the files, section by section."""
        number, count = self.render_group, self.number_of_render_groups
        if not 1 <= number <= count:
            raise CommandError(
                "renderGroup values start at 1"
                if number < 1
                else f"numberOfRenderGroups ({count}) must be greater than the renderGroup ({number})"
            )
        with self.service.gateway(remote_images=True) as gateway:
            stack = gateway.stack(self.stack)
            sections, extension = self.z_values, {"tiff": "tif"}.get(self.format.lower(), self.format.lower())
            if self.remove_all:
                removed = stack.remove_mipmaps(
                    self.root_directory,
                    sections=sections,
                    levels=self.max_level,
                    first_level=self.min_level,
                    format=extension,
                    part=(number, count),
                )
                print(f"{removed} files removed", flush=True)
                return
            found = stack.write_mipmaps(
                self.root_directory,
                sections=sections,
                levels=self.max_level,
                first_level=self.min_level,
                format=extension,
                overwrite=self.force_generation,
                part=(number, count),
            )
            print(f"{found.written} of {found.count} files written to {found.folder}", flush=True)
            if not found.is_used:
                print("the mipmap path builder of the stack names other files, and is kept", flush=True)
