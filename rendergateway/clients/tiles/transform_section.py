"""``TransformSectionClient``: one transform for all tiles of sections."""

from __future__ import annotations

from typing import Literal, TypeAlias

import attrs

from rendergateway import StackWrapper
from rendergateway.clients.base.boxes import BoxOptions
from rendergateway.clients.base.groups import ServiceOptions
from rendergateway.clients.base.options import Client, flag, group, option, positional, required
from rendergateway.clients.base.section_data import read_section_data
from rendergateway.clients.base.validators import ValidatorOptions
from rendergateway.clients.tiles.saving import HOW, editing
from rendergateway.errors import CommandError
from rendergateway.number_text import double_text
from rendergateway.transforms import AffineModel2D, Transform, TranslationModel2D, from_spec

__all__ = ["TransformSectionClient"]


# z, id and transform of a section.
_Chosen: TypeAlias = tuple[float, str, Transform]


@attrs.frozen
class TransformSectionClient(Client):
    """Apply one transform to all tiles of sections."""

    service: ServiceOptions = group(ServiceOptions)
    validator: ValidatorOptions = group(ValidatorOptions)
    stack: str = required("Stack of the tiles.")
    target_project: str | None = option(help="Project of the target stack. Default: that of the stack.")
    target_stack: str | None = option(help="Stack that will contain the changed tiles. Default: the stack itself.")
    transform_id: str = required("Id of the shared transform.")
    transform_class: str = required("Class of the transform.")
    transform_data: str = required("Parameters of the transform, with commas for blanks.")
    transform_application_method: Literal[
        "APPEND", "INSERT_AS_FIRST", "INSERT_BEFORE_LAST", "REPLACE_LAST", "PRE_CONCATENATE_LAST"
    ] = option("APPEND", help="How the transform is applied.")
    layer_minimum_x_and_y_bound: int | None = option(
        names=["--layerMinimumXAndYBound"],
        help="Instead, move each section so that its bounding box begins at this x and y.",
    )
    from_tile_id: str | None = option(help="Instead, move the section of this tile …")
    to_tile_id: str | None = option(help="… so that its bounding box begins where this tile's does.")
    bounds: BoxOptions = group(BoxOptions)
    complete_target_stack: bool = flag("Complete the target stack.")
    z_values: tuple[float, ...] = positional("Z values")

    def run(self) -> None:
        """Change the sections one after another."""
        box = self.bounds.box()
        validators = self.validator.validators()
        how = HOW[self.transform_application_method]
        with self.service.gateway() as gateway:
            stack = gateway.stack(self.stack)
            moves = self._moves(stack)
            target = stack.derived_stack(self.target_stack or self.stack, project=self.target_project)
            with editing(target) as edit:
                for z, shared_id, transform in moves or self._given():
                    edit.apply(
                        transform,
                        how=how,
                        source=stack,
                        sections=z,
                        box=box,
                        shared_id=None if how == "concatenate_last" else shared_id,
                        validate=validators,
                        invalid="drop",
                    )
            if self.complete_target_stack:
                target.set_state("COMPLETE")

    def _moves(self, stack: StackWrapper) -> list[_Chosen]:
        """Return the translations that bounding boxes imply; none if the transform is given."""
        if self.from_tile_id is not None and self.to_tile_id is not None:
            return [_move(stack, self.from_tile_id, self.to_tile_id)]
        if self.layer_minimum_x_and_y_bound is not None:
            read_section_data(stack)
            return [self._to_minimum(stack, z, self.layer_minimum_x_and_y_bound) for z in self.z_values]
        return []

    def _given(self) -> list[_Chosen]:
        spec = {"className": self.transform_class, "dataString": self.transform_data.replace(",", " ")}
        transform = from_spec(spec)
        return [(z, self.transform_id, transform) for z in self.z_values]

    def _to_minimum(self, stack: StackWrapper, z: float, minimum: int) -> _Chosen:
        bounds = stack.section(z).bounds
        if bounds is None:
            raise CommandError(f"section {double_text(z)} of stack {stack} has no bounding box")
        matrix = [[1, 0, minimum - bounds.min_x], [0, 1, minimum - bounds.min_y]]
        return z, f"{self.transform_id}_{double_text(z)}", AffineModel2D(matrix)


def _move(stack: StackWrapper, from_id: str, to_id: str) -> _Chosen:
    moved, goal = stack.tile(from_id), stack.tile(to_id)
    if moved.z == goal.z:
        raise CommandError(f"Both source and target tiles cannot be in the same layer ({moved.z}).")
    here, there = moved.bounds, goal.bounds
    if moved.z is None or goal.z is None or here is None or there is None:
        raise CommandError(f"tiles {from_id} and {to_id} need z and a bounding box")
    shift = TranslationModel2D(there.min_x - here.min_x, there.min_y - here.min_y)
    return moved.z, f"MOVE_{double_text(moved.z)}_TO_{double_text(goal.z)}", shift
