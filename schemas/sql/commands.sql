-- name: loadOpenCommands
SELECT customer, device, id, number, status, created_at AS createdAt, ended_at AS endedAt, job, position, body
FROM commands WHERE ended_at IS NULL AND number > :after
ORDER BY number LIMIT :limit;

-- name: lastCommandNumber
SELECT seq AS number FROM sqlite_sequence WHERE name = 'commands';

-- name: findCommand
SELECT customer, device, id, number, status, created_at AS createdAt, ended_at AS endedAt, job, position, body
FROM commands WHERE customer = :customer AND id = :id;

-- name: findCommandsOfAll
SELECT customer, device, id, number, status, created_at AS createdAt, ended_at AS endedAt, job, position, body
FROM commands WHERE id = :id ORDER BY customer;

-- name: listCommandsOfJob
SELECT customer, device, id, number, status, created_at AS createdAt, ended_at AS endedAt, job, position, body
FROM commands
WHERE job = :job AND number < :before
  AND (:customer = '*' OR customer = :customer)
  AND (:device IS NULL OR device = :device)
ORDER BY number DESC LIMIT :limit;

-- name: listCommandsOfDevice
SELECT customer, device, id, number, status, created_at AS createdAt, ended_at AS endedAt, job, position, body
FROM commands
WHERE customer = :customer AND device = :device AND number < :before
ORDER BY number DESC LIMIT :limit;

-- name: listCommandsOfCustomer
SELECT customer, device, id, number, status, created_at AS createdAt, ended_at AS endedAt, job, position, body
FROM commands
WHERE customer = :customer AND number < :before
ORDER BY number DESC LIMIT :limit;

-- name: listCommandsOfAll
SELECT customer, device, id, number, status, created_at AS createdAt, ended_at AS endedAt, job, position, body
FROM commands
WHERE number < :before AND (:device IS NULL OR device = :device)
ORDER BY number DESC LIMIT :limit;

-- name: saveCommand
INSERT INTO commands (customer, device, id, number, status, created_at, ended_at, job, position, body)
VALUES (:customer, :device, :id, :number, :status, :createdAt, :endedAt, :job, :position, :body)
ON CONFLICT (customer, id) DO UPDATE SET status = excluded.status, ended_at = excluded.ended_at,
  position = excluded.position, body = excluded.body;

-- name: deleteEndedCommands
DELETE FROM commands WHERE number IN (SELECT number FROM commands WHERE ended_at < :time LIMIT :limit);
