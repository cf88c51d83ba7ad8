"""``rendergateway backup``, ``check`` and ``compact``: maintenance of the database of an embedded service."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from rendergateway.cli.services import existing_file
from rendergateway.cli.terminal import json_option, result, say
from rendergateway.errors import StoreError

if TYPE_CHECKING:
    from rendergateway.service.store import Database

__all__ = ["backup", "check", "compact"]


@contextlib.contextmanager
def _database(path: str) -> Iterator[Database]:
    from rendergateway.service.store import Database

    with contextlib.closing(Database(existing_file(path), create=False)) as database:
        yield database


@click.command()
@click.argument("path")
@click.argument("target")
@json_option
def backup(path: str, target: str, as_json: bool) -> None:
    """
    Copy the database PATH to the new file TARGET.

    The copy is a snapshot; others may read and write meanwhile.
    """
    from rendergateway.service.store import backup as copy

    say(f"Copying {path} to {target}")
    with _database(path) as database:
        copied = copy(database, target)
    size = _size(target)
    result({"backup": str(copied), "size_bytes": size}, f"{copied}: {_megabytes(size)}", as_json)


@click.command()
@click.argument("path")
@json_option
def check(path: str, as_json: bool) -> None:
    """Check the database PATH for damage."""
    from rendergateway.service.store import check as look

    with _database(path) as database:
        wrong = look(database)
    result({"database": path, "problems": wrong}, "\n".join(wrong) or f"{path}: no damage", as_json)
    if wrong:
        raise StoreError(f"{path} is damaged; restore a backup")


@click.command()
@click.argument("path")
@json_option
def compact(path: str, as_json: bool) -> None:
    """Release the disk space of deleted data in PATH."""
    from rendergateway.service.store import compact as shrink

    say(f"Compacting {path}")
    before = _size(path)
    with _database(path) as database:
        shrink(database)
    now = _size(path)
    values = {"database": path, "size_before_bytes": before, "size_bytes": now}
    result(values, f"{path}: {_megabytes(before)} before, {_megabytes(now)} now", as_json)


def _size(path: str) -> int:
    return existing_file(path).stat().st_size


def _megabytes(size: int) -> str:
    return f"{size / 1e6:.1f} MB"
