-- No revision at or above this one was given out: a restart goes on from here, whatever the machine's clock says.
CREATE TABLE revisions (
  only INTEGER PRIMARY KEY CHECK (only = 1),
  ceiling INTEGER NOT NULL
) STRICT;

INSERT INTO revisions (only, ceiling) VALUES (1, 0);
