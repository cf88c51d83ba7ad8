"""The readings of each kind of object: its properties by themselves, its methods by this table."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from operator import attrgetter
from typing import Any

import attrs
import numpy as np

from rendergateway import Bounds, TileLimits
from rendergateway.errors import RenderGatewayError, ServiceError
from rendergateway.model import Record
from rendergateway.model.tables.row_table import RowTable
from rendergateway.transforms import Transform
from rendergateway.wrappers.core.blitz import GATEWAY_ALIASES, OBJECT_ALIASES
from rendergateway.wrappers.core.collection import Collection
from rendergateway.wrappers.core.object import ObjectWrapper
from rendergateway.wrappers.objects.match_collection import MergedMatches
from rendergateway.wrappers.reading.shared_transforms import SharedTransforms

__all__ = ["Reading", "names_without_place", "plain", "readings_of"]

Reading = Callable[[Any], Any]

_ORIGIN = [[10.0, 10.0]]

# Readings of methods: by name, and by class where the arguments differ.
_METHODS: dict[str, Sequence[Reading]] = {
    "ancestry": [lambda one: one.ancestry()],
    "check_boxes": [lambda stack: stack.check_boxes()],
    "children": [lambda one: one.children()],
    "count_children": [lambda one: one.count_children()],
    "groups": [lambda one: one.groups(), lambda one: one.groups(side="p"), lambda one: one.groups(side="q")],
    "iter_tiles": [lambda one: one.iter_tiles(), lambda one: one.iter_tiles(batch=1)],
    "match_collections": [lambda one: one.match_collections()],
    "neighbours": [lambda tile: tile.neighbours(), lambda tile: tile.neighbours(dz=1)],
    "outside": [lambda group: group.outside()],
    "owners": [lambda gateway: gateway.owners()],
    "projects": [lambda one: one.projects()],
    "render_parameters": [lambda one: one.render_parameters()],
    "resolved_tiles": [lambda section: section.resolved_tiles()],
    "sections": [lambda stack: stack.sections(), lambda stack: stack.sections(z=(2, None))],
    "simple_marshal": [lambda one: one.simple_marshal(), lambda one: one.simple_marshal(parents=True)],
    "stacks": [lambda one: one.stacks()],
    "tile_groups": [lambda stack: stack.tile_groups()],
    "url": [lambda one: one.url()],
    "within": [lambda group: group.within()],
    "world_from": [lambda stack: stack.world_from(stack, _ORIGIN, z=1)],
    "Gateway.stacks": [
        lambda gateway: gateway.stacks(),
        lambda gateway: gateway.stacks(state="COMPLETE"),
        lambda gateway: gateway.stacks(name="mon*"),
    ],
    "Gateway.get_objects": [lambda gateway: gateway.get_objects("Stack")],
    "MatchGroupWrapper.pairs": [lambda group: group.pairs()],
    "MatchPairWrapper.residuals": [lambda pair: pair.residuals(_montage(pair))],
    "MatchPairWrapper.tiles": [lambda pair: pair.tiles(_montage(pair))],
    "MatchPairWrapper.world_points": [lambda pair: pair.world_points(_montage(pair))],
    "PairReading.iter_pairs": [lambda matches: matches.iter_pairs()],
    "PairReading.iter_tables": [lambda matches: list(matches.iter_tables())],
    "PairReading.pairs": [
        lambda matches: matches.pairs(),
        lambda matches: matches.pairs(points=False),
        lambda matches: matches.pairs(within="1.0"),
        lambda matches: matches.pairs(within=_montage(matches).section(1)),
        lambda matches: matches.pairs(between=(_montage(matches).section(1), "2.0")),
        lambda matches: matches.pairs(outside=_montage(matches).section(1)),
        lambda matches: matches.pairs(tile=_montage(matches).tile("a")),
        lambda matches: matches.pairs(p_group=matches_of(matches).group("1.0")),
    ],
    "PairReading.residuals": [lambda matches: matches.residuals(_montage(matches), matches.table())],
    "PairReading.table": [lambda matches: matches.table()],
    "PairReading.world_points": [lambda matches: matches.world_points(_montage(matches), matches.table())],
    "SectionWrapper.hidden_tile_ids": [lambda section: section.hidden_tile_ids()],
    "SectionWrapper.tile_ids_outside": [lambda section: section.tile_ids_outside((0, 0, 50, 50))],
    "SectionWrapper.locate": [
        lambda section: section.locate(_ORIGIN),
        lambda section: section.locate(_ORIGIN, method="exact"),
    ],
    "SectionWrapper.tiles": [lambda section: section.tiles(), lambda section: section.tiles().table()],
    "StackWrapper.clusters": [lambda stack: stack.clusters(stack._conn.match_collection("dmesh"))],
    "StackWrapper.locate": [
        lambda stack: stack.locate(_ORIGIN, 1),
        lambda stack: stack.locate(_ORIGIN, 1, compute="service"),
    ],
    "StackWrapper.local_from_world": [lambda stack: stack.local_from_world("a", _ORIGIN)],
    "StackWrapper.section": [lambda stack: stack.section(section_id="1.0")],
    "StackWrapper.tiles": [
        lambda stack: stack.tiles(),
        lambda stack: stack.tiles(z=1),
        lambda stack: stack.tiles(z=(1, 2)),
        lambda stack: stack.tiles(box=Bounds(0, 0, 50, 50)),
        lambda stack: stack.tiles(section_id="1.0"),
        lambda stack: stack.tiles(pattern="a|new"),
        lambda stack: stack.tiles(z=1).filter(width=100),
        lambda stack: stack.tiles().order_by("-width")[:2],
    ],
    "StackWrapper.validate": [lambda stack: stack.validate(TileLimits(max_coordinate=10), sections=1)],
    "StackWrapper.world_from_local": [lambda stack: stack.world_from_local("a", _ORIGIN)],
    "TileGroupWrapper.tiles": [lambda group: group.tiles()],
    "TileWrapper.local_from_world": [
        lambda tile: tile.local_from_world(_ORIGIN),
        lambda tile: tile.local_from_world(_ORIGIN, method="mesh"),
    ],
    "TileWrapper.matches": [lambda tile: tile.matches("dmesh")],
    "TileWrapper.shared_transforms": [
        lambda tile: tile.shared_transforms(),
        lambda tile: [one.value for one in tile.shared_transforms()],
    ],
    "TileWrapper.world_from_local": [lambda tile: tile.world_from_local(_ORIGIN)],
}


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# Settings of this process, and whether objects are loaded.
_SETTINGS = _words("auth hooks image_base_url is_closed is_loaded registry server service_id settings")
# Methods and attributes: constants, loading, writes, objects opened by name, settings, and pictures, which are drawn at
# each call from what render_parameters() shows.
_NOT_READINGS = _words(
    """
    CHILD_KIND KIND MARSHALLED RECORD collections do_not_call_in_templates load reload
    clone_to copy_to create_stack delete delete_pairs derive derived_stack editing new_version put put_files
    remove_transforms remove_unconnected rename reopen set_state split_clusters temporary temporary_stack
    update update_counts warp_to
    get_object group in_frame match_collection merged_with owner pair pinned project shared_transform stack tile
    tile_group wrap
    call call_into call_raw change_auth close connect counting endpoints from_env from_profile register registered
    request using version_info
    check_images cross_section export image link rasterize_to remove_mipmaps render render_boxes render_tiles
    residuals solve source_image thumbnail tile_pairs write_mipmaps
    """
)
_ALIASES = frozenset({*OBJECT_ALIASES, *GATEWAY_ALIASES})


def matches_of(one: Any) -> Any:
    """Return the match collection that an object reads."""
    if isinstance(one, MergedMatches):
        return one.collections[0]
    return one if one.KIND == "match_collection" else one.match_collection


def _montage(one: Any) -> Any:
    return matches_of(one)._conn.stack("montage")


def _members(shown: type[Any]) -> Iterator[tuple[str, Any]]:
    """Yield each public name of a class with its definition."""
    for name in dir(shown):
        if not name.startswith("_") and name not in _ALIASES:
            yield name, inspect.getattr_static(shown, name)


def _table_of(shown: type[Any], name: str) -> Sequence[Reading] | None:
    names = [f"{base.__name__}.{name}" for base in shown.__mro__]
    return next((_METHODS[one] for one in [*names, name] if one in _METHODS), None)


def names_without_place(shown: type[Any]) -> list[str]:
    """Return the public names of a class that are neither read nor listed as something else."""
    return [
        name
        for name, member in _members(shown)
        if not (name in _NOT_READINGS or isinstance(member, property) or _table_of(shown, name))
    ]


def readings_of(shown: type[Any]) -> dict[str, Reading]:
    """Return the readings of a class, by name."""
    found: dict[str, Reading] = {}
    for name, member in _members(shown):
        if isinstance(member, property):
            if name not in _SETTINGS:
                found[name] = attrgetter(name)
        else:
            found.update((f"{name} {place}", read) for place, read in enumerate(_table_of(shown, name) or ()))
    return found


def plain(read: Callable[[], Any]) -> Any:
    """Return what *read* returns as plain values, or its error."""
    try:
        return _plain(read())
    except RenderGatewayError as error:
        said = error.server_message if isinstance(error, ServiceError) else str(error)
        return "raises", type(error).__name__, said


def _plain(value: Any) -> Any:
    if isinstance(value, Collection):
        return list(zip(value.ids, map(bytes, list[Any](value.texts)), strict=True))
    if isinstance(value, ObjectWrapper):
        return value.KIND, tuple(value._key)
    if isinstance(value, SharedTransforms):
        return plain(lambda: value["lens"].to_spec())
    if isinstance(value, Transform):
        return value.to_spec()
    if isinstance(value, Record):
        return value.to_json()
    if isinstance(value, Mapping):
        return {name: _plain(one) for name, one in value.items()}
    if isinstance(value, np.ndarray):
        return repr(value.tolist())
    if isinstance(value, RowTable):
        return _plain(value.columns)
    if hasattr(value, "columns") or hasattr(value, "texts"):
        return list(map(bytes, value.texts)) if hasattr(value, "texts") else _plain(dict(value.columns()))
    if attrs.has(type(value)):
        return {field.name: _plain(getattr(value, field.name)) for field in attrs.fields(type(value))}
    if isinstance(value, Sequence | Iterator) and not isinstance(value, str | bytes):
        return [_plain(one) for one in value]
    assert value is None or isinstance(value, str | bytes | float | int) or type(value).__name__ == "datetime", value
    return value
