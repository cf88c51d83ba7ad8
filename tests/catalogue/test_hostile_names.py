"""Names are data on every page: markup, quotes, slashes, long names, right-to-left text."""

from __future__ import annotations

import contextlib
import csv
import io
import re
from html import unescape
from html.parser import HTMLParser
from urllib.parse import unquote, urlencode, urljoin

import pytest

from rendergateway import ChannelRecord, Gateway, Layout, MatchRecord, TileRecord
from rendergateway.catalogue import application
from rendergateway.catalogue.site import Site, is_reachable
from rendergateway.testing.misbehaving import MisbehavingServer, answers
from rendergateway.transforms import AffineModel2D
from rendergateway.visible_text import visible
from tests.catalogue.conftest import PAGES, Catalogue

# Names that paths can contain.
IN_PATHS = [
    "<script>alert(1)</script>".replace("/", "∕"),
    "\"'><img src=x onerror=alert(1)>",
    "{{ 7 * 7 }}{% raw %}",
    "a b?c#d&e=f%2Fg;h",
    "back\\slash",
    "שלום עולם",
    "evil\u202egnp.exe",
    "x" * 200,
    "-dash",
    "javascript:alert(1)",
    "é\u0301\U0001f9e0",
]
# Names that only listings can show.
IN_LISTINGS = ["a/b", "../../up", "..", "</title><script>alert(1)</script>", "nul\x00byte", "tab\there"]


class _Markup(HTMLParser):
    """The tags and attributes of a page, and the addresses of its links."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attributes}
        values = dict(attributes)
        if "external" not in (values.get("rel") or ""):
            self.links += [value for name in ("href", "src") if (value := values.get(name))]


def markup(text: str) -> _Markup:
    reader = _Markup()
    reader.feed(text)
    return reader


def check(catalogue: Catalogue, path: str) -> str:
    """Assert that a page has no markup but its own, and that its links answer; return it."""
    text = catalogue.text(path)
    found = markup(text)
    assert not {name for name in found.attributes if name.startswith("on")}
    assert text.count("<script") == len(
        re.findall(r'<script type="module" src="/catalogue-static/\w+\.js"></script>', text)
    )
    assert "49" not in re.findall(r"\{\{ (.*?) \}\}", text)
    for link in found.links:
        if link.startswith("#"):
            continue
        target = urljoin(path, link).partition("#")[0]
        assert target.startswith("/"), link
        # A name that the service refuses to be asked for is an error page, never another object.
        assert catalogue.get(target).status_code in (200, 302, 400, 404, 502), target
    return text


def fill(gateway: Gateway, notes: str, tile_id: str) -> None:
    """Save a stack and a match collection with hostile texts in all fields."""
    layout = Layout(section_id=tile_id, camera_id=tile_id, scope_id=tile_id)
    tiles = [
        TileRecord(
            tile_id=one,
            z=1.0,
            width=100,
            height=100,
            layout=layout,
            group_id=tile_id,
            labels=[tile_id],
            image_url=f"file:/{tile_id}.png",
            transforms=[AffineModel2D([[1, 0, 50 * place], [0, 1, 0]])],
        )
        for place, one in enumerate((tile_id, "plain"))
    ]
    stack = gateway.create_stack("hostile", notes=notes)
    with stack.editing() as edit:
        edit.put(tiles)
    pair = MatchRecord(p_group=tile_id, p_id=tile_id, q_group=tile_id, q_id="plain", p=[[60, 5]], q=[[10, 5]])
    gateway.match_collection("hostile").put([pair])


@pytest.mark.parametrize("name", IN_PATHS, ids=range(len(IN_PATHS)))
def test_names__of_tiles(catalogue: Catalogue, name: str) -> None:
    """Tile ids, section ids, groups, cameras, labels and notes are shown as text, and links lead there."""
    fill(catalogue.gateway, name, name)
    stack = catalogue.gateway.stack("hostile")
    tile, matches = stack.tile(name), catalogue.gateway.match_collection("hostile")
    pair = matches.pair((name, name), (name, "plain"))

    shown = [check(catalogue, url_of(catalogue, one)) for one in (stack, stack.section(1.0), tile, matches, pair)]

    plain = visible(name)
    assert all(plain in unescape(text) for text in shown)
    assert f'<h1><bdi class="name">{plain}</bdi></h1>' in unescape(shown[2])
    query = {"q": name, "stack": "lab/cortex/hostile"}
    found = catalogue.browser.get("/search", query_string=query, buffered=True)
    assert url_of(catalogue, tile) in markup(found.text).links


@pytest.mark.parametrize("name", IN_PATHS, ids=range(len(IN_PATHS)))
def test_names__on_pages_of_matches(catalogue: Catalogue, name: str) -> None:
    """Names are text in 3D, among neighbours, in residuals and in tiers; data have them as they are."""
    fill(catalogue.gateway, name, name)
    stack = catalogue.gateway.stack("hostile")
    data = {
        "parentTierStackId": stack._key._asdict(),
        "alignedStackId": {"owner": name, "project": name, "stack": name},
        "matchCollectionId": {"owner": name, "name": name},
        "tier": 1,
        "fullScaleBounds": {"minX": 0, "minY": 0, "maxX": 9, "maxY": 9},
        "splitGroupIds": [name],
    }
    catalogue.gateway.call("hierarchy.save", **stack._key._asdict(), body=data)
    values = urlencode({"collection": "hostile", "id": name, "frame": "raw", "all": 1})
    page, plain = "/owner/lab/project/cortex/stack/hostile/", visible(name)

    shown = [check(catalogue, f"{page}{path}?{values}") for path in ("explorer", "residuals", "tile/neighbours")]
    shown.append(check(catalogue, "/owner/lab/project/cortex/hierarchy?split=hostile"))
    table = catalogue.get(f"{page}z/1.0/?format=csv")

    assert all(plain in unescape(text) for text in shown)
    assert name in [tile[0] for tile in catalogue.get(f"{page}explorer.json?{values}").json["tiles"]]  # type: ignore[index]
    assert name in [row[0] for row in csv.reader(io.StringIO(table.text))]
    assert (table.mimetype, table.headers["X-Content-Type-Options"]) == ("text/csv", "nosniff")


@pytest.mark.parametrize("name", IN_PATHS, ids=range(len(IN_PATHS)))
def test_names__of_channels_and_solves(catalogue: Catalogue, name: str) -> None:
    """Names of channels, and of the stack and matches of a solve, are text, and links lead there."""
    notes = f"solved from lab/cortex/{name} with matches {name}: {name}"
    stack = catalogue.gateway.create_stack("hostile", notes=notes)
    channels = [ChannelRecord(name=one, max_intensity=255) for one in (name, "other")]
    with stack.editing() as edit:
        edit.put([TileRecord(tile_id="a", z=1.0, width=9, height=9, channels=channels)])
    page = "/owner/lab/project/cortex/stack/hostile/"

    shown = [check(catalogue, f"{page}{path}") for path in ("", "z/1.0/", "tile?id=a", "tile/neighbours?id=a")]

    assert all(visible(name) in unescape(text) for text in shown[:3])


@pytest.mark.parametrize("name", [*IN_PATHS, *IN_LISTINGS], ids=range(len(IN_PATHS) + len(IN_LISTINGS)))
def test_names__of_owners_projects_and_stacks(name: str) -> None:
    """Names that only another service would accept are text with right links, or without."""
    stack = {"stackId": {"owner": name, "project": name, "stack": name}, "state": "COMPLETE"}
    collection = {"collectionId": {"owner": name, "name": name}, "pairCount": 1}
    pages = {
        "/": ([name], [name]),
        "/owner/o/": ([stack], [collection]),
        "/owner/o/project/p/": ([stack], [name, "other"]),
    }
    for path, said in pages.items():
        with MisbehavingServer(*map(answers, said)) as server, contextlib.closing(Gateway(server.url)) as gateway:
            text = application(gateway).test_client().get(path).text
        found = markup(text)
        assert visible(name) in unescape(text)
        assert not {attribute for attribute in found.attributes if attribute.startswith("on")}
        assert text.count("<script") == 0
        own = [link for link in found.links if name in unquote(link.partition("?")[0])]
        assert bool(own) == is_reachable(name) or path == "/owner/o/project/p/"


@pytest.mark.parametrize("name", IN_LISTINGS, ids=range(len(IN_LISTINGS)))
def test_names__that_cannot_be_asked_for(catalogue: Catalogue, name: str) -> None:
    """A tile that the service cannot be asked for is listed, and its page shows this tile, read with its section."""
    fill(catalogue.gateway, "hostile", name)
    section = catalogue.gateway.stack("hostile").section(1.0)

    listing = check(catalogue, url_of(catalogue, section))
    (row,) = [link for link in markup(listing).links if "/tile?id=" in link and "plain" not in link]
    text = check(catalogue, row if "z=" in row else f"{row}&z=1.0")

    assert visible(name) in unescape(listing)
    assert f'<h1><bdi class="name">{visible(name)}</bdi></h1>' in unescape(text)


def url_of(catalogue: Catalogue, shown: object) -> str:
    with catalogue.app.test_request_context():
        url = Site(lambda: catalogue.gateway, "catalogue", None, {}, is_of_service=False).url(shown)
    assert url is not None
    return url


@pytest.mark.parametrize(
    "query",
    [
        "endpoint=x&page=2&_external=1&_anchor=x&_scheme=ftp&_method=POST",
        "sort=%00&page=-1&q=%3Cscript%3E&state=%22%3E",
        "page=99999999999999999999&px=1e9&low=nan&high=inf",
        "z=nan&z=inf&match=1e400",
    ],
)
def test_queries__of_any_text(montage: object, catalogue: Catalogue, query: str) -> None:
    """Queries that no page made change neither addresses nor markup."""
    for path in PAGES.values():
        answer = catalogue.get(f"{path}{'&' if '?' in path else '?'}{query}")
        assert answer.status_code in (200, 400, 404), path
        assert "<script>" not in answer.text
        assert not [link for link in markup(answer.text).links if link.startswith(("ftp:", "http:"))]


def test_names__of_an_embedded_service_with_query(gateway: Gateway) -> None:
    """A path in the address of the service is text as well."""
    browser = application(gateway).test_client()

    assert "<img" not in browser.get("/search?q=<img src=x onerror=alert(1)>").text.partition("<main")[2]
