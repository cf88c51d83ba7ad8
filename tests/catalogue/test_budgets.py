"""Requests to the service per page, and what browsers keep."""

from __future__ import annotations

import re
from html import unescape

import pytest

from rendergateway import StackWrapper, TileTable
from rendergateway.catalogue.kept import KeptData
from rendergateway.catalogue.section_map import SectionMap
from tests.catalogue.conftest import MONTAGE, PAGES, PAIR, Catalogue, put_tiles

OF_PAGES = {
    "home": ["owner.list", "match.owners"],
    "owner": ["stack.list", "match.collections"],
    "project": ["project.stacks", "project.list"],
    "hierarchy": [
        "project.stacks", "project.list", "hierarchy.project_missing_layers", "stack.z_values", "section.tile_bounds",
    ],
    "explorer": [
        "stack.read", "stack.z_values", "stack.section_data", "match.collections", *["section.tile_bounds"] * 3,
        *["match.with_p_group"] * 3,
    ],
    "residuals": [
        "stack.read", "match.collections", *["stack.z_values"] * 2, *["section.resolved_tiles"] * 3,
        *["match.with_p_group"] * 3,
    ],
    "neighbours": ["stack.read", "tile.read", "stack.resolved_tiles", "match.collections", "match.with_tile"],
    "stack": ["stack.read", "stack.z_values", "stack.section_data"],
    "section": ["stack.read", "stack.z_values", "section.resolved_tiles"],
    "tile": [
        "stack.read", "tile.read", "transform.read", "stack.resolved_tiles", "match.collections", "match.with_tile"
    ],
    "matches": ["match.collections", "match.p_group_ids", *["match.with_p_group"] * 3],
    "pairs": ["match.within_group"],
    "pair": ["match.between_tiles", "stack.read", "tile.read", "tile.read", "transform.read", "stack.list"],
    "search": ["owner.list", "section_id.z", "stack.tile_ids"],
    "compare": ["stack.read", "stack.z_values"],
}  # fmt: skip


@pytest.mark.parametrize("page", OF_PAGES)
def test_page__requests(catalogue: Catalogue, montage: StackWrapper, page: str) -> None:
    """A page costs the requests that its docstring names."""
    with catalogue.gateway.counting() as requests:
        catalogue.text(PAGES[page])

    assert sorted(requests) == sorted(OF_PAGES[page])


def test_explorer__script_costs_no_request(catalogue: Catalogue, montage: StackWrapper) -> None:
    """The data of the 3D view were read with its page, and are kept until the script requests them."""
    text = catalogue.text(PAGES["explorer"])
    url = unescape(re.findall(r'data-url="([^"]*)"', text)[0])

    with catalogue.gateway.counting() as requests:
        answer = catalogue.get(url)
    with catalogue.gateway.counting() as again:
        other = catalogue.get(url.rpartition("&v=")[0] + "&v=another")

    assert (requests, answer.json) == ([], other.json)
    assert "immutable" in answer.headers["Cache-Control"]
    assert other.headers["Cache-Control"] == "no-store"
    assert "section.tile_bounds" in again


def test_project_page__five_hundred_stacks(catalogue: Catalogue) -> None:
    """A project of 500 stacks is one page of two requests; its previews are requested when they are seen."""
    for number in range(500):
        catalogue.gateway.create_stack(f"s{number}")
    put_tiles(catalogue.gateway.create_stack("pictured"), 1)

    with catalogue.gateway.counting() as requests:
        text = catalogue.text("/owner/lab/project/cortex/?sort=-stack") + catalogue.text(
            f"{PAGES['project']}?sort=-stack&page=2"
        )

    assert requests == ["project.stacks", "project.list"] * 2
    assert text.count('<th scope="row">') == 501
    assert text.count('loading="lazy"') == 1


def test_section_page__many_tiles(catalogue: Catalogue) -> None:
    """A section of many tiles costs three requests, its map none, and each of its pictures one."""
    put_tiles(catalogue.gateway.create_stack("many"), 5000)
    page = "/owner/lab/project/cortex/stack/many/z/1.0/"

    with catalogue.gateway.counting() as requests:
        version = _version(catalogue.text(page))
        about = catalogue.get(f"{page}map.json?v={version}").json
        assert about is not None
        pieces = [catalogue.get(f"{page}pieces/{number}?v={version}") for number in range(len(about["pieces"]))]
    with catalogue.gateway.counting() as drawing:
        catalogue.get(f"{page}cells/3/0/0.jpg?v={version}")

    assert sorted(requests) == ["section.resolved_tiles", "stack.read", "stack.z_values"]
    assert len(pieces) > 1
    assert all(piece.status_code == 200 for piece in pieces)
    assert drawing == ["box.jpeg"]


def _version(text: str) -> str:
    return text.partition('data-version="')[2].partition('"')[0]


@pytest.mark.parametrize("path", [MONTAGE, PAGES["section"], PAGES["sample"], f"{MONTAGE}tile?id=s1_r0_c0"])
def test_stack_page__is_kept_until_the_stack_changes(catalogue: Catalogue, montage: StackWrapper, path: str) -> None:
    """A browser that has a page of the stack costs one request, until the stack changes."""
    tag = catalogue.get(path).headers["ETag"]

    with catalogue.gateway.counting() as requests:
        again = catalogue.get(path, headers={"If-None-Match": tag})
    montage.update(cycle=(1, 2))
    changed = catalogue.get(path, headers={"If-None-Match": tag})

    assert (again.status_code, again.data, requests) == (304, b"", ["stack.read"])
    assert again.headers["ETag"] == tag
    assert "no-cache" in again.headers["Cache-Control"]
    assert changed.status_code == 200


@pytest.mark.parametrize("path", ["/owner/lab/", PAGES["project"], PAGES["matches"], PAIR])
def test_listing__has_a_tag_of_its_content(catalogue: Catalogue, montage: StackWrapper, path: str) -> None:
    """Pages without a time of change are sent again only if they differ."""
    tag = catalogue.get(path).headers["ETag"]

    assert catalogue.get(path, headers={"If-None-Match": tag}).status_code == 304


def test_loading_stack__is_not_kept(catalogue: Catalogue) -> None:
    """Tiles of a LOADING stack change unnoticed, so its pages, maps and pictures are read each time."""
    put_tiles(catalogue.gateway.create_stack("open"), 3, complete=False)
    page = "/owner/lab/project/cortex/stack/open/z/1.0/"

    first, second = catalogue.get(page), catalogue.get(page)
    version = _version(first.text)
    about = catalogue.get(f"{page}map.json?v={version}")

    assert version != _version(second.text)
    assert about.headers["Cache-Control"] == "no-store"
    assert catalogue.get(page, headers={"If-None-Match": first.headers["ETag"]}).status_code == 200


def test_picture__is_kept_for_good(catalogue: Catalogue, montage: StackWrapper) -> None:
    """The address of a picture contains the version of the stack, so browsers need not ask again."""
    version = _version(catalogue.text(PAGES["section"]))

    picture = catalogue.get(f"{PAGES['section']}cells/1/0/0.jpg?v={version}")

    assert picture.mimetype == "image/jpeg"
    assert "immutable" in picture.headers["Cache-Control"]
    assert "private" in picture.headers["Cache-Control"]


def test_pages__show_what_others_wrote(catalogue: Catalogue, montage: StackWrapper) -> None:
    """A change that another gateway made is on the next page."""
    assert ">12<" in catalogue.text(MONTAGE)
    other = catalogue.gateway.using()
    with other.stack("montage").editing() as edit:
        edit.delete(tiles=[other.stack("montage").tile("s1_r0_c0")])

    assert ">11<" in catalogue.text(MONTAGE)
    assert "s1_r0_c0" not in catalogue.text(PAGES["section"]).partition("<table>")[2]


def test_map__evicted_version_is_read_again(catalogue: Catalogue, montage: StackWrapper) -> None:
    """A map that is no longer kept costs its requests once more."""
    with catalogue.gateway.counting() as requests:
        answers = [catalogue.get(f"{PAGES['section']}map.json?v=1.1").json for _ in range(2)]

    assert answers[0] == answers[1]
    assert requests == ["section.resolved_tiles"]


def test_cache__limit() -> None:
    """The cache drops the maps that were used longest ago, and keeps one of any size."""
    section = SectionMap.of(TileTable.from_columns(tile_id=["a"], z=1, width=9, height=9, box=[[0, 0, 9, 9]]), {})
    cache = KeptData(limit_bytes=2 * section.size)
    for key in "abc":
        cache.keep(key, section)
        assert cache.get("a") is not None or key == "c"

    assert [cache.get(key) is not None for key in "abc"] == [True, False, True]
    small = KeptData(limit_bytes=0)
    small.keep("x", section)
    assert small.get("x") is section
