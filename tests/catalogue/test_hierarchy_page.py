"""The page of the tiers of a hierarchical alignment."""

from __future__ import annotations

import re
from html import unescape

import pytest

from rendergateway import StackWrapper
from tests.catalogue.conftest import Catalogue, put_tiles, save_tier

PAGE = "/owner/lab/project/cortex/hierarchy"


@pytest.fixture
def second(catalogue: Catalogue, montage: StackWrapper) -> StackWrapper:
    """Another split stack, on the right of the first one, and of better quality."""
    stack = catalogue.gateway.create_stack("right")
    put_tiles(stack, 1)
    save_tier(stack, montage, column=1, quality=0.25)
    return stack


def test_hierarchy__boxes_and_threshold(catalogue: Catalogue, montage: StackWrapper, second: StackWrapper) -> None:
    """Each split stack is a box with its quality; those above the threshold are marked, in colour and in words."""
    text = catalogue.text(f"{PAGE}?threshold=1")

    boxes = re.findall(r'<rect class="tier([ \w]*)" x="([\d.]+)"', text)
    assert boxes == [(" above", "0.0"), ("", "480.0")]
    assert re.findall(r">([\d.]+)</text>", text) == ["1.5", "0.25"]
    assert text.count('<span class="unit">above</span>') == 1
    assert "above" not in "".join(re.findall(r'class="tier[^"]*"', catalogue.text(PAGE)))


def test_hierarchy__parent(catalogue: Catalogue, montage: StackWrapper) -> None:
    """The parent is drawn as the outlines of the tiles of a section, or as its picture."""
    outlines, picture = (catalogue.text(f"{PAGE}?z=2.0{more}") for more in ("", "&as=picture"))

    assert outlines.count('<rect class="outline"') == len(montage.section(2.0).tiles())
    assert "<image" not in outlines
    (url,) = re.findall(r'<image href="([^"]*)"', picture)
    assert "/z/2.0/picture.jpg" in url
    assert '<rect class="outline"' not in picture


def test_hierarchy__chosen_stack(catalogue: Catalogue, montage: StackWrapper) -> None:
    """The chosen split stack has its facts, and links to its stacks, matches and warp field."""
    text = re.sub(r"\s+", " ", catalogue.text(f"{PAGE}?split=montage"))

    assert '<dt>Groups of split consensus sets</dt><dd><bdi class="name">2.0</bdi>' in text
    for url in (">Aligned stack<", "/owner/lab/matches/truth/", "/explorer?collection=truth", "warp_field_debug"):
        assert f"{url}" in text


def test_hierarchy__missing_parent(catalogue: Catalogue, montage: StackWrapper) -> None:
    """Without its parent the boxes are drawn alone."""
    gone = catalogue.gateway.stack("gone")
    save_tier(montage, gone)

    text = catalogue.text(PAGE)

    assert text.count('<rect class="tier') == 1
    assert '<rect class="outline"' not in text


@pytest.mark.parametrize(
    "data", [{}, {"tier": None, "fullScaleBounds": {"minX": 1}}, {"parentTierStackId": {"stack": "a"}}]
)
def test_hierarchy__any_data(catalogue: Catalogue, montage: StackWrapper, data: dict[str, object]) -> None:
    """Whatever is stored as hierarchical data is a page."""
    catalogue.gateway.call("hierarchy.save", **montage._key._asdict(), body=data)

    assert "montage" in catalogue.text(f"{PAGE}?split=montage&threshold=1")


def test_hierarchy__related_projects(catalogue: Catalogue, montage: StackWrapper) -> None:
    """Projects of other tiers of the same alignment are linked."""
    for project in ("cortex_tier_1", "cortex_tier_2", "other"):
        catalogue.gateway.create_stack(f"{project}/s")

    text = catalogue.text("/owner/lab/project/cortex_tier_1/hierarchy")

    assert re.findall(r"/project/(\w+)/hierarchy", text.partition("<footer")[0]) == ["cortex", "cortex_tier_2"]


def test_hierarchy__links_of_a_box(catalogue: Catalogue, montage: StackWrapper) -> None:
    """A box leads to its stacks, here and in CATMAID, a pair of adjacent layers, its project and its warp field."""
    path = f"{PAGE}?split=montage&z=1.0&catmaid=https://catmaid.example.org&render=http://render.example.org"
    card = catalogue.text(path).partition('aria-labelledby="split-title"')[2].partition("</section>")[0]
    links = {
        re.sub(r"<[^>]+>", "", words): unescape(url)
        for url, words in re.findall(r'<a [^>]*?href="([^"]*)"[^>]*>(.*?)</a>', card)
    }

    assert list(links) == [
        "Project of the tier", "Split stack", "Split stack in CATMAID catmaid.example.org", "Aligned stack",
        "Aligned stack in CATMAID catmaid.example.org", "Match collection", "Matches in 3D", "Pair of z 1 and 2",
        "Warp field at z 1 text",
    ]  # fmt: skip
    pairs = catalogue.text(links["Pair of z 1 and 2"])
    assert "s1_r0_c0" in pairs
    assert "s2_r0_c0" in pairs
    assert "Pair of z" not in catalogue.text(path.replace("z=1.0", "z=3.0"))
