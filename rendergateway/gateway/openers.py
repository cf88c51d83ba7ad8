"""Objects that a gateway opens by name, with its default owner and project."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, overload

from rendergateway.errors import BadRequestError, ConfigurationError, NotFoundError
from rendergateway.model.records.stacks import StackRecord
from rendergateway.model.tables.field_values import field_values
from rendergateway.mutators import changes_data
from rendergateway.type_hints import resolvable_hints
from rendergateway.wrappers.core.arguments import as_name, as_names, as_part, as_state, kind_of
from rendergateway.wrappers.core.collection import Collection
from rendergateway.wrappers.core.keys import CollectionKey, OwnerKey, ProjectKey, StackKey
from rendergateway.wrappers.core.listing import Listing
from rendergateway.wrappers.core.object import ObjectWrapper
from rendergateway.wrappers.core.selection import Like
from rendergateway.wrappers.core.space import ObjectSpace
from rendergateway.wrappers.editing.versions import new_version

if TYPE_CHECKING:
    from typing_extensions import Self

    from rendergateway.wrappers.objects.match_collection import MatchCollectionWrapper
    from rendergateway.wrappers.objects.owner import OwnerWrapper, ProjectWrapper
    from rendergateway.wrappers.objects.stack import StackWrapper

__all__ = ["Openers"]

_Matches: TypeAlias = Literal["MatchCollection", "matchcollection", "match_collection"]
_KINDS = {"owner": "owner", "project": "project", "stack": "stack", "matchcollection": "match_collection"}


@resolvable_hints
class Openers:
    """
    Access to objects by name; opening one makes no request.

    Attributes
    ----------
    default_owner, default_project : str or None
        The owner and project of calls that name none.
    objects : ObjectSpace
        The objects of this gateway.
    """

    default_owner: str | None
    default_project: str | None
    objects: ObjectSpace

    if TYPE_CHECKING:

        def in_frame(self, collection: CollectionKey, frame: str) -> Self:
            """Return a second gateway with the frame of one match collection set."""
            return self

        def call(self, name: str, /, *, body: Any = None, **values: Any) -> Any:
            """Make one request by endpoint name."""

    def owners(self) -> Collection[OwnerWrapper]:
        """
        Return all owners of stacks, ordered by name.

        Notes
        -----
        No request now; one, ``owner.list``, when the collection is first read.
        """

        def load() -> Listing:
            return Listing(sorted(self.call("owner.list")), OwnerKey)

        return Collection(self, "owner", load, scope=(), what="owners")  # type: ignore[arg-type]

    def owner(self, name: str | None = None) -> OwnerWrapper:
        """Return the owner of that name, or the default owner. No request."""
        if kind_of(name) == "owner":
            name = as_part(name, "owner")
        named = self._default("owner") if name is None else as_names(name, "owner")[0]
        owner: OwnerWrapper = self.objects.opened("owner", OwnerKey(named))
        return owner

    def projects(self, owner: str | None = None) -> Collection[ProjectWrapper]:
        """Return the projects of an owner, see `OwnerWrapper.projects`."""
        return self.owner(owner).projects()

    def project(self, name: str | None = None, *, owner: str | None = None) -> ProjectWrapper:
        """
        Return the project of that name, or the default project. No request.

        Parameters
        ----------
        name : str, optional
            ``[owner/]project``.
        owner : str, optional
            Used if the name has no owner.
        """
        if kind_of(name) == "project":
            name = "/".join(name._key)  # type: ignore[union-attr]
        *above, named = [self._default("project")] if name is None else as_names(name, "owner", "project")
        key = ProjectKey((above.pop() if above else as_part(owner, "owner")) or self._default("owner"), named)
        project: ProjectWrapper = self.objects.opened("project", key)
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
        Return the stacks of a project or, without project and default project, of an owner.

        Parameters
        ----------
        name : str, optional
            Shell pattern of the names: ``*`` matches any letters and ``?`` one.
        state : str, optional
            LOADING, COMPLETE, READ_ONLY or OFFLINE.
        owner, project : str, optional
            Default: those of the gateway.

        Notes
        -----
        No request now; one, ``project.stacks`` or ``stack.list``, when the collection is first read.
        """
        above = self.project(project, owner=owner) if project or self.default_project else self.owner(owner)
        stacks = above.stacks()
        if name is None and state is None:
            return stacks
        like, wanted = None if name is None else Like(as_name(name, "stack")), state and as_state(state)

        def choose(listing: Listing, objects: object) -> list[int]:
            states = field_values(StackRecord, ("state",), listing.texts or ())
            return [
                place
                for place, id in enumerate(listing.ids)
                if (like is None or like(listing.key_of(id)[-1])) and wanted in (None, states[place])
            ]

        words = [f"{word} {value!r}" for word, value in (("name", name), ("state", state)) if value is not None]
        return stacks._chosen(choose, f"{stacks._what} with {' and '.join(words)}")

    def stack(self, name: str, *, owner: str | None = None, project: str | None = None) -> StackWrapper:
        """
        Return the stack of that name. No request; existence is not checked.

        Parameters
        ----------
        name : str
            ``[[owner/]project/]stack``.
        owner, project : str, optional
            Used if the name has none.

        Raises
        ------
        ConfigurationError
            If owner or project are unknown.
        """
        *above, stack = as_names(name, "owner", "project", "stack")
        named_project = above.pop() if above else as_part(project, "project")
        named_owner = above.pop() if above else as_part(owner, "owner")
        key = StackKey(named_owner or self._default("owner"), named_project or self._default("project"), stack)
        opened: StackWrapper = self.objects.opened("stack", key)
        return opened

    def match_collections(self, owner: str | None = None) -> Collection[MatchCollectionWrapper]:
        """Return the match collections of an owner, see `OwnerWrapper.match_collections`."""
        return self.owner(owner).match_collections()

    def match_collection(
        self, name: str, *, owner: str | None = None, frame: str | None = None
    ) -> MatchCollectionWrapper:
        """
        Return the match collection of that name. No request; existence is not checked.

        Parameters
        ----------
        name : str
            Name of the collection.
        owner : str, optional
            Default: the default owner.
        frame : {'raw', 'lens_corrected', 'before:LABEL', 'after:LABEL'}, optional
            Coordinate frame of its points, kept by the collection that is returned and its pairs; the service does not
            store it. See `MatchCollectionWrapper.frame`.
        """
        key = CollectionKey(as_part(owner, "owner") or self._default("owner"), as_name(name, "match collection"))
        objects = self.objects if frame is None else self.in_frame(key, frame).objects
        collection: MatchCollectionWrapper = objects.opened("match_collection", key)
        return collection

    # New stacks

    @changes_data
    def create_stack(
        self,
        name: str,
        *,
        owner: str | None = None,
        project: str | None = None,
        resolution_nm: Sequence[float | None] | None = None,
        notes: str | None = None,
        exist_ok: bool = False,
    ) -> StackWrapper:
        """
        Create an empty stack, LOADING until its first edit ends.

        Parameters
        ----------
        name : str
            ``[[owner/]project/]stack``.
        owner, project : str, optional
            Used if the name has none.
        resolution_nm : (float, float, float), optional
            Nanometres per pixel in x and y, and section thickness. Default: not set.
        notes : str, optional
            Free text of the version.
        exist_ok : bool
            Whether an existing stack is returned unchanged.

        Raises
        ------
        BadRequestError
            If the stack exists and *exist_ok* is false or its resolution differs; or the name is invalid.

        Notes
        -----
        Two requests, ``stack.read`` and ``stack.create``: the service would reopen an existing stack.
        """
        stack = self.stack(name, owner=owner, project=project)
        version = new_version(notes, resolution_nm)
        if not _exists_now(stack):
            self.call("stack.create", **stack._key._asdict(), body=version)
        elif not exist_ok:
            raise BadRequestError(f"{stack!r} exists; stack.editing() adds to it, stack.delete() removes it")
        elif resolution_nm is not None and stack._resolution_nm != tuple(resolution_nm):
            raise BadRequestError(
                f"{stack!r} exists with resolution {stack._resolution_nm}; stack.update(resolution_nm=...) changes it"
            )
        return stack

    @changes_data
    @contextlib.contextmanager
    def temporary_stack(
        self,
        stem: str = "stack",
        *,
        owner: str | None = None,
        project: str | None = None,
        resolution_nm: Sequence[float | None] | None = None,
        notes: str | None = None,
    ) -> Iterator[StackWrapper]:
        """
        Create a stack with a unique name; it is deleted on exit, also after an error.

        Parameters
        ----------
        stem : str
            Start of the name: ``[[owner/]project/]stack``.
        owner, project, resolution_nm, notes
            As for `create_stack`.

        Examples
        --------
        >>> from rendergateway import Gateway
        >>> with Gateway("embedded:", owner="lab", project="cortex") as gateway:
        ...     with gateway.temporary_stack("trial") as stack:
        ...         print(stack.state)
        ...     print(len(gateway.stacks()))
        LOADING
        0
        """
        from rendergateway.wrappers.editing.copying import deleted_on_exit, temporary_name

        stack = self.stack(temporary_name(stem), owner=owner, project=project)
        # Entered before the stack exists: an interrupted request may have been executed.
        with deleted_on_exit(stack._bound):
            yield self.create_stack("/".join(stack._key), resolution_nm=resolution_nm, notes=notes)

    # Blitz Gateway

    @overload
    def get_object(
        self,
        kind: Literal["Owner", "owner"],
        name: str | None = None,
        *,
        owner: str | None = None,
        project: str | None = None,
    ) -> OwnerWrapper | None: ...
    @overload
    def get_object(
        self,
        kind: Literal["Project", "project"],
        name: str | None = None,
        *,
        owner: str | None = None,
        project: str | None = None,
    ) -> ProjectWrapper | None: ...
    @overload
    def get_object(
        self, kind: Literal["Stack", "stack"], name: str, *, owner: str | None = None, project: str | None = None
    ) -> StackWrapper | None: ...
    @overload
    def get_object(
        self, kind: _Matches, name: str, *, owner: str | None = None, project: str | None = None
    ) -> MatchCollectionWrapper | None: ...
    @overload
    def get_object(
        self, kind: str, name: str | None = None, *, owner: str | None = None, project: str | None = None
    ) -> ObjectWrapper[Any] | None: ...
    def get_object(
        self, kind: str, name: str | None = None, *, owner: str | None = None, project: str | None = None
    ) -> ObjectWrapper[Any] | None:
        """
        Return a loaded object by kind and name, as in Blitz Gateway; None if it does not exist.

        Parameters
        ----------
        kind : str
            Owner, Project, Stack or MatchCollection, in any case.
        name : str
            Its name. Default for Owner and Project: those of the gateway.
        owner, project : str, optional
            Used if the name has none.
        """
        found: ObjectWrapper[Any] = self._opener(kind, "")(name, **_given(owner=owner, project=project))
        try:
            return ObjectWrapper.load(found)
        except NotFoundError:
            return None

    @overload
    def get_objects(
        self, kind: Literal["Owner", "owner"], *, owner: str | None = None, project: str | None = None
    ) -> Collection[OwnerWrapper]: ...
    @overload
    def get_objects(
        self, kind: Literal["Project", "project"], *, owner: str | None = None, project: str | None = None
    ) -> Collection[ProjectWrapper]: ...
    @overload
    def get_objects(
        self, kind: Literal["Stack", "stack"], *, owner: str | None = None, project: str | None = None
    ) -> Collection[StackWrapper]: ...
    @overload
    def get_objects(
        self, kind: _Matches, *, owner: str | None = None, project: str | None = None
    ) -> Collection[MatchCollectionWrapper]: ...
    @overload
    def get_objects(self, kind: str, *, owner: str | None = None, project: str | None = None) -> Collection[Any]: ...
    def get_objects(self, kind: str, *, owner: str | None = None, project: str | None = None) -> Collection[Any]:
        """Return all objects of a kind below the default owner and project, or those given, as in Blitz Gateway."""
        found: Collection[Any] = self._opener(kind, "s")(**_given(owner=owner, project=project))
        return found

    def _opener(self, kind: str, plural: str) -> Any:
        known = _KINDS.get(str(kind).lower().replace("_", ""))
        if known is None:
            raise ValueError(
                f"kind must be {', '.join(_KINDS)}; got {kind!r}; other objects are reached from these: "
                "stack.section(z), stack.tile(id)"
            )
        return getattr(self, known + plural)

    def _default(self, name: str) -> str:
        value: str | None = getattr(self, f"default_{name}")
        if value is None:
            raise ConfigurationError(f"no {name} given and no default {name}; pass {name}= or use Gateway({name}=…)")
        return value


def _exists_now(stack: StackWrapper) -> bool:
    try:
        ObjectWrapper.reload(stack)
    except NotFoundError:
        return False
    return True


def _given(**values: str | None) -> dict[str, str]:
    return {name: value for name, value in values.items() if value is not None}
