"""
Storage of stacks, tiles, sections and matches in one SQLite file.

The only package that imports apsw; of the service it imports `base` only, and `wire` for the JSON that it stores.
"""

from rendergateway.service.store.database import Database
from rendergateway.service.store.maintenance import backup, check, compact
from rendergateway.service.store.store import Store, no_data, reading, writing

__all__ = ["Database", "Store", "backup", "check", "compact", "no_data", "reading", "writing"]
