-- name: expansion.literal
-- Turns literal recipients into deliveries: refused → duplicate → suppressed → numbered → stored in
-- batches of up to 500, everyone else counted and listed under one reason. $1 and $2 are jobs and their
-- messages; $3 points into them (from 1); $12 is what the address law said of an address, if no, and
-- $14 why. What is due goes to the instance that $15 names, as claimed by it and permitted; the
-- suppressions that a permit looks for have just been looked for.
-- Duplicates are told within a message, among good addresses, and against what earlier frames stored.
-- A job is locked last, since its settling waits for that; one that was closed, paused, put off or
-- canceled since it was read has no row in the answer, and nothing of this may be committed.
WITH place AS (
    SELECT p.ord, j.id AS job_id, p.message_id, j.job_on, j.customer_id, j.lane_id, j.class, j.purpose,
           j.parts, j.open, j.paused, j.not_before, j.spread, j.state = 'canceled' AS canceled,
           coalesce(j.acting_customer_id, j.customer_id) AS acting_id,
           CASE WHEN j.paused OR c.paused THEN 'infinity'
                ELSE due_within(j.not_before, j.windows, j.expires_at) END AS due_at,
           CASE WHEN NOT (j.paused OR c.paused) AND j.not_before <= now() AND j.expires_at > now()
                     AND j.windows IS NULL
                     AND EXISTS (SELECT FROM instance i WHERE i.id = p.taker AND i.lease_until > now())
                THEN p.taker END AS taker
    FROM unnest($1::uuid[], $2::bigint[], $15::uuid[]) WITH ORDINALITY
         AS p (job_id, message_id, taker, ord)
    JOIN job j ON j.id = ANY ($1::uuid[]) AND j.id = p.job_id
    JOIN customer c ON c.id = j.customer_id
), asked AS MATERIALIZED (
    SELECT * FROM unnest($3::integer[], $4::integer[], $5::text[], $6::text[], $7::text[], $8::text[],
                         $9::text[], $10::jsonb[], $11::jsonb[], $12::text[], $13::bytea[], $14::text[])
    AS a (ord, position, address, norm, supp, domain, name, vars, override, refused, override_hash,
          detail)
), judged AS MATERIALIZED (
    SELECT a.*, p.job_id, p.message_id, p.job_on, p.customer_id,
        CASE
            WHEN a.refused IS NOT NULL THEN a.refused
            WHEN row_number() OVER (PARTITION BY a.ord, a.norm, a.override_hash ORDER BY a.position) > 1
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
        END AS dropped
    FROM asked a JOIN place p ON p.ord = a.ord
), numbered AS MATERIALIZED (
    SELECT *, (row_number() OVER (PARTITION BY ord ORDER BY position) - 1)::integer AS n
    FROM judged WHERE dropped IS NULL
), sized AS MATERIALIZED (
    SELECT ord, count(*)::integer AS total,
           batches_of(count(*)::integer, (SELECT p.spread FROM place p WHERE p.ord = n.ord)) AS batches
    FROM numbered n GROUP BY ord
), sliced AS (
    SELECT n.*, s.batches, batch_of(n.n, s.total, s.batches) AS slice,
           n.n - first_in(batch_of(n.n, s.total, s.batches), s.total, s.batches) AS nth
    FROM numbered n JOIN sized s ON s.ord = n.ord
), cut AS (
    INSERT INTO batch (job_id, job_on, customer_id, message_id, part, lane_id, class, due_at, state,
                       owner, epoch, permitted_at)
    SELECT p.job_id, p.job_on, p.customer_id, p.message_id, p.parts + n.slice, p.lane_id, p.class,
           due_spread(p.due_at, p.spread, n.slice::double precision / n.batches),
           repeat(CASE WHEN p.taker IS NULL THEN 'w' ELSE 'u' END, count(*)::integer),
           p.taker, CASE WHEN p.taker IS NULL THEN 0 ELSE 1 END,
           CASE WHEN p.taker IS NOT NULL THEN now() END
    FROM sliced n JOIN place p ON p.ord = n.ord
    GROUP BY p.job_id, p.job_on, p.customer_id, p.message_id, p.parts, p.lane_id, p.class,
             p.due_at, p.spread, p.taker, p.ord, n.slice, n.batches
    ORDER BY p.ord, n.slice
    RETURNING id, job_id, part
), stored AS (
    INSERT INTO delivery (job_on, id, job_id, message_id, customer_id, address, norm, supp, domain, name,
                          vars, override, override_hash)
    SELECT p.job_on, c.id * 512 + n.nth, p.job_id, p.message_id, p.customer_id, n.address, n.norm,
           n.supp, n.domain, n.name, n.vars, n.override, n.override_hash
    FROM sliced n
    JOIN place p ON p.ord = n.ord
    JOIN cut c ON c.job_id = p.job_id AND c.part = p.parts + n.slice
    RETURNING job_id, id
), listed AS (
    INSERT INTO dropped_recipient (job_id, position, address, reason, detail)
    SELECT job_id, position, address, dropped, detail FROM judged WHERE dropped IS NOT NULL
    ORDER BY ord, position
), counted AS (
    SELECT p.job_id,
           count(j.ord)::integer AS requested,
           count(j.ord) FILTER (WHERE j.dropped IS NULL)::integer AS queued,
           count(j.ord) FILTER (WHERE j.dropped = 'no_address')::integer AS no_address,
           count(j.ord) FILTER (WHERE j.dropped = 'invalid')::integer AS invalid,
           0 AS excluded,
           count(j.ord) FILTER (WHERE j.dropped = 'duplicate')::integer AS duplicate,
           count(j.ord) FILTER (WHERE j.dropped = 'suppressed')::integer AS suppressed,
           0 AS not_found,
           0 AS inactive,
           p.open, p.paused, p.not_before, p.canceled, p.taker IS NOT NULL AS is_taken
    FROM place p LEFT JOIN judged j ON j.ord = p.ord
    GROUP BY p.job_id, p.open, p.paused, p.not_before, p.canceled, p.taker
), booked AS (
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
    RETURNING j.id
)
SELECT c.*, f.first_delivery
FROM counted c
JOIN booked b ON b.id = c.job_id
LEFT JOIN (SELECT job_id, min(id) AS first_delivery FROM stored GROUP BY job_id) f
       ON f.job_id = c.job_id;
