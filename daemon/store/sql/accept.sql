-- name: accept.keys
-- Claims the keys of requests; what isn't answered here was seen before. A key whose time is over is
-- claimed anew. Ordered, so that two groups never wait for each other in a ring.
INSERT INTO request_seen (customer_id, request_id, part, body_hash, job_id, expires_at)
SELECT k.customer_id, k.request_id, k.part, k.body_hash, k.job_id, now() + make_interval(secs => $6)
FROM unnest($1::bigint[], $2::text[], $3::integer[], $4::bytea[], $5::uuid[])
     AS k (customer_id, request_id, part, body_hash, job_id)
ORDER BY k.customer_id, k.request_id, k.part
ON CONFLICT ON CONSTRAINT request_seen_one_live_key DO UPDATE
    SET body_hash = excluded.body_hash, job_id = excluded.job_id, answer = NULL,
        expires_at = excluded.expires_at
    WHERE request_seen.expires_at <= now()
RETURNING id, customer_id, request_id, part;

-- name: accept.known
-- What was answered to keys that were seen before.
SELECT s.customer_id, s.request_id, s.part, s.body_hash, s.job_id, s.answer
FROM request_seen s
JOIN unnest($1::bigint[], $2::text[], $3::integer[]) AS k (customer_id, request_id, part)
  ON s.customer_id = k.customer_id AND s.request_id = k.request_id AND s.part = k.part;

-- name: accept.unkeyed
-- Remembers parcels without any key until their acknowledgement is known to have arrived.
INSERT INTO request_seen (customer_id, body_hash, job_id, answer, expires_at)
SELECT k.customer_id, k.body_hash, k.job_id, k.answer, now() + make_interval(secs => $5)
FROM unnest($1::bigint[], $2::bytea[], $3::uuid[], $4::bytea[])
     AS k (customer_id, body_hash, job_id, answer)
RETURNING id;

-- name: accept.unkeyed_match
-- Uses up one match of a redelivered parcel without key: its first answer, once.
DELETE FROM request_seen WHERE id = (
    SELECT id FROM request_seen
    WHERE request_id IS NULL AND customer_id = $1 AND body_hash = $2 AND expires_at > now()
    ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED)
RETURNING job_id, answer;

-- name: accept.unkeyed_arrived
-- Forgets parcels without key whose acknowledgement is known to have arrived.
DELETE FROM request_seen WHERE id = ANY ($1::bigint[]);

-- name: accept.answers
-- Keeps the first answers beside their keys.
UPDATE request_seen s SET answer = a.answer
FROM unnest($1::bigint[], $2::bytea[]) AS a (id, answer) WHERE s.id = a.id;

-- name: accept.forget_keys
-- Forgets keys and early frames whose time is over, a bounded number at a time.
WITH keys AS (
    DELETE FROM request_seen WHERE id = ANY (ARRAY(
        SELECT id FROM request_seen WHERE expires_at < now() ORDER BY expires_at LIMIT 5000
        FOR UPDATE SKIP LOCKED)) RETURNING 1
), frames AS (
    DELETE FROM frame WHERE expires_at < now() RETURNING 1
)
SELECT (SELECT count(*) FROM keys) + (SELECT count(*) FROM frames);

-- name: accept.jobs
-- Stores jobs with one message each. The lane is the asked transport's, else the customer's default;
-- a job that finds none isn't stored and isn't answered.
WITH asked AS (
    SELECT * FROM unnest(
        $1::uuid[], $2::text[], $3::bigint[], $4::text[], $5::text[], $6::bytea[], $7::text[],
        $8::text[], $9::smallint[], $10::text[], $11::bigint[], $12::boolean[],
        $13::timestamptz[], $14::text[], $15::double precision[], $16::double precision[],
        $17::jsonb[], $18::jsonb[], $19::jsonb[])
    AS a (id, ticket, customer_id, dialect, request_id, request_hash, name, purpose, class, doubt,
          transport_id, open, not_before, not_before_raw, expires_after, open_timeout, settings,
          coercions, spec)
), laned AS (
    SELECT a.*, l.id AS lane_id, t.from_address, t.from_name, t.reply_to AS transport_reply_to,
           greatest(a.not_before, now()) AS due_at
    FROM asked a
    JOIN transport t ON t.customer_id = a.customer_id AND t.active
         AND (t.id = a.transport_id OR (a.transport_id IS NULL AND t.is_default))
    JOIN lane l ON l.transport_id = t.id AND l.site = ''
), stored AS (
    INSERT INTO job (id, ticket, job_on, customer_id, dialect, request_id, request_hash, name, purpose,
                     class, doubt, lane_id, state, open, accepted_at, not_before, not_before_raw,
                     expires_after, expires_at, closes_at, settings, coercions)
    SELECT id, ticket, now()::date, customer_id, dialect, request_id, request_hash, name, purpose,
           class, doubt, lane_id, 'scheduled', open, now(), due_at, not_before_raw,
           make_interval(secs => expires_after), due_at + make_interval(secs => expires_after),
           CASE WHEN open THEN now() + make_interval(secs => open_timeout) END, settings, coercions
    FROM laned
    RETURNING id, job_on, not_before
), written AS (
    INSERT INTO message (job_id, customer_id, position, spec)
    SELECT id, customer_id, 0, spec FROM laned
    RETURNING id, job_id
)
SELECT s.id, s.job_on, s.not_before, w.id AS message_id
FROM stored s JOIN written w ON w.job_id = s.id;

-- name: accept.empty
-- Completes jobs that nobody is left in, at once.
UPDATE job SET state = 'completed', finished_at = now()
WHERE id = ANY ($1::uuid[]) AND remaining = 0 AND in_doubt = 0 AND NOT open;

-- name: accept.frame_lock
-- One accept at a time for one request id of one customer.
SELECT pg_advisory_xact_lock(hashtextextended($1::bigint || ' ' || $2::text, 0));

-- name: accept.frame_job
-- The job that a frame or a close is for, locked.
SELECT j.id, j.job_on, j.open, j.state, j.frames, j.frames_expected, j.not_before, m.id AS message_id
FROM job j JOIN message m ON m.job_id = j.id
WHERE j.customer_id = $1 AND j.request_id = $2
ORDER BY j.accepted_at DESC LIMIT 1 FOR UPDATE OF j;

-- name: accept.frame_keep
-- Keeps a frame or a close that came before its send.
INSERT INTO frame (customer_id, request_id, part, body_hash, body, reply_to, correlation_id, expires_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, now() + make_interval(secs => $8))
ON CONFLICT DO NOTHING;

-- name: accept.frame_early
-- The frames that came before their send, in order, used up.
DELETE FROM frame WHERE customer_id = $1 AND request_id = $2
RETURNING part, body_hash, body, reply_to, correlation_id;

-- name: accept.frame_in
-- One frame more is in; the job stays open for another while.
UPDATE job SET frames = frames + 1, closes_at = now() + make_interval(secs => $2)
WHERE id = $1 RETURNING frames, frames_expected;

-- name: accept.close
-- Closes a job when as many frames are in as were announced, else notes how many are to come.
UPDATE job SET
    frames_expected = $2,
    open = frames < $2,
    closes_at = CASE WHEN frames < $2 THEN closes_at END,
    requested = CASE WHEN frames < $2 THEN requested
                ELSE queued + no_address + invalid + excluded + duplicate + suppressed + not_found
                     + inactive END
WHERE id = $1
RETURNING open;

-- name: accept.left_open
-- Jobs that nobody closed in time, locked.
SELECT id FROM job WHERE open AND closes_at < now() ORDER BY id LIMIT 100 FOR UPDATE SKIP LOCKED;
