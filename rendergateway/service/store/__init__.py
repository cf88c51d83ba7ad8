"""The one user of sqlite3: stacks, tiles, sections and matches in one file."""

from rendergateway.service.store.database import Database
from rendergateway.service.store.store import Store, reading, writing
from rendergateway.service.store.upkeep import backup, check, compact

__all__ = ["Database", "Store", "backup", "check", "compact", "reading", "writing"]
