"""Match trials: their documents by id."""

from __future__ import annotations

import sqlite3

from rendergateway.service.store.checksums import checksum, damage

__all__ = ["Trials"]

_FIND = "SELECT text, checksum FROM trial WHERE id = ?"
_SAVE = "INSERT INTO trial (id, text, checksum) VALUES (?1, ?2, crc32(?2))"
_DELETE = "DELETE FROM trial WHERE id = ?"


class Trials:
    """All match trials, within one transaction."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def find(self, trial_id: str) -> bytes | None:
        """
        Return the document of a trial; None if there is none.

        Raises
        ------
        StoreError
            If it is damaged.
        """
        row = self._connection.execute(_FIND, (trial_id,)).fetchone()
        if row is None:
            return None
        text: bytes = row[0]
        if checksum(text) != row[1]:
            raise damage(f"match trial {trial_id}")
        return text

    def save(self, trial_id: str, text: bytes) -> None:
        """Store the document of a new trial."""
        self._connection.execute(_SAVE, (trial_id, text))

    def delete(self, trial_id: str) -> None:
        """Delete a trial; nothing happens if there is none."""
        self._connection.execute(_DELETE, (trial_id,))
