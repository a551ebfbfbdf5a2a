-- name: owed.keep
-- Puts answers on record that an instance owes and can't give now.
INSERT INTO owed_answer (id, owner, reply_to, correlation_id, headers, body)
SELECT a.id, $2, a.reply_to, a.correlation_id, a.headers, a.body
FROM unnest($1::uuid[], $3::text[], $4::text[], $5::jsonb[], $6::bytea[])
     AS a (id, reply_to, correlation_id, headers, body)
ON CONFLICT (id) DO NOTHING;

-- name: owed.forget
-- Answers that were given, or given up.
DELETE FROM owed_answer WHERE id = ANY ($1::uuid[]);

-- name: owed.adopt
-- Takes over what nobody alive owes, so many at most.
UPDATE owed_answer SET owner = $1
WHERE id = ANY (ARRAY(
    SELECT o.id FROM owed_answer o
    WHERE NOT EXISTS (SELECT FROM instance i WHERE i.id = o.owner AND i.lease_until > now())
    LIMIT $2 FOR UPDATE SKIP LOCKED))
RETURNING id, reply_to, correlation_id, headers, body;
