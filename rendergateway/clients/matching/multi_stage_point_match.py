"""``MultiStagePointMatchClient``: the matches of the tile pairs of files, tried in stages."""

from __future__ import annotations

from pathlib import Path

import attrs

from rendergateway.alignment.stages import stages_of
from rendergateway.batch.match import match_files
from rendergateway.clients.base.groups import MatchServiceOptions
from rendergateway.clients.base.options import Client, flag, group, many, option, required
from rendergateway.clients.matching.options import FeatureStorageOptions

__all__ = ["MultiStagePointMatchClient"]


@attrs.frozen
class MultiStagePointMatchClient(Client):
    """Derive and save the matches of the tile pairs of files, in stages until one finds some."""

    service: MatchServiceOptions = group(MatchServiceOptions)
    storage: FeatureStorageOptions = group(FeatureStorageOptions)
    gd_max_peak_cache_gb: int = option(2, help="Ignored.")
    cache_full_scale_source_pixels: bool = flag("Ignored.")
    failed_pairs_dir: str | None = option(help="Folder of pair files with the pairs that have no matches.")
    stage_json: str = required("File with a JSON array of stages.")
    pair_json: tuple[str, ...] = many("File of tile pairs.", repeated=True, is_required=True)

    def run(self) -> None:
        """Match the pairs."""
        stages = stages_of(Path(self.stage_json).read_bytes(), self.stage_json)
        with self.service.gateway() as gateway:
            found = match_files(
                gateway.match_collection(self.service.collection),
                self.pair_json,
                stages,
                failed_pairs=self.failed_pairs_dir,
                feature_cache=self.storage.root_feature_directory,
                cached_only=self.storage.require_stored_features,
                compute="local",
                workers=1,
            )
        print(f"saved {found.point_count} matches of {found.matched_count} pairs of {found.pair_count}", flush=True)
