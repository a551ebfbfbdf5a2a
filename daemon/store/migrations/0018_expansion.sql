-- expand: audiences that are found later: too many for an accept, or meant only when the job is due.

-- The request of a job that is `expanding`, as it is read again. Whoever expands it holds this row locked
-- until he has committed: if he dies, the lock is gone with his connection, and another one finds the row.
CREATE TABLE expansion (
    job_id      uuid PRIMARY KEY REFERENCES job (id) ON DELETE CASCADE,
    customer_id bigint NOT NULL,
    person_id   bigint,
    request_id  text,
    body_hash   bytea NOT NULL,
    body        bytea NOT NULL,
    claim       bigint,
    due_at      timestamptz NOT NULL
);
CREATE INDEX expansion_due ON expansion (due_at);
CREATE INDEX reply_of_job ON reply (job_id);
