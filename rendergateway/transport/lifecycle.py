"""The life of a gateway's connection: opened when first used, shared by contexts, left behind by pickles and forks."""

from __future__ import annotations

import os
import weakref
from collections import deque
from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING, Any

from rendergateway.configuration import configured
from rendergateway.errors import ClosedGatewayError, ConfigurationError
from rendergateway.transport.address import EMBEDDED, Address
from rendergateway.transport.credentials.credentials import Credentials, LeftBehind, as_credentials
from rendergateway.transport.forks import follow, keep, new_lock
from rendergateway.transport.hooks import Hooks
from rendergateway.transport.settings import Settings

if TYPE_CHECKING:
    from typing_extensions import Self

    from rendergateway.transport.connection import Carrier, Connection

__all__ = ["ServiceLife"]

# Where an embedded service answers, inside the process.
_EMBEDDED_URL = "http://embedded/render-ws/v1"


class _Ask:
    """Credentials that are still to be looked for; *left* says what signed in the process that this came from."""

    def __init__(self, find: Callable[[], Credentials | None] | None = None, left: str | None = None) -> None:
        self.find, self.left = find, left


class ServiceLife:
    """
    The connection to one service, and how it is shared.

    Parameters
    ----------
    address : str
        As `Gateway` takes it.
    auth : object
        As `as_credentials` takes it; None looks for credentials with *find_auth* when they are first needed.
    settings : Settings
        How requests are made.
    find_auth : callable
        Takes the base URL; returns the credentials that are configured for it.

    Attributes
    ----------
    server : str
        The base URL of the service, or ``embedded:PATH``.
    service_id : str
        What tells the service from others: two private ones have one address.
    settings : Settings
        How requests are made.
    hooks : Hooks
        Functions that are told of each request.
    """

    # What stays in the process: all else, fields of subclasses too, travels in a pickle.
    _STAYS: tuple[str, ...] = ("hooks", "_asked", "_auth", "_connection", "_contexts", "_inherited", "_lock", "_parent")

    def __init__(
        self, address: str, auth: object, settings: Settings, find_auth: Callable[[str], Credentials | None]
    ) -> None:
        if not isinstance(address, str):
            raise TypeError(f"an address is a text like 'localhost:8080' or 'embedded:PATH', not {address!r}")
        self._is_embedded = address.startswith(EMBEDDED)
        parsed = Address(_EMBEDDED_URL) if self._is_embedded else Address.parse(address)
        self.server = address if self._is_embedded else parsed.base_url
        # A private service is another one for each gateway, although all have one address.
        self.service_id = f"{address} {os.urandom(8).hex()}" if self._is_private else self.server
        self._base_url = parsed.base_url
        self.settings = settings
        self._is_closed = False
        self._version: dict[str, Any] | None = None
        self._begin(self._as_auth(auth if auth is not None else parsed.login, lambda: find_auth(self._base_url)))

    def _begin(self, auth: Credentials | _Ask | None, parent: Self | None = None) -> None:
        """Set up what belongs to this object in this process alone."""
        self.hooks: Hooks = parent.hooks if parent is not None else Hooks()
        self._auth = auth
        self._asked = False
        self._connection: Connection | None = None
        self._inherited: Carrier | None = None
        self._parent = parent
        self._contexts: weakref.WeakSet[ServiceLife] = weakref.WeakSet()
        self._lock = new_lock()
        follow(self)

    @property
    def _is_private(self) -> bool:
        return self._is_embedded and self.server.partition("?")[0] == EMBEDDED

    # Life

    def close(self) -> None:
        """
        Close all connections; a private embedded service goes with its data. Closing twice does no harm.

        A context that `using` made has no connections of its own: closing it closes it alone, and closing the gateway
        that it was made from ends it.
        """
        with self._lock:
            self._is_closed = True
            connection, self._connection = self._connection, None
        for context in list(self._contexts):
            context._connection = None
        if connection is not None and self._parent is None:
            connection.carrier.close()

    @property
    def is_closed(self) -> bool:
        """Whether the gateway, or the one that it shares its connections with, was closed and not opened since."""
        return self._is_closed or (self._parent is not None and self._parent.is_closed)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

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

                shared = self._parent._pool if self._parent is not None else None
                carrier = shared.carrier if shared is not None else self._new_carrier()
                self._connection = Connection(
                    self._base_url, self.settings, carrier=carrier, hooks=self.hooks, shared=shared
                )
            return self._connection

    def _new_carrier(self) -> Carrier | None:
        if self._inherited is not None:
            inherited, self._inherited = self._inherited, None
            return inherited.in_child()
        return _embedded_adapter(self.server) if self._is_embedded else None

    # Credentials

    @property
    def auth(self) -> Credentials | None:
        """
        What signs the requests: given, else configured for this server, else nothing.

        A context follows the gateway that it was made from, unless it was given credentials of its own.
        """
        if isinstance(self._auth, _Ask):
            if self._parent is not None:
                return self._parent.auth
            self._asked, self._auth = True, self._found(self._auth)
        return self._auth

    def change_auth(self, auth: object) -> None:
        """
        Sign with other credentials from the next request on, whatever wrapper makes it.

        Parameters
        ----------
        auth : (str, str), Credentials, callable, False or None
            As `Gateway` takes it; False for none at all, None for what is configured now.
        """
        self._auth = self._as_auth(auth, None)

    def _as_auth(self, auth: object, find: Callable[[], Credentials | None] | None) -> Credentials | _Ask | None:
        return _Ask(find) if auth is None and not self._is_embedded else as_credentials(auth)

    def _found(self, ask: _Ask) -> Credentials | None:
        from rendergateway.transport.credentials.stored import configured_credentials

        found = ask.find() if ask.find is not None else configured_credentials(self._base_url, configured())
        if found is None and ask.left is not None:
            return LeftBehind(ask.left, self._base_url)
        return found

    # Contexts, other processes

    def _context(self, auth: object, settings: Settings) -> Self:
        """Return an object of the same class, with the same fields, that shares this one's connections."""
        context = object.__new__(type(self))
        context.__dict__.update(self.__dict__)
        context.__dict__.pop("_ticket", None)
        context.settings = settings
        context._is_closed = False
        context._begin(_Ask() if auth is None else as_credentials(auth), self)
        self._contexts.add(context)
        return context

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        # It stands for a service and its connections; there is no second one.
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        if self._is_private:
            raise ConfigurationError("a private embedded service does not travel to another process; use embedded:PATH")
        with _travelling:
            ticket: str = self.__dict__.setdefault("_ticket", os.urandom(8).hex())
            _known[ticket] = self
        return _revive, (type(self), ticket, self.__getstate__())

    def __getstate__(self) -> dict[str, Any]:
        auth: Credentials | _Ask | None = self.auth
        if auth is None and self._asked:
            # Nothing was found here; the other process looks for itself.
            auth = _Ask()
        elif auth is not None and not getattr(auth, "travels", False):
            auth = _Ask(left=type(auth).__name__.lstrip("_"))
        return {name: value for name, value in self.__dict__.items() if name not in self._STAYS} | {"_auth": auth}

    def __setstate__(self, state: dict[str, Any]) -> None:
        auth = state.pop("_auth")
        self.__dict__.update(state)
        self._begin(auth)

    def _in_child(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None and self._parent is None:
            keep(connection)
            connection.carrier.leave_to_parent()
            self._inherited = connection.carrier


# Gateways of this process by the ticket that their pickles carry: what comes back, or comes twice, finds its gateway.
_known: weakref.WeakValueDictionary[str, ServiceLife] = weakref.WeakValueDictionary()
# Those that came from another process are kept for a while, so that the next task of a worker finds its connections.
_kept: deque[ServiceLife] = deque(maxlen=8)
_travelling = new_lock()


def _revive(life_class: type[ServiceLife], ticket: str, state: dict[str, Any]) -> ServiceLife:
    """Return this process's one object of that ticket."""
    with _travelling:
        life = _known.get(ticket)
        if life is None:
            life = object.__new__(life_class)
            life.__setstate__(state)
            _known[ticket] = life
            _kept.append(life)
        return life


def _embedded_adapter(address: str) -> Any:
    # The one step from the client to the service: by name, when it is asked for.
    try:
        from rendergateway.service.embedded import embedded_adapter
    except ImportError as error:
        raise ConfigurationError(
            f"the embedded service needs {error.name}: pip install 'rendergateway[service]'"
        ) from error
    return embedded_adapter(address)
