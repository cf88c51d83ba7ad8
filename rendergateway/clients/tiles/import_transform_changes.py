"""``ImportTransformChangesClient``: one transform per tile, from a file, into a derived stack."""

from __future__ import annotations

from typing import Literal

import attrs

from rendergateway.clients.base.groups import ServiceOptions
from rendergateway.clients.base.options import Client, group, option, required
from rendergateway.clients.base.validators import ValidatorOptions
from rendergateway.clients.tiles.saving import HOW, editing, refuse_nothing
from rendergateway.errors import CommandError

__all__ = ["ImportTransformChangesClient"]


@attrs.frozen
class ImportTransformChangesClient(Client):
    """Apply the transforms of a file to the tiles of a stack, and save these tiles in a derived stack."""

    service: ServiceOptions = group(ServiceOptions)
    validator: ValidatorOptions = group(ValidatorOptions)
    stack: str = required("Stack of the tiles.")
    target_owner: str | None = option(help="Owner of the target stack. Default: that of the stack.")
    target_project: str | None = option(help="Project of the target stack. Default: that of the stack.")
    target_stack: str = required("Stack that will contain the changed tiles.")
    transform_file: str = required("File of transforms, one per tile (.json or .json.gz).")
    change_mode: Literal["APPEND", "REPLACE_LAST", "CONCATENATE_TO_LAST", "REPLACE_ALL"] = option(
        "REPLACE_LAST", help="How the transforms are applied."
    )

    def run(self) -> None:
        """Change all tiles, then save them."""
        from rendergateway import read_transform_changes

        validators = self.validator.validators()
        with self.service.gateway() as gateway:
            stack = gateway.stack(self.stack)
            target = stack.derived_stack(self.target_stack, owner=self.target_owner, project=self.target_project)
            changes = read_transform_changes(self.transform_file)
            if not changes:
                raise CommandError(f"No transform information found in {self.transform_file}.")
            with editing(target) as edit:
                how = HOW[self.change_mode]
                refuse_nothing(edit.apply(changes, how=how, source=stack, validate=validators, invalid="drop"))
