"""The gateway: one object that knows a service and hands out all others."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from rendergateway.configuration import Configuration, configured
from rendergateway.endpoints.endpoint import STATES
from rendergateway.errors import BadRequestError, ConfigurationError, NotFoundError
from rendergateway.transport import Credentials, Retries, Settings
from rendergateway.transport.calls import ServiceCalls
from rendergateway.version import __version__
from rendergateway.wrappers import (
    GATEWAY_ALIASES,
    Collection,
    MatchCollectionWrapper,
    ObjectWrapper,
    OwnerWrapper,
    ProjectWrapper,
    Registry,
    StackWrapper,
    add_aliases,
)
from rendergateway.wrappers.choosing import Like
from rendergateway.wrappers.collection import Listing
from rendergateway.wrappers.describing import is_there, new_version
from rendergateway.wrappers.keys import CollectionKey, OwnerKey, ProjectKey, StackKey
from rendergateway.wrappers.living import LivingObjects
from rendergateway.wrappers.match_world import checked_frame
from rendergateway.wrappers.templates import changes_data
from rendergateway.wrappers.temporary import deleted_at_the_end, temporary_name

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["Gateway"]


class Gateway(LivingObjects, ServiceCalls):
    """
    The way to one service and to the objects in it.

    Parameters
    ----------
    address : str, optional
        ``host:port``, a URL, ``embedded:PATH`` for a service in a file, ``embedded:`` for one that goes on close.
    owner, project : str, optional
        Whose stacks are meant where a call does not say.
    profile : str, optional
        Name of a profile in the configuration file.
    auth : (str, str), BearerToken, TokenFile, Credentials, callable or False, optional
        Signs each request; False for none at all.
    retries : Retries or int, optional
        When a request that may be repeated is; a number for how often.
    timeout_s, data_timeout_s, budget_s : float, optional
        Seconds to wait for a connection (10), for each next piece of data (120), and for a request with all its
        attempts (900).
    answer_limit : int, optional
        Most bytes of one answer (4 GiB).
    pool_size : int, optional
        Connections kept open (16).
    pool_block : bool, optional
        Whether a request waits for a free connection when all are in use; else another one is opened.
    headers : mapping, optional
        Sent with every request; secrets are for *auth*.
    registry : Registry, optional
        Which classes stand for which kinds, beside those of the default registry.

    Raises
    ------
    ConfigurationError
        If nothing says which service is meant, or its address is none.

    Notes
    -----
    What is not given, environment and profile say (`rendergateway.configuration`). Building one makes no request and
    opens nothing. One gateway may be used from any number of threads; it travels to other processes without sockets
    and secrets, and so does every object of it. A subclass keeps its class and its fields in what `using` makes and in
    other processes; `connect` is its hook.

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
        registry: Registry | None = None,
    ) -> None:
        given = {
            "service": address,
            "owner": owner,
            "project": project,
            "retries": retries,
            "timeout_s": timeout_s,
            "data_timeout_s": data_timeout_s,
            "budget_s": budget_s,
            "answer_limit": answer_limit,
            "pool_size": pool_size,
            "pool_block": pool_block,
        }
        configuration = configured(given, profile=profile)
        self.default_owner: str | None = configuration.get("owner")
        self.default_project: str | None = configuration.get("project")
        self._match_frames: dict[CollectionKey, str] = {}
        LivingObjects.__init__(self, registry)
        ServiceCalls.__init__(
            self,
            configuration.service,
            auth,
            Settings.of(headers=_headers(headers), **configuration.of_requests()),
            lambda base_url: _credentials(base_url, configuration),
        )

    @classmethod
    def from_env(cls, **options: Any) -> Self:
        """
        Return a gateway to the service that the environment names.

        Parameters
        ----------
        **options
            As the class takes them, but for an address.

        Raises
        ------
        ConfigurationError
            If the environment names none.
        """
        return cls(None, **options)

    @classmethod
    def from_profile(cls, name: str, **options: Any) -> Self:
        """
        Return a gateway to the service of a profile in the configuration file.

        Parameters
        ----------
        name : str
            The profile.
        **options
            As the class takes them; they count more than what the profile says.

        Raises
        ------
        ConfigurationError
            If there is no such profile.
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
    ) -> Self:
        """
        Return a second gateway to the same service that differs in what is given, and shares all else.

        It shares connections, hooks and registry; what is written through one makes what the other read old. Objects
        are its own, and equal to those of the first. It costs no request, and lives until either is closed.

        Parameters
        ----------
        owner, project : str, optional
            Whose stacks are meant where a call does not say.
        auth : object, optional
            Its own credentials, as the class takes them; it follows those of the first gateway unless given.
        retries, timeout_s, data_timeout_s, budget_s, answer_limit : optional
            As the class takes them.

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
        context = self._context(auth, self.settings.with_given(**given))
        context.default_owner = owner or self.default_owner
        context.default_project = project or self.default_project
        context._begin_living()
        return context

    def __repr__(self) -> str:
        names = "/".join(filter(None, [self.default_owner, self.default_project]))
        return f"<{type(self).__name__} {self.server}{' ' + names if names else ''}>"

    # Other processes

    _STAYS = (*ServiceCalls._STAYS, *LivingObjects._STAYS)

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        self._epochs = {}
        self._begin_living()

    def owners(self) -> Collection[OwnerWrapper]:
        """
        Return all owners of stacks, by name.

        Notes
        -----
        No request now; one, ``owner.list``, when the collection is first read.
        """

        def load() -> Listing:
            return Listing(sorted(self.call("owner.list")), OwnerKey)

        return Collection(self, "owner", load, scope=(), what="owners")

    def owner(self, name: str | None = None) -> OwnerWrapper:
        """Return the owner of that name, or the gateway's own; no request."""
        owner: OwnerWrapper = self.wrap("owner", OwnerKey(name or self._default("owner")))
        return owner

    def projects(self, owner: str | None = None) -> Collection[ProjectWrapper]:
        """Return the projects of an owner, as `OwnerWrapper.projects`."""
        return self.owner(owner).projects()

    def project(self, name: str | None = None, *, owner: str | None = None) -> ProjectWrapper:
        """Return the project of that name, or the gateway's own; no request."""
        key = ProjectKey(owner or self._default("owner"), name or self._default("project"))
        project: ProjectWrapper = self.wrap("project", key)
        return project

    def stacks(
        self,
        name: str | None = None,
        *,
        state: str | None = None,
        owner: str | None = None,
        project: str | None = None,
    ) -> Collection[StackWrapper]:
        """
        Return the stacks of a project or, where none is named and the gateway has none, of an owner.

        Parameters
        ----------
        name : str, optional
            Only those of this name, in which ``*`` and ``?`` stand for any letters and for one.
        state : str, optional
            Only those in this state: LOADING, COMPLETE, READ_ONLY or OFFLINE.

        Notes
        -----
        No request now; one, ``project.stacks`` or ``stack.list``, when the collection is first read.
        """
        if state is not None and state not in STATES:
            raise ValueError(f"a stack is {', '.join(STATES)}; {state!r} is none of them")
        above = self.project(project, owner=owner) if project or self.default_project else self.owner(owner)
        wanted = {"name": None if name is None else Like(name), "state": state}
        chosen = {field: value for field, value in wanted.items() if value is not None}
        return above.stacks().filter(**chosen) if chosen else above.stacks()

    def stack(self, name: str, *, owner: str | None = None, project: str | None = None) -> StackWrapper:
        """
        Return the stack of that name; no request, so that nothing says yet whether it is there.

        Parameters
        ----------
        name : str
            ``[[owner/]project/]stack``.
        owner, project : str, optional
            Where the name does not say.

        Raises
        ------
        ConfigurationError
            If owner or project are not known.
        """
        stack: StackWrapper = self.wrap("stack", self._stack_key(name, owner, project))
        return stack

    def create_stack(
        self,
        name: str,
        *,
        owner: str | None = None,
        project: str | None = None,
        resolution_nm: tuple[float, float, float] | None = None,
        notes: str | None = None,
        exist_ok: bool = False,
    ) -> StackWrapper:
        """
        Make an empty stack, LOADING until its first edit ends.

        Parameters
        ----------
        name : str
            ``[[owner/]project/]stack``.
        owner, project : str, optional
            Where the name does not say.
        resolution_nm : (float, float, float), optional
            Nanometres a pixel in x and y, and the thickness of a section. Nothing is invented where it is not given.
        notes : str, optional
            Free text.
        exist_ok : bool
            Whether a stack that is there is returned as it is, neither opened nor changed.

        Raises
        ------
        BadRequestError
            If a stack of that name exists, and may not or has another resolution; or the name is none.

        Notes
        -----
        Two requests, ``stack.read`` and ``stack.create``: the service would reopen a stack that is there.
        """
        stack = self.stack(name, owner=owner, project=project)
        if not is_there(stack):
            self.call("stack.create", **stack._key._asdict(), body=new_version(notes, resolution_nm))
        elif not exist_ok:
            raise BadRequestError(f"{stack!r} exists; stack.editing() adds to it, stack.delete() makes room")
        elif resolution_nm is not None and stack.resolution_nm != tuple(resolution_nm):
            raise BadRequestError(f"{stack!r} exists with the resolution {stack.resolution_nm}; stack.set() changes it")
        return stack

    @contextlib.contextmanager
    def temporary_stack(self, stem: str = "stack", **options: Any) -> Iterator[StackWrapper]:
        """
        Give a new stack under a name that no other has; it goes when the block ends, however it ends.

        Parameters
        ----------
        stem : str
            What the name begins with: ``[[owner/]project/]stack``.
        **options
            As `create_stack` takes them.

        Examples
        --------
        >>> with Gateway("embedded:", owner="lab", project="cortex") as gateway:
        ...     with gateway.temporary_stack("trial") as stack:
        ...         print(stack.state)
        ...     print(len(gateway.stacks()))
        LOADING
        0
        """
        where = {name: options[name] for name in ("owner", "project") if name in options}
        stack = self.stack(temporary_name(stem), **where)
        # Begun before it is made: a request that was interrupted may have been carried out.
        with deleted_at_the_end(stack):
            yield self.create_stack("/".join(stack._key), **options)

    def match_collections(self, owner: str | None = None) -> Collection[MatchCollectionWrapper]:
        """Return the match collections of an owner, as `OwnerWrapper.match_collections`."""
        return self.owner(owner).match_collections()

    def match_collection(
        self, name: str, *, owner: str | None = None, frame: str | None = None
    ) -> MatchCollectionWrapper:
        """
        Return the match collection of that name; no request.

        Parameters
        ----------
        name : str
            Its name.
        owner : str, optional
            Whose it is; the gateway's own where none is named.
        frame : {'raw', 'lens_corrected'}, optional
            What pixels its points live in, from now on for this gateway and what it hands out; the service does not
            know. See `MatchCollectionWrapper.frame`.
        """
        key = CollectionKey(owner or self._default("owner"), name)
        if frame is not None:
            self._match_frames[key] = checked_frame(frame)
        collection: MatchCollectionWrapper = self.wrap("match_collection", key)
        return collection

    def match_frame(self, owner: str, name: str) -> str | None:
        """Return what pixels the points of a match collection live in, as `match_collection` was told; else None."""
        return self._match_frames.get(CollectionKey(owner, name))

    def get_object(self, kind: str, name: str, **where: Any) -> ObjectWrapper[Any] | None:
        """
        Return an object by kind (in any case) and name, loaded; None where there is none: Blitz Gateway's way.

        Parameters
        ----------
        kind : str
            Owner, Project, Stack or MatchCollection.
        name : str
            Its name.
        **where
            ``owner=``, ``project=``.
        """
        found: ObjectWrapper[Any] = self._opener(kind, "")(name, **where)
        try:
            return found.load()
        except NotFoundError:
            return None

    def get_objects(self, kind: str, **where: Any) -> Collection[Any]:
        """Return all objects of a kind that a listing gives: those of the gateway's owner and project, or *where*."""
        found: Collection[Any] = self._opener(kind, "s")(**where)
        return found

    def _opener(self, kind: str, plural: str) -> Any:
        kinds = {"owner": "owner", "project": "project", "stack": "stack", "matchcollection": "match_collection"}
        known = kinds.get(kind.lower().replace("_", ""))
        if known is None:
            raise ValueError(f"objects of the gateway are {', '.join(kinds)}; {kind!r} is none of them")
        return getattr(self, known + plural)

    def _default(self, name: str) -> str:
        value: str | None = getattr(self, f"default_{name}")
        if value is None:
            raise ConfigurationError(f"whose {name}? Give Gateway({name}=…), or {name}= in the call")
        return value

    def _stack_key(self, name: str, owner: str | None, project: str | None) -> StackKey:
        *where, stack = name.split("/")
        if len(where) > 2 or not all(where) or not stack:
            raise ConfigurationError(f"a stack is named [[owner/]project/]stack, not {name!r}")
        named_project = where.pop() if where else project
        named_owner = where.pop() if where else owner
        return StackKey(named_owner or self._default("owner"), named_project or self._default("project"), stack)


add_aliases(Gateway, GATEWAY_ALIASES)
# A template must not close the gateway, nor call what may write.
for _method in (Gateway.call, Gateway.close, Gateway.fetch, Gateway.register, Gateway.request):
    changes_data(_method)
for _maker in (Gateway.create_stack, Gateway.temporary_stack):
    changes_data(_maker)


def _headers(headers: Mapping[str, str] | None) -> dict[str, str]:
    return {"User-Agent": f"rendergateway/{__version__}", **(headers or {})}


def _credentials(base_url: str, configuration: Configuration) -> Credentials | None:
    from rendergateway.transport.credential_files import configured_credentials

    return configured_credentials(base_url, configuration)
