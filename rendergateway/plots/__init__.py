"""
Plots of tiles, matches, residuals, seams and sections, as matplotlib axes.

Every function draws arrays or tables into *ax*, or into a new figure, and returns the axes. Many tiles are one
collection of matplotlib, so that 100 000 are drawn in seconds. matplotlib is imported on first use.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rendergateway.lazy import names_from

if TYPE_CHECKING:
    from rendergateway.plots.matches import match_map, residual_histogram, residual_map
    from rendergateway.plots.pictures import contact_sheet, seam_overlay, seam_pictures
    from rendergateway.plots.sections import ranks_of, section_bounds, section_order
    from rendergateway.plots.tiles import tile_map

__all__ = [
    "contact_sheet",
    "match_map",
    "ranks_of",
    "residual_histogram",
    "residual_map",
    "seam_overlay",
    "seam_pictures",
    "section_bounds",
    "section_order",
    "tile_map",
]

_MODULES = {
    "matches": ["match_map", "residual_histogram", "residual_map"],
    "pictures": ["contact_sheet", "seam_overlay", "seam_pictures"],
    "sections": ["ranks_of", "section_bounds", "section_order"],
    "tiles": ["tile_map"],
}

if not TYPE_CHECKING:
    __getattr__, __dir__ = names_from(__name__, {name: module for module, names in _MODULES.items() for name in names})
