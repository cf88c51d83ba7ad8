"""Connection lifecycle: opened lazily, shared by contexts, reopened after unpickling and forking."""

from __future__ import annotations

import os
import weakref
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, unquote

from rendergateway.configuration import configured
from rendergateway.endpoints.address import EMBEDDED, Address
from rendergateway.errors import ClosedGatewayError, ConfigurationError
from rendergateway.forks import follow, keep, new_lock
from rendergateway.transport.credentials.basic import Credentials, LeftBehind, as_credentials
from rendergateway.transport.exchange import Hooks
from rendergateway.transport.settings import Settings

if TYPE_CHECKING:
    from typing_extensions import Self

    from rendergateway.transport.connection import Carrier, Connection

__all__ = ["Lifecycle"]

# Base URL of an embedded service; requests to it never leave the process.
_EMBEDDED_URL = "http://embedded/render-ws/v1"


class _Ask:
    """Credentials still to be looked up; *left* names the class that signed requests before this was pickled."""

    def __init__(self, find: Callable[[], Credentials | None] | None = None, left: str | None = None) -> None:
        self.find, self.left = find, left


class Lifecycle:
    """
    The connection to one service, shared with contexts made from it.

    Parameters
    ----------
    address : str
        Address in the form that `Gateway` accepts.
    auth : object
        Credentials in a form that `as_credentials` accepts; None calls *find_auth* when they are first needed.
    settings : Settings
        Time limits, pool, retries and headers.
    find_auth : callable
        Takes the base URL; returns the credentials configured for it.
    create : bool
        Whether an embedded service creates a missing database when it is opened, instead of at the first write.

    Attributes
    ----------
    server : str
        The base URL of the service, or ``embedded:PATH``.
    service_id : str
        Identifies the service; differs between two private embedded services, which have the same address.
    settings : Settings
        Time limits, pool, retries and headers.
    hooks : Hooks
        Functions called for each request.
    on_write : callable
        Called with the path values of each request that may have changed something, even if it failed.
    after_request : callable, optional
        Called with endpoint name, values and body of each answer.
    """

    # Fields that belong to one process.
    _NOT_PICKLED: tuple[str, ...] = (
        "hooks",
        "on_write",
        "after_request",
        "_asked",
        "_auth",
        "_connection",
        "_contexts",
        "_inherited",
        "_lock",
        "_parent",
        "_version",
    )

    def __init__(
        self,
        address: object,
        auth: object,
        settings: Settings,
        find_auth: Callable[[str], Credentials | None],
        *,
        create: bool = False,
    ) -> None:
        if not isinstance(address, str):
            raise TypeError(
                f"the address must be a text like 'localhost:8080' or 'embedded:PATH': got {type(address).__name__}"
            )
        self.is_embedded = address.startswith(EMBEDDED)
        parsed = Address(_EMBEDDED_URL) if self.is_embedded else Address.parse(address)
        self.server = _absolute(address) if self.is_embedded else parsed.base_url
        # Each gateway starts a private service of its own, although all have the same address.
        self.service_id = f"{self.server} {os.urandom(8).hex()}" if self._is_private else self.server
        self.base_url = parsed.base_url
        self.settings = settings
        self._create = create
        self._is_closed = False
        self._begin(self._as_auth(auth if auth is not None else parsed.login, lambda: find_auth(self.base_url)))

    def _begin(self, auth: Credentials | _Ask | None, parent: Self | None = None) -> None:
        """Set up the fields that belong to this process only."""
        self.hooks: Hooks = parent.hooks if parent is not None else Hooks()
        self._auth = auth
        self._asked = False
        self._version: dict[str, Any] | None = parent._version if parent is not None else None
        self._connection: Connection | None = None
        self._inherited: Carrier | None = None
        self._parent = parent
        self._contexts: weakref.WeakSet[Lifecycle] = weakref.WeakSet()
        self._lock = new_lock()
        self.on_write: Callable[[Mapping[str, Any]], object] = _ignore
        self.after_request: Callable[[str, Mapping[str, Any], bytes], object] | None = None
        follow(self)

    @property
    def _is_private(self) -> bool:
        return self.is_embedded and self.server.partition("?")[0] == EMBEDDED

    # Life

    def close(self) -> None:
        """
        Close all connections; a private embedded service is deleted with its data. Closing twice is a no-op.

        A context returned by `using` shares the connections of its gateway: closing the context leaves them open,
        closing the gateway closes its contexts too.
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
        """Whether the gateway, or the gateway whose connections it shares, is closed."""
        return self._is_closed or (self._parent is not None and self._parent.is_closed)

    @property
    def _pool(self) -> Connection:
        connection = self._connection
        return connection if connection is not None else self._open()

    def _open(self) -> Connection:
        with self._lock:
            if self._is_closed:
                raise ClosedGatewayError(f"the gateway to {self.server} is closed; connect() reopens it")
            if self._connection is None:
                from rendergateway.transport.connection import Connection

                shared = self._parent._pool if self._parent is not None else None
                carrier = shared.carrier if shared is not None else self._new_carrier()
                self._connection = Connection(
                    self.base_url, self.settings, carrier=carrier, hooks=self.hooks, shared=shared
                )
            return self._connection

    def _new_carrier(self) -> Carrier | None:
        if self._inherited is not None:
            inherited, self._inherited = self._inherited, None
            return inherited.in_child()
        return _embedded_adapter(self.server, self._create) if self.is_embedded else None

    # Credentials

    @property
    def auth(self) -> Credentials | None:
        """
        Credentials that sign the requests: those passed in, else those configured for this server, else None.

        A context without credentials of its own uses those of the gateway it was made from.
        """
        if isinstance(self._auth, _Ask):
            if self._parent is not None:
                return self._parent.auth
            self._asked, self._auth = True, self._found(self._auth)
        return self._auth

    def change_auth(self, auth: object) -> None:
        """
        Replace the credentials, from the next request of any wrapper on.

        Parameters
        ----------
        auth : (str, str), Credentials, callable, False or None
            Credentials in a form that `Gateway` accepts; False for none, None for the credentials configured now.
        """
        self._auth = self._as_auth(auth, None)

    def _as_auth(self, auth: object, find: Callable[[], Credentials | None] | None) -> Credentials | _Ask | None:
        return _Ask(find) if auth is None and not self.is_embedded else as_credentials(auth)

    def _found(self, ask: _Ask) -> Credentials | None:
        from rendergateway.transport.credentials.stored import configured_credentials

        found = ask.find() if ask.find is not None else configured_credentials(self.base_url, configured())
        if found is None and ask.left is not None:
            return LeftBehind(ask.left, self.base_url)
        return found

    # Contexts, other processes

    def context(self, auth: object, settings: Settings) -> Self:
        """Return a copy that shares the connections of this object."""
        context = object.__new__(type(self))
        context.__dict__.update(self.__dict__)
        context.settings = settings
        context._is_closed = False
        context._begin(_Ask() if auth is None else as_credentials(auth), self)
        self._contexts.add(context)
        return context

    def check_picklable(self) -> None:
        """Raise `ConfigurationError` if the service lives in this process only."""
        if self._is_private:
            raise ConfigurationError("a private embedded service cannot be pickled; use embedded:PATH")

    def __getstate__(self) -> dict[str, Any]:
        auth: Credentials | _Ask | None = self.auth
        if auth is None and self._asked:
            # This process found no credentials; the other one does its own lookup.
            auth = _Ask()
        elif auth is not None and not getattr(auth, "travels", False):
            auth = _Ask(left=type(auth).__name__.lstrip("_"))
        return {name: value for name, value in self.__dict__.items() if name not in self._NOT_PICKLED} | {"_auth": auth}

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


def _absolute(address: str) -> str:
    """Return the address of an embedded service wherever this process, or another one, is."""
    path, mark, query = address.removeprefix(EMBEDDED).partition("?")
    if path:
        path = quote(os.path.abspath(os.path.expanduser(unquote(path))))
    return f"{EMBEDDED}{path}{mark}{query}"


def _ignore(values: Mapping[str, Any]) -> None:
    """Do nothing."""


def _embedded_adapter(address: str, create: bool) -> Any:
    # The only import of the service by the client: at run time, if an embedded service is requested.
    from rendergateway.service.embedded import embedded_adapter

    return embedded_adapter(address, create=create)
