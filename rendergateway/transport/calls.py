"""Requests by the names of their endpoints: what a gateway has beside its objects."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator, Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

from rendergateway.endpoints import ENDPOINTS, Endpoint
from rendergateway.errors import ClosedGatewayError, ConfigurationError
from rendergateway.model.record import to_text
from rendergateway.transport.address import EMBEDDED, Address
from rendergateway.transport.answer import Answer
from rendergateway.transport.credentials import as_credentials
from rendergateway.transport.hooks import Hooks
from rendergateway.transport.outgoing import Outgoing

if TYPE_CHECKING:
    from typing_extensions import Self

    from rendergateway.transport.connection import Connection

__all__ = ["ServiceCalls"]

# Where an embedded service answers, inside the process.
_EMBEDDED_URL = "http://embedded/render-ws/v1"
_CONTENT_TYPES = {
    "json": "application/json",
    "verbatim": "application/json",
    "any": "application/json",
    "text": "text/plain",
}


class ServiceCalls:
    """
    Requests to one service.

    Parameters
    ----------
    address : str
        As `Gateway` takes it.
    auth : object
        As `as_credentials` takes it.
    **options
        As `Connection` takes them.

    Attributes
    ----------
    server : str
        The base URL of the service, or ``embedded:PATH``.
    hooks : Hooks
        Functions that are told of each request.
    """

    def __init__(self, address: str, auth: object, **options: Any) -> None:
        self.hooks = Hooks()
        self._is_embedded = address.startswith(EMBEDDED)
        parsed = Address(_EMBEDDED_URL) if self._is_embedded else Address.parse(address)
        self.server = address if self._is_embedded else parsed.base_url
        self._base_url = parsed.base_url
        self._credentials = as_credentials(auth if auth is not None else parsed.login)
        self._options = options
        self._connection: Connection | None = None
        self._is_closed = False
        self._version: dict[str, Any] | None = None
        self._lock = threading.RLock()

    def connect(self) -> Self:
        """
        Make sure that the service answers; open the gateway again if it was closed.

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

    def close(self) -> None:
        """Close all connections; a private embedded service goes with its data. Closing twice does no harm."""
        with self._lock:
            self._is_closed = True
            connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    @property
    def is_closed(self) -> bool:
        """Whether the gateway was closed, and not opened since."""
        return self._is_closed

    def __enter__(self) -> Self:
        return self.connect()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

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
        return self._pool.send(Outgoing("request", method.upper(), path + query, body, kind, is_safe))

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
        sent, kind = _body(endpoint, body)
        outgoing = Outgoing(endpoint.name, endpoint.method, endpoint.url(values), sent, kind, endpoint.safe_to_repeat)
        try:
            return self._pool.send(outgoing)
        finally:
            # Even a write that failed may have been carried out.
            if endpoint.effect != "read":
                self._wrote(values)

    def _wrote(self, values: Mapping[str, Any]) -> None:
        """Take note of a request that may have changed what *values* name."""

    @property
    def _pool(self) -> Connection:
        connection = self._connection
        return connection if connection is not None else self._open()

    def _open(self) -> Connection:
        with self._lock:
            if self._is_closed:
                raise ClosedGatewayError(f"{self!r} was closed; connect() opens it again")
            if self._connection is None:
                from rendergateway.transport.connection import Connection

                adapter = _embedded_adapter(self.server) if self._is_embedded else None
                self._connection = Connection(
                    self._base_url,
                    adapter=adapter,
                    credentials=self._credentials,
                    hooks=self.hooks,
                    **self._options,
                )
            return self._connection


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


def _embedded_adapter(address: str) -> Any:
    # The one step from the client to the service: by name, when it is asked for.
    try:
        from rendergateway.service.launch import embedded_adapter
    except ImportError as error:
        raise ConfigurationError(
            f"the embedded service needs {error.name}: pip install 'rendergateway[service]'"
        ) from error
    return embedded_adapter(address)
