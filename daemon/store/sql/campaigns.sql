-- name: campaign.all
-- A page of a customer's campaigns ($1), or of everybody's, from after $2 on, without their content; only
-- those that are on, or off, if $4 says so.
SELECT id, customer_id AS customer, name, type, active, NULL AS subject, NULL AS html,
       custom_sender_id AS sender, transport_id AS transport, template_id AS template, created_by,
       source, created_at
FROM campaign
WHERE ($1::bigint IS NULL OR customer_id = $1) AND ($4::boolean IS NULL OR active = $4) AND id > $2
ORDER BY id LIMIT $3;

-- name: campaign.one
-- One campaign, whoever's it is.
SELECT id, customer_id AS customer, name, type, active, subject, html, custom_sender_id AS sender,
       transport_id AS transport, template_id AS template, created_by, source, created_at
FROM campaign WHERE id = $1;

-- name: campaign.hold
-- The same; nobody switches it meanwhile.
SELECT id, customer_id AS customer, name, type, active, subject, html, custom_sender_id AS sender,
       transport_id AS transport, template_id AS template, created_by, source, created_at
FROM campaign WHERE id = $1 FOR SHARE;

-- name: campaign.owner
-- Whose a campaign is.
SELECT customer_id FROM campaign WHERE id = $1;

-- name: campaign.has
-- Whether a sender ($2) and a transport ($3) are this customer's; what isn't asked for is.
SELECT $2::bigint IS NULL
           OR EXISTS (SELECT FROM custom_sender WHERE customer_id = $1 AND id = $2) AS sender,
       $3::bigint IS NULL
           OR EXISTS (SELECT FROM transport WHERE customer_id = $1 AND id = $3) AS transport;

-- name: campaign.enter
-- A new campaign, asked for by request.
INSERT INTO campaign (customer_id, name, type, active, subject, html, custom_sender_id, transport_id,
                      created_by, source)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 'api')
RETURNING id;

-- name: campaign.switch
-- Switches a campaign on or off; no row when it is so already.
UPDATE campaign SET active = $2, updated_at = now() WHERE id = $1 AND active <> $2;

-- name: campaign.jobs
-- The jobs of a customer ($1) that are booked under a campaign ($2): how many in each state, with the
-- numbers of all of them. Of how many were asked for nobody knows while one is open, or is being expanded.
SELECT state, count(*) AS jobs,
       CASE WHEN bool_and(requested IS NOT NULL) THEN sum(requested) END AS requested,
       sum(queued) AS queued, sum(no_address) AS no_address, sum(invalid) AS invalid,
       sum(excluded) AS excluded, sum(duplicate) AS duplicate, sum(suppressed) AS suppressed,
       sum(not_found) AS not_found, sum(inactive) AS inactive, sum(sent) AS sent,
       sum(delivered) AS delivered, sum(bounced) AS bounced, sum(failed) AS failed,
       sum(expired) AS expired, sum(canceled) AS canceled, sum(suppressed_late) AS suppressed_late,
       sum(in_doubt) AS in_doubt, sum(remaining) AS remaining
FROM job WHERE ($1::bigint IS NULL OR customer_id = $1) AND campaign_id = $2
GROUP BY state ORDER BY state;
