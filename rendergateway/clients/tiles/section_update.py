"""``SectionUpdateClient``: sections moved to other z."""

from __future__ import annotations

import math

import attrs

from rendergateway import StackWrapper
from rendergateway.clients.base.groups import ServiceOptions
from rendergateway.clients.base.options import Client, flag, group, many, option, required
from rendergateway.clients.base.section_data import read_section_data
from rendergateway.clients.tiles.saving import editing
from rendergateway.errors import CommandError
from rendergateway.geometry import Bounds

__all__ = ["SectionUpdateClient"]


@attrs.frozen
class SectionUpdateClient(Client):
    """Move the tiles of sections to other z, in place or into a derived stack."""

    service: ServiceOptions = group(ServiceOptions)
    stack: str = required("Stack of the tiles.")
    target_owner: str | None = option(help="Owner of the target stack. Default: that of the stack.")
    target_project: str | None = option(help="Project of the target stack. Default: that of the stack.")
    target_stack: str | None = option(help="Stack that will contain the moved tiles. Default: the stack itself.")
    section_id: tuple[str, ...] = many("Section ids of the tiles to move.")
    from_z: tuple[float, ...] = many("Sections of the tiles to move.")
    flatten_all_layers: bool = flag("Move all tiles to one section.")
    flatten_by_divisor: int | None = option(help="Move all tiles to z / divisor, rounded down.")
    stack_resolution_z: float | None = option(help="Section thickness after flattening, in nanometres.")
    z: float | None = option(help="New z. Not with flattenByDivisor.")
    complete_target_stack: bool = flag("Complete the target stack.")
    min_x: float | None = option(help="Only tiles that touch a box; not in effect unless all four sides are given.")
    min_y: float | None = option(help="See minX.")
    max_x: float | None = option(help="See minX.")
    max_y: float | None = option(help="See minX.")

    def run(self) -> None:
        """Move the sections, ascending."""
        if self.z is None and self.flatten_by_divisor is None:
            raise CommandError("must specify either --z or --flattenByDivisor")
        with self.service.gateway() as gateway:
            stack = gateway.stack(self.stack)
            z_values = self._z_values(stack)
            target = stack.derived_stack(
                self.target_stack or self.stack, owner=self.target_owner, project=self.target_project
            )
            with editing(target) as edit:
                edit.move(
                    self._new_z,
                    sections=z_values,
                    section_ids=self.section_id if self._by_section_id else None,
                    box=self._box,
                    source=stack,
                )
            is_flat = self.flatten_all_layers or self.flatten_by_divisor is not None
            if self.stack_resolution_z is not None and is_flat and None not in stack.resolution_nm:
                target.update(resolution_nm=(*stack.resolution_nm[:2], self.stack_resolution_z))
            if self.complete_target_stack:
                target.set_state("COMPLETE")

    @property
    def _by_section_id(self) -> bool:
        is_by_z = self.flatten_by_divisor is not None or self.flatten_all_layers or bool(self.from_z)
        return bool(self.section_id) and not is_by_z

    @property
    def _box(self) -> Bounds | None:
        if self.min_x is None or self.min_y is None or self.max_x is None or self.max_y is None:
            return None
        return Bounds(self.min_x, self.min_y, self.max_x, self.max_y)

    def _new_z(self, z: float) -> float:
        if self.flatten_by_divisor is not None:
            return float(math.floor(z / self.flatten_by_divisor))
        return z if self.z is None else self.z

    def _z_values(self, stack: StackWrapper) -> list[float]:
        """Return the sections to move, from the section data of the stack."""
        rows = read_section_data(stack)
        if self.flatten_by_divisor is not None:
            found = {row["z"] for row in rows}
        elif self.flatten_all_layers:
            found = {row["z"] for row in rows if row["z"] != self.z}
        elif self.from_z:
            found = {row["z"] for row in rows if row["z"] in self.from_z}
        else:
            found = {row["z"] for row in rows if row.get("sectionId") in self.section_id}
        if not found and self.flatten_all_layers:
            raise CommandError(f"The stack {self.stack} is already flattened.")
        if not found:
            raise CommandError(
                f"No matching section ids or z values were found in {self.stack}.  You need to correct your "
                "--sectionId or --fromZ parameters."
            )
        return sorted(found)
