-- name: keeping.customer
-- One customer ($2), or those directly below another one ($1), or all, from after $3 on.
SELECT id, parent_id, name, email, plan_id, timezone, language, country, status, paused
FROM customer WHERE CASE WHEN $2::bigint IS NULL THEN $1::bigint IS NULL OR parent_id = $1 ELSE id = $2 END AND id > $3
ORDER BY id LIMIT $4;

-- name: keeping.person
-- One of the people ($2), or those of a customer ($1), or of all, from after $3 on; never a password's hash.
SELECT p.id, p.customer_id, p.username, r.name AS role, p.forename, p.surname, p.title, p.company,
       p.language, p.timezone, p.country, p.telephone, p.mobile, p.allowed_sources::text[] AS allowed_sources,
       p.pseudo, p.no_mailing, p.retired, p.deleted_at,
       ARRAY(SELECT e.address FROM person_email e WHERE e.person_id = p.id
             ORDER BY e.position, e.id) AS addresses
FROM person p LEFT JOIN role r ON r.id = p.role_id
WHERE CASE WHEN $2::bigint IS NULL THEN ($1::bigint IS NULL OR p.customer_id = $1) ELSE p.id = $2 END AND p.id > $3
ORDER BY p.id LIMIT $4;

-- name: keeping.billing_contact
-- One billing contact ($2), or those of a customer ($1), or of all, from after $3 on.
SELECT id, customer_id, person_id, name, address, position, active
FROM billing_contact
WHERE CASE WHEN $2::bigint IS NULL THEN ($1::bigint IS NULL OR customer_id = $1) ELSE id = $2 END AND id > $3
ORDER BY id LIMIT $4;

-- name: keeping.agent
-- The agents of a customer ($1), or of all, or one of them by his person ($2), from after person $3 on.
SELECT person_id AS id, customer_id, person_id, kind, active
FROM agent
WHERE ($1::bigint IS NULL OR customer_id = $1) AND ($2::bigint IS NULL OR person_id = $2) AND person_id > $3
ORDER BY person_id LIMIT $4;

-- name: keeping.plan
-- One plan ($2), or those that a customer ($1) owns, or all, from after $3 on.
SELECT r.id, r.customer_id, r.name, r.currency, r.bill_type,
       trim_scale(r.price_per_email)::text AS price_per_email, r.max_recipients_per_request,
       r.max_requests_per_minute, r.max_recipients_per_day, r.max_recipients_per_month,
       (SELECT coalesce(jsonb_object_agg(v.privilege, v.allowed), '{}')
        FROM plan_privilege v WHERE v.plan_id = r.id) AS privileges
FROM rate_plan r
WHERE CASE WHEN $2::bigint IS NULL THEN ($1::bigint IS NULL OR r.customer_id = $1) ELSE r.id = $2 END AND r.id > $3
ORDER BY r.id LIMIT $4;

-- name: keeping.role
-- One role ($2), or all, from after $3 on; they are everybody's ($1 is of no account).
SELECT r.id, r.name, r.description, r.can_login,
       (SELECT coalesce(jsonb_object_agg(p.privilege, p.access), '{}')
        FROM role_privilege p WHERE p.role_id = r.id) AS privileges
FROM role r
WHERE ($1::bigint IS NOT NULL OR $1 IS NULL) AND ($2::bigint IS NULL OR r.id = $2) AND r.id > $3
ORDER BY r.id LIMIT $4;

-- name: keeping.try
-- Whether nobody imports just now, and nobody will before this transaction has ended.
SELECT pg_try_advisory_xact_lock(hashtext('deliveryd directory import'));

-- name: keeping.number
-- The number of a customer who is to come.
SELECT nextval('customer_number');

-- name: keeping.put
-- Of the one row that was put, its id.
SELECT id FROM staged_row LIMIT 1;

-- name: keeping.delete_customer
-- A customer is gone; his jobs carry him, so the row stays.
UPDATE customer SET status = 'deleted', updated_at = now() WHERE id = $2 AND $1::bigint IS NOT NULL
                                                                     AND status <> 'deleted';

-- name: keeping.delete_person
-- Somebody is gone; what he did names him, so the row stays.
UPDATE person SET deleted_at = now(), updated_at = now()
WHERE id = $2 AND customer_id = $1 AND deleted_at IS NULL;

-- name: keeping.delete_billing_contact
-- Hears no more of money.
DELETE FROM billing_contact WHERE id = $2 AND customer_id = $1;

-- name: keeping.delete_agent
-- Looks after this customer no more.
DELETE FROM agent WHERE person_id = $2 AND customer_id = $1;

-- name: keeping.delete_plan
-- Nobody can have this plan any more; whoever has it keeps it from being deleted.
DELETE FROM rate_plan WHERE id = $2 AND customer_id = $1;

-- name: keeping.delete_role
-- Nobody can have this role any more; whoever has it keeps it from being deleted.
DELETE FROM role WHERE id = $2 AND $1::bigint IS NOT NULL;

-- name: keeping.password
-- The hash of somebody's password ($2), or none. No row: he isn't there.
UPDATE person SET password_hash = $2, updated_at = now() WHERE id = $1 AND deleted_at IS NULL
RETURNING customer_id;
