-- name: expansion.literal
-- Turns literal recipients into deliveries: refused → duplicate → suppressed → numbered → stored in
-- batches of up to 500, everyone else counted and listed under one reason. $1 and $2 are jobs and their
-- messages; $3 points into them (from 1); $12 is what the address law said of an address, if no, and
-- $14 why. What is due goes to the instance that $15 names, as claimed by it and permitted; the
-- suppressions that a permit looks for have just been looked for.
-- Duplicates are told within a message, among good addresses, and against what earlier frames stored.
-- A job is locked last, since its settling waits for that; one that was closed, paused, put off or
-- canceled since it was read has no row in the answer, and nothing of this may be committed.
-- A hundred requests come at once, and the planner, who knows nothing of arrays, takes them for one: each
-- join would go through all of them for each. So there is one, and its rows take along what they need.
WITH place AS MATERIALIZED (
    SELECT p.ord, j.id AS job_id, p.message_id, j.job_on, j.customer_id, j.lane_id, j.class, j.purpose,
           j.parts, j.open, j.paused, j.not_before, j.spread, j.state = 'canceled' AS canceled,
           coalesce(j.acting_customer_id, j.customer_id) AS acting_id,
           CASE WHEN w.waits THEN 'infinity'
                ELSE due_within(j.not_before, j.windows, j.expires_at) END AS due_at,
           CASE WHEN NOT w.waits AND j.not_before <= now() AND j.expires_at > now()
                     AND j.windows IS NULL
                     AND EXISTS (SELECT FROM instance i WHERE i.id = p.taker AND i.lease_until > now())
                THEN p.taker END AS taker
    FROM unnest($1::uuid[], $2::bigint[], $15::uuid[]) WITH ORDINALITY
         AS p (job_id, message_id, taker, ord)
    JOIN job j ON j.id = ANY ($1::uuid[]) AND j.id = p.job_id
    -- job by job, or all jobs of the customer may be gone through for these
    CROSS JOIN LATERAL (SELECT j.paused OR c.paused AS waits FROM customer c
                        WHERE c.id = j.customer_id OFFSET 0) w
), asked AS MATERIALIZED (
    SELECT * FROM unnest($3::integer[], $4::integer[], $5::text[], $6::text[], $7::text[], $8::text[],
                         $9::text[], $10::jsonb[], $11::jsonb[], $12::text[], $13::bytea[], $14::text[])
    AS a (place, position, address, norm, supp, domain, name, vars, override, refused, override_hash,
          detail)
), judged AS (
    SELECT p.*, a.position, a.address, a.norm, a.supp, a.domain, a.name, a.vars, a.override,
           a.override_hash, a.detail,
        CASE
            WHEN a.refused IS NOT NULL THEN a.refused
            WHEN row_number() OVER (PARTITION BY p.ord, a.norm, a.override_hash ORDER BY a.position) > 1
                THEN 'duplicate'
            WHEN p.parts > 0 AND EXISTS (
                SELECT FROM delivery d
                WHERE d.job_on = p.job_on AND d.norm = a.norm AND d.job_id = p.job_id
                  AND d.message_id = p.message_id AND d.override_hash = a.override_hash)
                THEN 'duplicate'
            WHEN EXISTS (
                SELECT FROM suppression s
                WHERE s.customer_id = p.acting_id AND s.supp = a.supp AND s.scope = 'all'
                  AND s.effect = 'deny' AND s.lifted_at IS NULL
                  AND (s.kind <> 'unsubscribe' OR p.purpose = 'marketing'))
                THEN 'suppressed'
            WHEN a.position IS NULL THEN 'nobody'  -- a parcel without recipients counts as well
        END AS dropped
    FROM place p LEFT JOIN asked a ON a.place = p.ord
), numbered AS (
    SELECT *, (row_number() OVER alike - 1)::integer AS n, (count(*) OVER alike)::integer AS total
    FROM (SELECT *, dropped IS NULL AS is_kept FROM judged) j
    WINDOW alike AS (PARTITION BY is_kept, ord ORDER BY position
                     ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING)
), sliced AS (
    -- OFFSET 0: what is computed once isn't computed anew wherever it is used
    SELECT *, n - first_in(slice, total, batches) AS nth
    FROM (SELECT *, batch_of(n, total, batches) AS slice
          FROM (SELECT *, batches_of(total, spread) AS batches FROM numbered OFFSET 0) sized OFFSET 0) s
), laid AS MATERIALIZED (
    -- batches are counted where they begin, and get their ids in that order
    SELECT *, count(*) FILTER (WHERE nth = 0) OVER (PARTITION BY is_kept ORDER BY ord, position) AS batch
    FROM sliced
), cut AS (
    INSERT INTO batch (job_id, job_on, customer_id, message_id, part, lane_id, class, due_at, state,
                       owner, epoch, permitted_at)
    SELECT job_id, job_on, customer_id, message_id, parts + slice, lane_id, class,
           due_spread(due_at, spread, slice::double precision / batches),
           repeat(CASE WHEN taker IS NULL THEN 'w' ELSE 'u' END,
                  first_in(slice + 1, total, batches) - first_in(slice, total, batches)),
           taker, CASE WHEN taker IS NULL THEN 0 ELSE 1 END,
           CASE WHEN taker IS NOT NULL THEN now() END
    FROM laid WHERE is_kept AND nth = 0 ORDER BY batch
    RETURNING id
), named AS MATERIALIZED (
    SELECT array_agg(id ORDER BY id) AS ids FROM cut
), stored AS (
    INSERT INTO delivery (job_on, id, job_id, message_id, customer_id, address, norm, supp, domain, name,
                          vars, override, override_hash)
    SELECT job_on, (SELECT ids FROM named)[batch] * 512 + nth, job_id, message_id, customer_id, address,
           norm, supp, domain, name, vars, override, override_hash
    FROM laid WHERE is_kept
    RETURNING id
), listed AS (
    INSERT INTO dropped_recipient (job_id, position, address, reason, detail)
    SELECT job_id, position, address, dropped, detail
    FROM laid WHERE NOT is_kept AND position IS NOT NULL
    ORDER BY ord, position
), counted AS (
    SELECT job_id,
           count(position)::integer AS requested,
           count(*) FILTER (WHERE is_kept)::integer AS queued,
           count(*) FILTER (WHERE dropped = 'no_address')::integer AS no_address,
           count(*) FILTER (WHERE dropped = 'invalid')::integer AS invalid,
           0 AS excluded,
           count(*) FILTER (WHERE dropped = 'duplicate')::integer AS duplicate,
           count(*) FILTER (WHERE dropped = 'suppressed')::integer AS suppressed,
           0 AS not_found,
           0 AS inactive,
           open, paused, not_before, canceled, taker IS NOT NULL AS is_taken,
           min(batch) FILTER (WHERE is_kept) AS first_batch
    FROM laid
    GROUP BY job_id, open, paused, not_before, canceled, taker
)
UPDATE job j SET
    parts = j.parts + batches_of(c.queued, j.spread),
    requested = CASE WHEN j.open THEN NULL ELSE c.requested END,
    queued = j.queued + c.queued,
    no_address = j.no_address + c.no_address,
    invalid = j.invalid + c.invalid,
    duplicate = j.duplicate + c.duplicate,
    suppressed = j.suppressed + c.suppressed
FROM counted c
WHERE j.id = ANY ($1::uuid[]) AND j.id = c.job_id
  AND j.open = c.open AND j.paused = c.paused AND j.not_before = c.not_before
  AND (j.state = 'canceled') = c.canceled
  AND (SELECT count(*) FROM stored) >= 0  -- so that all is stored before the job is locked
RETURNING c.*, (SELECT ids FROM named)[c.first_batch] * 512 AS first_delivery;