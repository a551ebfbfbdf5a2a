-- name: upkeep.backlog
-- Open deliveries of the whole system by where they stand; batches that are done aren't read.
SELECT
    coalesce(sum(state_count(state, 'w')) FILTER (WHERE rank IS NULL AND owner IS NULL), 0)::bigint
        AS waiting,
    coalesce(sum(state_count(state, 'w')) FILTER (WHERE rank IS NOT NULL OR owner IS NOT NULL), 0)
        ::bigint AS ready,
    coalesce(sum(state_count(state, 'u')), 0)::bigint AS under_way,
    (SELECT count(*) FROM retry) AS deferred,
    (SELECT count(*) FROM doubt WHERE resolution IS NULL) AS in_doubt,
    (SELECT count(*) FROM instance WHERE lease_until > now()) AS instances,
    coalesce(extract(epoch FROM now() - least(
        (SELECT min(due_at) FROM batch WHERE NOT done AND due_at <= now()),
        (SELECT min(due_at) FROM retry WHERE due_at <= now()))), 0)::double precision AS oldest_due
FROM batch WHERE NOT done;

-- name: upkeep.law
-- Jobs whose counters differ from the letters of their batches, among those touched lately.
SELECT j.id FROM job j
WHERE j.accepted_at > now() - interval '1 day'
  AND EXISTS (SELECT FROM batch b WHERE b.job_id = j.id HAVING
        sum(state_count(b.state, 's')) <> j.sent OR sum(state_count(b.state, 'b')) <> j.bounced
        OR sum(state_count(b.state, 'f')) <> j.failed OR sum(state_count(b.state, 'e')) <> j.expired
        OR sum(state_count(b.state, 'c')) <> j.canceled
        OR sum(state_count(b.state, 'p')) <> j.suppressed_late
        OR sum(state_count(b.state, 'q')) <> j.in_doubt
        OR sum(state_count(b.state, 'v')) <> j.delivered
        OR sum(state_count(b.state, 'wurd')) <> j.remaining)
LIMIT $1;
