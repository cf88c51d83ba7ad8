"""``rendergateway backup``, ``check`` and ``compact``: maintenance of the database of an embedded service."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from rendergateway.cli.services import existing_file
from rendergateway.cli.terminal import print_result, say
from rendergateway.errors import StoreError

if TYPE_CHECKING:
    from rendergateway.service.store import Database

__all__ = ["backup", "check", "compact"]


@contextlib.contextmanager
def _database(path: str) -> Iterator[Database]:
    from rendergateway.service.store import Database

    with contextlib.closing(Database(existing_file(path))) as database:
        yield database


@click.command()
@click.argument("path")
@click.argument("target")
def backup(path: str, target: str) -> None:
    """
    Copy the database PATH to the new file TARGET.

    The copy is a snapshot; others may read and write meanwhile.
    """
    from rendergateway.service.store import backup as copy

    say(f"Copying {path} to {target}")
    with _database(path) as database:
        print_result(f"{copy(database, target)}: {_megabytes(target)}")


@click.command()
@click.argument("path")
def check(path: str) -> None:
    """Check the database PATH for damage."""
    from rendergateway.service.store import check as look

    with _database(path) as database:
        wrong = look(database)
    for line in wrong:
        print_result(line)
    if wrong:
        raise StoreError(f"{path} is damaged; restore a backup")
    print_result(f"{path}: no damage")


@click.command()
@click.argument("path")
def compact(path: str) -> None:
    """Release the disk space of deleted data in the database PATH."""
    from rendergateway.service.store import compact as shrink

    say(f"Compacting {path}")
    before = _megabytes(path) if existing_file(path) else ""
    with _database(path) as database:
        shrink(database)
    print_result(f"{path}: {before} before, {_megabytes(path)} now")


def _megabytes(path: str) -> str:
    return f"{existing_file(path).stat().st_size / 1e6:.1f} MB"
