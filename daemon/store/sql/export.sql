-- name: export.snapshot
-- Whatever this transaction reads is as of one moment.
SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY;

-- name: export.role
-- Every role, as an import reads it.
SELECT r.id, r.name, r.description, r.can_login::text,
       (SELECT string_agg(p.privilege || '=' || p.access, ' ' ORDER BY p.privilege)
        FROM role_privilege p WHERE p.role_id = r.id) AS privileges
FROM role r ORDER BY r.id;

-- name: export.customer
-- Every customer, as an import reads it.
SELECT id, parent_id, name, email, plan_id, timezone, language, country, status FROM customer ORDER BY id;

-- name: export.plan
-- Every plan, as an import reads it.
SELECT r.id, r.customer_id, r.name, r.currency, r.bill_type, trim_scale(r.price_per_email) AS price_per_email,
       r.max_recipients_per_request, r.max_requests_per_minute, r.max_recipients_per_day,
       r.max_recipients_per_month,
       (SELECT string_agg(v.privilege || '=' || v.allowed::text, ' ' ORDER BY v.privilege)
        FROM plan_privilege v WHERE v.plan_id = r.id) AS privileges
FROM rate_plan r ORDER BY r.id;

-- name: export.person
-- Everybody, as an import reads it; never a password's hash.
SELECT p.id, p.customer_id, p.username, r.name AS role, p.forename, p.surname, p.title, p.company,
       p.language, p.timezone, p.country, p.telephone, p.mobile,
       array_to_string(p.allowed_sources, ' ') AS allowed_sources, p.pseudo::text, p.no_mailing::text,
       p.retired::text, to_char(p.deleted_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') AS deleted_at,
       (SELECT string_agg(e.address, ' ' ORDER BY e.position, e.id)
        FROM person_email e WHERE e.person_id = p.id) AS addresses
FROM person p LEFT JOIN role r ON r.id = p.role_id ORDER BY p.id;

-- name: export.agent
-- Every agent, as an import reads it.
SELECT customer_id, person_id, kind, active::text FROM agent ORDER BY customer_id, person_id;

-- name: export.billing_contact
-- Every billing contact, as an import reads it.
SELECT id, customer_id, person_id, name, address, position, active::text FROM billing_contact ORDER BY id;

-- name: export.contact
-- Every contact, as an import reads it.
SELECT id, customer_id, address, phone_number, first_name, last_name, param1, param2, param3, param4, param5,
       custom::text, timezone, person_id, no_mailing::text
FROM contact ORDER BY id;

-- name: export.list
-- Every list, as an import reads it.
SELECT id, customer_id, name, origin FROM list ORDER BY id;

-- name: export.list_member
-- Every member of a list, as an import reads it.
SELECT list_id, contact_id, NULL AS address, NULL AS phone_number, source,
       to_char(added_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') AS added_at
FROM list_member ORDER BY list_id, contact_id;

-- name: export.suppression
-- Every suppression that counts, as an import reads it.
SELECT customer_id, supp AS address, list_id, effect, kind, reason, source,
       to_char(created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') AS created_at
FROM suppression WHERE lifted_at IS NULL ORDER BY id;

-- name: export.sender
-- Every custom sender, as an import reads it.
SELECT id, customer_id, name, address, reply_to, transport_id,
       to_char(verified_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') AS verified_at, active::text
FROM custom_sender ORDER BY id;

-- name: export.campaign
-- Every campaign, as an import reads it.
SELECT id, customer_id, name, type, active::text, transport_id, template_id, custom_sender_id AS sender_id,
       subject, html, created_by, source
FROM campaign ORDER BY id;

-- name: export.unsubscribe_text
-- Every text about unsubscribing, as an import reads it.
SELECT language, mention_html, mention_text, page_text FROM unsubscribe_text ORDER BY language;
