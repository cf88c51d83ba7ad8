"""``SIFTPointMatchClient``: the matches of the tile pairs of files."""

from __future__ import annotations

import attrs

from rendergateway.alignment.stages import MatchStage
from rendergateway.batch.match import match_files
from rendergateway.clients.base.groups import MatchServiceOptions
from rendergateway.clients.base.options import Client, group, many, option
from rendergateway.clients.matching.options import SiftPointMatchOptions

__all__ = ["SIFTPointMatchClient"]


@attrs.frozen
class SIFTPointMatchClient(Client):
    """Derive and save the matches of the tile pairs of files."""

    service: MatchServiceOptions = group(MatchServiceOptions)
    match: SiftPointMatchOptions = group(SiftPointMatchOptions)
    failed_pairs_dir: str | None = option(help="Folder of pair files with the pairs that have no matches.")
    pair_json: tuple[str, ...] = many("File of tile pairs.", repeated=True, is_required=True)

    def run(self) -> None:
        """Match the pairs."""
        match = self.match
        match.geometric.check()
        stage = MatchStage(picture=match.render.rule(), features=match.features.rule(), matches=match.matches.rule())
        with self.service.gateway() as gateway:
            found = match_files(
                gateway.match_collection(self.service.collection),
                self.pair_json,
                [stage],
                failed_pairs=self.failed_pairs_dir,
                feature_cache=match.storage.root_feature_directory,
                cached_only=match.storage.require_stored_features,
                compute="local",
                workers=1,
            )
        print(f"saved {found.point_count} matches of {found.matched_count} pairs of {found.pair_count}", flush=True)
