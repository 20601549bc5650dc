-- Last-known state: a checkpoint of the telemetry log. A null body is a device that was forgotten at that position.
CREATE TABLE devices (
  customer TEXT NOT NULL,
  device TEXT NOT NULL,
  position INTEGER NOT NULL,
  body BLOB,
  PRIMARY KEY (customer, device)
) STRICT;

CREATE INDEX devices_forgotten ON devices (position) WHERE body IS NULL;

-- The one log position that the checkpoint as a whole stands for.
CREATE TABLE checkpoint (
  only INTEGER PRIMARY KEY CHECK (only = 1),
  position INTEGER NOT NULL
) STRICT;

INSERT INTO checkpoint (only, position) VALUES (1, 0);

CREATE TABLE cursors (
  name TEXT PRIMARY KEY,
  position INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE keys (
  id TEXT PRIMARY KEY,
  hash BLOB NOT NULL CHECK (length(hash) = 32),
  customer TEXT NOT NULL,
  device TEXT,
  role TEXT NOT NULL CHECK (role IN ('device', 'viewer', 'operator', 'admin')),
  label TEXT,
  created_at INTEGER NOT NULL,
  expires_at INTEGER,
  revoked_at INTEGER,
  last_used_at INTEGER
) STRICT;

CREATE TABLE browser_sessions (
  hash BLOB PRIMARY KEY CHECK (length(hash) = 32),
  key_id TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
