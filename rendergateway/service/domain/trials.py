"""Match trials: two pictures of this service are matched, and the result is described."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs, unquote

import attrs
import numpy as np
import numpy.typing as npt

from rendergateway.alignment.features import FeatureRule, Features, described
from rendergateway.alignment.matches import Matched, MatchRule, coverage, matched
from rendergateway.alignment.stages import feature_rule, match_rule
from rendergateway.endpoints.routing import route
from rendergateway.errors import RenderGatewayError
from rendergateway.service.base.ids import StackId
from rendergateway.service.base.options import Options
from rendergateway.service.base.refusals import IllegalArgument, ServiceRefusal
from rendergateway.service.domain.render import drawn_image
from rendergateway.service.domain.render_parameters import box_recipe, layer_recipe, tile_recipe
from rendergateway.service.store import Store
from rendergateway.wire import RenderParametersJson

__all__ = ["trial_document"]

_BASE = re.compile(r"^https?://[^/?#]*/render-ws/v1(?=/owner/)")
# A trial must not keep a service busy for long.
_MOST_PIXELS = 16_000_000
_MOST_ITERATIONS = 100_000
# As the real service adds to both URLs.
_QUERY = "filter=true&excludeMask=true&normalizeForMatching=true"
_SIFT = {"fdSize": 8, "minScale": 0.5, "maxScale": 0.85, "steps": 3}
_MATCH: dict[str, Any] = {
    "matchRod": 0.92,
    "matchModelType": "AFFINE",
    "matchIterations": 1000,
    "matchMaxEpsilon": 20.0,
    "matchMinInlierRatio": 0.0,
    "matchMinNumInliers": 4,
    "matchMaxTrust": 3.0,
    "matchFilter": "SINGLE_SET",
    "matchFullScaleCoverageRadius": 300.0,
}
_REALS = {"minScale", "maxScale", "matchRod", "matchMaxEpsilon", "matchMinInlierRatio", "matchMaxTrust"} | {
    "matchFullScaleCoverageRadius",
    "matchMaxEpsilonFullScale",
    "matchMinCoveragePercentage",
    "matchInterpolatedModelLambda",
}


def trial_document(store: Store, body: Mapping[str, Any], options: Options) -> dict[str, Any]:
    """
    Match the two pictures of a trial; return its document.

    Raises
    ------
    IllegalArgument
        If the parameters are incomplete or out of range, ask for geometric descriptors, or a picture is not one of
        this service or cannot be drawn.
    """
    parameters = _parameters(body)
    both = parameters["featureAndMatchParameters"]
    try:
        features, rule = feature_rule(both["siftFeatureParameters"]), match_rule(both["matchDerivationParameters"])
    except (RenderGatewayError, TypeError) as error:
        raise IllegalArgument(f"invalid parameters of a match trial: {error}") from error
    if not 0 < rule.iterations <= _MOST_ITERATIONS:
        raise IllegalArgument(f"matchIterations must be 1 to {_MOST_ITERATIONS}: got {rule.iterations}")
    urls = [parameters[f"{side}RenderParametersUrl"] for side in "pq"]
    p, q = (_described(store, url, features, options) for url in urls)
    begin = time.monotonic()
    found = matched(p.features, q.features, rule, p.scale)
    matching_ms = _milliseconds(begin)
    return {
        "parameters": parameters,
        "matches": [_points(p, q, *points) for points in found.sets],
        "stats": _stats(p, q, found, rule, matching_ms),
    }


def _parameters(body: Mapping[str, Any]) -> dict[str, Any]:
    """Return the parameters with their defaults."""
    both = body["featureAndMatchParameters"]
    if (both.get("geometricDescriptorAndMatchFilterParameters") or {}).get("gdEnabled"):
        raise IllegalArgument("geometric descriptors are not supported by the embedded service; leave gdEnabled out")
    sift, match = ({**defaults, **_given(both.get(name) or {})} for name, defaults in (
        ("siftFeatureParameters", _SIFT), ("matchDerivationParameters", _MATCH),
    ))  # fmt: skip
    for side in "pq":
        if not isinstance(body.get(f"{side}RenderParametersUrl"), str):
            raise IllegalArgument(f"{side}RenderParametersUrl must be defined")
    own = {"siftFeatureParameters": sift, "matchDerivationParameters": match}
    return {**body, "featureAndMatchParameters": {**both, **own}}


def _given(members: Any) -> dict[str, Any]:
    if not isinstance(members, dict):
        raise IllegalArgument(f"parameters of a match trial must be objects: got {members!r}")
    return {
        name: float(value) if name in _REALS and type(value) is int else value
        for name, value in members.items()
        if value is not None
    }


@attrs.frozen(eq=False)
class _Side:
    """One picture: its features, its scale, and how long they took."""

    features: Features
    scale: float
    milliseconds: int


def _described(store: Store, url: str, rule: FeatureRule, options: Options) -> _Side:
    begin = time.monotonic()
    recipe = _recipe(store, url, options)
    width, height, scale = (float(value or 0.0) for value in (recipe.width, recipe.height, recipe.scale))
    if width * height * scale**2 > _MOST_PIXELS:
        raise IllegalArgument(
            f"picture of a match trial is too large: got {width * scale:.0f} x {height * scale:.0f} pixels, limit "
            f"{_MOST_PIXELS}; use a smaller scale"
        )
    image = drawn_image(recipe, options)
    found = described(image.as_8bit(), rule, None if recipe.excludeMask else image.alpha)
    return _Side(found, float(recipe.scale or 1.0), _milliseconds(begin))


def _recipe(store: Store, url: str, options: Options) -> RenderParametersJson:
    """Return the render parameters of a URL of this service; no request is made, whatever the host of the URL."""
    full = f"{url}{'&' if '?' in url else '?'}{_QUERY}"
    path, _, query = _BASE.sub("", full).partition("?")
    try:
        found = route("GET", unquote(path))
        make = None if found is None else _RECIPES.get(found.endpoint.name)
        if found is None or make is None:
            raise IllegalArgument("not a URL of render parameters")
        values = dict(found.values)
        stack = StackId(*(values.pop(name) for name in ("owner", "project", "stack"))).checked()
        recipe: RenderParametersJson = make(
            store, stack, options, found.endpoint.parse_query(parse_qs(query)), **values
        )
        return recipe
    except (ServiceRefusal, ValueError) as error:
        raise IllegalArgument(f"failed to load render parameters from {full}") from error


def _of_tile(store: Store, stack: StackId, options: Options, query: dict[str, Any], tile_id: str) -> Any:
    return tile_recipe(store, stack, tile_id, options, query)


def _of_layer(store: Store, stack: StackId, options: Options, query: dict[str, Any], z: float) -> Any:
    return layer_recipe(store, stack, z, options, query)


def _of_box(store: Store, stack: StackId, options: Options, query: dict[str, Any], z: float, **box: Any) -> Any:
    group, scale = box.get("group"), box["scale"]
    place = (box["x"], box["y"], box["width"], box["height"])
    recipe = box_recipe(store, stack, z, place, options, {"scale": scale, **query}, group)
    recipe.scale = scale
    return recipe


_RECIPES: dict[str, Any] = {
    "tile.render_parameters": _of_tile,
    "section.render_parameters": _of_layer,
    "box.render_parameters": _of_box,
    "group_box.render_parameters": _of_box,
}


def _points(p: _Side, q: _Side, p_points: Any, q_points: Any) -> dict[str, Any]:
    in_p, in_q = p.features.full_scale(p_points, p.scale), q.features.full_scale(q_points, q.scale)
    return {"p": in_p.T.tolist(), "q": in_q.T.tolist(), "w": [1.0] * len(in_p)}


def _stats(p: _Side, q: _Side, found: Matched, rule: MatchRule, matching_ms: int) -> dict[str, Any]:
    stats: dict[str, Any] = {
        "pFeatureCount": len(p.features),
        "pFeatureDerivationMilliseconds": p.milliseconds,
        "qFeatureCount": len(q.features),
        "qFeatureDerivationMilliseconds": q.milliseconds,
        "consensusSetSizes": [len(points) for points, _ in found.sets],
        "matchDerivationMilliseconds": matching_ms,
    }
    if not found.sets:
        return stats
    begin = time.monotonic()
    shifts = [(a - b) / p.scale for a, b in found.sets]
    deviations = [_deviations(one) for one in shifts]
    x, y = _deviations(np.concatenate(shifts))
    points = [np.concatenate([one[side] for one in found.sets]) for side in (0, 1)]
    covered = found.covered or coverage(
        p.features, q.features, points[0], points[1], rule.full_scale_coverage_radius_px * p.scale
    )
    # In pixels of full scale, as the radius.
    area = p.scale**-2
    return {
        **stats,
        "aggregateDeltaXStandardDeviation": x,
        "aggregateDeltaYStandardDeviation": y,
        "consensusSetDeltaXStandardDeviations": [one for one, _ in deviations],
        "consensusSetDeltaYStandardDeviations": [other for _, other in deviations],
        "overlappingImagePixels": round(covered.overlap * area),
        "overlappingCoveragePixels": round(covered.covered * area),
        "matchQualityMilliseconds": _milliseconds(begin),
    }


def _deviations(shifts: npt.NDArray[np.float64]) -> tuple[float, float]:
    x, y = shifts.std(axis=0, ddof=1 if len(shifts) > 1 else 0).tolist()
    return x, y


def _milliseconds(begin: float) -> int:
    return round(1000 * (time.monotonic() - begin))
