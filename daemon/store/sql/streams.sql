-- name: stream.open
-- A new stream of one writer connection; its instance tells it too.
INSERT INTO stream (prefix, instance, kind, teller) VALUES ($1, $2, $3, $2) RETURNING number, epoch;

-- name: stream.lock
-- The writer's first statement in every appending transaction: numbers and time go on from here.
-- No row: the stream was taken from us, and everything must be rolled back.
SELECT last_seq, greatest(now(), last_at) AS at FROM stream
WHERE number = $1 AND epoch = $2 AND NOT closed FOR UPDATE;

-- name: stream.advance
-- Notes the numbers given in this transaction.
UPDATE stream SET last_seq = $2, last_at = $3 WHERE number = $1;

-- name: ledger.append
-- Appends a few events to a stream and notes their numbers, in one step; many are faster by COPY.
WITH advanced AS (
    UPDATE stream SET last_seq = $4, last_at = $2 WHERE number = $1
)
INSERT INTO ledger (stream, at, seq, type, customer_id, job_id, message_id, delivery_id, attempt, step,
                    code, enhanced, text, address, relay, next_at, data)
SELECT $1, $2::timestamptz, *
FROM unnest($3::bigint[], $5::text[], $6::bigint[], $7::uuid[], $8::bigint[], $9::bigint[],
            $10::integer[], $11::smallint[], $12::smallint[], $13::text[], $14::text[], $15::text[],
            $16::text[], $17::timestamptz[], $18::jsonb[]);

-- name: stream.told
-- Everything up to $2 is confirmed; only the current teller moves it, and only forward. A database that
-- lost its last commits knows of fewer: then what it knows of is told.
UPDATE stream SET told_seq = least($2, last_seq), told_at = $3
WHERE number = $1 AND teller = $4 AND told_seq < $2;

-- name: stream.close
-- No more will be appended: whoever tells it may finish and forget it.
UPDATE stream SET closed = true, epoch = epoch + 1 WHERE number = $1 AND NOT closed;

-- name: stream.adopt
-- Takes over the untold streams of instances that are no longer alive, and of our own ended ones those
-- that aren't in $2. A commit in flight holds the row, so it is looked at again; the raised epoch refuses
-- a later one.
UPDATE stream SET teller = $1, closed = true, epoch = epoch + 1
WHERE number = ANY (ARRAY(
    SELECT s.number FROM stream s
    WHERE s.told_seq < s.last_seq
      AND CASE WHEN s.teller = $1 THEN s.closed AND s.number <> ALL ($2::bigint[])
               ELSE NOT EXISTS (SELECT FROM instance i WHERE i.id = s.teller AND i.lease_until > now())
          END
    ORDER BY s.number LIMIT 100 FOR UPDATE SKIP LOCKED))
RETURNING number, told_seq, told_at;

-- name: stream.retire
-- Closes the fully told streams of instances that are no longer alive.
UPDATE stream SET closed = true, epoch = epoch + 1
WHERE number = ANY (ARRAY(
    SELECT s.number FROM stream s
    WHERE NOT s.closed AND s.told_seq = s.last_seq
      AND NOT EXISTS (SELECT FROM instance i WHERE i.id = s.instance AND i.lease_until > now())
    ORDER BY s.number LIMIT 100 FOR UPDATE SKIP LOCKED));

-- name: stream.forget
-- Removes streams that have ended and are told, and all of whose events are of days before $1.
DELETE FROM stream WHERE closed AND told_seq = last_seq AND last_at < $1::date;

-- name: stream.untold
-- What is written and not yet told, over all streams.
SELECT coalesce(sum(last_seq - told_seq), 0)::bigint AS events,
       coalesce(extract(epoch FROM now() - min(told_at) FILTER (WHERE told_at > '-infinity')), 0)
           ::double precision AS oldest
FROM stream WHERE told_seq < last_seq;

-- name: ledger.read
-- The next events of a stream that are not told yet, in their order. `at` never falls within a
-- stream, so that only the partitions from told_at on are touched.
SELECT l.stream, s.prefix, l.seq, l.at, l.type, l.customer_id, l.job_id, l.message_id,
       l.delivery_id, l.attempt, l.step, l.code, l.enhanced, l.text, l.address, l.relay, l.next_at,
       l.data
FROM ledger l JOIN stream s ON s.number = l.stream
WHERE l.stream = $1 AND l.seq > $2 AND l.at >= $3
ORDER BY l.seq LIMIT $4;

-- name: ledger.replay_job
-- The events of a job, its deliveries' too, a page at a time in the order of their ids.
SELECT l.stream, s.prefix, l.seq, l.at, l.type, l.customer_id, l.job_id, l.message_id,
       l.delivery_id, l.attempt, l.step, l.code, l.enhanced, l.text, l.address, l.relay, l.next_at,
       l.data
FROM ledger l JOIN stream s ON s.number = l.stream
WHERE l.customer_id = $1
  AND l.seq <= s.told_seq
  AND ((l.delivery_id IS NULL AND l.job_id = $2)
       OR l.delivery_id = ANY (ARRAY(
           SELECT d.id FROM batch b, delivery d
           WHERE b.job_id = $2 AND d.job_on = b.job_on
             AND d.id BETWEEN b.id * 512 AND b.id * 512 + 511)))
  AND (l.stream, l.seq) > ($3, $4)
ORDER BY l.stream, l.seq LIMIT $5;

-- name: ledger.replay_time
-- The events of a customer between two moments, a page at a time in the order of their ids.
SELECT l.stream, s.prefix, l.seq, l.at, l.type, l.customer_id, l.job_id, l.message_id,
       l.delivery_id, l.attempt, l.step, l.code, l.enhanced, l.text, l.address, l.relay, l.next_at,
       l.data
FROM ledger l JOIN stream s ON s.number = l.stream
WHERE l.customer_id = $1 AND l.at >= $2 AND l.at < $3 AND l.seq <= s.told_seq
  AND (l.stream, l.seq) > ($4, $5)
ORDER BY l.stream, l.seq LIMIT $6;

-- name: ledger.of_deliveries
-- The last fact on record of each of these deliveries.
SELECT DISTINCT ON (delivery_id) delivery_id, type, at, attempt, code, enhanced, text, relay, next_at,
       data
FROM ledger WHERE delivery_id = ANY ($1::bigint[]) AND type <> 'delivery.repeated'
ORDER BY delivery_id, attempt DESC, step DESC, seq DESC;
