"""Stages of matching: the picture of a tile, its features and the matches, and their JSON documents."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypedDict

import attrs

from rendergateway.alignment.features import FeatureRule
from rendergateway.alignment.matches import MatchRule
from rendergateway.errors import ConfigurationError, RecordError
from rendergateway.model.records.json_slices import Text, decode
from rendergateway.transforms.fitting.consensus import FitModel

__all__ = ["MatchStage", "PictureRule", "StageKeywords", "feature_rule", "match_rule", "stages_of"]


def _side(value: Any) -> int | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise ConfigurationError(f"sides of a picture must be whole numbers of pixels >= 1: got {value!r}")
    return value


def _scale(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < float("inf"):
        raise ConfigurationError(f"scale must be picture pixels per pixel, finite and > 0: got {value!r}")
    return float(value)


@attrs.frozen(kw_only=True)
class PictureRule:
    """
    How a tile is drawn before its features are sought.

    Parameters
    ----------
    scale : float
        Picture pixels per pixel of the tile.
    filter : bool
        Whether the default filters of the service are applied.
    filter_list : str, optional
        A named list of filters of the service, in their place.
    mask : bool
        Whether masks are applied; features at masked pixels are dropped.
    width, height : int, optional
        Size in pixels of full scale. Default: that of the tile.
    clip_width, clip_height : int, optional
        Part of a tile that is drawn if its partner is in the same layer: the side that is next to it, so wide or high,
        in pixels of full scale.
    """

    scale: float = attrs.field(default=1.0, converter=_scale)
    filter: bool = True
    filter_list: str | None = None
    mask: bool = False
    width: int | None = attrs.field(default=None, converter=_side)
    height: int | None = attrs.field(default=None, converter=_side)
    clip_width: int | None = attrs.field(default=None, converter=_side)
    clip_height: int | None = attrs.field(default=None, converter=_side)

    @property
    def clips(self) -> bool:
        """Whether the part that is drawn depends on the position of the tile."""
        return self.clip_width is not None or self.clip_height is not None

    def query(self) -> dict[str, Any]:
        """Return the query values of the render parameters of a tile."""
        values: dict[str, Any] = {"scale": self.scale, "normalize_for_matching": True}
        if self.filter:
            values["filter"] = True
        if self.filter and self.filter_list is not None:
            values["filter_list_name"] = self.filter_list
        if not self.mask:
            values["exclude_mask"] = True
        if self.width is not None and self.height is not None:
            values["width"], values["height"] = self.width, self.height
        return values

    def clipped(self, size: tuple[float, float], position: str) -> tuple[float, float, float, float]:
        """
        Return x, y, width and height of the part that is drawn.

        Parameters
        ----------
        size : (float, float)
            Width and height of the tile, in pixels of full scale.
        position : str
            ``TOP``, ``BOTTOM``, ``LEFT`` or ``RIGHT`` of its partner; empty for the whole tile.

        Examples
        --------
        >>> PictureRule(clip_width=300).clipped((2000, 1000), "LEFT")
        (1700.0, 0.0, 300, 1000)
        """
        x, y, (width, height) = 0.0, 0.0, size
        if position in ("LEFT", "RIGHT") and self.clip_width is not None:
            clipped = min(self.clip_width, width)
            x, width = (float(width - clipped) if position == "LEFT" else 0.0), clipped
        elif position in ("TOP", "BOTTOM") and self.clip_height is not None:
            clipped = min(self.clip_height, height)
            y, height = (float(height - clipped) if position == "TOP" else 0.0), clipped
        return x, y, width, height


class StageKeywords(TypedDict, total=False):
    """Keyword arguments of a stage: those of `PictureRule`, `FeatureRule` and `MatchRule`, with the model in parts."""

    scale: float
    filter: bool
    filter_list: str | None
    mask: bool
    width: int | None
    height: int | None
    clip_width: int | None
    clip_height: int | None
    fd_size: int
    min_scale: float
    max_scale: float
    steps: int
    rod: float
    model: str
    regularizer: str | None
    regularizer_weight: float | None
    epsilon_px: float
    full_scale_epsilon_px: float | None
    iterations: int
    min_inlier_ratio: float
    min_inliers: int
    max_inliers: int | None
    max_trust: float
    match_filter: str
    full_scale_coverage_radius_px: float
    min_coverage_percentage: float | None
    max_z_distance: float | None
    name: str


@attrs.frozen(kw_only=True)
class MatchStage:
    """
    One attempt to match two tiles.

    Parameters
    ----------
    picture : PictureRule
    features : FeatureRule
    matches : MatchRule
    max_z_distance : float, optional
        The attempts at a pair of tiles whose layers are farther apart end before this one.
    name : str
        For messages.

    Examples
    --------
    >>> MatchStage.of(scale=0.5, model="RIGID", epsilon_px=5.0).matches.epsilon_px
    5.0
    """

    picture: PictureRule = attrs.field(factory=PictureRule)
    features: FeatureRule = attrs.field(factory=FeatureRule)
    matches: MatchRule = attrs.field(factory=MatchRule)
    max_z_distance: float | None = None
    name: str = ""

    @classmethod
    def of(cls, **keywords: Any) -> MatchStage:
        """
        Return the stage with some values; see `StageKeywords`.

        Raises
        ------
        TypeError
            If a keyword is unknown.
        ConfigurationError, FitError, ImageError
            If a value is out of range.
        """
        unknown = [name for name in keywords if name not in StageKeywords.__annotations__]
        if unknown:
            raise TypeError(
                f"unknown options of matching: got {', '.join(unknown)}; use {', '.join(StageKeywords.__annotations__)}"
            )
        model = FitModel(
            keywords.pop("model", "AFFINE"), keywords.pop("regularizer", None), keywords.pop("regularizer_weight", None)
        )
        matching: dict[str, Any] = {"model": model}
        if "match_filter" in keywords:
            matching["filter"] = keywords.pop("match_filter")
        parts = [
            {field.name: keywords.pop(field.name) for field in attrs.fields(rule) if field.name in keywords}
            for rule in (PictureRule, FeatureRule, MatchRule)
        ]
        return cls(
            picture=PictureRule(**parts[0]),
            features=FeatureRule(**parts[1]),
            matches=MatchRule(**matching, **parts[2]),
            **keywords,
        )


# JSON name -> attribute.
_PICTURE = {
    "renderScale": "scale",
    "renderWithFilter": "filter",
    "renderFilterListName": "filter_list",
    "renderFullScaleWidth": "width",
    "renderFullScaleHeight": "height",
}
_CLIP = {"clipWidth": "clip_width", "clipHeight": "clip_height"}
_FEATURES = {"fdSize": "fd_size", "minScale": "min_scale", "maxScale": "max_scale", "steps": "steps"}
_MATCHES = {
    "matchRod": "rod",
    "matchMaxEpsilon": "epsilon_px",
    "matchMaxEpsilonFullScale": "full_scale_epsilon_px",
    "matchIterations": "iterations",
    "matchMinInlierRatio": "min_inlier_ratio",
    "matchMinNumInliers": "min_inliers",
    "matchMaxNumInliers": "max_inliers",
    "matchMaxTrust": "max_trust",
    "matchFilter": "filter",
    "matchFullScaleCoverageRadius": "full_scale_coverage_radius_px",
    "matchMinCoveragePercentage": "min_coverage_percentage",
}


def _renamed(members: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    return {name: members[given] for given, name in names.items() if members.get(given) is not None}


def feature_rule(members: Mapping[str, Any]) -> FeatureRule:
    """Return the feature rule of a JSON document; names may begin with ``SIFT``."""
    return FeatureRule(**_renamed({name.removeprefix("SIFT"): value for name, value in members.items()}, _FEATURES))


def match_rule(members: Mapping[str, Any]) -> MatchRule:
    """Return the match rule of a JSON document."""
    model = FitModel(
        members.get("matchModelType") or "AFFINE",
        members.get("matchRegularizerModelType"),
        members.get("matchInterpolatedModelLambda"),
    )
    return MatchRule(model=model, **_renamed(members, _MATCHES))


def stages_of(text: Text, where: str) -> tuple[MatchStage, ...]:
    """
    Read the stages of a JSON array.

    Parameters
    ----------
    text : JSON text
    where : str
        For messages.

    Raises
    ------
    RecordError
        If it is not an array of stages, or empty.
    ConfigurationError
        If a stage asks for geometric descriptors, which are not supported.
    FitError, ImageError
        If a value is out of range.
    """
    try:
        documents: list[dict[str, Any]] = decode(text, list[dict[str, Any]])
    except RecordError as error:
        raise RecordError(f"{where} is not an array of match stages: {error}") from error
    if not documents:
        raise RecordError(f"{where} has no match stage: got an empty array; add at least one")
    return tuple(_stage(document, f"stage {number} of {where}") for number, document in enumerate(documents))


def _stage(document: Mapping[str, Any], where: str) -> MatchStage:
    def part(name: str) -> Mapping[str, Any]:
        members = document.get(name) or {}
        if not isinstance(members, dict):
            raise RecordError(f"{name} of {where} must be an object: got {members!r}")
        return members

    if (part("geometricDescriptorAndMatch")).get("gdEnabled"):
        raise ConfigurationError(f"geometric descriptors are not supported: got gdEnabled in {where}; remove it")
    render = part("featureRender")
    picture = {**_renamed(render, _PICTURE), **_renamed(part("featureRenderClip"), _CLIP)}
    if render.get("renderWithoutMask") is not None:
        picture["mask"] = not render["renderWithoutMask"]
    try:
        return MatchStage(
            picture=PictureRule(**picture),
            features=feature_rule(part("featureExtraction")),
            matches=match_rule(part("featureMatchDerivation")),
            max_z_distance=document.get("maxNeighborDistance"),
            name=document.get("stageName") or "",
        )
    except TypeError as error:
        raise RecordError(f"{where} has a value of a wrong type: {error}") from error
