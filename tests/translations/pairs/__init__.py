"""Rows by heading, in the order of the page."""

from __future__ import annotations

from tests.translations.pairs import (
    affines,
    clients,
    coordinates,
    encoding,
    matches,
    pictures,
    polynomials,
    records,
    service,
    splines,
    stacks,
    tiles,
    transforms,
)
from tests.translations.pairs.rows import Row

__all__ = ["ROWS"]

ROWS: dict[str, list[Row]] = {
    "renderapi.render": service.SERVICE,
    "renderapi.stack": stacks.STACKS,
    "renderapi.tilespec": tiles.TILES,
    "renderapi.layout": records.LAYOUT,
    "renderapi.image_pyramid": records.IMAGE_PYRAMID,
    "renderapi.channel": records.CHANNEL,
    "renderapi.resolvedtiles": tiles.RESOLVED_TILES,
    "renderapi.image": pictures.IMAGES,
    "renderapi.pointmatch": matches.MATCHES,
    "renderapi.coordinate": coordinates.COORDINATES,
    "renderapi.client (client/client.py)": clients.CLIENT,
    "renderapi.client (client/client_calls.py)": clients.CALLS,
    "renderapi.client (client/params.py)": clients.PARAMS,
    "renderapi.client (client/utils.py)": clients.UTILS,
    "renderapi.external.processpools.stdlib_pool": clients.STDLIB,
    "renderapi.external.processpools.pool_pathos": clients.PATHOS,
    "renderapi.errors": service.ERRORS,
    "renderapi.transform (leaf/transform.py)": affines.TRANSFORM,
    "renderapi.transform (leaf/affine_models.py)": affines.AFFINE,
    "renderapi.transform (leaf/polynomial_models.py)": polynomials.POLYNOMIALS,
    "renderapi.transform (leaf/thin_plate_spline.py)": splines.SPLINES,
    "renderapi.transform (leaf/common.py)": affines.COMMON,
    "renderapi.transform (leaf/utils.py)": transforms.LEAF_UTILS,
    "renderapi.transform (transform.py)": transforms.LISTS,
    "renderapi.transform (utils.py)": transforms.SUMS,
    "renderapi.utils": encoding.UTILS,
    "only in the docs": stacks.DOCS + records.DOCS,
}
