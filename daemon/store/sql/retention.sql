-- name: retention.days
-- Days before $1 that still have deliveries, and no job that isn't finished; the oldest first.
SELECT d.day
FROM (SELECT to_date(right(c.relname, 8), 'YYYYMMDD') AS day
      FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
      WHERE i.inhparent = 'delivery'::regclass AND c.relname ~ '^delivery_\d{8}$') d
WHERE d.day < $1::date
  AND NOT EXISTS (SELECT FROM job j WHERE j.finished_at IS NULL AND j.job_on = d.day)
ORDER BY d.day;

-- name: retention.strip
-- Takes from the next jobs of a day, $3 at most after $2, what is kept as long as their deliveries:
-- batches, messages, and who was dropped. All of a job's at once, so that the rest of its numbers is never
-- held against half of them. Answers the last of these jobs; null: there were no more.
WITH few AS MATERIALIZED (
    SELECT id FROM job
    WHERE id > greatest($2::uuid, first_job_id($1::date - 1)) AND id < first_job_id($1::date + 2)
      AND job_on = $1 AND finished_at IS NOT NULL
    ORDER BY id LIMIT $3
), batches AS (
    DELETE FROM batch WHERE job_id = ANY (ARRAY(SELECT id FROM few))
), messages AS (
    DELETE FROM message WHERE job_id = ANY (ARRAY(SELECT id FROM few))
), dropped AS (
    DELETE FROM dropped_recipient WHERE job_id = ANY (ARRAY(SELECT id FROM few))
)
SELECT id FROM few ORDER BY id DESC LIMIT 1;

-- name: retention.drop
-- Drops a day of deliveries; answers whether it could.
SELECT delivery_day_dropped($1::date);

-- name: retention.jobs
-- Forgets jobs, $2 at most, that were accepted before $1 and ended before it, whose deliveries are gone and
-- whose costs are booked.
DELETE FROM job WHERE id = ANY (ARRAY(
    SELECT j.id FROM job j
    WHERE j.id < first_job_id($1::timestamptz) AND j.finished_at < $1
      AND (j.payer_id IS NULL OR (j.handed = j.booked_handed AND j.released = j.booked_released))
      AND to_regclass('delivery_' || to_char(j.job_on, 'YYYYMMDD')) IS NULL
    ORDER BY j.id LIMIT $2
    FOR UPDATE SKIP LOCKED));
