-- expand: partitions are made with the rights of whoever owns the tables, so that the daemon's own
-- role needs none to change the schema. What it names is looked up where it was when this was applied.
DO $$
BEGIN
    EXECUTE format('ALTER FUNCTION partition_made(text, date) SECURITY DEFINER SET search_path TO %s, pg_temp',
                   current_setting('search_path'));
END $$;
