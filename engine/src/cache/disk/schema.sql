CREATE TABLE entries (
    id INTEGER PRIMARY KEY,
    key BLOB NOT NULL UNIQUE,
    -- A frame: checked whenever it is read.
    record BLOB NOT NULL,
    node_type TEXT NOT NULL,
    -- With the values.
    bytes INTEGER NOT NULL,
    -- Nanoseconds.
    cost INTEGER NOT NULL,
    class INTEGER NOT NULL,
    -- The number of the last use: what was used before what. A clock may be set back, this not.
    used INTEGER NOT NULL,
    -- Seconds from 1970, for people who clear what is older than so many days.
    used_at INTEGER NOT NULL
) STRICT;

CREATE INDEX entries_by_use ON entries (class, used);

CREATE TABLE blobs (
    id INTEGER PRIMARY KEY,
    fingerprint BLOB NOT NULL UNIQUE,
    bytes INTEGER NOT NULL,
    -- A frame; null if it is a file.
    content BLOB
) STRICT;

-- Which entry names which blobs.
CREATE TABLE names (
    entry INTEGER NOT NULL,
    blob INTEGER NOT NULL,
    PRIMARY KEY (entry, blob)
) STRICT, WITHOUT ROWID;

CREATE INDEX names_by_blob ON names (blob);

CREATE TABLE totals (
    only INTEGER PRIMARY KEY CHECK (only = 0),
    bytes INTEGER NOT NULL,
    uses INTEGER NOT NULL,
    swept_at INTEGER NOT NULL
) STRICT;

INSERT INTO totals VALUES (0, 0, 0, 0);

CREATE TRIGGER entry_added AFTER INSERT ON entries BEGIN
    UPDATE totals SET bytes = bytes + length(NEW.record);
END;

CREATE TRIGGER entry_removed AFTER DELETE ON entries BEGIN
    UPDATE totals SET bytes = bytes - length(OLD.record);
    DELETE FROM names WHERE entry = OLD.id;
END;

CREATE TRIGGER blob_added AFTER INSERT ON blobs BEGIN
    UPDATE totals SET bytes = bytes + NEW.bytes;
END;

CREATE TRIGGER blob_removed AFTER DELETE ON blobs BEGIN
    UPDATE totals SET bytes = bytes - OLD.bytes;
END;
