"""JSON, and requests of any kind."""

from __future__ import annotations

import base64
import json
import zlib
from pathlib import Path

import numpy as np
import numpy.typing as npt

from tests.translations.pairs.rows import Row, differs, left_out, same, writes
from tests.translations.pairs.tiles import D_TILE

NO_HANDLER = "the library uses standard logging and configures no handlers"
STACK = '"owner", "lab", "project", "cortex", "stack"'
URL = '"http://localhost:8080/render-ws/v1/owner/lab/project/cortex/stack/{}"'


def decoded(text: str) -> npt.NDArray[np.float64]:
    """Doubles of a data string."""
    return np.frombuffer(zlib.decompress(base64.b64decode(text)), ">f8").astype(np.float64)


UTILS: list[Row] = [
    left_out("NullHandler", NO_HANDLER),
    left_out("NullHandler.emit", NO_HANDLER),
    same(
        "RenderEncoder",
        'json.loads(json.dumps({"tile": TileSpec(json=d)}, cls=RenderEncoder))',
        'json.loads(json.dumps({"tile": TileRecord.from_dict(d)}, default=json_default))',
        setup=D_TILE,
    ),
    differs(
        "RenderEncoder.default",
        'json.dumps({"n": np.float32(1.5)}, cls=RenderEncoder)',
        'json.dumps({"n": np.float32(1.5)}, default=json_default)',
        "there: float32 and arrays fail",
        lambda there, here: isinstance(there, AttributeError) and here == '{"n": 1.5}',
    ),
    writes(
        "post_json",
        f'post_json(render.session, {URL.format("s")}, {{"cycleNumber": 2}})',
        f'gateway.request("POST", {STACK}, "s", data={{"cycleNumber": 2}})',
    ),
    writes(
        "rest_delete",
        f"rest_delete(render.session, {URL.format('montage')})",
        f'gateway.request("DELETE", {STACK}, "montage")',
    ),
    writes(
        "put_json",
        f"put_json(render.session, {URL.format('montage/state/LOADING')}, None)",
        f'gateway.request("PUT", {STACK}, "montage", "state", "LOADING")',
    ),
    same(
        "get_json",
        f"get_json(render.session, {URL.format('montage/bounds')})",
        f'gateway.request("GET", {STACK}, "montage", "bounds").json()',
    ),
    same(
        "renderdumps",
        'json.loads(renderdumps([TileSpec(json=d), {"a": 1}]))',
        'json.loads(to_json([TileRecord.from_dict(d), {"a": 1}]))',
        setup=D_TILE,
    ),
    same(
        "renderdump",
        'with open("there.json", "w") as file: renderdump([TileSpec(json=d)], file)',
        'with open("here.json", "w") as file: file.write(to_json([TileRecord.from_dict(d)]))',
        "`write_tiles(path, tiles)` for tiles",
        there_as=lambda _: json.loads(Path("there.json").read_text()),
        here_as=lambda _: json.loads(Path("here.json").read_text()),
        setup=D_TILE,
        also_here='assert write_tiles("tiles.json.gz", [TileRecord.from_dict(d)]) == 1',
    ),
    left_out("renderdump_temp", "the service is reached without temporary files"),
    same(
        "jbool",
        'get_tile_renderparams("montage", "s2_r0_c0", filter=jbool(True), render=render)',
        'gateway.call("tile.render_parameters", owner="lab", project="cortex", stack="montage", tile_id="s2_r0_c0", '
        "filter=True)",
        "values are converted",
    ),
    left_out("stripLogger", '`logging.getLogger("rendergateway")`, as for any library'),
    left_out("defaultifNone", "an internal helper"),
    left_out("fitargspec", "an internal helper"),
    same(
        "encodeBase64",
        "encodeBase64(np.concatenate([spline.srcPts.T.ravel(), spline.dMtxDat.ravel()]))",
        'spline.to_spec()["dataString"].split()[-1]',
        "part of `to_spec`",
        there_as=decoded,
        here_as=decoded,
    ),
    same(
        "decodeBase64",
        "decodeBase64(spline.dataString.split()[-1])[:2]",
        'from_spec({"className": ThinPlateSplineTransform.JAVA_NAME, "dataString": spline.to_spec()["dataString"]})'
        ".landmarks[0]",
        "part of `from_spec`",
    ),
]
