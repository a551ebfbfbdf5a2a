-- name: replay.stream
-- The told events of one stream that are the customer's, a page at a time.
SELECT l.stream, s.prefix, l.seq, l.at, l.type, l.customer_id, l.job_id, l.message_id,
       l.delivery_id, l.attempt, l.step, l.code, l.enhanced, l.text, l.address, l.relay, l.next_at,
       l.data
FROM ledger l JOIN stream s ON s.number = l.stream
WHERE l.customer_id = $1 AND l.stream = $2 AND l.seq <= s.told_seq AND l.seq > $3
ORDER BY l.seq LIMIT $4;

-- name: replay.count_time
-- How many events a replay of a time, or of a stream ($4) in that time, will tell.
SELECT count(*) FROM ledger l JOIN stream s ON s.number = l.stream
WHERE l.customer_id = $1 AND l.at >= $2 AND l.at < $3 AND l.seq <= s.told_seq
  AND ($4::bigint IS NULL OR l.stream = $4) AND l.type <> 'delivery.repeated';

-- name: replay.count_job
-- How many events a replay of a job, in a time, will tell.
SELECT count(*) FROM ledger l JOIN stream s ON s.number = l.stream
WHERE l.customer_id = $1 AND l.at >= $3 AND l.at < $4 AND l.seq <= s.told_seq
  AND l.type <> 'delivery.repeated'
  AND ((l.delivery_id IS NULL AND l.job_id = $2)
       OR l.delivery_id = ANY (ARRAY(
           SELECT d.id FROM batch b, delivery d
           WHERE b.job_id = $2 AND d.job_on = b.job_on
             AND d.id BETWEEN b.id * 512 AND b.id * 512 + 511)));
