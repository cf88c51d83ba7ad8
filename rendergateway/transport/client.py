"""Requests by endpoint name, or by path."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast
from urllib.parse import quote, urlencode

from rendergateway.endpoints import ENDPOINTS, Endpoint, candidates
from rendergateway.model.records.record import to_text
from rendergateway.transport.blocks import check_planned
from rendergateway.transport.exchange import Outgoing
from rendergateway.transport.lifecycle import Lifecycle

if TYPE_CHECKING:
    from rendergateway.transport.answer import Answer, Sink

__all__ = ["Client"]

S = TypeVar("S", bound="Sink")

_CONTENT_TYPES = {
    "json": "application/json",
    "verbatim": "application/json",
    "any": "application/json",
    "text": "text/plain",
}


class Client(Lifecycle):
    """Requests to one service; parameters and attributes are those of `Lifecycle`."""

    def connect(self) -> None:
        """
        Check that the service is reachable; reopen the connection if it was closed.

        Notes
        -----
        One request, ``service.version``, which is then cached.

        Raises
        ------
        ConnectionFailedError, TimedOutError, AddressError
            If the service is unreachable.
        """
        self._is_closed = False
        self.version_info()

    def call(self, name: str, /, *, body: Any = None, **values: Any) -> Any:
        """Make one request by endpoint name; see `Gateway.call`."""
        endpoint = _endpoint(name)
        answer = self._send(endpoint, body, values)
        if endpoint.answer == "empty" or answer.status == 204:
            return None
        if endpoint.answer == "text":
            return answer.text
        return answer.content if endpoint.answer == "bytes" else answer.json()

    def call_raw(self, name: str, /, *, body: Any = None, **values: Any) -> bytes:
        """Make one request like `call`, and return the body of the answer unparsed."""
        return self._send(_endpoint(name), body, values).content

    def call_into(self, name: str, sink: Callable[[], S], /, **values: Any) -> S:
        """
        Make one request for a JSON list, and write the answer piece by piece.

        Parameters
        ----------
        name : str
            Endpoint.
        sink : callable
            Makes what the answer is written to; called for each attempt.
        **values
            Path and query values.

        Returns
        -------
        Sink
            That of the attempt which succeeded.
        """
        answer = self._send(_endpoint(name), None, values, sink)
        if answer.sink is None:
            whole = sink()
            whole.write(answer.content)
        else:
            whole = cast("S", answer.sink)
        answer.finish_sink(whole)
        return whole

    def request(self, method: str, *segments: str, params: Mapping[str, Any] | None = None, data: Any = None) -> Answer:
        """Make a request to any path below the service's version; see `Gateway.request`."""
        path = "".join("/" + quote(str(segment), safe="") for segment in segments)
        query = f"?{urlencode(params, doseq=True, quote_via=quote)}" if params else ""
        body = None if data is None else data if isinstance(data, bytes) else to_text(data)
        kind = "application/json" if body is not None else None
        is_safe = method.upper() in ("GET", "HEAD")
        known = candidates("/" + "/".join(map(str, segments))).get(method.upper())
        check_planned(self.server)
        try:
            return self._pool.send(Outgoing("request", method.upper(), path + query, body, kind, is_safe), self.auth)
        finally:
            if not is_safe and (known is None or known.effect != "read"):
                self.on_write({})

    @contextlib.contextmanager
    def counting(self) -> Iterator[list[str]]:
        """Yield a list that grows by the endpoint name of each request; see `Gateway.counting`."""
        counter: list[str] = []
        stop = self._pool.count_into(counter)
        try:
            yield counter
        finally:
            stop()

    def version_info(self) -> dict[str, Any]:
        """
        Return the service's build information; empty if it reports none.

        Notes
        -----
        One request, ``service.version``; the answer is cached.
        """
        version = self._version
        if version is None:
            version = self._version = self.call("service.version") or {}
        return version

    def _send(
        self, endpoint: Endpoint, body: Any, values: Mapping[str, Any], sink: Callable[[], Sink] | None = None
    ) -> Answer:
        check_planned(self.server)
        sent, kind = _body(endpoint, body)
        url, is_safe = endpoint.url(values), endpoint.safe_to_repeat
        outgoing = Outgoing(endpoint.name, endpoint.method, url, sent, kind, is_safe, sink)
        try:
            answer = self._pool.send(outgoing, self.auth)
            answer.check_kind(endpoint.answer)
        finally:
            # A write that failed may still have taken effect.
            if endpoint.effect != "read":
                self.on_write({} if endpoint.names_another else values)
        if self.after_request is not None:
            self.after_request(endpoint.name, values, answer.content)
        return answer


def _endpoint(name: str) -> Endpoint:
    if name not in ENDPOINTS:
        raise KeyError(f"unknown endpoint: got {name!r}; gateway.endpoints('word') lists those with that word")
    return ENDPOINTS[name]


def _body(endpoint: Endpoint, body: Any) -> tuple[bytes | None, str | None]:
    if endpoint.body == "none":
        if body is not None:
            raise TypeError(f"{endpoint.name} takes no body: got {type(body).__name__}")
        return None, None
    if isinstance(body, str) and endpoint.body != "json":
        body = body.encode()
    sent = b"" if body is None else bytes(body) if isinstance(body, bytes | bytearray) else to_text(body)
    return sent, _CONTENT_TYPES[endpoint.body]
