-- name: overview.unfinished
-- Jobs of one customer or of all, of one campaign ($4) or any, that haven't ended, before $2, the newest
-- first.
SELECT j.id, j.ticket, j.request_id, j.name, j.customer_id, j.class, j.state, j.open, j.paused,
       c.paused AS customer_paused, j.accepted_at, j.not_before, j.started_at, j.finished_at,
       j.queued, j.remaining, j.in_doubt, j.sent + j.delivered AS handed, j.campaign_id AS campaign,
       now() AS now
FROM job j JOIN customer c ON c.id = j.customer_id
WHERE j.finished_at IS NULL AND ($1::bigint IS NULL OR j.customer_id = $1)
  AND ($2::uuid IS NULL OR j.id < $2) AND ($4::bigint IS NULL OR j.campaign_id = $4)
ORDER BY j.id DESC LIMIT $3;

-- name: overview.jobs
-- Jobs of one customer or of all, of one campaign ($4) or any, also those that have ended, before $2, the
-- newest first.
SELECT j.id, j.ticket, j.request_id, j.name, j.customer_id, j.class, j.state, j.open, j.paused,
       c.paused AS customer_paused, j.accepted_at, j.not_before, j.started_at, j.finished_at,
       j.queued, j.remaining, j.in_doubt, j.sent + j.delivered AS handed, j.campaign_id AS campaign,
       now() AS now
FROM job j JOIN customer c ON c.id = j.customer_id
WHERE ($1::bigint IS NULL OR j.customer_id = $1) AND ($2::uuid IS NULL OR j.id < $2)
  AND ($4::bigint IS NULL OR j.campaign_id = $4)
ORDER BY j.id DESC LIMIT $3;

-- name: overview.shape
-- What hasn't ended, by domain and by how long it could have been sent: in which of the spans that $1
-- divides (minutes since its job was to start) it lies, -1 = it isn't to start yet. The domains with the
-- most of it, $4 of them; the rows without a domain are all. $2 = of one customer, $3 = deferred only.
WITH open AS (
    -- three parts, so that each finds its batches by an index: those that are done may be many more
    SELECT b.id, b.job_id, b.job_on, b.state FROM batch b
    WHERE b.rank IS NULL AND b.owner IS NULL AND NOT b.done AND NOT $3::boolean
    UNION ALL
    SELECT b.id, b.job_id, b.job_on, b.state FROM batch b
    WHERE b.rank IS NOT NULL AND b.owner IS NULL AND NOT b.done AND NOT $3
    UNION ALL
    SELECT b.id, b.job_id, b.job_on, b.state FROM batch b WHERE b.owner IS NOT NULL AND NOT $3
), waiting AS (
    SELECT w.domain, w.job_id, count(*) AS count
    FROM (
        -- batch by batch (OFFSET 0 keeps it so): joined, each would be held against a whole day
        SELECT d.domain, o.job_id FROM open o
        CROSS JOIN LATERAL (
            SELECT domain, id FROM delivery
            WHERE job_on = o.job_on AND id BETWEEN o.id * 512 AND o.id * 512 + 511 OFFSET 0
        ) d
        WHERE substr(o.state, (d.id % 512)::integer + 1, 1) IN ('w', 'u')
        UNION ALL
        SELECT d.domain, r.job_id FROM retry r
        JOIN delivery d ON d.job_on = r.job_on AND d.id = r.batch_id * 512 + r.position
    ) w GROUP BY w.domain, w.job_id
), aged AS (
    SELECT w.domain, sum(w.count)::bigint AS count,
           CASE WHEN j.not_before > now() THEN -1
                ELSE width_bucket(extract(epoch FROM now() - j.not_before) / 60, $1::numeric[])
           END AS age
    FROM waiting w JOIN job j ON j.id = w.job_id
    WHERE $2::bigint IS NULL OR j.customer_id = $2
    GROUP BY w.domain, age
), most AS (
    SELECT domain, sum(count) AS total FROM aged GROUP BY domain
    ORDER BY total DESC, domain LIMIT $4
)
SELECT NULL AS domain, age, sum(count)::bigint AS count FROM aged GROUP BY age
UNION ALL
SELECT a.domain, a.age, a.count FROM aged a JOIN most m ON m.domain = a.domain;
