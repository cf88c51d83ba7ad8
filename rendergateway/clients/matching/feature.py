"""``FeatureClient``: the features of the tiles of pair files, in a folder."""

from __future__ import annotations

import attrs

from rendergateway.alignment.stages import MatchStage
from rendergateway.batch.match import describe_files
from rendergateway.clients.base.options import Client, group, many, option, required
from rendergateway.clients.matching.options import FeatureExtractionParameters, RenderOptions
from rendergateway.gateway import Gateway

__all__ = ["FeatureClient"]


@attrs.frozen
class FeatureClient(Client):
    """Describe the features of the tiles of pair files, and store them."""

    base_data_url: str = required("Base URL of the service (http://host:port/render-ws/v1).")
    render: RenderOptions = group(RenderOptions)
    features: FeatureExtractionParameters = group(FeatureExtractionParameters)
    root_feature_directory: str = required("Folder of stored features.")
    pair_json: tuple[str, ...] = many("File of tile pairs.", repeated=True, is_required=True)
    begin_index: int = option(0, help="First tile, of those in the order of the files.")
    end_index: int | None = option(help="Tile after the last one.")

    def run(self) -> None:
        """Describe the tiles."""
        stage = MatchStage(picture=self.render.rule(), features=self.features.rule())
        with Gateway(self.base_data_url) as gateway:
            count = describe_files(
                gateway,
                self.pair_json,
                stage,
                self.root_feature_directory,
                part=(max(0, self.begin_index), self.end_index),
                compute="local",
                workers=1,
            )
        print(f"stored features of {count} tiles in {self.root_feature_directory}", flush=True)
