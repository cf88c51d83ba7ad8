"""Hosts of viewers in the address of a page."""

from __future__ import annotations

import re
from html import unescape
from urllib.parse import quote, urljoin

import pytest

from rendergateway import StackWrapper
from rendergateway.catalogue.viewers import checked_host
from rendergateway.links import neuroglancer_state
from tests.catalogue.conftest import MONTAGE, PAGES, Catalogue

HOSTS = "render=http://render.example.org:8080&catmaid=https://catmaid.example.org/em&ndviz=ndviz.example.org"
HOSTILE = [
    "javascript:alert(1)",
    "ftp://example.org",
    "//example.org",
    "http://",
    "http://user:secret@example.org",
    "https://example.org@evil.example",
    "https://example.org\\@evil.example",
    "https://example.org/?next=https://evil.example",
    "https://example.org/#x",
    'https://example.org/"><script>alert(1)</script>',
    "https://example.org/a b",
    "https://exаmple.org",
    "https://example.org\u202e",
    "http://example.org:80x",
    "https://" + "a" * 300,
]


@pytest.mark.parametrize("page", PAGES)
def test_hosts__are_kept_by_all_links_and_forms(catalogue: Catalogue, montage: StackWrapper, page: str) -> None:
    """All links to pages have the hosts of the page, its forms have them as fields, and each still answers."""
    path = f"{PAGES[page]}{'&' if '?' in PAGES[page] else '?'}{HOSTS}"
    text = catalogue.text(path)

    links = {unescape(one) for one in re.findall(r'<a [^>]*href="([^"#]*)', text) if "rel=" not in one}
    own = {urljoin(path, one) for one in links if one.startswith(("/owner", "/search", "/compare"))}
    pages = {one for one in own if not re.search(r"\.(jpg|png|svg|csv|json)(\?|$)|/raw/", one)}
    assert {one for one in pages if "catmaid.example.org" not in one} == set()
    forms = re.findall(r"<form.*?</form>", text, re.DOTALL)
    assert all('name="catmaid" ' in form for form in forms)
    assert {catalogue.get(one).status_code for one in pages} <= {200, 302}


def test_hosts__of_links(catalogue: Catalogue, montage: StackWrapper) -> None:
    """Viewers and the service have the addresses of the query, with their hosts as text."""
    text = catalogue.text(f"{MONTAGE}?{HOSTS}")
    external = re.findall(r'<a rel="noreferrer noopener external" href="([^"]*)">([\w\' ]+) <', text)
    found = {name: unescape(url) for url, name in external}

    source = neuroglancer_state(found["Neuroglancer"])["layers"][0]["source"]
    assert source == "render://http://render.example.org:8080/lab/cortex/montage"
    assert found["CATMAID"].startswith("https://catmaid.example.org/em/?pid=lab__cortex&sid0=montage&s0=8")
    assert found["NdViz"].startswith("http://ndviz.example.org/render/render.example.org:8080/lab/")
    assert '<span class="unit">catmaid.example.org</span>' in text
    assert "CATMAID <span" not in catalogue.text(MONTAGE)


def test_hosts__of_another_request(catalogue: Catalogue, montage: StackWrapper) -> None:
    """The hosts of one request are not those of another, and pages of other hosts are other pages to a browser."""
    plain = catalogue.get(MONTAGE)
    with_hosts = catalogue.get(f"{MONTAGE}?{HOSTS}")
    again = catalogue.get(MONTAGE)

    assert plain.headers["ETag"] == again.headers["ETag"] != with_hosts.headers["ETag"]
    assert plain.text == again.text
    assert "example.org" not in plain.text


@pytest.mark.parametrize("host", HOSTILE, ids=range(len(HOSTILE)))
@pytest.mark.parametrize("name", ["catmaid", "neuroglancer", "ndviz", "render"])
def test_hosts__hostile(catalogue: Catalogue, montage: StackWrapper, name: str, host: str) -> None:
    """Anything but the address of a host is refused with a sentence, and is nowhere a link."""
    answer = catalogue.get(f"{MONTAGE}?{name}={quote(host)}")

    assert answer.status_code == 400
    assert "a host is http://name:port" in answer.text
    assert not re.search(r'(href|src|action)="[^"]*(evil|javascript|ftp:|example)', answer.text)
    assert "<script>" not in answer.text
    with pytest.raises(ValueError, match="a host is"):
        checked_host(host)
