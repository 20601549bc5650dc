-- name: loadOpenJobs
SELECT id, customer, number, created_at AS createdAt, ended_at AS endedAt, targets, body
FROM jobs WHERE ended_at IS NULL ORDER BY number;

-- name: lastJobNumber
SELECT coalesce(max(number), 0) AS number FROM jobs;

-- name: findJob
SELECT id, customer, number, created_at AS createdAt, ended_at AS endedAt, targets, body
FROM jobs WHERE id = :id AND (:customer = '*' OR customer = :customer);

-- name: listJobs
SELECT id, customer, number, created_at AS createdAt, ended_at AS endedAt, targets, body
FROM jobs WHERE (:customer = '*' OR customer = :customer) AND number < :before
ORDER BY number DESC LIMIT :limit;

-- name: insertJob
INSERT INTO jobs (id, customer, number, created_at, ended_at, targets, body)
VALUES (:id, :customer, :number, :createdAt, :endedAt, :targets, :body);

-- name: updateJob
UPDATE jobs SET ended_at = :endedAt, body = :body WHERE id = :id;

-- name: deleteEndedJobs
DELETE FROM jobs WHERE id IN (SELECT id FROM jobs WHERE ended_at < :time LIMIT :limit);
