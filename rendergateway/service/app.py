"""
The service as a WSGI application: routing, content types, and errors as the real service shows them.

What an endpoint does is in ``handlers``; this file knows only what holds for all of them (contract, section 1).
"""

from __future__ import annotations

import contextlib
import functools
import html
import logging
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, quote, unquote_to_bytes, urlsplit

from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Request

from rendergateway.endpoints import Endpoint, candidates
from rendergateway.endpoints.address import LOOPBACK_HOSTS
from rendergateway.errors import StoreError
from rendergateway.service import swagger
from rendergateway.service.base.options import Options
from rendergateway.service.base.refusals import NotBuilt, ServiceRefusal, Uncaught
from rendergateway.service.handlers import HANDLERS
from rendergateway.service.http.body import body_of
from rendergateway.service.http.call import Answer, Call, Circumstances
from rendergateway.service.http.conditions import Conditions, Picture
from rendergateway.service.http.negotiation import JSON, TEXT, MalformedHeaderError, accepts, produced_by, takes
from rendergateway.service.http.reply import Reply, bare, nothing
from rendergateway.service.store import Database, Store, reading, writing

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

__all__ = ["PREFIX", "Application"]

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
_PREFLIGHT = {
    "Access-Control-Allow-Methods": "GET,POST,PUT,OPTIONS,HEAD",
    "Access-Control-Allow-Headers": "X-Requested-With,Content-Type,Accept,Origin",
    "Access-Control-Max-Age": "1800",
}
_PREFLIGHT_METHODS = frozenset({"GET", "POST", "PUT", "HEAD"})
_NO_CACHE = {"Cache-Control": "must-revalidate,no-cache,no-store"}
_PAGE = "text/html;charset=iso-8859-1"
_log = logging.getLogger(__name__)


class Application:
    """
    The service over one database.

    Parameters
    ----------
    database : Database
        Where everything is kept.
    options : Options
        Settings.
    """

    def __init__(self, database: Database, options: Options) -> None:
        self.database = database
        self.options = options

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request."""
        request = Request(environ, populate_request=False)
        try:
            reply = self._respond(request)
        except HTTPException as error:  # A broken body or header that Werkzeug noticed.
            reply = Reply(str(error.description), error.code or 400, content_type=TEXT)
        # The real service's own error pages come from further outside.
        if reply.headers.get("Cache-Control") != _NO_CACHE["Cache-Control"]:
            self._allow_origin(environ, reply)
        return reply.send(request.method, start_response)

    def _respond(self, request: Request) -> Reply:
        raw_path = _raw_path(request)
        if "//" in raw_path:
            page = "<h1>Bad Message 400</h1><pre>reason: Ambiguous URI empty segment</pre>"
            return Reply(page, 400, content_type=_PAGE, headers=_NO_CACHE)
        if not self._host_is_known(request):
            return Reply(f"this service does not answer to the name {request.host}", 403, content_type=TEXT)
        if request.method == "TRACE":
            return Reply(status=403, headers=_NO_CACHE)
        path = _decoded(raw_path)
        if not path.startswith(_DATA + "/"):
            return self._describe(request, path)
        endpoints = candidates(path.removeprefix(_DATA))
        if not endpoints:
            return bare(404)
        if request.method == "OPTIONS":
            return _options(request, endpoints)
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

    def _negotiate(self, request: Request, endpoint: Endpoint, path: str) -> Reply:
        try:
            if not takes(request.environ.get("CONTENT_TYPE"), endpoint):
                return bare(415)
        except MalformedHeaderError:
            return Reply("<h1>Error 400 Bad Request</h1>", 400, content_type=_PAGE, headers=_NO_CACHE)
        try:
            if not accepts(request.environ.get("HTTP_ACCEPT"), endpoint):
                return bare(406)
        except MalformedHeaderError:
            return bare(400, _NO_CACHE)
        try:
            values = endpoint.parse(path) or {}
            if request.environ.get("QUERY_STRING"):
                values |= endpoint.parse_query(_query(request))
        except ValueError:
            # A number that is none is, to the real service, a path that does not exist.
            return bare(404)
        return self._answer(request, endpoint, values)

    def _answer(self, request: Request, endpoint: Endpoint, values: dict[str, Any]) -> Reply:
        changes = endpoint.effect != "read"
        try:
            if changes and self.options.read_only:
                return Reply(f"{endpoint.name} is refused: this service only reads", 403, content_type=TEXT)
            call = _call(endpoint)
            body = body_of(request.environ, self.options.body_limit) if endpoint.body != "none" else b""
            around = functools.partial(_circumstances, request, self.options)
            arguments = call.arguments(values, body, around, self.options.nesting_limit)
            # What was read from the body needs no text beside it.
            del body
            answer, close = self._written(call, arguments) if changes else self._read(call, arguments)
        except ServiceRefusal as refusal:
            return _refused(request, refusal)
        except StoreError as error:
            return Reply(str(error), 503, content_type=TEXT)
        except Exception:
            _log.exception("%s %s failed", request.method, request.path)
            return Reply(f"{endpoint.name} failed; the service's log says how", 500, content_type=TEXT)
        return _reply(request, endpoint, answer, close)

    def _written(self, call: Call, arguments: dict[str, Any]) -> tuple[Answer, Callable[[], object]]:
        refusal: ServiceRefusal | None = None
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

    def _read(self, call: Call, arguments: dict[str, Any]) -> tuple[Answer, Callable[[], object]]:
        with contextlib.ExitStack() as stack:
            store: Store = stack.enter_context(reading(self.database))
            answer = call(store, arguments)
            if isinstance(answer, (bytes, str, type(None), Picture)):
                return answer, nothing
            # A stream reads on while it is sent: its transaction ends with it.
            return answer, stack.pop_all().close

    def _host_is_known(self, request: Request) -> bool:
        if self.options.hosts is None:
            return True
        name = urlsplit(f"//{request.environ.get('HTTP_HOST', '')}").hostname
        return name in LOOPBACK_HOSTS or name in self.options.hosts

    def _allow_origin(self, environ: WSGIEnvironment, reply: Reply) -> None:
        reply.headers["Vary"] = "Origin"
        origin = environ.get("HTTP_ORIGIN")
        if origin and self._origin_may_read(origin):
            reply.headers["Access-Control-Allow-Origin"] = origin

    def _origin_may_read(self, origin: str) -> bool:
        allowed = self.options.allow_origin
        return origin in allowed or "*" in allowed or urlsplit(origin).hostname in LOOPBACK_HOSTS


def _call(endpoint: Endpoint) -> Call:
    call = HANDLERS.get(endpoint.name)
    if call is None:
        raise NotBuilt(f"{endpoint.name} is not part of the embedded service")
    return call


def _raw_path(request: Request) -> str:
    environ = request.environ
    target: str = environ.get("REQUEST_URI") or environ.get("RAW_URI") or ""
    if not target:
        return request.root_path + request.path
    if not target.startswith("/"):
        target = target.partition("://")[2]
        target = "/" + target.partition("/")[2]
    return target.partition("?")[0].partition("#")[0]


def _decoded(raw_path: str) -> str:
    if ";" in raw_path:
        raw_path = "/".join(segment.partition(";")[0] for segment in raw_path.split("/"))
    if "%" not in raw_path and raw_path.isascii():
        return raw_path
    path = unquote_to_bytes(raw_path.encode("latin-1", "replace"))
    try:
        return path.decode()
    except UnicodeDecodeError:
        return path.decode("latin-1")


def _query(request: Request) -> dict[str, list[str]]:
    return parse_qs(request.query_string.decode("latin-1"), keep_blank_values=True)


def _circumstances(request: Request, options: Options) -> Circumstances:
    environ = request.environ
    conditions = Conditions(environ.get("HTTP_IF_NONE_MATCH"), environ.get("HTTP_IF_MATCH"))
    return Circumstances(options, _base_url(request), conditions)


def _base_url(request: Request) -> str:
    return f"{request.scheme}://{request.host}"


def _allowed(endpoints: dict[str, Endpoint]) -> str:
    methods = {*endpoints, "OPTIONS"} | ({"HEAD"} if "GET" in endpoints else set())
    return ", ".join(sorted(methods))


def _options(request: Request, endpoints: dict[str, Endpoint]) -> Reply:
    asked = request.environ.get("HTTP_ACCESS_CONTROL_REQUEST_METHOD")
    if asked is not None:
        return bare(200, _PREFLIGHT if asked in _PREFLIGHT_METHODS else None)
    allowed = _allowed(endpoints)
    return Reply(allowed, content_type=TEXT, headers={"Allow": allowed})


def _refused(request: Request, refusal: ServiceRefusal) -> Reply:
    sentence = str(refusal)
    if isinstance(refusal, Uncaught):
        if request.method not in ("GET", "HEAD"):
            return bare(500)
        page = f"<h1>Error 500</h1><pre>{html.escape(sentence)}</pre>"
        return Reply(page, 500, content_type=_PAGE, headers=_NO_CACHE)
    if refusal.content_type is None:
        return bare(refusal.status, refusal.headers)
    if refusal.content_type.startswith("text/html"):
        sentence = html.escape(sentence)
    return Reply(sentence, refusal.status, content_type=refusal.content_type, headers=refusal.headers)


def _reply(request: Request, endpoint: Endpoint, answer: Answer, close: Callable[[], object]) -> Reply:
    if answer is None:
        if endpoint.answer != "empty":
            return bare(204)
        return bare(201, {"Location": _location(request)}) if endpoint.name in _CREATED else bare(200)
    if isinstance(answer, Picture):
        return Reply(answer.body, content_type=produced_by(endpoint), headers=answer.headers)
    return Reply(answer, content_type=produced_by(endpoint), close=close)


def _location(request: Request) -> str:
    query = request.query_string.decode("latin-1")
    path = _raw_path(request) + (f"?{query}" if query else "")
    return _base_url(request) + quote(path, safe="/:?@[]!$&'()*+,;=%~")
