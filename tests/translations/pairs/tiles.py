"""Tile specs, and tiles with their shared transforms."""

from __future__ import annotations

from typing import Any

from tests.translations.pairs.rows import Row, differs, same, writes

AFFINE = {
    "type": "leaf",
    "className": "mpicbg.trakem2.transform.AffineModel2D",
    "dataString": "1.0000000000 0.0000000000 0.0000000000 1.0000000000 5.0000000000 7.0000000000",
}
TILE: dict[str, Any] = {
    "tileId": "a",
    "z": 5.0,
    "width": 512.0,
    "height": 512.0,
    "minIntensity": 0.0,
    "maxIntensity": 255.0,
    "layout": {"sectionId": "5.0", "pixelsize": 4.0},
    "mipmapLevels": {"0": {"imageUrl": "file:/a.png"}},
    "transforms": {"type": "list", "specList": [AFFINE]},
    "labels": ["checked"],
    "groupId": "g",
}
# Members that renderapi reads, and does not write.
DROPPED = {"minX": 5.0, "minY": 7.0, "maxX": 517.0, "maxY": 519.0, "meshCellSize": 32.0, "acquiredBy": "night shift"}
REFERRING = {**TILE, "transforms": {"type": "list", "specList": [{"type": "ref", "refId": "lens"}, AFFINE]}}
LENS = {"transformIdToSpecMap": {"lens": {**AFFINE, "id": "lens"}}, "tileIdToSpecMap": {"a": REFERRING}}
PLAIN = {"transformIdToSpecMap": {}, "tileIdToSpecMap": {"b": {**TILE, "tileId": "b"}}}

D_TILE = f"d = {TILE!r}"
D_MORE = f"d = { ({**TILE, **DROPPED})!r}"
D_RESOLVED = f"d, e = {LENS!r}, {PLAIN!r}"


def of_specs(specs: Any) -> dict[str, Any]:
    """Facts of tile specs of renderapi, by id."""
    return {
        one.tileId: [one.z, one.width, one.minX, one.maxY, one.layout.sectionId, one.ip[0].imageUrl] for one in specs
    }


def of_tiles(tiles: Any) -> dict[str, Any]:
    """The same facts of tiles here, by id."""
    return {
        one.tile_id: [
            one.z,
            one.width,
            one.bounds.min_x,
            one.bounds.max_y,
            one.layout.section_id,
            one.mipmaps[0].image_url,
        ]
        for one in tiles
    }


def numbers(text: str) -> list[float]:
    """The numbers of a data string, which each side formats in its own way."""
    return [float(word) for word in text.split()]


def refs(spec: Any) -> Any:
    """The references of a tile spec of renderapi, and the numbers of its last transform."""
    *first, last = spec.to_dict()["transforms"]["specList"]
    return [[one.get("refId") for one in first], numbers(last["dataString"])]


TILES: list[Row] = [
    differs(
        "TileSpec",
        'TileSpec(tileId="a", z=5.0, width=512, height=512, imageUrl="file:/a.png").to_dict()',
        'TileRecord(tile_id="a", z=5.0, width=512, height=512, image_url="file:/a.png").to_dict()',
        "there: intensity window, pixel size and an empty list of transforms are invented",
        lambda there, here: (
            there
            == {
                **here,
                "minIntensity": 0,
                "maxIntensity": 65535,
                "layout": {"pixelsize": 0.1},
                "transforms": {"type": "list", "specList": []},
            }
        ),
    ),
    same("TileSpec.bbox", 'get_tile_spec_raw("montage", "s2_r0_c0", render=render).bbox', "tuple(tile.bounds)"),
    same(
        "TileSpec.bbox_transformed",
        'get_tile_spec("montage", "s2_r0_c0", render=render).bbox_transformed()',
        "tile.world_from_local([[0, 0], [0, 512], [512, 512], [512, 0], [0, 0]])",
        "for any points; `rendergateway.geometry.border_points(512, 512)` determine the box",
        also_here="edge = tile.world_from_local(rendergateway.geometry.border_points(512, 512)); "
        "assert np.allclose([*edge.min(axis=0), *edge.max(axis=0)], list(tile.bounds), atol=1.1)",
    ),
    differs(
        "TileSpec.to_dict",
        "TileSpec(json=d).to_dict()",
        "TileRecord.from_dict(d).to_dict()",
        "every member; there: box, mesh size and unknown members are dropped",
        lambda there, here: {**there, **DROPPED} == here,
        setup=D_MORE,
    ),
    same("TileSpec.from_dict", "tile = TileSpec(); tile.from_dict(d); tile", "TileRecord.from_dict(d)", setup=D_TILE),
    same(
        "get_tile_spec_renderparameters",
        'get_tile_spec_renderparameters("montage", "s2_r0_c0", render=render)',
        "tile.render_parameters()",
    ),
    differs(
        "get_tile_spec",
        'get_tile_spec("montage", "missing", render=render)',
        'stack.tile("missing").load()',
        "a failure is an error; there: None; flattened: `tile.resolved_transforms`",
        lambda there, here: there is None and type(here).__name__ == "NotFoundError",
        also_here='assert list(tile.resolved_transforms) == [stack.shared_transforms["lens"], tile.transforms[1]]',
    ),
    same(
        "get_tile_spec_raw",
        'get_tile_spec_raw("montage", "s2_r0_c0", render=render)',
        'stack.tile("s2_r0_c0").transforms',
        "as stored",
        there_as=refs,
        here_as=lambda found: [[one.ref_id for one in found[:-1]], numbers(found[-1].to_spec()["dataString"])],
    ),
    same(
        "get_tile_specs_from_minmax_box",
        'get_tile_specs_from_minmax_box("montage", 2, 0, 300, 0, 300, render=render)',
        "stack.tiles(z=2, box=Bounds(0, 0, 300, 300))",
        there_as=of_specs,
        here_as=of_tiles,
    ),
    differs(
        "get_tile_specs_from_box",
        'get_tile_specs_from_box("montage", 2.5, 0, 0, 300, 300, render=render)',
        "stack.tiles(z=2.5, box=Bounds(0, 0, 300, 300)).ids",
        "there: all numbers are cut to integers, also z",
        lambda there, here: {one.z for one in there} == {2.0} and here == [],
    ),
    same(
        "get_tile_specs_from_z",
        'get_tile_specs_from_z("montage", 2, render=render)',
        "stack.section(z=2).tiles()",
        "as stored; `resolved_tiles()`: flattened",
        there_as=of_specs,
        here_as=of_tiles,
        also_here="assert section.resolved_tiles()[0].transforms == section.tiles()[0].resolved_transforms.flattened()",
    ),
    same(
        "get_tile_specs_from_stack",
        'get_tile_specs_from_stack("montage", render=render)',
        "stack.iter_tiles()",
        "in bounded memory",
        there_as=of_specs,
        here_as=of_tiles,
    ),
]

RESOLVED_TILES: list[Row] = [
    same(
        "ResolvedTiles",
        "ResolvedTiles(tilespecs=[TileSpec(json=d)])",
        "ResolvedTiles.of([TileRecord.from_dict(d)]).to_json()",
        setup=D_TILE,
    ),
    same(
        "ResolvedTiles.to_dict",
        "ResolvedTiles(json=d).to_dict()",
        "ResolvedTiles.from_json(to_json(d)).to_json()",
        "JSON text",
        setup=D_RESOLVED,
    ),
    differs(
        "ResolvedTiles.from_dict",
        "r = ResolvedTiles(); r.from_dict(d); d",
        "r = ResolvedTiles.from_json(to_json(d)); d",
        "there: the argument is changed",
        lambda there, here: "transformId" in there["transformIdToSpecMap"]["lens"] and here == LENS,
        setup=D_RESOLVED,
    ),
    same(
        "combine_resolvedtiles",
        "combine_resolvedtiles([ResolvedTiles(json=d), ResolvedTiles(json=e)])",
        "ResolvedTiles.from_json(to_json(d)).merged(ResolvedTiles.from_json(to_json(e)))",
        "a duplicate tile id is an error; there: the last one wins",
        there_as=lambda r: [sorted(t.tileId for t in r.tilespecs), sorted(t.transformId for t in r.transforms)],
        here_as=lambda r: [sorted(r.tiles), sorted(r.transforms)],
        setup=D_RESOLVED,
        also_there="r = ResolvedTiles(json=d); assert len(combine_resolvedtiles([r, r]).tilespecs) == 1",
        also_here='r = ResolvedTiles.from_json(to_json(d)); assert raised(lambda: r.merged(r)) == "RecordError"',
    ),
    writes(
        "put_tilespecs",
        'create_stack("s", force_resolution=False, render=render); put_tilespecs("s", ResolvedTiles(json=d), '
        'render=render); set_stack_state("s", "COMPLETE", render=render)',
        'with gateway.create_stack("s").editing() as edit: edit.put(ResolvedTiles.from_json(to_json(d)))',
        setup=D_RESOLVED,
    ),
    same(
        "get_resolved_tiles_from_z",
        'get_resolved_tiles_from_z("montage", 2, render=render)',
        "stack.section(z=2).tiles()",
        "with the shared transforms, one request",
        there_as=lambda r: [of_specs(r.tilespecs), [t.transformId for t in r.transforms]],
        here_as=lambda tiles: [of_tiles(tiles), tiles[0].shared_transforms().ids],
        also_here="with gateway.counting() as requests: stack.section(z=1).tiles()[0].resolved_transforms\n"
        'assert requests == ["section.resolved_tiles"], requests',
    ),
]
