-- expand: how much of what his plan allows a customer has used, in the period that runs.

-- A customer has a row for each period that his plan limits, and only from its first use on. `ends` is told
-- to whoever asks for more.
CREATE TABLE plan_usage (
    customer_id bigint NOT NULL,
    period      text NOT NULL
                CONSTRAINT plan_usage_period_is_known CHECK (period IN ('minute', 'day', 'month')),
    begins      timestamptz NOT NULL,
    ends        timestamptz NOT NULL,
    requests    integer NOT NULL DEFAULT 0
                CONSTRAINT plan_usage_requests_are_not_negative CHECK (requests >= 0),
    recipients  bigint NOT NULL DEFAULT 0
                CONSTRAINT plan_usage_recipients_are_not_negative CHECK (recipients >= 0),
    CONSTRAINT plan_usage_pkey PRIMARY KEY (customer_id, period)
) WITH (fillfactor = 50);
