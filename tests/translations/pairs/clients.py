"""Imports of files, pools, and the Java clients."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.translations.pairs.rows import Row, differs, left_out, only_here, same
from tests.translations.pairs.tiles import AFFINE, TILE

JAVA = "there: Java"
# Two files of tiles, each with its own file of shared transforms.
FILES = f"""
import json
from pathlib import Path
references = {{name: {{"type": "list", "specList": [{{"type": "ref", "refId": name}}]}} for name in "ab"}}
tiles = [dict({TILE!r}, tileId=name, transforms=references[name]) for name in "ab"]
lenses = [dict({AFFINE!r}, id=name) for name in "ab"]
for number in (0, 1):
    Path(f"z{{number + 1}}.json").write_text(json.dumps(tiles[number : number + 1]))
    Path(f"t{{number + 1}}.json").write_text(json.dumps(lenses[number : number + 1]))
Path("lens.json").write_text(json.dumps(lenses))
Path("tiles.json").write_text(json.dumps([{TILE!r}]))
"""
SECTIONS_Z = 'stack.sections().map(attrgetter("z"), {})'


def tile_ids(name: str) -> Any:
    """A rule: section 5 has these tiles, and the stack is COMPLETE."""

    def holds(contents: Any) -> bool:
        found = [tile for tile, spec in contents.tiles["cortex/montage"]["tileIdToSpecMap"].items() if spec["z"] == 5]
        return found == list(name) and contents.stacks["cortex/montage"]["state"] == "COMPLETE"

    return holds


def loads(entry: str, here: str, tiles: str, note: str = JAVA, **more: Any) -> Row:
    """A row that saves tiles of files in section 5."""
    return only_here(entry, here, note, tile_ids(tiles), setup=FILES, writes=True, **more)


def last_transforms(contents: Any, name: str) -> dict[str, Any]:
    """The last transform of each tile of a stack."""
    tiles = contents.tiles[name]["tileIdToSpecMap"]
    return {tile_id: spec["transforms"]["specList"][-1] for tile_id, spec in tiles.items()}


def is_file(name: str) -> Any:
    """A rule: a file was written."""
    return lambda _: Path(name).stat().st_size > 0


CLIENT: list[Row] = [
    same("WithPool", "with WithPool(2) as pool: pool.map(float, [1, 2, 3])", SECTIONS_Z.format("workers=2")),
    loads("import_single_json_file", 'with stack.editing() as edit: edit.load("tiles.json")', "a"),
    loads(
        "import_jsonfiles_and_transforms_parallel_by_z",
        "rendergateway load z1.json z2.json --transforms-each t1.json t2.json --append --stack montage",
        "ab",
        "there: hangs for ever",
    ),
    loads(
        "import_jsonfiles_parallel",
        'with stack.editing(workers=8) as edit: edit.load(["z1.json", "z2.json"], transforms="lens.json")',
        "ab",
    ),
    loads(
        "import_jsonfiles",
        'with stack.editing() as edit: edit.load(["z1.json", "z2.json"], transforms="lens.json")',
        "ab",
    ),
    loads(
        "import_jsonfiles_validate_client",
        'with stack.editing() as edit: edit.load("tiles.json", validate=TileLimits(min_size=500))',
        "a",
    ),
    loads(
        "import_tilespecs",
        'with stack.editing() as edit: edit.put(read_tiles("tiles.json"))',
        "a",
        "there: Java, also with use_rest=True",
        also_there='error = raised(lambda: import_tilespecs("s", [], use_rest=True, render=render)); '
        'assert error == "ClientScriptError"',
    ),
    loads(
        "import_tilespecs_parallel",
        'with stack.editing(workers=8, batch=5000) as edit: edit.put(read_tiles("tiles.json"))',
        "a",
    ),
    differs(
        "local_to_world_array",
        'local_to_world_array("montage", points, "s2_r0_c0", render=render)',
        "tile.world_from_local(points)",
        "there: not implemented",
        lambda there, here: isinstance(there, Exception) and here.shape == (2, 2),
        also_here="assert np.allclose(tile.local_from_world(_value), points)",
    ),
    differs(
        "world_to_local_array",
        'world_to_local_array("montage", points, render=render)',
        "tile.local_from_world(points)",
        "there: not implemented",
        lambda there, here: isinstance(there, Exception) and here.shape == (2, 2),
        also_here="assert np.allclose(tile.world_from_local(_value), points)",
    ),
    only_here("materialize_tilespec_image", 'tile.image().save("tile.png")', JAVA, is_file("tile.png")),
    only_here("render_tilespec", "np.asarray(tile.image())", JAVA, lambda pixels: pixels.mean() > 10),
    only_here(
        "materialize_renderparameters_image",
        'gateway.render(tile.render_parameters()).save("picture.png")',
        JAVA,
        is_file("picture.png"),
    ),
    only_here(
        "render_renderparameters",
        "np.array_equal(gateway.render(tile.render_parameters()), tile.image())",
        JAVA,
        bool,
    ),
]

CALLS: list[Row] = [
    left_out("run_subprocess_mode", "no subprocess is started"),
    only_here(
        "call_run_ws_client",
        "rendergateway client-scripts --to scripts",
        "writes the script that it runs, which needs no Java",
        is_file("scripts/run_ws_client.sh"),
    ),
    left_out("get_param", "arguments of Java clients"),
    loads("importJsonClient", "rendergateway load tiles.json --append --stack montage", "a"),
    only_here(
        "tilePairClient",
        "rendergateway pairs montage --z-distance 0 --to pairs.json",
        JAVA,
        lambda _: b'"neighborPairs"' in Path("pairs.json").read_bytes(),
    ),
    only_here(
        "importTransformChangesClient",
        'with stack.copy_to("solved", tiles=False).editing() as edit: '
        'edit.apply(read_transform_changes("solution.json"), source=stack, how="replace_last")',
        JAVA,
        lambda contents: (
            contents.stacks["cortex/solved"]["state"] == "COMPLETE"
            and last_transforms(contents, "cortex/solved") == {"s2_r0_c0": AFFINE}
        ),
        setup="import json; from pathlib import Path; Path('solution.json').write_text(json.dumps("
        f'[{{"tileId": "s2_r0_c0", "transform": {AFFINE!r}}}]))',
        writes=True,
    ),
    only_here(
        "coordinateClient",
        "rendergateway coordinates montage points.json tiles.json --z 2",
        JAVA,
        lambda _: Path("tiles.json").read_bytes().startswith(b'[[{"tileId":"s2_r0_c0",'),
        setup="from pathlib import Path; Path('points.json').write_text('[{\"world\": [30, 40]}]')",
    ),
    only_here(
        "renderSectionClient",
        "rendergateway export montage --z 1..2 --scale 0.05 --format png --to pictures",
        JAVA,
        lambda _: {path.name for path in Path("pictures").glob("*.png")} == {"00001.0.png", "00002.0.png"},
    ),
    only_here(
        "transformSectionClient",
        "with stack.editing() as edit: edit.apply(AffineModel2D([[1, 0, 9], [0, 1, 0]]), sections=[2, 3], "
        'how="append", shared_id="z_drift")',
        JAVA,
        lambda contents: (
            {
                tile_id[:2]
                for tile_id, last in last_transforms(contents, "cortex/montage").items()
                if last == {"type": "ref", "refId": "z_drift"}
            }
            == {"s2", "s3"}
        ),
        writes=True,
    ),
    only_here(
        "get_canvas_url_template",
        'tile.render_parameters(frame="lens_corrected")',
        "the recipe instead of a template; there: needs a Java script",
        lambda recipe: len(recipe.tiles[0].transforms) == 1,
    ),
    only_here(
        "pointMatchClient",
        'gateway.match_collection("derived").derive(stack.tile_pairs(z=2, z_distance=0), scale=0.5, filter=False, '
        'workers=1, to="matches.json").pair_count',
        JAVA,
        lambda pairs: pairs > 0 and Path("matches.json").stat().st_size > 0,
    ),
    only_here("renderClient", "gateway.render(tile.render_parameters())", JAVA, lambda picture: picture.ndim == 2),
    only_here("rendererClient", "gateway.render(tile.render_parameters())", JAVA, lambda picture: picture.ndim == 2),
]

# Options of clients under the name that renderapi's have.
OPTIONS = "from rendergateway.clients.matching import options"


def by_name(arguments: Any) -> dict[str, str]:
    """The values of options, by their names."""
    words = list(arguments)
    return {name: str(value) for name, value in zip(words[::2], words[1::2], strict=True)}


def options(entry: str, there: str, here: str) -> Row:
    """A row that makes the same arguments of a client."""
    return same(entry, there, here, f"`{OPTIONS}`", setup=OPTIONS, there_as=by_name, here_as=by_name)


PARAMS: list[Row] = [
    left_out(
        "ArgumentParameters", "the base class of the options of clients: `rendergateway.clients.base.options.Options`"
    ),
    options(
        "ArgumentParameters.sanitize_cmd",
        'ArgumentParameters.sanitize_cmd(["--renderWithFilter", False])',
        "options.RenderOptions(render_with_filter=False).to_arguments()",
    ),
    options(
        "ArgumentParameters.get_cmd_opt",
        'ArgumentParameters.get_cmd_opt("0.5", "--renderScale")',
        "options.RenderOptions(render_scale=0.5).to_arguments()",
    ),
    same(
        "ArgumentParameters.get_flag_cmd",
        'ArgumentParameters.get_flag_cmd(True, "--requireStoredFeatures")',
        "options.FeatureStorageOptions(require_stored_features=True).to_arguments()",
        f"`{OPTIONS}`",
        setup=OPTIONS,
    ),
    options(
        "ArgumentParameters.to_java_args",
        "FeatureExtractionParameters(SIFTfdSize=4, SIFTsteps=5).to_java_args()",
        "options.FeatureExtractionParameters(sift_fd_size=4, sift_steps=5).to_arguments()",
    ),
    options(
        "FeatureExtractionParameters",
        "FeatureExtractionParameters(SIFTminScale=0.2, SIFTmaxScale=0.9).to_java_args()",
        "options.FeatureExtractionParameters(sift_min_scale=0.2, sift_max_scale=0.9).to_arguments()",
    ),
    options(
        "MatchDerivationParameters",
        'MatchDerivationParameters(matchRod=0.8, matchModelType="RIGID").to_java_args()',
        'options.MatchDerivationParameters(match_rod=0.8, match_model_type="RIGID").to_arguments()',
    ),
    options(
        "SiftPointMatchOptions",
        "SiftPointMatchOptions(renderScale=0.5, fillWithNoise=False, matchRod=0.8).to_java_args()",
        "options.SiftPointMatchOptions.of_values(dict(render_scale=0.5, fill_with_noise=False, match_rod=0.8))"
        ".to_arguments()",
    ),
]

UTILS: list[Row] = [left_out("renderclientaccess", "there are no scripts")]

STDLIB: list[Row] = [
    same(
        "WithThreadPool",
        "with WithThreadPool(2) as pool: pool.map(float, [1, 2, 3])",
        SECTIONS_Z.format("workers=2"),
    ),
    same(
        "WithDummyMapPool",
        "with WithDummyMapPool() as pool: pool.map(float, [1, 2, 3])",
        SECTIONS_Z.format("workers=1"),
    ),
    same("WithDummyMapPool.map", "WithDummyMapPool().map(float, [1, 2, 3])", SECTIONS_Z.format("workers=1")),
    same(
        "WithMultiprocessingPool",
        "with WithMultiprocessingPool(2) as pool: pool.map(float, [1, 2, 3])",
        SECTIONS_Z.format("processes=2"),
    ),
]

PATHOS: list[Row] = [
    only_here(
        "PathosWithPool",
        SECTIONS_Z.format("processes=2"),
        "there: its pathos is not a dependency",
        lambda z_values: z_values == [1.0, 2.0, 3.0],
    ),
    same("WithPool", "with WithPool(2) as pool: pool.map(float, [1, 2, 3])", SECTIONS_Z.format("processes=2")),
]
