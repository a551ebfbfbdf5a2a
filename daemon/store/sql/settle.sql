-- name: settle.jobs
-- The jobs that facts are about, locked in the order of their ids; whoever stores something that belongs
-- to one of them needn't wait for that.
SELECT id, customer_id, state, open, doubt, parts, expires_at, windows, requested, queued, no_address,
       invalid, excluded, duplicate, suppressed, not_found, inactive, sent, delivered, bounced, failed,
       expired, canceled, suppressed_late, in_doubt, handed, released, price
FROM job WHERE id = ANY ($1::uuid[]) ORDER BY id FOR NO KEY UPDATE;

-- name: settle.batches
-- The batches that facts are about, locked in the order of their ids, after the jobs.
SELECT id, job_id, job_on, lane_id, class, epoch, state
FROM batch WHERE id = ANY ($1::bigint[]) ORDER BY id FOR NO KEY UPDATE;

-- name: settle.retries
-- The retry rows that facts are about, locked in the order of their ids, after the batches.
SELECT id, epoch FROM retry WHERE id = ANY ($1::bigint[]) ORDER BY id FOR UPDATE;

-- name: settle.tries
-- The last try that was told of each of these deliveries, the first of whose jobs came on day $2: no
-- event of theirs is older, give or take a day of whoever sets clocks.
SELECT delivery_id, max(attempt) AS attempt FROM ledger
WHERE delivery_id = ANY ($1::bigint[]) AND at >= $2::date - 1 AND attempt IS NOT NULL
GROUP BY delivery_id;

-- name: settle.write
-- Writes what a group of facts came to: letters of batches (a batch without waiting and under way is
-- done and has no owner), retry rows, counters of jobs. Everything is locked already.
WITH letters AS (
    UPDATE batch b SET
        state = s.state,
        done = s.done,
        owner = CASE WHEN s.done THEN NULL ELSE b.owner END,
        rank = CASE WHEN s.done THEN NULL ELSE b.rank END
    FROM unnest($1::bigint[], $2::text[], $3::boolean[]) AS s (id, state, done)
    WHERE b.id = ANY ($1::bigint[]) AND b.id = s.id
), gone AS (
    DELETE FROM retry r USING unnest($4::bigint[], $5::integer[]) AS g (batch_id, position)
    WHERE r.batch_id = g.batch_id AND r.position = g.position
), put AS (
    INSERT INTO retry (batch_id, position, job_id, job_on, customer_id, lane_id, class, due_at, attempt)
    SELECT p.batch_id, p.position, p.job_id, p.job_on, p.customer_id, p.lane_id, p.class,
           -- what was under way when its job was paused waits like the rest of it
           CASE WHEN j.state <> 'canceled' AND (j.paused OR c.paused) THEN 'infinity'
                ELSE p.due_at END,
           p.attempt
    FROM unnest($6::bigint[], $7::smallint[], $8::uuid[], $9::date[], $10::bigint[],
                $11::bigint[], $12::smallint[], $13::timestamptz[], $14::integer[])
         AS p (batch_id, position, job_id, job_on, customer_id, lane_id, class, due_at, attempt)
    JOIN job j ON j.id = p.job_id
    JOIN customer c ON c.id = p.customer_id
    ON CONFLICT ON CONSTRAINT retry_one_per_delivery DO UPDATE
        SET due_at = excluded.due_at, attempt = excluded.attempt, owner = NULL, rank = NULL
)
UPDATE job j SET
    sent = j.sent + c.sent,
    bounced = j.bounced + c.bounced,
    failed = j.failed + c.failed,
    expired = j.expired + c.expired,
    canceled = j.canceled + c.canceled,
    suppressed_late = j.suppressed_late + c.suppressed_late,
    in_doubt = j.in_doubt + c.in_doubt,
    handed = j.handed + c.handed,
    released = j.released + c.released,
    started_at = coalesce(j.started_at, now()),
    state = CASE WHEN j.state = 'canceled' THEN j.state
                 WHEN c.completed THEN 'completed'
                 WHEN j.state = 'scheduled' THEN 'running'
                 ELSE j.state END,
    finished_at = CASE WHEN c.completed THEN now() ELSE j.finished_at END
FROM unnest($15::uuid[], $16::integer[], $17::integer[], $18::integer[], $19::integer[],
            $20::integer[], $21::integer[], $22::integer[], $23::integer[], $24::integer[],
            $25::boolean[])
     AS c (id, sent, bounced, failed, expired, canceled, suppressed_late, in_doubt, handed, released,
           completed)
WHERE j.id = ANY ($15::uuid[]) AND j.id = c.id;

-- name: settle.doubts
-- Remembers doubts; the same attempt is doubted once.
INSERT INTO doubt (delivery_id, job_id, customer_id, attempt, reason, relay, since, resolution, resolved_at)
SELECT d.delivery_id, d.job_id, d.customer_id, d.attempt, d.reason, d.relay, $8::timestamptz,
       d.resolution, CASE WHEN d.resolution IS NOT NULL THEN $8::timestamptz END
FROM unnest($1::bigint[], $2::uuid[], $3::bigint[], $4::integer[], $5::text[], $6::text[], $7::text[])
     AS d (delivery_id, job_id, customer_id, attempt, reason, relay, resolution)
ON CONFLICT ON CONSTRAINT doubt_once_per_attempt DO NOTHING;

-- name: settle.resolved
-- Ends the open doubts of deliveries that a late fact decided.
UPDATE doubt d SET resolution = r.resolution, resolved_at = now()
FROM unnest($1::bigint[], $2::text[]) AS r (delivery_id, resolution)
WHERE d.delivery_id = r.delivery_id AND d.resolution IS NULL;
