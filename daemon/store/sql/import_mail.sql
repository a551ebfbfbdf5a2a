-- name: staged_sender.create
-- Where the custom senders of an import wait.
CREATE TEMPORARY TABLE staged_sender (
    customer_id bigint, name text, address text,
    reply_to text, transport_id bigint, verified_at timestamptz, active boolean DEFAULT true
) INHERITS (staged_row) ON COMMIT DROP;

-- name: staged_sender.keep
-- What a file doesn't speak of ($1: the columns that it has) stays as it is.
UPDATE staged_sender s
SET name = CASE WHEN 'name' = ANY ($1::text[]) THEN s.name ELSE c.name END,
    reply_to = CASE WHEN 'reply_to' = ANY ($1::text[]) THEN s.reply_to ELSE c.reply_to END,
    transport_id = CASE WHEN 'transport_id' = ANY ($1::text[]) THEN s.transport_id ELSE c.transport_id END,
    verified_at = CASE WHEN 'verified_at' = ANY ($1::text[]) THEN s.verified_at ELSE c.verified_at END,
    active = CASE WHEN 'active' = ANY ($1::text[]) THEN s.active ELSE c.active END
FROM custom_sender c WHERE c.id = s.id AND s.fault IS NULL;

-- name: staged_sender.judge
-- Senders of nobody, of another customer than before, over another's transport, or there twice.
UPDATE staged_sender s SET fault = j.fault
FROM (
    SELECT t.line, CASE
        WHEN c.id IS NULL THEN E'customer_id\tno such customer'
        WHEN o.customer_id <> t.customer_id THEN E'id\tis a sender of another customer'
        WHEN t.transport_id IS NOT NULL AND w.id IS NULL
             THEN E'transport_id\tno such transport of the customer'
        WHEN row_number() OVER (PARTITION BY t.id ORDER BY t.line) > 1
             THEN E'\tthe same sender stands in an earlier line'
        END AS fault
    FROM staged_sender t
    LEFT JOIN customer c ON c.id = t.customer_id
    LEFT JOIN custom_sender o ON o.id = t.id
    LEFT JOIN transport w ON w.id = t.transport_id AND w.customer_id = t.customer_id
    WHERE t.fault IS NULL
) j
WHERE j.line = s.line AND j.fault IS NOT NULL;

-- name: staged_sender.merge
-- Enters senders, or brings them up to date.
WITH merged AS (
    INSERT INTO custom_sender AS c (id, customer_id, name, address, reply_to, transport_id, verified_at,
                                    active)
    SELECT s.id, s.customer_id, coalesce(s.name, ''), s.address, s.reply_to, s.transport_id,
           s.verified_at, s.active
    FROM staged_sender s LEFT JOIN custom_sender o ON o.id = s.id
    WHERE s.fault IS NULL
      AND (o.id IS NULL
           OR (o.name, o.address, o.reply_to, o.transport_id, o.verified_at, o.active)
              IS DISTINCT FROM
              (coalesce(s.name, ''), s.address, s.reply_to, s.transport_id, s.verified_at, s.active))
    ON CONFLICT (id) DO UPDATE
        SET name = excluded.name, address = excluded.address, reply_to = excluded.reply_to,
            transport_id = excluded.transport_id, verified_at = excluded.verified_at,
            active = excluded.active, updated_at = now()
    RETURNING (xmax = 0) AS is_new
)
SELECT count(*) FILTER (WHERE is_new) AS inserted, count(*) FILTER (WHERE NOT is_new) AS updated FROM merged;

-- name: staged_campaign.create
-- Where the campaigns of an import wait.
CREATE TEMPORARY TABLE staged_campaign (
    customer_id bigint, name text, type text DEFAULT 'simple',
    active boolean DEFAULT true, transport_id bigint, template_id bigint, sender_id bigint, subject text,
    html text, created_by bigint, source text DEFAULT 'operator'
) INHERITS (staged_row) ON COMMIT DROP;

-- name: staged_campaign.keep
-- What a file doesn't speak of ($1: the columns that it has) stays as it is.
UPDATE staged_campaign s
SET type = CASE WHEN 'type' = ANY ($1::text[]) THEN s.type ELSE c.type END,
    active = CASE WHEN 'active' = ANY ($1::text[]) THEN s.active ELSE c.active END,
    transport_id = CASE WHEN 'transport_id' = ANY ($1::text[]) THEN s.transport_id ELSE c.transport_id END,
    template_id = CASE WHEN 'template_id' = ANY ($1::text[]) THEN s.template_id ELSE c.template_id END,
    sender_id = CASE WHEN 'sender_id' = ANY ($1::text[]) THEN s.sender_id ELSE c.custom_sender_id END,
    subject = CASE WHEN 'subject' = ANY ($1::text[]) THEN s.subject ELSE c.subject END,
    html = CASE WHEN 'html' = ANY ($1::text[]) THEN s.html ELSE c.html END,
    created_by = CASE WHEN 'created_by' = ANY ($1::text[]) THEN s.created_by ELSE c.created_by END,
    source = CASE WHEN 'source' = ANY ($1::text[]) THEN s.source ELSE c.source END
FROM campaign c WHERE c.id = s.id AND s.fault IS NULL;

-- name: staged_campaign.judge
-- Campaigns of nobody, of another customer than before, with what isn't the customer's, or there twice.
UPDATE staged_campaign s SET fault = j.fault
FROM (
    SELECT t.line, CASE
        WHEN c.id IS NULL THEN E'customer_id\tno such customer'
        WHEN o.customer_id <> t.customer_id THEN E'id\tis a campaign of another customer'
        WHEN t.transport_id IS NOT NULL AND w.id IS NULL
             THEN E'transport_id\tno such transport of the customer'
        WHEN t.sender_id IS NOT NULL AND d.id IS NULL THEN E'sender_id\tno such sender of the customer'
        WHEN t.created_by IS NOT NULL AND p.id IS NULL THEN E'created_by\tno such person'
        WHEN row_number() OVER (PARTITION BY t.id ORDER BY t.line) > 1
             THEN E'\tthe same campaign stands in an earlier line'
        END AS fault
    FROM staged_campaign t
    LEFT JOIN customer c ON c.id = t.customer_id
    LEFT JOIN campaign o ON o.id = t.id
    LEFT JOIN transport w ON w.id = t.transport_id AND w.customer_id = t.customer_id
    LEFT JOIN custom_sender d ON d.id = t.sender_id AND d.customer_id = t.customer_id
    LEFT JOIN person p ON p.id = t.created_by
    WHERE t.fault IS NULL
) j
WHERE j.line = s.line AND j.fault IS NOT NULL;

-- name: staged_campaign.merge
-- Enters campaigns, or brings them up to date.
WITH merged AS (
    INSERT INTO campaign AS c (id, customer_id, name, type, active, transport_id, template_id,
                               custom_sender_id, subject, html, created_by, source)
    SELECT s.id, s.customer_id, s.name, s.type, s.active, s.transport_id, s.template_id, s.sender_id,
           s.subject, s.html, s.created_by, s.source
    FROM staged_campaign s LEFT JOIN campaign o ON o.id = s.id
    WHERE s.fault IS NULL
      AND (o.id IS NULL
           OR (o.name, o.type, o.active, o.transport_id, o.template_id, o.custom_sender_id, o.subject,
               o.html, o.created_by, o.source)
              IS DISTINCT FROM
              (s.name, s.type, s.active, s.transport_id, s.template_id, s.sender_id, s.subject, s.html,
               s.created_by, s.source))
    ON CONFLICT (id) DO UPDATE
        SET name = excluded.name, type = excluded.type, active = excluded.active,
            transport_id = excluded.transport_id, template_id = excluded.template_id,
            custom_sender_id = excluded.custom_sender_id, subject = excluded.subject,
            html = excluded.html, created_by = excluded.created_by, source = excluded.source,
            updated_at = now()
    RETURNING (xmax = 0) AS is_new
)
SELECT count(*) FILTER (WHERE is_new) AS inserted, count(*) FILTER (WHERE NOT is_new) AS updated FROM merged;

-- name: staged_unsubscribe_text.create
-- Where the texts about unsubscribing of an import wait.
CREATE TEMPORARY TABLE staged_unsubscribe_text (
    language text, mention_html text, mention_text text, page_text text
) INHERITS (staged_row) ON COMMIT DROP;

-- name: staged_unsubscribe_text.judge
-- Languages that stand there twice.
UPDATE staged_unsubscribe_text s SET fault = E'language\tstands in an earlier line'
FROM (SELECT language, min(line) AS line FROM staged_unsubscribe_text WHERE fault IS NULL
      GROUP BY language HAVING count(*) > 1) d
WHERE s.fault IS NULL AND d.language = s.language AND s.line > d.line;

-- name: staged_unsubscribe_text.merge
-- Enters texts, or brings them up to date.
WITH merged AS (
    INSERT INTO unsubscribe_text AS u (language, mention_html, mention_text, page_text)
    SELECT s.language, s.mention_html, s.mention_text, s.page_text
    FROM staged_unsubscribe_text s LEFT JOIN unsubscribe_text o ON o.language = s.language
    WHERE s.fault IS NULL
      AND (o.language IS NULL OR (o.mention_html, o.mention_text, o.page_text)
                                 IS DISTINCT FROM (s.mention_html, s.mention_text, s.page_text))
    ON CONFLICT (language) DO UPDATE
        SET mention_html = excluded.mention_html, mention_text = excluded.mention_text,
            page_text = excluded.page_text, updated_at = now()
    RETURNING (xmax = 0) AS is_new
)
SELECT count(*) FILTER (WHERE is_new) AS inserted, count(*) FILTER (WHERE NOT is_new) AS updated FROM merged;
