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

-- name: suppression.list
-- Those of a customer or of all ($1 is NULL): of one address, of one kind; the lifted ones only if $4;
-- from after $5 on.
SELECT id, customer_id, supp, list_id, effect, kind, reason, source, created_at, lifted_at
FROM suppression
WHERE ($1::bigint IS NULL OR customer_id = $1) AND ($2::text IS NULL OR supp = $2) AND ($3::text IS NULL OR kind = $3)
  AND ($4 OR lifted_at IS NULL) AND id > $5
ORDER BY id LIMIT $6;

-- name: suppression.one
-- One, whoever's it is.
SELECT id, customer_id, supp, list_id, effect, kind, reason, source, created_at, lifted_at
FROM suppression WHERE id = $1 FOR UPDATE;

-- name: suppression.has_list
-- Whether a list is of a customer.
SELECT EXISTS (SELECT FROM list WHERE customer_id = $1 AND id = $2);

-- name: suppression.enter
-- Notes that an address gets nothing more, of a list ($3) or of everything. No row: it was noted before.
INSERT INTO suppression (customer_id, supp, scope, list_id, kind, reason, source)
VALUES ($1, $2, CASE WHEN $3::bigint IS NULL THEN 'all' ELSE 'list' END, $3, $4, $5, 'api')
ON CONFLICT (customer_id, supp, scope, coalesce(list_id, 0), kind) WHERE lifted_at IS NULL DO NOTHING
RETURNING id;

-- name: suppression.end
-- One of them holds no more.
UPDATE suppression SET lifted_at = now() WHERE id = $1;
