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
SELECT s.customer_id, s.request_id, s.part, s.body_hash, s.answer
FROM request_seen s
JOIN unnest($1::bigint[], $2::text[], $3::integer[]) AS k (customer_id, request_id, part)
  ON s.customer_id = k.customer_id AND s.request_id = k.request_id AND s.part = k.part;

-- name: accept.unclaim
-- Gives claimed keys back: their requests were refused, and refusals aren't remembered.
DELETE FROM request_seen WHERE id = ANY ($1::bigint[]);

-- name: accept.unkeyed
-- Remembers parcels without any key until their acknowledgement is known to have arrived.
INSERT INTO request_seen (customer_id, body_hash, job_id, answer, instance, session, tag,
                          held_until, expires_at)
SELECT k.customer_id, k.body_hash, k.job_id, k.answer, k.instance, k.session, k.tag,
       now() + interval '1 minute', now() + make_interval(secs => $8)
FROM unnest($1::bigint[], $2::bytea[], $3::uuid[], $4::bytea[], $5::uuid[], $6::bigint[],
            $7::bigint[])
     WITH ORDINALITY AS k (customer_id, body_hash, job_id, answer, instance, session, tag, place)
ORDER BY k.place
RETURNING id;

-- name: accept.unkeyed_own
-- Which of these parcels in hand have been accepted: a commit that seemed lost was none.
SELECT s.id, s.answer, k.instance, k.session, k.tag
FROM unnest($1::bytea[], $2::uuid[], $3::bigint[], $4::bigint[])
     AS k (body_hash, instance, session, tag)
JOIN request_seen s ON s.body_hash = k.body_hash AND s.request_id IS NULL
    AND (s.instance, s.session, s.tag) = (k.instance, k.session, k.tag);

-- name: accept.unkeyed_match
-- Uses up one match of a redelivered parcel without key: its first answer, once. What came by the
-- same session is another parcel; of what a living instance has in hand nobody can tell yet.
WITH same AS MATERIALIZED (
    SELECT s.id, s.held_until > now() AND EXISTS (
        SELECT FROM instance i WHERE i.id = s.instance AND i.lease_until > now()) AS is_held
    FROM request_seen s
    WHERE s.request_id IS NULL AND s.customer_id = $1 AND s.body_hash = $2
      AND s.expires_at > now() AND ((s.instance, s.session) = ($3::uuid, $4::bigint)) IS NOT TRUE
    ORDER BY s.id FOR UPDATE OF s
), used AS (
    DELETE FROM request_seen WHERE id = (SELECT min(id) FROM same WHERE is_held IS NOT TRUE)
    RETURNING answer
)
SELECT answer FROM used
UNION ALL
SELECT NULL WHERE EXISTS (SELECT FROM same) AND NOT EXISTS (SELECT FROM used);

-- name: accept.unkeyed_lost
-- Nobody has these parcels in hand any more: they may come again.
UPDATE request_seen SET held_until = now()
WHERE id = ANY ($1::bigint[]) AND request_id IS NULL;

-- name: accept.unkeyed_arrived
-- Forgets parcels without key whose acknowledgement is known to have arrived.
DELETE FROM request_seen WHERE id = ANY ($1::bigint[]) AND request_id IS NULL;

-- name: accept.answers
-- Keeps the first answers beside their keys.
UPDATE request_seen s SET answer = a.answer
FROM unnest($1::bigint[], $2::bytea[]) AS a (id, answer) WHERE s.id = a.id;

-- name: accept.forget_keys
-- Forgets keys whose time is over, a bounded number at a time.
DELETE FROM request_seen WHERE id = ANY (ARRAY(
    SELECT id FROM request_seen WHERE expires_at < now() ORDER BY expires_at LIMIT 5000
    FOR UPDATE SKIP LOCKED));

-- name: accept.jobs
-- Stores jobs with one message each. The lane is the asked transport's, else the default of the customer
-- in whose name it is, else of him who asked;
-- the transport supplies the From and Reply-To that a message lacks: now, so that every later try is
-- the same mail whatever becomes of the transport. A job that finds no transport, or no From,
-- isn't stored: its answer has no message. It costs what the plan of whoever asks says now, if he has
-- credit: what a plan says later is for later jobs. The content is answered where $28 wants it.
WITH asked AS MATERIALIZED (
    SELECT * FROM unnest(
        $1::uuid[], $2::text[], $3::bigint[], $4::text[], $5::text[], $6::bytea[], $7::text[],
        $8::text[], $9::smallint[], $10::text[], $11::bigint[], $12::boolean[],
        $13::timestamptz[], $14::text[], $15::double precision[], $16::double precision[],
        $17::jsonb[], $18::jsonb[], $19::jsonb[], $20::timestamptz[], $21::double precision[],
        $22::text[], $23::text[], $24::bigint[], $25::bigint[], $26::jsonb[], $27::bigint[],
        $28::boolean[])
    AS a (id, ticket, customer_id, dialect, request_id, request_hash, name, purpose, class, doubt,
          transport_id, open, not_before, not_before_raw, expires_after, open_timeout, settings,
          coercions, spec, opens_at, too_late, windows, spread, acting_id, person_id,
          local_dues, campaign_id, is_wanted)
), laned AS MATERIALIZED (
    SELECT a.*, l.id AS lane_id, greatest(a.not_before, a.opens_at, now()) AS due_at,
           CASE WHEN t.reply_to IS NULL THEN '{}' ELSE jsonb_build_object('reply_to', t.reply_to) END
           || a.spec
           || CASE WHEN a.spec #>> '{from,address}' IS NOT NULL THEN '{}'
                   ELSE jsonb_build_object('from', jsonb_build_object(
                       'address', t.from_address,
                       'name', coalesce(a.spec #>> '{from,name}', t.from_name))) END AS whole
    FROM asked a
    LEFT JOIN transport t ON t.active AND t.customer_id IN (a.customer_id, a.acting_id)
        AND t.id = coalesce(
            a.transport_id,
            (SELECT d.id FROM transport d WHERE d.customer_id = a.acting_id AND d.active AND d.is_default),
            (SELECT d.id FROM transport d WHERE d.customer_id = a.customer_id AND d.active AND d.is_default))
    LEFT JOIN lane l ON l.transport_id = t.id AND l.site = ''
), fit AS MATERIALIZED (
    SELECT l.*, p.price_per_email AS price, CASE WHEN p.id IS NOT NULL THEN l.customer_id END AS payer_id
    FROM laned l
    LEFT JOIN (customer c JOIN rate_plan p ON p.id = c.plan_id
               JOIN credit_account a ON a.customer_id = c.id)
           ON c.id = l.customer_id AND p.bill_type IN ('prepaid', 'postpaid') AND p.price_per_email > 0
    WHERE l.lane_id IS NOT NULL AND l.whole #>> '{from,address}' <> ''
), stored AS (
    INSERT INTO job (id, ticket, job_on, customer_id, dialect, request_id, request_hash, name, purpose,
                     class, doubt, lane_id, state, open, accepted_at, not_before, not_before_raw,
                     expires_after, expires_at, closes_at, settings, coercions, windows, spread, price,
                     payer_id, acting_customer_id, person_id, local_dues, campaign_id)
    SELECT id, ticket, now()::date, customer_id, dialect, request_id, request_hash, name, purpose,
           class, doubt, lane_id, 'scheduled', open, now(), due_at, not_before_raw,
           make_interval(secs => expires_after),
           least(due_at + make_interval(secs => expires_after),
                 coalesce(not_before, now()) + make_interval(secs => too_late)),
           CASE WHEN open THEN now() + make_interval(secs => open_timeout) END, settings, coercions,
           windows::tstzmultirange, spread::tstzmultirange, price, payer_id,
           nullif(acting_id, customer_id), person_id, local_dues, campaign_id
    FROM fit
    RETURNING id, not_before, expires_at, price
), written AS (
    INSERT INTO message (job_id, customer_id, position, spec)
    SELECT id, customer_id, 0, whole FROM fit
    RETURNING id, job_id
)
SELECT l.id, l.lane_id IS NOT NULL AS has_transport, s.not_before, s.expires_at, w.id AS message_id,
       s.price, l.lane_id, CASE WHEN l.is_wanted THEN l.whole END AS spec
FROM laned l
LEFT JOIN stored s ON s.id = l.id
LEFT JOIN written w ON w.job_id = l.id;

-- name: accept.empty
-- Completes jobs that nobody is left in, at once.
UPDATE job SET state = 'completed', finished_at = now()
WHERE id = ANY ($1::uuid[]) AND remaining = 0 AND in_doubt = 0 AND NOT open;

-- name: accept.undo
-- Takes back jobs of this very transaction that turned out to reach nobody, or to cost too much, with
-- all that is theirs.
WITH gone AS (
    DELETE FROM delivery d USING batch b
    WHERE b.job_id = ANY ($1::uuid[]) AND d.job_on = b.job_on
      AND d.id BETWEEN b.id * 512 AND b.id * 512 + 511
)
DELETE FROM job WHERE id = ANY ($1::uuid[]);

-- name: accept.wake
-- Tells dispatch, once this transaction has committed, that something is due. A hint and no more.
SELECT pg_notify('deliveryd_due', '');

-- name: frame.lock
-- One accept at a time for one request id of one customer.
SELECT pg_advisory_xact_lock(hashtextextended($1::bigint || ' ' || $2::text, 0));

-- name: frame.job
-- The job that a frame or a close is for: an open one, or one whose key still lives.
SELECT j.id, j.open, j.state, j.frames, j.frames_expected, m.id AS message_id
FROM job j JOIN message m ON m.job_id = j.id
WHERE j.customer_id = $1 AND j.request_id = $2
  AND (j.open OR j.accepted_at > now() - make_interval(secs => $3))
ORDER BY j.accepted_at DESC LIMIT 1;

-- name: frame.customer
-- Keeps whoever pauses or resumes a customer waiting until a frame of his is in: its batches are then
-- put off or made due with all others.
SELECT FROM customer WHERE id = $1 FOR KEY SHARE;

-- name: frame.hold
-- Locks a job before it is closed.
SELECT FROM job WHERE id = $1 FOR NO KEY UPDATE;

-- name: frame.keep
-- Keeps a frame or a close that came before its send. The same again moves only where the answer
-- goes; no row: this number was kept with another body.
INSERT INTO frame AS known (customer_id, request_id, part, body_hash, body, reply_to, correlation_id,
                            expires_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, now() + make_interval(secs => $8))
ON CONFLICT ON CONSTRAINT frame_pkey DO UPDATE
    SET reply_to = excluded.reply_to, correlation_id = excluded.correlation_id
    WHERE known.body_hash = excluded.body_hash
RETURNING part;

-- name: frame.next
-- Takes the next frame that was kept for a request id, in the order of their numbers, a close last.
DELETE FROM frame WHERE (customer_id, request_id, part) = (
    SELECT customer_id, request_id, part FROM frame
    WHERE customer_id = $1 AND request_id = $2
    ORDER BY part = -1, part LIMIT 1)
RETURNING customer_id, request_id, part, body_hash, body, reply_to, correlation_id;

-- name: frame.due
-- For which open jobs frames are still kept: left behind by an accept that was killed.
SELECT DISTINCT f.customer_id, f.request_id
FROM frame f JOIN job j ON j.customer_id = f.customer_id AND j.request_id = f.request_id AND j.open
LIMIT 100;

-- name: frame.expired
-- Takes kept frames whose send didn't come in time.
DELETE FROM frame WHERE (customer_id, request_id, part) IN (
    SELECT customer_id, request_id, part FROM frame WHERE expires_at < now()
    LIMIT 100 FOR UPDATE SKIP LOCKED)
RETURNING customer_id, request_id, part, body_hash, body, reply_to, correlation_id;

-- name: frame.enter
-- One frame more is in; the job stays open for another while.
UPDATE job SET frames = frames + 1, closes_at = now() + make_interval(secs => $2) WHERE id = $1;

-- name: frame.close
-- Closes a job when as many frames are in as were announced, else notes how many are to come. From
-- then on it is known how many were asked for.
UPDATE job SET
    frames_expected = $2,
    open = frames < $2,
    closes_at = CASE WHEN frames < $2 THEN closes_at END,
    requested = CASE WHEN frames < $2 THEN requested
                ELSE queued + no_address + invalid + excluded + duplicate + suppressed + not_found
                     + inactive END
WHERE id = $1
RETURNING open;

-- name: frame.asked
-- How many recipients a locked job was asked for so far.
SELECT queued + no_address + invalid + excluded + duplicate + suppressed + not_found + inactive
FROM job WHERE id = $1;

-- name: frame.left_open
-- Jobs that nobody closed in time, with the number of their frames, locked.
SELECT id, frames FROM job WHERE open AND closes_at < now()
ORDER BY id LIMIT 100 FOR UPDATE SKIP LOCKED;
