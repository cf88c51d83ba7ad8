"""How a picture is to look: the query values that become members of render parameters (contract, 9.2)."""

from __future__ import annotations

from typing import Any

from rendergateway.number_text import double_text, parse_double
from rendergateway.rendering.base.filter_lists import FILTER_LISTS
from rendergateway.service.base.refusals import IllegalArgument
from rendergateway.wire import Filter, RenderParameters

__all__ = ["WIRE_FILTER_LISTS", "apply_look"]

_SWITCHES = {
    "binary_mask": "binaryMask",
    "exclude_mask": "excludeMask",
    "convert_to_gray": "convertToGray",
    "fill_with_noise": "fillWithNoise",
    "filter": "doFilter",
    "min_intensity": "minIntensity",
    "max_intensity": "maxIntensity",
}


# Named filter lists as they are on the wire.
WIRE_FILTER_LISTS = {
    name: [
        Filter(className=f"org.janelia.alignment.filter.{step.name}", parameters=dict(step.parameters))
        for step in steps
    ]
    for name, steps in FILTER_LISTS.items()
}


def apply_look(parameters: RenderParameters, look: dict[str, Any]) -> RenderParameters:
    """
    Set the members of *parameters* that the query values *look* ask for.

    Raises
    ------
    IllegalArgument
        If the filters are not known, or the channels are not written as they should be.
    """
    # A scale in the query counts more than one in the path.
    scale = look.get("query_scale", look.get("scale"))
    if scale is not None:
        parameters.scale = scale
    for name, member in _SWITCHES.items():
        if name in look:
            setattr(parameters, member, look[name])
    if "filter_list_name" in look:
        parameters.filterSpecs = _filters(look["filter_list_name"])
    if "channels" in look:
        _check_channels(look["channels"])
        parameters.channels = look["channels"]
    return parameters


def _filters(name: str) -> list[Filter]:
    if name not in WIRE_FILTER_LISTS:
        raise IllegalArgument(
            f"Filter list with name '{name}' not found. This could be caused by usage of an incorrect name "
            "or by a problem with the system filter configuration file."
        )
    return WIRE_FILTER_LISTS[name]


def _check_channels(text: str) -> None:
    """Refuse ``name__weight__name__weight`` with weights that are no numbers, or more than 1 together."""
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
                f"Channel {name} weight {double_text(weight)} is too large. The sum of all weights must be "
                f"less than or equal to 1.0. Current weights are: {{{current}}}"
            )
        weights[name] = weight
