-- name: control.job
-- A job of a customer, locked, with what control looks at. Its batches and retry rows come after.
SELECT id, state, paused, open, finished_at IS NOT NULL AS is_finished, not_before, expires_at,
       queued, remaining, released, price, settings, windows,
       extract(epoch FROM expires_after)::double precision AS expires_after
FROM job WHERE id = $2 AND customer_id = $1 FOR UPDATE;

-- name: control.job_of
-- The job of a delivery, if it is the customer's.
SELECT job_id FROM batch WHERE id = $2 AND customer_id = $1;

-- name: control.batches
-- Locks all batches of a job, in the order of their ids.
SELECT FROM batch WHERE job_id = $1 ORDER BY id FOR UPDATE;

-- name: control.retries
-- Locks all retry rows of a job, in the order of their ids, after its batches.
SELECT FROM retry WHERE job_id = $1 ORDER BY id FOR UPDATE;

-- name: control.cancel
-- Takes back what waits or is deferred, and ends the job with that; what is under way or retrying ends
-- by itself. Everything is locked already. An open job is closed by it: how many were asked for is
-- known then.
WITH counted AS (
    SELECT coalesce(sum(state_count(state, 'wd')), 0)::integer AS number FROM batch WHERE job_id = $1
), gone AS (
    DELETE FROM retry r USING batch b
    WHERE r.job_id = $1 AND b.id = r.batch_id AND substr(b.state, r.position + 1, 1) = 'd'
), letters AS (
    UPDATE batch SET
        state = translate(state, 'wd', 'cc'),
        done = state_count(state, 'u') = 0,
        owner = CASE WHEN state_count(state, 'u') > 0 THEN owner END,
        rank = CASE WHEN state_count(state, 'u') > 0 THEN rank END
    WHERE job_id = $1 AND translate(state, 'wd', '') <> state
)
UPDATE job j SET
    state = 'canceled', open = false, closes_at = NULL, paused = false,
    canceled = j.canceled + c.number,
    released = j.released + c.number,
    requested = j.queued + j.no_address + j.invalid + j.excluded + j.duplicate + j.suppressed
                + j.not_found + j.inactive,
    finished_at = CASE WHEN j.remaining = c.number AND j.in_doubt = 0 THEN now() END
FROM counted c WHERE j.id = $1
RETURNING c.number, j.finished_at IS NOT NULL AS is_finished;

-- name: control.canceled
-- How many the last cancel of a job took back, or the last of a branch of it ($2), and what that gave
-- back, as it was told.
SELECT (data ->> 'canceled')::integer AS number, data ->> 'refund' AS refund FROM ledger
WHERE delivery_id IS NULL AND job_id = $1 AND type = 'job.canceled'
  AND (data ->> 'customer')::bigint IS NOT DISTINCT FROM $2
ORDER BY at DESC LIMIT 1;

-- name: control.cancel_branch
-- Takes back what waits or is deferred of those in a job who were found at a customer or below him, and
-- says how many of them there are at all. Everything is locked already; the job goes on with the others,
-- or is complete.
WITH RECURSIVE branch (id) AS (
    SELECT $2::bigint UNION SELECT c.id FROM branch b JOIN customer c ON c.parent_id = b.id
), meant AS MATERIALIZED (
    SELECT b.id, (d.id % 512)::integer AS position, substr(b.state, (d.id % 512)::integer + 1, 1) AS letter
    FROM batch b
    JOIN delivery d ON d.job_on = b.job_on AND d.id BETWEEN b.id * 512 AND b.id * 512 + 511
    WHERE b.job_id = $1 AND (d.path ->> 'customer')::bigint IN (SELECT id FROM branch)
), taken AS MATERIALIZED (
    SELECT id, array_agg(position) AS positions, count(*) AS number
    FROM meant WHERE letter IN ('w', 'd') GROUP BY id
), gone AS (
    DELETE FROM retry r USING taken t WHERE r.batch_id = t.id AND r.position = ANY (t.positions)
), letters AS (
    UPDATE batch b SET
        state = m.state,
        done = state_count(m.state, 'wu') = 0,
        owner = CASE WHEN state_count(m.state, 'wu') > 0 THEN b.owner END,
        rank = CASE WHEN state_count(m.state, 'wu') > 0 THEN b.rank END
    FROM taken t CROSS JOIN LATERAL (
        SELECT state_marked(o.state, t.positions, 'c') AS state FROM batch o WHERE o.id = t.id) m
    WHERE b.id = t.id
), counted AS (
    SELECT coalesce(sum(number), 0)::integer AS number FROM taken
), ended AS (
    SELECT j.id, c.number, j.remaining = c.number AND j.in_doubt = 0 AND NOT j.open AS is_finished
    FROM job j CROSS JOIN counted c WHERE j.id = $1
)
UPDATE job j SET
    canceled = j.canceled + e.number,
    released = j.released + e.number,
    state = CASE WHEN e.is_finished THEN 'completed' ELSE j.state END,
    finished_at = CASE WHEN e.is_finished THEN now() END
FROM ended e WHERE j.id = e.id
RETURNING e.number, (SELECT count(*) FROM meant)::integer AS meant, e.is_finished,
          (SELECT count(*) FROM meant WHERE letter IN ('u', 'r'))::integer AS under_way;

-- name: control.delivery
-- One delivery with its place, locked; its job is locked already.
SELECT b.id AS batch_id, b.job_id, b.job_on, b.customer_id, b.message_id, b.lane_id, b.class, b.epoch,
       substr(b.state, $2::integer + 1, 1) AS letter, r.id AS retry_id, r.epoch AS retry_epoch, r.attempt,
       d.id, d.address, d.path
FROM batch b
JOIN delivery d ON d.job_on = b.job_on AND d.id = b.id * 512 + $2
LEFT JOIN retry r ON r.batch_id = b.id AND r.position = $2
WHERE b.id = $1 AND b.job_id = $3 FOR UPDATE OF b;

-- name: control.pause_job
-- Sets or lifts the flag of a job.
UPDATE job SET paused = $2 WHERE id = $1;

-- name: control.hold_batches
-- Puts off what isn't done of some jobs, for ever. Whoever holds one gives it back: its permits refuse.
UPDATE batch SET due_at = 'infinity', rank = CASE WHEN owner IS NOT NULL THEN rank END
WHERE job_id = ANY ($1::uuid[]) AND NOT done;

-- name: control.hold_retries
-- Puts off the deferred deliveries of some jobs, for ever.
UPDATE retry SET due_at = 'infinity', rank = CASE WHEN owner IS NOT NULL THEN rank END
WHERE job_id = ANY ($1::uuid[]);

-- name: control.free_batches
-- Makes what was put off due again, at its time or at once, or when its window opens.
UPDATE batch b SET due_at = due_within(
    greatest(due_spread(j.not_before, j.spread, b.part::double precision / j.parts), now()),
    j.windows, j.expires_at)
FROM job j
WHERE j.id = b.job_id AND j.id = ANY ($1::uuid[]) AND b.due_at = 'infinity' AND NOT b.done;

-- name: control.free_retries
-- Makes deferred deliveries that were put off due at once, or at their own time, or when their window
-- opens.
UPDATE retry r SET due_at = due_within(greatest(now(), r.not_before), j.windows, j.expires_at)
FROM job j
WHERE j.id = r.job_id AND r.job_id = ANY ($1::uuid[]) AND r.due_at = 'infinity';

-- name: control.customer
-- A customer, locked against accepts under way: a job's reference to him waits for us, or we for it.
SELECT paused FROM customer WHERE id = $1 FOR UPDATE;

-- name: control.pause_customer
-- Sets or lifts the flag of a customer.
UPDATE customer SET paused = $2, updated_at = now() WHERE id = $1;

-- name: control.jobs_of
-- The unfinished jobs of a customer that aren't paused themselves, locked in the order of their ids.
SELECT id FROM job WHERE customer_id = $1 AND finished_at IS NULL AND NOT paused
ORDER BY id FOR UPDATE;

-- name: control.lock_batches
-- Locks what isn't done of some jobs, in the order of their ids.
SELECT FROM batch WHERE job_id = ANY ($1::uuid[]) AND NOT done ORDER BY id FOR UPDATE;

-- name: control.lock_retries
-- Locks the retry rows of some jobs, in the order of their ids, after their batches.
SELECT FROM retry WHERE job_id = ANY ($1::uuid[]) ORDER BY id FOR UPDATE;

-- name: control.move_job
-- Gives a job another due time, and with it another expiry and other windows.
UPDATE job SET not_before = $2, expires_at = $3, windows = $4::text::tstzmultirange,
               spread = $5::text::tstzmultirange
WHERE id = $1;

-- name: control.spreads
-- How far some spread jobs are: the share of them of which nothing waits any more, and when the next of
-- them is due.
SELECT j.id, j.spread, j.windows, j.expires_at, w.share, due_spread(j.not_before, j.spread, w.share) AS due_at
FROM job j
CROSS JOIN LATERAL (
    SELECT min(b.part)::double precision / j.parts AS share FROM batch b
    WHERE b.job_id = j.id AND NOT b.done AND state_count(b.state, 'w') > 0) w
WHERE j.id = ANY ($1::uuid[]) AND j.spread IS NOT NULL AND w.share IS NOT NULL
ORDER BY j.id;

-- name: control.spread
-- Spreads a locked job over another time.
UPDATE job SET spread = $2::text::tstzmultirange WHERE id = $1;

-- name: control.move_batches
-- Gives what waits in a job the due time that the job has now, and counts it; whoever holds some of it
-- gives it back.
WITH moved AS (
    UPDATE batch b SET due_at = CASE
                           WHEN $2 THEN 'infinity'::timestamptz
                           ELSE due_spread(j.not_before, j.spread, b.part::double precision / j.parts)
                       END,
                       rank = CASE WHEN b.owner IS NOT NULL THEN b.rank END
    FROM job j
    WHERE j.id = $1 AND b.job_id = $1 AND NOT b.done AND state_count(b.state, 'w') > 0
    RETURNING state_count(b.state, 'w') AS waiting
)
SELECT coalesce(sum(waiting), 0)::integer FROM moved;

-- name: control.defer
-- One waiting delivery leaves its batch for a retry row of its own, without a try counted.
WITH letter AS (
    UPDATE batch SET
        state = state_marked(state, ARRAY[$2::integer], 'd'),
        done = state_count(state, 'wu') = 1,
        owner = CASE WHEN state_count(state, 'wu') > 1 THEN owner END,
        rank = CASE WHEN state_count(state, 'wu') > 1 THEN rank END
    WHERE id = $1
    RETURNING id, job_id, job_on, customer_id, lane_id, class
)
INSERT INTO retry (batch_id, position, job_id, job_on, customer_id, lane_id, class, due_at, not_before,
                   attempt)
SELECT id, $2, job_id, job_on, customer_id, lane_id, class, $3, $3, 0 FROM letter;

-- name: control.move_branch
-- Those in a job who were found at a customer or below him, and wait or are deferred, wait by themselves
-- until another time, without a try counted; and how many of them there are at all. All is locked already.
WITH RECURSIVE branch (id) AS (
    SELECT $2::bigint UNION SELECT c.id FROM branch b JOIN customer c ON c.parent_id = b.id
), meant AS MATERIALIZED (
    SELECT b.id, (d.id % 512)::integer AS position, substr(b.state, (d.id % 512)::integer + 1, 1) AS letter
    FROM batch b
    JOIN delivery d ON d.job_on = b.job_on AND d.id BETWEEN b.id * 512 AND b.id * 512 + 511
    WHERE b.job_id = $1 AND (d.path ->> 'customer')::bigint IN (SELECT id FROM branch)
), taken AS MATERIALIZED (
    SELECT id, array_agg(position) AS positions FROM meant WHERE letter = 'w' GROUP BY id
), letters AS (
    UPDATE batch b SET
        state = m.state,
        done = state_count(m.state, 'wu') = 0,
        owner = CASE WHEN state_count(m.state, 'wu') > 0 THEN b.owner END,
        rank = CASE WHEN state_count(m.state, 'wu') > 0 THEN b.rank END
    FROM taken t CROSS JOIN LATERAL (
        SELECT state_marked(o.state, t.positions, 'd') AS state FROM batch o WHERE o.id = t.id) m
    WHERE b.id = t.id
), put AS (
    INSERT INTO retry (batch_id, position, job_id, job_on, customer_id, lane_id, class, due_at,
                       not_before, attempt)
    SELECT b.id, m.position, b.job_id, b.job_on, b.customer_id, b.lane_id, b.class, $3, $3, 0
    FROM meant m JOIN batch b ON b.id = m.id
    WHERE m.letter = 'w'
), moved AS (
    UPDATE retry r SET due_at = $3, not_before = $3, rank = CASE WHEN r.owner IS NOT NULL THEN r.rank END
    FROM meant m WHERE r.batch_id = m.id AND r.position = m.position AND m.letter = 'd'
)
SELECT (count(*) FILTER (WHERE letter IN ('w', 'd')))::integer AS number, count(*)::integer AS meant
FROM meant;

-- name: control.move_retry
-- Gives a deferred delivery another due time.
UPDATE retry SET due_at = $2, not_before = $2, rank = CASE WHEN owner IS NOT NULL THEN rank END
WHERE id = $1;

-- name: control.overdue
-- Doubts that have been open for longer than so many seconds, the oldest first.
SELECT o.delivery_id, o.job_id, o.customer_id, o.attempt, b.message_id, d.address, d.path
FROM doubt o
JOIN batch b ON b.id = o.delivery_id / 512
JOIN delivery d ON d.job_on = b.job_on AND d.id = o.delivery_id
WHERE o.resolution IS NULL AND o.since <= now() - make_interval(secs => $1)
ORDER BY o.since LIMIT $2;

-- name: control.doubts
-- The open doubts of a job or of some deliveries of a customer, with what a decision needs.
SELECT o.delivery_id, o.job_id, o.customer_id, o.attempt, b.message_id, d.address, d.path
FROM doubt o
JOIN batch b ON b.id = o.delivery_id / 512
JOIN delivery d ON d.job_on = b.job_on AND d.id = o.delivery_id
WHERE o.customer_id = $1 AND o.resolution IS NULL
  AND (o.job_id = $2 OR o.delivery_id = ANY ($3::bigint[]))
ORDER BY o.delivery_id LIMIT $4;
