"""``WarpTransformClient``: a montage warped to an aligned stack."""

from __future__ import annotations

import attrs

from rendergateway.clients.base.groups import ServiceOptions
from rendergateway.clients.base.messages import say_dropped
from rendergateway.clients.base.options import Client, flag, group, option, positional, required
from rendergateway.clients.base.section_data import read_section_data
from rendergateway.clients.base.validators import ValidatorOptions
from rendergateway.clients.tiles.saving import z_value
from rendergateway.errors import CommandError

__all__ = ["WarpTransformClient"]


@attrs.frozen
class WarpTransformClient(Client):
    """Warp the sections of a montage so that tile centres are where those of an aligned stack are."""

    service: ServiceOptions = group(ServiceOptions)
    validator: ValidatorOptions = group(ValidatorOptions)
    stack: str = required("Montage stack.")
    align_owner: str | None = option(help="Owner of the aligned stack. Default: that of the montage.")
    align_project: str | None = option(help="Project of the aligned stack. Default: that of the montage.")
    align_stack: str = required("Aligned stack.")
    target_owner: str | None = option(help="Owner of the target stack. Default: that of the montage.")
    target_project: str | None = option(help="Project of the target stack. Default: that of the montage.")
    target_stack: str = required("Stack that will contain the warped tiles.")
    exclude_tiles_not_in_both_stacks: bool = flag("Leave out tiles that are not in both stacks.")
    complete_target_stack: bool = flag("Complete the target stack.")
    match_owner: str | None = option(help="Owner of the match collection. Default: that of the montage.")
    match_collection: str | None = option(help="Matches whose clusters are warped independently.")
    max_small_cluster_size: int | None = option(help="Leave out clusters of up to so many tiles.")
    small_cluster_factor: float | None = option(help="Leave out clusters up to this fraction of the largest one.")
    include_matches_outside_group: bool = flag("Also use matches between sections.")
    z_values: tuple[str, ...] = positional("Z values")

    def run(self) -> None:
        """Warp the sections one after another."""
        validators = self.validator.validators()
        with self.service.gateway() as gateway:
            stack = gateway.stack(self.stack)
            aligned = gateway.stack(self.align_stack, owner=self.align_owner, project=self.align_project)
            matches = None
            if self.match_collection is not None:
                matches = gateway.match_collection(self.match_collection, owner=self.match_owner)
            target = stack.derived_stack(self.target_stack, owner=self.target_owner, project=self.target_project)
            for text in self.z_values:
                z = z_value(text)
                if not any(row["z"] == z for row in read_section_data(stack)):
                    raise CommandError("montage stack does not contain any matching z values")
                warped = stack.warp_to(
                    self.target_stack,
                    aligned,
                    owner=self.target_owner,
                    project=self.target_project,
                    sections=z,
                    common_only=self.exclude_tiles_not_in_both_stacks,
                    matches=matches,
                    max_size=self.max_small_cluster_size,
                    fraction=self.small_cluster_factor,
                    between_groups=self.include_matches_outside_group,
                    validate=validators,
                    invalid="drop",
                    complete=False,
                )
                say_dropped(warped.dropped)
            if self.complete_target_stack:
                target.set_state("COMPLETE")
