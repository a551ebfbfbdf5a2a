-- name: suppression.add
-- Notes that an address wants nothing more from a customer. No row: it was noted before.
INSERT INTO suppression (customer_id, supp, scope, kind, reason, source)
VALUES ($1, $2, 'all', 'unsubscribe', $3, $4)
ON CONFLICT (customer_id, supp, scope, coalesce(list_id, 0), kind) WHERE lifted_at IS NULL DO NOTHING
RETURNING id;

-- name: suppression.lift
-- Lifts every unsubscription of an address, whatever its scope; never a bounce, complaint or block.
UPDATE suppression SET lifted_at = now()
WHERE customer_id = $1 AND supp = $2 AND kind = 'unsubscribe' AND lifted_at IS NULL;
