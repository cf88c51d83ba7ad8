"""What a subclass overrides is for its readers: it never decides which requests are made, nor on which data."""

from __future__ import annotations

import inspect
import re
import shutil
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from types import FunctionType
from typing import Any

import pytest

from rendergateway import (
    Bounds,
    Collection,
    Gateway,
    MatchRecord,
    ObjectWrapper,
    PathBuilder,
    Picture,
    TileLimits,
    TileRecord,
)
from rendergateway.batch.load import load_specs
from rendergateway.model.files.spec_set import gather_specs
from rendergateway.testing import make_stack
from rendergateway.transforms import AffineModel2D, Transform
from rendergateway.transport.client import Client
from rendergateway.wrappers.core import display, registry
from rendergateway.wrappers.core.blitz import OBJECT_ALIASES
from rendergateway.wrappers.editing.tile_changes import TileChanges
from rendergateway.wrappers.editing.tile_selection import TileSelection

POINT = [[300.0, 200.0]]
BOX = Bounds(10, 10, 74, 42)
SHIFT = AffineModel2D([[1, 0, 10], [0, 1, 0]])
# Times and random names differ from run to run.
_VARYING = re.compile(rb"\d{4}-\d\d-\d\dT[\d:.]+Z|_temporary_[0-9a-f]{16}|MOVE_STACK_[\d_]+")
# Functions of the library that use what a subclass overrides, because that is their purpose: what shows or marshals an
# object; verbs that are another verb in short; work made of public verbs.
_READERS = {"__repr__", "__str__", "_cells", "_facts", "call", "name", "short_name", "simple_marshal", "sort_key"}
_READERS |= {"ancestry", "children", "count_children", "exists", "residuals", "table", "thumbnail", "thumbnail_url"}
_READERS |= {"_load_children", "load_specs", "make_stack", "match_collections", "projects", "stacks"}


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A stack of pictures with matches and a tile group, and another stack and collection beside them."""
    folder = tmp_path_factory.mktemp("overrides")
    with Gateway(f"embedded:{folder / 'render.db'}", owner="lab", project="cortex") as gateway:
        stack = make_stack(gateway, sections=2, rows=1, columns=2, matches="truth", images=folder / "images")
        make_stack(gateway, "other", sections=[1, 2, 3], rows=1, columns=2)
        gateway.match_collection("decoy").put(gateway.match_collection("truth").pairs())
        with stack.editing() as edit:
            edit.set_group("good", ["s1_r0_c0"])
    return folder / "render.db"


# Calls of the public methods of each kind, by name. *g* is the gateway of the object.
Call = Callable[[Any, Gateway], Any]


def entered(context: Any) -> Any:
    with context as inside:
        return inside


def linked(one: Any) -> str:
    """Return the address of an object in a viewer; an embedded service has no address of its own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(one._conn, "public_url", "http://localhost/render-ws/v1")
        return str(one.link("neuroglancer"))


def in_edit(act: Callable[[Any], object]) -> Call:
    def call(stack: Any, g: Gateway) -> object:
        with stack.editing() as edit:
            return act(edit)

    return call


_COMMON: dict[str, Call] = {
    "load": lambda one, g: one.load(),
    "reload": lambda one, g: one.reload(),
    "ancestry": lambda one, g: len(one.ancestry()),
    "count_children": lambda one, g: one.CHILD_KIND and one.count_children(),
    "children": lambda one, g: one.CHILD_KIND and one.children().load(),
    "simple_marshal": lambda one, g: bool(one.simple_marshal()),
    "exists": lambda one, g: own(one, "exists"),
    "display": lambda one, g: bool(one._repr_html_()) and bool(repr(one)) and bool(str(one)),
}
_CALLS: dict[str, dict[str, Call]] = {
    "owner": {
        "projects": lambda owner, g: owner.projects().load(),
        "stacks": lambda owner, g: owner.stacks().load(),
        "match_collections": lambda owner, g: owner.match_collections().load(),
    },
    "project": {"stacks": lambda project, g: project.stacks().load()},
    "stack": {
        "sections": lambda stack, g: stack.sections((1, 2)).load(),
        "section": lambda stack, g: stack.section(section_id="2.0"),
        "tiles": lambda stack, g: [
            stack.tiles().load(),
            stack.tiles(z=1).load(),
            stack.tiles(z=(1, 2), box=BOX).load(),
            stack.tiles(section_id="2.0").load(),
            stack.tiles(pattern="r0").prefetch(),
        ],
        "iter_tiles": lambda stack, g: list(stack.iter_tiles(batch=1)),
        "link": lambda stack, g: linked(stack),
        "tile": lambda stack, g: stack.tile("s1_r0_c1").load(),
        "tile_group": lambda stack, g: stack.tile_group("good").tiles().load(),
        "tile_groups": lambda stack, g: stack.tile_groups().load(),
        "shared_transform": lambda stack, g: stack.shared_transform("lens").load(),
        "world_from_local": lambda stack, g: stack.world_from_local("s1_r0_c0", POINT),
        "local_from_world": lambda stack, g: stack.local_from_world("s1_r0_c0", POINT),
        "locate": lambda stack, g: [stack.locate(POINT, 1), stack.locate(POINT, 1, compute="service")],
        "check_boxes": lambda stack, g: len(stack.check_boxes()),
        "validate": lambda stack, g: len(stack.validate(TileLimits(max_size=1), sections=stack.sections()[1])),
        "world_from": lambda stack, g: [
            stack.world_from(g.stack("other").section(1), POINT),
            stack.world_from(g.stack("other"), POINT, z=2),
        ],
        "tile_pairs": lambda stack, g: [
            list(stack.tile_pairs(exclude=g.match_collection("decoy"))),
            list(stack.tile_pairs(only_in=g.stack("other"), sections=stack.sections(), z_distance=0)),
            stack.tile_pairs(base=g.stack("other")).template,
        ],
        "cross_section": lambda stack, g: stack.cross_section("xz", at=20, scale=0.25),
        "export": lambda stack, g: stack.export(folder_of(g) / "export", scale=0.1).files,
        "render_boxes": lambda stack, g: (
            stack.render_boxes(folder_of(g) / "boxes", width=400, height=400, levels=1, sections=[1], overview=50).count
        ),
        "label boxes": lambda stack, g: (
            stack.render_boxes(
                folder_of(g) / "labels", width=400, height=400, labels=True, sections=stack.sections()[1]
            ).count
        ),
        "render_tiles": lambda stack, g: [
            path.name
            for path in stack.render_tiles(
                folder_of(g) / "tiles", tiles=["s1_r0_c0", stack.tile("s1_r0_c1")], sections=[2], scale=0.1
            )
        ],
        # Paths of these files are in requests.
        "rasterize_to": lambda stack, g: stack.rasterize_to(
            "rasterized", folder_of(g).parent / "raster", sections=[1], overwrite=True
        ),
        "write_mipmaps": lambda stack, g: (
            stack.write_mipmaps(folder_of(g).parent / "levels", levels=1, overwrite=True).count
        ),
        "remove_mipmaps": lambda stack, g: [
            stack.remove_mipmaps(folder_of(g).parent / "levels", levels=1),
            stack.update(path_builder=None),
        ],
        "check_images": lambda stack, g: len(stack.check_images()),
        "solve": lambda stack, g: stack.solve(g.match_collection("truth", frame="raw"), "solved", z=1).tile_count,
        "residuals": lambda stack, g: stack.residuals(g.match_collection("truth", frame="raw")).total,
        "pinned": lambda stack, g: pinned_tiles(stack),
        "clone_to": lambda stack, g: stack.clone_to("clone", sections=stack.sections()[1], complete=True),
        "copy_to": lambda stack, g: [
            stack.copy_to("copy", sections=stack.sections()),
            stack.copy_to("half", complete=False, sections=[1]),
            stack.copy_to("half", resume=True),
            stack.copy_to(
                "half",
                keep=TileSelection(box=BOX, only_in=g.stack("other"), not_in=stack),
                existing="append",
                complete=False,
            ),
            stack.copy_to("apart", change=TileChanges(split_sections=2, to_origin=True)),
        ],
        "clusters": lambda stack, g: stack.clusters(g.match_collection("truth"), stack.sections()),
        "remove_unconnected": lambda stack, g: stack.remove_unconnected(
            g.match_collection("decoy"), sections=stack.sections()[1], keep=g.stack("other"), move_to="gone"
        ),
        "split_clusters": lambda stack, g: dict(
            stack.split_clusters("split", g.match_collection("truth"), removed_to="gone").layers
        ),
        "remove_transforms": lambda stack, g: stack.remove_transforms(to="less", sections=stack.sections()[1]),
        "derived_stack": lambda stack, g: stack.derived_stack("derived"),
        "warp_to": lambda stack, g: warped(stack),
        "temporary": lambda stack, g: entered(stack.temporary()),
        "editing": in_edit(lambda edit: edit.put(edit.stack.tiles(z=1))),
        "put tiles of another": in_edit(
            lambda edit: edit.put(list(edit._stack.client.stack("other").section(3).tiles()))
        ),
        "apply": in_edit(lambda edit: edit.apply(SHIFT, sections=edit.stack.sections()[1])),
        "apply to a tile": in_edit(lambda edit: edit.apply({edit.stack.tile("s1_r0_c0"): SHIFT})),
        "apply from a stack": in_edit(
            lambda edit: edit.apply(SHIFT, source=edit._stack.client.stack("other"), sections=[1])
        ),
        "move tiles": in_edit(lambda edit: edit.move(9, edit.stack.tile("s1_r0_c1"))),
        "move tiles back": in_edit(lambda edit: edit.move(1, sections=edit.stack.section(9))),
        "move tiles of another": in_edit(
            lambda edit: edit.move(8, sections=[3], source=edit._stack.client.stack("other"))
        ),
        "set_shared_transform": in_edit(lambda edit: edit.set_shared_transform("lens", SHIFT)),
        "set_group": in_edit(lambda edit: edit.set_group("new", edit.stack.section(2).tiles())),
        "delete in dry run": in_edit(
            lambda edit: edit.delete(list(edit.stack.tiles()), sections=edit.stack.sections()[0], dry_run=True)
        ),
        "delete tiles": in_edit(lambda edit: edit.delete(edit.stack.section(2).tiles()[0])),
        "delete sections": in_edit(lambda edit: edit.delete(sections=edit.stack.sections()[1:])),
        "reopen": lambda stack, g: stack.reopen(),
        "new_version": lambda stack, g: entered(stack.new_version(notes="second")).saved,
        "update": lambda stack, g: stack.update(
            resolution_nm=(1, 2, 3), path_builder=PathBuilder(root_path="/a", level_count=3, extension="png")
        ),
        "set_state": lambda stack, g: stack.set_state("LOADING"),
        "load files": lambda stack, g: loaded(stack),
        "rename": lambda stack, g: stack.rename("renamed"),
        "delete": lambda stack, g: [
            g.stack("renamed").delete(dry_run=True),
            g.stack("renamed").delete(),
        ],
    },
    "section": {
        "tiles": lambda section, g: section.tiles().load(),
        "resolved_tiles": lambda section, g: len(section.resolved_tiles()),
        "iter_tiles": lambda section, g: [list(section.iter_tiles()), list(section.iter_tiles(batch=1))],
        "hidden_tile_ids": lambda section, g: section.hidden_tile_ids(),
        "tile_ids_outside": lambda section, g: section.tile_ids_outside(BOX),
        "locate": lambda section, g: section.locate(POINT),
        "image": lambda section, g: [section.image(scale=0.1), section.image(BOX)],
        "thumbnail": lambda section, g: section.thumbnail(32),
        "link": lambda section, g: linked(section),
        "render_parameters": lambda section, g: section.render_parameters().to_dict(),
        "url": lambda section, g: [section.url("jpg"), own(section, "thumbnail_url")],
        "neighbours": lambda section, g: [
            own(section, "next"),
            own(g.stack("montage").section(2), "previous"),
        ],
        "record": lambda section, g: section._obj.to_dict(),
        "delete": lambda section, g: [
            section.delete(dry_run=True),
            g.stack("montage").set_state("LOADING"),
            section.delete(),
        ],
    },
    "tile": {
        "neighbours": lambda tile, g: tile.neighbours(margin_px=5, dz=1).load(),
        "link": lambda tile, g: linked(tile),
        "group": lambda tile, g: own(tile, "group"),
        "section": lambda tile, g: own(tile, "section"),
        "shared_transforms": lambda tile, g: tile.shared_transforms().load(),
        "matches": lambda tile, g: tile.matches("truth").load(),
        "world_from_local": lambda tile, g: [
            tile.world_from_local(POINT),
            tile.world_from_local(POINT, compute="service"),
        ],
        "local_from_world": lambda tile, g: [
            tile.local_from_world(POINT),
            tile.local_from_world(POINT, method="mesh"),
            tile.local_from_world(POINT, compute="service", method="mesh"),
        ],
        "image": lambda tile, g: [tile.image(scale=0.1), tile.image("lens_corrected", scale=0.1)],
        "thumbnail": lambda tile, g: tile.thumbnail(32),
        "source_image": lambda tile, g: tile.source_image(),
        "render_parameters": lambda tile, g: tile.render_parameters().to_dict(),
        "url": lambda tile, g: [tile.url("jpg"), own(tile, "thumbnail_url")],
        "matches of two": lambda tile, g: repr(
            MatchRecord.between(tile, g.stack("montage").tile("s2_r0_c0"), [[1, 2]], [[3, 4]])
        ),
        "delete": lambda tile, g: [tile.delete(dry_run=True), g.stack("montage").set_state("LOADING"), tile.delete()],
    },
    "tile_group": {"tiles": lambda group, g: group.tiles().load()},
    "transform": {"value": lambda transform, g: own(transform, "value")},
    "match_collection": {
        "groups": lambda matches, g: [matches.groups().load(), matches.groups(side="p").load()],
        "group": lambda matches, g: matches.group("1.0").pairs().load(),
        "pairs": lambda matches, g: [
            matches.pairs().load(),
            matches.pairs(within=g.stack("montage").section(1)).load(),
            matches.pairs(outside=matches.group("1.0")).load(),
            matches.pairs(between=(matches.group("1.0"), g.stack("montage").section(2))).load(),
            matches.pairs(tile=g.stack("montage").tile("s1_r0_c0"), points=False).load(),
            matches.pairs(p_group="1.0").load(),
        ],
        "iter_pairs": lambda matches, g: list(matches.iter_pairs(within=matches.group("2.0"))),
        "table": lambda matches, g: matches.table(),
        "iter_tables": lambda matches, g: list(matches.iter_tables(tile=g.stack("montage").tile("s1_r0_c0"))),
        "pair": lambda matches, g: matches.pair(*g.stack("montage").section(1).tiles()[:2]).load(),
        "world_points": lambda matches, g: matches.world_points(g.stack("montage"), matches.table()),
        "residuals": lambda matches, g: matches.residuals(g.stack("montage"), matches.table()),
        "merged_with": lambda matches, g: [
            matches.merged_with(g.match_collection("decoy")).pairs().load(),
            matches.merged_with("decoy").groups(),
            matches.merged_with("decoy").world_points(g.stack("montage"), matches.table()),
        ],
        "derive": lambda matches, g: (
            matches.derive(
                g.stack("montage").tile_pairs(z=1), workers=1, filter=False, skip_existing=True, min_scale=0.2
            ).matched_count
        ),
        "put": lambda matches, g: matches.put(list(matches.pairs())),
        "put_files": lambda matches, g: matches.put_files(match_file(matches, folder_of(g) / "matches.json")),
        "copy_to": lambda matches, g: [
            matches.copy_to("copied"),
            matches.copy_to("copied", groups=[g.stack("montage").section(1), "2.0"], replace_groups=True),
        ],
        "update_counts": lambda matches, g: [matches.update_counts(), matches.update_counts(["1.0"])],
        "delete_pairs": lambda matches, g: [
            matches.delete_pairs(within=g.stack("montage").section(1), dry_run=True),
            matches.delete_pairs(outside=matches.group("1.0")),
        ],
        "rename": lambda matches, g: matches.rename("renamed"),
        "delete": lambda matches, g: [
            g.match_collection("renamed").delete(dry_run=True),
            g.match_collection("renamed").delete(),
        ],
    },
    "match_group": {
        "within": lambda group, g: group.within().load(),
        "outside": lambda group, g: group.outside().load(),
        "pairs": lambda group, g: group.pairs().load(),
    },
    "match_pair": {
        "tiles": lambda pair, g: pair.tiles(g.stack("montage")),
        "swapped": lambda pair, g: own(pair, "swapped").load(),
        "world_points": lambda pair, g: pair.world_points(g.stack("montage")),
        "residuals": lambda pair, g: pair.residuals(g.stack("montage")),
        "delete": lambda pair, g: [pair.delete(dry_run=True), pair.delete()],
    },
}
_CALLS["gateway"] = {
    "stacks": lambda gateway, g: [
        g.stacks(name="mont*", state="COMPLETE").load(),
        g.stacks(state="LOADING").load(),
        g.stacks(name="other").load(),
    ],
    "owners": lambda gateway, g: [g.owners().load(), g.projects().load(), g.match_collections().load()],
    "get_object": lambda gateway, g: [g.get_object(kind, "montage") for kind in ("Stack", "Project", "Owner")],
    "create_stack": lambda gateway, g: g.create_stack("montage", exist_ok=True, resolution_nm=(4, 4, 40)),
    "temporary_stack": lambda gateway, g: entered(g.temporary_stack()),
    "make_stack": lambda gateway, g: make_stack(g, "made", sections=1, rows=1, columns=1, matches="made"),
    "load_specs": lambda gateway, g: loaded(g.stack("loaded")),
    "table in nm": lambda gateway, g: g.stack("montage").tiles().table(units="nm").min_x_nm,
    "page": lambda gateway, g: list(g.stack("montage").tiles().page(2, 2)),
}
_OBJECTS: dict[str, Callable[[Gateway], Any]] = {
    "gateway": lambda g: g,
    "owner": lambda g: g.owner(),
    "project": lambda g: g.project(),
    "stack": lambda g: g.stack("montage"),
    "section": lambda g: g.stack("montage").section(1),
    "tile": lambda g: g.stack("montage").tile("s1_r0_c0"),
    "tile_group": lambda g: g.stack("montage").tile_group("good"),
    "transform": lambda g: g.stack("montage").shared_transform("lens"),
    "match_collection": lambda g: g.match_collection("truth", frame="lens_corrected"),
    "match_group": lambda g: g.match_collection("truth").group("1.0"),
    "match_pair": lambda g: g.match_collection("truth", frame="lens_corrected").pair(
        "s1_r0_c0", "s1_r0_c1", p_group="1.0", q_group="1.0"
    ),
}


def own(wrapper: Any, name: str) -> Any:
    """A property as the library's class has it."""
    return getattr(registry._BASES[wrapper.KIND], name).__get__(wrapper)


def folder_of(gateway: Gateway) -> Path:
    return Path(gateway.server.removeprefix("embedded:")).parent


def pinned_tiles(stack: Any) -> Any:
    with stack.pinned() as view:
        return view.section(1).tiles().load().ids


def match_file(matches: Any, path: Path) -> Path:
    path.write_bytes(matches.table().to_json())
    return path


def warped(stack: Any) -> object:
    """Warp a stack of three tiles to itself."""
    wide = stack.derived_stack("wide")
    places = [("a", 0, 0), ("b", 200, 0), ("c", 0, 200)]
    with wide.editing() as edit:
        edit.put(
            [
                TileRecord(tile_id=name, z=1, width=100, height=100, transforms=[AffineModel2D([[1, 0, x], [0, 1, y]])])
                for name, x, y in places
            ]
        )
    return wide.warp_to("warped", wide).tile_count


def loaded(stack: Any) -> int:
    return load_specs(
        stack,
        gather_specs(b'[{"tileId":"n","z":1,"width":9,"height":9,"transforms":{"type":"list","specList":[]}}]'),
        existing="append",
    ).tile_count


# Classes with wrong values


def wrong(value: Any) -> Any:
    """Another value of the same type."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, int | float):
        return value + 1
    if isinstance(value, str):
        return "1.0" if value == "2.0" else "2.0"
    if isinstance(value, ObjectWrapper):
        key = value._key._replace(**{value._key._fields[-1]: wrong(value._key[-1])})
        return value._conn.objects.wrap(value.KIND, key)
    if isinstance(value, Bounds):
        return Bounds(value.min_x + 5, value.min_y + 5, value.max_x + 9, value.max_y + 9)
    return [] if isinstance(value, list | tuple) else None


def overridden(base: type[Any], used: set[str]) -> type[Any]:
    """A subclass whose public properties have wrong values; a use by the library is added to *used*, of methods too."""

    def note(name: str) -> None:
        # The caller of the override.
        frame = sys._getframe(2)
        if frame.f_code.co_filename == display.__file__ and frame.f_back is not None:
            # The guard around properties of subclasses.
            frame = frame.f_back
        code, module = frame.f_code, frame.f_globals["__name__"]
        is_marshalling = module == ObjectWrapper.__module__ and code.co_name in ("<genexpr>", "<listcomp>")
        if module.startswith("rendergateway.") and code.co_name not in _READERS and not is_marshalling:
            used.add(f"{module}.{code.co_name} uses {base.__name__}.{name}")

    def value(name: str) -> property:
        def get(self: Any) -> Any:
            note(name)
            return wrong(getattr(super(made, self), name))

        return property(get)

    def method(name: str) -> Any:
        def call(self: Any, *arguments: Any, **options: Any) -> Any:
            note(name)
            return getattr(super(made, self), name)(*arguments, **options)

        return call

    members = {name: value(name) for name in public(base, property)}
    members |= {name: method(name) for name in public(base, FunctionType)}
    made: type[Any] = type(f"Wrong{base.__name__}", (base,), members)
    return made


def public(base: type[Any], sort: type[Any]) -> list[str]:
    """The public properties, or methods, of a class."""
    return [
        name
        for name in dir(base)
        if not name.startswith("_")
        and name not in OBJECT_ALIASES
        and isinstance(inspect.getattr_static(base, name), sort)
    ]


def calls_of(kind: str) -> dict[str, Call]:
    return _CALLS[kind] if kind == "gateway" else {**_COMMON, **_CALLS[kind]}


def outcomes(kind: str, database: Path, used: set[str] | None) -> dict[str, Any]:
    """The requests and the result of each call, with the library's classes or with wrong ones."""
    log: list[Any] = []
    send = Client._send

    def sent(self: Client, endpoint: Any, body: Any, values: Mapping[str, Any], sink: Any = None) -> Any:
        text = body if isinstance(body, bytes) else repr(getattr(body, "to_json", lambda: body)()).encode()
        log.append((endpoint.name, endpoint.url(values), _VARYING.sub(b"", text)))
        return send(self, endpoint, body, values, sink)

    found = {}
    with (
        pytest.MonkeyPatch.context() as patch,
        Gateway(f"embedded:{database}", owner="lab", project="cortex") as gateway,
    ):
        if used is not None:
            for base in registry._BASES.values():
                gateway.register(overridden(base, used))
        patch.setattr(Client, "_send", sent)
        for name, call in calls_of(kind).items():
            # Objects of its own: nothing is loaded.
            g = gateway.using(workers=1)
            thing = _OBJECTS[kind](g)
            log.clear()
            try:
                result = shown(call(thing, g))
            except Exception as error:
                result = f"{type(error).__name__}: {error}"
            found[name] = (
                # Sections are read ahead while others are saved.
                sorted(re.sub("_temporary_[0-9a-f]{16}|MOVE_STACK_[0-9_]+", "", repr(entry)) for entry in log),
                result,
            )
    return found


def shown(result: Any) -> Any:
    """A result as values that compare."""
    if isinstance(result, ObjectWrapper):
        return [] if "_temporary_" in str(result._key) else result._key
    if isinstance(result, Collection):
        return [one._key for one in result]
    if isinstance(result, Picture):
        return result.pixels.tolist()
    if hasattr(result, "tolist"):
        return result.tolist()
    if isinstance(result, Transform):
        return result.to_spec()
    if hasattr(result, "xy"):
        return [result.xy.tolist(), result.error.tolist()]
    if hasattr(result, "texts"):
        return list(map(bytes, result.texts))
    return list(map(shown, result)) if isinstance(result, list | tuple) else result


@pytest.mark.parametrize("kind", _OBJECTS)
def test_overrides__decide_nothing(kind: str, database: Path, tmp_path: Path) -> None:
    """With wrong values in all public properties of all classes, every method makes the same requests."""
    for name in ("plain", "wrong"):
        (tmp_path / name).mkdir()
        shutil.copy(database, tmp_path / name)
    used: set[str] = set()

    plain = outcomes(kind, tmp_path / "plain" / database.name, None)
    changed = outcomes(kind, tmp_path / "wrong" / database.name, used)

    assert {name: result for name, (_, result) in plain.items() if "Error" in str(result)} == {}
    assert {name: changed[name] for name in plain if changed[name] != plain[name]} == {}
    assert sorted(used) == []


def test_overrides__every_method_is_called() -> None:
    """The table of calls has every public method of every kind."""
    missing = {
        f"{kind}.{name}"
        for kind, base in registry._BASES.items()
        for name in public(base, FunctionType)
        if name not in calls_of(kind)
    }

    assert missing == set()
