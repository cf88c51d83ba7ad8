"""
The keys that name objects: the values that stand for them in the paths of the service.

The fields of a key are the path values of the endpoints, so ``key._asdict()`` is what a request needs.
"""

from __future__ import annotations

from typing import NamedTuple, TypeAlias

__all__ = [
    "CollectionKey",
    "Key",
    "OwnerKey",
    "PairKey",
    "ProjectKey",
    "Scope",
    "SectionKey",
    "StackKey",
    "TileKey",
    "scope_of",
]


class OwnerKey(NamedTuple):
    """A person or group that data belongs to."""

    owner: str


class ProjectKey(NamedTuple):
    """A dataset of an owner."""

    owner: str
    project: str


class StackKey(NamedTuple):
    """One version of a dataset's geometry."""

    owner: str
    project: str
    stack: str


class SectionKey(NamedTuple):
    """One z layer of a stack."""

    owner: str
    project: str
    stack: str
    z: float

    @property
    def stack_key(self) -> StackKey:
        """The stack's own key."""
        return StackKey(self.owner, self.project, self.stack)


class TileKey(NamedTuple):
    """A tile of a stack."""

    owner: str
    project: str
    stack: str
    tile_id: str

    @property
    def stack_key(self) -> StackKey:
        """The stack's own key."""
        return StackKey(self.owner, self.project, self.stack)


class CollectionKey(NamedTuple):
    """A collection of point matches; it belongs to an owner, not to a project."""

    owner: str
    collection: str


class PairKey(NamedTuple):
    """A pair of tiles in a match collection; p sorts first as text."""

    owner: str
    collection: str
    p_group: str
    p_id: str
    q_group: str
    q_id: str

    @property
    def collection_key(self) -> CollectionKey:
        """The collection's own key."""
        return CollectionKey(self.owner, self.collection)


Key: TypeAlias = OwnerKey | ProjectKey | StackKey | SectionKey | TileKey | CollectionKey | PairKey
# What a write can change for others: a stack, or a match collection.
Scope: TypeAlias = tuple[str, ...]


def scope_of(key: Key) -> Scope:
    """Return what must be written to for the object of this *key* to change."""
    return key[:3] if isinstance(key, SectionKey | TileKey) else key[:2] if isinstance(key, PairKey) else key
