-- name: loadKeys
SELECT id, hash, customer, device, role, label, created_at AS createdAt, expires_at AS expiresAt,
  revoked_at AS revokedAt, last_used_at AS lastUsedAt
FROM keys ORDER BY created_at, id;

-- name: insertKey
INSERT INTO keys (id, hash, customer, device, role, label, created_at, expires_at, revoked_at, last_used_at)
VALUES (:id, :hash, :customer, :device, :role, :label, :createdAt, :expiresAt, :revokedAt, :lastUsedAt);

-- name: updateKey
UPDATE keys SET label = :label, expires_at = :expiresAt, revoked_at = :revokedAt, last_used_at = :lastUsedAt
WHERE id = :id;

-- name: loadBrowserSessions
SELECT hash, key_id AS keyId, created_at AS createdAt, expires_at AS expiresAt FROM browser_sessions;

-- name: insertBrowserSession
INSERT INTO browser_sessions (hash, key_id, created_at, expires_at)
VALUES (:hash, :keyId, :createdAt, :expiresAt);

-- name: renewBrowserSession
UPDATE browser_sessions SET expires_at = :expiresAt WHERE hash = :hash;

-- name: deleteBrowserSession
DELETE FROM browser_sessions WHERE hash = :hash;
