-- name: staged_contact.create
-- Where the contacts of an import wait.
CREATE TEMPORARY TABLE staged_contact (
    customer_id bigint, address text, norm text, supp text,
    domain text, address_fault text, phone_number text, first_name text, last_name text, param1 text,
    param2 text, param3 text, param4 text, param5 text, custom jsonb, timezone text, person_id bigint,
    no_mailing boolean DEFAULT false
) INHERITS (staged_row) ON COMMIT DROP;

-- name: staged_contact.recognise
-- Contacts without an id that are there already, by their address.
UPDATE staged_contact s SET id = c.id FROM contact c
WHERE s.fault IS NULL AND s.id IS NULL AND c.customer_id = s.customer_id
  AND c.norm = s.norm AND c.address IS NOT NULL;

-- name: staged_contact.recognise_phones
-- Contacts without an id and an address that are there already, by their phone number.
UPDATE staged_contact s SET id = c.id FROM contact c
WHERE s.fault IS NULL AND s.id IS NULL AND s.norm IS NULL AND c.customer_id = s.customer_id
  AND c.phone_number = s.phone_number AND c.address IS NULL;

-- name: staged_contact.keep
-- What a file doesn't speak of ($1: the columns that it has) stays as it is.
UPDATE staged_contact s
SET address = CASE WHEN 'address' = ANY ($1::text[]) THEN s.address ELSE c.address END,
    norm = CASE WHEN 'address' = ANY ($1::text[]) THEN s.norm ELSE c.norm END,
    supp = CASE WHEN 'address' = ANY ($1::text[]) THEN s.supp ELSE c.supp END,
    domain = CASE WHEN 'address' = ANY ($1::text[]) THEN s.domain ELSE c.domain END,
    address_fault = CASE WHEN 'address' = ANY ($1::text[]) THEN s.address_fault ELSE c.fault END,
    phone_number = CASE WHEN 'phone_number' = ANY ($1::text[]) THEN s.phone_number ELSE c.phone_number END,
    first_name = CASE WHEN 'first_name' = ANY ($1::text[]) THEN s.first_name ELSE c.first_name END,
    last_name = CASE WHEN 'last_name' = ANY ($1::text[]) THEN s.last_name ELSE c.last_name END,
    param1 = CASE WHEN 'param1' = ANY ($1::text[]) THEN s.param1 ELSE c.param1 END,
    param2 = CASE WHEN 'param2' = ANY ($1::text[]) THEN s.param2 ELSE c.param2 END,
    param3 = CASE WHEN 'param3' = ANY ($1::text[]) THEN s.param3 ELSE c.param3 END,
    param4 = CASE WHEN 'param4' = ANY ($1::text[]) THEN s.param4 ELSE c.param4 END,
    param5 = CASE WHEN 'param5' = ANY ($1::text[]) THEN s.param5 ELSE c.param5 END,
    custom = CASE WHEN 'custom' = ANY ($1::text[]) THEN s.custom ELSE c.custom END,
    timezone = CASE WHEN 'timezone' = ANY ($1::text[]) THEN s.timezone ELSE c.timezone END,
    person_id = CASE WHEN 'person_id' = ANY ($1::text[]) THEN s.person_id ELSE c.person_id END,
    no_mailing = CASE WHEN 'no_mailing' = ANY ($1::text[]) THEN s.no_mailing ELSE c.no_mailing END
FROM contact c WHERE c.id = s.id AND s.fault IS NULL;

-- name: staged_contact.judge
-- Contacts of nobody, of another customer than before, who can't be reached, or are another's.
UPDATE staged_contact s SET fault = j.fault
FROM (
    SELECT t.line, CASE
        WHEN c.id IS NULL THEN E'customer_id\tno such customer'
        WHEN o.customer_id <> t.customer_id THEN E'id\tis a contact of another customer'
        WHEN t.norm IS NULL AND t.phone_number IS NULL
             THEN E'\tone of address, phone_number must be filled'
        WHEN t.person_id IS NOT NULL AND p.id IS NULL THEN E'person_id\tno such person'
        WHEN k.id IS NOT NULL THEN E'address\tanother contact of the customer has it'
        WHEN f.id IS NOT NULL THEN E'phone_number\tanother contact of the customer has it'
        END AS fault
    FROM staged_contact t
    LEFT JOIN customer c ON c.id = t.customer_id
    LEFT JOIN contact o ON o.id = t.id
    LEFT JOIN person p ON p.id = t.person_id
    LEFT JOIN contact k ON t.id IS NOT NULL AND k.customer_id = t.customer_id AND k.norm = t.norm
                           AND k.address IS NOT NULL AND k.id <> t.id
    LEFT JOIN contact f ON t.id IS NOT NULL AND t.norm IS NULL AND f.customer_id = t.customer_id
                           AND f.phone_number = t.phone_number AND f.address IS NULL AND f.id <> t.id
    WHERE t.fault IS NULL
) j
WHERE j.line = s.line AND j.fault IS NOT NULL;

-- name: staged_contact.judge_repeats
-- Contacts that stand there twice, by their id.
UPDATE staged_contact s SET fault = E'\tthe same contact stands in an earlier line'
FROM (SELECT id, min(line) AS line FROM staged_contact WHERE fault IS NULL AND id IS NOT NULL
      GROUP BY id HAVING count(*) > 1) d
WHERE s.fault IS NULL AND d.id = s.id AND s.line > d.line;

-- name: staged_contact.judge_repeated_addresses
-- Contacts that stand there twice, by their address.
UPDATE staged_contact s SET fault = E'address\tstands in an earlier line'
FROM (SELECT customer_id, norm, min(line) AS line FROM staged_contact
      WHERE fault IS NULL AND norm IS NOT NULL GROUP BY customer_id, norm HAVING count(*) > 1) d
WHERE s.fault IS NULL AND d.customer_id = s.customer_id AND d.norm = s.norm AND s.line > d.line;

-- name: staged_contact.judge_repeated_phones
-- Contacts without an address that stand there twice, by their phone number.
UPDATE staged_contact s SET fault = E'phone_number\tstands in an earlier line'
FROM (SELECT customer_id, phone_number, min(line) AS line FROM staged_contact
      WHERE fault IS NULL AND norm IS NULL GROUP BY customer_id, phone_number HAVING count(*) > 1) d
WHERE s.fault IS NULL AND s.norm IS NULL AND d.customer_id = s.customer_id
  AND d.phone_number = s.phone_number AND s.line > d.line;

-- name: staged_contact.merge
-- Enters contacts, or brings them up to date. Apart, as ON CONFLICT would cost as much again.
WITH inserted AS (
    INSERT INTO contact (id, customer_id, address, norm, supp, domain, fault, phone_number, first_name,
                         last_name, param1, param2, param3, param4, param5, custom, timezone, person_id,
                         no_mailing)
    SELECT coalesce(s.id, nextval('contact_id_seq')), s.customer_id, s.address, s.norm, s.supp, s.domain,
           s.address_fault, s.phone_number, s.first_name, s.last_name, s.param1, s.param2, s.param3,
           s.param4, s.param5, s.custom, s.timezone, s.person_id, s.no_mailing
    FROM staged_contact s LEFT JOIN contact o ON o.id = s.id
    WHERE s.fault IS NULL AND o.id IS NULL
    RETURNING 1
), updated AS (
    UPDATE contact c
    SET address = s.address, norm = s.norm, supp = s.supp, domain = s.domain, fault = s.address_fault,
        phone_number = s.phone_number, first_name = s.first_name, last_name = s.last_name,
        param1 = s.param1, param2 = s.param2, param3 = s.param3, param4 = s.param4, param5 = s.param5,
        custom = s.custom, timezone = s.timezone, person_id = s.person_id, no_mailing = s.no_mailing,
        updated_at = now()
    FROM staged_contact s
    WHERE s.fault IS NULL AND c.id = s.id
      AND (c.address, c.norm, c.supp, c.domain, c.fault, c.phone_number, c.first_name, c.last_name,
           c.param1, c.param2, c.param3, c.param4, c.param5, c.custom, c.timezone, c.person_id, c.no_mailing)
          IS DISTINCT FROM
          (s.address, s.norm, s.supp, s.domain, s.address_fault, s.phone_number, s.first_name, s.last_name,
           s.param1, s.param2, s.param3, s.param4, s.param5, s.custom, s.timezone, s.person_id, s.no_mailing)
    RETURNING 1
)
SELECT (SELECT count(*) FROM inserted) AS inserted, (SELECT count(*) FROM updated) AS updated;

-- name: staged_list.create
-- Where the lists of an import wait.
CREATE TEMPORARY TABLE staged_list (
    customer_id bigint, name text,
    origin text DEFAULT 'import'
) INHERITS (staged_row) ON COMMIT DROP;

-- name: staged_list.recognise
-- Lists without an id that are there already, by their name within their customer.
UPDATE staged_list s SET id = l.id FROM list l
WHERE s.fault IS NULL AND s.id IS NULL AND l.customer_id = s.customer_id AND l.name = s.name;

-- name: staged_list.number
-- An id for each list that has none.
UPDATE staged_list SET id = nextval('list_id_seq') WHERE fault IS NULL AND id IS NULL;

-- name: staged_list.keep
-- What a file doesn't speak of ($1: the columns that it has) stays as it is.
UPDATE staged_list s SET origin = CASE WHEN 'origin' = ANY ($1::text[]) THEN s.origin ELSE l.origin END
FROM list l WHERE l.id = s.id AND s.fault IS NULL;

-- name: staged_list.judge
-- Lists of nobody, of another customer than before, with another's name, or there twice.
UPDATE staged_list s SET fault = j.fault
FROM (
    SELECT t.line, CASE
        WHEN c.id IS NULL THEN E'customer_id\tno such customer'
        WHEN o.customer_id <> t.customer_id THEN E'id\tis a list of another customer'
        WHEN k.id IS NOT NULL THEN E'name\tanother list of the customer has it'
        WHEN row_number() OVER (PARTITION BY t.id ORDER BY t.line) > 1
             OR row_number() OVER (PARTITION BY t.customer_id, t.name ORDER BY t.line) > 1
             THEN E'\tthe same list stands in an earlier line'
        END AS fault
    FROM staged_list t
    LEFT JOIN customer c ON c.id = t.customer_id
    LEFT JOIN list o ON o.id = t.id
    LEFT JOIN list k ON k.customer_id = t.customer_id AND k.name = t.name AND k.id <> t.id
    WHERE t.fault IS NULL
) j
WHERE j.line = s.line AND j.fault IS NOT NULL;

-- name: staged_list.merge
-- Enters lists, or brings them up to date.
WITH merged AS (
    INSERT INTO list AS l (id, customer_id, name, origin)
    SELECT s.id, s.customer_id, s.name, s.origin
    FROM staged_list s LEFT JOIN list o ON o.id = s.id
    WHERE s.fault IS NULL
      AND (o.id IS NULL OR (o.name, o.origin) IS DISTINCT FROM (s.name, s.origin))
    ON CONFLICT (id) DO UPDATE SET name = excluded.name, origin = excluded.origin, updated_at = now()
    RETURNING (xmax = 0) AS is_new
)
SELECT count(*) FILTER (WHERE is_new) AS inserted, count(*) FILTER (WHERE NOT is_new) AS updated FROM merged;

-- name: staged_list_member.create
-- Where the members of lists of an import wait.
CREATE TEMPORARY TABLE staged_list_member (
    list_id bigint, contact_id bigint, address text, norm text,
    supp text, domain text, address_fault text, phone_number text, source text DEFAULT 'import',
    added_at timestamptz
) INHERITS (staged_row) ON COMMIT DROP;

-- name: staged_list_member.recognise
-- The contacts that are named by their address, among those of the list's customer.
UPDATE staged_list_member s SET contact_id = c.id FROM list l, contact c
WHERE s.fault IS NULL AND s.contact_id IS NULL AND l.id = s.list_id AND c.customer_id = l.customer_id
  AND c.norm = s.norm AND c.address IS NOT NULL;

-- name: staged_list_member.recognise_phones
-- The contacts that are named by their phone number, among those of the list's customer.
UPDATE staged_list_member s SET contact_id = c.id FROM list l, contact c
WHERE s.fault IS NULL AND s.contact_id IS NULL AND s.norm IS NULL AND l.id = s.list_id
  AND c.customer_id = l.customer_id AND c.phone_number = s.phone_number AND c.address IS NULL;

-- name: staged_list_member.keep
-- What a file doesn't speak of ($1: the columns that it has) stays as it is.
UPDATE staged_list_member s
SET source = CASE WHEN 'source' = ANY ($1::text[]) THEN s.source ELSE m.source END,
    added_at = CASE WHEN 'added_at' = ANY ($1::text[]) THEN s.added_at ELSE m.added_at END
FROM list_member m WHERE m.list_id = s.list_id AND m.contact_id = s.contact_id AND s.fault IS NULL;

-- name: staged_list_member.judge
-- Members of no list, nobody as a member, somebody of another customer.
UPDATE staged_list_member s SET fault = j.fault
FROM (
    SELECT t.line, CASE
        WHEN l.id IS NULL THEN E'list_id\tno such list'
        WHEN c.id IS NULL OR c.customer_id <> l.customer_id THEN E'\tno such contact of the list''s customer'
        END AS fault
    FROM staged_list_member t
    LEFT JOIN list l ON l.id = t.list_id
    LEFT JOIN contact c ON c.id = t.contact_id
    WHERE t.fault IS NULL
) j
WHERE j.line = s.line AND j.fault IS NOT NULL;

-- name: staged_list_member.judge_repeats
-- Members that stand there twice.
UPDATE staged_list_member s SET fault = E'\tthe same member stands in an earlier line'
FROM (SELECT list_id, contact_id, min(line) AS line FROM staged_list_member WHERE fault IS NULL
      GROUP BY list_id, contact_id HAVING count(*) > 1) d
WHERE s.fault IS NULL AND d.list_id = s.list_id AND d.contact_id = s.contact_id AND s.line > d.line;

-- name: staged_list_member.merge
-- Enters members of lists, or brings them up to date.
WITH merged AS (
    INSERT INTO list_member AS m (list_id, contact_id, source, added_at)
    SELECT s.list_id, s.contact_id, s.source, coalesce(s.added_at, o.added_at, now())
    FROM staged_list_member s
    LEFT JOIN list_member o ON o.list_id = s.list_id AND o.contact_id = s.contact_id
    WHERE s.fault IS NULL
      AND (o.list_id IS NULL
           OR (o.source, o.added_at) IS DISTINCT FROM (s.source, coalesce(s.added_at, o.added_at)))
    ON CONFLICT (list_id, contact_id) DO UPDATE
        SET source = excluded.source, added_at = excluded.added_at
    RETURNING (xmax = 0) AS is_new
)
SELECT count(*) FILTER (WHERE is_new) AS inserted, count(*) FILTER (WHERE NOT is_new) AS updated FROM merged;

-- name: staged_suppression.create
-- Where the suppressions of an import wait; of the address only `supp` is stored.
CREATE TEMPORARY TABLE staged_suppression (
    customer_id bigint, address text, norm text, supp text, domain text,
    address_fault text, list_id bigint, effect text DEFAULT 'deny', kind text, reason text,
    source text DEFAULT 'operator', created_at timestamptz
) INHERITS (staged_row) ON COMMIT DROP;

-- name: staged_suppression.keep
-- What a file doesn't speak of ($1: the columns that it has) stays as it is.
UPDATE staged_suppression s
SET effect = CASE WHEN 'effect' = ANY ($1::text[]) THEN s.effect ELSE k.effect END,
    reason = CASE WHEN 'reason' = ANY ($1::text[]) THEN s.reason ELSE k.reason END,
    source = CASE WHEN 'source' = ANY ($1::text[]) THEN s.source ELSE k.source END,
    created_at = CASE WHEN 'created_at' = ANY ($1::text[]) THEN s.created_at ELSE k.created_at END
FROM suppression k
WHERE s.fault IS NULL AND k.lifted_at IS NULL AND k.customer_id = s.customer_id AND k.supp = s.supp
  AND coalesce(k.list_id, 0) = coalesce(s.list_id, 0) AND k.kind = s.kind;

-- name: staged_suppression.judge
-- Suppressions of nobody, or of a list that the customer hasn't.
UPDATE staged_suppression s SET fault = j.fault
FROM (
    SELECT t.line, CASE
        WHEN c.id IS NULL THEN E'customer_id\tno such customer'
        WHEN t.list_id IS NOT NULL AND l.id IS NULL THEN E'list_id\tno such list of the customer'
        END AS fault
    FROM staged_suppression t
    LEFT JOIN customer c ON c.id = t.customer_id
    LEFT JOIN list l ON l.id = t.list_id AND l.customer_id = t.customer_id
    WHERE t.fault IS NULL
) j
WHERE j.line = s.line AND j.fault IS NOT NULL;

-- name: staged_suppression.judge_repeats
-- Suppressions that stand there twice.
UPDATE staged_suppression s SET fault = E'\tthe same suppression stands in an earlier line'
FROM (SELECT customer_id, supp, coalesce(list_id, 0) AS list_id, kind, min(line) AS line
      FROM staged_suppression WHERE fault IS NULL
      GROUP BY customer_id, supp, coalesce(list_id, 0), kind HAVING count(*) > 1) d
WHERE s.fault IS NULL AND d.customer_id = s.customer_id AND d.supp = s.supp
  AND d.list_id = coalesce(s.list_id, 0) AND d.kind = s.kind AND s.line > d.line;

-- name: staged_suppression.merge
-- Enters suppressions, or brings them up to date.
WITH merged AS (
    INSERT INTO suppression AS k (customer_id, supp, scope, list_id, effect, kind, reason, source, created_at)
    SELECT s.customer_id, s.supp, CASE WHEN s.list_id IS NULL THEN 'all' ELSE 'list' END, s.list_id,
           s.effect, s.kind, s.reason, s.source, coalesce(s.created_at, o.created_at, now())
    FROM staged_suppression s
    LEFT JOIN suppression o
        ON o.lifted_at IS NULL AND o.customer_id = s.customer_id AND o.supp = s.supp
       AND coalesce(o.list_id, 0) = coalesce(s.list_id, 0) AND o.kind = s.kind
    WHERE s.fault IS NULL
      AND (o.id IS NULL
           OR (o.effect, o.reason, o.source, o.created_at)
              IS DISTINCT FROM (s.effect, s.reason, s.source, coalesce(s.created_at, o.created_at)))
    ON CONFLICT (customer_id, supp, scope, coalesce(list_id, 0), kind) WHERE lifted_at IS NULL DO UPDATE
        SET effect = excluded.effect, reason = excluded.reason, source = excluded.source,
            created_at = excluded.created_at
    RETURNING (xmax = 0) AS is_new
)
SELECT count(*) FILTER (WHERE is_new) AS inserted, count(*) FILTER (WHERE NOT is_new) AS updated FROM merged;
