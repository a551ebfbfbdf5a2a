-- expand: a job may be spread over time: its batches are many and small, and fall due one after the other.

-- The open time over which its deliveries are spread; null = all of it is due at once.
ALTER TABLE job ADD COLUMN spread tstzmultirange;

-- How many seconds some spans have together.
CREATE FUNCTION open_seconds(spans tstzmultirange) RETURNS double precision
LANGUAGE sql IMMUTABLE STRICT AS $$
    SELECT coalesce(sum(extract(epoch FROM upper(s.span) - lower(s.span))), 0)::double precision
    FROM unnest(spans) AS s (span)
$$;

-- How many batches so many deliveries make: of 500 at most; where they are spread, one a second, but no more
-- than 10,000 of them.
CREATE FUNCTION batches_of(total integer, spread tstzmultirange) RETURNS integer
LANGUAGE sql IMMUTABLE AS $$
    SELECT greatest((total + 499) / 500,
                    CASE WHEN spread IS NOT NULL
                         THEN least(total, 10000, ceil(open_seconds(spread))::integer) END)
$$;

-- In which of them a delivery lies, by its number from 0; all are of one size, give or take one.
CREATE FUNCTION batch_of(n integer, total integer, batches integer) RETURNS integer
LANGUAGE sql IMMUTABLE STRICT AS $$ SELECT (n::bigint * batches / total)::integer $$;

-- The number of the first delivery in one of them.
CREATE FUNCTION first_in(batch integer, total integer, batches integer) RETURNS integer
LANGUAGE sql IMMUTABLE STRICT AS $$
    SELECT ((batch::bigint * total + batches - 1) / batches)::integer
$$;

-- When a share of a spread, from 0 up to 1, is over; without any, the time that is given.
CREATE FUNCTION due_spread(due_at timestamptz, spread tstzmultirange, share double precision)
RETURNS timestamptz LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE WHEN spread IS NULL OR due_at = 'infinity' THEN due_at ELSE (
        SELECT since + make_interval(secs => open_seconds(spread) * share - before)
        FROM (SELECT lower(s.span) AS since,
                     coalesce(sum(extract(epoch FROM upper(s.span) - lower(s.span))) OVER (
                         ORDER BY lower(s.span) ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0)
                     ::double precision AS before
              FROM unnest(spread) AS s (span)) spans
        WHERE before <= open_seconds(spread) * share
        ORDER BY before DESC LIMIT 1)
    END
$$;
