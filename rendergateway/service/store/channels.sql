-- Schema version 2: names of the channels that tiles have or had, so that most stacks need not be searched for them.
CREATE TABLE channel (contents INTEGER NOT NULL, name TEXT NOT NULL, PRIMARY KEY (contents, name)) WITHOUT ROWID;
