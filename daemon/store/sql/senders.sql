-- name: sender.all
-- A page of a customer's senders ($1), or of everybody's, from after $2 on.
SELECT id, customer_id AS customer, name, address, reply_to, transport_id AS transport, active, verified_at
FROM custom_sender WHERE ($1::bigint IS NULL OR customer_id = $1) AND id > $2 ORDER BY id LIMIT $3;

-- name: sender.one
-- One sender, whoever's it is.
SELECT id, customer_id AS customer, name, address, reply_to, transport_id AS transport, active, verified_at
FROM custom_sender WHERE id = $1;

-- name: sender.author
-- The owner or agent of a customer who has this number ($2) or this address ($3): how he signs, and
-- where answers reach him. A relay may take no address beyond ASCII in a header.
SELECT nullif(concat_ws(' ', p.forename, p.surname), '') AS name, e.norm AS address
FROM agent a
JOIN person p ON p.id = a.person_id AND p.deleted_at IS NULL AND NOT p.retired AND NOT p.pseudo
LEFT JOIN LATERAL (
    SELECT e.norm FROM person_email e
    WHERE e.person_id = p.id AND e.fault IS NULL AND octet_length(e.norm) = length(e.norm)
      AND ($3::text IS NULL OR e.norm = $3)
    ORDER BY e.position, e.id LIMIT 1) e ON true
WHERE a.customer_id = $1 AND a.active AND ($2::bigint IS NULL OR p.id = $2)
  AND ($3 IS NULL OR EXISTS (SELECT FROM person_email f WHERE f.person_id = p.id AND f.norm = $3))
ORDER BY p.id LIMIT 1;

-- name: sender.hold
-- Whose a sender is; nobody else changes it meanwhile.
SELECT customer_id FROM custom_sender WHERE id = $1 FOR UPDATE;

-- name: sender.has_transport
-- Whether a transport is this customer's.
SELECT EXISTS (SELECT FROM transport WHERE customer_id = $1 AND id = $2);

-- name: sender.enter
-- A new sender.
INSERT INTO custom_sender (customer_id, name, address, reply_to, transport_id, active)
VALUES ($1, coalesce($2, ''), $3, nullif($4, ''), nullif($5, 0), coalesce($6, true))
RETURNING id;

-- name: sender.change
-- Changes what is given of a sender; an empty text, and a transport 0, take the value away. What was
-- verified was the address: another one isn't.
UPDATE custom_sender s
SET name = n.name, address = n.address, reply_to = n.reply_to, transport_id = n.transport_id,
    active = n.active, verified_at = CASE WHEN s.address = n.address THEN s.verified_at END,
    updated_at = now()
FROM (
    SELECT id, coalesce($2, name) AS name, coalesce($3, address) AS address,
           nullif(coalesce($4, reply_to), '') AS reply_to,
           nullif(coalesce($5, transport_id), 0) AS transport_id, coalesce($6, active) AS active
    FROM custom_sender WHERE id = $1
) n
WHERE s.id = n.id
  AND (s.name, s.address, s.reply_to, s.transport_id, s.active)
      IS DISTINCT FROM (n.name, n.address, n.reply_to, n.transport_id, n.active);

-- name: sender.delete
-- A sender goes. What was accepted from it has its address.
DELETE FROM custom_sender WHERE id = $1;
