"""``DeltaStackClient``: the tiles that other stacks lack."""

from __future__ import annotations

import attrs

from rendergateway.clients.base.boxes import BoxOptions
from rendergateway.clients.base.groups import ServiceOptions
from rendergateway.clients.base.options import Client, flag, group, many, option, required
from rendergateway.wrappers.editing.tile_changes import TileChanges
from rendergateway.wrappers.editing.tile_selection import TileSelection

__all__ = ["DeltaStackClient"]


@attrs.frozen
class DeltaStackClient(Client):
    """Copy the tiles that are in none of some other stacks."""

    service: ServiceOptions = group(ServiceOptions)
    from_stack: str = required("Stack of the tiles.")
    to_owner: str | None = option(help="Owner of the target stack. Default: that of the source.")
    to_project: str | None = option(help="Project of the target stack. Default: that of the source.")
    to_stack: str = required("Stack that will contain the copied tiles.")
    z: tuple[float, ...] = many("Sections. Default: all.")
    consolidate_for_review: bool = flag("Lay the tiles of each section out in a grid.")
    exclude_tile_ids_in_stacks: tuple[str, ...] = many(
        "Stacks of the target project whose tiles are not copied.", is_required=True
    )
    bounds: BoxOptions = group(BoxOptions)
    complete_to_stack_after_copy: bool = flag("Complete the target stack.")

    def run(self) -> None:
        """Copy the sections."""
        box = self.bounds.box()
        with self.service.gateway() as gateway:
            stack = gateway.stack(self.from_stack)
            others = [
                gateway.stack(name, owner=self.to_owner, project=self.to_project)
                for name in self.exclude_tile_ids_in_stacks
            ]
            target = stack.derived_stack(self.to_stack, owner=self.to_owner, project=self.to_project)
            stack.copy_to(
                self.to_stack,
                owner=self.to_owner,
                project=self.to_project,
                sections=self.z or None,
                keep=TileSelection(box=box, not_in=others),
                change=TileChanges(in_grid=True) if self.consolidate_for_review else None,
                existing="append",
                complete=False,
            )
            if self.complete_to_stack_after_copy:
                target.set_state("COMPLETE")
