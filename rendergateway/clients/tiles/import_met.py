"""``ImportMETClient``: the transforms of a layout file into a derived stack."""

from __future__ import annotations

from typing import Literal

import attrs

from rendergateway.clients.base.groups import ServiceOptions
from rendergateway.clients.base.options import Client, flag, group, option, required
from rendergateway.clients.base.validators import ValidatorOptions
from rendergateway.clients.tiles.saving import HOW, editing, refuse_nothing

__all__ = ["ImportMETClient"]


@attrs.frozen
class ImportMETClient(Client):
    """Apply the transforms of a layout file to the tiles of a stack, and save these tiles in a derived stack."""

    service: ServiceOptions = group(ServiceOptions)
    stack: str = required("Stack of the tiles.")
    target_owner: str | None = option(help="Owner of the target stack. Default: that of the stack.")
    target_project: str | None = option(help="Project of the target stack. Default: that of the stack.")
    target_stack: str = required("Stack that will contain the changed tiles.")
    met_file: str = required("File of transforms, one line per tile.")
    format_version: str = option("v1", help="Format of the lines: v1, v2 or v3.")
    change_mode: Literal["APPEND", "REPLACE_LAST", "CONCATENATE_TO_LAST", "REPLACE_ALL"] = option(
        "REPLACE_LAST", help="How the transforms are applied."
    )
    disable_validation: bool = flag("Keep tiles with implausible bounding boxes.")

    def run(self) -> None:
        """Change all tiles, then save them."""
        from rendergateway.model.files.layouts import read_layout

        validator = ValidatorOptions(validator_class=None if self.disable_validation else "TemTileSpecValidator")
        # Any other version is the first one, as in the Java client.
        version = self.format_version.lower() if self.format_version.lower() in ("v2", "v3") else "v1"
        with self.service.gateway() as gateway:
            stack = gateway.stack(self.stack)
            target = stack.derived_stack(self.target_stack, owner=self.target_owner, project=self.target_project)
            changes = read_layout(self.met_file, version)
            with editing(target) as edit:
                how, validators = HOW[self.change_mode], validator.validators()
                refuse_nothing(edit.apply(changes, how=how, source=stack, validate=validators, invalid="drop"))
