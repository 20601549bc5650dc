-- Which database this is, and how many of its commits held rows that no log brings back (docs/decisions/0010-marks.md).
CREATE TABLE mark (
  only INTEGER PRIMARY KEY CHECK (only = 1),
  identity TEXT NOT NULL,
  generation INTEGER NOT NULL
) STRICT;

INSERT INTO mark (only, identity, generation) VALUES (1, lower(hex(randomblob(16))), 0);
