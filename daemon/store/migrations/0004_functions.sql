-- The few things SQL alone says badly.

-- A state text with the given positions (from 0) replaced by one letter.
CREATE FUNCTION state_marked(state text, positions integer[], letter text) RETURNS text
LANGUAGE plpgsql IMMUTABLE STRICT AS $$
DECLARE
    bytes bytea := convert_to(state, 'UTF8');
    place integer;
BEGIN
    FOREACH place IN ARRAY positions LOOP
        bytes := set_byte(bytes, place, ascii(letter));
    END LOOP;
    RETURN convert_from(bytes, 'UTF8');
END $$;

-- How many deliveries of a state text have one of the given letters.
CREATE FUNCTION state_count(state text, letters text) RETURNS integer
LANGUAGE sql IMMUTABLE STRICT AS $$
    SELECT length(state) - length(translate(state, letters, ''))
$$;

-- Makes the partition of one day, apart, and attaches it: creating it in place would wait for every
-- reader of the parent and stop every writer behind it. Answers whether there was something to do.
CREATE FUNCTION partition_made(parent text, day date) RETURNS boolean
LANGUAGE plpgsql AS $$
DECLARE
    child text := format('%s_%s', parent, to_char(day, 'YYYYMMDD'));
    axis  text := CASE parent WHEN 'ledger' THEN 'at' ELSE 'job_on' END;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('deliveryd partition ' || child));
    IF to_regclass(child) IS NOT NULL THEN
        RETURN false;
    END IF;
    EXECUTE format('CREATE TABLE %I (LIKE %I INCLUDING ALL)', child, parent);
    -- known to hold for every row, so that attaching need not scan
    EXECUTE format('ALTER TABLE %I ADD CONSTRAINT %I CHECK (%I >= %L AND %I < %L)',
                   child, child || '_day', axis, day, axis, day + 1);
    EXECUTE format('ALTER TABLE %I ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)',
                   parent, child, day, day + 1);
    EXECUTE format('ALTER TABLE %I DROP CONSTRAINT %I', child, child || '_day');
    RETURN true;
END $$;
