"""``TileRemovalClient``: tiles deleted from a stack."""

from __future__ import annotations

import attrs

from rendergateway import StackWrapper
from rendergateway.clients.base.groups import ServiceOptions
from rendergateway.clients.base.options import Client, flag, group, option, positional, required
from rendergateway.errors import CommandError
from rendergateway.geometry import Bounds
from rendergateway.model.files.tile_ids import read_tile_ids

__all__ = ["TileRemovalClient"]


@attrs.frozen
class TileRemovalClient(Client):
    """Delete tiles from a stack: by id, those that are hidden, or those outside of a box."""

    service: ServiceOptions = group(ServiceOptions)
    stack: str = required("Stack.")
    tile_id_json: str | None = option(help="File with a JSON array of tile ids (.json or .json.gz).")
    tile_ids: tuple[str, ...] = positional("tileIds_to_remove", is_required=False)
    hidden_tiles_with_z: float | None = option(help="Delete the tiles of this section that others cover completely.")
    keep_z: float | None = option(help="Delete the tiles of this section that do not touch a box.")
    keep_min_x: float | None = option(help="See keepZ.")
    keep_min_y: float | None = option(help="See keepZ.")
    keep_max_x: float | None = option(help="See keepZ.")
    keep_max_y: float | None = option(help="See keepZ.")
    complete_stack_after_removal: bool = flag("Complete the stack.")

    def run(self) -> None:
        """Delete the tiles; the stack is opened before they are known."""
        with self.service.gateway() as gateway:
            stack = gateway.stack(self.stack)
            stack.reopen()
            tile_ids = self._ids(stack)
            with stack.editing(complete=False) as edit:
                edit.delete(tile_ids)
            print(f"removed {len(tile_ids)} tiles from stack {self.stack}", flush=True)
            if self.complete_stack_after_removal:
                stack.set_state("COMPLETE")

    def _ids(self, stack: StackWrapper) -> list[str]:
        box = self._box()
        given = {
            "--hiddenTilesWithZ": self.hidden_tiles_with_z,
            "--tileIdJson": self.tile_id_json,
            "--keepZ": None if box is None else self.keep_z,
            "tile ids": self.tile_ids or None,
        }
        names = [name for name, value in given.items() if value is not None]
        if not names:
            raise CommandError(
                "no tiles to remove: pass tile ids, --tileIdJson, --hiddenTilesWithZ, or --keepZ with --keepMinX, "
                "--keepMinY, --keepMaxX and --keepMaxY"
            )
        if len(names) > 1:
            raise CommandError(f"{names[1]} should not be specified when {names[0]} is specified")
        if self.hidden_tiles_with_z is not None:
            return stack.section(self.hidden_tiles_with_z).hidden_tile_ids()
        if self.tile_id_json is not None:
            return read_tile_ids(self.tile_id_json)
        if box is not None and self.keep_z is not None:
            return stack.section(self.keep_z).tile_ids_outside(box)
        return list(self.tile_ids)

    def _box(self) -> Bounds | None:
        sides = (self.keep_min_x, self.keep_min_y, self.keep_max_x, self.keep_max_y)
        if self.keep_z is None or None in sides:
            return None
        return Bounds(*sides)
