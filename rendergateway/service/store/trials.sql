-- Schema version 5: match trials, as they were answered.
CREATE TABLE trial (id TEXT PRIMARY KEY, text BLOB NOT NULL) WITHOUT ROWID;
