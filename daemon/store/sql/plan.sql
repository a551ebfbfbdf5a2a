-- name: plan.usage
-- What customers have used of the periods that run now, locked in their order, before any account of
-- credit. Days and months are those of the customer's zone. A period that is over begins anew; one that
-- somebody else has begun meanwhile goes on.
INSERT INTO plan_usage AS known (customer_id, period, begins, ends)
SELECT u.customer_id, u.period, date_trunc(u.period, z.here) AT TIME ZONE z.zone,
       (date_trunc(u.period, z.here) + ('1 ' || u.period)::interval) AT TIME ZONE z.zone
FROM unnest($1::bigint[], $2::text[]) AS u (customer_id, period)
JOIN customer c ON c.id = u.customer_id
CROSS JOIN LATERAL (SELECT c.timezone AS zone, now() AT TIME ZONE c.timezone AS here) z
ORDER BY u.customer_id, u.period
ON CONFLICT ON CONSTRAINT plan_usage_pkey DO UPDATE SET
    requests = CASE WHEN excluded.begins > known.begins THEN 0 ELSE known.requests END,
    recipients = CASE WHEN excluded.begins > known.begins THEN 0 ELSE known.recipients END,
    ends = CASE WHEN excluded.begins > known.begins THEN excluded.ends ELSE known.ends END,
    begins = greatest(known.begins, excluded.begins)
RETURNING customer_id, period, requests, recipients, ends;

-- name: plan.use
-- Writes what has been used; the rows are locked already.
UPDATE plan_usage p SET requests = u.requests, recipients = u.recipients
FROM unnest($1::bigint[], $2::text[], $3::integer[], $4::bigint[])
     AS u (customer_id, period, requests, recipients)
WHERE p.customer_id = u.customer_id AND p.period = u.period;
