-- expand: a day of the ledger that has been kept long enough goes as a whole: nothing is left behind for
-- vacuum, and nothing bloats. With the rights of whoever owns the tables, as making one is.

-- Drops the oldest day of the ledger that lies before `keep`, and answers which; NULL: there is none,
-- something of it may still be untold, or so many read and write that it had better wait.
CREATE FUNCTION ledger_day_dropped(keep date) RETURNS date
LANGUAGE plpgsql AS $$
DECLARE
    child regclass;
    day   date;
BEGIN
    IF NOT pg_try_advisory_xact_lock(hashtext('deliveryd retention')) THEN
        RETURN NULL;
    END IF;
    SELECT c.oid::regclass, to_date(right(c.relname, 8), 'YYYYMMDD') INTO child, day
    FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
    WHERE i.inhparent = 'ledger'::regclass AND c.relname ~ '^ledger_\d{8}$'
    ORDER BY c.relname LIMIT 1;
    IF day IS NULL OR day >= keep
       OR EXISTS (SELECT FROM stream WHERE told_seq < last_seq AND told_at < day + 1) THEN
        RETURN NULL;
    END IF;
    -- it needs the whole ledger for a moment, and whoever comes meanwhile waits behind it
    PERFORM set_config('lock_timeout', '200ms', true);
    EXECUTE format('DROP TABLE %s', child);
    RETURN day;
EXCEPTION WHEN lock_not_available THEN
    RETURN NULL;
END $$;

DO $$
BEGIN
    EXECUTE format('ALTER FUNCTION ledger_day_dropped(date) SECURITY DEFINER SET search_path TO %s, pg_temp',
                   current_setting('search_path'));
END $$;
