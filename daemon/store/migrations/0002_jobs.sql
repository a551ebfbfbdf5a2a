-- A request that was accepted: job, message, batch, delivery, retry. The state of a delivery is its
-- letter in its batch (see mail/state.py); a delivery row is written once and never updated.

CREATE TABLE job (
    id              uuid PRIMARY KEY,
    ticket          text NOT NULL CONSTRAINT job_ticket_is_unique UNIQUE,
    job_on          date NOT NULL,
    customer_id     bigint NOT NULL REFERENCES customer (id),
    dialect         text NOT NULL,
    request_id      text,
    request_hash    bytea,
    name            text NOT NULL,
    purpose         text NOT NULL
                    CONSTRAINT job_purpose_is_known CHECK (purpose IN ('transactional', 'marketing')),
    class           smallint NOT NULL CONSTRAINT job_class_is_known CHECK (class BETWEEN 0 AND 2),
    doubt           text NOT NULL
                    CONSTRAINT job_doubt_is_known CHECK (doubt IN ('resend', 'hold', 'give_up')),
    lane_id         bigint NOT NULL REFERENCES lane (id),
    price           numeric(20, 10),
    state           text NOT NULL
                    CONSTRAINT job_state_is_known
                    CHECK (state IN ('expanding', 'scheduled', 'running', 'completed', 'canceled',
                                     'failed')),
    open            boolean NOT NULL DEFAULT false,
    paused          boolean NOT NULL DEFAULT false,
    frames          integer NOT NULL DEFAULT 0,
    frames_expected integer,
    parts           integer NOT NULL DEFAULT 0,
    accepted_at     timestamptz NOT NULL,
    not_before      timestamptz NOT NULL,
    not_before_raw  text,
    expires_after   interval NOT NULL,
    expires_at      timestamptz NOT NULL,
    closes_at       timestamptz,
    started_at      timestamptz,
    finished_at     timestamptz,
    settings        jsonb NOT NULL DEFAULT '{}',
    coercions       jsonb NOT NULL DEFAULT '[]',
    -- the accounting law (design 5)
    requested       integer,
    queued          integer NOT NULL DEFAULT 0,
    no_address      integer NOT NULL DEFAULT 0,
    invalid         integer NOT NULL DEFAULT 0,
    excluded        integer NOT NULL DEFAULT 0,
    duplicate       integer NOT NULL DEFAULT 0,
    suppressed      integer NOT NULL DEFAULT 0,
    not_found       integer NOT NULL DEFAULT 0,
    inactive        integer NOT NULL DEFAULT 0,
    sent            integer NOT NULL DEFAULT 0,
    delivered       integer NOT NULL DEFAULT 0,
    bounced         integer NOT NULL DEFAULT 0,
    failed          integer NOT NULL DEFAULT 0,
    expired         integer NOT NULL DEFAULT 0,
    canceled        integer NOT NULL DEFAULT 0,
    suppressed_late integer NOT NULL DEFAULT 0,
    in_doubt        integer NOT NULL DEFAULT 0,
    remaining       integer NOT NULL GENERATED ALWAYS AS
                    (queued - sent - delivered - bounced - failed - expired - canceled
                     - suppressed_late - in_doubt) STORED,
    -- money: monotone, booked by their growth
    handed          integer NOT NULL DEFAULT 0,
    released        integer NOT NULL DEFAULT 0,
    CONSTRAINT job_counts_are_not_negative
        CHECK (least(queued, no_address, invalid, excluded, duplicate, suppressed, not_found,
                     inactive, sent, delivered, bounced, failed, expired, canceled,
                     suppressed_late, in_doubt, handed, released) >= 0),
    CONSTRAINT job_counts_are_not_above_the_total CHECK (remaining >= 0),
    CONSTRAINT job_asked_is_accounted
        CHECK (requested IS NULL
               OR requested = queued + no_address + invalid + excluded + duplicate + suppressed
                              + not_found + inactive),
    CONSTRAINT job_completed_has_nothing_left
        CHECK (state <> 'completed' OR (remaining = 0 AND in_doubt = 0 AND NOT open)),
    CONSTRAINT job_completed_has_an_end CHECK (state <> 'completed' OR finished_at IS NOT NULL),
    CONSTRAINT job_open_has_a_limit CHECK (NOT open OR closes_at IS NOT NULL)
) WITH (fillfactor = 70);
CREATE INDEX job_by_request ON job (customer_id, request_id) WHERE request_id IS NOT NULL;
CREATE INDEX job_by_day ON job (customer_id, job_on);
CREATE INDEX job_expires ON job (expires_at) WHERE finished_at IS NULL;
CREATE INDEX job_closes ON job (closes_at) WHERE open;

CREATE TABLE message (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    job_id      uuid NOT NULL REFERENCES job (id) ON DELETE CASCADE,
    customer_id bigint NOT NULL,
    position    integer NOT NULL,
    spec        jsonb NOT NULL,
    CONSTRAINT message_has_its_place UNIQUE (job_id, position)
);

CREATE TABLE blob (
    sha256     bytea PRIMARY KEY,
    size       integer NOT NULL,
    bytes      bytea NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE batch (
    id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    job_id       uuid NOT NULL REFERENCES job (id) ON DELETE CASCADE,
    job_on       date NOT NULL,
    customer_id  bigint NOT NULL,
    message_id   bigint NOT NULL,
    part         integer NOT NULL,
    lane_id      bigint NOT NULL,
    domain       text,
    class        smallint NOT NULL,
    due_at       timestamptz NOT NULL,
    rank         double precision,
    owner        uuid,
    epoch        integer NOT NULL DEFAULT 0,
    permitted_at timestamptz,
    done         boolean NOT NULL DEFAULT false,
    state        text NOT NULL,
    CONSTRAINT batch_state_is_known CHECK (translate(state, 'wurdqsvbfepc', '') = ''),
    CONSTRAINT batch_is_of_its_size CHECK (length(state) BETWEEN 1 AND 500),
    CONSTRAINT batch_done_has_no_owner CHECK (NOT done OR owner IS NULL),
    CONSTRAINT batch_leased_has_been_claimed CHECK (owner IS NULL OR epoch > 0),
    CONSTRAINT batch_has_its_place UNIQUE (job_id, part)
) WITH (fillfactor = 50);
CREATE INDEX batch_waits ON batch (due_at) WHERE rank IS NULL AND owner IS NULL AND NOT done;
CREATE INDEX batch_ready ON batch (lane_id, class, rank)
    WHERE rank IS NOT NULL AND owner IS NULL AND NOT done;
CREATE INDEX batch_first ON batch (class, rank)
    WHERE rank IS NOT NULL AND owner IS NULL AND NOT done;
CREATE INDEX batch_owned ON batch (owner) WHERE owner IS NOT NULL;

CREATE TABLE delivery (
    job_on        date NOT NULL,
    id            bigint NOT NULL,
    job_id        uuid NOT NULL,
    message_id    bigint NOT NULL,
    customer_id   bigint NOT NULL,
    address       text NOT NULL,
    norm          text NOT NULL,
    supp          text NOT NULL,
    domain        text NOT NULL,
    name          text,
    vars          jsonb,
    override      jsonb,
    override_hash bytea NOT NULL DEFAULT ''::bytea,
    path          jsonb,
    CONSTRAINT delivery_pkey PRIMARY KEY (job_on, id),
    -- the address first: the same index answers "what became of this person's mail"
    CONSTRAINT delivery_once_per_message
        UNIQUE (job_on, norm, job_id, message_id, override_hash)
) PARTITION BY RANGE (job_on);

CREATE TABLE dropped_recipient (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    job_id      uuid NOT NULL REFERENCES job (id) ON DELETE CASCADE,
    position    integer NOT NULL,
    address     text,
    reason      text NOT NULL
                CONSTRAINT dropped_reason_is_known
                CHECK (reason IN ('no_address', 'invalid', 'excluded', 'duplicate', 'suppressed',
                                  'not_found', 'inactive')),
    detail      text
);
CREATE INDEX dropped_by_job ON dropped_recipient (job_id, id);

-- One deferred delivery: exactly one row while its letter is d or r.
CREATE TABLE retry (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    batch_id    bigint NOT NULL REFERENCES batch (id) ON DELETE CASCADE,
    position    smallint NOT NULL CONSTRAINT retry_is_in_its_batch CHECK (position BETWEEN 0 AND 499),
    job_id      uuid NOT NULL,
    job_on      date NOT NULL,
    customer_id bigint NOT NULL,
    lane_id     bigint NOT NULL,
    class       smallint NOT NULL,
    due_at      timestamptz NOT NULL,
    rank        double precision,
    attempt     integer NOT NULL CONSTRAINT retry_counts_tries CHECK (attempt >= 0),
    owner       uuid,
    epoch       integer NOT NULL DEFAULT 0,
    CONSTRAINT retry_one_per_delivery UNIQUE (batch_id, position),
    CONSTRAINT retry_leased_has_been_claimed CHECK (owner IS NULL OR epoch > 0)
) WITH (fillfactor = 70);
CREATE INDEX retry_waits ON retry (due_at) WHERE rank IS NULL AND owner IS NULL;
CREATE INDEX retry_ready ON retry (lane_id, class, rank) WHERE rank IS NOT NULL AND owner IS NULL;
CREATE INDEX retry_first ON retry (class, rank) WHERE rank IS NOT NULL AND owner IS NULL;
CREATE INDEX retry_owned ON retry (owner) WHERE owner IS NOT NULL;
CREATE INDEX retry_by_job ON retry (job_id);

CREATE TABLE doubt (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    delivery_id bigint NOT NULL,
    job_id      uuid NOT NULL REFERENCES job (id) ON DELETE CASCADE,
    customer_id bigint NOT NULL,
    attempt     integer NOT NULL,
    reason      text NOT NULL,
    relay       text,
    since       timestamptz NOT NULL,
    resolution  text CONSTRAINT doubt_resolution_is_known
                CHECK (resolution IN ('sent', 'bounced', 'resend', 'give_up')),
    resolved_at timestamptz,
    CONSTRAINT doubt_once_per_attempt UNIQUE (delivery_id, attempt)
);
CREATE INDEX doubt_open ON doubt (since) WHERE resolution IS NULL;
CREATE INDEX doubt_by_job ON doubt (job_id);

-- Fairness: how far each customer has come in each class (design 2.4).
CREATE TABLE turn (
    class       smallint NOT NULL,
    customer_id bigint NOT NULL,
    last_rank   double precision NOT NULL,
    PRIMARY KEY (class, customer_id)
) WITH (fillfactor = 50);
