"""``SplitClusterClient``: clusters of matched tiles in layers of their own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import attrs

from rendergateway import ClusterSplit, StackWrapper
from rendergateway.clients.base.groups import ClusterOptions, ServiceOptions
from rendergateway.clients.base.options import Client, flag, group, many, option, required
from rendergateway.clients.base.section_data import read_section_data
from rendergateway.errors import CommandError
from rendergateway.number_text import double_text

__all__ = ["SplitClusterClient"]


@attrs.frozen
class SplitClusterClient(Client):
    """Move each cluster of tiles that matches connect to a layer of its own."""

    service: ServiceOptions = group(ServiceOptions)
    stack: str = required("Stack.")
    target_owner: str | None = option(help="Owner of the target stack. Default: that of the stack.")
    target_project: str | None = option(help="Project of the target stack. Default: that of the stack.")
    target_stack: str | None = option(help="Stack that will contain the clusters. Default: none is saved.")
    cluster: ClusterOptions = group(ClusterOptions)
    max_clusters_per_original_z: int = required("Most clusters of a section.")
    save_removed_tiles: bool = flag("Save tiles that are in no cluster, or in a small one, as STACK_removed_tiles.")
    root_output_directory: str = option(".", help="Folder of the pictures.")
    render_intersecting_clusters: bool = flag("Draw the places where clusters overlap.")
    render_clusters_max_count: int | None = option(help="Draw clusters with at most this many tiles.")
    complete_stacks: bool = flag("Complete the target stack, and that of the removed tiles.")
    z: tuple[float, ...] = many("Sections.", is_required=True)

    def run(self) -> None:
        """Find the clusters of all sections, then save them."""
        if self.max_clusters_per_original_z < 1:
            raise CommandError(f"--maxClustersPerOriginalZ must be >= 1: got {self.max_clusters_per_original_z}")
        with self.service.gateway() as gateway:
            matches = self.cluster.matches(gateway)
            stack = gateway.stack(self.stack)
            read_section_data(stack)
            options: dict[str, Any] = {
                "layers_per_z": self.max_clusters_per_original_z,
                "sections": self.z,
                "max_size": self.cluster.max_small_cluster_size,
                "fraction": self.cluster.small_cluster_factor,
                "between_groups": self.cluster.include_matches_outside_group,
            }
            if self.render_intersecting_clusters or self.render_clusters_max_count is not None:
                # Before tiles move, which they do if the target is the stack itself.
                self._draw(stack, stack.split_clusters(None, matches, **options))
            target: dict[str, Any] = {"owner": self.target_owner, "project": self.target_project}
            if self.target_stack is not None:
                stack.derived_stack(self.target_stack, **target, layers_per_z=self.max_clusters_per_original_z)
            split = stack.split_clusters(
                self.target_stack,
                matches,
                **target,
                **options,
                removed_to=f"{self.stack}_removed_tiles" if self.save_removed_tiles else None,
                existing="append",
                complete=self.complete_stacks,
            )
        for z, layers in split.layers.items():
            alone = len(split.removed.get(z, ()))
            print(f"z {double_text(z)} has {len(layers)} clusters and {alone} unconnected tiles", flush=True)

    def _draw(self, stack: StackWrapper, split: ClusterSplit) -> None:
        written: list[Path] = []
        if self.render_intersecting_clusters:
            from rendergateway.batch.cluster_pictures import draw_overlaps

            written += draw_overlaps(stack, split, self.root_output_directory)
        if self.render_clusters_max_count is not None:
            from rendergateway.batch.cluster_pictures import draw_small_clusters

            written += draw_small_clusters(stack, split, self.root_output_directory, self.render_clusters_max_count)
        for path in written:
            print(f"saved {path}", flush=True)
