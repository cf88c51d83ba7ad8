"""The one user of sqlite3: stacks, tiles, sections and matches in one file."""

from rendergateway.service.store.database import Database
from rendergateway.service.store.maintenance import backup, check, compact
from rendergateway.service.store.store import Store, reading, writing

__all__ = ["Database", "Store", "backup", "check", "compact", "reading", "writing"]
