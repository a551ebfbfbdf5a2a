-- name: audit.snapshot
-- One moment for the whole audit: whatever commits meanwhile isn't seen.
SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY;

-- name: audit.size
-- How much is audited: jobs, and the deliveries in them that are still there.
SELECT (SELECT count(*) FROM job WHERE $1::uuid IS NULL OR id = $1) AS jobs,
       (SELECT coalesce(sum(length(state)), 0) FROM batch WHERE $1::uuid IS NULL OR job_id = $1)::bigint
           AS deliveries;

-- name: audit.counters
-- Every counter of a job is the number of its deliveries with that letter. A finished job whose
-- batches were removed by retention is left out.
WITH letter AS (
    SELECT job_id, count(*) AS parts, sum(length(state)) AS queued,
           sum(state_count(state, 's')) AS sent, sum(state_count(state, 'v')) AS delivered,
           sum(state_count(state, 'b')) AS bounced, sum(state_count(state, 'f')) AS failed,
           sum(state_count(state, 'e')) AS expired, sum(state_count(state, 'c')) AS canceled,
           sum(state_count(state, 'p')) AS suppressed_late, sum(state_count(state, 'q')) AS in_doubt,
           sum(state_count(state, 'wurd')) AS remaining
    FROM batch WHERE $1::uuid IS NULL OR job_id = $1
    GROUP BY job_id
)
SELECT j.id AS job_id, v.what, v.expected::bigint, coalesce(v.found, 0)::bigint AS found
FROM job j
LEFT JOIN letter b ON b.job_id = j.id
CROSS JOIN LATERAL (VALUES
    ('parts', j.parts, b.parts), ('queued', j.queued, b.queued), ('sent', j.sent, b.sent),
    ('delivered', j.delivered, b.delivered), ('bounced', j.bounced, b.bounced),
    ('failed', j.failed, b.failed), ('expired', j.expired, b.expired),
    ('canceled', j.canceled, b.canceled),
    ('suppressed_late', j.suppressed_late, b.suppressed_late),
    ('in_doubt', j.in_doubt, b.in_doubt), ('remaining', j.remaining, b.remaining)
) AS v (what, expected, found)
WHERE ($1::uuid IS NULL OR j.id = $1) AND (b.job_id IS NOT NULL OR j.finished_at IS NULL)
  AND v.expected <> coalesce(v.found, 0)
LIMIT $2;

-- name: audit.asked
-- Whoever was asked for is queued or listed under the one reason that counts him. A list that was
-- removed by retention is left out.
WITH listed AS (
    SELECT job_id, count(*) FILTER (WHERE reason = 'no_address') AS no_address,
           count(*) FILTER (WHERE reason = 'invalid') AS invalid,
           count(*) FILTER (WHERE reason = 'excluded') AS excluded,
           count(*) FILTER (WHERE reason = 'duplicate') AS duplicate,
           count(*) FILTER (WHERE reason = 'suppressed') AS suppressed,
           count(*) FILTER (WHERE reason = 'not_found') AS not_found,
           count(*) FILTER (WHERE reason = 'inactive') AS inactive
    FROM dropped_recipient WHERE $1::uuid IS NULL OR job_id = $1
    GROUP BY job_id
)
SELECT j.id AS job_id, v.what, v.expected::bigint, coalesce(v.found, 0)::bigint AS found
FROM job j
LEFT JOIN listed d ON d.job_id = j.id
CROSS JOIN LATERAL (VALUES
    ('no_address', j.no_address, d.no_address), ('invalid', j.invalid, d.invalid),
    ('excluded', j.excluded, d.excluded), ('duplicate', j.duplicate, d.duplicate),
    ('suppressed', j.suppressed, d.suppressed), ('not_found', j.not_found, d.not_found),
    ('inactive', j.inactive, d.inactive),
    ('requested', coalesce(j.requested, 0),
     CASE WHEN j.requested IS NULL THEN 0
          ELSE j.queued + j.no_address + j.invalid + j.excluded + j.duplicate + j.suppressed
               + j.not_found + j.inactive END)
) AS v (what, expected, found)
WHERE ($1::uuid IS NULL OR j.id = $1)
  AND (d.job_id IS NOT NULL OR v.what = 'requested' OR j.finished_at IS NULL)
  AND v.expected <> coalesce(v.found, 0)
LIMIT $2;

-- name: audit.deliveries
-- A batch has one delivery row for each of its letters.
SELECT b.job_id, 'delivery rows of batch ' || b.id AS what, length(b.state)::bigint AS expected,
       d.found
FROM batch b
CROSS JOIN LATERAL (
    SELECT count(*) AS found FROM delivery d
    WHERE d.job_on = b.job_on AND d.id BETWEEN b.id * 512 AND b.id * 512 + length(b.state) - 1
) d
WHERE ($1::uuid IS NULL OR b.job_id = $1) AND d.found <> length(b.state)
LIMIT $2;

-- name: audit.retries
-- A delivery is deferred or retrying if and only if it has a retry row.
SELECT b.job_id, v.what || b.id AS what, v.expected::bigint, v.found
FROM batch b
CROSS JOIN LATERAL (
    SELECT count(*) AS rows, count(*) FILTER (WHERE substr(b.state, r.position + 1, 1) IN ('d', 'r'))
           AS placed
    FROM retry r WHERE r.batch_id = b.id
) r
CROSS JOIN LATERAL (VALUES
    ('retry rows of deferred deliveries in batch ', state_count(b.state, 'dr'), r.placed),
    ('retry rows of others in batch ', 0, r.rows - r.placed)
) AS v (what, expected, found)
WHERE ($1::uuid IS NULL OR b.job_id = $1) AND v.expected <> v.found
LIMIT $2;

-- name: audit.batches
-- A batch is done if and only if nothing in it is waiting or under way.
SELECT job_id, 'waiting or under way in the ' || CASE WHEN done THEN 'done' ELSE 'open' END
               || ' batch ' || id AS what,
       CASE WHEN done THEN 0 ELSE 1 END::bigint AS expected, state_count(state, 'wu')::bigint AS found
FROM batch
WHERE ($1::uuid IS NULL OR job_id = $1) AND done = (state_count(state, 'wu') > 0)
LIMIT $2;

-- name: audit.doubts
-- A delivery is in doubt if and only if a doubt of it is open.
SELECT b.job_id, 'open doubts of delivery ' || (b.id * 512 + n.place) AS what,
       CASE WHEN n.letter = 'q' THEN 1 ELSE 0 END::bigint AS expected, o.found
FROM batch b
CROSS JOIN LATERAL (
    SELECT p.place, substr(b.state, p.place + 1, 1) AS letter
    FROM generate_series(0, length(b.state) - 1) AS p (place)
) n
CROSS JOIN LATERAL (
    SELECT count(*) AS found FROM doubt o
    WHERE o.delivery_id = b.id * 512 + n.place AND o.resolution IS NULL
) o
WHERE ($1::uuid IS NULL OR b.job_id = $1)
  AND (strpos(b.state, 'q') > 0
       OR EXISTS (SELECT FROM doubt o WHERE o.job_id = b.job_id AND o.resolution IS NULL))
  AND (n.letter = 'q') <> (o.found > 0)
LIMIT $2;

-- name: audit.ledger
-- Where a delivery stands is what the ledger has on record of it: its furthest step. Without any fact
-- it waits, is under way, or was moved or taken back with its job. Only jobs of whose first day the
-- ledger is still there.
WITH kept AS MATERIALIZED (
    SELECT id FROM job
    WHERE ($1::uuid IS NULL OR id = $1)
      AND to_regclass('ledger_' || to_char(job_on, 'YYYYMMDD')) IS NOT NULL
), standing AS MATERIALIZED (
    SELECT b.job_id, b.id * 512 + p.place AS delivery_id, substr(b.state, p.place + 1, 1) AS letter
    FROM kept k
    JOIN batch b ON b.job_id = k.id
    CROSS JOIN LATERAL generate_series(0, length(b.state) - 1) AS p (place)
), furthest AS MATERIALIZED (
    SELECT delivery_id, max(step) AS step FROM ledger
    WHERE delivery_id IS NOT NULL AND step IS NOT NULL AND type <> 'delivery.repeated'
      AND ($1::uuid IS NULL
           OR delivery_id = ANY (ARRAY(SELECT s.delivery_id FROM standing s)))
    GROUP BY delivery_id
), compared AS (
    SELECT s.job_id, s.letter, coalesce(substr($3, f.step + 1, 1), '-') AS told
    FROM standing s LEFT JOIN furthest f ON f.delivery_id = s.delivery_id
)
SELECT job_id, 'deliveries with letter ' || letter || ' whose last fact is ' || told AS what,
       0::bigint AS expected, count(*) AS found
FROM compared
WHERE letter <> told
  AND NOT (told = '-' AND letter IN ('w', 'u', 'd', 'r', 'c'))
  AND NOT (told IN ('d', 'q') AND letter IN ('d', 'r', 'c'))
GROUP BY job_id, letter, told
LIMIT $2;

-- name: audit.jobs
-- A job was accepted once, and completed once if it is finished. Only jobs of whose first day the
-- ledger is still there.
SELECT j.id AS job_id, v.what, v.expected, v.found
FROM job j
CROSS JOIN LATERAL (
    SELECT count(*) FILTER (WHERE type = 'job.accepted') AS accepted,
           count(*) FILTER (WHERE type = 'job.completed') AS completed
    FROM ledger l WHERE l.delivery_id IS NULL AND l.job_id = j.id
) l
CROSS JOIN LATERAL (VALUES
    ('job.accepted on record', 1::bigint, l.accepted),
    ('job.completed on record', (j.finished_at IS NOT NULL)::integer::bigint, l.completed)
) AS v (what, expected, found)
WHERE ($1::uuid IS NULL OR j.id = $1) AND v.expected <> v.found
  AND to_regclass('ledger_' || to_char(j.job_on, 'YYYYMMDD')) IS NOT NULL
LIMIT $2;

-- name: audit.streams
-- A stream has no gap: from its first event that is still there to its last one. Not asked of one job.
SELECT NULL::uuid AS job_id, 'events of stream ' || s.number AS what,
       s.last_seq - l.first_seq + 1 AS expected, l.found
FROM (SELECT stream, min(seq) AS first_seq, count(*) AS found FROM ledger
      WHERE $1::uuid IS NULL GROUP BY stream) l
JOIN stream s ON s.number = l.stream
WHERE s.last_seq - l.first_seq + 1 <> l.found
LIMIT $2;

-- name: audit.money
-- Whatever has come to its end was handed over or released, once: what is charged follows from it.
SELECT id AS job_id, 'handed over or released' AS what,
       (queued - remaining - in_doubt)::bigint AS expected, (handed + released)::bigint AS found
FROM job
WHERE ($1::uuid IS NULL OR id = $1) AND handed + released <> queued - remaining - in_doubt
LIMIT $2;

-- name: audit.credit
-- An account is what its lines add up to, and a job that somebody pays for has set aside and charged
-- what it is booked up to; a minute after its end it is booked to its end. Amounts in units of the last
-- place.
WITH line AS (
    SELECT customer_id, job_id,
           sum(amount) FILTER (WHERE kind IN ('topup', 'adjust', 'refund')) AS given,
           sum(amount) FILTER (WHERE kind = 'charge') AS charged,
           sum(CASE kind WHEN 'reserve' THEN amount WHEN 'charge' THEN -amount
                         WHEN 'release' THEN -amount ELSE 0 END) AS held
    FROM credit_ledger WHERE $1::uuid IS NULL OR job_id = $1
    GROUP BY customer_id, job_id
), account AS (
    SELECT a.customer_id, a.balance, a.reserved,
           coalesce(sum(coalesce(l.given, 0) - coalesce(l.charged, 0)), 0) AS lines_balance,
           coalesce(sum(l.held), 0) AS lines_reserved
    FROM credit_account a LEFT JOIN line l ON l.customer_id = a.customer_id
    WHERE $1::uuid IS NULL
    GROUP BY a.customer_id, a.balance, a.reserved
)
SELECT v.job_id, v.what, (v.expected * 100000000)::bigint AS expected,
       (v.found * 100000000)::bigint AS found
FROM (
    SELECT NULL::uuid AS job_id, v.what || a.customer_id AS what, v.expected, v.found
    FROM account a CROSS JOIN LATERAL (VALUES
        ('balance of customer ', a.balance, a.lines_balance),
        ('reserved of customer ', a.reserved, a.lines_reserved)) AS v (what, expected, found)
    UNION ALL
    SELECT j.id, v.what, v.expected, coalesce(v.found, 0)
    FROM job j
    JOIN credit_account a ON a.customer_id = j.payer_id
    LEFT JOIN line l ON l.job_id = j.id
    CROSS JOIN LATERAL (VALUES
        ('charged', round(j.booked_handed * j.price, 8), l.charged),
        ('set aside', round((j.queued - j.booked_released) * j.price, 8)
                      - round(j.booked_handed * j.price, 8), l.held),
        ('unbooked after its end', 0,
         (NOT j.booked AND j.finished_at < now() - interval '1 minute')::integer::numeric)
    ) AS v (what, expected, found)
    WHERE ($1::uuid IS NULL OR j.id = $1) AND j.price IS NOT NULL
) AS v
WHERE v.expected <> v.found
LIMIT $2;

-- name: audit.ends
-- A job with nothing left has ended: nobody would end it later.
SELECT id AS job_id, 'end of a job with nothing left' AS what, 1::bigint AS expected,
       0::bigint AS found
FROM job
WHERE ($1::uuid IS NULL OR id = $1) AND finished_at IS NULL AND NOT open AND state <> 'expanding'
  AND remaining = 0 AND in_doubt = 0
LIMIT $2;

-- name: audit.owners
-- Whatever is held is held by somebody alive; a minute is enough for anybody to relieve the dead.
WITH held AS (
    SELECT job_id, owner FROM batch WHERE owner IS NOT NULL
    UNION ALL
    SELECT job_id, owner FROM retry WHERE owner IS NOT NULL
)
SELECT h.job_id, 'batches and retries held by ' || h.owner || ', who is gone' AS what,
       0::bigint AS expected, count(*) AS found
FROM held h LEFT JOIN instance i ON i.id = h.owner
WHERE ($1::uuid IS NULL OR h.job_id = $1)
  AND (i.id IS NULL OR i.lease_until < now() - interval '1 minute')
GROUP BY h.job_id, h.owner
LIMIT $2;
