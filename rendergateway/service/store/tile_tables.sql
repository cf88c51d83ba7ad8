-- The tables of one stack; {n} is its number in the table contents.

-- New columns come last: migrations can add them there only.

-- A tile's place in the spatial index is level (its extent as a power of two) and the cell of that size that contains
-- its upper left corner: see spatial_index.py. Coordinates are 64-bit numbers and are compared exactly.
CREATE TABLE tile_{n} (
    id INTEGER PRIMARY KEY,
    tile_id TEXT, z REAL, section_id TEXT, group_id TEXT,
    min_x REAL, min_y REAL, max_x REAL, max_y REAL,
    level INTEGER NOT NULL, cell_y INTEGER NOT NULL, cell_x INTEGER NOT NULL,
    flat INTEGER NOT NULL, refs TEXT,
    text BLOB NOT NULL
);
CREATE UNIQUE INDEX tile_{n}_id ON tile_{n} (tile_id);
CREATE INDEX tile_{n}_place ON tile_{n} (z, level, cell_y, cell_x);
CREATE INDEX tile_{n}_section ON tile_{n} (section_id) WHERE section_id IS NOT NULL;
CREATE TABLE transform_{n} (id TEXT PRIMARY KEY, text BLOB NOT NULL);
CREATE TABLE section_{n} (
    section_id TEXT, z REAL, tile_count INTEGER, min_x REAL, max_x REAL, min_y REAL, max_y REAL
);
