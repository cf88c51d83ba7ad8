"""Owners and projects: the names above stacks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rendergateway.model.records.json_slices import cut_list
from rendergateway.model.records.stacks import NameRecord, StackRecord
from rendergateway.wrappers.core.collection import Collection, Listing
from rendergateway.wrappers.core.keys import CollectionKey, OwnerKey, ProjectKey, StackKey, keys_below
from rendergateway.wrappers.core.object import ObjectWrapper
from rendergateway.wrappers.core.registry import add_base

if TYPE_CHECKING:
    from rendergateway.wrappers.objects.match_collection import MatchCollectionWrapper
    from rendergateway.wrappers.objects.stack import StackWrapper

__all__ = ["OwnerWrapper", "ProjectWrapper", "stack_key"]


@add_base
class OwnerWrapper(ObjectWrapper[NameRecord]):
    """A person or group that owns projects: the first part of every name."""

    __slots__ = ()
    KIND = "owner"
    CHILD_KIND = "project"
    RECORD = NameRecord

    _key: OwnerKey

    @property
    def exists(self) -> bool:
        """
        Whether the owner has stacks; the service does not know owners without.

        Notes
        -----
        As `projects`.
        """
        return bool(len(self.projects()))

    def projects(self) -> Collection[ProjectWrapper]:
        """
        Return the projects of this owner, ordered by name; empty for an unknown owner.

        Notes
        -----
        No request now; one, ``project.list``, when the collection is first read.
        """
        projects: Collection[ProjectWrapper] = self._children("project", "projects", self._list_projects)
        return projects

    def stacks(self) -> Collection[StackWrapper]:
        """
        Return the stacks of all projects of this owner, loaded; ids are project/stack.

        Notes
        -----
        No request now; one, ``stack.list``, when the collection is first read.
        """
        stacks: Collection[StackWrapper] = self._children("stack", "stacks", self._list_stacks)
        return stacks

    def match_collections(self) -> Collection[MatchCollectionWrapper]:
        """
        Return the match collections of this owner, ordered by name, with their pair counts.

        Notes
        -----
        No request now; one, ``match.collections``, when the collection is first read.
        """
        collections: Collection[MatchCollectionWrapper] = self._children(
            "match_collection", "match collections", self._list_match_collections
        )
        return collections

    def children(self) -> Collection[ProjectWrapper]:
        """Return the projects."""
        return self.projects()

    def _list_projects(self) -> Listing:
        return Listing(sorted(self._bound.call("project.list")), keys_below(ProjectKey, *self._key))

    def _list_stacks(self) -> Listing:
        texts = cut_list(self._bound.fetch("stack.list"))
        # Stacks of several projects may have the same name; the names themselves may contain slashes.
        keys = [stack_key(StackRecord.from_json(text)) for text in texts]
        names = [f"{key.project}/{key.stack}" for key in keys]
        known = dict(zip(names, keys, strict=True))
        return Listing(names, lambda name: known[name], texts)

    def _list_match_collections(self) -> Listing:
        from rendergateway.model.records.matches import CollectionRecord

        texts = cut_list(self._bound.fetch("match.collections"))
        rows = {CollectionRecord.from_json(text).collection_id.name: text for text in texts}
        names = sorted(rows)
        return Listing(names, keys_below(CollectionKey, *self._key), [rows[name] for name in names])

    def _fetch(self) -> NameRecord:
        return NameRecord(name=self._key.owner)


@add_base
class ProjectWrapper(ObjectWrapper[NameRecord]):
    """A dataset of an owner, typically one block of tissue."""

    __slots__ = ()
    KIND = "project"
    CHILD_KIND = "stack"
    RECORD = NameRecord

    _key: ProjectKey

    @property
    def owner(self) -> OwnerWrapper:
        """The owner. No request."""
        return self._owner

    @property
    def parent(self) -> OwnerWrapper:
        """The owner."""
        return self._owner

    @property
    def _owner(self) -> OwnerWrapper:
        owner: OwnerWrapper = self._parent("owner", OwnerKey(self._key.owner))
        return owner

    @property
    def exists(self) -> bool:
        """
        Whether the project has stacks; the service does not know projects without.

        Notes
        -----
        As `stacks`.
        """
        return bool(len(self.stacks()))

    def stacks(self) -> Collection[StackWrapper]:
        """
        Return the stacks of this project, loaded, ordered by cycle and age as the service does.

        Notes
        -----
        No request now; one, ``project.stacks``, when the collection is first read.
        """
        stacks: Collection[StackWrapper] = self._children("stack", "stacks", self._list_stacks)
        return stacks

    def children(self) -> Collection[StackWrapper]:
        """Return the stacks."""
        return self.stacks()

    def _list_stacks(self) -> Listing:
        texts = cut_list(self._bound.fetch("project.stacks"))
        names = [stack_key(StackRecord.from_json(text)).stack for text in texts]
        return Listing(names, keys_below(StackKey, *self._key), texts)

    def _fetch(self) -> NameRecord:
        return NameRecord(name=self._key.project)


def stack_key(record: StackRecord) -> StackKey:
    """Return the key of a stack's record."""
    return StackKey(record.stack_id.owner, record.stack_id.project, record.stack_id.name)
