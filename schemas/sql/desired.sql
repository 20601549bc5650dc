-- name: loadDesired
SELECT customer, device, position, body FROM desired
WHERE (customer, device) > (:customer, :device)
ORDER BY customer, device LIMIT :limit;

-- name: saveDesired
INSERT INTO desired (customer, device, position, body) VALUES (:customer, :device, :position, :body)
ON CONFLICT (customer, device) DO UPDATE SET position = excluded.position, body = excluded.body;

-- name: deleteDesired
DELETE FROM desired WHERE customer = :customer AND device = :device;
