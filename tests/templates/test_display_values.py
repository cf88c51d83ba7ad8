"""Display values of objects: labels, natural order, pages of a list, URLs for browsers."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import urlsplit

import pytest

from rendergateway import ConfigurationError, Gateway, Layout, StackWrapper, TileRecord

from .conftest import in_django, in_jinja, in_sandbox


@pytest.mark.parametrize(
    ("source", "shown"),
    [
        ("{{ section.z_label }}", "1"),
        ("{{ stack.resolution_text }}", "4 × 4 × 40 nm"),
        ("{{ stack.state_label }}", "Complete"),
        ("{{ stack.css_class }} {{ section.css_class }} {{ pair.css_class }}", "stack complete section match-pair"),
        ("{{ long.short_name }}", "v12_acquire…ched_montage"),
        ("{{ stack.short_name }}", "montage"),
    ],
)
def test_labels__in_every_engine(source: str, shown: str, stack: StackWrapper) -> None:
    """Display values are properties that return text."""
    section, pair = stack.section(1), stack._conn.match_collection("truth").pairs()[0]
    values = {
        "stack": stack,
        "section": section,
        "pair": pair,
        "long": stack._conn.stack("v12_acquire_then_stitched_montage"),
    }

    assert [render(source, **values) for render in (in_django, in_jinja, in_sandbox)] == [shown] * 3


def test_labels__of_names_cost_nothing(stack: StackWrapper, counting: list[str]) -> None:
    """Values derived from names need no request."""
    counting.clear()

    assert (stack.short_name, stack.section(2.5).z_label, stack.section(2.5).css_class) == ("montage", "2.5", "section")
    assert stack.tile("t10").sort_key > stack.tile("t9").sort_key

    assert counting == []


@pytest.mark.parametrize(
    ("resolution", "text"),
    [((4.5, 4.5, 35.0), "4.5 × 4.5 × 35 nm"), ((None, None, 35.0), "? × ? × 35 nm"), (None, "unknown")],
)
def test_resolution_text__what_is_known(
    resolution: tuple[float, float, float] | None, text: str, gateway: Gateway
) -> None:
    """An unset resolution has empty text, so that |default works."""
    stack = gateway.create_stack("s", resolution_nm=resolution)

    assert in_django("{{ stack.resolution_text|default:'unknown' }}", stack=stack) == text
    assert (stack.state_label, stack.css_class) == ("Loading", "stack loading")


def test_state_label__of_two_words(stack: StackWrapper) -> None:
    """A state of two words is written as people do, and is one class of a style sheet."""
    stack.set_state("READ_ONLY")

    assert (stack.state_label, stack.css_class) == ("Read only", "stack read-only")


def test_sort_key__sections_as_people_sort(gateway: Gateway) -> None:
    """Sections sort by the numbers in their section ids, those without an id by z; never text against number."""
    stack = gateway.create_stack("s")
    ids = {1.0: "10.0", 2.0: "9.0", 3.0: "a9", 4.0: None, 5.0: "9.0b"}
    with stack.editing() as edit:
        edit.put(
            TileRecord(tile_id=f"t{z}", z=z, width=9, height=9, layout=id and Layout(section_id=id), transforms=[])
            for z, id in ids.items()
        )

    shown = in_django("{% for s in s|dictsort:'sort_key' %}{{ s.z_label }} {% endfor %}", s=stack.sections())

    assert shown == "4 2 5 1 3 "


def test_page__numbers_beside_it(stack: StackWrapper, counting: list[str]) -> None:
    """A page counts from 1, loops, and knows the pages beside it; all of them are one request."""
    counting.clear()
    source = "{% for s in page %}{{ s }} {% endfor %}{{ page.number }}/{{ page.pages|length }} of {{ page.total }}"
    links = " {{ page.previous|default_if_none:'-' }} {{ page.next|default_if_none:'-' }}"

    pages = [stack.sections().page(number, size=2) for number in (1, 2)]

    assert in_django(source + links, page=pages[0]) == "1.0 2.0 1/2 of 3 - 2"
    assert in_django(source + links, page=pages[1]) == "3.0 2/2 of 3 1 -"
    assert in_jinja(source, page=pages[1]) == "3.0 2/2 of 3"
    assert (pages[0][1].z, [s.z for s in pages[0][1:]], pages[0].objects.ids) == (2.0, [2.0], [1.0, 2.0])
    assert repr(pages[1]).startswith("<Page 2 of <Pages of 2 of <Collection of sections")
    assert counting == ["stack.z_values"]


def test_page__that_is_not_there(stack: StackWrapper, gateway: Gateway) -> None:
    """A page out of range is an IndexError with the number of pages; an empty list has one empty page."""
    for number in (0, 3):
        with pytest.raises(IndexError, match="pages are 1 to 2"):
            stack.sections().page(number, size=2)

    empty = gateway.create_stack("empty").sections().page(1, size=2)
    assert (list(empty), empty.total, empty.next) == ([], 0, None)


def test_total__of_a_part(stack: StackWrapper) -> None:
    """A slice or a filter knows how many there are in the whole."""
    shown = stack.sections()[:2].filter(z=1.0)

    assert in_django("{{ s|length }} of {{ s.total }}", s=shown) == "1 of 3"
    assert stack.sections().total == 3


def test_addresses__as_browsers_reach_them(make_stack: Callable[..., StackWrapper]) -> None:
    """Addresses of pictures begin with what browsers use, change with the stack, and hold no password."""
    gateway = Gateway("http://me:secret@render.local:8080", public_url="https://me:secret@atlas.example.org/em")
    assert gateway.image_base_url == "https://atlas.example.org/em/render-ws/v1"
    assert gateway.using(project="p").image_base_url == gateway.image_base_url
    assert Gateway("http://me:secret@render.local:8080").image_base_url == "http://render.local:8080/render-ws/v1"
    with pytest.raises(ConfigurationError, match="invalid service address"):
        Gateway("render.local", public_url="ftp://atlas")

    stack = make_stack(sections=1, rows=1, columns=1)
    stack._conn.public_url = gateway.public_url
    tile = stack.section(1).tiles()[0]
    shown = in_django("{{ tile.thumbnail_url }}", tile=tile)

    assert "&amp;" in shown
    assert urlsplit(tile.thumbnail_url).netloc == "atlas.example.org"
    with stack.editing():
        pass
    assert in_django("{{ tile.thumbnail_url }}", tile=tile) != shown
