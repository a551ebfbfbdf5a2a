-- expand: when a job may start something: the instants between which its window is open.

-- Made of `settings.send_window` by whoever accepts or moves the job, beyond its expiry or up to it; null = at
-- any time. What is waiting is due when one of them begins; what one closes on is given back until the next.
ALTER TABLE job ADD COLUMN windows tstzmultirange;

-- When something may start that is due at a time and isn't yet, or whose window has closed: then, or when
-- the next one opens; at its expiry when none does. What is put off for ever stays so.
CREATE FUNCTION due_within(due_at timestamptz, windows tstzmultirange, expires_at timestamptz)
RETURNS timestamptz LANGUAGE sql STABLE AS $$
    SELECT CASE
        WHEN windows IS NULL OR due_at = 'infinity' OR windows @> greatest(due_at, now()) THEN due_at
        ELSE coalesce((SELECT min(lower(w.span)) FROM unnest(windows) AS w (span)
                       WHERE lower(w.span) > greatest(due_at, now())), expires_at)
    END
$$;
