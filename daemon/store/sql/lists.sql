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
-- Puts contacts that were entered into a list; $4 says by what.
INSERT INTO list_member (list_id, contact_id, source)
SELECT $3, m.id, $4
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

-- name: lists.gather
-- The list of a name, made if there is none; nobody takes it away meanwhile.
INSERT INTO list (customer_id, name, origin) VALUES ($1, $2, 'send')
ON CONFLICT ON CONSTRAINT list_name_is_unique DO UPDATE SET updated_at = now()
RETURNING id, (xmax = 0) AS is_new;

-- name: lists.excluded
-- Which of these addresses a job left out because its sender asked for that.
SELECT address FROM dropped_recipient
WHERE job_id = $1 AND reason = 'excluded' AND address = ANY ($2::text[]);

-- name: lists.join_meant
-- Puts into a list whoever of a job is a contact already: who gets it, who is suppressed, and who has
-- a phone number only.
INSERT INTO list_member (list_id, contact_id, source)
SELECT $2, c.id, 'send'
FROM (
    SELECT (d.path ->> 'contact')::bigint AS id
    FROM batch b
    JOIN delivery d ON d.job_on = b.job_on AND d.id BETWEEN b.id * 512 AND b.id * 512 + 511
    WHERE b.job_id = $1 AND d.path ? 'contact'
    UNION
    SELECT (path ->> 'contact')::bigint FROM dropped_recipient
    WHERE job_id = $1 AND reason IN ('suppressed', 'no_address') AND path ? 'contact'
) m
JOIN contact c ON c.id = m.id
ORDER BY c.id
ON CONFLICT DO NOTHING;

-- name: lists.join_people
-- Makes contacts of customer $3 of the people and the billing contacts of a job, and puts them into a
-- list: who gets it, and who is suppressed. A contact that is there takes what he has no value for, and
-- who wants no mailing wants none as a contact either.
WITH meant AS (
    SELECT d.norm, d.path
    FROM batch b
    JOIN delivery d ON d.job_on = b.job_on AND d.id BETWEEN b.id * 512 AND b.id * 512 + 511
    WHERE b.job_id = $1 AND d.path ?| ARRAY['person', 'billing_contact']
    UNION ALL
    SELECT address, path FROM dropped_recipient
    WHERE job_id = $1 AND reason = 'suppressed' AND path ?| ARRAY['person', 'billing_contact']
), known AS (
    SELECT m.norm, b.address, b.supp, b.domain,
           coalesce((m.path ->> 'person')::bigint, b.person_id) AS person_id
    FROM meant m LEFT JOIN billing_contact b ON b.id = (m.path ->> 'billing_contact')::bigint
), entered AS (
    INSERT INTO contact AS c (customer_id, address, norm, supp, domain, phone_number, first_name, last_name,
                              custom, timezone, no_mailing)
    SELECT $3, coalesce(k.address, e.address), k.norm, coalesce(k.supp, e.supp),
           coalesce(k.domain, e.domain), coalesce(p.mobile, p.telephone), p.forename, p.surname,
           filled(p.vars - ARRAY['first_name', 'last_name']), p.timezone,
           coalesce(p.no_mailing, false)
    FROM known k
    LEFT JOIN person p ON p.id = k.person_id
    LEFT JOIN person_email e ON e.person_id = p.id AND e.norm = k.norm
    WHERE coalesce(k.address, e.address) IS NOT NULL
    ORDER BY k.norm
    ON CONFLICT (customer_id, norm) WHERE address IS NOT NULL DO UPDATE
        SET phone_number = coalesce(c.phone_number, excluded.phone_number),
            first_name = coalesce(c.first_name, excluded.first_name),
            last_name = coalesce(c.last_name, excluded.last_name),
            custom = coalesce(c.custom, excluded.custom), timezone = coalesce(c.timezone, excluded.timezone),
            no_mailing = c.no_mailing OR excluded.no_mailing, updated_at = now()
    RETURNING id
)
INSERT INTO list_member (list_id, contact_id, source)
SELECT $2, id, 'send' FROM entered ORDER BY id
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
