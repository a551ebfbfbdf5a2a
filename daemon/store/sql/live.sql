-- name: live.streams
-- Where each stream that is still written to stands: how much was written, and told, of it.
SELECT number, kind, last_seq, told_seq FROM stream WHERE NOT closed ORDER BY number;

-- name: live.written
-- The same, and of those that were closed by now, but written to after a time: of these the
-- latest $2 are looked at.
SELECT number, kind, last_seq, told_seq FROM stream WHERE NOT closed
UNION ALL
SELECT number, kind, last_seq, told_seq
FROM (SELECT * FROM stream WHERE closed ORDER BY number DESC LIMIT $2) s WHERE last_at > $1;

-- name: live.happened
-- How many events of each type lie between these places of streams, none of them before a time.
SELECT l.type, count(*)::integer AS count
FROM unnest($1::bigint[], $2::bigint[], $3::bigint[]) AS s (number, since, until)
JOIN ledger l ON l.stream = s.number AND l.seq > s.since AND l.seq <= s.until AND l.at >= $4
GROUP BY l.type;

-- name: live.troubles
-- The latest tries between these places that didn't go well, the last one first.
SELECT l.at, l.type, l.job_id, l.delivery_id, l.attempt, l.code, l.enhanced, l.text, l.relay, l.data
FROM unnest($1::bigint[], $2::bigint[], $3::bigint[]) AS s (number, since, until)
JOIN ledger l ON l.stream = s.number AND l.seq > s.since AND l.seq <= s.until AND l.at >= $4
WHERE l.type IN ('delivery.deferred', 'delivery.bounced', 'delivery.failed', 'delivery.in_doubt')
ORDER BY l.at DESC LIMIT $5;

-- name: live.served
-- Whether a relay has taken something since a time of late.
SELECT EXISTS (SELECT FROM ledger WHERE at > $2 AND type = 'delivery.sent' AND relay = $1);

-- name: live.classes
-- What is due and nobody has claimed, by class: how much, and since when the oldest. Of what is ready
-- the first $1 batches and retry rows of each class are looked at, of what is about to be the first $1.
SELECT w.class, sum(w.count)::integer AS count, min(w.due_at) AS oldest,
       bool_or(w.rows >= $1) AS is_more
FROM (
    SELECT k.class, count(*) AS rows, coalesce(sum(state_count(b.state, 'w')), 0) AS count,
           min(b.due_at) AS due_at
    FROM generate_series(0, 2) AS k (class)
    CROSS JOIN LATERAL (
        SELECT state, due_at FROM batch
        WHERE class = k.class AND rank IS NOT NULL AND owner IS NULL AND NOT done
        ORDER BY rank LIMIT $1
    ) b GROUP BY k.class
    UNION ALL
    SELECT k.class, count(*), count(*), min(r.due_at)
    FROM generate_series(0, 2) AS k (class)
    CROSS JOIN LATERAL (
        SELECT due_at FROM retry
        WHERE class = k.class AND rank IS NOT NULL AND owner IS NULL ORDER BY rank LIMIT $1
    ) r GROUP BY k.class
    UNION ALL
    SELECT b.class, count(*), sum(state_count(b.state, 'w')), min(b.due_at)
    FROM (
        SELECT class, state, due_at FROM batch
        WHERE rank IS NULL AND owner IS NULL AND NOT done AND due_at <= now()
        ORDER BY due_at LIMIT $1
    ) b GROUP BY b.class
    UNION ALL
    SELECT r.class, count(*), count(*), min(r.due_at)
    FROM (
        SELECT class, due_at FROM retry
        WHERE rank IS NULL AND owner IS NULL AND due_at <= now() ORDER BY due_at LIMIT $1
    ) r GROUP BY r.class
) w
GROUP BY w.class ORDER BY w.class;

-- name: live.next
-- When something is due next that isn't yet.
SELECT least(
    (SELECT due_at FROM batch
     WHERE rank IS NULL AND owner IS NULL AND NOT done AND due_at > now() AND due_at < 'infinity'
     ORDER BY due_at LIMIT 1),
    (SELECT due_at FROM retry
     WHERE rank IS NULL AND owner IS NULL AND due_at > now() AND due_at < 'infinity'
     ORDER BY due_at LIMIT 1)
);

-- name: live.doubts
-- How many deliveries in doubt wait for a decision, counted up to $1.
SELECT count(*)::integer FROM (SELECT FROM doubt WHERE resolution IS NULL LIMIT $1) d;

-- name: live.lanes
-- The busiest lanes: what is claimed and under way of each, what is ready (of at most $2 batches and as
-- many retry rows), the connections that living instances have of it, and how long its rate is spent.
WITH held AS (
    SELECT h.lane_id, sum(h.claimed)::integer AS claimed, sum(h.flying)::integer AS flying
    FROM (
        SELECT lane_id, state_count(state, 'wu') AS claimed, state_count(state, 'u') AS flying
        FROM batch WHERE owner IS NOT NULL
        UNION ALL
        SELECT r.lane_id, 1, CASE substr(b.state, r.position + 1, 1) WHEN 'r' THEN 1 ELSE 0 END
        FROM retry r JOIN batch b ON b.id = r.batch_id WHERE r.owner IS NOT NULL
    ) h GROUP BY h.lane_id
), granted AS (
    SELECT g.lane_id, sum(g.connections)::integer AS connections
    FROM lane_grant g JOIN instance i ON i.id = g.instance AND i.lease_until > now()
    GROUP BY g.lane_id
)
SELECT l.id, t.name AS transport, t.host, t.port, t.active, l.site, l.max_connections,
       l.max_per_second, coalesce(g.connections, 0) AS granted, coalesce(h.claimed, 0) AS claimed,
       coalesce(h.flying, 0) AS flying, (b.count + r.count)::integer AS ready,
       greatest(extract(epoch FROM nullif(l.paced_until, '-infinity') - now()), 0)::double precision
           AS paced
FROM lane l
JOIN transport t ON t.id = l.transport_id
LEFT JOIN held h ON h.lane_id = l.id
LEFT JOIN granted g ON g.lane_id = l.id
CROSS JOIN LATERAL (
    SELECT coalesce(sum(state_count(s.state, 'w')), 0) AS count
    FROM (SELECT state FROM batch
          WHERE lane_id = l.id AND rank IS NOT NULL AND owner IS NULL AND NOT done
          ORDER BY class, rank LIMIT $2) s
) b
CROSS JOIN LATERAL (
    SELECT count(*) AS count
    FROM (SELECT 1 FROM retry
          WHERE lane_id = l.id AND rank IS NOT NULL AND owner IS NULL
          ORDER BY class, rank LIMIT $2) s
) r
ORDER BY coalesce(h.claimed, 0) + b.count + r.count DESC, coalesce(g.connections, 0) DESC, l.id
LIMIT $1;
