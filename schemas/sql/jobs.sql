-- name: loadOpenJobs
SELECT id, customer, number, created_at AS createdAt, ended_at AS endedAt, targets, body
FROM jobs WHERE ended_at IS NULL ORDER BY number;

-- name: lastJobNumber
SELECT seq AS number FROM sqlite_sequence WHERE name = 'jobs';

-- name: findJob
SELECT id, customer, number, created_at AS createdAt, ended_at AS endedAt, targets, body
FROM jobs WHERE id = :id AND (:customer = '*' OR customer = :customer);

-- name: listJobsOfCustomer
SELECT id, customer, number, created_at AS createdAt, ended_at AS endedAt, targets, body
FROM jobs WHERE customer = :customer AND number < :before
ORDER BY number DESC LIMIT :limit;

-- name: listJobsOfAll
SELECT id, customer, number, created_at AS createdAt, ended_at AS endedAt, targets, body
FROM jobs WHERE number < :before
ORDER BY number DESC LIMIT :limit;

-- name: insertJob
INSERT INTO jobs (id, customer, number, created_at, ended_at, targets, body)
VALUES (:id, :customer, :number, :createdAt, :endedAt, :targets, :body)
ON CONFLICT (id) DO NOTHING;

-- name: updateJob
UPDATE jobs SET ended_at = :endedAt, body = :body WHERE id = :id;

-- name: deleteEndedJobs
DELETE FROM jobs WHERE number IN (SELECT number FROM jobs WHERE ended_at < :time LIMIT :limit);
