"""The gateway: one object that knows a service and hands out all others."""

from __future__ import annotations

import weakref
from collections.abc import Mapping
from datetime import datetime, timezone
from typing import Any

from rendergateway.configuration import choose_service
from rendergateway.errors import BadRequestError, ConfigurationError, NotFoundError
from rendergateway.model import StackVersion
from rendergateway.transport import Retries
from rendergateway.transport.address import EMBEDDED
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
from rendergateway.wrappers.collection import Listing
from rendergateway.wrappers.keys import CollectionKey, OwnerKey, ProjectKey, StackKey
from rendergateway.wrappers.living import LivingObjects

__all__ = ["Gateway"]


class Gateway(LivingObjects, ServiceCalls):
    """
    The way to one service and to the objects in it.

    Parameters
    ----------
    address : str, optional
        ``host:port``, a URL, ``embedded:PATH`` for a service in a file, ``embedded:`` for one that goes on close. Left
        out, the environment or a profile says (`rendergateway.configuration`).
    owner, project : str, optional
        Whose stacks are meant where a call does not say.
    profile : str, optional
        Name of a profile in the configuration file.
    auth : (str, str), BearerToken, Credentials or callable, optional
        Signs each request.
    retries : Retries, optional
        When a request that may be repeated is.
    timeout_s, data_timeout_s, budget_s : float
        Seconds to wait for a connection, for each next piece of an answer, and for a request with all its attempts.
    pool_size : int
        Connections kept open.
    pool_block : bool
        Whether a request waits for a free connection when all are in use; else another one is opened.
    headers : mapping, optional
        Sent with every request.
    registry : Registry, optional
        Which classes stand for which kinds, beside those of the default registry.

    Raises
    ------
    ConfigurationError
        If nothing says which service is meant, or its address is none.

    Notes
    -----
    Building one makes no request and opens nothing. One gateway may be used from many threads.

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
        retries: Retries | None = None,
        timeout_s: float = 10.0,
        data_timeout_s: float = 120.0,
        budget_s: float = 900.0,
        pool_size: int = 16,
        pool_block: bool = False,
        headers: Mapping[str, str] | None = None,
        registry: Registry | None = None,
    ) -> None:
        choice = choose_service(address, profile=profile)
        self.default_owner = owner or choice.owner
        self.default_project = project or choice.project
        LivingObjects.__init__(self, registry)
        ServiceCalls.__init__(
            self,
            choice.address,
            auth,
            retries=retries or Retries(),
            timeout_s=timeout_s,
            data_timeout_s=data_timeout_s,
            budget_s=budget_s,
            pool_size=pool_size,
            pool_block=pool_block,
            headers={"User-Agent": f"rendergateway/{__version__}", **(headers or {})},
        )

    def __repr__(self) -> str:
        names = "/".join(filter(None, [self.default_owner, self.default_project]))
        return f"<{type(self).__name__} {self.server}{' ' + names if names else ''}>"

    def __reduce__(self) -> tuple[Any, ...]:
        if self.server.partition("?")[0] == EMBEDDED:
            raise ConfigurationError("a private embedded service does not travel to another process; use embedded:PATH")
        options = {**self._options, "owner": self.default_owner, "project": self.default_project}
        return _revive, (type(self), self.server, options)

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

    def stacks(self, *, owner: str | None = None, project: str | None = None) -> Collection[StackWrapper]:
        """Return the stacks of a project or, where none is named and the gateway has none, of an owner."""
        if project or self.default_project:
            return self.project(project, owner=owner).stacks()
        return self.owner(owner).stacks()

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
    ) -> StackWrapper:
        """
        Make an empty stack, LOADING until its first edit ends.

        Parameters
        ----------
        name : str
            ``[[owner/]project/]stack``.
        resolution_nm : (float, float, float), optional
            Nanometres a pixel in x and y, and the thickness of a section. Nothing is invented where it is not given.
        notes : str, optional
            Free text.

        Raises
        ------
        BadRequestError
            If a stack of that name exists, or the name is none.

        Notes
        -----
        Two requests, ``stack.read`` and ``stack.create``: the service would reopen a stack that is there.
        """
        stack = self.stack(name, owner=owner, project=project)
        if stack.exists:
            raise BadRequestError(f"{stack!r} exists; stack.editing() adds to it, stack.delete() makes room")
        x, y, z = resolution_nm or (None, None, None)
        now = datetime.now(timezone.utc)
        version = StackVersion(created=now, notes=notes, resolution_x_nm=x, resolution_y_nm=y, resolution_z_nm=z)
        self.call("stack.create", **stack._key._asdict(), body=version)
        return stack

    def match_collections(self, owner: str | None = None) -> Collection[MatchCollectionWrapper]:
        """Return the match collections of an owner, as `OwnerWrapper.match_collections`."""
        return self.owner(owner).match_collections()

    def match_collection(self, name: str, *, owner: str | None = None) -> MatchCollectionWrapper:
        """Return the match collection of that name; no request."""
        key = CollectionKey(owner or self._default("owner"), name)
        collection: MatchCollectionWrapper = self.wrap("match_collection", key)
        return collection

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

_revived: weakref.WeakValueDictionary[str, Gateway] = weakref.WeakValueDictionary()


def _revive(gateway_class: type[Gateway], server: str, options: dict[str, Any]) -> Gateway:
    """Return the process's one gateway for that server and those options, so that workers share its pool."""
    name = repr((gateway_class, server, options))
    gateway = _revived.get(name)
    if gateway is None:
        gateway = _revived[name] = gateway_class(server, **options)
    return gateway
