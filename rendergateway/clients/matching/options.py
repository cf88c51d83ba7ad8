"""Options of matching that several clients share: pictures, features, matches, and where features are kept."""

from __future__ import annotations

from typing import Literal

import attrs

from rendergateway.alignment.features import FeatureRule
from rendergateway.alignment.matches import MatchRule
from rendergateway.alignment.stages import PictureRule
from rendergateway.clients.base.options import Options, flag, group, option
from rendergateway.errors import CommandError
from rendergateway.transforms.fitting.consensus import FitModel

__all__ = [
    "ClipOptions",
    "FeatureExtractionParameters",
    "FeatureStorageOptions",
    "GeometricOptions",
    "MatchDerivationParameters",
    "RenderOptions",
    "SiftPointMatchOptions",
]

_EPSILON_PX = 20.0


@attrs.frozen
class FeatureExtractionParameters(Options):
    """Which features are sought."""

    sift_fd_size: int = option(8, names=["--SIFTfdSize"], help="Cells along each side of a descriptor.")
    sift_min_scale: float = option(0.5, names=["--SIFTminScale"], help="Least scale of a picture with features.")
    sift_max_scale: float = option(0.85, names=["--SIFTmaxScale"], help="Largest scale of a picture with features.")
    sift_steps: int = option(3, names=["--SIFTsteps"], help="Scales per octave.")

    def rule(self) -> FeatureRule:
        """Return the rule of these options."""
        return FeatureRule(
            fd_size=self.sift_fd_size,
            min_scale=self.sift_min_scale,
            max_scale=self.sift_max_scale,
            steps=self.sift_steps,
        )


@attrs.frozen
class MatchDerivationParameters(Options):
    """Which features match, and which matches are kept."""

    match_rod: float = option(0.92, help="Largest ratio of the distances of the nearest and the second descriptor.")
    match_model_type: Literal["TRANSLATION", "RIGID", "SIMILARITY", "AFFINE"] = option(
        "AFFINE", help="Transform that matches agree on."
    )
    match_regularizer_model_type: Literal["TRANSLATION", "RIGID", "SIMILARITY", "AFFINE"] | None = option(
        help="Second model, mixed with the first one."
    )
    match_interpolated_model_lambda: float | None = option(help="Weight of the second model.")
    match_iterations: int = option(1000, help="Samples of the search.")
    match_max_epsilon: float | None = option(
        help=f"Largest distance of a match in pixels of the pictures. Default: {_EPSILON_PX}."
    )
    match_max_epsilon_full_scale: float | None = option(help="The same in pixels of full scale.")
    match_min_inlier_ratio: float = option(0.0, help="The share of inliers must be greater.")
    match_min_num_inliers: int = option(4, help="Least number of inliers.")
    match_max_num_inliers: int | None = option(help="Most inliers that are kept.")
    match_max_trust: float = option(3.0, help="Most distance of an inlier, as a multiple of the median.")
    match_filter: Literal["NONE", "SINGLE_SET", "CONSENSUS_SETS", "AGGREGATED_CONSENSUS_SETS"] = option(
        "SINGLE_SET", help="Which sets of inliers are kept."
    )
    match_full_scale_coverage_radius: float = option(300.0, help="Pixels around a match that count as covered.")
    match_min_coverage_percentage: float | None = option(help="Least covered percentage of the overlap.")

    def rule(self) -> MatchRule:
        """
        Return the rule of these options.

        Raises
        ------
        FitError
            If one of regularizer and weight is missing.
        """
        model = FitModel(self.match_model_type, self.match_regularizer_model_type, self.match_interpolated_model_lambda)
        return MatchRule(
            rod=self.match_rod,
            model=model,
            epsilon_px=_EPSILON_PX if self.match_max_epsilon is None else self.match_max_epsilon,
            full_scale_epsilon_px=self.match_max_epsilon_full_scale,
            iterations=self.match_iterations,
            min_inlier_ratio=self.match_min_inlier_ratio,
            min_inliers=self.match_min_num_inliers,
            max_inliers=self.match_max_num_inliers,
            max_trust=self.match_max_trust,
            filter=self.match_filter,
            full_scale_coverage_radius_px=self.match_full_scale_coverage_radius,
            min_coverage_percentage=self.match_min_coverage_percentage,
        )


@attrs.frozen
class ClipOptions(Options):
    """The part of a tile that is matched with a neighbour in its layer."""

    clip_width: int | None = option(help="Width of the part beside a neighbour, in pixels of full scale.")
    clip_height: int | None = option(help="Height of the part above or below a neighbour.")


@attrs.frozen
class RenderOptions(Options):
    """How tiles are drawn."""

    render_scale: float = option(1.0, help="Picture pixels per pixel of the tile.")
    render_with_filter: bool = option(True, help="Apply filters.")
    render_filter_list_name: str | None = option(help="Named list of filters, in place of the default ones.")
    render_without_mask: bool = option(True, help="Ignore masks.")
    render_full_scale_width: int | None = option(help="Width of the pictures in pixels of full scale.")
    render_full_scale_height: int | None = option(help="Height of the pictures in pixels of full scale.")
    fill_with_noise: bool | None = option(help="Ignored: features at masked pixels are dropped.")
    clip: ClipOptions = group(ClipOptions)

    def rule(self) -> PictureRule:
        """Return the rule of these options."""
        return PictureRule(
            scale=self.render_scale,
            filter=self.render_with_filter,
            filter_list=self.render_filter_list_name,
            mask=not self.render_without_mask,
            width=self.render_full_scale_width,
            height=self.render_full_scale_height,
            clip_width=self.clip.clip_width,
            clip_height=self.clip.clip_height,
        )


@attrs.frozen
class FeatureStorageOptions(Options):
    """Where features are kept."""

    root_feature_directory: str | None = option(help="Folder of stored features.")
    require_stored_features: bool = flag("Fail if features are not stored.")
    max_feature_cache_gb: int = option(2, help="Ignored: features are kept as long as they are needed.")
    max_feature_source_cache_gb: int = option(2, help="Ignored.")


@attrs.frozen
class GeometricOptions(Options):
    """Geometric descriptors, which are not supported: the options are accepted unless the first one is given."""

    gd_enabled: bool = flag("Not supported.")
    gd_render_scale: float | None = option(help="Ignored.")
    gd_render_with_filter: bool | None = option(help="Ignored.")
    gd_render_filter_list_name: str | None = option(help="Ignored.")
    gd_number_of_neighbors: int = option(3, help="Ignored.")
    gd_redundancy: int = option(1, help="Ignored.")
    gd_significance: float = option(2.0, help="Ignored.")
    gd_sigma: float = option(2.04, help="Ignored.")
    gd_threshold: float = option(0.008, help="Ignored.")
    gd_localization: Literal["NONE", "THREE_D_QUADRATIC"] = option("THREE_D_QUADRATIC", help="Ignored.")
    gd_look_for_minima: bool = flag("Ignored.")
    gd_look_for_maxima: bool = flag("Ignored.")
    gd_similar_orientation: bool = option(True, help="Ignored.")
    gd_full_scale_block_radius: float | None = option(help="Ignored.")
    gd_full_scale_non_max_suppression_radius: float | None = option(help="Ignored.")
    gd_stored_match_weight: float | None = option(help="Ignored.")
    gd_match_model_type: Literal["TRANSLATION", "RIGID", "SIMILARITY", "AFFINE"] | None = option(help="Ignored.")
    gd_match_regularizer_model_type: Literal["TRANSLATION", "RIGID", "SIMILARITY", "AFFINE"] | None = option(
        help="Ignored."
    )
    gd_match_interpolated_model_lambda: float | None = option(help="Ignored.")
    gd_match_iterations: int | None = option(help="Ignored.")
    gd_match_max_epsilon: float | None = option(help="Ignored.")
    gd_match_max_epsilon_full_scale: float | None = option(help="Ignored.")
    gd_match_min_inlier_ratio: float | None = option(help="Ignored.")
    gd_match_min_num_inliers: int | None = option(help="Ignored.")
    gd_match_max_num_inliers: int | None = option(help="Ignored.")
    gd_match_max_trust: float | None = option(help="Ignored.")
    gd_match_filter: Literal["NONE", "SINGLE_SET", "CONSENSUS_SETS", "AGGREGATED_CONSENSUS_SETS"] | None = option(
        help="Ignored."
    )
    gd_match_full_scale_coverage_radius: float | None = option(help="Ignored.")
    gd_match_min_coverage_percentage: float | None = option(help="Ignored.")
    gd_run_geo_regardless_of_sift_results: bool = flag("Ignored.")
    gd_min_combined_inliers: int | None = option(help="Ignored.")
    gd_min_combined_coverage_percentage: float | None = option(help="Ignored.")
    gd_max_peak_cache_gb: int = option(2, help="Ignored.")

    def check(self) -> None:
        """
        Refuse unsupported options.

        Raises
        ------
        CommandError
            If geometric descriptors are asked for.
        """
        if self.gd_enabled:
            raise CommandError("geometric descriptors are not supported: got --gdEnabled; leave it out")


@attrs.frozen
class SiftPointMatchOptions(Options):
    """Everything about the matching of a pair of tiles."""

    render: RenderOptions = group(RenderOptions)
    features: FeatureExtractionParameters = group(FeatureExtractionParameters)
    storage: FeatureStorageOptions = group(FeatureStorageOptions)
    matches: MatchDerivationParameters = group(MatchDerivationParameters)
    geometric: GeometricOptions = group(GeometricOptions)
