-- name: import.lock
-- One import at a time; another waits until this one has ended.
SELECT pg_advisory_xact_lock(hashtext('deliveryd directory import'));

-- name: import.roomy
-- Sorts and hashes of a whole file may take memory.
SELECT set_config('work_mem', '128MB', true);

-- name: import.create
-- What the rows of every file have: `line` is where a row begins, `fault` is what is wrong with it, a line
-- per fault, each the column, a tab, and the reason.
CREATE TEMPORARY TABLE staged_row (line bigint NOT NULL, fault text, id bigint) ON COMMIT DROP;

-- name: import.rejected
-- How many rows of a file ($1: its staging table) have a fault.
SELECT count(*) FROM staged_row WHERE tableoid = to_regclass($1::text) AND fault IS NOT NULL;

-- name: import.faults
-- Every row of a file that has a fault.
SELECT line, fault FROM staged_row WHERE tableoid = to_regclass($1::text) AND fault IS NOT NULL ORDER BY line;

-- name: import.beyond
-- Numbers that a sequence ($2) gives from now on lie beyond those that somebody chose in a file.
SELECT setval($2::text::regclass, chosen.id)
FROM (SELECT max(id) AS id FROM staged_row WHERE tableoid = to_regclass($1::text) AND fault IS NULL) chosen
WHERE chosen.id > nextval($2::text::regclass);
