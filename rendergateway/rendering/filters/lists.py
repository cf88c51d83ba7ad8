"""Named filter lists: those of a default deployment of the service, and those of a file."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from rendergateway.errors import ConfigurationError, FilterError, RecordError
from rendergateway.rendering.base.recipe import FilterStep
from rendergateway.rendering.filters.registry import built, step_of
from rendergateway.wire import FilterListsJson, decode_body

__all__ = ["DEFAULT_FILTERS", "FILTER_LISTS", "FilterLists", "read_filter_lists"]

FilterLists = Mapping[str, tuple[FilterStep, ...]]

_PACKAGE = "org.janelia.alignment.filter"

# Applied if filtering is requested without a list.
DEFAULT_FILTERS = (
    FilterStep(f"{_PACKAGE}.ValueToNoise", {"value": "0.0", "min": "64.0", "max": "191.0"}),
    FilterStep(f"{_PACKAGE}.ValueToNoise", {"value": "255.0", "min": "64.0", "max": "191.0"}),
    FilterStep(
        f"{_PACKAGE}.NormalizeLocalContrast",
        {"blockRadiusX": "500", "blockRadiusY": "500", "meanFactor": "3.0", "center": "true", "stretch": "true"},
    ),
)
FILTER_LISTS: FilterLists = {
    "simpleTest": (
        FilterStep(f"{_PACKAGE}.CLAHE", {"fast": "true", "blockRadius": "500", "bins": "256", "slope": "2.5"}),
    ),
    "default": DEFAULT_FILTERS,
}


def read_filter_lists(path: str | os.PathLike[str]) -> FilterLists:
    """
    Return the filter lists of a file: the JSON ``{"namedFilterSpecLists": {"NAME": [FILTER, …]}}``.

    Raises
    ------
    ConfigurationError
        If the file cannot be read, or is not such JSON, or a filter of it cannot be built.
    """
    try:
        lists = decode_body(Path(path).expanduser().read_bytes(), FilterListsJson)
    except OSError as error:
        raise ConfigurationError(f"filter lists cannot be read: got {path}; {error.strerror}") from error
    except RecordError as error:
        raise ConfigurationError(f"invalid filter lists in {path}: {error}; correct the file") from error
    if lists is None or lists.namedFilterSpecLists is None:
        raise ConfigurationError(f"no filter lists in {path}; add the member namedFilterSpecLists")
    found: dict[str, tuple[FilterStep, ...]] = {}
    for name, specs in lists.namedFilterSpecLists.items():
        found[name] = tuple(step_of(spec) for spec in specs or ())
        for number, step in enumerate(found[name]):
            try:
                built(step)
            except FilterError as error:
                raise ConfigurationError(
                    f"invalid filter in {path}: filter {number} of list '{name}': {error}; correct the file"
                ) from error
    return found
