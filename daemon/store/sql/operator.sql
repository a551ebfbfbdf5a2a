-- name: operator.find
-- Jobs of any customer by id, by ticket, or by a request id that several may have used; newest first.
SELECT f.id, f.customer_id FROM (
    SELECT id, customer_id, accepted_at FROM job WHERE id = $1::uuid
    UNION
    SELECT id, customer_id, accepted_at FROM job WHERE ticket = $2::text
    UNION
    SELECT id, customer_id, accepted_at FROM job WHERE request_id = $2::text
) f
ORDER BY f.accepted_at DESC LIMIT 10;

-- name: operator.find_by_delivery
-- The job of a delivery, of any customer.
SELECT job_id AS id, customer_id FROM batch
WHERE id = $1::bigint / 512 AND $1 % 512 < length(state);

-- name: operator.find_event
-- What an event is about, by its stream's prefix and its number.
SELECT l.job_id, l.delivery_id, l.type, l.at, l.customer_id, l.data
FROM stream s JOIN ledger l ON l.stream = s.number AND l.seq = $2
WHERE s.prefix = $1;

-- name: operator.find_refusal
-- The last refusal since $2 of a request that was called $1; what is about no job are refusals, and
-- little else.
SELECT l.job_id, l.delivery_id, l.type, l.at, l.customer_id, l.data
FROM ledger l
WHERE l.delivery_id IS NULL AND l.job_id IS NULL AND l.type = 'request.rejected' AND l.at >= $2
  AND l.data ->> 'request_id' = $1
ORDER BY l.at DESC LIMIT 1;

-- name: operator.early
-- Frames and closes that came before their send, under a request id: whose, which, until when.
SELECT customer_id, array_agg(part ORDER BY part) AS parts, min(expires_at) AS expires_at
FROM frame WHERE request_id = $1 AND expires_at > now()
GROUP BY customer_id ORDER BY customer_id;

-- name: operator.job
-- A job with its customer and the way its mail takes: all that its deliveries may wait for.
SELECT j.id, j.ticket, j.request_id, j.dialect, j.customer_id, c.name AS customer, j.state, j.open,
       j.paused, c.paused AS customer_paused, j.class AS klass, j.doubt, j.accepted_at, j.not_before,
       j.expires_at, j.closes_at, j.started_at, j.finished_at, j.frames, j.frames_expected, j.lane_id,
       t.id AS transport_id, t.name AS transport, t.host, t.port, t.active, j.queued, j.remaining,
       j.in_doubt, j.campaign_id, now() AS now, j.settings,
       CASE WHEN NOT j.windows @> now() THEN due_within(now(), j.windows, j.expires_at) END AS opens_at,
       (SELECT upper(w.span) FROM unnest(j.windows) AS w (span) WHERE w.span @> now()) AS shuts_at,
       greatest(e.due_at, e.again_at) AS search_at, coalesce(e.tries, 0) AS searches,
       coalesce(e.trouble, '') AS trouble
FROM job j
LEFT JOIN expansion e ON e.job_id = j.id
JOIN customer c ON c.id = j.customer_id
JOIN lane l ON l.id = j.lane_id
JOIN transport t ON t.id = l.transport_id
WHERE j.id = $1;

-- name: operator.lane
-- How busy a lane is: its limits, what living instances were granted of them, and how long its rate
-- is spent already; and who is alive at all.
SELECT l.max_connections, l.max_per_second,
       (SELECT coalesce(sum(g.connections), 0) FROM lane_grant g
        JOIN instance i ON i.id = g.instance AND i.lease_until > now()
        WHERE g.lane_id = l.id)::integer AS granted,
       greatest(extract(epoch FROM nullif(l.paced_until, '-infinity') - now()), 0)::double precision
           AS paced,
       (SELECT count(*) FROM instance WHERE lease_until > now())::integer AS alive,
       (SELECT count(*) FROM instance WHERE lease_until > now() AND NOT draining AND brake = '')::integer
           AS starting,
       ARRAY(SELECT name || ' (' || brake || ')' FROM instance
             WHERE lease_until > now() AND brake <> '' ORDER BY name) AS braked
FROM lane l WHERE l.id = $1;

-- name: operator.delivery
-- One delivery with its letter, and whatever it is held by: its retry row, else its batch.
SELECT d.id, d.job_id, d.message_id, d.customer_id, d.address, b.lane_id, b.class,
       substr(b.state, $2::integer + 1, 1) AS letter, r.id IS NOT NULL AS has_retry_row,
       CASE WHEN r.id IS NULL THEN b.due_at ELSE r.due_at END AS due_at,
       CASE WHEN r.id IS NULL THEN b.rank ELSE r.rank END AS rank,
       coalesce(r.attempt, 0) AS tries, b.permitted_at,
       i.name AS owner, i.lease_until > now() AS owner_is_alive, coalesce(i.brake, '') AS brake,
       d.path,
       CASE WHEN r.id IS NULL THEN b.owner ELSE r.owner END AS owner_id
FROM batch b
JOIN delivery d ON d.job_on = b.job_on AND d.id = b.id * 512 + $2
LEFT JOIN retry r ON r.batch_id = b.id AND r.position = $2
LEFT JOIN instance i ON i.id = CASE WHEN r.id IS NULL THEN b.owner ELSE r.owner END
WHERE b.id = $1::bigint;

-- name: operator.ahead
-- How many deliveries of a lane and class are ready and ranked before one of this rank.
SELECT (SELECT coalesce(sum(state_count(state, 'w')), 0) FROM batch
        WHERE lane_id = $1 AND class = $2 AND rank IS NOT NULL AND owner IS NULL AND NOT done
          AND rank < $3)
       + (SELECT count(*) FROM retry
          WHERE lane_id = $1 AND class = $2 AND rank IS NOT NULL AND owner IS NULL AND rank < $3);

-- name: operator.story
-- Everything on record of one delivery, oldest first, and whether it has been told.
SELECT s.prefix, l.seq, l.at, l.type, l.attempt, l.step, l.code, l.enhanced, l.text, l.relay,
       l.next_at, l.data, l.seq <= s.told_seq AS told
FROM ledger l JOIN stream s ON s.number = l.stream
WHERE l.delivery_id = $1
ORDER BY l.at, l.attempt, l.step, l.stream, l.seq;

-- name: operator.job_story
-- Everything on record of one job itself, oldest first, and whether it has been told.
SELECT s.prefix, l.seq, l.at, l.type, l.attempt, l.step, l.code, l.enhanced, l.text, l.relay,
       l.next_at, l.data, l.seq <= s.told_seq AS told
FROM ledger l JOIN stream s ON s.number = l.stream
WHERE l.delivery_id IS NULL AND l.job_id = $1
ORDER BY l.at, l.stream, l.seq;

-- name: operator.open
-- What is still open of a job, by where it stands and for when: whether its retry rows or its batches
-- hold it, whether these are ready or claimed, and how many; what is spread and not due yet together.
SELECT false AS retries, b.rank IS NOT NULL AS ready, b.owner IS NOT NULL AS claimed,
       min(b.due_at) AS due_at, max(b.due_at) AS last_at, sum(state_count(b.state, 'wu'))::integer AS count
FROM batch b JOIN job j ON j.id = b.job_id
WHERE b.job_id = $1 AND NOT b.done
GROUP BY 2, 3, CASE WHEN j.spread IS NULL OR b.due_at <= now() OR b.due_at = 'infinity' THEN b.due_at END
UNION ALL
SELECT true, r.rank IS NOT NULL, r.owner IS NOT NULL, min(r.due_at), max(r.due_at), count(*)::integer
FROM retry r
WHERE r.job_id = $1
GROUP BY 2, 3
ORDER BY due_at
LIMIT $2;

-- name: operator.addressed
-- The latest deliveries to an address, of any customer, of jobs accepted since a day.
SELECT d.id, d.job_id, d.customer_id, j.ticket, j.name, j.accepted_at,
       substr(b.state, (d.id % 512)::integer + 1, 1) AS letter
FROM delivery d
JOIN batch b ON b.id = d.id / 512
JOIN job j ON j.id = d.job_id
WHERE d.job_on >= $2 AND d.norm = $1
ORDER BY d.id DESC LIMIT $3;

-- name: operator.left_out
-- Where an address was asked for and left out, of any customer, in jobs accepted since a day.
SELECT p.job_id, j.customer_id, j.ticket, j.accepted_at, p.reason, p.detail
FROM dropped_recipient p JOIN job j ON j.id = p.job_id
WHERE lower(p.address) = $1 AND j.job_on >= $2
ORDER BY p.id DESC LIMIT $3;

-- name: operator.suppressions
-- Who doesn't write to an address any more, and since when.
SELECT customer_id, scope, list_id, kind, reason, source, created_at
FROM suppression WHERE supp = $1 AND effect = 'deny' AND lifted_at IS NULL
ORDER BY created_at LIMIT $2;

-- name: operator.doubts
-- Doubts of any customer that wait for a decision, of one job or of all, the oldest first. Where
-- nobody could say which relay it was (its instance died), it is the one of its lane.
SELECT o.id, o.delivery_id, o.job_id, o.customer_id, o.attempt, o.reason,
       coalesce(o.relay, t.host || ':' || t.port) AS relay, o.since, d.address
FROM doubt o
JOIN batch b ON b.id = o.delivery_id / 512
JOIN delivery d ON d.job_on = b.job_on AND d.id = o.delivery_id
JOIN lane l ON l.id = b.lane_id
JOIN transport t ON t.id = l.transport_id
WHERE o.resolution IS NULL AND ($1::uuid IS NULL OR o.job_id = $1) AND o.id > $2
ORDER BY o.id LIMIT $3;

-- name: operator.doubt_since
-- Since when a delivery is in doubt, undecided.
SELECT min(since) FROM doubt WHERE delivery_id = $1 AND resolution IS NULL;

-- name: operator.instances
-- Who is there, and what each has in hand.
SELECT i.id, i.name, i.host, i.version, i.started_at, i.lease_until > now() AS alive, i.draining,
       i.brake,
       extract(epoch FROM i.lease_until - now())::double precision AS lease_left,
       (SELECT count(*) FROM batch b WHERE b.owner = i.id) AS batches,
       (SELECT count(*) FROM retry r WHERE r.owner = i.id) AS retries,
       (SELECT coalesce(sum(g.connections), 0) FROM lane_grant g WHERE g.instance = i.id) AS connections,
       (SELECT coalesce(sum(s.last_seq - s.told_seq), 0) FROM stream s WHERE s.teller = i.id)::bigint
           AS untold
FROM instance i ORDER BY i.started_at;
