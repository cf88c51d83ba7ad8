"""Connections, listings of an owner, and errors."""

from __future__ import annotations

from rendergateway import FitError, RecordError, RenderGatewayError
from tests.translations.pairs.rows import Row, differs, left_out, only_here, same

CONNECTION = 'host="http://localhost", port=8080, owner="lab", project="cortex"'

SERVICE: list[Row] = [
    same(
        "Render",
        f"Render({CONNECTION})",
        'Gateway("localhost:8080", owner="lab", project="cortex")',
        there_as=lambda r: [f"{r.DEFAULT_HOST}:{r.DEFAULT_PORT}/render-ws/v1", r.DEFAULT_OWNER, r.DEFAULT_PROJECT],
        here_as=lambda g: [g.server, g.default_owner, g.default_project],
    ),
    same(
        "Render.DEFAULT_KWARGS",
        "render.DEFAULT_KWARGS",
        "gateway.default_owner, gateway.default_project",
        there_as=lambda kwargs: [kwargs["owner"], kwargs["project"]],
    ),
    same(
        "Render.make_kwargs",
        'render.make_kwargs(owner="other")',
        'gateway.using(owner="other")',
        "a second gateway beside the first",
        there_as=lambda kwargs: [kwargs["owner"], kwargs["project"]],
        here_as=lambda g: [g.default_owner, g.default_project],
    ),
    same(
        "Render.run",
        'render.run(get_z_values_for_stack, "montage")',
        'gateway.stack("montage").sections().ids',
        "objects know their gateway",
    ),
    differs(
        "RenderClient",
        "RenderClient(validate_client=False)",
        'Gateway("localhost:8080", owner="lab", project="cortex")',
        "there: TypeError without a Java script; one kind of gateway here",
        lambda there, here: isinstance(there, TypeError) and here.default_owner == "lab",
    ),
    left_out("RenderClient.clientscript_from_clientscripts", "there are no scripts"),
    same(
        "RenderClient.make_kwargs",
        'RenderClient(client_script="run.sh", memGB="1G", validate_client=False, owner="lab")'
        '.make_kwargs(project="other")',
        'gateway.using(project="other")',
        "no script, no heap size",
        there_as=lambda kwargs: [kwargs["owner"], kwargs["project"]],
        here_as=lambda g: [g.default_owner, g.default_project],
    ),
    differs(
        "connect",
        "connect(web_only=True)",
        "Gateway.from_env()",
        "from the same variables; there: web_only=True is a TypeError, and missing values are asked for on stdin",
        lambda there, here: isinstance(there, TypeError) and (here.default_owner, here.default_project) == ("lab", "c"),
        setup='import os; os.environ.update(RENDER_HOST="localhost", RENDER_PORT="8080", RENDER_OWNER="lab", '
        'RENDER_PROJECT="c")',
        also_there="from io import StringIO; from unittest import mock; del os.environ['RENDER_OWNER']\n"
        "with mock.patch('sys.stdin', StringIO()): assert raised(connect) == 'EOFError'",
    ),
    same(
        "renderaccess",
        "renderaccess(lambda owner=None, project=None, render=None, **_: [owner, project])(render=render)",
        "[stack.owner.name, stack.project.name]",
        "objects know their gateway, so functions take the object alone",
    ),
    same("format_baseurl", 'format_baseurl("http://localhost", 8080)', "gateway.server"),
    same(
        "format_preamble",
        'get_json(render.session, format_preamble("http://localhost", 8080, "lab", "cortex", "montage"))',
        'gateway.request("GET", "owner", "lab", "project", "cortex", "stack", "montage").json()',
        "segments are quoted",
        also_here='assert raised(lambda: gateway.request("GET", "owner", "lab", "project", "p", "stack", "a/b")) '
        '== "AddressError"',
    ),
    same("get_owners", "get_owners(render=render)", "gateway.owners().ids", there_as=sorted),
    same(
        "get_stack_metadata_by_owner",
        "get_stack_metadata_by_owner(render=render)",
        'gateway.owner("lab").stacks()',
        there_as=lambda stacks: {stack["stackId"]["stack"]: stack["state"] for stack in stacks},
        here_as=lambda stacks: {stack.name: stack.state for stack in stacks},
    ),
    same(
        "get_projects_by_owner",
        "get_projects_by_owner(render=render)",
        'gateway.owner("lab").projects().ids',
        "sorted",
        there_as=sorted,
    ),
    same(
        "get_stacks_by_owner_project",
        "get_stacks_by_owner_project(render=render)",
        'gateway.project("cortex").stacks().ids',
        there_as=sorted,
        here_as=sorted,
    ),
]

ERRORS: list[Row] = [
    differs(
        "RenderError",
        'get_full_stack_metadata("missing", render=render)',
        'gateway.stack("missing").load()',
        "a `RenderGatewayError` with status, URL and server message; there: a message only",
        lambda there, here: (
            type(there).__name__ == "RenderError"
            and vars(there) == {}
            and isinstance(here, RenderGatewayError)
            and (here.status, here.url[-7:]) == (404, "missing")  # type: ignore[attr-defined]
        ),
    ),
    only_here("ClientScriptError", "issubclass(CommandError, RenderGatewayError)", "there: of Java clients", bool),
    differs(
        "ConversionError",
        "polynomial.asorder(1)",
        "polynomial.as_order(1)",
        "the same name; `CoordinateError` for points that cannot be mapped",
        lambda there, here: type(there) is not type(here) and type(there).__name__ == type(here).__name__,
        also_here='assert raised(lambda: UnknownTransform("a.B", "1").as_affine()) == "ConversionError"',
    ),
    differs(
        "EstimationError",
        "AffineModel().estimate(points[:1], points[:1])",
        "fit_affine(points[:1], points[:1])",
        "`FitError`; there: one point is enough for an affine",
        lambda there, here: there.shape == (3, 3) and isinstance(here, FitError),
    ),
    differs(
        "SpecError",
        "TileSpec(json={})",
        'TileRecord.from_json("[]").tile_id',
        "`RecordError`; there: never raised",
        lambda there, here: isinstance(there, KeyError) and isinstance(here, RecordError),
    ),
]
