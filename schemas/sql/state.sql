-- name: loadDevices
SELECT customer, device, position, body FROM devices
WHERE (customer, device) > (:customer, :device)
ORDER BY customer, device
LIMIT :limit;

-- name: saveDevice
INSERT INTO devices (customer, device, position, body) VALUES (:customer, :device, :position, :body)
ON CONFLICT (customer, device) DO UPDATE SET position = excluded.position, body = excluded.body
WHERE excluded.position >= devices.position;

-- name: loadStateParts
SELECT part, body FROM state_parts WHERE customer = :customer AND device = :device ORDER BY part;

-- name: saveStatePart
INSERT INTO state_parts (customer, device, part, body) VALUES (:customer, :device, :part, :body)
ON CONFLICT (customer, device, part) DO UPDATE SET body = excluded.body;

-- name: deleteStatePart
DELETE FROM state_parts WHERE customer = :customer AND device = :device AND part = :part;

-- name: deleteStateParts
DELETE FROM state_parts WHERE customer = :customer AND device = :device;

-- name: checkpointPosition
SELECT position FROM checkpoint;

-- name: highestPosition
SELECT max(position) AS position FROM (
  SELECT position FROM checkpoint
  UNION ALL SELECT position FROM cursors
  UNION ALL SELECT position FROM devices
  UNION ALL SELECT position FROM desired
  UNION ALL SELECT position FROM commands
);

-- name: setCheckpointPosition
UPDATE checkpoint SET position = max(position, :position);

-- name: deleteForgotten
DELETE FROM devices WHERE body IS NULL AND position < :position;

-- name: loadCursors
SELECT name, position FROM cursors;

-- name: saveCursor
INSERT INTO cursors (name, position) VALUES (:name, :position)
ON CONFLICT (name) DO UPDATE SET position = max(position, excluded.position);

-- name: revisionCeiling
SELECT ceiling FROM revisions;

-- name: raiseRevisionCeiling
UPDATE revisions SET ceiling = max(ceiling, :ceiling);
