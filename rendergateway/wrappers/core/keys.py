"""
The keys of objects: the values that identify them in the paths of the service.

The fields of a key are the path values of the endpoints, so ``key._asdict()`` is what a request needs.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, TypeAlias

__all__ = [
    "CollectionKey",
    "Key",
    "MatchGroupKey",
    "OwnerKey",
    "PairKey",
    "ProjectKey",
    "Scope",
    "SectionKey",
    "StackKey",
    "TileGroupKey",
    "TileKey",
    "TransformKey",
    "keys_below",
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


class TransformKey(NamedTuple):
    """A transform that a stack stores once for many tiles."""

    owner: str
    project: str
    stack: str
    transform_id: str

    @property
    def stack_key(self) -> StackKey:
        """The stack's own key."""
        return StackKey(self.owner, self.project, self.stack)


class TileGroupKey(NamedTuple):
    """A named set of tiles of a stack."""

    owner: str
    project: str
    stack: str
    group: str

    @property
    def stack_key(self) -> StackKey:
        """The stack's own key."""
        return StackKey(self.owner, self.project, self.stack)


class CollectionKey(NamedTuple):
    """A collection of point matches; it belongs to an owner, not to a project."""

    owner: str
    collection: str


class PairKey(NamedTuple):
    """
    A pair of tiles in a match collection, seen from p.

    Points of the collections in *merge_collection* are merged into it.
    """

    owner: str
    collection: str
    p_group: str
    p_id: str
    q_group: str
    q_id: str
    merge_collection: tuple[str, ...] = ()

    @property
    def collection_key(self) -> CollectionKey:
        """The collection's own key."""
        return CollectionKey(self.owner, self.collection)


class MatchGroupKey(NamedTuple):
    """A group of tiles in a match collection: by convention a section id."""

    owner: str
    collection: str
    group: str

    @property
    def collection_key(self) -> CollectionKey:
        """The collection's own key."""
        return CollectionKey(self.owner, self.collection)


StackPartKey: TypeAlias = SectionKey | TileKey | TransformKey | TileGroupKey
Key: TypeAlias = OwnerKey | ProjectKey | StackKey | StackPartKey | CollectionKey | MatchGroupKey | PairKey
# The unit of invalidation: a stack, or a match collection.
Scope: TypeAlias = tuple[str, ...]


def scope_of(key: Key) -> Scope:
    """Return the stack or match collection whose writes invalidate the object with this key."""
    scope: tuple[Any, ...] = key[: _SCOPE_SIZES.get(type(key))]
    return scope


_SCOPE_SIZES: dict[type[Key], int] = {
    **dict.fromkeys((SectionKey, TileKey, TransformKey, TileGroupKey), len(StackKey._fields)),
    **dict.fromkeys((MatchGroupKey, PairKey), len(CollectionKey._fields)),
}


def keys_below(key_class: type[Key], *above: str) -> Callable[[Any], Key]:
    """
    Return a function from the ids of children to their keys.

    Examples
    --------
    >>> keys_below(TileKey, "lab", "cortex", "montage")("t1")
    TileKey(owner='lab', project='cortex', stack='montage', tile_id='t1')
    """
    # As the class itself does, at a third of the cost: this is called for each tile of a section.
    new: Any = tuple.__new__
    return lambda name: new(key_class, (*above, name))
