-- name: change.note
-- Keeps by whom something of the directory was changed, and what it was.
INSERT INTO change (by, customer_id, entity, entity_id, deed, detail) VALUES ($1, $2, $3, $4, $5, $6);
