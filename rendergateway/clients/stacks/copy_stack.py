"""``CopyStackClient``: tiles of one stack copied to another."""

from __future__ import annotations

import attrs

from rendergateway import StackWrapper
from rendergateway.clients.base.boxes import BoxOptions
from rendergateway.clients.base.groups import ServiceOptions
from rendergateway.clients.base.options import Client, flag, group, many, option, required
from rendergateway.clients.base.section_data import read_section_data
from rendergateway.clients.stacks.cells import Cell, read_cells
from rendergateway.errors import CommandError
from rendergateway.model.files.tile_ids import read_tile_ids
from rendergateway.wrappers.editing.tile_changes import TileChanges
from rendergateway.wrappers.editing.tile_selection import Cells, TileSelection

__all__ = ["CopyStackClient"]


@attrs.frozen
class CopyStackClient(Client):
    """Copy tiles from one stack to another."""

    service: ServiceOptions = group(ServiceOptions)
    from_stack: str = required("Stack of the tiles.")
    to_owner: str | None = option(help="Owner of the target stack. Default: that of the source.")
    to_project: str | None = option(help="Project of the target stack. Default: that of the source.")
    to_stack: str = required("Stack that will contain the copied tiles.")
    z: tuple[float, ...] = many("Sections. Default: all.")
    move_to_origin: bool = flag("Translate the stack so that it begins near the origin.")
    exclude_tile_ids_missing_from_stacks: tuple[str, ...] = many(
        "Stacks of the target project: copy only the tiles that the first of them with tiles in the section has too."
    )
    excluded_tile_ids: tuple[str, ...] = many("Tiles that are not copied.")
    included_tile_ids_json: str | None = option(help="File with a JSON array of the only tiles that are copied.")
    excluded_cell: tuple[Cell, ...] = many("Row and column of tiles that are not copied.")
    min_z_for_excluded_cells: float | None = option(help="First section with excluded cells.")
    max_z_for_excluded_cells: float | None = option(help="Last section with excluded cells.")
    excluded_cells_json: str | None = option(
        help='File of excluded cells, in place of the options: [{"cellIds": ["0,1"], "minZ": 1, "maxZ": 9}].'
    )
    bounds: BoxOptions = group(BoxOptions)
    keep_existing: bool = flag("Keep the tiles that the target stack has in these sections.")
    complete_to_stack_after_copy: bool = flag("Complete the target stack.")
    replace_last_transform_with_stage: bool = flag("Replace the last transform of tiles by their stage position.")
    add_to_z: float | None = option(help="Added to the z of tiles.")
    split_merged_sections: bool = flag("Move each section id of a section to a layer of its own.")
    max_sections_per_original_z: int = option(40, help="Most section ids of a section that is split.")

    def run(self) -> None:
        """Copy the sections."""
        box = self.bounds.box()
        change = self._change()
        with self.service.gateway() as gateway:
            stack = gateway.stack(self.from_stack)
            keep = TileSelection(
                box=box,
                ids=None if self.included_tile_ids_json is None else read_tile_ids(self.included_tile_ids_json),
                without=self.excluded_tile_ids,
                without_cells=self._cells(),
                only_in=[
                    gateway.stack(name, owner=self.to_owner, project=self.to_project)
                    for name in self.exclude_tile_ids_missing_from_stacks
                ],
            )
            self._check(stack, change)
            target = stack.derived_stack(
                self.to_stack, owner=self.to_owner, project=self.to_project, layers_per_z=change.split_sections or 1
            )
            stack.copy_to(
                self.to_stack,
                owner=self.to_owner,
                project=self.to_project,
                sections=self.z or None,
                keep=None if keep == TileSelection() else keep,
                change=None if change == TileChanges() else change,
                existing="append" if self.keep_existing else "replace",
                complete=False,
            )
            if self.complete_to_stack_after_copy:
                target.set_state("COMPLETE")

    def _change(self) -> TileChanges:
        if self.split_merged_sections and self.max_sections_per_original_z < 1:
            raise CommandError("--maxSectionsPerOriginalZ must be specified when --splitMergedSections is specified")
        if self.split_merged_sections and self.add_to_z is not None:
            raise CommandError("--addToZ may not be specified when --splitMergedSections is specified")
        if self.move_to_origin and self.replace_last_transform_with_stage:
            raise CommandError("please choose either --moveToOrigin or --replaceLastTransformWithStage but not both")
        return TileChanges(
            add_to_z=self.add_to_z or 0.0,
            split_sections=self.max_sections_per_original_z if self.split_merged_sections else None,
            to_origin=self.move_to_origin,
            at_stage=self.replace_last_transform_with_stage,
        )

    def _check(self, stack: StackWrapper, change: TileChanges) -> None:
        """Check what the change needs, before the target stack is created."""
        if change.split_sections is not None:
            read_section_data(stack)
        if change.to_origin and stack.bounds is None:
            raise CommandError(f"stack {stack} is {stack.state} and has no bounds, which --moveToOrigin needs")

    def _cells(self) -> list[Cells]:
        if self.excluded_cells_json is not None:
            return read_cells(self.excluded_cells_json)
        cells = [(cell.row, cell.column) for cell in self.excluded_cell]
        return [Cells(cells, self.min_z_for_excluded_cells, self.max_z_for_excluded_cells)] if cells else []
