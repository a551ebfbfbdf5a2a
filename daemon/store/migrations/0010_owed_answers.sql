-- expand: answers that wait for the broker are on record, so that they outlive whoever owes them.

CREATE TABLE owed_answer (
    id             uuid PRIMARY KEY,
    owner          uuid NOT NULL,
    reply_to       text NOT NULL,
    correlation_id text,
    headers        jsonb,
    body           bytea NOT NULL
);
