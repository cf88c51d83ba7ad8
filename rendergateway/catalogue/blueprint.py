"""The blueprint: addresses of the pages, rules for requests, headers of answers, errors as pages."""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from rendergateway.catalogue.pages import (
    comparison,
    explorer,
    hierarchy,
    matches,
    names,
    neighbourhood,
    pictures,
    raw,
    residuals,
    search,
    sections,
    stacks,
    tiles,
)
from rendergateway.catalogue.site import Page, Site
from rendergateway.endpoints.address import LOOPBACK_HOSTS
from rendergateway.errors import (
    AuthenticationError,
    ConnectionFailedError,
    NotFoundError,
    RenderGatewayError,
    ServiceError,
    TimedOutError,
)
from rendergateway.extras import needed_for
from rendergateway.visible_text import visible

with needed_for("the catalogue"):
    import flask

if TYPE_CHECKING:
    from rendergateway.gateway import Gateway

__all__ = ["blueprint", "error_page", "secured"]

_STACK = "/owner/<owner>/project/<project>/stack/<stack>"
_COLLECTION = "/owner/<owner>/matches/<collection>"
_ROUTES: tuple[tuple[str, str, Callable[..., Any]], ...] = (
    ("/", "home", names.home),
    ("/owner/<owner>/", "owner", names.owner_page),
    ("/owner/<owner>/project/<project>/", "project", names.project_page),
    ("/owner/<owner>/project/<project>/hierarchy", "hierarchy", hierarchy.hierarchy_page),
    (f"{_STACK}/", "stack", stacks.stack_page),
    (f"{_STACK}/charts/<chart>.<any(svg, csv):kind>", "chart", stacks.chart_files),
    (f"{_STACK}/residuals/<chart>.<any(svg, csv):kind>", "residual_chart", residuals.residual_chart),
    (f"{_STACK}/sample", "sample", stacks.sample_page),
    (f"{_STACK}/explorer", "explorer", explorer.explorer_page),
    (f"{_STACK}/explorer.json", "explorer_data", explorer.explorer_data),
    (f"{_STACK}/residuals", "stack_residuals", residuals.residuals_page),
    (f"{_STACK}/thumbnail.jpg", "thumbnail", pictures.thumbnail),
    (f"{_STACK}/section", "section_by_id", sections.section_by_id),
    (f"{_STACK}/z/<z>/", "section", sections.section_page),
    (f"{_STACK}/z/<z>/map.json", "map", sections.map_description),
    (f"{_STACK}/z/<z>/pieces/<int:number>", "piece", sections.map_piece),
    (f"{_STACK}/z/<z>/clusters.json", "clusters", sections.clusters),
    (f"{_STACK}/z/<z>/residuals.json", "residuals", sections.residuals),
    (f"{_STACK}/z/<z>/connections.json", "connections", sections.connections),
    (f"{_STACK}/z/<z>/picture.jpg", "section_picture", pictures.section_picture),
    (f"{_STACK}/z/<z>/cells/<int:level>/<int(signed=True):column>/<int(signed=True):row>.jpg", "cell", pictures.cell),
    (f"{_STACK}/tile", "tile", tiles.tile_page),
    (f"{_STACK}/tile/neighbours", "neighbourhood", neighbourhood.neighbourhood_page),
    (f"{_STACK}/tile.jpg", "tile_picture", pictures.tile_picture),
    (f"{_COLLECTION}/", "match_collection", matches.collection_page),
    (f"{_COLLECTION}/pairs", "pairs", matches.pairs_page),
    (f"{_COLLECTION}/pair", "pair", matches.pair_page),
    ("/search", "search", search.search_page),
    ("/compare", "compare", comparison.compare_page),
    ("/compare.png", "compare_picture", comparison.compare_picture),
    ("/raw/<reading>", "raw", raw.raw_answer),
)
# Scripts, styles and pictures come from this site alone, and none of them is inside a page.
_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self'",
        "connect-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)
_HEADERS = {
    "Content-Security-Policy": _POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
}
# Of errors, as in the service: a missing object may exist soon.
_NOT_KEPT = {"Cache-Control": "must-revalidate,no-cache,no-store"}
_REASONS = (
    (NotFoundError, HTTPStatus.NOT_FOUND),
    (AuthenticationError, HTTPStatus.FORBIDDEN),
    (TimedOutError, HTTPStatus.GATEWAY_TIMEOUT),
    (ConnectionFailedError, HTTPStatus.SERVICE_UNAVAILABLE),
)
_log = logging.getLogger(__name__)


def blueprint(
    gateway: Gateway | Callable[[], Gateway],
    *,
    name: str = "catalogue",
    hosts: tuple[str, ...] | None = None,
    viewers: Mapping[str, str] | None = None,
    is_of_service: bool = False,
) -> flask.Blueprint:
    """
    Return the catalogue of a service as a Flask blueprint.

    Templates of the application named like those of the catalogue, ``catalogue/stack.html``, replace them. A registered
    class of the gateway may have a template and columns of its own: ``CATALOGUE_TEMPLATE`` and ``CATALOGUE_COLUMNS``.

    Parameters
    ----------
    gateway : Gateway or callable
        The service, or a function that returns the gateway of the present request, with the credentials of its user.
    name : str
        Name of the blueprint.
    hosts : tuple of str, optional
        Host names, besides loopback, that requests may be sent to. Default: any, because a site has rules of its own.
    viewers : mapping of str, optional
        Addresses of other viewers, for links: ``neuroglancer``, ``catmaid``, ``ndviz``. The query of a page may name
        others by the same words.
    is_of_service : bool
        Whether the service answers below ``/render-ws`` of the same address.

    Raises
    ------
    MissingExtraError
        If Flask is not installed.

    Examples
    --------
    >>> import flask
    >>> from rendergateway import Gateway
    >>> site = flask.Flask("atlas")
    >>> site.register_blueprint(blueprint(Gateway("embedded:")), url_prefix="/em")
    >>> site.test_client().get("/em/").status_code
    200
    """
    opened: Callable[[], Gateway] = gateway if callable(gateway) else lambda: gateway
    site = Site(opened, name, hosts, dict(viewers or {}), is_of_service)
    made = flask.Blueprint(
        name, __name__, template_folder="templates", static_folder="static", static_url_path="/catalogue-static"
    )
    for path, endpoint, view in _ROUTES:
        made.add_url_rule(path, endpoint, functools.partial(view, site), methods=["GET"])
    made.before_request(functools.partial(_refuse_other_hosts, site))
    made.before_request(site.read_hosts)
    made.url_defaults(site.keep_hosts)
    made.after_request(lambda response: secured(site.finished(response)))
    made.context_processor(site.context)
    made.register_error_handler(Exception, functools.partial(error_page, site))
    return made


def _refuse_other_hosts(site: Site) -> flask.Response | None:
    if site.hosts is None:
        return None
    host = flask.request.host
    try:
        known = urlsplit(f"//{host}").hostname
    except ValueError:
        known = None
    if known in LOOPBACK_HOSTS or known in site.hosts:
        return None
    message = f"unknown host name: got {visible(host)}; serve with this name as host"
    return flask.Response(message, 403, content_type="text/plain; charset=utf-8")


def secured(response: flask.Response) -> flask.Response:
    """Add the headers that each answer has."""
    headers = _HEADERS if response.status_code < HTTPStatus.BAD_REQUEST else _HEADERS | _NOT_KEPT
    for name, value in headers.items():
        response.headers.setdefault(name, value)
    return response


def error_page(site: Site, error: Exception) -> tuple[Page, int] | flask.Response:
    """Return an error as a page: the sentence of the service, and its status."""
    status, sentence = _described(error)
    if status == HTTPStatus.INTERNAL_SERVER_ERROR and not isinstance(error, RenderGatewayError):
        _log.exception("%s failed", visible(flask.request.path))
    if flask.request.path.endswith((".jpg", ".png", ".svg")):
        return pictures.placeholder(sentence, status)
    flask.g.pop("catalogue_tag", None)
    return site.page("catalogue/error.html", status=HTTPStatus(status), sentence=sentence, **site.context()), status


def _described(error: Exception) -> tuple[int, str]:
    if isinstance(error, RenderGatewayError):
        sentence = RenderGatewayError.__str__(error)
        for kind, status in _REASONS:
            if isinstance(error, kind):
                return status, sentence
        if isinstance(error, ServiceError):
            return HTTPStatus.BAD_GATEWAY if error.status >= 500 else error.status or HTTPStatus.CONFLICT, sentence
        return HTTPStatus.BAD_REQUEST, sentence
    code = getattr(error, "code", None)
    if isinstance(code, int) and 400 <= code < 600:
        return code, str(getattr(error, "description", "") or HTTPStatus(code).phrase)
    return HTTPStatus.INTERNAL_SERVER_ERROR, "the page failed; see the log of the catalogue"
