-- The listings go by number. `+at` keeps the planner from walking the time and sorting what it finds.

-- name: insertAudit
INSERT INTO audit (at, by, customer, action, target, detail, outcome, outcome_at, reference)
VALUES (:at, :by, :customer, :action, :target, :detail, :outcome, :outcomeAt, :reference);

-- name: settleAudit
UPDATE audit SET outcome = :outcome, outcome_at = :at WHERE reference = :reference AND outcome IS NULL;

-- name: firstAuditSince
SELECT min(+number) AS number FROM audit WHERE at >= :from;

-- name: listAuditOfTarget
SELECT number, at, by, customer, action, target, detail, outcome, outcome_at AS outcomeAt, reference
FROM audit
WHERE target = :target AND number < :before AND number >= :first
  AND (:by IS NULL OR by = :by)
  AND (:customer = '*' OR customer = :customer)
  AND (:action IS NULL OR action = :action OR (:action LIKE '%.' AND substr(action, 1, length(:action)) = :action))
  AND +at >= :from AND +at < :to
ORDER BY number DESC LIMIT :limit;

-- name: listAuditOfKey
SELECT number, at, by, customer, action, target, detail, outcome, outcome_at AS outcomeAt, reference
FROM audit
WHERE by = :by AND number < :before AND number >= :first
  AND (:customer = '*' OR customer = :customer)
  AND (:action IS NULL OR action = :action OR (:action LIKE '%.' AND substr(action, 1, length(:action)) = :action))
  AND +at >= :from AND +at < :to
ORDER BY number DESC LIMIT :limit;

-- name: listAuditOfCustomer
SELECT number, at, by, customer, action, target, detail, outcome, outcome_at AS outcomeAt, reference
FROM audit
WHERE customer = :customer AND number < :before AND number >= :first
  AND (:action IS NULL OR action = :action OR (:action LIKE '%.' AND substr(action, 1, length(:action)) = :action))
  AND +at >= :from AND +at < :to
ORDER BY number DESC LIMIT :limit;

-- name: listAuditOfAll
SELECT number, at, by, customer, action, target, detail, outcome, outcome_at AS outcomeAt, reference
FROM audit
WHERE number < :before AND number >= :first
  AND (:action IS NULL OR action = :action OR (:action LIKE '%.' AND substr(action, 1, length(:action)) = :action))
  AND +at >= :from AND +at < :to
ORDER BY number DESC LIMIT :limit;

-- name: deleteAudit
DELETE FROM audit WHERE number IN (SELECT number FROM audit WHERE at < :time LIMIT :limit);
