"""
The WSGI application: routing, content negotiation, transactions, and errors in the form of the real service.

This module is common to all endpoints (contract, section 1); their functions are in ``handlers``.
"""

from __future__ import annotations

import contextlib
import functools
import html
import itertools
import logging
import os
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, quote, urlsplit

import numpy as np

from rendergateway.endpoints import Endpoint, candidates
from rendergateway.endpoints.address import LOOPBACK_HOSTS
from rendergateway.errors import StoreError
from rendergateway.extras import needed_for
from rendergateway.service import swagger
from rendergateway.service.base.options import Options
from rendergateway.service.base.refusals import NotBuilt, NotFound, ServiceRefusal, Uncaught
from rendergateway.service.handlers import HANDLERS
from rendergateway.service.http.body import body_of, check_length
from rendergateway.service.http.call import Call, HandlerResult, Later, RequestContext
from rendergateway.service.http.conditions import Conditions, ImageResult
from rendergateway.service.http.negotiation import JSON, TEXT, MalformedHeaderError, accepts, produced_by, takes
from rendergateway.service.http.reply import Reply, bare, nothing
from rendergateway.service.http.target import NO_CACHE, PAGE, decoded_path, raw_target, refused_target
from rendergateway.service.start_page import start_page
from rendergateway.service.store import Database, Store, no_data, reading, writing
from rendergateway.visible_text import visible

with needed_for("the embedded service"):
    from werkzeug.exceptions import HTTPException
    from werkzeug.wrappers import Request

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

__all__ = ["PREFIX", "Application", "app_for"]

PREFIX = "/render-ws"
_DATA = PREFIX + "/v1"
_CREATED = frozenset(
    {
        "stack.create",
        "stack.clone",
        "stack.set_state",
        "stack.save_tiles",
        "section.save_tiles",
        "section.take_tiles",
        "section_id.set_z",
        "match.save",
        "match.update_counts",
    }
)
# The requests that a database without data does not refuse: they create a missing one.
_CREATE_DATABASE = frozenset({"stack.create", "match.save"})
# Subjects without data.
_WITHOUT_DATA = frozenset({"service", "recipe"})
_PREFLIGHT = {
    "Access-Control-Allow-Methods": "GET,POST,PUT,OPTIONS,HEAD",
    "Access-Control-Allow-Headers": "X-Requested-With,Content-Type,Accept,Origin",
    "Access-Control-Max-Age": "1800",
}
_PREFLIGHT_METHODS = frozenset({"GET", "POST", "PUT", "HEAD"})
_log = logging.getLogger(__name__)


class Application:
    """
    The service over one database, as a WSGI application.

    Parameters
    ----------
    database : Database
    options : Options
    pages : WSGI application, optional
        Answers all paths outside of the service's own, with the same rules for hosts and paths.
    """

    def __init__(self, database: Database, options: Options, pages: WSGIApplication | None = None) -> None:
        self.database = database
        self.options = options
        self._pages = pages

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request."""
        request = Request(environ, populate_request=False)
        try:
            routed = self._routed(request)
            if callable(routed):
                return routed(environ, start_response)
            reply = routed if isinstance(routed, Reply) else self._answer(request, *routed)
        except HTTPException as error:
            reply = _invalid(error)
        return self._send(request, reply, start_response)

    def refuse_unread(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes] | None:
        """Answer a request that is refused whatever its body is; return None for others."""
        request = Request(environ, populate_request=False)
        try:
            routed = self._routed(request)
            if not isinstance(routed, Reply):
                check_length(environ, self.options.body_limit)
                return None
        except HTTPException as error:
            routed = _invalid(error)
        except ServiceRefusal as refusal:
            routed = _refused(request, refusal)
        return self._send(request, routed, start_response)

    def writes(self, method: str, target: str) -> bool:
        """Whether a request may change data."""
        if method in ("GET", "HEAD"):
            return False
        path = decoded_path(raw_target({"REQUEST_URI": target})[0])
        endpoint = candidates(path.removeprefix(_DATA)).get(method)
        return endpoint is not None and endpoint.effect != "read"

    def _send(self, request: Request, reply: Reply, start_response: StartResponse) -> Iterable[bytes]:
        # Error pages of the real service's web server have no CORS headers.
        if reply.headers.get("Cache-Control") != NO_CACHE["Cache-Control"]:
            self._allow_origin(request.environ, reply)
        return reply.send(request.method, start_response)

    def _routed(self, request: Request) -> Reply | tuple[Endpoint, dict[str, Any]] | WSGIApplication:
        """Return the endpoint of a request with the values of path and query, the reply to its head, or the pages."""
        raw_path, query = raw_target(request.environ)
        refused = refused_target(request.environ, raw_path, query)
        if refused is not None:
            return refused
        if not self._host_is_known(request):
            return Reply(f"unknown host name: got {request.host}; serve with this name as host", 403, content_type=TEXT)
        if request.method == "TRACE":
            return Reply(status=403, headers=NO_CACHE)
        path = decoded_path(raw_path)
        if self._pages is not None and not (path + "/").startswith(PREFIX + "/"):
            return self._pages
        if _asks_for_start_page(request, path):
            return Reply(start_page(html.escape(_base_url(request))), content_type="text/html;charset=utf-8")
        if not (path + "/").startswith(PREFIX + "/") or "/WEB-INF/" in path:
            return Reply("<h1>Error 404 Not Found</h1>", 404, content_type=PAGE, headers=NO_CACHE)
        if request.method == "OPTIONS" and "HTTP_ACCESS_CONTROL_REQUEST_METHOD" in request.environ:
            return _preflight(request)
        if not path.startswith(_DATA + "/"):
            return self._describe(request, path)
        endpoints = candidates(path.removeprefix(_DATA))
        if not endpoints:
            return bare(404)
        if request.method == "OPTIONS":
            allowed = _allowed(endpoints)
            return Reply(allowed, content_type=TEXT, headers={"Allow": allowed})
        endpoint = endpoints.get("GET" if request.method == "HEAD" else request.method)
        if endpoint is None:
            return bare(405, {"Allow": _allowed(endpoints)})
        return self._negotiate(request, endpoint, path.removeprefix(_DATA).removesuffix("/"))

    def _describe(self, request: Request, path: str) -> Reply:
        if path == PREFIX:
            return bare(302, {"Location": PREFIX + "/"})
        if path.removeprefix(PREFIX) in ("/swagger.json", "/swagger") and request.method in ("GET", "HEAD"):
            return Reply(swagger.description(), content_type=JSON)
        return bare(404)

    def _negotiate(self, request: Request, endpoint: Endpoint, path: str) -> Reply | tuple[Endpoint, dict[str, Any]]:
        try:
            if not takes(request.environ.get("CONTENT_TYPE"), endpoint):
                return bare(415)
        except MalformedHeaderError:
            if request.method == "PUT":
                return bare(400, NO_CACHE)
            return Reply("<h1>Error 400 Bad Request</h1>", 400, content_type=PAGE, headers=NO_CACHE)
        try:
            if not accepts(request.environ.get("HTTP_ACCEPT"), endpoint):
                return bare(406)
        except MalformedHeaderError:
            return bare(400, NO_CACHE)
        try:
            values = endpoint.parse(path) or {}
            if request.environ.get("QUERY_STRING"):
                values |= endpoint.parse_query(_query(request))
        except ValueError:
            # In the real service, a path with an invalid number does not exist.
            return bare(404)
        if endpoint.effect != "read" and self.options.read_only:
            return Reply(f"{endpoint.name} refused: this service is read-only", 403, content_type=TEXT)
        return endpoint, values

    def _answer(self, request: Request, endpoint: Endpoint, values: dict[str, Any]) -> Reply:
        changes = endpoint.effect != "read"
        try:
            call = _call(endpoint)
            body = body_of(request.environ, self.options.body_limit) if endpoint.body != "none" else b""
            context = functools.partial(_request_context, request, self.options)
            arguments = call.arguments(values, body, context, self.options.nesting_limit)
            # Free the text of the body once it is decoded.
            del body
            if self.database.is_missing:
                return _reply(request, endpoint, self._without_database(call, arguments), nothing)
            # Numbers that are not finite are results, as in Java.
            with np.errstate(all="ignore"):
                answer, close = self._written(call, arguments) if changes else self._read(call, arguments)
        except ServiceRefusal as refusal:
            return _refused(request, refusal)
        except StoreError as error:
            return Reply(str(error), 503, content_type=TEXT)
        except Exception:
            _log.exception("%s %s failed", request.method, visible(request.path))
            return Reply(f"{endpoint.name} failed; see the log of the service", 500, content_type=TEXT)
        return _reply(request, endpoint, answer, close)

    def _without_database(self, call: Call, arguments: dict[str, Any]) -> HandlerResult:
        """Answer without the database, or create it; only reading it is an error."""
        if call.endpoint.name in _CREATE_DATABASE:
            return self._written(call, arguments)[0]
        if call.endpoint.subject not in _WITHOUT_DATA:
            raise NotFound(
                f"database {self.database.path} does not exist; check the path, or create it: the first create_stack() "
                "does, and so does Gateway(create=True)"
            )
        with no_data() as store:
            answer: HandlerResult = call(store, arguments)
            return answer

    def _written(self, call: Call, arguments: dict[str, Any]) -> tuple[HandlerResult, Callable[[], object]]:
        answer: HandlerResult = None
        refusal: ServiceRefusal | None = None
        if call.computes:
            # Others write meanwhile.
            with reading(self.database) as store:
                later: Later = call(store, arguments)
            with writing(self.database) as store:
                return later.store(store), nothing
        with writing(self.database) as store:
            try:
                answer = call(store, arguments)
            except ServiceRefusal as error:
                if not error.keep_changes:
                    raise
                refusal = error
        if refusal is not None:
            raise refusal
        return answer, nothing

    def _read(self, call: Call, arguments: dict[str, Any]) -> tuple[HandlerResult, Callable[[], object]]:
        with contextlib.ExitStack() as stack:
            store: Store = stack.enter_context(reading(self.database))
            answer = call(store, arguments)
            if isinstance(answer, (bytes, str, type(None), ImageResult)):
                return answer, nothing
            # A stream reads from the database while it is sent: its transaction ends when it is closed. Its first piece
            # is read now: most errors are found there, and become an answer.
            pieces = self._guarded(answer)
            first = next(pieces, b"")
            return itertools.chain((first,), pieces), stack.pop_all().close

    def _guarded(self, pieces: Iterator[bytes]) -> Iterator[bytes]:
        with self.database.errors_of_reading():
            yield from pieces

    def _host_is_known(self, request: Request) -> bool:
        if self.options.hosts is None:
            return True
        name = _host_name(f"//{request.environ.get('HTTP_HOST', '')}")
        return name in LOOPBACK_HOSTS or name in self.options.hosts

    def _allow_origin(self, environ: WSGIEnvironment, reply: Reply) -> None:
        reply.headers["Vary"] = "Origin"
        origin = environ.get("HTTP_ORIGIN")
        if origin and self._origin_may_read(origin):
            reply.headers["Access-Control-Allow-Origin"] = origin

    def _origin_may_read(self, origin: str) -> bool:
        allowed = self.options.allow_origin
        return origin in allowed or "*" in allowed or _host_name(origin) in LOOPBACK_HOSTS


def app_for(path: str | os.PathLike[str], *, create: bool = True, **options: Any) -> Application:
    """
    Return the service over the database *path* as a WSGI application.

    Parameters
    ----------
    path : str or Path
        The database.
    create : bool
        Whether a missing database is created now, instead of by the first write.
    **options
        Fields of `Options`.

    Raises
    ------
    StoreError
        If the file cannot be opened as a database.
    """
    settings = Options(**options)
    return Application(Database(path, read_only=settings.read_only, create=create), settings)


def _invalid(error: HTTPException) -> Reply:
    """Answer an invalid body or header, found by Werkzeug."""
    return Reply(str(error.description), error.code or 400, content_type=TEXT)


def _host_name(address: str) -> str | None:
    """Return the host of an address; None if it has none, or is malformed."""
    try:
        return urlsplit(address).hostname
    except ValueError:
        return None


def _call(endpoint: Endpoint) -> Call:
    call = HANDLERS.get(endpoint.name)
    if call is None:
        raise NotBuilt(f"{endpoint.name} is not implemented by the embedded service")
    return call


def _query(request: Request) -> dict[str, list[str]]:
    return parse_qs(request.query_string.decode("latin-1"), keep_blank_values=True)


def _request_context(request: Request, options: Options) -> RequestContext:
    environ = request.environ
    conditions = Conditions(environ.get("HTTP_IF_NONE_MATCH"), environ.get("HTTP_IF_MATCH"))
    return RequestContext(options, _base_url(request), conditions)


def _base_url(request: Request) -> str:
    return f"{request.scheme}://{request.host}"


def _allowed(endpoints: dict[str, Endpoint]) -> str:
    methods = {*endpoints, "OPTIONS"} | ({"HEAD"} if "GET" in endpoints else set())
    return ", ".join(sorted(methods))


def _asks_for_start_page(request: Request, path: str) -> bool:
    # Below its prefix, the real service answers 404, as recorded: only browsers get the page there.
    is_browser = "text/html" in request.environ.get("HTTP_ACCEPT", "")
    return request.method in ("GET", "HEAD") and (path == "/" or (path == PREFIX + "/" and is_browser))


def _preflight(request: Request) -> Reply:
    asked = request.environ["HTTP_ACCESS_CONTROL_REQUEST_METHOD"]
    return bare(200, _PREFLIGHT if asked in _PREFLIGHT_METHODS else None)


def _refused(request: Request, refusal: ServiceRefusal) -> Reply:
    message = str(refusal)
    if isinstance(refusal, Uncaught):
        if request.method not in ("GET", "HEAD"):
            return bare(500)
        heading = f"500 {html.escape(message or 'Server Error')}"
        page = (
            f"<html>\n<head>\n<title>Error {heading}</title>\n</head>\n"
            f"<body><h2>HTTP ERROR {heading}</h2></body>\n</html>\n"
        )
        return Reply(page, 500, content_type=PAGE, headers=NO_CACHE)
    if refusal.content_type is None:
        return bare(refusal.status, refusal.headers)
    if refusal.content_type.startswith("text/html"):
        message = html.escape(message)
    return Reply(message, refusal.status, content_type=refusal.content_type, headers=refusal.headers)


def _reply(request: Request, endpoint: Endpoint, answer: HandlerResult, close: Callable[[], object]) -> Reply:
    if answer is None:
        if endpoint.answer != "empty":
            return bare(204)
        return bare(201, {"Location": _location(request)}) if endpoint.name in _CREATED else bare(200)
    if isinstance(answer, ImageResult):
        return Reply(answer.body, content_type=produced_by(endpoint), headers=answer.headers)
    return Reply(answer, content_type=produced_by(endpoint), close=close)


def _location(request: Request) -> str:
    path, query = raw_target(request.environ)
    # The real service decodes a quoted plus sign, and leaves other quoted characters as they are.
    target = path.replace("%2B", "+").replace("%2b", "+") + (f"?{query}" if query else "")
    return _base_url(request) + quote(target, safe="/:?@[]!$&'()*+,;=%~")
