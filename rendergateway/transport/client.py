"""Requests by the names of their endpoints: what a gateway has beside its objects."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

from rendergateway.endpoints import ENDPOINTS, Endpoint
from rendergateway.model.records.record import to_text
from rendergateway.transport.lifecycle import ServiceLife
from rendergateway.transport.outgoing import Outgoing
from rendergateway.transport.quiet import check_planned

if TYPE_CHECKING:
    from typing_extensions import Self

    from rendergateway.transport.answer import Answer

__all__ = ["ServiceCalls"]

_CONTENT_TYPES = {
    "json": "application/json",
    "verbatim": "application/json",
    "any": "application/json",
    "text": "text/plain",
}


class ServiceCalls(ServiceLife):
    """Requests to one service; parameters and attributes are those of `ServiceLife`."""

    def connect(self) -> Self:
        """
        Make sure that the service answers; open the gateway again if it was closed.

        The hook of subclasses for what they need from the service: `Gateway` calls it on entering ``with``.

        Notes
        -----
        One request, ``service.version``, once. Any other request connects as well.

        Raises
        ------
        ConnectionFailedError, TimedOutError, AddressError
            If it does not.
        """
        self._is_closed = False
        self.version_info()
        return self

    def __enter__(self) -> Self:
        # connect() is a hook: that of a subclass may return nothing.
        self.connect()
        return self

    def call(self, name: str, /, *, body: Any = None, **values: Any) -> Any:
        """
        Make one request by the name of its endpoint.

        Parameters
        ----------
        name : str
            As `endpoints` lists them.
        body : optional
            What is sent: JSON text as bytes, a record, or plain values; text where the endpoint takes text.
        **values
            The values of path and query.

        Returns
        -------
        object
            Parsed JSON, text or bytes, by the endpoint's answer; None where there is nothing (204).

        Raises
        ------
        KeyError
            If there is no endpoint of that name.
        TypeError, ValueError
            If a value is missing, unknown or not of its type.
        RequestError
            If the request fails or is refused.
        """
        endpoint = _endpoint(name)
        answer = self._send(endpoint, body, values)
        if endpoint.answer == "empty" or answer.status == 204:
            return None
        if endpoint.answer == "text":
            return answer.text
        return answer.content if endpoint.answer == "bytes" else answer.json()

    def fetch(self, name: str, /, *, body: Any = None, **values: Any) -> bytes:
        """Make one request as `call` does and return the answer as it came, not parsed."""
        return self._send(_endpoint(name), body, values).content

    def request(self, method: str, *segments: str, params: Mapping[str, Any] | None = None, data: Any = None) -> Answer:
        """
        Make a request to any path below the service's version, in the table of endpoints or not.

        Parameters
        ----------
        method : str
            HTTP method.
        *segments : str
            The parts of the path between slashes; each is quoted.
        params : mapping, optional
            The query; each value is quoted, a list repeats its name.
        data : optional
            Bytes, or what is sent as JSON.

        Returns
        -------
        Answer
            With ``json()``, ``text``, ``content``, ``status`` and ``headers``.
        """
        path = "".join("/" + quote(str(segment), safe="") for segment in segments)
        query = f"?{urlencode(params, doseq=True, quote_via=quote)}" if params else ""
        body = None if data is None else data if isinstance(data, bytes) else to_text(data)
        kind = "application/json" if body is not None else None
        is_safe = method.upper() in ("GET", "HEAD")
        check_planned(self.server)
        return self._pool.send(Outgoing("request", method.upper(), path + query, body, kind, is_safe), self.auth)

    def endpoints(self, word: str = "") -> list[Endpoint]:
        """Return the endpoints with *word* in their name or path; all without one."""
        word = word.lower()
        return [endpoint for endpoint in ENDPOINTS.values() if word in endpoint.name or word in endpoint.path.lower()]

    @contextlib.contextmanager
    def counting(self) -> Iterator[list[str]]:
        """
        Count requests: yield a list to which the endpoint of each request of this gateway is added.

        Examples
        --------
        >>> from rendergateway import Gateway
        >>> gateway = Gateway("embedded:", owner="lab")
        >>> with gateway.counting() as requests:
        ...     stacks = gateway.stacks()
        ...     assert requests == []
        ...     count = len(stacks)
        >>> requests
        ['stack.list']
        """
        counter: list[str] = []
        stop = self._pool.count_into(counter)
        try:
            yield counter
        finally:
            stop()

    def version_info(self) -> dict[str, Any]:
        """
        Return what the service says of its build; empty where it says nothing.

        Notes
        -----
        One request, ``service.version``, once.
        """
        if self._version is None:
            self._version = self.call("service.version") or {}
        return self._version

    def _send(self, endpoint: Endpoint, body: Any, values: Mapping[str, Any]) -> Answer:
        check_planned(self.server)
        sent, kind = _body(endpoint, body)
        outgoing = Outgoing(endpoint.name, endpoint.method, endpoint.url(values), sent, kind, endpoint.safe_to_repeat)
        try:
            answer = self._pool.send(outgoing, self.auth)
            answer.check_kind(endpoint.answer)
            return answer
        finally:
            # Even a write that failed may have been carried out.
            if endpoint.effect != "read":
                self._wrote(values)

    def _wrote(self, values: Mapping[str, Any]) -> None:
        """Take note of a request that may have changed what *values* name."""


def _endpoint(name: str) -> Endpoint:
    if name not in ENDPOINTS:
        raise KeyError(f"there is no endpoint {name!r}; gateway.endpoints('word') lists those with that word")
    return ENDPOINTS[name]


def _body(endpoint: Endpoint, body: Any) -> tuple[bytes | None, str | None]:
    if endpoint.body == "none":
        if body is not None:
            raise TypeError(f"{endpoint.name} takes no body")
        return None, None
    if isinstance(body, str) and endpoint.body != "json":
        body = body.encode()
    sent = b"" if body is None else bytes(body) if isinstance(body, bytes | bytearray) else to_text(body)
    return sent, _CONTENT_TYPES[endpoint.body]
