-- name: inquiry.job
-- A job of a customer, by its id, its ticket, or the id of a message or a delivery of it.
SELECT id, ticket, customer_id, campaign_id AS campaign, dialect, request_id, name, purpose, class, doubt,
       state, open, paused,
       (SELECT c.paused FROM customer c WHERE c.id = job.customer_id) AS customer_paused,
       frames, frames_expected, accepted_at, not_before, not_before_raw, expires_at, closes_at,
       settings -> 'send_window' AS send_window, (settings ->> 'too_late')::integer AS too_late,
       (settings ->> 'spread_over')::integer AS spread_over,
       coalesce((settings ->> 'recipient_local')::boolean, false) AS recipient_local,
       started_at, finished_at, coercions, price, handed, released, requested, queued, no_address,
       invalid, excluded, duplicate, suppressed, not_found, inactive, sent, delivered, bounced, failed,
       expired, canceled,
       suppressed_late, in_doubt, remaining,
       ARRAY(SELECT m.id FROM message m WHERE m.job_id = job.id ORDER BY m.position) AS messages
FROM job
WHERE customer_id = $1 AND id = CASE
    WHEN $2::uuid IS NOT NULL THEN $2
    WHEN $3::text IS NOT NULL THEN (SELECT j.id FROM job j WHERE j.ticket = $3)
    WHEN $4::bigint IS NOT NULL THEN (SELECT m.job_id FROM message m WHERE m.id = $4)
    ELSE (SELECT b.job_id FROM batch b WHERE b.id = $5::bigint / 512
            AND $5 % 512 < length(b.state))
END;

-- name: inquiry.deliveries
-- Deliveries of a job or of one message of it, from after $4 on; $5 are the letters wanted.
SELECT d.id, d.message_id, d.address, d.name, substr(b.state, (d.id % 512)::integer + 1, 1) AS letter,
       CASE WHEN r.id IS NOT NULL THEN nullif(r.due_at, 'infinity')
            WHEN substr(b.state, (d.id % 512)::integer + 1, 1) = 'w' THEN nullif(b.due_at, 'infinity')
       END AS due_at,
       coalesce(r.attempt, 0) AS tries
FROM batch b
CROSS JOIN LATERAL (
    SELECT d.id, d.message_id, d.address, d.name FROM delivery d
    WHERE d.job_on = b.job_on AND d.id BETWEEN b.id * 512 AND b.id * 512 + 511 AND d.id > $4
) d
LEFT JOIN retry r ON r.batch_id = b.id AND r.position = d.id % 512
WHERE b.customer_id = $1 AND b.job_id = $2 AND ($3::bigint IS NULL OR b.message_id = $3)
  AND b.id >= $4::bigint / 512 AND translate(b.state, $5::text, '') <> b.state
  AND strpos($5::text, substr(b.state, (d.id % 512)::integer + 1, 1)) > 0
ORDER BY b.id, d.id LIMIT $6;

-- name: inquiry.dropped
-- Whoever was asked for in a job and isn't delivered to, from after $2 on.
SELECT id, position, address, reason, detail
FROM dropped_recipient WHERE job_id = $1 AND id > $2 ORDER BY id LIMIT $3;

-- name: inquiry.doubts
-- Doubts of a customer that wait for a decision, of one job or all, from after $3 on. Where nobody
-- could say which relay it was (its instance died), it is the one of its lane.
SELECT o.id, o.delivery_id, o.job_id, o.attempt, o.reason,
       coalesce(o.relay, t.host || ':' || t.port) AS relay, o.since, d.address
FROM doubt o
JOIN batch b ON b.id = o.delivery_id / 512
JOIN delivery d ON d.job_on = b.job_on AND d.id = o.delivery_id
JOIN lane l ON l.id = b.lane_id
JOIN transport t ON t.id = l.transport_id
WHERE o.customer_id = $1 AND ($2::uuid IS NULL OR o.job_id = $2) AND o.resolution IS NULL AND o.id > $3
ORDER BY o.id LIMIT $4;
