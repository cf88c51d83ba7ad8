"""Checksums of stored texts: a byte that changes on the disk is never part of an answer."""

from __future__ import annotations

import sqlite3
import zlib
from typing import Any

from rendergateway.errors import StoreError

__all__ = ["CHECKSUM", "PAIR_CHECKSUM", "checksum", "damage", "register"]


def _fastest() -> Any:
    """Return the CRC-32 of ISA-L, which takes a tenth of the time of zlib's; that of zlib if it is not installed."""
    try:
        from isal import isal_zlib
    except ModuleNotFoundError:
        return zlib.crc32
    return isal_zlib.crc32


# Of a text, and, as its second argument, the checksum of the text before it.
checksum: Any = _fastest()

# SQL expressions over the columns of a tile or shared transform, and of a pair.
CHECKSUM = "crc32(text)"
PAIR_CHECKSUM = "crc32(details, crc32(head))"


def register(connection: sqlite3.Connection) -> None:
    """Let statements of a connection compute checksums."""
    connection.create_function("crc32", -1, checksum, deterministic=True)


def damage(what: str) -> StoreError:
    """Return the error for a text that differs from the one that was stored."""
    return StoreError(
        f"{what} is damaged: its text in the database does not match its checksum; restore a backup, or delete and "
        "save it again ('rendergateway check' lists all damage)"
    )
