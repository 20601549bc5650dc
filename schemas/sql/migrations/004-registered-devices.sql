-- Devices that somebody named, or made a key for, before they connected or after. What they measure is in `devices`.
CREATE TABLE registered_devices (
  customer TEXT NOT NULL,
  device TEXT NOT NULL,
  registered_at INTEGER NOT NULL,
  label TEXT,
  -- A JSON array of texts.
  tags TEXT NOT NULL,
  notes TEXT,
  PRIMARY KEY (customer, device)
) STRICT;

-- Keys that were made and never used: their devices wait for their first connection. One whose key was used is known by
-- what it sent, or it was forgotten.
INSERT INTO registered_devices (customer, device, registered_at, tags)
SELECT customer, device, min(created_at), '[]' FROM keys
WHERE device IS NOT NULL AND revoked_at IS NULL AND last_used_at IS NULL
GROUP BY customer, device;
