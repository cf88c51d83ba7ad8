"""Hosts of viewers in addresses."""

from __future__ import annotations

import re
from html import unescape
from urllib.parse import parse_qsl, urlsplit

import pytest

from rendergateway import StackWrapper
from rendergateway.catalogue.viewers import HOSTS
from tests.catalogue.conftest import MONTAGE, PAGES, Catalogue

HOST = "https://catmaid.example.org/em"
# Links that are not to pages.
_OTHERS = re.compile(r"/(catalogue-static|search|raw)|\.(jpg|png|json|svg|csv)\b|format=csv")


def with_host(path: str) -> str:
    return f"{path}{'&' if '?' in path else '?'}catmaid={HOST}"


@pytest.mark.parametrize("page", PAGES)
def test_hosts__are_kept(catalogue: Catalogue, montage: StackWrapper, page: str) -> None:
    """Each link from a page to another one, and each form, keeps the hosts of its address."""
    text = catalogue.text(with_host(PAGES[page]))

    links = {unescape(url) for url in re.findall(r'<a [^>]*href="(/[^"]*)"', text)}
    pages = {url for url in links if not _OTHERS.search(url)}
    assert pages
    assert {url for url in pages if dict(parse_qsl(urlsplit(url).query)).get("catmaid") != HOST} == set()
    forms = re.findall(r"<form.*?</form>", text, re.DOTALL)
    assert forms
    assert [form for form in forms if 'name="catmaid"' not in form] == []


def test_hosts__of_links(catalogue: Catalogue, montage: StackWrapper) -> None:
    """Links to viewers lead to the hosts of the address, and name the service as it does."""
    text = catalogue.text(f"{MONTAGE}z/1.0/?catmaid={HOST}&ndviz=viz.example.org:8000&render=render.example.org")

    found = unescape(text)
    assert f'href="{HOST}/?' in found
    assert 'href="http://viz.example.org:8000/' in found
    assert "render://http://render.example.org/" in found.replace("%3A", ":").replace("%2F", "/")


@pytest.mark.parametrize("name", HOSTS)
@pytest.mark.parametrize(
    "host",
    [
        "javascript:alert(1)",
        "ftp://example.org",
        "//example.org",
        "http://user@example.org",
        "http://example.org?x=1",
        "http://example.org#x",
        'http://x"><script>alert(1)</script>',
        "http://exämple.org",
        "http://a b",
        "http://example.org:port",
        f"http://{'x' * 200}",
    ],
)
def test_hosts__that_are_none(catalogue: Catalogue, montage: StackWrapper, name: str, host: str) -> None:
    """Anything but the address of a host is refused, and shown as text."""
    answer = catalogue.browser.get(MONTAGE, query_string={name: host}, buffered=True)

    assert answer.status_code == 400
    assert "a host is http://name:port or https://name:port, with an optional path" in answer.text
    assert "<script>alert" not in answer.text
    assert f'="{host}' not in answer.text
