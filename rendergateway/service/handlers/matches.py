"""Match collections: saving, reading, merging, counting and deleting pairs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from rendergateway.service.base.ids import CollectionId
from rendergateway.service.base.options import Options
from rendergateway.service.base.refusals import IllegalArgument, IllegalState, NotFound, NullPointer, ServiceRefusal
from rendergateway.service.domain.lookup import existing_pairs
from rendergateway.service.domain.match_pairs import in_order, json_of, merged, row_of
from rendergateway.service.http.json_stream import json_stream
from rendergateway.service.store import Store
from rendergateway.wire import CollectionMetaData, CollectionName, SentPair, encode


def match_owners(store: Store) -> bytes:
    """List the owners of match collections."""
    return encode(store.collections.owners())


def match_collections(store: Store, *, owner: str) -> bytes:
    """List the match collections of an owner, with their pair counts."""
    return encode(
        [
            CollectionMetaData(collectionId=CollectionName(owner=owner, name=name), pairCount=pairs.count())
            for name, pairs in store.collections.of(owner)
        ]
    )


def match_save(store: Store, *, collection: CollectionId, body: list[SentPair | None] | None) -> None:
    """Store pairs, replacing those with the same ids; the first save creates the collection."""
    if body is None:
        raise IllegalArgument("no matches provided")
    if not body:
        return
    pairs = store.collections.find(collection) or store.collections.create(collection)
    try:
        pairs.save(map(row_of, body))
    except ServiceRefusal as refusal:
        # The real service has created the collection by then, and keeps it.
        refusal.keep_changes = True
        raise


def match_delete(store: Store, *, collection: CollectionId) -> None:
    """Delete a collection."""
    existing_pairs(store, collection)
    store.collections.delete(collection)


def match_rename(store: Store, *, collection: CollectionId, body: CollectionName | None) -> None:
    """Change the name or owner of a collection."""
    if store.collections.find(collection) is None:
        raise NotFound(f"{collection} does not exist")
    if body is None:
        raise NullPointer
    target = CollectionId(body.owner or "null", body.name or "null")
    if store.collections.find(target) is not None:
        raise IllegalArgument(f"{target} already exists")
    store.collections.rename(collection, target)


# -- groups ------------------------------------------------------------------------------------------------------


def match_p_group_ids(store: Store, *, collection: CollectionId) -> bytes:
    """List the groups on the p side."""
    return encode(existing_pairs(store, collection).groups("p"))


def match_q_group_ids(store: Store, *, collection: CollectionId) -> bytes:
    """List the groups on the q side."""
    return encode(existing_pairs(store, collection).groups("q"))


def match_group_ids(store: Store, *, collection: CollectionId) -> bytes:
    """List the groups on either side."""
    return encode(existing_pairs(store, collection).groups("p", "q"))


def match_multi_consensus_p_group_ids(store: Store, *, collection: CollectionId) -> bytes:
    """List the groups on the p side of pairs with consensus sets."""
    return encode(existing_pairs(store, collection).groups("p", consensus=True))


def match_multi_consensus_group_ids(store: Store, *, collection: CollectionId) -> bytes:
    """List the groups on either side of pairs with consensus sets."""
    return encode(existing_pairs(store, collection).groups("p", "q", consensus=True))


# -- reading -----------------------------------------------------------------------------------------------------


def _read(
    store: Store,
    collection: CollectionId,
    selection: str,
    values: dict[str, str],
    query: dict[str, Any],
    options: Options,
) -> Iterator[bytes]:
    counts = not options.is_like_2019
    merge_collection = query.get("merge_collection", ())
    others = [CollectionId(collection.owner, name).checked() for name in merge_collection]
    names = list(dict.fromkeys([collection, *others]))
    sources = [existing_pairs(store, name).select(selection, **values) for name in names]
    details = not query.get("exclude_match_details", False)
    if len(sources) == 1:
        return json_stream(json_of(row, details=details, counts=counts) for row in sources[0])
    texts = merged(sources, details=details, counts=counts)
    # Merging without details can fail: then before the first byte is sent.
    return json_stream(texts if details else list(texts))


def match_with_p_group(
    store: Store, *, collection: CollectionId, p_group: str, options: Options, **query: Any
) -> Iterator[bytes]:
    """List the pairs with a group on the p side."""
    return _read(store, collection, "with_p_group", {"group": p_group}, query, options)


def match_within_group(
    store: Store, *, collection: CollectionId, group: str, options: Options, **query: Any
) -> Iterator[bytes]:
    """List the pairs with a group on both sides."""
    return _read(store, collection, "within_group", {"group": group}, query, options)


def match_outside_group(
    store: Store, *, collection: CollectionId, group: str, options: Options, **query: Any
) -> Iterator[bytes]:
    """List the pairs with a group on one side only."""
    return _read(store, collection, "outside_group", {"group": group}, query, options)


def match_between_groups(
    store: Store, *, collection: CollectionId, p_group: str, q_group: str, options: Options, **query: Any
) -> Iterator[bytes]:
    """List the pairs between two groups."""
    return _read(store, collection, "between_groups", _groups(p_group, q_group), query, options)


def match_between_tiles(
    store: Store,
    *,
    collection: CollectionId,
    p_group: str,
    p_id: str,
    q_group: str,
    q_id: str,
    options: Options,
    **query: Any,
) -> Iterator[bytes]:
    """List the pair of two canvases."""
    return _read(store, collection, "between_tiles", _canvases(p_group, p_id, q_group, q_id), query, options)


def match_from_tile_to_group(
    store: Store, *, collection: CollectionId, p_group: str, p_id: str, q_group: str, options: Options, **query: Any
) -> Iterator[bytes]:
    """List the pairs of one canvas with the canvases of a group."""
    return _read(
        store, collection, "from_tile_to_group", {"group": p_group, "id": p_id, "other": q_group}, query, options
    )


def match_with_tile(
    store: Store, *, collection: CollectionId, group: str, id: str, options: Options, **query: Any
) -> Iterator[bytes]:
    """List the pairs of one canvas."""
    return _read(store, collection, "with_tile", {"group": group, "id": id}, query, options)


def _groups(p_group: str, q_group: str) -> dict[str, str]:
    if not in_order((p_group,), (q_group,)):
        p_group, q_group = q_group, p_group
    return {"p_group": p_group, "q_group": q_group}


def _canvases(p_group: str, p_id: str, q_group: str, q_id: str) -> dict[str, str]:
    if not in_order((p_group, p_id), (q_group, q_id)):
        p_group, p_id, q_group, q_id = q_group, q_id, p_group, p_id
    return {"p_group": p_group, "p_id": p_id, "q_group": q_group, "q_id": q_id}


# -- deleting ----------------------------------------------------------------------------------------------------


def match_delete_with_tile(store: Store, *, collection: CollectionId, group: str, id: str) -> None:
    """Delete the pairs of one canvas."""
    existing_pairs(store, collection).delete("with_tile", group=group, id=id)


def match_delete_between_tiles(
    store: Store, *, collection: CollectionId, p_group: str, p_id: str, q_group: str, q_id: str
) -> None:
    """Delete the pair of two canvases."""
    existing_pairs(store, collection).delete("between_tiles", **_canvases(p_group, p_id, q_group, q_id))


def match_delete_between_groups(store: Store, *, collection: CollectionId, p_group: str, q_group: str) -> None:
    """Delete the pairs between two groups."""
    existing_pairs(store, collection).delete("between_groups", **_groups(p_group, q_group))


def match_delete_with_p_group(store: Store, *, collection: CollectionId, p_group: str) -> None:
    """Delete the pairs with a group on the p side."""
    existing_pairs(store, collection).delete("with_p_group", group=p_group)


def match_delete_outside_group(store: Store, *, collection: CollectionId, group: str) -> None:
    """Delete the pairs with a group on one side only."""
    existing_pairs(store, collection).delete("outside_group", group=group)


# -- counting ----------------------------------------------------------------------------------------------------


def match_counts(store: Store, *, collection: CollectionId, p_group: str) -> Iterator[bytes]:
    """List the match counts of the pairs with a group on the p side."""
    rows = existing_pairs(store, collection).select("with_p_group", group=p_group)
    return json_stream(json_of(row, details=False) for row in rows)


def match_update_counts(store: Store, *, collection: CollectionId, p_group: str) -> None:
    """Check that the pairs of a p group have matches; their counts are already updated on every save."""
    rows = list(existing_pairs(store, collection).select("with_p_group", group=p_group))
    if not rows:
        raise IllegalArgument("state should be: writes is not an empty list")
    if any(not row.details for row in rows):
        raise IllegalState("match count cannot be updated: a pair has no matches")
