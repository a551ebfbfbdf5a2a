-- name: audience.expand
-- Turns the audience of one job into deliveries, whoever it names and however: collect → address? →
-- valid? → exclude → de-duplicate → suppress → number → store in batches; everyone else is
-- counted and listed under one reason, with the path that led to him.
-- $1 the job, $2 its message, $3 in whose name; $4 to $9 the terms, one row each, of contacts one row
-- per id (`excludes`: whoever it yields is left out); $10 to $21 those whom the parcel itself names; $22
-- whether there may be very many.
-- A branch is collected by a set of customers that grows, so a ring in it ends; it is cut at whoever is
-- deleted. Of somebody who came in by several ways the first counts by which he may be written to.
-- Deliveries are numbered by address, and go to its canonical form, however it was entered. Nobody is in the
-- job before: it is frames, which come later, that are told apart from what is there. The job is locked last,
-- as in `expansion.literal`: no row when it isn't any more what it was.
WITH RECURSIVE place AS (
    SELECT j.id AS job_id, j.job_on, j.customer_id, j.lane_id, j.class, j.parts, j.open, j.paused,
           j.not_before, j.spread, j.state = 'canceled' AS canceled, j.purpose = 'marketing' AS is_marketing,
           CASE WHEN j.paused OR c.paused THEN 'infinity'
                ELSE due_within(j.not_before, j.windows, j.expires_at) END AS due_at
    FROM job j JOIN customer c ON c.id = j.customer_id
    WHERE j.id = $1
), term AS MATERIALIZED (
    SELECT * FROM unnest($4::integer[], $5::boolean[], $6::text[], $7::text[], $8::bigint[],
                         $9::integer[])
    AS t (term, excludes, type, scope, id, position)
), child (id) AS MATERIALIZED (
    SELECT c.id FROM customer c
    WHERE c.parent_id = $3::bigint AND c.id <> $3 AND c.status <> 'deleted'
      AND (SELECT bool_or(scope <> 'self') FROM term)
), below (id) AS (
    SELECT id FROM child WHERE (SELECT bool_or(scope = 'descendants') FROM term)
    UNION
    SELECT c.id FROM below b
    CROSS JOIN LATERAL (
        -- customer by customer, or each level of the tree may read all customers there are
        SELECT c.id FROM customer c WHERE c.parent_id = b.id AND c.id <> $3 AND c.status <> 'deleted'
        OFFSET 0) c
), whose AS (
    SELECT term, excludes, type, $3 AS customer_id FROM term WHERE scope = 'self'
    UNION ALL
    SELECT t.term, t.excludes, t.type, c.id FROM term t CROSS JOIN child c WHERE t.scope = 'children'
    UNION ALL
    SELECT t.term, t.excludes, t.type, b.id FROM term t CROSS JOIN below b WHERE t.scope = 'descendants'
), found AS NOT MATERIALIZED (
    SELECT w.term, w.excludes, w.type, w.customer_id, p.entity, p.nth,
           NULL::bigint AS list_id, p.address, p.norm, p.supp, p.domain, p.fault, p.name, p.vars,
           NULL::jsonb AS override, ''::bytea AS override_hash, p.no_mailing, 0 AS position,
           CASE WHEN p.retired THEN 'inactive' END AS refused
    FROM whose w
    CROSS JOIN LATERAL (
        -- customer by customer: how many there are below one is guessed so badly that all are read otherwise
        SELECT p.id AS entity, coalesce(e.id, 0) AS nth, e.address, e.norm, e.supp, e.domain, e.fault,
               p.name, p.vars, p.no_mailing, p.retired
        FROM person p LEFT JOIN person_email e ON e.person_id = p.id
        WHERE p.customer_id = w.customer_id AND NOT p.pseudo AND p.deleted_at IS NULL
        OFFSET 0) p
    WHERE w.type = 'people'
    UNION ALL
    SELECT t.term, t.excludes, t.type, p.customer_id, p.id, coalesce(e.id, 0), NULL, e.address, e.norm,
           e.supp, e.domain, e.fault, p.name, p.vars, NULL, ''::bytea, p.no_mailing, 0,
           CASE WHEN p.retired THEN 'inactive' END
    FROM term t
    JOIN person p ON p.id = t.id AND p.deleted_at IS NULL
    LEFT JOIN person_email e ON e.person_id = p.id
    WHERE t.type = 'me'
    UNION ALL
    SELECT w.term, w.excludes, w.type, w.customer_id, b.id, coalesce(e.id, 0), NULL,
           coalesce(b.address, e.address), coalesce(b.norm, e.norm), coalesce(b.supp, e.supp),
           coalesce(b.domain, e.domain), CASE WHEN b.address IS NULL THEN e.fault ELSE b.fault END,
           coalesce(b.name, p.name), p.vars, NULL, ''::bytea, coalesce(p.no_mailing, false), b.position,
           CASE WHEN p.retired OR p.deleted_at IS NOT NULL THEN 'inactive' END
    FROM whose w
    JOIN billing_contact b ON b.customer_id = w.customer_id AND b.active
    LEFT JOIN person p ON p.id = b.person_id
    LEFT JOIN person_email e ON e.person_id = p.id
    WHERE w.type = 'billing'
    UNION ALL
    SELECT t.term, t.excludes, t.type, $3, c.id, 0, t.id, c.address, c.norm, c.supp, c.domain, c.fault,
           c.name, c.vars, NULL, ''::bytea, c.no_mailing, 0, NULL
    FROM term t
    JOIN list l ON l.id = t.id AND l.customer_id = $3
    JOIN list_member m ON m.list_id = l.id
    JOIN contact c ON c.id = m.contact_id
    WHERE t.type = 'list'
    UNION ALL
    SELECT t.term, t.excludes, t.type, $3, t.id, 0, NULL, c.address, c.norm, c.supp, c.domain, c.fault,
           c.name, c.vars, NULL, ''::bytea, coalesce(c.no_mailing, false), t.position,
           CASE WHEN c.id IS NULL THEN 'not_found' END
    FROM term t
    LEFT JOIN contact c ON c.id = t.id AND c.customer_id = $3
    WHERE t.type = 'contacts'
    UNION ALL
    SELECT t.term, t.excludes, t.type, $3, NULL, 0, NULL, a.address, a.norm, a.supp, a.domain, a.detail,
           a.name, a.vars, a.override, a.override_hash, false, a.position, a.refused
    FROM unnest($10::integer[], $11::integer[], $12::text[], $13::text[], $14::text[], $15::text[],
                $16::text[], $17::jsonb[], $18::jsonb[], $19::text[], $20::bytea[], $21::text[])
         AS a (term, position, address, norm, supp, domain, name, vars, override, refused,
               override_hash, detail)
    JOIN term t ON t.term = a.term
), denied AS MATERIALIZED (
    -- of a large audience all suppressions are gone through once, if they aren't too many to be held
    SELECT DISTINCT supp FROM suppression
    WHERE customer_id = $3 AND lifted_at IS NULL AND effect = 'deny' AND $22::boolean
    LIMIT 1000000
), excluded AS MATERIALIZED (
    SELECT DISTINCT norm FROM found
    WHERE (SELECT bool_or(excludes) FROM term) AND excludes AND norm <> '' AND fault IS NULL
), judged AS MATERIALIZED (
    -- sorted by address, which is how the index of deliveries likes them, and as narrow as can be
    SELECT l.*,
        CASE
            WHEN l.is_out THEN l.reason
            WHEN lag(l.norm) OVER way = l.norm AND lag(l.override_hash) OVER way = l.override_hash
                THEN 'duplicate'
            WHEN l.is_suppressed THEN 'suppressed'
        END AS dropped
    FROM (
        SELECT f.term, f.type, f.customer_id, f.entity, f.nth, f.list_id, f.norm, f.domain, f.fault, f.name,
               f.vars, f.override, f.override_hash, f.position, r.reason, r.reason IS NOT NULL AS is_out,
               CASE WHEN f.fault IS NOT NULL OR f.norm = '' THEN f.address END AS address,
               CASE WHEN f.supp <> f.norm THEN f.supp END AS supp,
               (SELECT is_marketing FROM place) AND f.no_mailing
               OR CASE
                   WHEN $22 AND (SELECT count(*) < 1000000 FROM denied)
                        AND f.supp NOT IN (SELECT supp FROM denied) THEN false
                   ELSE EXISTS (
                       SELECT FROM suppression s
                       WHERE s.customer_id = $3 AND s.supp = f.supp AND s.lifted_at IS NULL
                         AND s.effect = 'deny'
                         AND CASE WHEN s.kind <> 'unsubscribe' THEN s.scope = 'all'
                                  WHEN NOT (SELECT is_marketing FROM place) THEN false
                                  WHEN s.scope = 'list' THEN s.list_id = f.list_id
                                  ELSE f.list_id IS NULL OR NOT EXISTS (
                                      SELECT FROM suppression o
                                      WHERE o.customer_id = $3 AND o.supp = s.supp AND o.scope = 'list'
                                        AND o.list_id = f.list_id AND o.lifted_at IS NULL
                                        AND o.effect = 'allow')
                             END)
               END AS is_suppressed
        FROM found f CROSS JOIN LATERAL (
            SELECT CASE WHEN f.refused IS NOT NULL THEN f.refused
                        WHEN f.address IS NULL THEN 'no_address'
                        WHEN f.fault IS NOT NULL THEN 'invalid'
                        WHEN f.norm IN (SELECT norm FROM excluded) THEN 'excluded'
                   END AS reason) r
        WHERE NOT f.excludes
        OFFSET 0  -- or each use of a reason and of a suppression would look again
    ) l
    WINDOW way AS (ORDER BY l.norm COLLATE "C", l.override_hash, l.is_out, l.is_suppressed, l.term,
                            l.position, l.entity, l.nth)
), counted AS MATERIALIZED (
    SELECT count(*)::integer AS requested,
           count(*) FILTER (WHERE dropped IS NULL)::integer AS queued,
           count(*) FILTER (WHERE dropped = 'no_address')::integer AS no_address,
           count(*) FILTER (WHERE dropped = 'invalid')::integer AS invalid,
           count(*) FILTER (WHERE dropped = 'excluded')::integer AS excluded,
           count(*) FILTER (WHERE dropped = 'duplicate')::integer AS duplicate,
           count(*) FILTER (WHERE dropped = 'suppressed')::integer AS suppressed,
           count(*) FILTER (WHERE dropped = 'not_found')::integer AS not_found,
           count(*) FILTER (WHERE dropped = 'inactive')::integer AS inactive
    FROM judged
), sized AS MATERIALIZED (
    SELECT queued AS total, batches_of(queued, (SELECT spread FROM place)) AS batches
    FROM counted WHERE queued > 0
), cut AS (
    INSERT INTO batch (job_id, job_on, customer_id, message_id, part, lane_id, class, due_at, state)
    SELECT p.job_id, p.job_on, p.customer_id, $2, p.parts + slice, p.lane_id, p.class,
           due_spread(p.due_at, p.spread, slice::double precision / s.batches),
           repeat('w', first_in(slice + 1, s.total, s.batches) - first_in(slice, s.total, s.batches))
    FROM sized s CROSS JOIN place p CROSS JOIN generate_series(0, s.batches - 1) AS slice
    ORDER BY slice
    RETURNING id, part
), home AS MATERIALIZED (
    -- of each slice its batch: an array, for a join would be planned for a few rows
    SELECT array_agg(id ORDER BY part) AS ids FROM cut
), stored AS (
    INSERT INTO delivery (job_on, id, job_id, message_id, customer_id, address, norm, supp, domain, name,
                          vars, override, override_hash, path)
    SELECT p.job_on,
           (SELECT ids FROM home)[batch_of(n.n, n.total, n.batches) + 1] * 512
           + n.n - first_in(batch_of(n.n, n.total, n.batches), n.total, n.batches),
           p.job_id, $2, p.customer_id, n.norm, n.norm, coalesce(n.supp, n.norm), n.domain, n.name, n.vars, n.override,
           n.override_hash, path_of(n.term, n.type, n.customer_id, n.list_id, n.entity)
    FROM place p CROSS JOIN sized s CROSS JOIN LATERAL (
        SELECT *, (row_number() OVER () - 1)::integer AS n, s.total, s.batches
        FROM judged WHERE dropped IS NULL) n
    RETURNING id
), listed AS (
    INSERT INTO dropped_recipient (job_id, position, address, reason, detail, path)
    -- a valid address as it was counted, one that nobody can be written at as it was entered
    SELECT p.job_id, j.position,
           coalesce(j.address, j.norm), j.dropped,
           CASE WHEN j.dropped = 'invalid' THEN j.fault END,
           path_of(j.term, j.type, j.customer_id, j.list_id, j.entity)
    FROM judged j CROSS JOIN place p
    WHERE j.dropped IS NOT NULL
    ORDER BY j.term, j.position, j.entity, j.nth
), booked AS (
    UPDATE job j SET
        parts = j.parts + batches_of(c.queued, j.spread),
        requested = CASE WHEN j.open THEN NULL ELSE c.requested END,
        queued = j.queued + c.queued,
        no_address = j.no_address + c.no_address,
        invalid = j.invalid + c.invalid,
        excluded = j.excluded + c.excluded,
        duplicate = j.duplicate + c.duplicate,
        suppressed = j.suppressed + c.suppressed,
        not_found = j.not_found + c.not_found,
        inactive = j.inactive + c.inactive
    FROM counted c CROSS JOIN place p
    WHERE j.id = $1 AND j.open = p.open AND j.paused = p.paused AND j.not_before = p.not_before
      AND (j.state = 'canceled') = p.canceled
      AND (SELECT count(*) FROM stored) >= 0  -- so that all is stored before the job is locked
    RETURNING j.id AS job_id, j.local_dues IS NOT NULL AS is_local
)
SELECT b.job_id, b.is_local, c.*, (SELECT ids FROM home)[1] * 512 AS first_delivery
FROM counted c CROSS JOIN booked b;

-- name: audience.lists
-- Which lists a customer has, of those asked for by id or by name.
SELECT a.place, l.id
FROM unnest($2::integer[], $3::bigint[], $4::text[]) AS a (place, id, name)
JOIN list l ON l.customer_id = $1 AND (l.id = a.id OR l.name = a.name);

-- name: audience.local
-- Of a job just expanded, whoever has a zone of his own leaves his batch and waits by himself until it is
-- due there, without a try counted. Only contacts have one; a zone that isn't known is none.
WITH zone AS MATERIALIZED (
    SELECT z.key AS name, z.value::timestamptz AS due
    FROM job j CROSS JOIN LATERAL jsonb_each_text(j.local_dues) AS z WHERE j.id = $1
), meant AS MATERIALIZED (
    SELECT b.id, (d.id % 512)::integer AS position, z.due
    FROM batch b
    JOIN delivery d ON d.job_on = b.job_on AND d.id BETWEEN b.id * 512 AND b.id * 512 + 511
    JOIN contact c ON c.id = (d.path ->> 'contact')::bigint
    JOIN zone z ON z.name = c.timezone
    WHERE b.job_id = $1 AND EXISTS (SELECT FROM zone)
      AND substr(b.state, (d.id % 512)::integer + 1, 1) = 'w'
), taken AS MATERIALIZED (
    SELECT id, array_agg(position) AS positions FROM meant GROUP BY id
), letters AS (
    UPDATE batch b SET state = m.state, done = state_count(m.state, 'w') = 0
    FROM taken t CROSS JOIN LATERAL (
        SELECT state_marked(o.state, t.positions, 'd') AS state FROM batch o WHERE o.id = t.id) m
    WHERE b.id = t.id
)
INSERT INTO retry (batch_id, position, job_id, job_on, customer_id, lane_id, class, due_at, not_before,
                   attempt)
SELECT b.id, m.position, b.job_id, b.job_on, b.customer_id, b.lane_id, b.class,
       CASE WHEN b.due_at = 'infinity' THEN b.due_at ELSE greatest(m.due, now()) END, m.due, 0
FROM meant m JOIN batch b ON b.id = m.id;

-- name: audience.explained
-- What came of each term of a job, by term and reason; `queued` is one of them.
SELECT (e.path ->> 'term')::integer AS term, e.reason, count(*)::integer AS number
FROM (
    SELECT d.path, 'queued' AS reason
    FROM batch b
    JOIN delivery d ON d.job_on = b.job_on AND d.id BETWEEN b.id * 512 AND b.id * 512 + 511
    WHERE b.job_id = $1
    UNION ALL
    SELECT path, reason FROM dropped_recipient WHERE job_id = $1
) e
GROUP BY 1, 2 ORDER BY 1, 2;

-- name: audience.ways
-- How an address came into the audience of a job, and what was decided: each way, the one that counts first.
SELECT e.reason, e.path
FROM (
    SELECT 'queued' AS reason, d.path, 0 AS place
    FROM job j JOIN delivery d ON d.job_on = j.job_on AND d.norm = $2 AND d.job_id = j.id
    WHERE j.id = $1
    UNION ALL
    SELECT reason, path, 1 FROM dropped_recipient WHERE job_id = $1 AND address = $2
) e
ORDER BY e.place, (e.path ->> 'term')::integer LIMIT 100;

-- name: audience.sample
-- Some of those who would get a mail, spread over all of them.
SELECT address, path FROM (
    SELECT d.address, d.path, d.id, row_number() OVER (ORDER BY d.id) AS n, count(*) OVER () AS total
    FROM batch b
    JOIN delivery d ON d.job_on = b.job_on AND d.id BETWEEN b.id * 512 AND b.id * 512 + 511
    WHERE b.job_id = $1
) s
WHERE (n - 1) * $2 / total <> (n - 2) * $2 / total OR n = 1
ORDER BY id LIMIT $2;

-- name: audience.branch
-- The way down from one customer to another: ids and names, the upper one first.
WITH RECURSIVE up AS (
    SELECT id, parent_id, name, 0 AS step FROM customer WHERE id = $2
    UNION
    SELECT c.id, c.parent_id, c.name, up.step + 1
    FROM up JOIN customer c ON c.id = up.parent_id
    WHERE up.id <> $1 AND up.step < 10000
)
SELECT id, name FROM up ORDER BY step DESC;

-- name: audience.road
-- By which lane a job would leave, when, and how many deliveries stand in that lane before it.
SELECT t.id AS transport, t.name, l.max_connections, l.max_per_second, j.not_before, j.expires_at,
       (SELECT coalesce(sum(state_count(b.state, 'wu')), 0)::integer FROM batch b
        WHERE b.lane_id = l.id AND b.job_id <> j.id AND NOT b.done AND b.due_at <= j.not_before
          AND b.class <= j.class) AS ahead
FROM job j JOIN lane l ON l.id = j.lane_id JOIN transport t ON t.id = l.transport_id
WHERE j.id = $1;
