"""The table of docs/templates.md: each need of template authors has tests, and each row has a status."""

from __future__ import annotations

import importlib

import pytest
from django.template import TemplateSyntaxError

from rendergateway import Gateway, errors

from .conftest import in_django, in_jinja
from .test_docs import PAGE

# Need, as the table has it: the tests that hold it.
NEEDS = {
    "dotted access": ["test_engines.test_index__is_a_place_not_an_id"],
    "calling": ["test_docs.test_docs__pages", "test_display_values.test_labels__in_every_engine"],
    "same call many times": ["test_engines.test_page__each_listing_once"],
    "looping and emptiness": ["test_engines.test_page__each_listing_once", "test_engines.test_empty__is_false"],
    "helper names": ["test_engines.test_django__filters_and_tags", "test_engines.test_jinja__filters",
                     "test_display_values.test_total__of_a_part"],
    "mutators": ["test_engines.test_mutators__are_not_called", "test_reach.test_reach__changes_nothing"],
    "classes in the context": ["test_engines.test_classes__are_not_made"],
    "hidden raw data": ["test_engines.test_raw_data__is_hidden"],
    "errors": ["test_engines.test_errors__come_out", "test_engines.test_errors__of_own_properties",
               "test_engines.test_misspelt__shows", "test_engines.test_errors__that_django_swallows"],
    "escaping": ["test_engines.test_escaping"],
    "links": ["test_needs.test_links__by_the_site"],
    "data into scripts": ["test_json.test_json__inside_scripts"],
    "JSON responses": ["test_json.test_json__one_form_of_each_value", "test_json.test_json__flask"],
    "images and links": ["test_display_values.test_addresses__as_browsers_reach_them", "test_docs.test_docs__pages"],
    "display values": ["test_display_values.test_labels__in_every_engine",
                       "test_engines.test_django__filters_and_tags"],
    "filters of our own": ["test_needs.test_filters__none_to_load"],
    "request life cycle": ["test_life_cycle.test_users__each_with_credentials_of_their_own",
                           "test_life_cycle.test_fork__a_worker_renders", "test_json.test_stream__after_the_view"],
    "latency control": ["test_engines.test_view__loads_first", "test_life_cycle.test_budget__of_one_page",
                        "test_life_cycle.test_debug_panel__what_a_page_asked"],
    "pagination": ["test_engines.test_paginator", "test_display_values.test_page__numbers_beside_it"],
    "async views": ["test_life_cycle.test_async__a_view_in_a_thread"],
    "i18n and ordering": ["test_display_values.test_sort_key__sections_as_people_sort"],
    "silent errors": ["test_needs.test_errors__none_asks_for_silence"],
}  # fmt: skip


def rows() -> list[list[str]]:
    """The cells of the table, row by row."""
    table = PAGE.partition("| need |")[2].partition("\n\n")[0]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in table.splitlines()[2:]]


def test_table__is_what_is_tested() -> None:
    """The page has a row for each need that is tested, works or not and why, in the same order."""
    assert [row[0] for row in rows()] == list(NEEDS)
    assert {row[1] for row in rows()} == {"works", "no"}
    assert all(len(row) == 3 and row[2] for row in rows())


@pytest.mark.parametrize("need", NEEDS)
def test_need__has_tests(need: str) -> None:
    """The tests of a need exist."""
    for name in NEEDS[need]:
        module, _, function = name.partition(".")
        assert callable(getattr(importlib.import_module(f"tests.templates.{module}"), function))


def test_links__by_the_site(gateway: Gateway) -> None:
    """A link is the site's own: text and address come out escaped, in both languages."""
    tile = gateway.stack("s").tile('<b>&"')
    page = '<a href="/tiles/{{ tile.id|urlencode }}">{{ tile }}</a>'

    shown = '<a href="/tiles/%3Cb%3E%26%22">&lt;b&gt;&amp;{quote}</a>'
    assert in_django(page, tile=tile) == shown.format(quote="&quot;")
    assert in_jinja(page, tile=tile) == shown.format(quote="&#34;")


def test_filters__none_to_load() -> None:
    """There is no template library of ours that a site would have to install."""
    with pytest.raises(TemplateSyntaxError, match="not a registered tag library"):
        in_django("{% load rendergateway %}")


def test_errors__none_asks_for_silence() -> None:
    """None of our errors has the attribute that makes Django render it as empty."""
    tree = [value for value in vars(errors).values() if isinstance(value, type) and issubclass(value, Exception)]

    assert errors.NotFoundError in tree
    assert not [error for error in tree if hasattr(error, "silent_variable_failure")]
