-- name: expanding.estimate
-- How many an audience comes to before anything is judged, counted no further than $6. $1 is in whose
-- name; the terms are as for `audience.expand`.
WITH RECURSIVE term AS MATERIALIZED (
    SELECT * FROM unnest($2::text[], $3::text[], $4::bigint[], $5::boolean[]) AS t (type, scope, id, excludes)
    WHERE NOT excludes
), child (id) AS MATERIALIZED (
    SELECT c.id FROM customer c
    WHERE c.parent_id = $1::bigint AND c.id <> $1 AND c.status <> 'deleted'
      AND (SELECT bool_or(scope <> 'self') FROM term)
), below (id) AS (
    SELECT id FROM child WHERE (SELECT bool_or(scope = 'descendants') FROM term)
    UNION
    SELECT c.id FROM below b
    CROSS JOIN LATERAL (
        SELECT c.id FROM customer c WHERE c.parent_id = b.id AND c.id <> $1 AND c.status <> 'deleted'
        OFFSET 0) c
), whose AS (
    SELECT t.type, $1 AS customer_id FROM term t WHERE t.scope = 'self'
    UNION ALL SELECT t.type, c.id FROM term t CROSS JOIN child c WHERE t.scope = 'children'
    UNION ALL SELECT t.type, b.id FROM term t CROSS JOIN below b WHERE t.scope = 'descendants'
)
SELECT count(*)::integer FROM (
    -- customer by customer, as `audience.expand` does it
    SELECT FROM whose w
    CROSS JOIN LATERAL (
        SELECT FROM person p
        WHERE p.customer_id = w.customer_id AND NOT p.pseudo AND p.deleted_at IS NULL
        OFFSET 0) p
    WHERE w.type = 'people'
    UNION ALL
    SELECT FROM whose w JOIN billing_contact b ON b.customer_id = w.customer_id AND b.active
    WHERE w.type = 'billing'
    UNION ALL
    SELECT FROM term t JOIN list_member m ON m.list_id = t.id WHERE t.type = 'list'
    LIMIT $6
) somebody;

-- name: expanding.keep
-- Puts the audience of a job off: the job is `expanding` until it is found. One that is due at another time in
-- each zone is found when the first of them is, wherever its people are.
WITH job AS (
    UPDATE job SET state = 'expanding', requested = NULL WHERE id = $1
    RETURNING least(not_before, (SELECT min(z.value::timestamptz)
                                 FROM jsonb_each_text(local_dues) AS z)) AS due_at
)
INSERT INTO expansion (job_id, customer_id, person_id, request_id, body_hash, body, claim, due_at)
SELECT $1, $2, $3, $4, $5, $6, $7, CASE WHEN $8 THEN job.due_at ELSE now() END FROM job;

-- name: expanding.expect
-- Notes who waits for the answer of a job whose audience is still to be found.
INSERT INTO reply (job_id, reply_to, correlation_id, dialect, deadline)
VALUES ($1, $2, $3, $4, now() + make_interval(secs => $5));

-- name: expanding.expect_again
-- Notes who asks once more for what is still to be found, by the key of the first time.
INSERT INTO reply (job_id, reply_to, correlation_id, dialect, deadline)
SELECT s.job_id, $3, $4, $5, now() + make_interval(secs => $6)
FROM request_seen s JOIN job j ON j.id = s.job_id
WHERE s.customer_id = $1 AND s.request_id = $2 AND s.part = 0;

-- name: expanding.waits
-- Whether an audience is to be found.
SELECT EXISTS (SELECT FROM expansion WHERE due_at <= now() AND again_at <= now())
    OR EXISTS (SELECT FROM expansion e JOIN job j ON j.id = e.job_id WHERE j.state <> 'expanding');

-- name: expanding.try
-- Counts another try to find the audience that is to be found next: of those due the one tried least. Also
-- of a job that was canceled meanwhile: somebody waits for its answer. Committed before the search, so that
-- a try counts which takes the process or the database down with it; then the next one comes after a pause,
-- of $1 by its number.
UPDATE expansion SET tries = tries + 1,
    again_at = now() + make_interval(secs => ($1::double precision[])[least(tries + 1, cardinality($1))])
WHERE job_id = ANY (ARRAY(
    SELECT e.job_id FROM expansion e JOIN job j ON j.id = e.job_id
    WHERE (e.due_at <= now() AND e.again_at <= now()) OR j.state <> 'expanding'
    ORDER BY e.tries, e.due_at LIMIT 1 FOR UPDATE OF e SKIP LOCKED))
RETURNING job_id, tries;

-- name: expanding.failed_try
-- A try was in vain: why, and after how many seconds the next one is; unless somebody is at it again.
UPDATE expansion SET trouble = $2, again_at = now() + make_interval(secs => $3)
WHERE job_id = ANY (ARRAY(SELECT job_id FROM expansion WHERE job_id = $1 FOR UPDATE SKIP LOCKED));

-- name: expanding.troubled
-- The audience that was looked for in vain most often.
SELECT j.ticket, e.tries, coalesce(e.trouble, '') AS trouble
FROM expansion e JOIN job j ON j.id = e.job_id
WHERE e.trouble IS NOT NULL AND j.state = 'expanding'
ORDER BY e.tries DESC, e.due_at LIMIT 1;

-- name: expanding.taken
-- The request whose audience is to be found; nobody else takes it until this transaction has ended.
SELECT e.job_id, e.customer_id, e.person_id, e.request_id, e.body_hash, e.body, e.claim, e.trouble,
       j.ticket, j.state, j.accepted_at, j.not_before, j.expires_at, j.price, m.id AS message_id
FROM expansion e
JOIN job j ON j.id = e.job_id
JOIN message m ON m.job_id = j.id
WHERE e.job_id = $1 FOR UPDATE OF e SKIP LOCKED;

-- name: expanding.begin
-- What sorts and hashes of this transaction may use: a million people are sorted in memory.
SELECT set_config('work_mem', $1, true);

-- name: expanding.found
-- The audience of a job was found: it is scheduled like any other.
UPDATE job SET state = 'scheduled' WHERE id = $1 AND state = 'expanding';

-- name: expanding.failed
-- The audience of a job can't be found, or not be paid: nobody was asked for, and nothing of it will be sent.
UPDATE job SET state = 'failed', requested = 0, finished_at = now() WHERE id = $1 AND state = 'expanding';

-- name: expanding.moved
-- A job that waits for its audience until it is due falls due at another time.
UPDATE expansion SET due_at = $2 WHERE job_id = $1 AND due_at > now();

-- name: expanding.forget
-- Nothing is left to be found for a job.
DELETE FROM expansion WHERE job_id = $1;

-- name: expanding.give
-- The answer of a job is there: whoever waits for it is owed it from now on, by an instance.
WITH waiting AS (
    DELETE FROM reply WHERE job_id = $1 RETURNING reply_to, correlation_id
)
INSERT INTO owed_answer (id, owner, reply_to, correlation_id, headers, body)
SELECT gen_random_uuid(), $2, reply_to, correlation_id, NULL, $3 FROM waiting
RETURNING id, reply_to, correlation_id, headers, body;

-- name: expanding.unheard
-- Answers that were given before somebody came to wait for them, owed to him as well.
WITH waiting AS (
    DELETE FROM reply r USING request_seen s
    WHERE s.job_id = r.job_id AND s.answer IS NOT NULL
      AND NOT EXISTS (SELECT FROM expansion e WHERE e.job_id = r.job_id)
    RETURNING r.reply_to, r.correlation_id, s.answer
)
INSERT INTO owed_answer (id, owner, reply_to, correlation_id, headers, body)
SELECT gen_random_uuid(), $1, reply_to, correlation_id, NULL, answer FROM waiting
RETURNING id, reply_to, correlation_id, headers, body;
