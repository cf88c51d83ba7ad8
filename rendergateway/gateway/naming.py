"""What a gateway hands out by name, with the owner and project that are meant where none is said."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from rendergateway.errors import ConfigurationError, NotFoundError
from rendergateway.transport.client import ServiceCalls
from rendergateway.wrappers.core.arguments import as_name, as_names, as_state
from rendergateway.wrappers.core.collection import Collection
from rendergateway.wrappers.core.keys import CollectionKey, Key, OwnerKey, ProjectKey, StackKey
from rendergateway.wrappers.core.listing import Listing
from rendergateway.wrappers.core.selection import Like
from rendergateway.wrappers.core.space import LivingObjects
from rendergateway.wrappers.matching.world import checked_frame

if TYPE_CHECKING:
    from rendergateway.gateway import Gateway
    from rendergateway.wrappers.core.object import ObjectWrapper
    from rendergateway.wrappers.objects.match_collection import MatchCollectionWrapper
    from rendergateway.wrappers.objects.owner import OwnerWrapper, ProjectWrapper
    from rendergateway.wrappers.objects.stack import StackWrapper

__all__ = ["NamedObjects"]


class NamedObjects(LivingObjects, ServiceCalls):
    """
    The objects that a gateway leads to; to name one makes no request.

    Attributes
    ----------
    default_owner, default_project : str or None
        Whose stacks are meant where a call does not say.
    """

    default_owner: str | None
    default_project: str | None
    _match_frames: dict[CollectionKey, str]

    def owners(self) -> Collection[OwnerWrapper]:
        """
        Return all owners of stacks, by name.

        Notes
        -----
        No request now; one, ``owner.list``, when the collection is first read.
        """

        def load() -> Listing:
            return Listing(sorted(self.call("owner.list")), OwnerKey)

        return Collection(cast("Gateway", self), "owner", load, scope=(), what="owners")

    def owner(self, name: str | None = None) -> OwnerWrapper:
        """Return the owner of that name, or the gateway's own; no request."""
        named = self._default("owner") if name is None else as_names(name, "owner")[0]
        owner: OwnerWrapper = self._opened("owner", OwnerKey(named))
        return owner

    def projects(self, owner: str | None = None) -> Collection[ProjectWrapper]:
        """Return the projects of an owner, as `OwnerWrapper.projects`."""
        return self.owner(owner).projects()

    def project(self, name: str | None = None, *, owner: str | None = None) -> ProjectWrapper:
        """
        Return the project of that name, or the gateway's own; no request.

        Parameters
        ----------
        name : str, optional
            ``[owner/]project``.
        owner : str, optional
            Where the name does not say.
        """
        *where, named = [self._default("project")] if name is None else as_names(name, "owner", "project")
        key = ProjectKey((where.pop() if where else owner) or self._default("owner"), named)
        project: ProjectWrapper = self._opened("project", key)
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
        above = self.project(project, owner=owner) if project or self.default_project else self.owner(owner)
        wanted = {
            "name": None if name is None else Like(name),
            "state": None if state is None else as_state(state),
        }
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
        stack: StackWrapper = self._opened("stack", self._stack_key(name, owner, project))
        return stack

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
        key = CollectionKey(owner or self._default("owner"), as_name(name, "match collection"))
        if frame is not None:
            self._match_frames[key] = checked_frame(frame)
        collection: MatchCollectionWrapper = self._opened("match_collection", key)
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

    def _opened(self, kind: str, key: Key) -> Any:
        """Return an object by its name, and keep it for a while, so that a chain that is repeated finds it again."""
        found = self.wrap(kind, key)
        self._recent.keep_named(found)
        return found

    def _default(self, name: str) -> str:
        value: str | None = getattr(self, f"default_{name}")
        if value is None:
            raise ConfigurationError(f"whose {name}? Give Gateway({name}=…), or {name}= in the call")
        return value

    def _stack_key(self, name: str, owner: str | None, project: str | None) -> StackKey:
        *where, stack = as_names(name, "owner", "project", "stack")
        named_project = where.pop() if where else project
        named_owner = where.pop() if where else owner
        return StackKey(named_owner or self._default("owner"), named_project or self._default("project"), stack)
