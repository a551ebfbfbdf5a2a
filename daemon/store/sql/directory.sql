-- name: directory.lock
-- One load of the directory at a time.
SELECT pg_advisory_xact_lock(hashtext('deliveryd directory'));

-- name: directory.customers
-- Enters customers, or brings them up to date. Who isn't named any more is kept: his jobs carry him.
INSERT INTO customer AS known (id, parent_id, name, timezone, status)
SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::text[], $4::text[], $5::text[])
ON CONFLICT (id) DO UPDATE
    SET parent_id = excluded.parent_id, name = excluded.name, timezone = excluded.timezone,
        status = excluded.status, updated_at = now()
    WHERE (known.parent_id, known.name, known.timezone, known.status)
          IS DISTINCT FROM (excluded.parent_id, excluded.name, excluded.timezone, excluded.status);

-- name: directory.transports_gone
-- Takes transports that aren't among $1 out of use, and the default from those not among $2. Before
-- the others are entered: a customer has one default at any moment.
UPDATE transport
SET active = active AND id = ANY ($1::bigint[]), is_default = is_default AND id = ANY ($2::bigint[]),
    updated_at = now()
WHERE origin = 'config'
  AND ((active AND id <> ALL ($1::bigint[])) OR (is_default AND id <> ALL ($2::bigint[])));

-- name: directory.transports
-- Enters transports, or brings them up to date.
INSERT INTO transport AS known (id, customer_id, name, kind, host, port, tls, username, sender,
                                from_address, from_name, is_default)
SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::text[], $4::text[], $5::text[], $6::integer[],
                     $7::text[], $8::text[], $9::text[], $10::text[], $11::text[], $12::boolean[])
ON CONFLICT (id) DO UPDATE
    SET customer_id = excluded.customer_id, name = excluded.name, kind = excluded.kind,
        host = excluded.host, port = excluded.port, tls = excluded.tls,
        username = excluded.username, sender = excluded.sender,
        from_address = excluded.from_address, from_name = excluded.from_name,
        is_default = excluded.is_default, active = true, updated_at = now();

-- name: directory.lanes
-- The lane of each relay, with its limits.
INSERT INTO lane AS known (transport_id, site, max_connections, max_per_second)
SELECT t.id, '', t.max_connections, t.max_per_second
FROM unnest($1::bigint[], $2::integer[], $3::double precision[])
     AS t (id, max_connections, max_per_second)
ON CONFLICT ON CONSTRAINT lane_is_unique DO UPDATE
    SET max_connections = excluded.max_connections, max_per_second = excluded.max_per_second
    WHERE (known.max_connections, known.max_per_second)
          IS DISTINCT FROM (excluded.max_connections, excluded.max_per_second);

-- name: directory.tokens_gone
-- Revokes tokens whose hash isn't among $1, of those that the configuration brought.
UPDATE api_key SET revoked_at = now()
WHERE revoked_at IS NULL AND origin = 'config' AND key_hash <> ALL ($1::bytea[]);

-- name: directory.tokens
-- Enters tokens, or brings them up to date; one that was revoked counts again.
INSERT INTO api_key (customer_id, scheme, login, key_hash)
SELECT * FROM unnest($1::bigint[], $2::text[], $3::text[], $4::bytea[])
ON CONFLICT ON CONSTRAINT api_key_is_unique DO UPDATE
    SET customer_id = excluded.customer_id, login = excluded.login, revoked_at = NULL;

-- name: directory.person
-- Whether somebody is of a customer, still there, and of no role that keeps him out; unless $3, bound to
-- no network either.
SELECT EXISTS (SELECT FROM person p LEFT JOIN role r ON r.id = p.role_id
               WHERE p.customer_id = $1 AND p.id = $2 AND p.deleted_at IS NULL AND NOT p.retired
                 AND r.can_login IS NOT FALSE AND ($3::boolean OR p.allowed_sources = '{}'));

-- name: directory.named
-- Who has a username, and the hash of his password, if he has one.
SELECT id, customer_id, password_hash FROM person WHERE username = $1;

-- name: directory.access
-- What somebody's role lets him do.
SELECT r.privilege, r.access FROM person p JOIN role_privilege r ON r.role_id = p.role_id
WHERE p.id = $1;

-- name: directory.is_within
-- Whether a customer is another one or below him, with nobody deleted on the way. The way up from $2.
WITH RECURSIVE up AS (
    SELECT id, parent_id FROM customer WHERE id = $2 AND status <> 'deleted'
    UNION
    SELECT c.id, c.parent_id FROM up JOIN customer c ON c.id = up.parent_id
    WHERE up.id <> $1 AND c.status <> 'deleted'
)
SELECT EXISTS (SELECT FROM up WHERE id = $1);

-- name: directory.customer
-- A customer, with what his plan limits and denies.
SELECT c.id, c.name, c.timezone, c.status, p.max_recipients_per_request, p.max_requests_per_minute,
       p.max_recipients_per_day, p.max_recipients_per_month,
       ARRAY(SELECT x.privilege FROM plan_privilege x WHERE x.plan_id = p.id AND NOT x.allowed) AS denied
FROM customer c LEFT JOIN rate_plan p ON p.id = c.plan_id WHERE c.id = $1;

-- name: directory.is_above
-- Whether a customer is an ancestor of another one.
WITH RECURSIVE up AS (
    SELECT parent_id AS id FROM customer WHERE id = $2
    UNION
    SELECT c.parent_id FROM up JOIN customer c ON c.id = up.id
)
SELECT EXISTS (SELECT FROM up WHERE id = $1);
