"""Rendering options in queries, and the members of render parameters that they set (contract, 9.2)."""

from __future__ import annotations

from typing import Any

from rendergateway.number_text import double_text, parse_double
from rendergateway.service.base.options import Options
from rendergateway.service.base.refusals import IllegalArgument
from rendergateway.wire import Filter, FilterListsJson, RenderParametersJson

__all__ = ["apply_options", "check_channels", "filter_lists_json"]

_SWITCHES = {
    "binary_mask": "binaryMask",
    "exclude_mask": "excludeMask",
    "convert_to_gray": "convertToGray",
    "fill_with_noise": "fillWithNoise",
    "filter": "doFilter",
    "min_intensity": "minIntensity",
    "max_intensity": "maxIntensity",
}


def apply_options(parameters: RenderParametersJson, query: dict[str, Any], options: Options) -> RenderParametersJson:
    """
    Set the members of *parameters* that *query* specifies.

    Raises
    ------
    IllegalArgument
        If the filter list is unknown, or the channels are malformed.
    """
    # A scale in the query overrides the one in the path.
    scale = query.get("query_scale", query.get("scale"))
    if scale is not None:
        parameters.scale = scale
    for name, member in _SWITCHES.items():
        if name in query:
            setattr(parameters, member, query[name])
    if "channels" in query:
        check_channels(query["channels"])
        parameters.channels = query["channels"]
    if "filter_list_name" in query:
        parameters.filterSpecs = _filters(query["filter_list_name"], options)
    return parameters


def filter_lists_json(options: Options) -> FilterListsJson:
    """Return the named filter lists in wire form."""
    return FilterListsJson(namedFilterSpecLists={name: _filters(name, options) for name in options.filter_lists})


def _filters(name: str, options: Options) -> list[Filter | None]:
    if name not in options.filter_lists:
        raise IllegalArgument(
            f"Filter list with name '{name}' not found.  This could be caused by usage of an incorrect name "
            "or by a problem with the system filter configuration file."
        )
    return [
        Filter(className=step.class_name, parameters=None if step.parameters is None else dict(step.parameters))
        for step in options.filter_lists[name]
    ]


def check_channels(text: str) -> None:
    """Refuse ``name__weight__name__weight`` if a weight is not a number, or their sum exceeds 1."""
    words = text.split("__")
    weights: dict[str, float] = {}
    for name, word in zip(words[::2], words[1::2], strict=False):
        try:
            weight = parse_double(word)
        except ValueError as error:
            raise IllegalArgument(str(error)) from error
        if sum(weights.values()) + weight > 1.0:
            current = ", ".join(f"{known}={double_text(value)}" for known, value in weights.items())
            raise IllegalArgument(
                f"Channel {name} weight {double_text(weight)} is too large.  The sum of all weights must be "
                f"less than or equal to 1.0.  Current weights are: {{{current}}}"
            )
        weights[name] = weight
