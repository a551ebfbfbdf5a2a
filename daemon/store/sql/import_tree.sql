-- name: staged_role.create
-- Where the roles of an import wait.
CREATE TEMPORARY TABLE staged_role (
    name text, description text,
    can_login boolean DEFAULT true, privileges jsonb DEFAULT '{}'
) INHERITS (staged_row) ON COMMIT DROP;

-- name: staged_role.recognise
-- Roles without an id that are there already, by their name.
UPDATE staged_role s SET id = r.id FROM role r WHERE s.fault IS NULL AND s.id IS NULL AND r.name = s.name;

-- name: staged_role.number
-- An id for each role that has none.
UPDATE staged_role SET id = nextval('role_id_seq') WHERE fault IS NULL AND id IS NULL;

-- name: staged_role.keep
-- What a file doesn't speak of ($1: the columns that it has) stays as it is.
UPDATE staged_role s
SET description = CASE WHEN 'description' = ANY ($1::text[]) THEN s.description ELSE r.description END,
    can_login = CASE WHEN 'can_login' = ANY ($1::text[]) THEN s.can_login ELSE r.can_login END,
    privileges = CASE WHEN 'privileges' = ANY ($1::text[]) THEN s.privileges
                      ELSE (SELECT coalesce(jsonb_object_agg(p.privilege, p.access), '{}')
                            FROM role_privilege p WHERE p.role_id = r.id) END
FROM role r WHERE r.id = s.id AND s.fault IS NULL;

-- name: staged_role.judge
-- Roles that name another's name, or stand there twice.
UPDATE staged_role s SET fault = j.fault
FROM (
    SELECT t.line, CASE
        WHEN EXISTS (SELECT FROM role r WHERE r.name = t.name AND r.id <> t.id)
             THEN E'name\tanother role has it'
        WHEN row_number() OVER (PARTITION BY t.id ORDER BY t.line) > 1
             OR row_number() OVER (PARTITION BY t.name ORDER BY t.line) > 1
             THEN E'\tthe same role stands in an earlier line'
        END AS fault
    FROM staged_role t WHERE t.fault IS NULL
) j
WHERE j.line = s.line AND j.fault IS NOT NULL;

-- name: staged_role.merge
-- Enters roles, or brings them up to date; those whose privileges differ count as changed.
WITH differs AS (
    SELECT s.id FROM staged_role s
    WHERE s.fault IS NULL
      AND s.privileges IS DISTINCT FROM (SELECT coalesce(jsonb_object_agg(p.privilege, p.access), '{}')
                                         FROM role_privilege p WHERE p.role_id = s.id)
), merged AS (
    INSERT INTO role AS r (id, name, description, can_login)
    SELECT s.id, s.name, s.description, s.can_login
    FROM staged_role s LEFT JOIN role o ON o.id = s.id
    WHERE s.fault IS NULL
      AND (o.id IS NULL OR (o.name, o.description, o.can_login)
                           IS DISTINCT FROM (s.name, s.description, s.can_login)
           OR s.id IN (SELECT id FROM differs))
    ON CONFLICT (id) DO UPDATE
        SET name = excluded.name, description = excluded.description, can_login = excluded.can_login,
            updated_at = now()
    RETURNING (xmax = 0) AS is_new
)
SELECT count(*) FILTER (WHERE is_new) AS inserted, count(*) FILTER (WHERE NOT is_new) AS updated FROM merged;

-- name: staged_role.revoke
-- Takes away privileges that a role has no longer.
DELETE FROM role_privilege p USING staged_role s
WHERE s.fault IS NULL AND p.role_id = s.id AND NOT s.privileges ? p.privilege;

-- name: staged_role.grant
-- Gives roles their privileges.
INSERT INTO role_privilege AS known (role_id, privilege, access)
SELECT s.id, e.key, e.value::smallint FROM staged_role s, jsonb_each_text(s.privileges) e
WHERE s.fault IS NULL
ON CONFLICT (role_id, privilege) DO UPDATE SET access = excluded.access
    WHERE known.access <> excluded.access;

-- name: staged_customer.create
-- Where the customers of an import wait.
CREATE TEMPORARY TABLE staged_customer (
    parent_id bigint, name text, email text,
    plan_id bigint, timezone text DEFAULT 'UTC', language text, country text,
    status text DEFAULT 'active'
) INHERITS (staged_row) ON COMMIT DROP;

-- name: staged_customer.keep
-- What a file doesn't speak of ($1: the columns that it has) stays as it is.
UPDATE staged_customer s
SET parent_id = CASE WHEN 'parent_id' = ANY ($1::text[]) THEN s.parent_id ELSE c.parent_id END,
    email = CASE WHEN 'email' = ANY ($1::text[]) THEN s.email ELSE c.email END,
    plan_id = CASE WHEN 'plan_id' = ANY ($1::text[]) THEN s.plan_id ELSE c.plan_id END,
    timezone = CASE WHEN 'timezone' = ANY ($1::text[]) THEN s.timezone ELSE c.timezone END,
    language = CASE WHEN 'language' = ANY ($1::text[]) THEN s.language ELSE c.language END,
    country = CASE WHEN 'country' = ANY ($1::text[]) THEN s.country ELSE c.country END,
    status = CASE WHEN 'status' = ANY ($1::text[]) THEN s.status ELSE c.status END
FROM customer c WHERE c.id = s.id AND s.fault IS NULL;

-- name: staged_customer.hang
-- Whoever names no parent hangs under the root.
UPDATE staged_customer SET parent_id = CASE WHEN id <> 0 THEN 0 END
WHERE fault IS NULL AND ((id = 0) = (parent_id IS NOT NULL));

-- name: staged_customer.judge
-- Customers of a plan that there isn't, and those who stand there twice.
UPDATE staged_customer s SET fault = j.fault
FROM (
    SELECT t.line, CASE
        WHEN t.plan_id IS NOT NULL AND p.id IS NULL
             AND NOT EXISTS (SELECT FROM staged_plan q WHERE q.fault IS NULL AND q.id = t.plan_id)
             THEN E'plan_id\tno such plan'
        WHEN row_number() OVER (PARTITION BY t.id ORDER BY t.line) > 1
             THEN E'\tthe same customer stands in an earlier line'
        END AS fault
    FROM staged_customer t LEFT JOIN rate_plan p ON p.id = t.plan_id
    WHERE t.fault IS NULL
) j
WHERE j.line = s.line AND j.fault IS NOT NULL;

-- name: staged_customer.judge_tree
-- Customers that the tree, as it would be, has no place for: under nobody, under themselves, alive under
-- somebody deleted, deleted over somebody alive. Who is rejected stays where he was: ask again.
WITH RECURSIVE tree AS (
    SELECT s.id, s.parent_id, s.status, s.line,
           c.id IS NOT NULL AND (c.parent_id, c.status) IS NOT DISTINCT FROM (s.parent_id, s.status) AS stays
    FROM staged_customer s LEFT JOIN customer c ON c.id = s.id WHERE s.fault IS NULL
    UNION ALL
    SELECT c.id, c.parent_id, c.status, NULL, true FROM customer c
    WHERE NOT EXISTS (SELECT FROM staged_customer s WHERE s.fault IS NULL AND s.id = c.id)
), hung AS (
    SELECT id FROM tree WHERE id = 0
    UNION ALL
    SELECT t.id FROM hung JOIN tree t ON t.parent_id = hung.id
), broken AS (
    SELECT t.line, CASE
        WHEN p.id IS NULL THEN E'parent_id\tno such customer'
        WHEN h.id IS NULL THEN E'parent_id\tis the customer himself, or somebody below him, or hangs nowhere'
        WHEN p.status = 'deleted' AND t.status <> 'deleted' THEN E'parent_id\tis deleted'
        WHEN t.status = 'deleted'
             AND EXISTS (SELECT FROM tree u
                         WHERE u.parent_id = t.id AND u.status <> 'deleted' AND u.stays)
             THEN E'status\thas children that are not deleted'
        END AS fault
    FROM tree t
    LEFT JOIN hung h ON h.id = t.id
    LEFT JOIN tree p ON p.id = t.parent_id
    WHERE NOT t.stays AND t.id <> 0
)
UPDATE staged_customer s SET fault = b.fault FROM broken b WHERE b.line = s.line AND b.fault IS NOT NULL;

-- name: staged_customer.merge
-- Enters customers, or brings them up to date; a plan that is only to come is given to them later.
WITH merged AS (
    INSERT INTO customer AS c (id, parent_id, name, email, plan_id, timezone, language, country, status)
    SELECT s.id, s.parent_id, s.name, s.email,
           CASE WHEN s.plan_id IS NULL OR p.id IS NOT NULL THEN p.id ELSE o.plan_id END,
           s.timezone, s.language, s.country, s.status
    FROM staged_customer s
    LEFT JOIN customer o ON o.id = s.id
    LEFT JOIN rate_plan p ON p.id = s.plan_id
    WHERE s.fault IS NULL
      AND (o.id IS NULL
           OR (o.parent_id, o.name, o.email, o.plan_id, o.timezone, o.language, o.country, o.status)
              IS DISTINCT FROM
              (s.parent_id, s.name, s.email, s.plan_id, s.timezone, s.language, s.country, s.status))
    ON CONFLICT (id) DO UPDATE
        SET parent_id = excluded.parent_id, name = excluded.name, email = excluded.email,
            plan_id = excluded.plan_id, timezone = excluded.timezone, language = excluded.language,
            country = excluded.country, status = excluded.status, updated_at = now()
    RETURNING (xmax = 0) AS is_new
)
SELECT count(*) FILTER (WHERE is_new) AS inserted, count(*) FILTER (WHERE NOT is_new) AS updated FROM merged;

-- name: staged_customer.plan
-- Gives customers the plans that came with them.
UPDATE customer c SET plan_id = s.plan_id FROM staged_customer s
WHERE s.fault IS NULL AND c.id = s.id AND c.plan_id IS DISTINCT FROM s.plan_id;

-- name: staged_plan.create
-- Where the plans of an import wait.
CREATE TEMPORARY TABLE staged_plan (
    customer_id bigint, name text,
    currency text DEFAULT 'EUR', bill_type text DEFAULT 'none', price_per_email numeric(20, 10) DEFAULT 0,
    max_recipients_per_request integer, max_requests_per_minute integer,
    max_recipients_per_day bigint, max_recipients_per_month bigint, privileges jsonb DEFAULT '{}'
) INHERITS (staged_row) ON COMMIT DROP;

-- name: staged_plan.recognise
-- Plans without an id that are there already, by their name within their customer.
UPDATE staged_plan s SET id = p.id FROM rate_plan p
WHERE s.fault IS NULL AND s.id IS NULL AND p.customer_id = s.customer_id AND p.name = s.name;

-- name: staged_plan.number
-- An id for each plan that has none.
UPDATE staged_plan SET id = nextval('rate_plan_id_seq') WHERE fault IS NULL AND id IS NULL;

-- name: staged_plan.keep
-- What a file doesn't speak of ($1: the columns that it has) stays as it is.
UPDATE staged_plan s
SET currency = CASE WHEN 'currency' = ANY ($1::text[]) THEN s.currency ELSE p.currency END,
    bill_type = CASE WHEN 'bill_type' = ANY ($1::text[]) THEN s.bill_type ELSE p.bill_type END,
    price_per_email = CASE WHEN 'price_per_email' = ANY ($1::text[])
                           THEN s.price_per_email ELSE p.price_per_email END,
    max_recipients_per_request = CASE WHEN 'max_recipients_per_request' = ANY ($1::text[])
        THEN s.max_recipients_per_request ELSE p.max_recipients_per_request END,
    max_requests_per_minute = CASE WHEN 'max_requests_per_minute' = ANY ($1::text[])
        THEN s.max_requests_per_minute ELSE p.max_requests_per_minute END,
    max_recipients_per_day = CASE WHEN 'max_recipients_per_day' = ANY ($1::text[])
        THEN s.max_recipients_per_day ELSE p.max_recipients_per_day END,
    max_recipients_per_month = CASE WHEN 'max_recipients_per_month' = ANY ($1::text[])
        THEN s.max_recipients_per_month ELSE p.max_recipients_per_month END,
    privileges = CASE WHEN 'privileges' = ANY ($1::text[]) THEN s.privileges
                      ELSE (SELECT coalesce(jsonb_object_agg(v.privilege, v.allowed), '{}')
                            FROM plan_privilege v WHERE v.plan_id = p.id) END
FROM rate_plan p WHERE p.id = s.id AND s.fault IS NULL;

-- name: staged_plan.judge
-- Plans of a customer that there isn't, of another one than before, with another's name, or there twice.
UPDATE staged_plan s SET fault = j.fault
FROM (
    SELECT t.line, CASE
        WHEN c.id IS NULL
             AND NOT EXISTS (SELECT FROM staged_customer q WHERE q.fault IS NULL AND q.id = t.customer_id)
             THEN E'customer_id\tno such customer'
        WHEN o.customer_id <> t.customer_id THEN E'id\tis a plan of another customer'
        WHEN EXISTS (SELECT FROM rate_plan p
                     WHERE p.customer_id = t.customer_id AND p.name = t.name AND p.id <> t.id)
             THEN E'name\tanother plan of the customer has it'
        WHEN row_number() OVER (PARTITION BY t.id ORDER BY t.line) > 1
             OR row_number() OVER (PARTITION BY t.customer_id, t.name ORDER BY t.line) > 1
             THEN E'\tthe same plan stands in an earlier line'
        END AS fault
    FROM staged_plan t
    LEFT JOIN customer c ON c.id = t.customer_id
    LEFT JOIN rate_plan o ON o.id = t.id
    WHERE t.fault IS NULL
) j
WHERE j.line = s.line AND j.fault IS NOT NULL;

-- name: staged_plan.merge
-- Enters plans, or brings them up to date; those whose privileges differ count as changed.
WITH differs AS (
    SELECT s.id FROM staged_plan s
    WHERE s.fault IS NULL
      AND s.privileges IS DISTINCT FROM (SELECT coalesce(jsonb_object_agg(v.privilege, v.allowed), '{}')
                                         FROM plan_privilege v WHERE v.plan_id = s.id)
), merged AS (
    INSERT INTO rate_plan AS p (id, customer_id, name, currency, bill_type, price_per_email,
                                max_recipients_per_request, max_requests_per_minute,
                                max_recipients_per_day, max_recipients_per_month)
    SELECT s.id, s.customer_id, s.name, s.currency, s.bill_type, s.price_per_email,
           s.max_recipients_per_request, s.max_requests_per_minute, s.max_recipients_per_day,
           s.max_recipients_per_month
    FROM staged_plan s LEFT JOIN rate_plan o ON o.id = s.id
    WHERE s.fault IS NULL
      AND (o.id IS NULL
           OR (o.name, o.currency, o.bill_type, o.price_per_email, o.max_recipients_per_request,
               o.max_requests_per_minute, o.max_recipients_per_day, o.max_recipients_per_month)
              IS DISTINCT FROM
              (s.name, s.currency, s.bill_type, s.price_per_email, s.max_recipients_per_request,
               s.max_requests_per_minute, s.max_recipients_per_day, s.max_recipients_per_month)
           OR s.id IN (SELECT id FROM differs))
    ON CONFLICT (id) DO UPDATE
        SET name = excluded.name, currency = excluded.currency, bill_type = excluded.bill_type,
            price_per_email = excluded.price_per_email,
            max_recipients_per_request = excluded.max_recipients_per_request,
            max_requests_per_minute = excluded.max_requests_per_minute,
            max_recipients_per_day = excluded.max_recipients_per_day,
            max_recipients_per_month = excluded.max_recipients_per_month, updated_at = now()
    RETURNING (xmax = 0) AS is_new
)
SELECT count(*) FILTER (WHERE is_new) AS inserted, count(*) FILTER (WHERE NOT is_new) AS updated FROM merged;

-- name: staged_plan.revoke
-- Takes away what a plan says nothing about any more.
DELETE FROM plan_privilege v USING staged_plan s
WHERE s.fault IS NULL AND v.plan_id = s.id AND NOT s.privileges ? v.privilege;

-- name: staged_plan.grant
-- Gives plans their privileges.
INSERT INTO plan_privilege AS known (plan_id, privilege, allowed)
SELECT s.id, e.key, e.value::boolean FROM staged_plan s, jsonb_each_text(s.privileges) e
WHERE s.fault IS NULL
ON CONFLICT (plan_id, privilege) DO UPDATE SET allowed = excluded.allowed
    WHERE known.allowed <> excluded.allowed;
