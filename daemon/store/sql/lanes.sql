-- name: lane.list
-- Every lane with its limits and its transport.
SELECT l.id, l.transport_id, l.site, l.max_connections, l.max_per_second, t.customer_id, t.name, t.kind,
       t.host, t.port, t.tls, t.username, t.sender
FROM lane l JOIN transport t ON t.id = l.transport_id
WHERE t.active ORDER BY l.id;

-- name: lane.lock
-- A lane's row lock. A statement of its own: what follows must see what the holder before committed.
SELECT FROM lane WHERE id = $1 FOR NO KEY UPDATE;

-- name: lane.grant
-- How many connections an instance may have open on a lane, under the lane's row lock. It asks for
-- $3 and has $4 open; it gets its fair share of the limit or what the others leave, and never so
-- much that all together pass the limit. Where there isn't room for all, the answer may be less than
-- it has open: it counts as holding those until it says that they are closed. The dead hold nothing.
WITH room AS MATERIALIZED (
    SELECT max_connections FROM lane WHERE id = $1
), others AS MATERIALIZED (
    SELECT coalesce(sum(g.connections), 0)::integer AS held,
           coalesce(sum(g.wanted), 0)::integer AS wanted,
           count(*) FILTER (WHERE g.wanted > 0)::integer AS number
    FROM lane_grant g JOIN instance i ON i.id = g.instance AND i.lease_until > now()
    WHERE g.lane_id = $1 AND g.instance <> $2
), fair AS (
    -- what is open and idle stays so as long as nobody else needs the room
    SELECT CASE WHEN o.wanted + greatest($3::integer, $4::integer) <= r.max_connections
                     THEN greatest($3, $4)
                ELSE least($3, greatest(1, greatest(r.max_connections / (o.number + 1),
                                                    r.max_connections - o.wanted))) END AS share,
           r.max_connections - o.held AS free
    FROM room r, others o
), allowed AS MATERIALIZED (
    SELECT least(share, greatest(free, 0)) AS connections FROM fair
), noted AS (
    INSERT INTO lane_grant (lane_id, instance, wanted, connections)
    SELECT $1, $2, $3, greatest($4, connections) FROM allowed
    ON CONFLICT (lane_id, instance)
        DO UPDATE SET wanted = excluded.wanted, connections = excluded.connections
)
SELECT connections FROM allowed;

-- name: lane.forget
-- Grants of instances that are no longer alive.
DELETE FROM lane_grant g
WHERE NOT EXISTS (SELECT FROM instance i WHERE i.id = g.instance AND i.lease_until > now());

-- name: lane.pace
-- A slice of a lane's rate: leave for $2 messages, the first not before `wait` seconds from now and
-- then one every 1/rate seconds. Slices of all instances follow each other without overlap.
UPDATE lane SET paced_until = greatest(paced_until, clock_timestamp())
                              + make_interval(secs => $2 / max_per_second)
WHERE id = $1 AND max_per_second > 0
RETURNING extract(epoch FROM paced_until - make_interval(secs => $2 / max_per_second)
                             - clock_timestamp())::double precision AS wait, max_per_second;
