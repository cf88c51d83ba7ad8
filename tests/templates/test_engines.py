"""Needs of template authors, on real engines."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import pytest
from django.core.paginator import Paginator
from django.template import TemplateSyntaxError
from jinja2.exceptions import SecurityError, UndefinedError

from rendergateway import (
    BearerToken,
    Gateway,
    NotFoundError,
    RenderGatewayError,
    StackWrapper,
    TileRecord,
    TileWrapper,
    UnplannedRequestError,
    without_requests,
)

from .conftest import in_django, in_jinja, in_sandbox

EVIL = "<script>alert('x')</script>"

# The same page in both languages: sections twice, each with its tiles, a place, a length and a condition.
DJANGO_PAGE = """
{% if stack.sections %}{{ stack.sections|length }} sections:{% endif %}
{% for section in stack.sections %}{{ section.z }}={% for tile in section.tiles %}{{ tile }},{% endfor %}{% endfor %}
{% for section in stack.sections %}{{ section.tiles|length }}{% empty %}none{% endfor %}
{{ stack.sections.0.tiles.1.layout.image_col }} {{ stack.sections.0.tiles.0.stack }}
"""
JINJA_PAGE = """
{% if stack.sections() %}{{ stack.sections()|length }} sections:{% endif %}
{% for one in stack.sections() %}{{ one.z }}={% for tile in one.tiles() %}{{ tile }},{% endfor %}{% endfor %}
{% for one in stack.sections() %}{{ one.tiles()|length }}{% else %}none{% endfor %}
{{ stack.sections()[0].tiles()[1].layout.image_col }} {{ stack.sections()[0].tiles()[0].stack }}
"""
PAGE = """
3 sections:
1.0=s1_r0_c0,s1_r0_c1,2.0=s2_r0_c0,s2_r0_c1,3.0=s3_r0_c0,s3_r0_c1,
222
1 montage
"""

Render = Callable[..., str]


@pytest.mark.parametrize(
    ("render", "page"),
    [(in_django, DJANGO_PAGE), (in_jinja, JINJA_PAGE), (in_sandbox, JINJA_PAGE)],
    ids=["django", "jinja", "sandbox"],
)
def test_page__each_listing_once(render: Render, page: str, stack: StackWrapper, counting: list[str]) -> None:
    """A page that iterates, counts and loops twice makes one request per listing."""
    counting.clear()

    assert render(page, stack=stack).strip() == PAGE.strip()

    assert counting == ["stack.z_values", *["section.resolved_tiles"] * 3]


def test_index__is_a_place_not_an_id(gateway: Gateway) -> None:
    """`.0` is the first object, also where another one is called "0", and asking by name costs no request."""
    for name in ("1", "0"):
        gateway.create_stack(name)
    stacks = gateway.stacks()

    with gateway.counting() as requests, pytest.raises(TypeError, match="get"):
        stacks["0"]  # type: ignore[call-overload]

    assert requests == []
    first = stacks[0].name
    assert (
        in_django("{{ stacks.0 }} {{ stacks.first }} {{ stacks|first }}", stacks=stacks) == f"{first} {first} {first}"
    )
    assert in_jinja("{{ stacks[0] }}", stacks=stacks) == first


@pytest.mark.parametrize(
    ("source", "shown"),
    [
        ("{{ stack.sections.count }}", "3"),
        ("{{ stack.sections.first.z }} {{ stack.sections.last.z }}", "1.0 3.0"),
        ("{{ stack.section_count }} {{ stack.modified|date:'T' }}", "3 UTC"),
        ("{{ tile.bounds.width|floatformat:0 }} {{ stack.resolution_nm.2 }}", "523 40.0"),
        ("{{ stack.version.cycle_number|default_if_none:'no cycle' }}", "no cycle"),
        ("{% for s in stack.sections|dictsortreversed:'z' %}{{ s }} {% endfor %}", "3.0 2.0 1.0 "),
        ("{% for s in stack.sections|slice:':2' %}{{ s }} {% endfor %}", "1.0 2.0 "),
        ("{% if stack in project.stacks %}in{% endif %}", "in"),
        ("{% if stack.sections.0 == section %}same{% endif %}", "same"),
        (
            "{% regroup tiles by section as g %}{% for a in g %}{{ a.grouper }}:{{ a.list|length }} {% endfor %}",
            "1.0:2 ",
        ),
        ("{{ tile.bound }}", "‹missing›"),
    ],
)
def test_django__filters_and_tags(source: str, shown: str, stack: StackWrapper) -> None:
    """Collections and facts work with Django's own filters and tags."""
    section = stack.section(1)

    assert in_django(
        source, stack=stack, project=stack.project, section=section, tiles=section.tiles(), tile=section.tiles()[0]
    ) == shown  # fmt: skip


def test_jinja__filters(stack: StackWrapper) -> None:
    """Collections work with Jinja2's filters that look at attributes."""
    sections = stack.sections()

    assert in_jinja("{{ s|map(attribute='z')|join(' ') }}", s=sections) == "1.0 2.0 3.0"
    assert in_jinja("{{ s|sort(attribute='z', reverse=true)|first }} {{ s|last }}", s=sections) == "3.0 3.0"
    assert in_jinja("{% for b in s|batch(2) %}{{ b|length }}{% endfor %}", s=sections) == "21"
    assert in_jinja("{{ s.count() }}", s=sections) == "3"


def test_empty__is_false(gateway: Gateway) -> None:
    """A stack without sections is an empty list in every engine."""
    stack = gateway.create_stack("empty")

    page = "{% if stack.sections %}some{% endif %}{% for s in stack.sections %}{% empty %}none{% endfor %}"
    assert in_django(page, stack=stack) == "none"
    assert in_jinja("{% for s in stack.sections() %}{% else %}none{% endfor %}", stack=stack) == "none"


def test_paginator(stack: StackWrapper, counting: list[str]) -> None:
    """Django's paginator counts and cuts a collection, for one request."""
    counting.clear()
    paginator = Paginator(stack.sections(), per_page=2)

    assert (paginator.count, paginator.num_pages) == (3, 2)
    assert [section.z for section in paginator.page(2)] == [3.0]
    page = "{% for s in page %}{{ s }}{% endfor %} {{ page.number }}/{{ page.paginator.num_pages }}"
    assert in_django(page, page=paginator.page(1)) == "1.02.0 1/2"
    assert counting == ["stack.z_values"]


def test_classes__are_not_made(stack: StackWrapper) -> None:
    """Django calls neither a class in the context nor its instances."""
    assert "TileWrapper" in in_django("{{ TileWrapper }}", TileWrapper=TileWrapper)
    assert in_django("{% if stack %}there{% endif %}", stack=stack) == "there"
    assert not callable(stack)
    assert not callable(stack.sections())


@pytest.mark.parametrize("name", ["delete", "reload", "set_state", "editing"])
def test_mutators__are_not_called(name: str, stack: StackWrapper, counting: list[str]) -> None:
    """Mutators render as missing in Django and are refused by Jinja2's sandbox."""
    counting.clear()

    assert in_django(f"{{{{ stack.{name} }}}}", stack=stack) == "‹missing›"
    with pytest.raises(SecurityError):
        in_sandbox(f"{{{{ stack.{name}() }}}}", stack=stack)

    assert counting == []


def test_gateway__is_not_closed(gateway: Gateway, stack: StackWrapper) -> None:
    """A gateway in the context cannot be closed, nor called."""
    assert in_django("{{ gateway.close }}{{ gateway.call }}", gateway=gateway) == "‹missing›" * 2
    with pytest.raises(SecurityError):
        in_sandbox("{{ gateway.close() }}", gateway=gateway)
    assert in_django("{% for s in gateway.stacks %}{{ s }}{% endfor %}", gateway=gateway) == "montage"


def test_raw_data__is_hidden(stack: StackWrapper) -> None:
    """Templates cannot read names with a leading underscore, and these expose no token."""
    with pytest.raises(TemplateSyntaxError, match="underscores"):
        in_django("{{ stack._obj }}", stack=stack)
    with pytest.raises(SecurityError):
        in_sandbox("{{ stack._obj }}", stack=stack)
    secret = Gateway("localhost:1", owner="o", project="p", auth=BearerToken(lambda: "open-sesame")).stack("s")
    assert "open-sesame" not in in_jinja("{{ stack._conn }} {{ stack._conn.__dict__ }}", stack=secret)


def test_escaping(gateway: Gateway) -> None:
    """Names from the service are data: no engine takes them, or an object, for HTML."""
    stack = gateway.create_stack("s")
    with stack.editing() as edit:
        edit.put([TileRecord(tile_id=EVIL, z=1, width=9, height=9, labels=[EVIL], transforms=[])])
    (tile,) = stack.section(1).tiles()

    for render in (in_django, in_jinja, in_sandbox):
        for path in ("tile", "tile.name", "tile.labels", "tiles", "tile.layout", "tile.transforms"):
            shown = render(f"{{{{ {path} }}}}", tile=tile, tiles=stack.section(1).tiles())
            assert "<" not in shown
    assert not hasattr(tile, "__html__")
    assert not hasattr(stack.sections(), "__html__")


MISSING_PAGES = [
    (in_django, "{% for s in stack.sections %}{{ s }}{% endfor %}"),
    (in_django, "{{ stack.state }}"),
    (in_django, "{% if stack.sections %}{% endif %}"),
    (in_django, "{{ stack.sections|length }}"),
    (in_django, "{% with state=stack.state %}{% endwith %}"),
    (in_jinja, "{% for s in stack.sections() %}{{ s }}{% endfor %}"),
    (in_jinja, "{{ stack.state }}"),
    (in_jinja, "{% if stack.sections() %}{% endif %}"),
    (in_sandbox, "{{ stack.state }}"),
]


@pytest.mark.parametrize(("render", "page"), MISSING_PAGES)
def test_errors__come_out(render: Render, page: str, gateway: Gateway) -> None:
    """A stack that is not there is an error of the page, not an empty place in it."""
    with pytest.raises(NotFoundError, match="does not exist"):
        render(page, stack=gateway.stack("nope"))


@pytest.mark.parametrize("condition", ["stack.state == 'COMPLETE'", "not stack.state", "stack.tile_count > 3"])
def test_errors__that_django_swallows(condition: str, gateway: Gateway) -> None:
    """In a condition with an operator, Django treats any error as false: see docs/templates.md for a remedy."""
    page = f"{{% if {condition} %}}yes{{% else %}}no{{% endif %}}"

    assert in_django(page, stack=gateway.stack("nope")) == "no"
    with pytest.raises(NotFoundError):
        in_django("{% with there=stack.state %}" + page + "{% endwith %}", stack=gateway.stack("nope"))


class Slipped(TileWrapper):
    """A tile with a property that fails."""

    @property
    def row(self) -> Any:
        """Ask for an attribute that is not there."""
        return self.layuot.image_row  # type: ignore[attr-defined]

    @functools.cached_property
    def column(self) -> Any:
        """Ask for a key that is not there."""
        return dict[str, int]()["column"]


def test_errors__of_own_properties(stack: StackWrapper, gateway: Gateway) -> None:
    """An error in a subclass property is raised in every engine, though Jinja2 hides AttributeError."""
    gateway.register(Slipped)
    tile = stack.section(1).tiles()[0]

    for render in (in_django, in_jinja):
        with pytest.raises(RenderGatewayError, match="did you mean 'layout'"):
            render("{{ tile.row }}", tile=tile)
    with pytest.raises(KeyError):
        in_jinja("{{ tile.column }}", tile=tile)


def test_misspelt__shows(stack: StackWrapper) -> None:
    """A name that is not there is Jinja2's undefined and Django's string_if_invalid."""
    with pytest.raises(UndefinedError, match="nmae"):
        in_jinja("{{ stack.nmae }}", stack=stack)
    assert in_django("{{ stack.nmae }}", stack=stack) == "‹missing›"


@pytest.mark.parametrize(("render", "page"), [(in_django, DJANGO_PAGE), (in_jinja, JINJA_PAGE)])
def test_view__loads_first(render: Render, page: str, stack: StackWrapper, counting: list[str]) -> None:
    """A view that loaded everything renders without requests; otherwise an error is raised."""
    with pytest.raises(UnplannedRequestError), without_requests():
        render(page, stack=stack)

    for section in stack.sections():
        section.tiles().load()
    counting.clear()
    with without_requests():
        assert render(page, stack=stack).strip() == PAGE.strip()

    assert counting == []
