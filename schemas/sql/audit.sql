-- name: insertAudit
INSERT INTO audit (at, by, customer, action, target, detail, outcome, outcome_at, reference)
VALUES (:at, :by, :customer, :action, :target, :detail, :outcome, :outcomeAt, :reference);

-- name: settleAudit
UPDATE audit SET outcome = :outcome, outcome_at = :at WHERE reference = :reference AND outcome IS NULL;

-- name: listAudit
SELECT number, at, by, customer, action, target, detail, outcome, outcome_at AS outcomeAt, reference
FROM audit
WHERE number < :before
  AND (:customer = '*' OR customer = :customer)
  AND (:by IS NULL OR by = :by)
  AND (:target IS NULL OR target = :target)
  AND (:action IS NULL OR action = :action OR (:action LIKE '%.' AND substr(action, 1, length(:action)) = :action))
  AND (:from IS NULL OR at >= :from)
  AND (:to IS NULL OR at < :to)
ORDER BY number DESC LIMIT :limit;

-- name: listAuditOfCustomer
SELECT number, at, by, customer, action, target, detail, outcome, outcome_at AS outcomeAt, reference
FROM audit
WHERE customer = :customer AND number < :before
  AND (:by IS NULL OR by = :by)
  AND (:target IS NULL OR target = :target)
  AND (:action IS NULL OR action = :action OR (:action LIKE '%.' AND substr(action, 1, length(:action)) = :action))
  AND (:from IS NULL OR at >= :from)
  AND (:to IS NULL OR at < :to)
ORDER BY number DESC LIMIT :limit;

-- name: deleteAudit
DELETE FROM audit WHERE number IN (SELECT number FROM audit WHERE at < :time LIMIT :limit);
