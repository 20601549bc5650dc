-- name: loadRegistered
SELECT customer, device, registered_at AS registeredAt, label, tags, notes FROM registered_devices
WHERE (customer, device) > (:customer, :device)
ORDER BY customer, device LIMIT :limit;

-- name: saveRegistered
INSERT INTO registered_devices (customer, device, registered_at, label, tags, notes)
VALUES (:customer, :device, :registeredAt, :label, :tags, :notes)
ON CONFLICT (customer, device) DO UPDATE SET label = excluded.label, tags = excluded.tags, notes = excluded.notes;

-- name: deleteRegistered
DELETE FROM registered_devices WHERE customer = :customer AND device = :device;
