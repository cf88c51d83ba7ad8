"""Local files: below the roots, regular, and opened without waiting."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from rendergateway import local_files
from rendergateway.local_files import LocalFile, OutsideError


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A folder with a file, beside a folder with a file of the same name."""
    for folder in ("root/inner", "secret"):
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / "a").write_bytes(folder.encode())
    return Path(os.path.realpath(tmp_path / "root"))


def test_read__below_the_roots(root: Path) -> None:
    """Files below any root are read, also through links that stay inside, and others count as missing."""
    roots = (str(root.parent / "other"), str(root))
    (root / "link").symlink_to(root / "inner")
    (root / "out").symlink_to(root.parent / "secret")

    for name in ("inner/a", "link/a", "inner/../link/a"):
        assert LocalFile(f"{root}/{name}", roots).read() == b"root/inner"
    for path in (f"{root}/out/a", f"{root}/../secret/a", f"{root.parent}/secret/a", f"{root}-more/a", "inner/a", ""):
        file = LocalFile(path, roots)
        with pytest.raises(OutsideError):
            file.read()
        with pytest.raises(OutsideError):
            file.state()
        assert not file.is_file
        assert not file.is_folder
    assert LocalFile(f"{root}/out/a").read() == b"secret"


def test_open__folder_replaced_by_a_link(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder that is replaced by a link out of the roots after it was checked leads to no file."""
    opened = os.open

    def late(path: str, *options: int) -> int:
        if path == f"{root}/inner/a":
            (root / "inner").rename(root / "moved")
            (root / "inner").symlink_to(root.parent / "secret")
        return opened(path, *options)

    monkeypatch.setattr(os, "open", late)

    with pytest.raises(OutsideError):
        LocalFile(f"{root}/inner/a", (str(root),)).read()


def test_open__without_proc(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the system does not show the path of an open file, the path must still lead to it."""
    monkeypatch.setattr(local_files, "_LINKS", "/none")

    test_open__folder_replaced_by_a_link(root, monkeypatch)
    assert LocalFile(f"{root}/moved/a", (str(root),)).read() == b"root/inner"


def test_open__replaced_by_a_pipe(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that is replaced by a pipe after it was checked is not waited for."""
    opened = os.open

    def late(path: str, *options: int) -> int:
        (root / "inner/a").unlink()
        os.mkfifo(root / "inner/a")
        return opened(path, *options)

    monkeypatch.setattr(os, "open", late)

    with pytest.raises(OSError, match="not a regular file"):
        LocalFile(f"{root}/inner/a").read()


@pytest.mark.parametrize("path", ["a\0b", "\ud800", "x" * 5000, "loop", "a/b"])
def test_state__of_impossible_paths(root: Path, path: str) -> None:
    """A path that no file can have is an error of the system, never another one."""
    (root / "loop").symlink_to("loop")
    (root / "a").write_bytes(b"")

    for roots in (None, (str(root),)):
        with pytest.raises(OSError, match=r".*"):
            LocalFile(f"{root}/{path}", roots).state()
        with pytest.raises(OSError, match=r".*"):
            LocalFile(f"{root}/{path}", roots).read()


def test_read__limit(root: Path) -> None:
    """A file above the limit is refused before it is read."""
    with pytest.raises(OSError, match="file too large: the limit is 9 bytes") as caught:
        LocalFile(f"{root}/inner/a").read(9)

    assert caught.value.errno == errno.EFBIG
    assert LocalFile(f"{root}/inner/a").read(10) == b"root/inner"


def test_folder__is_not_read(root: Path) -> None:
    """A folder has a state and files, and no contents."""
    folder = LocalFile(str(root), (str(root),))

    assert folder.is_folder
    assert folder.joined("inner", "a").is_file
    with pytest.raises(OSError, match="not a regular file"):
        folder.open()
