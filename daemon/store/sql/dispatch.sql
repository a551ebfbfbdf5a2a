-- name: promote.due
-- Makes due batches and due retry rows ready: ranks them by start-time fair queueing. The virtual time
-- of a class is its lowest ready rank, else its highest last_rank; a customer goes on from its own last
-- rank or from there, whichever is later. One promoter at a time; the others find the lock taken.
WITH alone AS MATERIALIZED (
    SELECT pg_try_advisory_xact_lock(hashtext('deliveryd promote')) AS ok
), due_batch AS MATERIALIZED (
    SELECT b.id, b.class, b.customer_id, b.due_at, state_count(b.state, 'w') AS size
    FROM batch b
    WHERE b.rank IS NULL AND b.owner IS NULL AND NOT b.done AND b.due_at <= now()
      AND (SELECT ok FROM alone)
    ORDER BY b.due_at LIMIT $1 FOR UPDATE SKIP LOCKED
), due_retry AS MATERIALIZED (
    SELECT r.id, r.class, r.customer_id, r.due_at, 1 AS size
    FROM retry r
    WHERE r.rank IS NULL AND r.owner IS NULL AND r.due_at <= now() AND (SELECT ok FROM alone)
    ORDER BY r.due_at LIMIT $1 FOR UPDATE SKIP LOCKED
), due AS MATERIALIZED (
    SELECT false AS is_retry, * FROM due_batch UNION ALL SELECT true, * FROM due_retry
), virtual AS MATERIALIZED (
    SELECT c.class,
           coalesce(least((SELECT min(b.rank) FROM batch b
                           WHERE b.class = c.class AND b.rank IS NOT NULL AND b.owner IS NULL
                             AND NOT b.done),
                          (SELECT min(r.rank) FROM retry r
                           WHERE r.class = c.class AND r.rank IS NOT NULL AND r.owner IS NULL)),
                    (SELECT max(t.last_rank) FROM turn t WHERE t.class = c.class),
                    0) AS time
    FROM (SELECT DISTINCT class FROM due) c
), ranked AS MATERIALIZED (
    SELECT d.*, greatest(v.time, coalesce(t.last_rank, 0))
                + sum(greatest(d.size, 1)) OVER (PARTITION BY d.class, d.customer_id
                                                 ORDER BY d.due_at, d.is_retry, d.id) AS new_rank
    FROM due d
    JOIN virtual v ON v.class = d.class
    LEFT JOIN turn t ON t.class = d.class AND t.customer_id = d.customer_id
), remembered AS (
    INSERT INTO turn (class, customer_id, last_rank)
    SELECT class, customer_id, max(new_rank) FROM ranked GROUP BY class, customer_id
    ON CONFLICT (class, customer_id) DO UPDATE SET last_rank = greatest(turn.last_rank, excluded.last_rank)
), batches AS (
    UPDATE batch b SET rank = r.new_rank FROM ranked r
    WHERE b.id = ANY (ARRAY(SELECT id FROM ranked WHERE NOT is_retry))
      AND NOT r.is_retry AND b.id = r.id
    RETURNING b.lane_id
), retries AS (
    UPDATE retry t SET rank = r.new_rank FROM ranked r
    WHERE t.id = ANY (ARRAY(SELECT id FROM ranked WHERE is_retry))
      AND r.is_retry AND t.id = r.id
    RETURNING t.lane_id
)
SELECT lane_id, count(*)::integer AS count
FROM (SELECT lane_id FROM batches UNION ALL SELECT lane_id FROM retries) p GROUP BY lane_id;

-- name: promote.next
-- Seconds until the next thing falls due; null when nothing waits but what is put off for ever.
SELECT extract(epoch FROM least(
    (SELECT min(due_at) FROM batch
     WHERE rank IS NULL AND owner IS NULL AND NOT done AND due_at < 'infinity'),
    (SELECT min(due_at) FROM retry
     WHERE rank IS NULL AND owner IS NULL AND due_at < 'infinity')) - now())::double precision;

-- name: claim.ready
-- The lowest ready ranks of each lane and class, of its batches and of its retry rows. By min(): an
-- EXISTS here was planned as a scan of the whole table.
SELECT * FROM (
    SELECT l.id AS lane_id, c.class,
           (SELECT min(b.rank) FROM batch b
            WHERE b.lane_id = l.id AND b.class = c.class AND b.rank IS NOT NULL AND b.owner IS NULL
              AND NOT b.done) AS batch,
           (SELECT min(r.rank) FROM retry r
            WHERE r.lane_id = l.id AND r.class = c.class AND r.rank IS NOT NULL
              AND r.owner IS NULL) AS retry
    FROM lane l CROSS JOIN (VALUES (0::smallint), (1::smallint), (2::smallint)) AS c (class)
) ready
WHERE batch IS NOT NULL OR retry IS NOT NULL
ORDER BY class, lane_id;

-- name: claim.batches
-- Claims the lowest ranked batches of a lane and class: the first, and more as long as they are small
-- and all together hold at most $4 deliveries. What has closed since it was ready waits for its window.
WITH first AS MATERIALIZED (
    SELECT b.id, b.rank, length(b.state) AS size,
           coalesce(NOT j.windows @> now() AND j.expires_at > now(), false) AS is_shut,
           due_within(b.due_at, j.windows, j.expires_at) AS due_at
    FROM batch b JOIN job j ON j.id = b.job_id
    WHERE b.lane_id = $1 AND b.class = $2 AND b.rank IS NOT NULL AND b.owner IS NULL AND NOT b.done
    ORDER BY b.rank LIMIT 200 FOR UPDATE OF b SKIP LOCKED
), put_off AS (
    UPDATE batch b SET rank = NULL, due_at = f.due_at FROM first f
    WHERE b.id = ANY (ARRAY(SELECT id FROM first WHERE is_shut)) AND b.id = f.id
), summed AS (
    SELECT id, sum(size) OVER (ORDER BY rank, id) AS total, row_number() OVER (ORDER BY rank, id) AS place
    FROM first WHERE NOT is_shut
), claimed AS (
    UPDATE batch SET owner = $3, epoch = epoch + 1
    WHERE id = ANY (ARRAY(SELECT id FROM summed WHERE total <= $4 OR place = 1))
    RETURNING id, job_id, job_on, customer_id, message_id, epoch, state, rank
)
SELECT * FROM claimed ORDER BY rank, id;

-- name: claim.messages
-- The content of what was claimed, each once: hundreds of claims may share one large message.
SELECT id, spec FROM message WHERE id = ANY ($1::bigint[]);

-- name: claim.deliveries
-- The deliveries of claimed batches, in their order.
SELECT d.id, d.address, d.supp, d.name, d.vars, d.override, d.path
FROM unnest($1::bigint[], $2::date[]) AS b (id, job_on)
CROSS JOIN LATERAL (
    SELECT * FROM delivery d
    WHERE d.job_on = b.job_on AND d.id BETWEEN b.id * 512 AND b.id * 512 + 511
    ORDER BY d.id LIMIT 512) d
ORDER BY d.id;

-- name: claim.retries
-- Claims the lowest ranked retry rows of a lane and class, with all that a try needs.
WITH claimed AS (
    UPDATE retry SET owner = $3, epoch = epoch + 1
    WHERE id = ANY (ARRAY(
        SELECT id FROM retry
        WHERE lane_id = $1 AND class = $2 AND rank IS NOT NULL AND owner IS NULL
          AND ($5::double precision IS NULL OR rank <= $5)
        ORDER BY rank LIMIT $4 FOR UPDATE SKIP LOCKED))
    RETURNING id, batch_id, position, job_id, job_on, customer_id, attempt, epoch
)
SELECT c.id, c.batch_id, c.position, c.job_id, c.customer_id, c.attempt, c.epoch, b.message_id,
       d.address, d.supp, d.name, d.vars, d.override, d.path
FROM claimed c
JOIN batch b ON b.id = c.batch_id
JOIN delivery d ON d.job_on = c.job_on AND d.id = c.batch_id * 512 + c.position
ORDER BY c.id;

-- name: permit.batches
-- A permit: judges each asked delivery of batches that are ours and marks those that may go under way.
-- One that is under way already, for the same owner and epoch, is judged anew. What isn't answered is
-- no longer ours. `at` is when the first permit of its batch was given: the Date of its mails.
WITH asked AS MATERIALIZED (
    SELECT * FROM unnest($1::bigint[], $2::integer[], $3::integer[], $4::text[], $6::jsonb[])
    AS a (batch_id, epoch, position, supp, path)
), held AS MATERIALIZED (
    SELECT b.id, b.job_id, b.epoch, b.state, b.due_at, b.permitted_at
    FROM batch b
    WHERE b.id = ANY ($1::bigint[]) AND b.owner = $5
      AND EXISTS (SELECT FROM instance i WHERE i.id = $5 AND i.lease_until > now())
    ORDER BY b.id FOR UPDATE
), judged AS MATERIALIZED (
    SELECT a.batch_id, a.position, coalesce(h.permitted_at, now()) AS at,
        CASE
            WHEN j.state = 'canceled' THEN 'canceled'
            WHEN j.expires_at <= now() THEN 'expired'
            WHEN h.due_at > now() THEN 'paused'
            WHEN NOT j.windows @> now() THEN 'closed'
            WHEN EXISTS (
                SELECT FROM suppression s
                WHERE s.customer_id = coalesce(j.acting_customer_id, j.customer_id) AND s.supp = a.supp
                  AND s.lifted_at IS NULL AND s.effect = 'deny'
                  AND CASE WHEN s.kind <> 'unsubscribe' THEN s.scope = 'all'
                           WHEN j.purpose <> 'marketing' THEN false
                           WHEN s.scope = 'list' THEN s.list_id = (a.path ->> 'list')::bigint
                           ELSE a.path ->> 'list' IS NULL OR NOT EXISTS (
                               SELECT FROM suppression o
                               WHERE o.customer_id = s.customer_id AND o.supp = s.supp
                                 AND o.scope = 'list' AND o.list_id = (a.path ->> 'list')::bigint
                                 AND o.lifted_at IS NULL AND o.effect = 'allow')
                      END)
                THEN 'suppressed'
            WHEN a.path IS NOT NULL AND NOT coalesce((
                SELECT m.yes FROM still_meant(a.path, j.purpose = 'marketing') m), true)
                THEN 'suppressed'
            ELSE 'go'
        END AS verdict
    FROM asked a
    JOIN held h ON h.id = a.batch_id AND h.epoch = a.epoch
    JOIN job j ON j.id = h.job_id
    WHERE substr(h.state, a.position + 1, 1) IN ('w', 'u')
), marked AS (
    UPDATE batch b SET
        state = state_marked(b.state, g.positions, 'u'),
        permitted_at = coalesce(b.permitted_at, now())
    FROM (SELECT batch_id, array_agg(position) AS positions FROM judged WHERE verdict = 'go'
          GROUP BY batch_id) g
    WHERE b.id = g.batch_id
)
SELECT batch_id, position, verdict, at FROM judged;

-- name: permit.retries
-- The same for deferred deliveries whose retry rows are ours: deferred becomes retrying.
WITH asked AS MATERIALIZED (
    SELECT * FROM unnest($1::bigint[], $2::integer[], $3::bigint[], $4::integer[], $5::text[],
                         $7::jsonb[])
    AS a (retry_id, epoch, batch_id, position, supp, path)
), held AS MATERIALIZED (
    SELECT b.id, b.job_id, b.state, b.permitted_at
    FROM batch b
    WHERE b.id = ANY ($3::bigint[])
      AND EXISTS (SELECT FROM instance i WHERE i.id = $6 AND i.lease_until > now())
    ORDER BY b.id FOR UPDATE
), judged AS MATERIALIZED (
    SELECT a.retry_id, a.batch_id, a.position, coalesce(h.permitted_at, now()) AS at,
        CASE
            WHEN j.state = 'canceled' THEN 'canceled'
            WHEN j.expires_at <= now() THEN 'expired'
            WHEN r.due_at > now() THEN 'paused'
            WHEN NOT j.windows @> now() THEN 'closed'
            WHEN EXISTS (
                SELECT FROM suppression s
                WHERE s.customer_id = coalesce(j.acting_customer_id, j.customer_id) AND s.supp = a.supp
                  AND s.lifted_at IS NULL AND s.effect = 'deny'
                  AND CASE WHEN s.kind <> 'unsubscribe' THEN s.scope = 'all'
                           WHEN j.purpose <> 'marketing' THEN false
                           WHEN s.scope = 'list' THEN s.list_id = (a.path ->> 'list')::bigint
                           ELSE a.path ->> 'list' IS NULL OR NOT EXISTS (
                               SELECT FROM suppression o
                               WHERE o.customer_id = s.customer_id AND o.supp = s.supp
                                 AND o.scope = 'list' AND o.list_id = (a.path ->> 'list')::bigint
                                 AND o.lifted_at IS NULL AND o.effect = 'allow')
                      END)
                THEN 'suppressed'
            WHEN a.path IS NOT NULL AND NOT coalesce((
                SELECT m.yes FROM still_meant(a.path, j.purpose = 'marketing') m), true)
                THEN 'suppressed'
            ELSE 'go'
        END AS verdict
    FROM asked a
    JOIN held h ON h.id = a.batch_id
    JOIN retry r ON r.id = a.retry_id AND r.owner = $6 AND r.epoch = a.epoch
    JOIN job j ON j.id = h.job_id
    WHERE substr(h.state, a.position + 1, 1) IN ('d', 'r')
), marked AS (
    UPDATE batch b SET
        state = state_marked(b.state, g.positions, 'r'),
        permitted_at = coalesce(b.permitted_at, now())
    FROM (SELECT batch_id, array_agg(position) AS positions FROM judged WHERE verdict = 'go'
          GROUP BY batch_id) g
    WHERE b.id = g.batch_id
)
SELECT retry_id, verdict, at FROM judged;

-- name: give_back.batches
-- Gives claimed batches back: they wait again (by their due time, or for their window; ranked anew), or
-- are done. One that was given back already, unheard, and claimed anew is ours by another epoch, and
-- stays.
UPDATE batch b SET owner = NULL, rank = NULL, done = translate(b.state, 'wu', '') = b.state,
                   due_at = due_within(b.due_at, j.windows, j.expires_at)
FROM unnest($1::bigint[], $2::integer[]) AS g (id, epoch), job j
WHERE b.id = g.id AND b.epoch = g.epoch AND b.owner = $3 AND j.id = b.job_id
  AND b.id = ANY (ARRAY(SELECT id FROM batch WHERE id = ANY ($1::bigint[]) AND owner = $3
                        ORDER BY id FOR UPDATE));

-- name: give_back.retries
-- The same for retry rows.
UPDATE retry r SET owner = NULL, rank = NULL,
                   due_at = due_within(r.due_at, j.windows, j.expires_at)
FROM unnest($1::bigint[], $2::integer[]) AS g (id, epoch), job j
WHERE r.id = g.id AND r.epoch = g.epoch AND r.owner = $3 AND j.id = r.job_id
  AND r.id = ANY (ARRAY(SELECT id FROM retry WHERE id = ANY ($1::bigint[]) AND owner = $3
                        ORDER BY id FOR UPDATE));

-- name: rescue.owners
-- Who holds something and is not alive. Whose journal lies elsewhere is left to a neighbour for $4
-- seconds more: without the journal all that was under way would be a doubt.
SELECT h.owner, i.id IS NOT NULL AS is_known
FROM (SELECT owner FROM batch WHERE owner IS NOT NULL
      UNION SELECT owner FROM retry WHERE owner IS NOT NULL) h
LEFT JOIN instance i ON i.id = h.owner
WHERE h.owner <> $1
  AND (i.id IS NULL
       OR i.lease_until + CASE WHEN i.host = $2 AND i.state_dir = $3 THEN interval '0'
                               ELSE make_interval(secs => $4) END <= now())
ORDER BY h.owner;

-- name: rescue.batches
-- Batches that these owners hold, and our own that aren't in $3, which we never heard that we have; a
-- page of those after $4. Nothing is taken: what was under way is settled under the epoch it had.
SELECT b.id, b.owner, b.job_id, b.job_on, b.customer_id, b.message_id, b.epoch, b.state,
       ARRAY(SELECT d.address FROM delivery d
             WHERE d.job_on = b.job_on AND d.id BETWEEN b.id * 512 AND b.id * 512 + 511
             ORDER BY d.id) AS addresses,
       ARRAY(SELECT d.path FROM delivery d
             WHERE d.job_on = b.job_on AND d.id BETWEEN b.id * 512 AND b.id * 512 + 511
             ORDER BY d.id) AS paths
FROM batch b
WHERE (b.owner = ANY ($1::uuid[])
       OR (b.owner = $2 AND b.id NOT IN (SELECT unnest($3::bigint[]))))
  AND b.id > $4
ORDER BY b.id LIMIT $5;

-- name: rescue.retries
-- The same for retry rows, with the letter of their delivery.
SELECT r.id, r.owner, r.batch_id, r.position, r.job_id, r.customer_id, r.attempt, r.epoch, b.message_id,
       substr(b.state, r.position + 1, 1) AS letter, d.address, d.path
FROM retry r
JOIN batch b ON b.id = r.batch_id
JOIN delivery d ON d.job_on = r.job_on AND d.id = r.batch_id * 512 + r.position
WHERE (r.owner = ANY ($1::uuid[])
       OR (r.owner = $2 AND r.id NOT IN (SELECT unnest($3::bigint[]))))
  AND r.id > $4
ORDER BY r.id LIMIT $5;

-- name: rescue.free_batches
-- Frees batches nothing of which is under way any more, unless somebody else has meanwhile.
UPDATE batch b SET owner = NULL, rank = NULL, epoch = b.epoch + 1,
                   done = translate(b.state, 'wu', '') = b.state
FROM unnest($1::bigint[], $2::integer[]) AS f (id, epoch)
WHERE b.id = f.id AND b.epoch = f.epoch AND b.owner IS NOT NULL AND strpos(b.state, 'u') = 0
  AND b.id = ANY (ARRAY(SELECT id FROM batch WHERE id = ANY ($1::bigint[]) ORDER BY id FOR UPDATE));

-- name: rescue.free_retries
-- The same for retry rows.
UPDATE retry r SET owner = NULL, rank = NULL, epoch = r.epoch + 1
FROM unnest($1::bigint[], $2::integer[]) AS f (id, epoch), batch b
WHERE r.id = f.id AND r.epoch = f.epoch AND r.owner IS NOT NULL
  AND b.id = r.batch_id AND substr(b.state, r.position + 1, 1) <> 'r'
  AND r.id = ANY (ARRAY(SELECT id FROM retry WHERE id = ANY ($1::bigint[]) ORDER BY id FOR UPDATE));

-- name: rescue.held
-- Which of these still hold something.
SELECT owner FROM batch WHERE owner = ANY ($1::uuid[])
UNION SELECT owner FROM retry WHERE owner = ANY ($1::uuid[]);

-- name: rescue.tried
-- Deliveries that a journal names, as they stand; none that isn't of the job that the journal says.
SELECT t.place, b.job_id, b.customer_id, b.message_id, d.address, d.path,
       substr(b.state, (t.delivery_id % 512)::integer + 1, 1) AS letter
FROM unnest($1::bigint[], $2::uuid[]) WITH ORDINALITY AS t (delivery_id, job_id, place)
JOIN batch b ON b.id = t.delivery_id / 512 AND b.job_id = t.job_id
JOIN delivery d ON d.job_on = b.job_on AND d.id = t.delivery_id
ORDER BY t.place;

-- name: expire.jobs
-- Jobs whose time is over and that still have something waiting or deferred.
SELECT j.id FROM job j
WHERE j.expires_at <= now() AND j.finished_at IS NULL AND j.remaining > 0
  AND (EXISTS (SELECT FROM batch b WHERE b.job_id = j.id AND b.owner IS NULL AND NOT b.done)
       OR EXISTS (SELECT FROM retry r WHERE r.job_id = j.id AND r.owner IS NULL))
ORDER BY j.expires_at LIMIT 100;

-- name: expire.batches
-- The batches of an expired job that nobody holds, taken to be settled.
UPDATE batch SET owner = $2, epoch = epoch + 1
WHERE id = ANY (ARRAY(SELECT id FROM batch WHERE job_id = $1 AND owner IS NULL AND NOT done
                      ORDER BY id LIMIT 20 FOR UPDATE SKIP LOCKED))
RETURNING id, job_id, job_on, customer_id, message_id, epoch, state,
          ARRAY(SELECT d.address FROM delivery d
                WHERE d.job_on = batch.job_on
                  AND d.id BETWEEN batch.id * 512 AND batch.id * 512 + 511
                ORDER BY d.id) AS addresses,
          ARRAY(SELECT d.path FROM delivery d
                WHERE d.job_on = batch.job_on
                  AND d.id BETWEEN batch.id * 512 AND batch.id * 512 + 511
                ORDER BY d.id) AS paths;

-- name: expire.retries
-- The retry rows of an expired job that nobody holds, taken to be settled.
WITH taken AS (
    UPDATE retry SET owner = $2, epoch = epoch + 1
    WHERE id = ANY (ARRAY(SELECT id FROM retry WHERE job_id = $1 AND owner IS NULL
                          ORDER BY id LIMIT 500 FOR UPDATE SKIP LOCKED))
    RETURNING id, batch_id, position, job_id, job_on, customer_id, attempt, epoch
)
SELECT t.id, t.batch_id, t.position, t.job_id, t.customer_id, t.attempt, t.epoch, b.message_id,
       substr(b.state, t.position + 1, 1) AS letter, d.address, d.path
FROM taken t
JOIN batch b ON b.id = t.batch_id
JOIN delivery d ON d.job_on = t.job_on AND d.id = t.batch_id * 512 + t.position;
