"""Wrappers in JSON: scripts in pages and answers of views."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import flask
import numpy as np
import orjson
import pydantic
import pytest
from django.core.serializers.json import DjangoJSONEncoder
from django.http import JsonResponse, StreamingHttpResponse

from rendergateway import Bounds, Gateway, RecordError, StackWrapper, TileRecord, json_default, to_json
from rendergateway.model.tables.row_table import RowTable
from rendergateway.wrappers.images.export import Exported

from .conftest import in_django, in_jinja


def flask_app(stack: StackWrapper) -> flask.Flask:
    app = flask.Flask("shop")
    app.json.default = json_default  # type: ignore[attr-defined]

    @app.get("/json")
    def as_json() -> flask.Response:
        return flask.jsonify(stack=stack, tiles=stack.section(1).tiles(), bounds=stack.bounds)

    @app.get("/page")
    def as_page() -> str:
        return flask.render_template_string("{% for s in stack.sections() %}{{ s }} {% endfor %}", stack=stack)

    @app.get("/stream")
    def as_stream() -> flask.Response:
        return flask.Response(f"{section} {len(section.tiles())}\n" for section in stack.sections())

    return app


class SiteEncoder(DjangoJSONEncoder):  # type: ignore[misc]
    """The encoder of a site, as docs/templates.md shows it."""

    def default(self, o: Any) -> Any:
        try:
            return json_default(o)
        except TypeError:
            return super().default(o)


class Answer(pydantic.BaseModel):
    """A model of a site, with whatever value."""

    value: Any


def in_flask(value: Any) -> str | bytes:
    app = flask.Flask("shop")
    app.json.default = json_default  # type: ignore[attr-defined]
    return app.json.dumps(value)


# Each encoder with json_default; dates are types of their own to orjson and pydantic.
ENCODERS: dict[str, Callable[[Any], str | bytes]] = {
    "to_json": to_json,
    "json": lambda value: json.dumps(value, default=json_default),
    "flask": in_flask,
    "django": lambda value: JsonResponse(value, safe=False, json_dumps_params={"default": json_default}).content,
    "django encoder": lambda value: JsonResponse(value, safe=False, encoder=SiteEncoder).content,
    "orjson": lambda value: orjson.dumps(value, default=json_default, option=orjson.OPT_PASSTHROUGH_DATETIME),
    "orjson of plain": lambda value: orjson.dumps(json_default(value)),
    "pydantic": lambda value: pydantic.TypeAdapter(Any).dump_json(value, fallback=json_default),
    "pydantic model": lambda value: Answer(value=value).model_dump_json(fallback=json_default)[len('{"value":') : -1],
    "pydantic of plain": lambda value: pydantic.TypeAdapter(Any).dump_json(json_default(value)),
}
BOX = Bounds(0, 1, 2, 3)
WHEN = datetime(2024, 5, 6, 7, 8, 9, 500_000, timezone.utc)
SIDES = {"minX": 0.0, "minY": 1.0, "maxX": 2.0, "maxY": 3.0}
# A value from a stack, and its JSON value.
FORMS: dict[str, tuple[Callable[[StackWrapper], Any], Any]] = {
    "date": (lambda stack: WHEN, "2024-05-06T07:08:09.500Z"),
    "date of a stack": (lambda stack: {"a": stack.modified}, lambda stack: {"a": stack.simple_marshal()["modified"]}),
    "box": (lambda stack: BOX, SIDES),
    "box with z": (lambda stack: stack.bounds, lambda stack: stack.simple_marshal()["bounds"]),
    "boxes": (lambda stack: {"boxes": [BOX], "by": (BOX, {"a": BOX})}, {"boxes": [SIDES], "by": [SIDES, {"a": SIDES}]}),
    "stack": (lambda stack: stack, lambda stack: stack.simple_marshal()),
    "collection": (lambda stack: [stack.sections()], lambda stack: [stack.sections().simple_marshal()]),
    "page": (
        lambda stack: stack.sections().page(2, 2),
        lambda stack: {
            "number": 2,
            "previous": 1,
            "next": None,
            "total": 3,
            "objects": stack.sections()[2:].simple_marshal(),
        },
    ),
    "pages": (
        lambda stack: stack.sections().pages(2),
        lambda stack: [stack.sections()[:2].simple_marshal(), stack.sections()[2:].simple_marshal()],
    ),
    "rows": (
        lambda stack: RowTable({"z": [1.0, None], "tile_count": [4, 5], "ids": [["1.0"], None], "at": [WHEN, BOX]}),
        [
            {"z": 1.0, "tile_count": 4, "ids": ["1.0"], "at": "2024-05-06T07:08:09.500Z"},
            {"z": None, "tile_count": 5, "ids": None, "at": SIDES},
        ],
    ),
    "tiles": (lambda stack: stack.tiles().table(), lambda stack: [tile._obj.to_dict() for tile in stack.tiles()]),
    "matches": (
        lambda stack: stack._conn.match_collection("truth").table(),
        lambda stack: [pair._obj.to_dict() for pair in stack._conn.match_collection("truth").pairs()],
    ),
    "coordinates": (
        lambda stack: stack.world_from_local("no", [[1, 2]]),
        lambda stack: [{"error": stack.world_from_local("no", [[1, 2]]).error[0], "tileId": "no"}],
    ),
    "record": (lambda stack: stack.tiles()[0].layout, lambda stack: stack.tiles()[0].layout.to_dict()),
    "transform": (lambda stack: stack.tiles()[0].transforms, lambda stack: stack.tiles()[0].transforms.to_spec()),
    "numpy": (
        lambda stack: [
            np.float32(0.5),
            np.int64(3),
            np.bool_(True),
            np.str_("a"),
            np.eye(2),
            np.array(2),
        ],
        [0.5, 3, True, "a", [[1.0, 0.0], [0.0, 1.0]], 2],
    ),
    "numbers of a removal": (
        lambda stack: stack.delete(dry_run=True),
        {"tile_count": 6, "section_count": 3, "pair_count": 0},
    ),
    "path": (lambda stack: Exported(Path("a"), ["b.png"], 1), {"folder": "a", "files": ["b.png"], "drawn": 1}),
}


@pytest.mark.parametrize("encoder", ENCODERS)
def test_json__one_form_of_each_value(encoder: str, stack: StackWrapper) -> None:
    """A value has the same JSON form in every encoder, alone and within another."""
    encode = ENCODERS[encoder]
    # pydantic encodes dates itself, whatever the fallback.
    is_dated = encoder not in ("pydantic", "pydantic model")
    forms = {name: form for name, form in FORMS.items() if is_dated or "date" not in name}

    found = {name: json.loads(encode(make(stack))) for name, (make, _) in forms.items()}

    expected = {name: form(stack) if callable(form) else form for name, (_, form) in forms.items()}
    assert found == json.loads(json.dumps(expected))


def test_json__no_form() -> None:
    """Times without a zone, keys other than text or numbers and objects without a form are errors that name them."""
    for value in (np.datetime64("2024-05-06"), {(1, 2): 3}, object()):
        with pytest.raises(TypeError, match=r"has no JSON form|is not a key of a JSON object"):
            to_json(value)
    with pytest.raises(RecordError, match="has no time zone"):
        to_json(datetime(2024, 5, 6))
    assert to_json({np.int64(2): 2, True: 3, None: 4, 1.5: 5}) == '{"2":2,"true":3,"null":4,"1.5":5}'


def test_json__flask(stack: StackWrapper, gateway: Gateway) -> None:
    """Flask's jsonify takes wrappers once its provider knows json_default; pages and streams work as they are."""
    client = flask_app(stack).test_client()

    values = client.get("/json").get_json()

    assert values["stack"]["name"] == "montage"
    assert [tile["id"] for tile in values["tiles"]] == ["s1_r0_c0", "s1_r0_c1"]
    assert set(values["bounds"]) == {"minX", "minY", "minZ", "maxX", "maxY", "maxZ"}
    assert client.get("/page").text == "1.0 2.0 3.0 "
    assert client.get("/stream").text == "1.0 2\n2.0 2\n3.0 2\n"


def test_json__inside_scripts(gateway: Gateway) -> None:
    """The engines' filters for data in scripts accept marshalled wrappers and escape them."""
    evil = "</script><script>alert(1)</script>"
    stack = gateway.create_stack("s")
    with stack.editing() as edit:
        edit.put([TileRecord(tile_id=evil, z=1, width=9, height=9, transforms=[])])
    values = stack.section(1).tiles().simple_marshal()

    for page in (
        in_django("{{ v|json_script:'data' }}", v=values),
        in_jinja("<script>{{ v|tojson }}</script>", v=values),
    ):
        assert page.count("</script>") == 1
        assert page.count("<script") == 1


def test_stream__after_the_view(stack: StackWrapper) -> None:
    """Data read after the view returns is loaded: the gateway belongs to the process, not the request."""

    def lines() -> Iterator[str]:
        for section in stack.sections():
            yield f"{section} {section.tiles().count()}\n"

    response = StreamingHttpResponse(lines())

    assert b"".join(response) == b"1.0 2\n2.0 2\n3.0 2\n"
