"""Damaged database files: a byte that changes on the disk is found by the check, and never part of an answer."""

from __future__ import annotations

import contextlib
import os
import random
from pathlib import Path
from typing import Any

import pytest

from rendergateway.errors import StoreError
from rendergateway.service.store import Database, backup, check, compact
from rendergateway.service.store.connection import connect
from rendergateway.service.store.tiles import Tiles
from tests.service.conftest import AFFINE, STACK, Service, tile

FULL = bool(os.environ.get("RENDERGATEWAY_FULL_TESTS"))
PAIRS = "/owner/lab/matchCollection/pairs"
PAGE = 4096
QUESTIONS = (
    "/owner/lab/stackIds",
    "/owner/lab/matchCollections",
    STACK,
    f"{STACK}/tileIds",
    f"{STACK}/zValues",
    f"{STACK}/sectionData",
    f"{STACK}/z/1/bounds",
    f"{STACK}/z/1/resolvedTiles",
    f"{STACK}/z/1/tileBounds",
    f"{STACK}/z/2/box/100,0,900,90/tile-count",
    f"{STACK}/section/2.0/tileBounds",
    f"{STACK}/tile/t007",
    f"{STACK}/transform/lens",
    f"{PAIRS}/group/1/matchesWithinGroup",
    f"{PAIRS}/qGroupIds",
)


@pytest.fixture
def full(tmp_path: Path) -> Path:
    """A database with tables and indexes of several pages, closed."""
    service = Service(f"embedded:{tmp_path}/render.db")
    service.send("POST", STACK, {})
    lens = {"type": "leaf", "id": "lens", "className": AFFINE, "dataString": "1 0 0 1 1 1"}
    tiles = [tile(f"t{number:03d}", z=number % 2 + 1.0, x=90.0 * number) for number in range(150)]
    service.save(*tiles, shared={"lens": lens})
    sides = {"p": [[1], [2]], "q": [[3], [4]], "w": [1]}
    pair = {"pGroupId": "1", "pId": "a", "qGroupId": "1", "qId": "b", "matches": sides}
    assert service.send("PUT", f"{PAIRS}/matches", [pair]).status_code == 201
    assert service.send("PUT", f"{STACK}/state/COMPLETE").status_code == 201
    service.adapter.close()
    return tmp_path / "render.db"


def _pages(path: Path) -> dict[int, str]:
    """Return the name of the table or index of each page in use."""
    with contextlib.closing(connect(str(path), "ro")) as connection:
        return dict(connection.execute("SELECT pageno, name FROM dbstat ORDER BY pageno"))


def _flip(path: Path, place: int, bit: int) -> None:
    with path.open("r+b") as file:
        file.seek(place)
        (byte,) = file.read(1)
        file.seek(place)
        file.write(bytes([byte ^ 1 << bit]))


def _answers(path: Path) -> list[Any]:
    """Return status and content of the answer to each question."""
    service = Service(f"embedded:{path}")
    answers = [service.send("GET", question) for question in QUESTIONS]
    service.adapter.close()
    assert not [answer.text for answer in answers if "see the log" in answer.text]
    return [(answer.status_code, answer.content) for answer in answers]


def _problems(path: Path) -> list[str]:
    """Return the lines of the check."""
    database = Database(path)
    try:
        return check(database)
    finally:
        database.close()


def _is_refused(path: Path) -> bool:
    """Whether the file is not opened, or the check finds damage."""
    try:
        return _problems(path) != []
    except StoreError as error:
        return str(path) in str(error)


def test_flipped_bit__never_in_an_answer(full: Path) -> None:
    """Whichever bit of the file changes, answers are the same or refused with a sentence, and the check finds it."""
    pages, chance = _pages(full), random.Random(14)
    assert {"sqlite_schema", "stack", "tile_1", "tile_1_id", "tile_1_place", "section_1", "match_2"} <= set(
        pages.values()
    )
    right = _answers(full)
    assert {status for status, _ in right} == {200}
    # The head of the file and of pages, cells, unused space, and the checksum itself, in the last 8 bytes.
    places = [*range(0, 100, 1 if FULL else 7), 20]
    for page in pages:
        offsets = [0, PAGE - 1, *(chance.randrange(PAGE) for _ in range(300 if FULL else 2))]
        places += [(page - 1) * PAGE + offset for offset in offsets]
    refused = 0
    for place in places:
        bit = chance.randrange(8)
        _flip(full, place, bit)
        try:
            found = _answers(full)
        except StoreError as error:
            found = [(503, str(error))] * len(right)
        assert all(one == other or one[0] == 503 for one, other in zip(found, right, strict=True)), place
        refused += found != right
        assert _is_refused(full), place
        _flip(full, place, bit)
    assert refused > len(places) / 2
    assert _answers(full) == right


@pytest.mark.parametrize("name", ["stack", "tile_1", "tile_1_place", "transform_1", "match_2"])
def test_check__names_the_table(full: Path, name: str) -> None:
    """The check names the table with the damaged page; of an index, the table that it belongs to."""
    page = next(number for number, owner in _pages(full).items() if owner == name)
    _flip(full, page * PAGE - 100, 3)

    table = name.removesuffix("_place")
    assert _problems(full) == [f"table {table} is damaged: a page does not match its checksum"]


def test_check__unused_pages(full: Path) -> None:
    """The check finds damage in the list of unused pages."""
    service = Service(f"embedded:{full}")
    service.send("DELETE", STACK)
    # Later writes free the pages.
    service.send("DELETE", PAIRS)
    service.send("POST", STACK, {})
    service.adapter.close()
    trunk = int.from_bytes(full.read_bytes()[32:36], "big")
    _flip(full, (trunk - 1) * PAGE + 7, 0)

    assert "Freelist: failed to get page" in _problems(full)[0]


@pytest.mark.parametrize("question", [f"{STACK}/z/1/resolvedTiles", f"{STACK}/z/1/tileBounds", f"{STACK}/tile/t000"])
def test_damage__is_a_sentence(full: Path, question: str) -> None:
    """A request that reads a damaged page is refused with 503 and the way out; other stacks are still answered."""
    service = Service(f"embedded:{full}")
    service.send("POST", STACK.replace("raw", "other"), {})
    service.save(tile("a"), stack=STACK.replace("raw", "other"))
    service.adapter.close()
    for number, name in _pages(full).items():
        if name == "tile_1":
            _flip(full, number * PAGE - 100, 3)
    service = Service(f"embedded:{full}")

    answer = service.send("GET", question)

    assert answer.status_code == 503
    assert "is damaged: a page does not match its checksum ('rendergateway check' names the table)" in answer.text
    assert service.json(f"{STACK.replace('raw', 'other')}/tileIds") == ["a"]
    service.adapter.close()


def test_damage__is_not_copied(full: Path, tmp_path: Path) -> None:
    """Backup and compact refuse a damaged file, and leave no copy."""
    page = next(number for number, owner in _pages(full).items() if owner == "tile_1")
    _flip(full, page * PAGE - 100, 3)
    database = Database(full)

    with pytest.raises(StoreError, match="damaged: a page does not match its checksum"):
        backup(database, tmp_path / "copy.db")
    with pytest.raises(StoreError, match="damaged: a page does not match its checksum"):
        compact(database)

    assert not (tmp_path / "copy.db").exists()
    database.close()


def test_checksums__switched_off_in_the_head(full: Path) -> None:
    """A file without checksums according to its head is refused: it would be read unchecked."""
    _flip(full, 20, 3)

    with pytest.raises(StoreError, match="damaged"):
        Database(full)


def test_check__columns_of_a_tile(full: Path) -> None:
    """A column that does not match the text of its tile is damage."""
    with contextlib.closing(connect(str(full), "rw")) as connection:
        connection.execute("UPDATE tile_1 SET max_x = 7 WHERE tile_id = 't001'")

    assert _problems(full) == ["tile 't001' in table tile_1 is damaged: its columns do not match its text"]


def test_check__odd_tiles(stack: Service) -> None:
    """Tiles with numbers that are not finite are not damaged."""
    odd: dict[str, Any] = {"z": "NaN", "minX": "NaN", "minY": "-Infinity", "maxX": 1, "maxY": "Infinity"}
    body = {"tileIdToSpecMap": {"a": tile("a") | odd, "b": tile("b") | odd | {"z": 1, "minX": None}}}
    assert stack.send("PUT", f"{STACK}/resolvedTiles", body).status_code in (201, 400)
    stack.save(tile("c") | {"z": "Infinity"})

    assert check(stack.adapter.application.database) == []


def test_listing__of_a_row_that_is_missing(full: Path) -> None:
    """A listing whose rows are fewer than its index has is refused."""
    service = Service(f"embedded:{full}")
    database = service.adapter.application.database
    with database.reading() as connection:
        tiles = Tiles(connection, 1)
        ids = tiles.ids()
        ids.append(999)
        for read in (tiles.entries, tiles.stored, tiles.boxes):
            with pytest.raises(StoreError, match="the index of table tile_1 is damaged"):
                list(read(ids))
    service.adapter.close()
