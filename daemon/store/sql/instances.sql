-- name: clock.now
-- The database's clock, the only one that decides leases and due times.
SELECT now();

-- name: instance.register
-- A new instance, alive for one lease.
INSERT INTO instance (id, name, host, state_dir, version, lease_until)
VALUES ($1, $2, $3, $4, $5, now() + make_interval(secs => $6));

-- name: instance.beat
-- Renews a lease that hasn't ended. No row: we are dead to the others, and must act so.
UPDATE instance SET lease_until = now() + make_interval(secs => $2), draining = $3, brake = $4
WHERE id = $1 AND lease_until > now() RETURNING lease_until;

-- name: instance.leave
-- Ends the lease at once, so that nobody waits for it.
DELETE FROM instance WHERE id = $1;

-- name: instance.is_over
-- Ends the lease of an instance whose process is known to be gone.
UPDATE instance SET lease_until = now() WHERE id = $1 AND lease_until > now();

-- name: instance.forget
-- Forgets instances whose lease ended long ago and that own nothing any more.
DELETE FROM instance i WHERE i.lease_until < now() - interval '1 hour';

-- name: secret.value
-- A secret of this database.
SELECT value FROM secret WHERE name = $1;
