"""The database file: opening, durability, reclaiming space, backup."""

from __future__ import annotations

import contextlib
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import apsw
import pytest

from rendergateway.errors import StoreError
from rendergateway.service.store import Database, backup, check, compact
from rendergateway.service.store import database as database_module
from rendergateway.service.store.connection import connect, has_checksums
from rendergateway.service.store.maintenance import discard, sweep
from rendergateway.service.store.schema import VERSION
from tests.service.conftest import STACK, Service, tile


def _file_with(path: Path, *statements: str) -> Path:
    with contextlib.closing(connect(str(path), "rwc")) as connection:
        for statement in statements:
            connection.execute(statement)
    return path


def test_open__database_of_another_program(tmp_path: Path) -> None:
    """A database of another program is refused."""
    path = _file_with(tmp_path / "other.db", "CREATE TABLE notes (text)")

    with pytest.raises(StoreError, match="database of another program"):
        Database(path)


def test_open__newer_schema(tmp_path: Path) -> None:
    """A database of a later schema version is refused, naming both versions."""
    path = tmp_path / "render.db"
    Database(path).close()
    _file_with(path, f"PRAGMA user_version = {VERSION + 1}")

    with pytest.raises(StoreError, match=f"got version {VERSION + 1}, latest known is {VERSION}"):
        Database(path)


def test_open__no_database(tmp_path: Path) -> None:
    """A file that is not a database is refused."""
    path = tmp_path / "picture.png"
    path.write_bytes(b"\x89PNG" * 400)

    with pytest.raises(StoreError, match="cannot be used as a database"):
        Database(path)


def test_open__missing_folder(tmp_path: Path) -> None:
    """A missing folder is not created."""
    with pytest.raises(StoreError, match="missing folder"):
        Database(tmp_path / "nowhere" / "render.db")


def test_open__folder_without_write_permission(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A database is not created in a read-only folder."""
    monkeypatch.setattr("os.access", lambda path, mode: False)

    with pytest.raises(StoreError, match=r"cannot be created: the folder .* cannot be written"):
        Database(tmp_path / "render.db")


def test_open__network_file_system(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A network file system is refused by type."""
    monkeypatch.setattr(database_module, "file_system_of", lambda path: "nfs4")

    with pytest.raises(StoreError, match=r"network file system \(nfs4\)"):
        Database(tmp_path / "render.db")


def test_private_store__goes_on_close() -> None:
    """A private database is deleted on close."""
    service = Service("embedded:")
    folder = service.adapter.application.database.path.parent
    assert folder.is_dir()

    service.adapter.close()

    assert not folder.exists()


def test_refused_save__stores_nothing(stack: Service) -> None:
    """One invalid tile refuses all tiles of a request."""
    bad = tile("bad", transforms={"type": "list", "specList": [{"type": "ref", "refId": "gone"}]})

    assert stack.save(tile("good"), bad).status_code == 400
    assert stack.json(f"{STACK}/tileIds") == []


def test_failed_clone__leaves_nothing(stack: Service) -> None:
    """A clone with duplicate ids copies nothing."""
    other = STACK.replace("raw", "copy")
    stack.save(tile("a"), tile("b", 2))
    stack.send("POST", other, {})
    stack.save(tile("b", 2), stack=other)

    answer = stack.send("PUT", f"{STACK}/cloneTo/copy?z=1&z=2", {})

    assert answer.status_code == 500
    assert answer.text.startswith("duplicate tile ids: stack with owner 'lab', project 'tissue', and name 'raw'")
    assert stack.json(f"{other}/tileIds") == ["b"]


def test_refused_matches__leave_the_empty_collection(service: Service) -> None:
    """Refused matches leave the new collection empty, as recorded."""
    collection = "/owner/lab/matchCollection/pairs"

    assert service.send("PUT", f"{collection}/matches", [{"pGroupId": "1"}]).status_code == 400

    (found,) = service.json("/owner/lab/matchCollections")
    assert found == {"collectionId": {"owner": "lab", "name": "pairs"}, "pairCount": 0}


def test_stream__sees_one_moment(stack: Service) -> None:
    """A streamed listing is a snapshot, and does not block writers."""
    stack.save(*(tile(f"t{number:05d}") for number in range(2000)))
    answer = stack.send("GET", f"{STACK}/z/1/tile-specs", stream=True)
    first = answer.raw.read(100)

    assert stack.send("DELETE", f"{STACK}/z/1").status_code == 200
    rest = answer.raw.read()

    assert (first + rest).count(b'"tileId"') == 2000
    assert stack.json(f"{STACK}/tileIds") == []


def test_two_services__share_one_file(tmp_path: Path) -> None:
    """Two services on one file see each other's changes."""
    one, other = (Service(f"embedded:{tmp_path}/render.db") for _ in range(2))

    one.send("POST", STACK, {})
    one.save(tile("a"))

    assert other.json(f"{STACK}/tileIds") == ["a"]
    one.adapter.close()
    other.adapter.close()


def test_deleted_stack__goes_at_once_and_its_space_later(tmp_path: Path) -> None:
    """Deleting a stack is immediate; compacting reclaims its space."""
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
    """A sweep stops at its time limit, and a later one finishes the work."""
    stack.save(*(tile(f"t{number:05d}") for number in range(2000)))
    database = stack.adapter.application.database
    with database.writing() as connection:
        discard(connection, "tile_1")
        assert sweep(connection, seconds=0.0)
        assert connection.execute("SELECT COUNT(*) FROM tile_1").get > 0
        assert not sweep(connection, seconds=60.0)


def _complete(service: Service) -> list[str]:
    assert service.send("PUT", f"{STACK}/state/COMPLETE").status_code == 201
    names: list[str] = service.json(STACK)["stats"]["channelNames"]
    return names


def _as_version(path: Path, version: int) -> None:
    """Rewrite a database as an earlier version of the package made it."""
    old = path.with_name("old.db")
    with contextlib.closing(sqlite3.connect(path)) as source, contextlib.closing(sqlite3.connect(old)) as target:
        target.executescript("\n".join(source.iterdump()))
        if version == 3:
            for (name,) in target.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
                if name.partition("_")[0] in ("tile", "transform", "match"):
                    target.execute(f"ALTER TABLE {name} ADD COLUMN checksum INTEGER")
        if version < 5:
            target.execute("DROP TABLE trial")
        if version == 1:
            target.execute("DROP TABLE channel")
        (application,) = source.execute("PRAGMA application_id").fetchone()
        target.execute(f"PRAGMA application_id = {application}")
        target.execute(f"PRAGMA user_version = {version}")
        target.execute("PRAGMA journal_mode = WAL")
    old.replace(path)


@pytest.mark.parametrize("version", range(1, VERSION))
def test_open__earlier_schema(tmp_path: Path, version: int) -> None:
    """A database of an earlier schema version is migrated, including channel names and checksums of pages."""
    path = tmp_path / "render.db"
    service = Service(f"embedded:{path}")
    service.send("POST", STACK, {})
    service.save(tile("a", channels=[{"name": "DAPI"}, {"name": None}]), tile("b"))
    service.send("POST", STACK.replace("raw", "empty"), {})
    pair = {
        "pGroupId": "1",
        "pId": "a",
        "qGroupId": "2",
        "qId": "b",
        "matches": {"p": [[1], [2]], "q": [[3], [4]], "w": [1]},
    }
    service.send("PUT", "/owner/lab/matchCollection/pairs/matches", [pair])
    questions = (f"{STACK}/z/1/resolvedTiles", "/owner/lab/matchCollection/pairs/group/1/matchesOutsideGroup")
    right = [service.json(question) for question in questions]
    service.adapter.close()
    _as_version(path, version)

    service = Service(f"embedded:{path}")

    assert [service.json(question) for question in questions] == right
    assert _complete(service) == ["DAPI"]
    assert service.send("PUT", f"{STACK}/cloneTo/copy", {}).status_code == 201
    database = service.adapter.application.database
    assert check(database) == []
    with database.reading() as connection:
        assert has_checksums(connection)
    service.adapter.close()


def test_channels__that_no_tile_has_any_more(stack: Service) -> None:
    """The statistics list the channels of the current tiles, also in clones."""
    stack.save(tile("a", channels=[{"name": "DAPI"}]), tile("b", channels=[{"name": 'odd"\u00e9', "mipmapLevels": {}}]))
    assert sorted(_complete(stack)) == ["DAPI", 'odd"\u00e9']

    stack.send("PUT", f"{STACK}/state/LOADING")
    stack.send("DELETE", f"{STACK}/tile/a")
    # The same text elsewhere in a tile does not count.
    stack.save(tile("c", labels=["DAPI"], channels=[]))

    assert _complete(stack) == ['odd"\u00e9']
    stack.send("PUT", f"{STACK}/cloneTo/copy", {})
    stack.send("PUT", f"{STACK.replace('raw', 'copy')}/state/COMPLETE")
    assert stack.json(STACK.replace("raw", "copy"))["stats"]["channelNames"] == ['odd"\u00e9']


def test_clone__whole(stack: Service) -> None:
    """A clone has the same tiles in the same order, and is independent."""
    copy = STACK.replace("raw", "copy")
    stack.save(*(tile(f"t{number}", z=number % 3, x=number) for number in (5, 3, 8, 1)))
    stack.send("PUT", f"{STACK}/cloneTo/copy", {})
    stack.save(tile("later"), stack=copy)

    for z in (0, 1, 2):
        one, other = (stack.send("GET", f"{name}/z/{z}/tileBounds").json() for name in (STACK, copy))
        assert len(one) == (2 if z == 2 else 1)
        assert [box for box in other if box["tileId"] != "later"] == one
    assert stack.json(f"{STACK}/z/2/box/0,0,10,10/tile-count") == 2
    assert stack.json(f"{copy}/z/2/box/0,0,10,10/tile-count") == 2
    assert check(stack.adapter.application.database) == []


def test_damaged_file__read_and_written(tmp_path: Path) -> None:
    """Requests to a damaged file answer 503 with the reason."""
    path = tmp_path / "render.db"
    service = Service(f"embedded:{path}")
    service.send("POST", STACK, {})
    service.save(*(tile(f"t{number:04d}") for number in range(500)))
    service.adapter.close()
    with path.open("r+b") as file:
        file.seek(4096)
        file.write(b"\xff" * (path.stat().st_size - 4096))

    service = Service(f"embedded:{path}")
    answers = [service.send("GET", f"{STACK}/tileIds"), service.send("DELETE", f"{STACK}/z/1")]

    assert [answer.status_code for answer in answers] == [503, 503]
    assert all("is damaged: a page does not match its checksum" in answer.text for answer in answers)
    service.adapter.close()


def test_backup__is_a_store_of_its_own(tmp_path: Path) -> None:
    """A backup is an independent database with the current data."""
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
    """A backup does not overwrite a file."""
    database = Database(tmp_path / "render.db")
    (tmp_path / "copy.db").touch()

    with pytest.raises(StoreError, match=r"copy\.db exists; choose another name"):
        backup(database, tmp_path / "copy.db")
    database.close()


@pytest.mark.parametrize(
    ("target", "problem"), [("nowhere/copy.db", "in a folder that does not exist"), ("folder", "exists")]
)
def test_backup__cannot_be_written(tmp_path: Path, target: str, problem: str) -> None:
    """A failed backup is reported with its target."""
    (tmp_path / "folder").mkdir()
    database = Database(tmp_path / "render.db")

    with pytest.raises(StoreError, match=problem):
        backup(database, tmp_path / target)
    database.close()


def test_backup__half_a_copy_goes(tmp_path: Path) -> None:
    """A backup that fails leaves no partial file."""
    path = tmp_path / "render.db"
    service = Service(f"embedded:{path}")
    service.send("POST", STACK, {})
    service.save(*(tile(f"t{number:05d}") for number in range(2000)))
    service.adapter.close()
    database = Database(path)
    with path.open("r+b") as file:
        file.truncate(path.stat().st_size // 2 // 4096 * 4096 - 100)

    with pytest.raises(StoreError, match=r"backup to .*copy\.db failed"):
        backup(database, tmp_path / "copy.db")

    assert not (tmp_path / "copy.db").exists()
    database.close()


def test_compact__while_others_hold_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Compacting a locked database is reported after a timeout, and works later."""
    monkeypatch.setattr(database_module, "_BUSY_S", 0.05)
    database, other = (Database(tmp_path / "render.db") for _ in range(2))

    with other.writing(), pytest.raises(StoreError, match="locked"):
        compact(database)

    compact(database)
    database.close()
    other.close()


@pytest.mark.parametrize("files", [1, 2], ids=["of this process", "of others"])
def test_writing__while_another_writes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, files: int) -> None:
    """Writing to a locked database is reported after a timeout, and works later."""
    monkeypatch.setattr(database_module, "_BUSY_S", 0.05)
    databases = [Database(tmp_path / "render.db") for _ in range(files)]
    first, second = databases[0], databases[-1]

    with first.writing(), pytest.raises(StoreError, match="locked by other writers"), second.writing():
        pass

    with second.writing() as connection:
        connection.execute("CREATE TABLE notes (text)")
    for database in databases:
        database.close()


def test_writing__threads_in_turn(tmp_path: Path) -> None:
    """Concurrent writers in one process are serialized without loss."""
    database = Database(tmp_path / "render.db")
    with database.writing() as connection:
        connection.execute("CREATE TABLE counter AS SELECT 0 AS value")

    def add_one(_: int) -> None:
        with database.writing() as connection:
            value = connection.execute("SELECT value FROM counter").get
            connection.execute("UPDATE counter SET value = ?", (value + 1,))

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(add_one, range(100)))

    with database.reading() as connection:
        assert connection.execute("SELECT value FROM counter").fetchone() == (100,)
    database.close()


def test_open__missing_and_only_to_be_read(tmp_path: Path) -> None:
    """A read-only service does not create a missing database."""
    with pytest.raises(StoreError, match="does not exist"):
        Database(tmp_path / "render.db", read_only=True)
    assert list(tmp_path.iterdir()) == []


def test_full_disk__keeps_nothing_of_the_request(stack: Service) -> None:
    """A write beyond the page limit is refused, and the stored data stay readable."""
    stack.save(tile("a"))
    database = stack.adapter.application.database
    with database.idle() as connection:
        pages = connection.execute("PRAGMA page_count").get
        connection.execute(f"PRAGMA max_page_count = {pages}")

    answer = stack.save(*(tile(f"t{number:05d}") for number in range(2000)))

    assert answer.status_code == 503
    assert "could not be written" in answer.text
    assert stack.json(f"{STACK}/tileIds") == ["a"]


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    """A database with one tile, closed."""
    service = Service(f"embedded:{tmp_path}/render.db")
    service.send("POST", STACK, {})
    service.save(tile("a"))
    service.adapter.close()
    return tmp_path / "render.db"


def test_read_only_share__read_and_not_written(saved: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a read-only share, data can be read, checked and copied; a write is refused, and no file is made."""
    monkeypatch.setattr("os.access", lambda path, mode: False)
    monkeypatch.setattr(database_module, "file_system_of", lambda path: "nfs4")
    service = Service(f"embedded:{saved}")
    database = service.adapter.application.database

    assert service.json(f"{STACK}/tileIds") == ["a"]
    refused = service.save(tile("b"))
    assert (refused.status_code, "cannot be written at its place" in refused.text) == (503, True)
    assert check(database) == []
    assert backup(database, saved.parent / "copy.db").exists()
    service.adapter.close()
    assert sorted(path.name for path in saved.parent.iterdir()) == ["copy.db", "render.db"]


def test_read_only_share__changes(saved: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A database on a read-only share that is changed by others after all is not read on."""
    with monkeypatch.context() as patched:
        patched.setattr("os.access", lambda path, mode: False)
        service = Service(f"embedded:{saved}")
        assert service.json(f"{STACK}/tileIds") == ["a"]
    _file_with(saved, "CREATE TABLE notes (text)")

    assert service.send("GET", f"{STACK}/tileIds").status_code == 503
    service.adapter.close()


def test_read_only_file__with_writers(saved: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that others may write is read with locks: their changes are seen."""
    writer = Service(f"embedded:{saved}")
    assert writer.json(f"{STACK}/tileIds") == ["a"]
    with monkeypatch.context() as patched:
        patched.setattr("os.access", lambda path, mode: path != saved)
        reader = Service(f"embedded:{saved}")

    writer.save(tile("b"))

    assert reader.json(f"{STACK}/tileIds") == ["a", "b"]
    for service in (reader, writer):
        service.adapter.close()


def test_read_only_share__earlier_schema(saved: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A database that has to be migrated first is refused on a read-only share."""
    _file_with(saved, "PRAGMA journal_mode = DELETE", "PRAGMA user_version = 1")
    monkeypatch.setattr("os.access", lambda path, mode: False)

    with pytest.raises(StoreError, match="schema version 1 and cannot be migrated"):
        Database(saved)


def test_read_only_share__unfinished_log(saved: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A database whose log was left by a crash is not read without its log."""
    Path(f"{saved}-wal").write_bytes(b"x" * 100)
    monkeypatch.setattr("os.access", lambda path, mode: False)
    monkeypatch.setattr(database_module, "connect", _cannot_open)

    with pytest.raises(StoreError, match="its log has to be read with write access once"):
        Database(saved)


def _cannot_open(name: str, mode: str, **options: object) -> apsw.Connection:
    assert mode == "ro"
    raise apsw.CantOpenError("unable to open database file")


@pytest.mark.parametrize("name", ["render.db", "render.db-wal"])
@pytest.mark.parametrize("how", ["renamed", "deleted", "replaced"])
def test_file__taken_away_while_in_use(saved: Path, name: str, how: str) -> None:
    """A write after the file or its log was renamed, deleted or replaced is refused: it would be lost."""
    service = Service(f"embedded:{saved}")
    service.save(tile("b"))
    path = saved.with_name(name)
    text = path.read_bytes()
    path.rename(saved.with_name("elsewhere"))
    if how == "deleted":
        saved.with_name("elsewhere").unlink()
    elif how == "replaced":
        path.write_bytes(text)

    refused = service.save(tile("c"))

    assert refused.status_code == 503
    assert "was renamed, deleted or replaced while in use" in refused.text
    if name == "render.db":
        assert service.send("GET", f"{STACK}/tileIds").status_code == 503
    if how == "renamed":
        saved.with_name("elsewhere").rename(path)
        assert service.save(tile("d")).status_code == 201
        assert service.json(f"{STACK}/tileIds") == ["a", "b", "d"]
    service.adapter.close()


@pytest.mark.parametrize("work", [check, compact, lambda database: backup(database, "copy.db")])
def test_maintenance__empty_file(tmp_path: Path, work: Callable[[Database], object]) -> None:
    """An empty file is not taken for a database, and does not become one."""
    path = tmp_path / "render.db"
    path.touch()
    database = Database(path, create=False)

    with pytest.raises(StoreError, match="is empty or does not exist"):
        work(database)

    assert path.stat().st_size == 0
    database.close()


BACKUP = """
import os, sys
from rendergateway.service.store import Database, backup, maintenance
maintenance._rename = lambda name, path: os._exit(9)
backup(Database(sys.argv[1]), sys.argv[2])
"""


def test_backup__killed(saved: Path) -> None:
    """A backup that is killed at its last moment has not made a file of that name."""
    copy = saved.with_name("copy.db")

    done = subprocess.run([sys.executable, "-c", BACKUP, str(saved), str(copy)])

    assert done.returncode == 9
    assert not copy.exists()
    database = Database(saved)
    assert backup(database, copy).exists()
    database.close()


def test_backup__name_taken_meanwhile(saved: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that appears under the name of the backup meanwhile is kept."""
    copy, database = saved.with_name("copy.db"), Database(saved)
    copymode = shutil.copymode

    def slow(source: Path, target: str) -> None:
        copy.write_text("mine")
        copymode(source, target)

    monkeypatch.setattr(shutil, "copymode", slow)

    with pytest.raises(StoreError, match="File exists"):
        backup(database, copy)

    assert copy.read_text() == "mine"
    database.close()


@pytest.mark.parametrize("taken", [False, True])
def test_backup__without_links(saved: Path, monkeypatch: pytest.MonkeyPatch, taken: bool) -> None:
    """On a file system without hard links, the backup is renamed, if its name is free."""
    copy, database = saved.with_name("copy.db"), Database(saved)

    def fails(source: str, target: Path) -> None:
        if taken:
            target.write_text("mine")
        raise PermissionError("no links here")

    monkeypatch.setattr("os.link", fails)
    if taken:
        with pytest.raises(StoreError, match="no links here"):
            backup(database, copy)
    else:
        assert backup(database, copy).read_bytes()[:6] == b"SQLite"
    assert not [path for path in saved.parent.iterdir() if ".partial" in path.name]
    database.close()


def test_check__missing_table(saved: Path) -> None:
    """A stack without its tables is damage."""
    _file_with(saved, "DROP TABLE section_1")
    database = Database(saved)

    assert check(database) == ["missing table section_1"]
    database.close()
