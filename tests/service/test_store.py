"""The file: opening it, keeping what was written, giving space back."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from rendergateway.errors import StoreError
from rendergateway.service.store import Database, backup, check, compact
from rendergateway.service.store import database as database_module
from rendergateway.service.store.schema import VERSION
from rendergateway.service.store.upkeep import discard, sweep
from tests.service.conftest import STACK, Service, tile


def _file_with(path: Path, *statements: str) -> Path:
    connection = sqlite3.connect(path)
    for statement in statements:
        connection.execute(statement)
    connection.commit()
    connection.close()
    return path


def test_open__database_of_another_program(tmp_path: Path) -> None:
    """A database with other tables is refused, and left as it was."""
    path = _file_with(tmp_path / "other.db", "CREATE TABLE notes (text)")

    with pytest.raises(StoreError, match="database of another program"):
        Database(path)


def test_open__newer_schema(tmp_path: Path) -> None:
    """A database of a later version is refused with both versions."""
    path = tmp_path / "render.db"
    Database(path).close()
    _file_with(path, f"PRAGMA user_version = {VERSION + 1}")

    with pytest.raises(StoreError, match=f"schema version {VERSION + 1}.*up to {VERSION}"):
        Database(path)


def test_open__no_database(tmp_path: Path) -> None:
    """A file of something else is refused."""
    path = tmp_path / "picture.png"
    path.write_bytes(b"\x89PNG" * 400)

    with pytest.raises(StoreError, match="cannot be used as a database"):
        Database(path)


def test_open__missing_folder(tmp_path: Path) -> None:
    """A missing folder is not made."""
    with pytest.raises(StoreError, match="there is no folder"):
        Database(tmp_path / "nowhere" / "render.db")


def test_open__folder_without_write_permission(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder that may not be written is named."""
    monkeypatch.setattr("os.access", lambda path, mode: False)

    with pytest.raises(StoreError, match="is not writable"):
        Database(tmp_path / "render.db")


def test_open__network_file_system(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A network file system is refused by name."""
    monkeypatch.setattr(database_module, "file_system_of", lambda path: "nfs4")

    with pytest.raises(StoreError, match=r"network file system \(nfs4\)"):
        Database(tmp_path / "render.db")


def test_private_store__goes_on_close() -> None:
    """A private store leaves nothing behind."""
    service = Service("embedded:")
    folder = service.adapter.application.database.path.parent
    assert folder.is_dir()

    service.adapter.close()

    assert not folder.exists()


def test_refused_save__stores_nothing(stack: Service) -> None:
    """One bad tile keeps the good ones of its request out."""
    bad = tile("bad", transforms={"type": "list", "specList": [{"type": "ref", "refId": "gone"}]})

    assert stack.save(tile("good"), bad).status_code == 400
    assert stack.json(f"{STACK}/tileIds") == []


def test_failed_clone__leaves_nothing(stack: Service) -> None:
    """A clone that collides takes neither tiles nor transforms along."""
    other = STACK.replace("raw", "copy")
    stack.save(tile("a"), tile("b", 2))
    stack.send("POST", other, {})
    stack.save(tile("b", 2), stack=other)

    answer = stack.send("PUT", f"{STACK}/cloneTo/copy?z=1&z=2", {})

    assert answer.status_code == 500
    assert "exist in stack with owner 'lab', project 'tissue', and name 'copy' already" in answer.text
    assert stack.json(f"{other}/tileIds") == ["b"]


def test_refused_matches__leave_the_empty_collection(service: Service) -> None:
    """The one recorded trace of a refused save: the collection is there, and empty."""
    collection = "/owner/lab/matchCollection/pairs"

    assert service.send("PUT", f"{collection}/matches", [{"pGroupId": "1"}]).status_code == 400

    (found,) = service.json("/owner/lab/matchCollections")
    assert found == {"collectionId": {"owner": "lab", "name": "pairs"}, "pairCount": 0}


def test_stream__sees_one_moment(stack: Service) -> None:
    """A listing that is being read shows nothing of what is written meanwhile, and does not hold it up."""
    stack.save(*(tile(f"t{number:05d}") for number in range(2000)))
    answer = stack.send("GET", f"{STACK}/z/1/tile-specs", stream=True)
    first = answer.raw.read(100)

    assert stack.send("DELETE", f"{STACK}/z/1").status_code == 200
    rest = answer.raw.read()

    assert (first + rest).count(b'"tileId"') == 2000
    assert stack.json(f"{STACK}/tileIds") == []


def test_two_services__share_one_file(tmp_path: Path) -> None:
    """What one service writes, another on the same file reads."""
    one, other = (Service(f"embedded:{tmp_path}/render.db") for _ in range(2))

    one.send("POST", STACK, {})
    one.save(tile("a"))

    assert other.json(f"{STACK}/tileIds") == ["a"]
    one.adapter.close()
    other.adapter.close()


def test_deleted_stack__goes_at_once_and_its_space_later(tmp_path: Path) -> None:
    """Deleting touches no tile; compacting empties the tables and shortens the file."""
    service = Service(f"embedded:{tmp_path}/render.db")
    database = service.adapter.application.database
    service.send("POST", STACK, {})
    service.save(*(tile(f"t{number:05d}") for number in range(5000)))
    with database.idle() as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    size = database.path.stat().st_size

    service.send("DELETE", STACK)
    assert service.json("/owner/lab/stackIds") == []
    compact(database)

    assert database.path.stat().st_size < size / 10
    assert check(database) == []
    service.adapter.close()


def test_sweep__stops_when_its_time_is_up(stack: Service) -> None:
    """What is left of a deleted stack waits for the next slice, and in the end nothing is left."""
    stack.save(*(tile(f"t{number:05d}") for number in range(2000)))
    database = stack.adapter.application.database
    with database.writing() as connection:
        discard(connection, "tile_1")
        assert sweep(connection, seconds=0.0)
        assert connection.execute("SELECT COUNT(*) FROM tile_1").fetchone()[0] > 0
        assert not sweep(connection, seconds=60.0)


def test_backup__is_a_store_of_its_own(tmp_path: Path) -> None:
    """A copy made while others go on holds what was there."""
    service = Service(f"embedded:{tmp_path}/render.db")
    service.send("POST", STACK, {})
    service.save(tile("a"))

    copy = backup(service.adapter.application.database, tmp_path / "copy.db")
    service.send("DELETE", STACK)

    other = Service(f"embedded:{copy}")
    assert other.json(f"{STACK}/tileIds") == ["a"]
    other.adapter.close()
    service.adapter.close()


def test_backup__existing_file(tmp_path: Path) -> None:
    """A copy never replaces a file."""
    database = Database(tmp_path / "render.db")
    (tmp_path / "copy.db").touch()

    with pytest.raises(StoreError, match="exists"):
        backup(database, tmp_path / "copy.db")
    database.close()


def test_full_disk__keeps_nothing_of_the_request(stack: Service) -> None:
    """A file that may grow no further refuses with a sentence, and goes on answering what it had."""
    stack.save(tile("a"))
    database = stack.adapter.application.database
    with database.idle() as connection:
        pages = connection.execute("PRAGMA page_count").fetchone()[0]
        connection.execute(f"PRAGMA max_page_count = {pages}")

    answer = stack.save(*(tile(f"t{number:05d}") for number in range(2000)))

    assert answer.status_code == 503
    assert "could not be written" in answer.text
    assert stack.json(f"{STACK}/tileIds") == ["a"]
