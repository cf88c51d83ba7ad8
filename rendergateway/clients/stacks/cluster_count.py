"""``ClusterCountClient``: clusters of matched tiles of a stack."""

from __future__ import annotations

import attrs

from rendergateway.clients.base.groups import ClusterOptions, ServiceOptions
from rendergateway.clients.base.options import Client, group, option, required
from rendergateway.clients.base.section_data import read_section_data

__all__ = ["ClusterCountClient"]


@attrs.frozen
class ClusterCountClient(Client):
    """Print the clusters of tiles that matches connect."""

    service: ServiceOptions = group(ServiceOptions)
    stack: str = required("Stack.")
    cluster: ClusterOptions = group(ClusterOptions)
    min_z: float | None = option(help="First section.")
    max_z: float | None = option(help="Last section.")
    max_layers_per_batch: int = option(1000, help="Not needed: all sections are connected at once.")
    max_overlap_layers: int = option(10, help="Not needed: all sections are connected at once.")

    def run(self) -> None:
        """Read tiles and matches, and print the clusters."""
        with self.service.gateway() as gateway:
            matches = self.cluster.matches(gateway)
            stack = gateway.stack(self.stack)
            read_section_data(stack)
            sections = stack.sections((self.min_z, self.max_z)).ids
            between = self.cluster.include_matches_outside_group
            found = stack.clusters(matches, sections, between_groups=between) if sections else None
        clusters, alone = ((), ()) if found is None else (found.connected, found.unmatched)
        print(f"{stack} has {len(clusters)} cluster(s) and {len(alone)} completely unconnected tile(s)")
        print("cluster details:")
        for tiles in clusters:
            print(f"  {len(tiles)} tile set with first tile {tiles[0]} and last tile {tiles[-1]}")
        print(f"completely unconnected tiles:\n  [{', '.join(alone)}]", flush=True)
