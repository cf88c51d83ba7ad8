"""The store of a request: one transaction over stacks, tiles and match collections."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from rendergateway.service.store.connection import in_memory
from rendergateway.service.store.database import Database
from rendergateway.service.store.maintenance import sweep
from rendergateway.service.store.matches import Collections
from rendergateway.service.store.sections import Sections
from rendergateway.service.store.stacks import StackRow, StackRows
from rendergateway.service.store.tile_rows import COLUMNS
from rendergateway.service.store.tiles import Tiles
from rendergateway.service.store.trials import Trials

if TYPE_CHECKING:
    import apsw

__all__ = ["Store", "no_data", "reading", "writing"]

_COPY_CHANNELS = "INSERT OR IGNORE INTO channel SELECT ?, name FROM channel WHERE contents = ?"


class Store:
    """
    Access to all data within one transaction.

    Parameters
    ----------
    connection : apsw.Connection
        In a transaction; the caller commits it or rolls it back.
    """

    def __init__(self, connection: apsw.Connection) -> None:
        self._connection = connection
        self.stacks = StackRows(connection)
        self.collections = Collections(connection)
        self.trials = Trials(connection)

    def tiles(self, row: StackRow) -> Tiles | None:
        """Return the tiles of a stack; None if it has no tile collection."""
        return None if row.contents is None else Tiles(self._connection, row.contents)

    def sections(self, row: StackRow) -> Sections | None:
        """Return the layers and sections of a stack; None if it has no tile collection."""
        return None if row.contents is None else Sections(self._connection, row.contents)

    def copy_all_tiles(self, source: Tiles, target: Tiles) -> None:
        """Copy all tiles of *source* to *target*, which must be empty."""
        # Whole rows into an empty table of the same schema: SQLite then copies pages, indexes included.
        self._connection.execute(f"INSERT INTO tile_{target.contents} SELECT * FROM tile_{source.contents}")
        self._connection.execute(_COPY_CHANNELS, (target.contents, source.contents))

    def copy_layers(self, source: Tiles, target: Tiles, z_values: Iterable[float]) -> None:
        """Copy the tiles of *source* at exactly these z to *target*."""
        copy = f"INSERT INTO tile_{target.contents} ({COLUMNS}) SELECT {COLUMNS} FROM tile_{source.contents}"
        for z in sorted(set(z_values)):
            self._connection.execute(f"{copy} WHERE z = ?", (z,))
        self._connection.execute(_COPY_CHANNELS, (target.contents, source.contents))

    def copy_transforms(self, source: Tiles, target: Tiles) -> None:
        """Copy the shared transforms of *source* to *target*."""
        copy = f"INSERT INTO transform_{target.contents} SELECT * FROM transform_{source.contents}"
        self._connection.execute(copy)

    def shares_transforms(self, source: Tiles, target: Tiles) -> bool:
        """Whether both stacks have shared transforms with the same id."""
        query = f"SELECT 1 FROM transform_{source.contents} JOIN transform_{target.contents} USING (id) LIMIT 1"
        return self._connection.execute(query).fetchone() is not None

    def shares_tiles(self, source: Tiles, target: Tiles, z_values: Iterable[float]) -> bool:
        """Whether *target* has a tile with the id of one of *source* at these z."""
        query = (
            f"SELECT 1 FROM tile_{source.contents} AS one JOIN tile_{target.contents} AS other USING (tile_id) "
            "WHERE one.z = ? LIMIT 1"
        )
        return any(self._connection.execute(query, (z,)).fetchone() is not None for z in z_values)


@contextlib.contextmanager
def reading(database: Database) -> Iterator[Store]:
    """Yield a store with a consistent snapshot."""
    with database.reading() as connection:
        yield Store(connection)


@contextlib.contextmanager
def writing(database: Database) -> Iterator[Store]:
    """Yield a store whose changes are committed together; each write also sweeps a slice of garbage."""
    with database.writing() as connection:
        # Tables that this request discards are swept by later writes, so that deleting is fast whatever the size.
        sweep(connection)
        yield Store(connection)


@contextlib.contextmanager
def no_data() -> Iterator[Store]:
    """Yield a store for requests that use none."""
    with contextlib.closing(in_memory()) as connection:
        yield Store(connection)
