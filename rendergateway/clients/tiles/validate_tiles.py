"""``ValidateTilesClient``: invalid tiles reported or deleted."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from rendergateway import StackWrapper
from rendergateway.clients.base.groups import ServiceOptions
from rendergateway.clients.base.messages import say
from rendergateway.clients.base.options import Client, flag, group, positional, required
from rendergateway.clients.base.validators import ValidatorOptions
from rendergateway.clients.tiles.saving import refuse_nothing, z_value

if TYPE_CHECKING:
    from rendergateway.model.tile_text.validators import TileValidator

__all__ = ["ValidateTilesClient"]


@attrs.frozen
class ValidateTilesClient(Client):
    """Report the invalid tiles of sections, or delete them."""

    service: ServiceOptions = group(ServiceOptions)
    validator: ValidatorOptions = group(ValidatorOptions)
    stack: str = required("Stack of the tiles.")
    remove_invalid_tiles: bool = flag("Delete the invalid tiles.")
    complete_stack_after_removal: bool = flag("Complete the stack if tiles were deleted.")
    z_values: tuple[str, ...] = positional("Z values")

    def run(self) -> None:
        """Check the sections one after another."""
        validators = self.validator.validators()
        with self.service.gateway() as gateway:
            stack = gateway.stack(self.stack)
            deleted = sum(self._checked(stack, z_value(z), validators) for z in self.z_values)
            if self.complete_stack_after_removal and deleted:
                stack.set_state("COMPLETE")

    def _checked(self, stack: StackWrapper, z: float, validators: tuple[TileValidator, ...]) -> int:
        """Report the invalid tiles of a section; return how many were deleted."""
        if not validators:
            stack.section(z).resolved_tiles()
            return 0
        found = stack.validate(*validators, sections=z)
        for row in found:
            say(f"WARN: tile {row['tile_id']} is invalid: {row['problem']}")
        if not self.remove_invalid_tiles or not len(found):
            return 0
        kept = stack.section(z).tile_count - len(found)
        stack.reopen()
        with stack.editing(complete=False) as edit:
            edit.delete(found.tile_id.tolist())
        refuse_nothing(kept)
        return len(found)
