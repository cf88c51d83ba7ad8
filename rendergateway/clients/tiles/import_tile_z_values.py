"""``ImportTileZValuesClient``: tiles moved to other sections, from a file."""

from __future__ import annotations

import attrs

from rendergateway.clients.base.groups import ServiceOptions
from rendergateway.clients.base.options import Client, group, required

__all__ = ["ImportTileZValuesClient"]


@attrs.frozen
class ImportTileZValuesClient(Client):
    """Move tiles to the sections that a file lists."""

    service: ServiceOptions = group(ServiceOptions)
    stack: str = required("Stack of the tiles.")
    data_file: str = required("File of lines: z and tile id.")

    def run(self) -> None:
        """Move the tiles, section by section."""
        from rendergateway.model.files.layouts import read_tile_z_values

        tile_ids = read_tile_z_values(self.data_file)
        with self.service.gateway() as gateway:
            stack = gateway.stack(self.stack)
            stack.reopen()
            with stack.editing(complete=False) as edit:
                for z, some in tile_ids.items():
                    edit.move(z, some, missing="skip")
