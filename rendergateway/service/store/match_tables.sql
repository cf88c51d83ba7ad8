-- The table of one match collection; {n} is its number in the table contents.

CREATE TABLE match_{n} (
    p_group TEXT NOT NULL, q_group TEXT NOT NULL, p_id TEXT NOT NULL, q_id TEXT NOT NULL,
    consensus INTEGER NOT NULL,
    match_count INTEGER,
    head BLOB NOT NULL,
    details BLOB NOT NULL
);
CREATE UNIQUE INDEX match_{n}_pair ON match_{n} (p_group, q_group, p_id, q_id);
CREATE INDEX match_{n}_q ON match_{n} (q_group, q_id);
