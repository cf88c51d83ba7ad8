"""What the pages show, their states, and how requests are answered."""

from __future__ import annotations

import csv
import json
import re
import xml.etree.ElementTree as ET
from html import unescape
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import urljoin

import numpy as np
import numpy.typing as npt
import pytest

from rendergateway import ChannelRecord, Gateway, ImagePyramid, StackWrapper, TileRecord
from rendergateway.catalogue import application
from rendergateway.catalogue.charts import chart_of
from rendergateway.endpoints import ENDPOINTS
from rendergateway.rendering.images.decoding import decoded_picture
from rendergateway.rendering.output.encoding import write_png
from rendergateway.testing.misbehaving import MisbehavingServer, answers
from rendergateway.transforms import AffineModel2D, TranslationModel2D
from tests.catalogue.conftest import MONTAGE, PAGES, PAIR, Catalogue, put_tiles


class _References(HTMLParser):
    """Addresses in a page: of links, forms, pictures, scripts and styles."""

    def __init__(self) -> None:
        super().__init__()
        self.found: set[str] = set()

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        values = dict(attributes)
        if "external" in (values.get("rel") or ""):
            return
        self.found |= {value for name in ("href", "src", "action") if (value := values.get(name))}


def references(text: str, base: str) -> set[str]:
    """Paths on this site that a page refers to."""
    reader = _References()
    reader.feed(text)
    return {urljoin(base, found).partition("#")[0] for found in reader.found if not found.startswith("#")}


@pytest.mark.parametrize("page", PAGES)
def test_page__every_reference_answers(catalogue: Catalogue, montage: StackWrapper, page: str) -> None:
    """All links, forms, pictures, scripts and styles of a page are there."""
    found = references(catalogue.text(PAGES[page]), PAGES[page])

    statuses = {path: catalogue.get(path).status_code for path in sorted(found)}

    assert {path: status for path, status in statuses.items() if status not in (200, 302)} == {}


def test_page__whole_site_is_reachable(catalogue: Catalogue, montage: StackWrapper) -> None:
    """Each kind of page is reached by links from the first one."""
    waiting, seen, kinds = ["/"], {"/"}, set()
    while waiting:
        path = waiting.pop()
        answer = catalogue.get(path)
        assert answer.status_code in (200, 302), path
        with catalogue.app.test_request_context(path) as context:
            kinds.add((context.request.endpoint or "").partition(".")[2])
        if answer.mimetype == "text/html":
            # One of each set of siblings is enough; this stack has no warp field.
            new = {one for one in references(answer.text, path) if "sort=" not in one} - seen
            seen |= new
            waiting += [one for one in new if not re.search(r"z/[23]\.0|s[23]_|match=|warp_field", one)]

    assert {"owner", "project", "stack", "sample", "section", "tile", "match_collection", "pairs", "pair"} <= kinds
    assert {"thumbnail", "tile_picture", "raw", "compare", "search"} <= kinds


def test_stack_page__facts(catalogue: Catalogue, montage: StackWrapper) -> None:
    """Counts, bounds, resolution, version and links are on the page of a stack."""
    text = catalogue.text(MONTAGE)

    box = montage.bounds
    assert box is not None
    for words in ("Complete", "4 × 4 × 40 nm", ">12<", f"{box.min_x:g} … {box.max_x:g}", "rendergateway tree"):
        assert words in text
    assert text.count("<figure") == 6


def test_stack_page__missing_and_merged_layers(catalogue: Catalogue) -> None:
    """Layers without tiles and layers of several section ids are listed."""
    stack = catalogue.gateway.create_stack("gaps")
    put_tiles(stack, 2, z=1.0, complete=False)
    with stack.editing() as edit:
        tiles = stack.section(1.0).tiles().table()
        edit.put(tiles[:1].evolve(tile_id=["x"], z=4.0, section_id="4.0"))
        edit.put(tiles[:1].evolve(tile_id=["y"], z=4.0, section_id="9.1"))

    text = catalogue.text("/owner/lab/project/cortex/stack/gaps/")

    assert "Missing layers: 2, 3." in text
    assert re.search(r"Merged layers.*z/4\.0/", text, re.DOTALL)
    assert "Reordered" in text


def test_project_page__filters_and_sorts(catalogue: Catalogue) -> None:
    """Stacks are found by name and state, and ordered by a column in both directions."""
    for name, count in (("a10", 3), ("a9", 2), ("b", 1)):
        put_tiles(catalogue.gateway.create_stack(name), count)
    catalogue.gateway.create_stack("a_new")

    def shown(query: str) -> list[str]:
        text = catalogue.text(f"/owner/lab/project/cortex/?{query}")
        return re.findall(r'<th scope="row"><a [^>]*><bdi class="name">(.*?)</bdi>', text)

    assert shown("q=a&state=COMPLETE&sort=stack") == ["a9", "a10"]
    assert shown("sort=-tiles")[-3:] == ["a10", "a9", "b"]
    assert shown("sort=tiles") == ["b", "a9", "a10", "a_new"]
    assert shown("q=nothing") == []
    assert "Show all 4" in catalogue.text("/owner/lab/project/cortex/?q=nothing")


def test_section_page__tiles_are_sorted_and_paged(catalogue: Catalogue) -> None:
    """A section of many tiles has pages, ordered by any column, and finds a tile by its id."""
    put_tiles(catalogue.gateway.create_stack("many"), 250)
    page = "/owner/lab/project/cortex/stack/many/z/1.0/"

    def first(query: str) -> str:
        found = re.search(r'<th scope="row"><a [^>]*><bdi class="name">(.*?)</bdi>', catalogue.text(page + query))
        assert found is not None
        return found[1]

    assert first("") == "t00000"
    assert first("?page=3") == "t00200"
    assert first("?page=99") == "t00200"
    assert first("?sort=-max-x") == "t00099"
    assert first("?sort=-camera&page=2") == "t00052"
    assert first("?q=0017&sort=-tile") == "t00179"


def test_tile_page__transforms_in_words(catalogue: Catalogue, montage: StackWrapper) -> None:
    """A tile shows its transforms in words, with the shared one resolved, its neighbours and its matches."""
    text = catalogue.text(PAGES["tile"])

    assert "the shared transform lens" in text
    assert re.search(r"scale [\d.]+ × [\d.]+, rotation [\d.e-]+°", text)
    assert "PolynomialTransform2D" in text
    assert text.count('class="thumb"') == 3
    assert "s1_r0_c1" in text
    assert "matches, group" in text


def test_pair_page__matches_where_the_arrays_are(catalogue: Catalogue, montage: StackWrapper) -> None:
    """Lines of a drawing connect the points of the pair, scaled with the pictures; one is shown on demand."""
    text = catalogue.text(PAIR)
    lines = re.findall(r'<line x1="([\d.]+)" y1="([\d.]+)" x2="([\d.]+)" y2="([\d.]+)"', text)
    (pair,) = [
        one for one in catalogue.gateway.match_collection("truth").pairs() if one.p_id + one.q_id == "s1_r0_c0s1_r0_c1"
    ]

    scale, gap = 480 / 512, 16
    drawn = [list(map(float, line)) for line in lines]
    wanted = [
        [p[0] * scale, p[1] * scale, q[0] * scale + 480 + gap, q[1] * scale]
        for p, q in zip(pair.p.tolist(), pair.q.tolist(), strict=True)
    ]
    assert drawn == [pytest.approx(line) for line in wanted]
    assert catalogue.text(f"{PAIR}&match=3").count("<line ") == 1
    assert f'<line x1="{drawn[2][0]}"' in catalogue.text(f"{PAIR}&match=3")
    assert catalogue.text(f"{PAIR}&as=points").count("<line ") == 0


def test_collection_page__matrix(catalogue: Catalogue, montage: StackWrapper) -> None:
    """Pairs and matches are counted for each pair of groups."""
    pairs = list(catalogue.gateway.match_collection("truth").pairs(between=("1.0", "2.0")))

    text = catalogue.text(PAGES["matches"])

    assert f"{len(pairs)} <span>{sum(map(len, pairs))}</span>" in text
    assert catalogue.text(f"{PAGES['matches']}?q=3.0").count("<tr>") == 2
    assert "No p group contains" in catalogue.text(f"{PAGES['matches']}?q=none")


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("q=s1_r0_c1&stack=lab/cortex/montage", "tile?id=s1_r0_c1"),
        ("q=r1_c&stack=lab/cortex/montage", "tile?id=s3_r1_c1"),
        ("q=2&stack=lab/cortex/montage", "stack/montage/z/2.0/"),
        ("q=3.0&stack=lab/cortex/montage", "stack/montage/z/3.0/"),
        ("q=s1_r0_c1", "tile?id=s1_r0_c1"),
        ("q=mont&owner=lab", "stack/montage/"),
        ("q=trut", "matches/truth/"),
        ("q=cort", "project/cortex/"),
        ("q=la", "/owner/lab/"),
    ],
)
def test_search__finds(catalogue: Catalogue, montage: StackWrapper, query: str, words: str) -> None:
    """A text finds tiles, sections, stacks, collections, projects and owners."""
    assert words in unescape(catalogue.text(f"/search?{query}").partition("<h1>")[2])


@pytest.mark.parametrize("query", ["q=nothing&stack=lab/cortex/montage", "q=nothing", "q=../x&owner=lab", "q=%00"])
def test_search__finds_nothing(catalogue: Catalogue, montage: StackWrapper, query: str) -> None:
    """A search without result has a sentence."""
    assert "Nothing contains" in catalogue.text(f"/search?{query}")


def test_empty_states__have_a_remedy(catalogue: Catalogue) -> None:
    """Pages without objects name the command or the call that adds some."""
    assert "rendergateway load" in catalogue.text("/")
    catalogue.gateway.create_stack("new")
    assert "rendergateway load" in catalogue.text("/owner/lab/project/cortex/stack/new/")
    assert "has no stacks" in catalogue.text("/owner/nobody/")
    assert "has no stacks" in catalogue.text("/owner/lab/project/none/")
    assert "No tiles at z 7" in catalogue.text("/owner/lab/project/cortex/stack/new/z/7/")
    assert "Name two stacks" in catalogue.text("/compare")
    assert "no z in common" in catalogue.text("/compare?a=lab/cortex/new&b=lab/cortex/new")
    assert "Type a name" in catalogue.text("/search")


def test_loading_stack__costs_no_request_per_section(catalogue: Catalogue) -> None:
    """A LOADING stack lists its sections without counts, whose statistics do not exist yet."""
    stack = catalogue.gateway.create_stack("loading")
    for z in (1.0, 2.0):
        with stack.editing(complete=False) as edit:
            edit.put([TileRecord(tile_id=f"a{z}", z=z, width=9, height=9, min_x=0, min_y=0, max_x=9, max_y=9)])

    with catalogue.gateway.counting() as requests:
        text = catalogue.text("/owner/lab/project/cortex/stack/loading/")

    assert requests == ["stack.read", "stack.z_values"]
    assert "Tiles are being loaded" in text
    assert "z/2.0/" in text


@pytest.mark.parametrize(
    ("path", "status", "words"),
    [
        ("/owner/lab/project/cortex/stack/none/", 404, "does not exist"),
        ("/owner/lab/project/cortex/stack/montage/tile?id=none", 404, "none"),
        ("/owner/lab/project/cortex/stack/montage/tile", 400, "id="),
        ("/owner/lab/project/cortex/stack/montage/z/abc/", 404, "z must be a number"),
        ("/owner/lab/project/cortex/stack/montage/z/nan/", 404, "z must be a number"),
        ("/owner/lab/project/cortex/stack/montage/section?id=none", 404, "none"),
        ("/owner/lab/matches/none/", 404, "none"),
        ("/owner/lab/matches/truth/pair?pg=1.0&p=a&qg=1.0&q=b", 404, "no matches"),
        ("/owner/lab/matches/truth/pair", 400, "pg="),
        ("/owner/lab/project/cortex/stack/montage/z/1.0/pieces/99?v=1", 404, "piece 99"),
        (f"{PAIR}&frame=sideways", 400, "sideways"),
        (f"{MONTAGE}tile.jpg?id=s1_r0_c0&frame=sideways", 400, "sideways"),
        (f"{MONTAGE}z/1.0/cells/99/0/0.jpg", 404, "no such cell"),
        (f"{MONTAGE}explorer.json", 400, "collection="),
        (f"{MONTAGE}residuals?collection=none", 404, "none"),
        (f"{MONTAGE}residuals?collection=truth&frame=sideways", 400, "sideways"),
        (f"{MONTAGE}tile/neighbours", 400, "id="),
        ("/compare.png?a=lab/cortex/montage&b=lab/cortex/montage", 400, "z="),
        ("/compare.png?a=lab/cortex/montage&b=lab/cortex/montage&z=9", 404, "not in both"),
        ("/raw/tile.read?owner=lab&project=cortex&stack=montage&tile_id=none", 404, "none"),
        (f"{MONTAGE}z/1.0/cells/0/{10**40}/-{10**40}.jpg", 404, "no such cell"),
        (f"{MONTAGE}z/1.0/residuals.json?collection=truth", 400, "choose the frame"),
        ("/raw/stack.delete?owner=lab&project=cortex&stack=montage", 404, "not a reading"),
        ("/raw/stack.read?owner=lab", 400, "needs project, stack"),
        ("/raw/section.bounds?owner=lab&project=cortex&stack=montage&z=x", 400, "x"),
        ("/nothing/here", 404, "Not Found"),
    ],
)
def test_error_page__sentence_and_status(
    catalogue: Catalogue, montage: StackWrapper, path: str, status: int, words: str
) -> None:
    """An error is a page with the sentence of the service and its status."""
    answer = catalogue.get(path)

    assert answer.status_code == status
    # A picture of an error breaks its sentence into lines.
    assert words in unescape(answer.text.replace("</text>", ""))
    assert "<nav" in answer.text or answer.mimetype == "image/svg+xml"
    assert "ETag" not in answer.headers


def test_error_page__unreachable_service() -> None:
    """A service that does not answer is a page with status 503."""
    with MisbehavingServer(answers([])) as server:
        address = server.url
    browser = application(Gateway(address, retries=0)).test_client()

    answer = browser.get("/")

    assert answer.status_code == 503
    assert "Service Unavailable" in answer.text


def test_compare__picture_in_two_colours(catalogue: Catalogue, montage: StackWrapper) -> None:
    """Both sections are in one picture: equal pixels are grey, those of one alone have its colour."""
    tiles = [tile._obj.evolve(transforms=[*tile.transforms, TranslationModel2D(1000, 0)]) for tile in montage.tiles()]
    with montage.copy_to("shifted").editing() as edit:
        edit.put(tiles)

    def picture(b: str) -> npt.NDArray[np.uint8]:
        answer = catalogue.get(f"/compare.png?a=lab/cortex/montage&b=lab/cortex/{b}&z=1.0")
        assert answer.mimetype == "image/png"
        pixels: npt.NDArray[np.uint8] = decoded_picture(answer.data)[0]
        return pixels.astype(int)

    equal, apart = picture("montage"), picture("shifted")

    wanted = np.asarray(montage.section(1.0).image()).astype(int)
    # Decoding returns equal colours as grey.
    assert equal.shape == wanted.shape
    assert np.abs(equal - wanted).max() <= 1
    left, right = apart[:, : apart.shape[1] // 2 - 30], apart[:, apart.shape[1] // 2 + 30 :]
    assert (left[..., 0] >= left[..., 1]).all()
    assert (right[..., 0] <= right[..., 1]).all()
    assert left.max() > 100
    assert right.max() > 100


def test_channels__of_map_and_tile(catalogue: Catalogue, tmp_path: Path) -> None:
    """A stack of several channels has a choice of channels on its maps and tiles, and pictures show the chosen one."""
    urls = {}
    for name, value in (("DAPI", 40), ("TdTomato", 200)):
        write_png(tmp_path / f"{name}.png", np.full((64, 64), value, dtype=np.uint8))
        urls[name] = (tmp_path / f"{name}.png").as_uri()
    stack = catalogue.gateway.create_stack("coloured")
    channels = [
        ChannelRecord(
            name=name, min_intensity=0, max_intensity=255, mipmaps=ImagePyramid().with_level(0, image_url=url)
        )
        for name, url in urls.items()
    ]
    with stack.editing() as edit:
        edit.put([TileRecord(tile_id="a", z=1.0, width=64, height=64, channels=channels, transforms=[AffineModel2D()])])
    page = "/owner/lab/project/cortex/stack/coloured/"

    section, tile = (
        catalogue.text(f"{page}z/1.0/?channel=TdTomato"),
        catalogue.text(f"{page}tile?id=a&channel=TdTomato"),
    )
    shown = [catalogue.get(f"{page}{path}").data for path in (
        "z/1.0/cells/0/0/0.jpg?channel=DAPI", "z/1.0/cells/0/0/0.jpg?channel=TdTomato", "tile.jpg?id=a&channel=TdTomato"
    )]  # fmt: skip

    assert '<option value="TdTomato" selected>' in section
    assert "channel=TdTomato" in re.findall(r'<img [^>]*src="([^"]*picture[^"]*)"', section)[0]
    assert "channel=TdTomato" in re.findall(r'<img class="whole" src="([^"]*)"', tile)[0]
    means = [decoded_picture(one)[0][:50, :50].mean() for one in shown]
    assert means == pytest.approx([40, 200, 200], abs=2)
    assert "data-channel" not in catalogue.text("/owner/lab/project/cortex/stack/coloured/")


def test_table__as_csv(catalogue: Catalogue) -> None:
    """A table is a file of all rows that the filter leaves, in its order, with units in the headings."""
    put_tiles(catalogue.gateway.create_stack("many"), 250)
    page = "/owner/lab/project/cortex/stack/many/z/1.0/"
    link = unescape(re.findall(r'<a href="([^"]*format=csv)"', catalogue.text(f"{page}?q=t00&sort=-tile&page=2"))[0])

    rows = list(csv.reader(catalogue.text(link).splitlines()))

    assert [row[0] for row in rows] == ["Tile", *(f"t{number:05d}" for number in range(249, -1, -1))]
    assert "Min x (px)" in rows[0]


def test_raw__options_of_readings(catalogue: Catalogue, montage: StackWrapper) -> None:
    """Raw answers take the options of their endpoints."""
    page = "/raw/tile.render_parameters?owner=lab&project=cortex&stack=montage&tile_id=s1_r0_c0"

    plain, matching = (catalogue.get(f"{page}{more}").json for more in ("", "&normalizeForMatching=true"))

    assert plain != matching


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
@pytest.mark.parametrize("page", ["home", "stack", "section"])
def test_requests__only_readings(catalogue: Catalogue, montage: StackWrapper, method: str, page: str) -> None:
    """No page accepts another method than GET and HEAD."""
    answer = catalogue.browser.open(PAGES[page], method=method, data=b"{}")

    assert answer.status_code == 405
    assert catalogue.get(MONTAGE).status_code == 200


def test_requests__change_nothing(catalogue: Catalogue, montage: StackWrapper) -> None:
    """All pages together make reading requests only."""
    with catalogue.gateway.counting() as requests:
        for path in PAGES.values():
            catalogue.text(path)

    assert {ENDPOINTS[name].effect for name in requests} == {"read"}


@pytest.mark.parametrize(
    ("values", "are_whole"), [([16, 16, 16], True), ([1, 2, 4], True), ([0, 6, 11], True), ([1, 1.5, 2], False)]
)
def test_chart__ticks_of_whole_numbers(values: list[float], are_whole: bool) -> None:
    """Numbers of tiles and sections have no fractions at their axis."""
    chart = chart_of("Tiles", "tiles", {"original": list(enumerate(values, 1))})

    assert chart is not None
    assert [label for _, label in chart.x_ticks] == ["1", "2", "3"]
    assert any("." in label for _, label in chart.y_ticks) != are_whole


@pytest.mark.parametrize(
    "path", ["/owners", "/owner/lab/project/cortex/stack/lost/", "/compare.png?a=lab/cortex/lost&b=lab/cortex/lost&z=1"]
)
def test_errors__are_not_kept(catalogue: Catalogue, montage: StackWrapper, path: str) -> None:
    """Browsers keep no error, as recorded of the service in general/refused: a missing object may exist soon."""
    answer = catalogue.get(path)

    assert 400 <= answer.status_code < 500
    assert answer.headers["Cache-Control"] == "must-revalidate,no-cache,no-store"


def test_chart__sample_of_many_points() -> None:
    """Of more points than a chart draws every second, third … one is drawn; a chart of all draws all."""
    points = {"Original": [(float(z), 2.0 * z) for z in range(25_000)], "Missing": [(0.5, 0.0)]}

    sample, every = chart_of("Tiles", "tiles", points), chart_of("Tiles", "tiles", points, None)

    assert sample is not None
    assert every is not None
    assert (sample.drawn, sample.total, every.drawn) == (6251, 25_001, 25_001)
    assert sample.domain == every.domain
    assert sample.series[0].points[:2] == ((0.0, 0.0), (4.0, 8.0))
    assert sample.series[0].numbers.startswith("0 0 4 8 8 16 ")


def test_stack_page__charts_of_a_sample(
    catalogue: Catalogue, montage: StackWrapper, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A chart of a sample offers all points, and that of all the sample; its CSV file is of all points."""
    monkeypatch.setattr("rendergateway.catalogue.pages.stacks.MOST_POINTS", 2)

    sample, every = catalogue.text(MONTAGE), catalogue.text(f"{MONTAGE}?points=all")

    assert '2 of 3 points, <a href="/owner/lab/project/cortex/stack/montage/?points=all">all</a>' in sample
    assert "All 3 points" in every
    for query, drawn in (("", 2), ("?points=all", 3)):
        assert catalogue.text(f"{MONTAGE}charts/section-order.svg{query}").count("h0") == drawn
        assert len(catalogue.text(f"{MONTAGE}charts/section-order.csv{query}").splitlines()) == 1 + 3


def test_charts__as_files(catalogue: Catalogue, montage: StackWrapper) -> None:
    """Each chart is a picture and a table of its points, under addresses of its page."""
    files = re.findall(r'<a href="([^"]*)" download="([^"]*)"', catalogue.text(MONTAGE))
    files += re.findall(r'<a href="([^"]*)" download="([^"]*)"', catalogue.text(PAGES["residuals"]))
    answers = {name: catalogue.get(unescape(url)) for url, name in files if "format=csv" not in url}

    assert len(answers) == 2 * 7
    for name, answer in answers.items():
        assert (answer.status_code, answer.mimetype) == (200, "text/csv" if name.endswith("csv") else "image/svg+xml")
        assert name.endswith("csv") or ET.fromstring(answer.text).tag == "{http://www.w3.org/2000/svg}svg"
    rows = list(csv.reader(answers["bounds-in-x.csv"].text.splitlines()))
    assert rows[0] == ["Series", "z", "Bounds in x (px)"]
    box = montage.section(1.0).bounds
    assert box is not None
    assert [float(value) for value in rows[1][1:]] == [1.0, box.min_x]
    assert len(rows) == 1 + 2 * 3


def test_charts__missing(catalogue: Catalogue, montage: StackWrapper) -> None:
    """A chart that does not exist is an error that lists those that do."""
    answer = catalogue.get(f"{MONTAGE}charts/none.csv")

    assert answer.status_code == 404
    assert "tiles-per-section, section-order" in answer.text
    assert catalogue.get(f"{MONTAGE}residuals/mean-residual.csv").status_code == 400
    montage.reopen()
    with catalogue.gateway.counting() as requests:
        assert "there are none" in catalogue.get(f"{MONTAGE}charts/bounds-in-x.csv").text
    assert "section.bounds" not in requests


def test_stack_page__section_ids_of_its_points(catalogue: Catalogue) -> None:
    """The page has the section ids of layers whose ids are not their z, for the points of its charts."""
    stack = catalogue.gateway.create_stack("gaps")
    put_tiles(stack, 2, z=1.0, complete=False)
    with stack.editing() as edit:
        tiles = stack.section(1.0).tiles().table()
        edit.put(tiles[:1].evolve(tile_id=["x"], z=4.0, section_id="4.0"))
        edit.put(tiles[:1].evolve(tile_id=["y"], z=4.0, section_id='"9.1'))

    text = catalogue.text("/owner/lab/project/cortex/stack/gaps/")
    found = re.findall(r'data-section-ids="([^"]*)"', text)

    assert {z: sorted(ids) for z, ids in json.loads(unescape(found[0])).items()} == {"4": ['"9.1', "4.0"]}


def test_requests__unknown_hosts_are_refused(gateway: Gateway) -> None:
    """A site on loopback refuses names that do not belong to it, so that no other page can read through it."""
    browser = application(gateway, hosts=("atlas",)).test_client()

    statuses = {
        host: browser.get("/", headers={"Host": host}).status_code for host in ("localhost:80", "atlas", "evil")
    }

    assert statuses == {"localhost:80": 200, "atlas": 200, "evil": 403}
    assert "unknown host name: got evil" in browser.get("/", headers={"Host": "evil"}).text


@pytest.mark.parametrize("page", PAGES)
def test_headers__policy(catalogue: Catalogue, montage: StackWrapper, page: str) -> None:
    """Scripts, styles and pictures come from the site alone, and pages contain none themselves."""
    answer = catalogue.get(PAGES[page])

    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert not re.search(r"<script(?![^>]*\bsrc=)|<style|\sstyle=|\son\w+=", answer.text)
