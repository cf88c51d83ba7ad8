"""``ImportJsonClient``: tile specs from files into a stack."""

from __future__ import annotations

import attrs

from rendergateway.clients.base.groups import ServiceOptions
from rendergateway.clients.base.messages import say_dropped
from rendergateway.clients.base.options import Client, group, option, positional, required
from rendergateway.clients.base.validators import ValidatorOptions

__all__ = ["ImportJsonClient"]


@attrs.frozen
class ImportJsonClient(Client):
    """Load files of tile specs into a stack, with bounding boxes derived."""

    service: ServiceOptions = group(ServiceOptions)
    validator: ValidatorOptions = group(ValidatorOptions)
    stack: str = required("Stack that will contain the tiles; it must exist.")
    transform_file: str | None = option(help="File of shared transforms (.json or .json.gz).")
    tile_files: tuple[str, ...] = positional("list of tile specification files (.json or .json.gz)")

    def run(self) -> None:
        """Load the files one after another; those before an invalid one stay loaded."""
        validators = self.validator.validators()
        with self.service.gateway() as gateway:
            stack = gateway.stack(self.stack)
            stack.reopen()
            with stack.editing(complete=False) as edit:
                try:
                    edit.load(
                        self.tile_files,
                        transforms=self.transform_file or (),
                        together=False,
                        boxes="service",
                        validate=validators,
                        invalid="drop",
                    )
                finally:
                    say_dropped(edit.dropped)
