-- Commands (P-5). The body is the hub's; what stands beside it is what commands are looked up by.
CREATE TABLE commands (
  customer TEXT NOT NULL,
  id TEXT NOT NULL,
  device TEXT NOT NULL,
  number INTEGER NOT NULL UNIQUE,
  status TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  ended_at INTEGER,
  job TEXT,
  position INTEGER NOT NULL,
  body BLOB NOT NULL,
  PRIMARY KEY (customer, id)
) STRICT;

CREATE INDEX commands_open ON commands (number) WHERE ended_at IS NULL;
CREATE INDEX commands_of_device ON commands (customer, device, number);
CREATE INDEX commands_of_job ON commands (job, number) WHERE job IS NOT NULL;
CREATE INDEX commands_by_id ON commands (id);
CREATE INDEX commands_ended ON commands (ended_at) WHERE ended_at IS NOT NULL;

-- One command for many devices.
CREATE TABLE jobs (
  id TEXT PRIMARY KEY,
  customer TEXT NOT NULL,
  number INTEGER NOT NULL UNIQUE,
  created_at INTEGER NOT NULL,
  ended_at INTEGER,
  targets BLOB NOT NULL,
  body BLOB NOT NULL
) STRICT;

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
