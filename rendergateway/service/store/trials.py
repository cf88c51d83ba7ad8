"""Match trials: their documents by id."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import apsw

__all__ = ["Trials"]

_FIND = "SELECT text FROM trial WHERE id = ?"
_SAVE = "INSERT INTO trial (id, text) VALUES (?, ?)"
_DELETE = "DELETE FROM trial WHERE id = ?"


class Trials:
    """All match trials, within one transaction."""

    def __init__(self, connection: apsw.Connection) -> None:
        self._connection = connection

    def find(self, trial_id: str) -> bytes | None:
        """Return the document of a trial; None if there is none."""
        text: bytes | None = self._connection.execute(_FIND, (trial_id,)).get
        return text

    def save(self, trial_id: str, text: bytes) -> None:
        """Store the document of a new trial."""
        self._connection.execute(_SAVE, (trial_id, text))

    def delete(self, trial_id: str) -> None:
        """Delete a trial; nothing happens if there is none."""
        self._connection.execute(_DELETE, (trial_id,))
