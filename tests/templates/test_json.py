"""Wrappers in JSON: scripts in pages and answers of views."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import flask
from django.core.serializers.json import DjangoJSONEncoder
from django.http import JsonResponse, StreamingHttpResponse

from rendergateway import Gateway, StackWrapper, TileRecord, json_default, to_json

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


def test_json__standard_library(stack: StackWrapper) -> None:
    """json_default and to_json convert wrappers, collections and their items to plain values."""
    values = json.loads(json.dumps({"tiles": stack.section(1).tiles(), "stack": stack}, default=json_default))

    assert [tile["id"] for tile in values["tiles"]] == ["s1_r0_c0", "s1_r0_c1"]
    assert values["tiles"][0]["layout"]["imageCol"] == 0
    assert values["stack"]["tile_count"] == 6
    assert values["stack"]["modified"].endswith("+00:00")
    assert json.loads(to_json([stack])) == [values["stack"]]


def test_json__django(stack: StackWrapper) -> None:
    """A JsonResponse takes wrappers with json_default, or in an encoder of the site's own."""

    class SiteEncoder(DjangoJSONEncoder):  # type: ignore[misc]
        def default(self, o: Any) -> Any:
            return o.simple_marshal() if hasattr(o, "simple_marshal") else super().default(o)

    plain = JsonResponse({"stack": stack}, json_dumps_params={"default": json_default})
    encoded = JsonResponse({"stack": stack}, encoder=SiteEncoder)

    assert json.loads(plain.content) == json.loads(encoded.content)
    assert json.loads(plain.content)["stack"]["bounds"] == list(stack.bounds or ())


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
