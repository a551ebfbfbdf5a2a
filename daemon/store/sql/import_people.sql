-- name: staged_person.create
-- Where the people of an import wait; `addresses` are objects with all forms of each.
CREATE TEMPORARY TABLE staged_person (
    customer_id bigint, username text, role text,
    role_id bigint, forename text, surname text, title text, company text, language text,
    timezone text, country text, telephone text, mobile text, allowed_sources cidr[] DEFAULT '{}',
    pseudo boolean DEFAULT false, no_mailing boolean DEFAULT false, retired boolean DEFAULT false,
    deleted_at timestamptz, addresses jsonb DEFAULT '[]'
) INHERITS (staged_row) ON COMMIT DROP;

-- name: staged_person.recognise
-- People without an id who are there already, by their username.
UPDATE staged_person s SET id = p.id FROM person p
WHERE s.fault IS NULL AND s.id IS NULL AND p.username = s.username;

-- name: staged_person.number
-- An id for each of the people who has none.
UPDATE staged_person SET id = nextval('person_id_seq') WHERE fault IS NULL AND id IS NULL;

-- name: staged_person.keep
-- What a file doesn't speak of ($1: the columns that it has) stays as it is.
UPDATE staged_person s
SET username = CASE WHEN 'username' = ANY ($1::text[]) THEN s.username ELSE p.username END,
    role = CASE WHEN 'role' = ANY ($1::text[]) THEN s.role
                ELSE (SELECT r.name FROM role r WHERE r.id = p.role_id) END,
    forename = CASE WHEN 'forename' = ANY ($1::text[]) THEN s.forename ELSE p.forename END,
    surname = CASE WHEN 'surname' = ANY ($1::text[]) THEN s.surname ELSE p.surname END,
    title = CASE WHEN 'title' = ANY ($1::text[]) THEN s.title ELSE p.title END,
    company = CASE WHEN 'company' = ANY ($1::text[]) THEN s.company ELSE p.company END,
    language = CASE WHEN 'language' = ANY ($1::text[]) THEN s.language ELSE p.language END,
    timezone = CASE WHEN 'timezone' = ANY ($1::text[]) THEN s.timezone ELSE p.timezone END,
    country = CASE WHEN 'country' = ANY ($1::text[]) THEN s.country ELSE p.country END,
    telephone = CASE WHEN 'telephone' = ANY ($1::text[]) THEN s.telephone ELSE p.telephone END,
    mobile = CASE WHEN 'mobile' = ANY ($1::text[]) THEN s.mobile ELSE p.mobile END,
    allowed_sources = CASE WHEN 'allowed_sources' = ANY ($1::text[])
                           THEN s.allowed_sources ELSE p.allowed_sources END,
    pseudo = CASE WHEN 'pseudo' = ANY ($1::text[]) THEN s.pseudo ELSE p.pseudo END,
    no_mailing = CASE WHEN 'no_mailing' = ANY ($1::text[]) THEN s.no_mailing ELSE p.no_mailing END,
    retired = CASE WHEN 'retired' = ANY ($1::text[]) THEN s.retired ELSE p.retired END,
    deleted_at = CASE WHEN 'deleted_at' = ANY ($1::text[]) THEN s.deleted_at ELSE p.deleted_at END,
    addresses = CASE WHEN 'addresses' = ANY ($1::text[]) THEN s.addresses
                     ELSE (SELECT coalesce(jsonb_agg(jsonb_build_object(
                                      'address', e.address, 'norm', e.norm, 'supp', e.supp,
                                      'domain', e.domain, 'fault', e.fault) ORDER BY e.position, e.id), '[]')
                           FROM person_email e WHERE e.person_id = p.id) END
FROM person p WHERE p.id = s.id AND s.fault IS NULL;

-- name: staged_person.find_role
-- The roles that people have by name.
UPDATE staged_person s SET role_id = r.id FROM role r WHERE s.fault IS NULL AND r.name = s.role;

-- name: staged_person.judge
-- People of a customer or role that there isn't, of another customer than before, with another's
-- username, or there twice.
UPDATE staged_person s SET fault = j.fault
FROM (
    SELECT t.line, CASE
        WHEN c.id IS NULL THEN E'customer_id\tno such customer'
        WHEN o.customer_id <> t.customer_id THEN E'id\tis somebody of another customer'
        WHEN t.role IS NOT NULL AND t.role_id IS NULL THEN E'role\tno such role'
        WHEN u.id IS NOT NULL THEN E'username\tsomebody else has it'
        WHEN row_number() OVER (PARTITION BY t.id ORDER BY t.line) > 1
             OR (t.username IS NOT NULL
                 AND row_number() OVER (PARTITION BY t.username ORDER BY t.line) > 1)
             THEN E'\tthe same person stands in an earlier line'
        END AS fault
    FROM staged_person t
    LEFT JOIN customer c ON c.id = t.customer_id
    LEFT JOIN person o ON o.id = t.id
    LEFT JOIN person u ON u.username = t.username AND u.id <> t.id
    WHERE t.fault IS NULL
) j
WHERE j.line = s.line AND j.fault IS NOT NULL;

-- name: staged_person.merge
-- Enters people, or brings them up to date; those whose addresses differ count as changed.
WITH had AS (
    SELECT s.id, jsonb_agg(jsonb_build_object(
               'address', e.address, 'norm', e.norm, 'supp', e.supp, 'domain', e.domain,
               'fault', e.fault) ORDER BY e.position, e.id) AS addresses
    FROM staged_person s JOIN person_email e ON e.person_id = s.id
    WHERE s.fault IS NULL GROUP BY s.id
), merged AS (
    INSERT INTO person AS p (id, customer_id, username, role_id, forename, surname, title, company,
                             language, timezone, country, telephone, mobile, allowed_sources, pseudo,
                             no_mailing, retired, deleted_at)
    SELECT s.id, s.customer_id, s.username, s.role_id, s.forename, s.surname, s.title, s.company,
           s.language, s.timezone, s.country, s.telephone, s.mobile, s.allowed_sources, s.pseudo,
           s.no_mailing, s.retired, s.deleted_at
    FROM staged_person s
    LEFT JOIN person o ON o.id = s.id
    LEFT JOIN had ON had.id = s.id
    WHERE s.fault IS NULL
      AND (o.id IS NULL
           OR (o.username, o.role_id, o.forename, o.surname, o.title, o.company, o.language, o.timezone,
               o.country, o.telephone, o.mobile, o.allowed_sources, o.pseudo, o.no_mailing, o.retired,
               o.deleted_at)
              IS DISTINCT FROM
              (s.username, s.role_id, s.forename, s.surname, s.title, s.company, s.language, s.timezone,
               s.country, s.telephone, s.mobile, s.allowed_sources, s.pseudo, s.no_mailing, s.retired,
               s.deleted_at)
           OR coalesce(had.addresses, '[]') <> s.addresses)
    ON CONFLICT (id) DO UPDATE
        SET username = excluded.username, role_id = excluded.role_id, forename = excluded.forename,
            surname = excluded.surname, title = excluded.title, company = excluded.company,
            language = excluded.language, timezone = excluded.timezone, country = excluded.country,
            telephone = excluded.telephone, mobile = excluded.mobile,
            allowed_sources = excluded.allowed_sources, pseudo = excluded.pseudo,
            no_mailing = excluded.no_mailing, retired = excluded.retired,
            deleted_at = excluded.deleted_at, updated_at = now()
    RETURNING (xmax = 0) AS is_new
)
SELECT count(*) FILTER (WHERE is_new) AS inserted, count(*) FILTER (WHERE NOT is_new) AS updated FROM merged;

-- name: staged_person.forget_addresses
-- Takes away the addresses that somebody has no longer.
DELETE FROM person_email e USING staged_person s
WHERE s.fault IS NULL AND e.person_id = s.id
  AND NOT EXISTS (SELECT FROM jsonb_array_elements(s.addresses) a WHERE a->>'norm' = e.norm);

-- name: staged_person.address
-- Gives people their addresses, in the order in which they stand.
INSERT INTO person_email AS known (person_id, address, norm, supp, domain, fault, position)
SELECT s.id, a.value->>'address', a.value->>'norm', a.value->>'supp', a.value->>'domain',
       a.value->>'fault', a.place - 1
FROM staged_person s, jsonb_array_elements(s.addresses) WITH ORDINALITY a (value, place)
WHERE s.fault IS NULL
ON CONFLICT ON CONSTRAINT person_email_is_once_his DO UPDATE
    SET address = excluded.address, supp = excluded.supp, domain = excluded.domain,
        fault = excluded.fault, position = excluded.position, updated_at = now()
    WHERE (known.address, known.supp, known.domain, known.fault, known.position)
          IS DISTINCT FROM (excluded.address, excluded.supp, excluded.domain, excluded.fault, excluded.position);

-- name: staged_agent.create
-- Where the agents of an import wait.
CREATE TEMPORARY TABLE staged_agent (
    customer_id bigint, person_id bigint, kind text DEFAULT 'agent',
    active boolean DEFAULT true
) INHERITS (staged_row) ON COMMIT DROP;

-- name: staged_agent.keep
-- What a file doesn't speak of ($1: the columns that it has) stays as it is.
UPDATE staged_agent s
SET kind = CASE WHEN 'kind' = ANY ($1::text[]) THEN s.kind ELSE a.kind END,
    active = CASE WHEN 'active' = ANY ($1::text[]) THEN s.active ELSE a.active END
FROM agent a WHERE a.customer_id = s.customer_id AND a.person_id = s.person_id AND s.fault IS NULL;

-- name: staged_agent.judge
-- Agents of or for nobody, there twice, or a second owner.
UPDATE staged_agent s SET fault = j.fault
FROM (
    SELECT t.line, CASE
        WHEN c.id IS NULL THEN E'customer_id\tno such customer'
        WHEN p.id IS NULL THEN E'person_id\tno such person'
        WHEN row_number() OVER (PARTITION BY t.customer_id, t.person_id ORDER BY t.line) > 1
             THEN E'\tthe same agent stands in an earlier line'
        WHEN t.kind = 'owner'
             AND (row_number() OVER (PARTITION BY t.customer_id, t.kind ORDER BY t.line) > 1
                  OR EXISTS (SELECT FROM agent a
                             WHERE a.customer_id = t.customer_id AND a.kind = 'owner'
                               AND NOT EXISTS (SELECT FROM staged_agent q
                                               WHERE q.fault IS NULL AND q.customer_id = a.customer_id
                                                 AND q.person_id = a.person_id)))
             THEN E'kind\tthe customer has another owner'
        END AS fault
    FROM staged_agent t
    LEFT JOIN customer c ON c.id = t.customer_id
    LEFT JOIN person p ON p.id = t.person_id
    WHERE t.fault IS NULL
) j
WHERE j.line = s.line AND j.fault IS NOT NULL;

-- name: staged_agent.merge
-- Enters agents, or brings them up to date; whoever owns no longer before whoever owns now.
WITH merged AS (
    INSERT INTO agent AS a (customer_id, person_id, kind, active)
    SELECT s.customer_id, s.person_id, s.kind, s.active
    FROM staged_agent s
    LEFT JOIN agent o ON o.customer_id = s.customer_id AND o.person_id = s.person_id
    WHERE s.fault IS NULL
      AND (o.person_id IS NULL OR (o.kind, o.active) IS DISTINCT FROM (s.kind, s.active))
    ORDER BY s.kind
    ON CONFLICT (customer_id, person_id) DO UPDATE
        SET kind = excluded.kind, active = excluded.active, updated_at = now()
    RETURNING (xmax = 0) AS is_new
)
SELECT count(*) FILTER (WHERE is_new) AS inserted, count(*) FILTER (WHERE NOT is_new) AS updated FROM merged;

-- name: staged_billing_contact.create
-- Where the billing contacts of an import wait.
CREATE TEMPORARY TABLE staged_billing_contact (
    customer_id bigint, person_id bigint, name text,
    address text, norm text, supp text, domain text, address_fault text, position integer DEFAULT 0,
    active boolean DEFAULT true
) INHERITS (staged_row) ON COMMIT DROP;

-- name: staged_billing_contact.recognise
-- Those without an id that are there already, by their person, or by their address.
UPDATE staged_billing_contact s SET id = b.id FROM billing_contact b
WHERE s.fault IS NULL AND s.id IS NULL AND b.customer_id = s.customer_id
  AND (b.person_id = s.person_id OR b.norm = s.norm);

-- name: staged_billing_contact.number
-- An id for each that has none.
UPDATE staged_billing_contact SET id = nextval('billing_contact_id_seq') WHERE fault IS NULL AND id IS NULL;

-- name: staged_billing_contact.keep
-- What a file doesn't speak of ($1: the columns that it has) stays as it is; whom it names, and how, is
-- one thing.
UPDATE staged_billing_contact s
SET person_id = CASE WHEN '{person_id,address}'::text[] && $1::text[] THEN s.person_id ELSE b.person_id END,
    address = CASE WHEN '{person_id,address}'::text[] && $1::text[] THEN s.address ELSE b.address END,
    norm = CASE WHEN '{person_id,address}'::text[] && $1::text[] THEN s.norm ELSE b.norm END,
    supp = CASE WHEN '{person_id,address}'::text[] && $1::text[] THEN s.supp ELSE b.supp END,
    domain = CASE WHEN '{person_id,address}'::text[] && $1::text[] THEN s.domain ELSE b.domain END,
    address_fault = CASE WHEN '{person_id,address}'::text[] && $1::text[]
                         THEN s.address_fault ELSE b.fault END,
    name = CASE WHEN 'name' = ANY ($1::text[]) THEN s.name ELSE b.name END,
    position = CASE WHEN 'position' = ANY ($1::text[]) THEN s.position ELSE b.position END,
    active = CASE WHEN 'active' = ANY ($1::text[]) THEN s.active ELSE b.active END
FROM billing_contact b WHERE b.id = s.id AND s.fault IS NULL;

-- name: staged_billing_contact.judge
-- Those of or for nobody, of another customer than before, or there twice.
UPDATE staged_billing_contact s SET fault = j.fault
FROM (
    SELECT t.line, CASE
        WHEN c.id IS NULL THEN E'customer_id\tno such customer'
        WHEN o.customer_id <> t.customer_id THEN E'id\tis a billing contact of another customer'
        WHEN t.person_id IS NULL AND t.norm IS NULL THEN E'\tone of person_id, address must be filled'
        WHEN t.person_id IS NOT NULL AND p.id IS NULL THEN E'person_id\tno such person'
        WHEN EXISTS (SELECT FROM billing_contact b
                     WHERE b.customer_id = t.customer_id AND b.id <> t.id
                       AND (b.person_id = t.person_id OR b.norm = t.norm))
             THEN E'\tanother billing contact of the customer is the same'
        WHEN row_number() OVER (PARTITION BY t.id ORDER BY t.line) > 1
             OR row_number() OVER (PARTITION BY t.customer_id, t.person_id, t.norm ORDER BY t.line) > 1
             THEN E'\tthe same billing contact stands in an earlier line'
        END AS fault
    FROM staged_billing_contact t
    LEFT JOIN customer c ON c.id = t.customer_id
    LEFT JOIN person p ON p.id = t.person_id
    LEFT JOIN billing_contact o ON o.id = t.id
    WHERE t.fault IS NULL
) j
WHERE j.line = s.line AND j.fault IS NOT NULL;

-- name: staged_billing_contact.merge
-- Enters billing contacts, or brings them up to date.
WITH merged AS (
    INSERT INTO billing_contact AS b (id, customer_id, person_id, name, address, norm, supp, domain,
                                      fault, position, active)
    SELECT s.id, s.customer_id, s.person_id, s.name, s.address, s.norm, s.supp, s.domain,
           s.address_fault, s.position, s.active
    FROM staged_billing_contact s LEFT JOIN billing_contact o ON o.id = s.id
    WHERE s.fault IS NULL
      AND (o.id IS NULL
           OR (o.person_id, o.name, o.address, o.norm, o.supp, o.domain, o.fault, o.position, o.active)
              IS DISTINCT FROM
              (s.person_id, s.name, s.address, s.norm, s.supp, s.domain, s.address_fault, s.position, s.active))
    ON CONFLICT (id) DO UPDATE
        SET person_id = excluded.person_id, name = excluded.name, address = excluded.address,
            norm = excluded.norm, supp = excluded.supp, domain = excluded.domain,
            fault = excluded.fault, position = excluded.position, active = excluded.active,
            updated_at = now()
    RETURNING (xmax = 0) AS is_new
)
SELECT count(*) FILTER (WHERE is_new) AS inserted, count(*) FILTER (WHERE NOT is_new) AS updated FROM merged;
