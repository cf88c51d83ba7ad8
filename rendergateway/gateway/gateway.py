"""The gateway: one object that knows a service and opens all others."""

from __future__ import annotations

import contextlib
import hashlib
import os
import weakref
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from types import TracebackType
from typing import TYPE_CHECKING, Any, NoReturn, TypedDict, TypeVar
from urllib.parse import urlsplit

from rendergateway import extensions
from rendergateway.configuration import Configuration, configured
from rendergateway.endpoints import ENDPOINTS, Endpoint
from rendergateway.endpoints.address import Address
from rendergateway.errors import ConfigurationError
from rendergateway.forks import new_lock
from rendergateway.gateway.openers import Openers
from rendergateway.geometry import checked_frame
from rendergateway.mutators import MarkedDict, changes_data, keep_marks
from rendergateway.progress import Progress
from rendergateway.transport import Credentials, Hooks, Retries, Settings
from rendergateway.transport.client import Client
from rendergateway.type_hints import resolvable_hints
from rendergateway.version import __version__
from rendergateway.visible_text import visible
from rendergateway.wrappers.core.arguments import as_part
from rendergateway.wrappers.core.blitz import GATEWAY_ALIASES, add_aliases
from rendergateway.wrappers.core.bulk import Bulk
from rendergateway.wrappers.core.keys import CollectionKey, Key
from rendergateway.wrappers.core.registry import ClassT, Registry
from rendergateway.wrappers.core.space import ObjectSpace

if TYPE_CHECKING:
    from typing_extensions import Self, Unpack

    from rendergateway.model.records.record import Record
    from rendergateway.model.records.render_parameters import RenderParameters
    from rendergateway.transport.answer import Answer, Sink
    from rendergateway.wrappers.core.object import ObjectWrapper
    from rendergateway.wrappers.images.picture import Picture

__all__ = ["Gateway", "GatewayOptions"]

S = TypeVar("S", bound="Sink")

# So many equal gateways of a process are numbered in their pickles.
_EQUAL_GATEWAYS = 8


class GatewayOptions(TypedDict, total=False):
    """Keyword arguments of `Gateway`."""

    owner: str | None
    project: str | None
    public_url: str | None
    auth: object
    retries: Retries | int | None
    timeout_s: float | None
    data_timeout_s: float | None
    budget_s: float | None
    answer_limit: int | None
    pool_size: int | None
    pool_block: bool | None
    headers: Mapping[str, str] | None
    ca: str | os.PathLike[str] | None
    cert: str | os.PathLike[str] | None
    cert_key: str | os.PathLike[str] | None
    registry: Registry | None
    image_paths: Mapping[str, str] | None
    remote_images: bool
    create: bool
    workers: int | None
    batch: int | None
    progress: Progress


@resolvable_hints
class Gateway(Openers):
    """
    A connection to one service, and access to the objects in it.

    Parameters
    ----------
    address : str, optional
        ``host:port``, a URL, ``embedded:PATH`` for a service in a file, ``embedded:`` for one that is deleted on close.
    owner, project : str, optional
        Defaults for calls that name none.
    public_url : str, optional
        Base URL of images for web pages, as browsers reach the service. Default: *address*.
    profile : str, optional
        Name of a profile in the configuration file.
    auth : (str, str), BearerToken, TokenFile, Credentials, callable or False, optional
        Signs each request; False for no credentials.
    retries : Retries or int, optional
        When safe requests are repeated, or how often.
    timeout_s, data_timeout_s, budget_s : float, optional
        Seconds to wait for a connection (10), for the next piece of data (120), and for a request with all its attempts
        (900).
    answer_limit : int, optional
        Maximum bytes of one answer (4 GiB).
    pool_size : int, optional
        Number of connections kept open (16).
    pool_block : bool, optional
        Whether a request waits for a free connection when all are in use, instead of opening another one.
    headers : mapping, optional
        Sent with every request; pass secrets as *auth*.
    ca : path, optional
        File or folder of certificates of trusted authorities. Default: ``REQUESTS_CA_BUNDLE``, else those of certifi.
    cert, cert_key : path, optional
        Files of the client's certificate and its key, not encrypted; one file may contain both.
    registry : Registry, optional
        Classes of objects by kind, over those of the default registry.
    image_paths : mapping of str to str, optional
        Prefixes of image paths as stored → prefixes on this machine, for images that are opened locally:
        ``{"/groups/": "/mnt/groups/"}``.
    remote_images : bool
        Whether images at ``http:``, ``https:``, ``s3:`` and similar URLs may be opened locally, through fsspec.
    create : bool
        Whether a missing database of an embedded service is created by the first request, even if it only reads. By
        default reading a missing one is an error, and the first write creates it.
    workers, batch : int, optional
        Defaults of long work: concurrent requests or threads (4), and objects per request (2000).
    progress : bool or callable, optional
        Default of long work, see `rendergateway.progress.tracking`; a bar on a terminal unless given.

    Raises
    ------
    ConfigurationError
        If no service is configured, or its address is invalid.

    Notes
    -----
    Parameters that are not given are read from environment and profile (`rendergateway.configuration`). Building a
    gateway makes no request and opens nothing. Gateways are thread-safe; they and their objects can be pickled for
    other processes, without sockets and secrets. A subclass keeps its class and its fields in gateways made by `using`
    and in other processes; `connect` is its hook.

    Examples
    --------
    >>> with Gateway("embedded:", owner="lab", project="cortex") as gateway:
    ...     stack = gateway.create_stack("montage")
    ...     print(stack.state)
    LOADING
    """

    def __init__(
        self,
        address: str | None = None,
        *,
        owner: str | None = None,
        project: str | None = None,
        public_url: str | None = None,
        profile: str | None = None,
        auth: object = None,
        retries: Retries | int | None = None,
        timeout_s: float | None = None,
        data_timeout_s: float | None = None,
        budget_s: float | None = None,
        answer_limit: int | None = None,
        pool_size: int | None = None,
        pool_block: bool | None = None,
        headers: Mapping[str, str] | None = None,
        ca: str | os.PathLike[str] | None = None,
        cert: str | os.PathLike[str] | None = None,
        cert_key: str | os.PathLike[str] | None = None,
        registry: Registry | None = None,
        image_paths: Mapping[str, str] | None = None,
        remote_images: bool = False,
        create: bool = False,
        workers: int | None = None,
        batch: int | None = None,
        progress: Progress = None,
    ) -> None:
        given = {
            "service": address,
            "owner": as_part(owner, "owner"),
            "project": as_part(project, "project"),
            "public_url": public_url,
            "retries": retries,
            "timeout_s": timeout_s,
            "data_timeout_s": data_timeout_s,
            "budget_s": budget_s,
            "answer_limit": answer_limit,
            "pool_size": pool_size,
            "pool_block": pool_block,
            "ca": ca,
            "cert": cert,
            "cert_key": cert_key,
        }
        configuration = configured(given, profile=profile)
        self.default_owner: str | None = configuration.get("owner")
        self.default_project: str | None = configuration.get("project")
        self.public_url: str | None = _public_url(configuration.get("public_url"))
        self.image_paths: dict[str, str] = MarkedDict(
            {theirs: _from_here(mine) for theirs, mine in (image_paths or {}).items()}
        )
        self.remote_images = remote_images
        self.match_frames: dict[CollectionKey, str] = MarkedDict()
        self.bulk = Bulk().with_given(workers=workers, batch=batch, progress=progress)
        self._client = Client(
            configuration.service,
            auth,
            Settings.of(headers=_headers(headers), **configuration.of_requests()),
            lambda base_url: _credentials(base_url, configuration),
            create=create,
        )
        self._begin(ObjectSpace(self, registry))

    def __init_subclass__(cls, **options: Any) -> None:
        """Mark overridden mutators."""
        super().__init_subclass__(**options)
        keep_marks(cls)

    def _begin(self, objects: ObjectSpace, ticket: str | None = None) -> None:
        """Set up the fields that belong to this object in this process; *ticket* is that of another process."""
        self.objects = objects
        self._in_frames: weakref.WeakValueDictionary[tuple[CollectionKey, str], Self] = weakref.WeakValueDictionary()
        self._client.on_write = objects.wrote
        with _reviving:
            self._ticket = self._free_ticket() if ticket is None else ticket
            _known[self._ticket] = self

    def _free_ticket(self) -> str:
        """
        Return a ticket: equal in processes that build equal gateways, so that pickles of their objects are equal.

        Of many equal gateways at a time, such as one per web request, most have a random one.
        """
        classes = {kind: f"{one.__module__}.{one.__qualname__}" for kind, one in self.registry.own_classes.items()}
        alike = (type(self).__qualname__, self.service_id, self.default_owner, self.default_project, self.public_url)
        paths = (self.image_paths, self.remote_images, self.match_frames)
        options = (*paths, self.settings, self.settings.headers, classes)
        digest = hashlib.blake2b(repr((alike, options)).encode(), digest_size=8).hexdigest()
        for ticket in (f"{digest}-{number}" for number in range(_EQUAL_GATEWAYS)):
            known = _known.get(ticket)
            if known is None or known.is_closed:
                return ticket
        return f"{digest}-{os.urandom(8).hex()}"

    @classmethod
    def from_env(cls, **options: Unpack[GatewayOptions]) -> Self:
        """
        Return a gateway to the service that the environment names.

        Parameters
        ----------
        **options
            Those of the class.

        Raises
        ------
        ConfigurationError
            If the environment names no service.
        """
        return cls(None, **options)

    @classmethod
    def from_profile(cls, name: str, **options: Unpack[GatewayOptions]) -> Self:
        """
        Return a gateway to the service of a profile in the configuration file.

        Parameters
        ----------
        name : str
            The profile.
        **options
            Those of the class; they take precedence over the profile.

        Raises
        ------
        ConfigurationError
            If the profile does not exist.
        """
        return cls(profile=name, **options)

    def using(
        self,
        *,
        owner: str | None = None,
        project: str | None = None,
        auth: object = None,
        retries: Retries | int | None = None,
        timeout_s: float | None = None,
        data_timeout_s: float | None = None,
        budget_s: float | None = None,
        answer_limit: int | None = None,
        workers: int | None = None,
        batch: int | None = None,
        progress: Progress = None,
    ) -> Self:
        """
        Return a second gateway to the same service with other options.

        It shares connections, hooks and registry, and a write through one invalidates the reads of both. Its objects
        are its own, equal to those of the first. It costs no request, and ends when either gateway is closed.

        Parameters
        ----------
        owner, project, retries, timeout_s, data_timeout_s, budget_s, answer_limit, workers, batch, progress : optional
            As for the class.
        auth : object, optional
            Its own credentials, as for the class. Default: those of the first gateway, also when they change.

        Examples
        --------
        >>> with Gateway("embedded:", owner="lab", project="cortex") as gateway:
        ...     tests = gateway.using(project="tests")
        ...     print(tests.create_stack("trial").project)
        tests
        """
        given = {
            "retries": retries,
            "timeout_s": timeout_s,
            "data_timeout_s": data_timeout_s,
            "budget_s": budget_s,
            "answer_limit": answer_limit,
        }
        return self._beside(
            default_owner=as_part(owner, "owner") or self.default_owner,
            default_project=as_part(project, "project") or self.default_project,
            bulk=self.bulk.with_given(workers=workers, batch=batch, progress=progress),
            _client=self._client.context(auth, self._client.settings.with_given(**given)),
        )

    def in_frame(self, collection: CollectionKey, frame: str) -> Self:
        """
        Return a second gateway, like those made by `using`, with the frame of one match collection set.

        Parameters
        ----------
        collection : CollectionKey
            The match collection.
        frame : str
            See `MatchCollectionWrapper.frame`.
        """
        if self.match_frames.get(collection) == checked_frame(frame):
            return self
        known = self._in_frames.get((collection, frame))
        if known is not None:
            return known
        frames = MarkedDict({**self.match_frames, collection: frame})
        context = self._beside(match_frames=frames, _client=self._client.context(None, self._client.settings))
        return self._in_frames.setdefault((collection, frame), context)

    def _beside(self, **fields: Any) -> Self:
        """Return a second gateway over the same connections, with other values of these fields."""
        context = object.__new__(type(self))
        context.__dict__.update(self.__dict__, **fields)
        context._begin(self.objects.beside(context))
        return context

    def __repr__(self) -> str:
        names = "/".join(filter(None, [self.default_owner, self.default_project]))
        return visible(f"<{type(self).__name__} {self.server}{' ' + names if names else ''}>")

    # Connection

    @property
    def server(self) -> str:
        """The base URL of the service, or ``embedded:PATH``."""
        return self._client.server

    @property
    def service_id(self) -> str:
        """Identifies the service: each private embedded one has an id of its own."""
        return self._client.service_id

    @property
    def settings(self) -> Settings:
        """Time limits, pool, retries and headers of requests."""
        return self._client.settings

    @property
    def hooks(self) -> Hooks:
        """Functions called for each request."""
        return self._client.hooks

    def connect(self) -> Self:
        """
        Check that the service is reachable; reopen the gateway if it was closed.

        Called on entering ``with``; subclasses override it to load whatever they need from the service.

        Notes
        -----
        One request, ``service.version``, once. Any other request connects as well.

        Raises
        ------
        ConnectionFailedError, TimedOutError, AddressError
            If the service is unreachable.
        """
        self._client.connect()
        return self

    def close(self) -> None:
        """
        Close all connections; a private embedded service is deleted with its data. Closing twice is a no-op.

        A gateway made by `using` has no connections of its own: closing it closes it alone, and closing the gateway
        that it was made from closes both.
        """
        self._client.close()

    @property
    def is_closed(self) -> bool:
        """Whether the gateway, or the one whose connections it shares, is closed."""
        return self._client.is_closed

    def __enter__(self) -> Self:
        # Subclasses override connect(), and an override may return None.
        self.connect()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def auth(self) -> Credentials | None:
        """
        The credentials that sign requests: those given, else those configured for this server, else None.

        A gateway made by `using` without credentials uses those of the gateway it was made from.
        """
        return self._client.auth

    @changes_data
    def change_auth(self, auth: object) -> None:
        """
        Replace the credentials, for the next request of any object on.

        Parameters
        ----------
        auth : (str, str), Credentials, callable, False or None
            As for the class; False for none, None for those configured now.
        """
        self._client.change_auth(auth)

    # Requests

    def call(self, name: str, /, *, body: Any = None, **values: Any) -> Any:
        """
        Make one request by endpoint name.

        Parameters
        ----------
        name : str
            A name listed by `endpoints`.
        body : optional
            Request body: JSON text as bytes, a record, or plain values; text for endpoints that take text.
        **values
            Path and query values.

        Returns
        -------
        object
            Parsed JSON, text or bytes, depending on the endpoint; None for an answer without content (204).

        Raises
        ------
        KeyError
            If no endpoint has that name.
        TypeError, ValueError
            If a value is missing, unknown or of the wrong type.
        RequestError
            If the request fails or is refused.
        """
        return self._client.call(name, body=body, **values)

    def call_raw(self, name: str, /, *, body: Any = None, **values: Any) -> bytes:
        """Make one request like `call`; return the body of the answer as bytes."""
        return self._client.call_raw(name, body=body, **values)

    def call_into(self, name: str, sink: Callable[[], S], /, **values: Any) -> S:
        """
        Make one request for a JSON list; write the answer to a sink, piece by piece as it arrives.

        Parameters
        ----------
        name : str
            A name listed by `endpoints`.
        sink : callable
            Called without arguments for each attempt; returns an object with a method ``write``, like `io.BytesIO`.
        **values
            Path and query values.

        Returns
        -------
        Sink
            That of the attempt which succeeded.

        Raises
        ------
        AnswerError
            If the list is truncated. If the sink has a method ``finish``, it is called after the last piece; the
            `RecordError` that it raises for other text than JSON is an `AnswerError`, too.
        KeyError, TypeError, ValueError, RequestError
            As for `call`.
        """
        return self._client.call_into(name, sink, **values)

    def request(
        self,
        method: str,
        *segments: str,
        params: Mapping[str, Any] | None = None,
        data: Any = None,
        **others: NoReturn,
    ) -> Answer:
        """
        Make a request to any path below the service's version, listed in the endpoint table or not.

        Parameters
        ----------
        method : str
            HTTP method.
        *segments : str
            Path segments; each is percent-encoded.
        params : mapping, optional
            Query values; each is percent-encoded, a list repeats its name.
        data : optional
            Request body: bytes, or values to encode as JSON.

        Returns
        -------
        Answer
            With ``json()``, ``text``, ``content``, ``status`` and ``headers``.
        """
        if others:
            raise TypeError(
                f"request() does not take {', '.join(others)}; it takes the body as data=, query values as params="
            )
        wrong = [part for part in segments if not isinstance(part, str | int | float)]
        if wrong:
            raise TypeError(f"path segments must be texts, each an argument of its own: got {wrong[0]!r}")
        return self._client.request(method, *segments, params=params, data=data)

    def endpoints(self, word: str = "") -> list[Endpoint]:
        """Return the endpoints with *word* in their name or path; all endpoints by default."""
        word = str(word).lower()
        return [endpoint for endpoint in ENDPOINTS.values() if word in endpoint.name or word in endpoint.path.lower()]

    @changes_data
    def counting(self) -> contextlib.AbstractContextManager[list[str]]:
        """
        Record requests: return a context that yields a list of the endpoint names of all requests made in it.

        Requests of gateways made from this one by `using` are included.

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
        return self._client.counting()

    def version_info(self) -> dict[str, Any]:
        """
        Return the service's build information; empty if it reports none.

        Notes
        -----
        One request, ``service.version``; the answer is cached.
        """
        return dict(self._client.version_info())

    # Objects

    @property
    def registry(self) -> Registry:
        """The class of each kind of object of this gateway."""
        return self.objects.registry

    @changes_data
    def register(self, wrapper_class: ClassT, *, replace: bool = False) -> ClassT:
        """
        Register a subclass of a wrapper for its kind in this gateway, from the next wrap on; usable as a decorator.

        Parameters and errors are those of `Registry.register`.
        """
        return self.registry.register(wrapper_class, replace=replace)

    @changes_data
    @contextlib.contextmanager
    def registered(self, *wrapper_classes: type[ObjectWrapper[Any]], replace: bool = False) -> Iterator[Self]:
        """Register classes for their kinds within the block; see `Registry.registered`."""
        with self.registry.registered(*wrapper_classes, replace=replace):
            yield self

    @changes_data
    def wrap(self, kind: str, key: Key, record: Record | None = None, **extra: Any) -> Any:
        """
        Return the object of that kind and key: the live one, or a new one of the registered class.

        Parameters
        ----------
        kind : str
            ``KIND`` of the class, such as ``'stack'``.
        key : tuple
            One of `rendergateway.wrappers.core.keys`.
        record : Record, optional
            The record, if it is known.
        **extra
            Passed to ``__prepare__`` of a new object.
        """
        return self.objects.wrap(kind, key, record, **extra)

    # Pictures

    def render(self, recipe: RenderParameters, *, dtype: Any = None, compute: str = "service") -> Picture:
        """
        Draw a recipe, such as ``tile.render_parameters()`` returns.

        Parameters
        ----------
        recipe : RenderParameters
            Images, transforms, filters and box; the images may belong to any stack, or to none.
            ``recipe.evolve(…)`` changes it.
        dtype : {'uint8', 'uint16'}, optional
            A service draws recipes in 8 bits only.
        compute : {'service', 'local'}
            See `PictureOptions`.

        Raises
        ------
        ImageError
            If the picture would have no pixels or too many, or cannot be drawn locally.
        TypeError
            If *recipe* is something else.
        ServiceError
            If the service refuses; its message names tile and file.

        Notes
        -----
        One request, ``recipe.png``; none if it is drawn locally.
        """
        from rendergateway.wrappers.images.options import PictureOptions
        from rendergateway.wrappers.images.render import recipe_picture

        return recipe_picture(self, recipe, PictureOptions(dtype=dtype, compute=compute))

    @property
    def image_base_url(self) -> str:
        """
        The base URL of images for web pages.

        ``public_url`` if it is set, else the address of the service; for an embedded one, which has none, the path.
        """
        if self.public_url is not None:
            return self.public_url
        base_url = self._client.base_url
        return urlsplit(base_url).path if self._client.is_embedded else base_url

    @changes_data
    def pinned(self, after_request: Callable[[Any, str, Mapping[str, Any], bytes], object]) -> Self:
        """
        Return a second gateway that calls a function after each of its requests; see `StackWrapper.pinned`.

        Parameters
        ----------
        after_request : callable
            Called with the second gateway, endpoint name, path and query values, and the body of the answer.
        """
        context = self.using()
        context._client.after_request = partial(after_request, context)
        return context

    # Other processes

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        # A gateway represents one service and its connections; a copy would be a second owner of both.
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        if self._client.after_request is not None:
            raise ConfigurationError("a pinned stack cannot be pickled; pin it in the other process")
        self._client.check_picklable()
        return _revive, (type(self), self.__getstate__(), extensions.portable())

    def __getstate__(self) -> dict[str, Any]:
        here = ("objects", "_in_frames", "_ticket")
        state = {name: value for name, value in self.__dict__.items() if name not in here}
        # A progress function belongs to this process.
        bulk = self.bulk if not callable(self.bulk.progress) else Bulk(workers=self.bulk.workers, batch=self.bulk.batch)
        return {**state, "bulk": bulk, "registry": self.registry, "ticket": self._ticket}

    def __setstate__(self, state: dict[str, Any]) -> None:
        registry, ticket = state.pop("registry"), state.pop("ticket")
        self.__dict__.update(state)
        self._begin(ObjectSpace(self, registry), ticket)

    if TYPE_CHECKING:
        # Names of Blitz Gateway, added from the table in wrappers/core/blitz.py.
        getObject = Openers.get_object  # noqa: N815
        getObjects = Openers.get_objects  # noqa: N815
        listProjects = Openers.projects  # noqa: N815


# Gateways of this process by the ticket in their pickles: unpickling a gateway twice, or in the process that
# pickled it, returns the same object.
_known: weakref.WeakValueDictionary[str, Gateway] = weakref.WeakValueDictionary()
# Gateways from other processes are kept alive for a while, so that a worker's next task reuses their connections.
_kept: deque[Gateway] = deque(maxlen=8)
_reviving = new_lock()


def _revive(
    gateway_class: type[Gateway], state: dict[str, Any], registered: Mapping[str, Mapping[str, bytes]]
) -> Gateway:
    """Return the one gateway of this process with that ticket."""
    extensions.receive(registered)
    with _reviving:
        gateway = _known.get(state["ticket"])
        if gateway is None:
            gateway = object.__new__(gateway_class)
            gateway.__setstate__(state)
            _kept.append(gateway)
        return gateway


add_aliases(Gateway, GATEWAY_ALIASES)
# A template must not close the gateway, nor call what may write.
for _method in (Gateway.call, Gateway.call_into, Gateway.call_raw, Gateway.close, Gateway.connect, Gateway.request):
    changes_data(_method)


def _public_url(text: str | None) -> str | None:
    # Without a password: the pages are public.
    return None if text is None else Address.parse(text).base_url


def _from_here(prefix: str) -> str:
    """Return a prefix of image paths that is the same wherever this process, or another one, is."""
    is_url = ":" in prefix.partition("/")[0]
    return prefix if is_url else os.path.join(os.getcwd(), prefix)


def _headers(headers: Mapping[str, str] | None) -> dict[str, str]:
    return {"User-Agent": f"rendergateway/{__version__}", **(headers or {})}


def _credentials(base_url: str, configuration: Configuration) -> Credentials | None:
    from rendergateway.transport.credentials.stored import configured_credentials

    return configured_credentials(base_url, configuration)
