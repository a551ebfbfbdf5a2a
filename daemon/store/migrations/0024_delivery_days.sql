-- expand: a day of deliveries that has been kept long enough goes as a whole, once none of its jobs is
-- open. With the rights of whoever owns the tables, as making one is.

-- The first id that a job accepted at a moment can have: by it a day's jobs lie side by side.
CREATE FUNCTION first_job_id(at timestamptz) RETURNS uuid
LANGUAGE sql IMMUTABLE
RETURN (lpad(to_hex((extract(epoch FROM at) * 1000)::bigint), 12, '0') || repeat('0', 20))::uuid;

-- Drops a day of deliveries, and answers whether it did; not while one of its jobs isn't finished, or so
-- many read and write that it had better wait.
CREATE FUNCTION delivery_day_dropped(day date) RETURNS boolean
LANGUAGE plpgsql AS $$
BEGIN
    IF NOT pg_try_advisory_xact_lock(hashtext('deliveryd retention'))
       OR EXISTS (SELECT FROM job WHERE finished_at IS NULL AND job_on = day) THEN
        RETURN false;
    END IF;
    -- it needs all deliveries for a moment, and whoever comes meanwhile waits behind it
    PERFORM set_config('lock_timeout', '200ms', true);
    EXECUTE format('DROP TABLE IF EXISTS %I', 'delivery_' || to_char(day, 'YYYYMMDD'));
    RETURN true;
EXCEPTION WHEN lock_not_available THEN
    RETURN false;
END $$;

DO $$
BEGIN
    EXECUTE format('ALTER FUNCTION delivery_day_dropped(date) SECURITY DEFINER SET search_path TO %s, pg_temp',
                   current_setting('search_path'));
END $$;
