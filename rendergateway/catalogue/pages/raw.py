"""Unparsed answers of the service, for links to raw JSON: readings of values and texts only."""

from __future__ import annotations

from rendergateway.catalogue.site import Site
from rendergateway.endpoints import ENDPOINTS
from rendergateway.extras import needed_for
from rendergateway.number_text import parse_double

with needed_for("the catalogue"):
    import flask

__all__ = ["raw_answer"]

_NUMBERS = frozenset({"z", "x", "y", "width", "height", "scale", "min_z", "max_z"})
_TYPES = {"text": "text/plain; charset=utf-8"}


def raw_answer(site: Site, reading: str) -> flask.Response:
    """Return the answer of an endpoint to the values in the query: one request."""
    known = ENDPOINTS.get(reading)
    if known is None or known.method != "GET" or known.answer == "bytes":
        flask.abort(404, f"{reading} is not a reading of values; see the list of endpoints")
    values = {name: texts[0] for name, texts in flask.request.args.lists() if name in known.path_values}
    missing = [name for name in known.path_values if name not in values]
    if missing:
        flask.abort(400, f"{reading} needs {', '.join(missing)} in the query")
    try:
        typed = {name: parse_double(text) if name in _NUMBERS else text for name, text in values.items()}
        options = known.parse_query(flask.request.args.to_dict(flat=False))
    except ValueError as error:
        flask.abort(400, str(error))
    content = site.gateway.call_raw(reading, **{**options, **typed})
    return flask.Response(content, content_type=_TYPES.get(known.answer, "application/json"))
