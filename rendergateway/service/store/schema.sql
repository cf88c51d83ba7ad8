-- Schema version 1: the tables that every database has. The tables of one stack (tile_N, transform_N, section_N) are in
-- tile_tables.sql, the table of one match collection (match_N) is in match_tables.sql.
-- Texts are compared byte by byte (SQLite's BINARY collation), as in the database of the real service.

CREATE TABLE stack (
    id             INTEGER PRIMARY KEY AUTOINCREMENT,
    owner          TEXT NOT NULL,
    project        TEXT NOT NULL,
    stack          TEXT NOT NULL,
    state          TEXT NOT NULL,
    modified_ms    INTEGER NOT NULL,              -- since 1970, UTC
    version_number INTEGER NOT NULL,
    version        BLOB NOT NULL,                 -- JSON of the current version
    stats          BLOB,                          -- JSON, derived when the stack became COMPLETE
    hierarchy      BLOB,                          -- JSON of hierarchicalData
    contents       INTEGER,                       -- N of tile_N; NULL while there is no tile collection (OFFLINE)
    aggregated     INTEGER NOT NULL DEFAULT 0,    -- whether section_N was ever filled
    UNIQUE (owner, project, stack)
);

CREATE TABLE collection (
    id       INTEGER PRIMARY KEY AUTOINCREMENT,
    owner    TEXT NOT NULL,
    name     TEXT NOT NULL,
    contents INTEGER NOT NULL,                    -- N of match_N
    UNIQUE (owner, name)
);

-- Numbers given to tile_N and match_N; never used twice, so that a name never means two things.
CREATE TABLE contents (
    id INTEGER PRIMARY KEY AUTOINCREMENT
);

-- Tables that nothing refers to any more; emptied in slices by later writes.
CREATE TABLE garbage (
    name TEXT PRIMARY KEY
) WITHOUT ROWID;
