"""``TilePairClient``: the pairs of tiles of a stack that may overlap, in files."""

from __future__ import annotations

from typing import Literal

import attrs

from rendergateway import MatchCollectionWrapper
from rendergateway.clients.base.boxes import BoxOptions
from rendergateway.clients.base.groups import ServiceOptions
from rendergateway.clients.base.options import Client, flag, group, many, option, required
from rendergateway.errors import CommandError
from rendergateway.gateway import Gateway
from rendergateway.model.files.tile_ids import read_tile_ids

__all__ = ["TilePairClient"]


@attrs.frozen
class TilePairClient(Client):
    """Write the pairs of tiles that may overlap to files."""

    service: ServiceOptions = group(ServiceOptions)
    stack: str = required("Stack.")
    base_owner: str | None = option(help="Owner of the base stack, which the URLs name. Default: that of the stack.")
    base_project: str | None = option(help="Project of the base stack. Default: that of the stack.")
    base_stack: str | None = option(help="Base stack. Default: the stack.")
    min_z: float | None = option(help="First z.")
    max_z: float | None = option(help="Last z.")
    z: tuple[float, ...] = many("Only these sections; needs --zNeighborDistance 0.")
    xy_neighbor_factor: float = option(0.9, help="Radius as a multiple of the longer side of a tile.")
    explicit_radius: float | None = option(help="Radius in world pixels, in place of the factor.")
    use_row_col_positions: bool = flag("Place tiles by row and column of their layouts.")
    z_neighbor_distance: int = option(2, help="Largest difference of z; 0 pairs the tiles of each layer only.")
    exclude_corner_neighbors: bool = option(True, help="Leave out neighbours at the corners of a tile.")
    exclude_completely_obscured_tiles: bool = option(True, help="Leave out tiles that others cover completely.")
    exclude_same_layer_neighbors: bool = option(False, help="Leave out pairs of one layer.")
    exclude_same_section_neighbors: bool = option(False, help="Leave out pairs of one section.")
    exclude_pairs_in_match_collection: str | None = option(help="Leave out the pairs of this match collection.")
    exclude_same_layer_pairs_with_position: Literal["TOP", "BOTTOM", "LEFT", "RIGHT"] | None = option(
        help="Leave out pairs of one layer in which a tile has this position."
    )
    existing_match_owner: str | None = option(help="Owner of that match collection. Default: that of the stack.")
    min_existing_match_count: int = option(0, help="Leave out only pairs with more matches than this.")
    only_include_tiles_from_stack: str | None = option(
        help="Only tiles that this stack has too: a stack of the project, or owner::project::stack."
    )
    only_include_tiles_near_tile_ids_json: str | None = option(
        help="File with a JSON array of tile ids: only pairs of these tiles."
    )
    to_json: str = required("File of the pairs, gzipped if it ends in .gz.")
    max_pairs_per_file: int = option(100000, help="Most pairs in a file; more are written to several.")
    bounds: BoxOptions = group(BoxOptions)

    def run(self) -> None:
        """Find and write the pairs."""
        box = self.bounds.box()
        if self.z and self.z_neighbor_distance:
            raise CommandError(f"--z needs --zNeighborDistance 0: got {self.z_neighbor_distance}")
        if self.use_row_col_positions and self.z_neighbor_distance:
            raise CommandError(f"--useRowColPositions needs --zNeighborDistance 0: got {self.z_neighbor_distance}")
        if self.min_z is not None and self.max_z is not None and self.min_z > self.max_z:
            raise CommandError(f"stack {self.stack} does not contain any layers with the specified z values")
        near = self.only_include_tiles_near_tile_ids_json
        with self.service.gateway() as gateway:
            pairs = gateway.stack(self.stack).tile_pairs(
                z=(self.min_z, self.max_z),
                sections=self.z or None,
                z_distance=max(0, self.z_neighbor_distance),
                radius_factor=self.xy_neighbor_factor,
                radius_px=self.explicit_radius,
                corners=not self.exclude_corner_neighbors,
                obscured=not self.exclude_completely_obscured_tiles,
                same_layer=not self.exclude_same_layer_neighbors,
                same_section=not self.exclude_same_section_neighbors,
                without_position=self.exclude_same_layer_pairs_with_position,
                by_row_and_column=self.use_row_col_positions,
                box=box,
                only_in=self._only_in(),
                near=None if near is None else read_tile_ids(near),
                exclude=self._existing(gateway),
                min_matches=self.min_existing_match_count,
                base=self._base(),
            )
            written = pairs.write(self.to_json, max_pairs_per_file=self.max_pairs_per_file)
        print(f"wrote {written.pair_count} tile pairs to {len(written.files)} files", flush=True)

    def _only_in(self) -> str | None:
        if self.only_include_tiles_from_stack is None:
            return None
        return "/".join(self.only_include_tiles_from_stack.split("::"))

    def _existing(self, gateway: Gateway) -> MatchCollectionWrapper | None:
        name = self.exclude_pairs_in_match_collection
        return None if name is None else gateway.match_collection(name, owner=self.existing_match_owner)

    def _base(self) -> str:
        owner, project = self.base_owner or self.service.owner, self.base_project or self.service.project
        return f"{owner}/{project}/{self.base_stack or self.stack}"
