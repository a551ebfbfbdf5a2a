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

-- name: upkeep.piled
-- What must not pile up without end: open deliveries, by their jobs' counters, and untold events.
SELECT (SELECT coalesce(sum(remaining), 0) FROM job WHERE finished_at IS NULL)::bigint AS waiting,
       (SELECT coalesce(sum(last_seq - told_seq), 0) FROM stream WHERE told_seq < last_seq)::bigint
           AS untold;

-- name: upkeep.end_frozen
-- Ends sessions like this one that have stood still in the midst of a statement for $1 seconds, and says
-- how many: who froze there keeps his locks, and the server itself waits for the rest of a PREPARE or a
-- COPY for ever; of an idle transaction it has enough by itself.
SELECT count(*) FILTER (WHERE pg_terminate_backend(pid))::integer FROM pg_stat_activity
WHERE datname = current_database() AND usename = current_user
  AND application_name = current_setting('application_name')
  AND state = 'active' AND wait_event = 'ClientRead'
  AND state_change < now() - make_interval(secs => $1);

-- name: upkeep.law
-- The next jobs behind an id, so many deliveries of them at most (one job at least), and of each whether
-- its numbers are wrong: a counter isn't the number of its letters, a deferred delivery has no retry row
-- or the other way round, a doubt too many or too few, or nothing is left and it hasn't ended. A
-- finished job whose batches were removed by retention is left out.
WITH next AS MATERIALIZED (
    SELECT * FROM (
        SELECT *, sum(queued + 100) OVER (ORDER BY id) AS cost, row_number() OVER (ORDER BY id) AS place
        FROM (SELECT * FROM job WHERE id > $1::uuid ORDER BY id LIMIT $2::bigint / 100 + 1) AS few
    ) AS j WHERE j.cost <= $2::bigint OR j.place = 1
)
SELECT j.id, coalesce(
    (n.parts > 0 OR j.finished_at IS NULL)
    AND ((j.queued, j.sent, j.delivered, j.bounced, j.failed, j.expired, j.canceled,
          j.suppressed_late, j.in_doubt, j.remaining)
         IS DISTINCT FROM
         (coalesce(n.queued, 0), coalesce(n.sent, 0), coalesce(n.delivered, 0),
          coalesce(n.bounced, 0), coalesce(n.failed, 0), coalesce(n.expired, 0),
          coalesce(n.canceled, 0), coalesce(n.suppressed_late, 0), coalesce(n.in_doubt, 0),
          coalesce(n.remaining, 0))
         OR coalesce(n.deferred, 0) <> (SELECT count(*) FROM retry r WHERE r.job_id = j.id)
         OR coalesce(n.in_doubt, 0)
            <> (SELECT count(*) FROM doubt o WHERE o.job_id = j.id AND o.resolution IS NULL)
         OR (j.finished_at IS NULL AND NOT j.open AND j.state <> 'expanding'
             AND j.remaining + j.in_doubt = 0)), false) AS wrong
FROM next j
LEFT JOIN LATERAL (
    SELECT count(*) AS parts, sum(length(b.state)) AS queued, sum(state_count(b.state, 's')) AS sent,
           sum(state_count(b.state, 'v')) AS delivered, sum(state_count(b.state, 'b')) AS bounced,
           sum(state_count(b.state, 'f')) AS failed, sum(state_count(b.state, 'e')) AS expired,
           sum(state_count(b.state, 'c')) AS canceled,
           sum(state_count(b.state, 'p')) AS suppressed_late,
           sum(state_count(b.state, 'q')) AS in_doubt, sum(state_count(b.state, 'dr')) AS deferred,
           sum(state_count(b.state, 'wurd')) AS remaining
    FROM batch b WHERE b.job_id = j.id
) n ON true
ORDER BY j.id;
