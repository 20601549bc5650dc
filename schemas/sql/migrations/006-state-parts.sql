-- What does not fit into a device's row: its state in parts, so that a checkpoint writes what changed. A part is written in
-- the transaction of its device's row, whose position stands for it too.
CREATE TABLE state_parts (
  customer TEXT NOT NULL,
  device TEXT NOT NULL,
  part INTEGER NOT NULL,
  body BLOB NOT NULL,
  PRIMARY KEY (customer, device, part)
) STRICT;
