"""``TransformRemovalClient``: the last transforms of tiles removed, into a derived stack."""

from __future__ import annotations

import attrs

from rendergateway.clients.base.groups import ServiceOptions
from rendergateway.clients.base.options import Client, flag, group, many, option, required
from rendergateway.clients.base.validators import ValidatorOptions
from rendergateway.clients.tiles.saving import editing, refuse_nothing

__all__ = ["TransformRemovalClient"]


@attrs.frozen
class TransformRemovalClient(Client):
    """Remove the last transforms of all tiles of sections, and save the tiles in a derived stack."""

    service: ServiceOptions = group(ServiceOptions)
    validator: ValidatorOptions = group(ValidatorOptions)
    stack: str = required("Stack of the tiles.")
    target_owner: str | None = option(help="Owner of the target stack. Default: that of the stack.")
    target_project: str | None = option(help="Project of the target stack. Default: that of the stack.")
    target_stack: str = required("Stack that will contain the changed tiles.")
    number_of_transforms_to_remove: int = required("How many transforms of each tile are removed.")
    complete_target_stack: bool = flag("Complete the target stack.")
    z: tuple[float, ...] = many("Sections.", is_required=True)

    def run(self) -> None:
        """Change the sections one after another."""
        validators = self.validator.validators()
        with self.service.gateway() as gateway:
            stack = gateway.stack(self.stack)
            target = stack.derived_stack(self.target_stack, owner=self.target_owner, project=self.target_project)
            with editing(target) as edit:
                for z in self.z:
                    saved = edit.remove_transforms(
                        max(0, self.number_of_transforms_to_remove),
                        source=stack,
                        sections=z,
                        validate=validators,
                        invalid="drop",
                    )
                    refuse_nothing(saved)
            if self.complete_target_stack:
                target.set_state("COMPLETE")
