"""Named filter lists of a default deployment of the service."""

from __future__ import annotations

from rendergateway.rendering.base.recipe import FilterStep

__all__ = ["DEFAULT_FILTERS", "FILTER_LISTS"]

# Applied if filtering is requested without a list.
DEFAULT_FILTERS = (
    FilterStep("ValueToNoise", {"value": "0.0", "min": "64.0", "max": "191.0"}),
    FilterStep("ValueToNoise", {"value": "255.0", "min": "64.0", "max": "191.0"}),
    FilterStep(
        "NormalizeLocalContrast",
        {"blockRadiusX": "500", "blockRadiusY": "500", "meanFactor": "3.0", "center": "true", "stretch": "true"},
    ),
)
FILTER_LISTS = {
    "simpleTest": (FilterStep("CLAHE", {"fast": "true", "blockRadius": "500", "bins": "256", "slope": "2.5"}),),
    "default": DEFAULT_FILTERS,
}
