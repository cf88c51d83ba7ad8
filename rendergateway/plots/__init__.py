"""
Plots of tiles, matches, residuals, seams and sections, as matplotlib axes.

Every function draws arrays or tables into *ax*, or into a new figure, and returns the axes. Many tiles are one
collection of matplotlib, so that 100 000 are drawn in seconds. matplotlib is imported on first use.
"""

from __future__ import annotations

from rendergateway.plots.matches import match_map, residual_histogram, residual_map
from rendergateway.plots.pictures import contact_sheet, seam_overlay, seam_pictures
from rendergateway.plots.sections import section_bounds, section_order
from rendergateway.plots.tiles import tile_map

__all__ = [
    "contact_sheet",
    "match_map",
    "residual_histogram",
    "residual_map",
    "seam_overlay",
    "seam_pictures",
    "section_bounds",
    "section_order",
    "tile_map",
]
