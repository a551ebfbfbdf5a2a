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

-- name: schema.kind
-- What each step does to older programs; those of the first release knew no kinds.
ALTER TABLE schema_migration ADD COLUMN IF NOT EXISTS kind text NOT NULL DEFAULT 'expand';

-- name: schema.known
-- The steps that were applied. By way of jsonb, as a table of the first release has no kinds.
SELECT number, sha256, coalesce(to_jsonb(s) ->> 'kind', 'expand') AS kind
FROM schema_migration s ORDER BY number;

-- name: schema.patience
-- How long a step may wait for a table: all traffic on it queues behind the step meanwhile.
SET LOCAL lock_timeout = '2s';

-- name: schema.applied
-- Notes that a step was applied, in the step's own transaction.
INSERT INTO schema_migration (number, name, sha256, kind) VALUES ($1, $2, $3, $4);

-- name: partition.ahead
-- Of the next so many days, those that have all their partitions.
SELECT count(*) FROM generate_series(1, $1::int) AS ahead
WHERE NOT EXISTS (
    SELECT FROM unnest(ARRAY['delivery', 'ledger']) AS parent
    WHERE to_regclass(format('%s_%s', parent,
                             to_char((now() AT TIME ZONE 'UTC')::date + ahead, 'YYYYMMDD'))) IS NULL);

-- name: partition.drop_ledger
-- Drops the oldest day of the ledger before $1, if there is one that may go; answers which.
SELECT ledger_day_dropped($1::date);

-- name: partition.make
-- Makes the partitions of one day, where they are missing.
SELECT partition_made('delivery', $1::date), partition_made('ledger', $1::date);
