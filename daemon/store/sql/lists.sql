-- name: lists.create
-- A new list; no row if the customer has one of this name.
INSERT INTO list (customer_id, name, origin) VALUES ($1, $2, 'api')
ON CONFLICT ON CONSTRAINT list_name_is_unique DO NOTHING
RETURNING id;

-- name: lists.owner
-- Whose a list is.
SELECT customer_id FROM list WHERE id = $1;

-- name: lists.hold
-- A list; nobody takes it away meanwhile.
SELECT true FROM list WHERE id = $1 FOR KEY SHARE;

-- name: lists.enter_addresses
-- Enters contacts that have an address, or fills in what is given anew; answers how many are new.
-- In the order of their addresses, so that two of these never wait for each other in a ring.
WITH entered AS (
    INSERT INTO contact AS c (customer_id, address, norm, supp, domain, phone_number, first_name, last_name,
                              param1, param2, param3, param4, param5, custom, timezone)
    SELECT $1, g->>'address', g->>'norm', g->>'supp', g->>'domain', g->>'phone_number', g->>'first_name',
           g->>'last_name', g->>'param1', g->>'param2', g->>'param3', g->>'param4', g->>'param5',
           g->'custom', g->>'timezone'
    FROM jsonb_array_elements($2::jsonb) g
    WHERE g ? 'norm'
    ORDER BY g->>'norm'
    ON CONFLICT (customer_id, norm) WHERE address IS NOT NULL DO UPDATE
        SET phone_number = coalesce(excluded.phone_number, c.phone_number),
            first_name = coalesce(excluded.first_name, c.first_name),
            last_name = coalesce(excluded.last_name, c.last_name),
            param1 = coalesce(excluded.param1, c.param1), param2 = coalesce(excluded.param2, c.param2),
            param3 = coalesce(excluded.param3, c.param3), param4 = coalesce(excluded.param4, c.param4),
            param5 = coalesce(excluded.param5, c.param5), custom = coalesce(excluded.custom, c.custom),
            timezone = coalesce(excluded.timezone, c.timezone), updated_at = now()
    RETURNING (xmax = 0) AS is_new
)
SELECT count(*) FILTER (WHERE is_new) FROM entered;

-- name: lists.enter_phones
-- The same of contacts that have a phone number only.
WITH entered AS (
    INSERT INTO contact AS c (customer_id, phone_number, first_name, last_name, param1, param2, param3,
                              param4, param5, custom, timezone)
    SELECT $1, g->>'phone_number', g->>'first_name', g->>'last_name', g->>'param1', g->>'param2',
           g->>'param3', g->>'param4', g->>'param5', g->'custom', g->>'timezone'
    FROM jsonb_array_elements($2::jsonb) g
    WHERE NOT g ? 'norm'
    ORDER BY g->>'phone_number'
    ON CONFLICT (customer_id, phone_number) WHERE address IS NULL DO UPDATE
        SET first_name = coalesce(excluded.first_name, c.first_name),
            last_name = coalesce(excluded.last_name, c.last_name),
            param1 = coalesce(excluded.param1, c.param1), param2 = coalesce(excluded.param2, c.param2),
            param3 = coalesce(excluded.param3, c.param3), param4 = coalesce(excluded.param4, c.param4),
            param5 = coalesce(excluded.param5, c.param5), custom = coalesce(excluded.custom, c.custom),
            timezone = coalesce(excluded.timezone, c.timezone), updated_at = now()
    RETURNING (xmax = 0) AS is_new
)
SELECT count(*) FILTER (WHERE is_new) FROM entered;

-- name: lists.join
-- Puts contacts that were entered into a list.
INSERT INTO list_member (list_id, contact_id, source)
SELECT $3, m.id, 'api'
FROM (
    SELECT c.id FROM jsonb_array_elements($2::jsonb) g
    JOIN contact c ON c.customer_id = $1 AND c.norm = g->>'norm' AND c.address IS NOT NULL
    UNION ALL
    SELECT c.id FROM jsonb_array_elements($2::jsonb) g
    JOIN contact c ON c.customer_id = $1 AND c.phone_number = g->>'phone_number' AND c.address IS NULL
    WHERE NOT g ? 'norm'
) m
ORDER BY m.id
ON CONFLICT DO NOTHING;

-- name: lists.lock
-- A list, before it is taken away.
SELECT true FROM list WHERE id = $1 FOR UPDATE;

-- name: lists.empty
-- Takes all members out of a list.
DELETE FROM list_member WHERE list_id = $1;

-- name: lists.delete
-- Takes a list away.
DELETE FROM list WHERE id = $1;

-- name: lists.all
-- A page of a customer's lists, or of everybody's, and how many members each has.
SELECT l.id, l.customer_id AS customer, l.name, l.origin, l.created_at,
       (SELECT count(*) FROM list_member m WHERE m.list_id = l.id) AS members
FROM list l WHERE ($1::bigint IS NULL OR l.customer_id = $1) AND l.id > $2 ORDER BY l.id LIMIT $3;

-- name: lists.members
-- A page of the contacts of a list; `fault` is the rule that an address breaks.
SELECT c.id, c.address, c.fault, c.phone_number, c.first_name, c.last_name, c.param1, c.param2, c.param3,
       c.param4, c.param5, c.custom, c.timezone, c.no_mailing, m.source, m.added_at
FROM list_member m JOIN contact c ON c.id = m.contact_id
WHERE m.list_id = $1 AND m.contact_id > $2 ORDER BY m.contact_id LIMIT $3;
