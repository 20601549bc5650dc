-- Commands (P-5). The body is the hub's; what stands beside it is what commands are looked up by.
-- AUTOINCREMENT remembers the highest number given out, also after its row was deleted.
CREATE TABLE commands (
  number INTEGER PRIMARY KEY AUTOINCREMENT,
  customer TEXT NOT NULL,
  id TEXT NOT NULL,
  device TEXT NOT NULL,
  status TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  ended_at INTEGER,
  job TEXT,
  position INTEGER NOT NULL,
  body BLOB NOT NULL,
  -- In this order it also serves an admin, who looks an id up for every customer.
  UNIQUE (id, customer)
) STRICT;

CREATE INDEX commands_open ON commands (number) WHERE ended_at IS NULL;
CREATE INDEX commands_of_customer ON commands (customer, number);
CREATE INDEX commands_of_device ON commands (customer, device, number);
CREATE INDEX commands_of_job ON commands (job, number) WHERE job IS NOT NULL;
CREATE INDEX commands_ended ON commands (ended_at) WHERE ended_at IS NOT NULL;

-- One command for many devices.
CREATE TABLE jobs (
  number INTEGER PRIMARY KEY AUTOINCREMENT,
  id TEXT NOT NULL UNIQUE,
  customer TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  ended_at INTEGER,
  targets BLOB NOT NULL,
  body BLOB NOT NULL
) STRICT;

CREATE INDEX jobs_open ON jobs (number) WHERE ended_at IS NULL;
CREATE INDEX jobs_of_customer ON jobs (customer, number);
CREATE INDEX jobs_ended ON jobs (ended_at) WHERE ended_at IS NOT NULL;

-- Desired and reported state (P-6): a checkpoint of the telemetry log as far as reported state goes.
CREATE TABLE desired (
  customer TEXT NOT NULL,
  device TEXT NOT NULL,
  position INTEGER NOT NULL,
  body BLOB NOT NULL,
  PRIMARY KEY (customer, device)
) STRICT;

-- Who asked what of whom, when, and what became of it.
CREATE TABLE audit (
  number INTEGER PRIMARY KEY AUTOINCREMENT,
  at INTEGER NOT NULL,
  by TEXT NOT NULL,
  customer TEXT NOT NULL,
  action TEXT NOT NULL,
  target TEXT NOT NULL,
  detail TEXT,
  outcome TEXT,
  outcome_at INTEGER,
  reference TEXT
) STRICT;

CREATE INDEX audit_of_customer ON audit (customer, number);
CREATE INDEX audit_of_target ON audit (target, number);
CREATE INDEX audit_of_key ON audit (by, number);
CREATE INDEX audit_at ON audit (at);
CREATE INDEX audit_unsettled ON audit (reference) WHERE outcome IS NULL AND reference IS NOT NULL;
