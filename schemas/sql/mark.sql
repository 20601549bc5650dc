-- name: loadMark
SELECT identity, generation FROM mark;

-- name: raiseMark
UPDATE mark SET generation = generation + 1 RETURNING generation;
