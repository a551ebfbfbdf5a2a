-- name: keys.create
-- Enters a key of a customer, which may be somebody's of his. No row: there is no such customer, or he
-- has nobody of this number.
INSERT INTO api_key (customer_id, person_id, scheme, login, key_hash, key_prefix, scopes, allowed_sources,
                     expires_at, origin)
SELECT c.id, $2::bigint, $3::text, $4::text, $5::bytea, $6::text, $7::text[], $8::text[]::cidr[],
       $9::timestamptz, 'api'
FROM customer c
WHERE c.id = $1 AND c.status <> 'deleted'
  AND ($2 IS NULL OR EXISTS (SELECT FROM person p WHERE p.id = $2 AND p.customer_id = c.id
                             AND p.deleted_at IS NULL AND NOT p.retired))
RETURNING id;

-- name: keys.list
-- Keys of a customer or of all ($1 is NULL), those that are over only if $2, from after $3 on.
SELECT id, customer_id, person_id, scheme, login, key_prefix AS prefix, scopes,
       allowed_sources::text[] AS sources, origin, created_at, last_used_at, expires_at, revoked_at
FROM api_key
WHERE ($1::bigint IS NULL OR customer_id = $1) AND id > $3
  AND ($2 OR (revoked_at IS NULL AND (expires_at IS NULL OR expires_at > now())))
ORDER BY id LIMIT $4;

-- name: keys.locked
-- Whose key it is, where it came from, and since when it is revoked.
SELECT customer_id, origin, revoked_at FROM api_key WHERE id = $1 FOR UPDATE;

-- name: keys.revoke
-- From now on nobody speaks by this key.
UPDATE api_key SET revoked_at = now() WHERE id = $1;

-- name: keys.of
-- For whom a token speaks, and for what; the login counts where one was brought, and whoever comes from
-- somewhere else than a key allows (on the queue: from nowhere) has none. That it was used is noted, but
-- not at every use.
WITH found AS (
    SELECT id, customer_id, person_id, scopes, last_used_at FROM api_key
    WHERE scheme = $1 AND key_hash = $2 AND ($3 = '' OR login = $3) AND revoked_at IS NULL
      AND (expires_at IS NULL OR expires_at > now())
      AND (allowed_sources = '{}' OR $4::inet <<= ANY (allowed_sources))
), used AS (
    UPDATE api_key k SET last_used_at = now() FROM found f
    WHERE k.id = f.id AND (f.last_used_at IS NULL OR f.last_used_at < now() - interval '1 minute')
)
SELECT customer_id, person_id, scopes FROM found;

-- name: keys.named
-- For whom a customer's key speaks that somebody names by its id, and for what, while it is one.
SELECT customer_id, person_id, scopes FROM api_key
WHERE customer_id = $1 AND id = $2 AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > now());
