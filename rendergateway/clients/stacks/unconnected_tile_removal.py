"""``UnconnectedTileRemovalClient``: tiles without matches deleted from a stack."""

from __future__ import annotations

from typing import Any

import attrs

from rendergateway import StackWrapper
from rendergateway.clients.base.groups import ClusterOptions, ServiceOptions
from rendergateway.clients.base.options import Client, flag, group, many, option, required
from rendergateway.clients.base.section_data import read_section_data
from rendergateway.gateway import Gateway
from rendergateway.number_text import double_text
from rendergateway.wrappers.editing.tile_selection import TileSelection

__all__ = ["UnconnectedTileRemovalClient"]


@attrs.frozen
class UnconnectedTileRemovalClient(Client):
    """Delete, or report, the tiles of sections that matches do not connect to the largest cluster."""

    service: ServiceOptions = group(ServiceOptions)
    stack: str = required("Stack.")
    cluster: ClusterOptions = group(ClusterOptions)
    report_removed_tiles: bool = flag("Print the tiles instead of deleting them.")
    save_removed_tiles: bool = flag("Save the deleted tiles in another stack.")
    removed_tiles_stack_name: str | None = option(help="That stack. Default: STACK_removed_tiles.")
    keeper_owner: str | None = option(help="Owner of the keeper stack. Default: that of the stack.")
    keeper_project: str | None = option(help="Project of the keeper stack. Default: that of the stack.")
    keeper_stack: str | None = option(help="Stack whose tiles are not deleted.")
    complete_stacks_after_removal: bool = flag("Complete the stacks that changed.")
    z: tuple[float, ...] = many("Sections.", is_required=True)

    def run(self) -> None:
        """Find the tiles of all sections, then delete them."""
        with self.service.gateway() as gateway:
            matches = self.cluster.matches(gateway)
            stack = gateway.stack(self.stack)
            read_section_data(stack)
            options: dict[str, Any] = {
                "sections": self.z,
                "max_size": self.cluster.max_small_cluster_size,
                "fraction": self.cluster.small_cluster_factor,
                "between_groups": self.cluster.include_matches_outside_group,
                "keep": self._keeper(gateway),
                "dry_run": self.report_removed_tiles,
                "complete": self.complete_stacks_after_removal,
            }
            removed = self.removed_tiles_stack_name or f"{self.stack}_removed_tiles"
            found = stack.remove_unconnected(matches, move_to=removed if self.save_removed_tiles else None, **options)
            if found and self.report_removed_tiles and self.save_removed_tiles:
                self._save(stack, removed, found)
        for z, tile_ids in found.items():
            print(f"for z {double_text(z)}, the following tiles are not connected: [{', '.join(tile_ids)}]")
        print(f"found {sum(map(len, found.values()))} unconnected tiles across all layers", flush=True)

    def _keeper(self, gateway: Gateway) -> StackWrapper | None:
        if self.keeper_stack is None:
            return None
        return gateway.stack(self.keeper_stack, owner=self.keeper_owner, project=self.keeper_project)

    def _save(self, stack: StackWrapper, name: str, found: dict[float, list[str]]) -> None:
        target = stack.derived_stack(name)
        keep = TileSelection(ids=[tile_id for ids in found.values() for tile_id in ids])
        stack.copy_to(name, sections=list(found), keep=keep, existing="append", complete=False)
        if self.complete_stacks_after_removal:
            target.set_state("COMPLETE")
