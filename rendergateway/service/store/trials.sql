-- Schema version 4: match trials, as they were answered.
CREATE TABLE trial (id TEXT PRIMARY KEY, text BLOB NOT NULL, checksum INTEGER NOT NULL) WITHOUT ROWID;
