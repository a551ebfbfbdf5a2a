-- name: mend.wrong
-- Jobs of which a counter isn't the number of deliveries with its letter; a finished job whose batches
-- were removed by retention is left out.
SELECT j.id FROM job j
LEFT JOIN LATERAL (
    SELECT count(*) AS parts, sum(length(b.state)) AS queued, sum(state_count(b.state, 's')) AS sent,
           sum(state_count(b.state, 'v')) AS delivered, sum(state_count(b.state, 'b')) AS bounced,
           sum(state_count(b.state, 'f')) AS failed, sum(state_count(b.state, 'e')) AS expired,
           sum(state_count(b.state, 'c')) AS canceled,
           sum(state_count(b.state, 'p')) AS suppressed_late,
           sum(state_count(b.state, 'q')) AS in_doubt
    FROM batch b WHERE b.job_id = j.id
) n ON true
WHERE ($1::uuid IS NULL OR j.id = $1) AND (n.parts > 0 OR j.finished_at IS NULL)
  AND (j.parts, j.queued, j.sent, j.delivered, j.bounced, j.failed, j.expired, j.canceled,
       j.suppressed_late, j.in_doubt)
      IS DISTINCT FROM
      (n.parts, coalesce(n.queued, 0), coalesce(n.sent, 0), coalesce(n.delivered, 0),
       coalesce(n.bounced, 0), coalesce(n.failed, 0), coalesce(n.expired, 0),
       coalesce(n.canceled, 0), coalesce(n.suppressed_late, 0), coalesce(n.in_doubt, 0))
ORDER BY j.id;

-- name: mend.batches
-- All batches of a job, locked in the order of their ids; the job is locked already.
SELECT id FROM batch WHERE job_id = $1 ORDER BY id FOR UPDATE;

-- name: mend.retries
-- All retry rows of a job, locked in the order of their ids, after its batches.
SELECT id FROM retry WHERE job_id = $1 ORDER BY id FOR UPDATE;

-- name: mend.counters
-- Counts a job's letters again and writes the numbers down; answers each that was another one.
-- Job and batches are locked already.
WITH was AS (
    SELECT * FROM job WHERE id = $1
), n AS (
    SELECT count(*)::integer AS parts, coalesce(sum(length(state)), 0)::integer AS queued,
           coalesce(sum(state_count(state, 's')), 0)::integer AS sent,
           coalesce(sum(state_count(state, 'v')), 0)::integer AS delivered,
           coalesce(sum(state_count(state, 'b')), 0)::integer AS bounced,
           coalesce(sum(state_count(state, 'f')), 0)::integer AS failed,
           coalesce(sum(state_count(state, 'e')), 0)::integer AS expired,
           coalesce(sum(state_count(state, 'c')), 0)::integer AS canceled,
           coalesce(sum(state_count(state, 'p')), 0)::integer AS suppressed_late,
           coalesce(sum(state_count(state, 'q')), 0)::integer AS in_doubt
    FROM batch WHERE job_id = $1
), mended AS (
    UPDATE job j SET
        parts = n.parts, queued = n.queued, sent = n.sent, delivered = n.delivered,
        bounced = n.bounced, failed = n.failed, expired = n.expired, canceled = n.canceled,
        suppressed_late = n.suppressed_late, in_doubt = n.in_doubt
    FROM n WHERE j.id = $1
)
SELECT v.what, v.was, v.became
FROM was, n, LATERAL (VALUES
    ('parts', was.parts, n.parts), ('queued', was.queued, n.queued), ('sent', was.sent, n.sent),
    ('delivered', was.delivered, n.delivered), ('bounced', was.bounced, n.bounced),
    ('failed', was.failed, n.failed), ('expired', was.expired, n.expired),
    ('canceled', was.canceled, n.canceled),
    ('suppressed_late', was.suppressed_late, n.suppressed_late),
    ('in_doubt', was.in_doubt, n.in_doubt)
) AS v (what, was, became)
WHERE v.was <> v.became;
