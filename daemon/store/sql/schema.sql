-- name: schema.lock
-- One migration at a time; held until the connection closes.
SELECT pg_advisory_lock($1);

-- name: schema.table
-- Where the applied steps are kept.
CREATE TABLE IF NOT EXISTS schema_migration (
    number     integer PRIMARY KEY,
    name       text NOT NULL,
    sha256     bytea NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT now()
);

-- name: schema.known
-- The steps that were applied.
SELECT number, sha256 FROM schema_migration ORDER BY number;

-- name: schema.applied
-- Notes that a step was applied, in the step's own transaction.
INSERT INTO schema_migration (number, name, sha256) VALUES ($1, $2, $3);

-- name: partition.make
-- Makes the partitions of one day, where they are missing.
SELECT partition_made('delivery', $1::date), partition_made('ledger', $1::date);
