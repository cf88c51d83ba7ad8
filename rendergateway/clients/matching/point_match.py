"""``PointMatchClient``: the matches of pairs of URLs of render parameters."""

from __future__ import annotations

from typing import Literal

import attrs

from rendergateway.alignment.stages import MatchStage, PictureRule
from rendergateway.batch.match import url_pairs
from rendergateway.clients.base.groups import MatchServiceOptions
from rendergateway.clients.base.options import Client, group, option, positional
from rendergateway.clients.matching.options import ClipOptions, FeatureExtractionParameters, MatchDerivationParameters
from rendergateway.errors import CommandError

__all__ = ["PointMatchClient"]


@attrs.frozen
class PointMatchClient(Client):
    """Derive and save the matches of pairs of pictures."""

    service: MatchServiceOptions = group(MatchServiceOptions)
    matches: MatchDerivationParameters = group(MatchDerivationParameters)
    features: FeatureExtractionParameters = group(FeatureExtractionParameters)
    clip: ClipOptions = group(ClipOptions)
    first_canvas_position: Literal["TOP", "BOTTOM", "LEFT", "RIGHT"] | None = option(
        help="Position of the first picture relative to the second one; needed to clip them."
    )
    render_scale: float = option(1.0, help="Picture pixels per pixel of full scale.")
    fill_with_noise: bool = option(True, help="Ignored: features at masked pixels are dropped.")
    render_file_format: Literal["JPG", "PNG", "TIF"] = option("JPG", help="Ignored.")
    number_of_threads: int = option(1, help="Processes.")
    match_storage_file: str | None = option(help="Write the matches to this file instead of saving them.")
    canvas_group_id_algorithm: Literal["FIRST_TILE_SECTION_ID", "FIRST_TILE_Z", "COLLECTION"] = option(
        "FIRST_TILE_SECTION_ID", help="What the match group of a picture is."
    )
    canvas_id_algorithm: Literal["FIRST_TILE_ID", "FIRST_TILE_Z", "CANVAS_NAME"] = option(
        "FIRST_TILE_ID", help="What the id of a picture in its matches is."
    )
    debug_directory: str | None = option(help="Ignored.")
    urls: tuple[str, ...] = positional("canvas_1_URL canvas_2_URL [canvas_p_URL canvas_q_URL] ...")

    def run(self) -> None:
        """Match the pairs."""
        if len(self.urls) % 2:
            raise CommandError("odd number of canvas URLs specified, URLs must be paired")
        picture = PictureRule(
            scale=self.render_scale, clip_width=self.clip.clip_width, clip_height=self.clip.clip_height
        )
        if picture.clips and len(self.urls) != 2:
            raise CommandError(f"only one pair of pictures can be clipped: got {len(self.urls) // 2} pairs")
        if picture.clips and self.first_canvas_position is None:
            raise CommandError("clipped pictures need --firstCanvasPosition: got none; add it")
        stage = MatchStage(picture=picture, features=self.features.rule(), matches=self.matches.rule())
        with self.service.gateway() as gateway:
            collection = gateway.match_collection(self.service.collection)
            pairs = url_pairs(
                collection,
                list(zip(self.urls[::2], self.urls[1::2], strict=True)),
                groups=self.canvas_group_id_algorithm,
                ids=self.canvas_id_algorithm,
                first_position=self.first_canvas_position or "",
            )
            found = collection.derive(
                pairs, stage, compute="local", workers=max(1, self.number_of_threads), to=self.match_storage_file
            )
        print(f"derived {found.point_count} matches of {found.matched_count} pairs of {found.pair_count}", flush=True)
