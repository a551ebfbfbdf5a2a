-- What happened, who is alive, who was answered: the ledger and the tables beside it.

CREATE TABLE instance (
    id          uuid PRIMARY KEY,
    name        text NOT NULL,
    host        text NOT NULL,
    state_dir   text NOT NULL,
    version     text NOT NULL,
    started_at  timestamptz NOT NULL DEFAULT now(),
    lease_until timestamptz NOT NULL,
    draining    boolean NOT NULL DEFAULT false
) WITH (fillfactor = 50);

-- The numbered sequence of events that one writer connection appends. `epoch` rises when the stream
-- is taken from its writer; from then on an append of that writer fails (design 4, Streams).
CREATE TABLE stream (
    number   bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    prefix   uuid NOT NULL CONSTRAINT stream_prefix_is_unique UNIQUE,
    instance uuid NOT NULL,
    kind     text NOT NULL,
    last_seq bigint NOT NULL DEFAULT 0,
    last_at  timestamptz NOT NULL DEFAULT '-infinity',
    told_seq bigint NOT NULL DEFAULT 0,
    told_at  timestamptz NOT NULL DEFAULT '-infinity',
    teller   uuid,
    epoch    integer NOT NULL DEFAULT 1,
    closed   boolean NOT NULL DEFAULT false,
    CONSTRAINT stream_tells_what_was_written CHECK (told_seq BETWEEN 0 AND last_seq)
) WITH (fillfactor = 50);
CREATE INDEX stream_untold ON stream (number) WHERE NOT closed;

CREATE TABLE ledger (
    stream      bigint NOT NULL,
    seq         bigint NOT NULL,
    at          timestamptz NOT NULL,
    type        text NOT NULL,
    customer_id bigint NOT NULL,
    job_id      uuid,
    message_id  bigint,
    delivery_id bigint,
    attempt     integer,
    step        smallint,
    code        smallint,
    enhanced    text,
    text        text,
    address     text,
    relay       text,
    next_at     timestamptz,
    data        jsonb,
    CONSTRAINT ledger_pkey PRIMARY KEY (stream, seq, at)
) PARTITION BY RANGE (at);
CREATE INDEX ledger_by_delivery ON ledger (delivery_id) WHERE delivery_id IS NOT NULL;
CREATE INDEX ledger_by_job ON ledger (job_id) WHERE delivery_id IS NULL;
CREATE INDEX ledger_by_time ON ledger USING brin (at);

-- Keys that were seen, with the first answer. `part` is 0 for a send, n for frame n, -1 for a close.
-- A parcel without any key has no request_id and stays only until its acknowledgement is known to
-- have arrived (design 2.2).
CREATE TABLE request_seen (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    customer_id bigint NOT NULL,
    request_id  text,
    part        integer NOT NULL DEFAULT 0,
    body_hash   bytea NOT NULL,
    job_id      uuid,
    answer      bytea,
    expires_at  timestamptz NOT NULL,
    CONSTRAINT request_seen_one_live_key UNIQUE (customer_id, request_id, part)
);
CREATE INDEX request_seen_unkeyed ON request_seen (body_hash) WHERE request_id IS NULL;
CREATE INDEX request_seen_expires ON request_seen (expires_at);

-- A frame or a close that came before its send; applied by the accept that commits the send.
CREATE TABLE frame (
    customer_id    bigint NOT NULL,
    request_id     text NOT NULL,
    part           integer NOT NULL,
    body_hash      bytea NOT NULL,
    body           bytea NOT NULL,
    reply_to       text,
    correlation_id text,
    expires_at     timestamptz NOT NULL,
    PRIMARY KEY (customer_id, request_id, part)
);

CREATE TABLE reply (
    id             bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    job_id         uuid NOT NULL REFERENCES job (id) ON DELETE CASCADE,
    reply_to       text NOT NULL,
    correlation_id text,
    dialect        text NOT NULL,
    deadline       timestamptz NOT NULL
);

-- How many connections each instance may have open on each lane (promise 6). The sum never passes
-- the lane's limit: a row is only raised under the lane's row lock.
CREATE TABLE lane_grant (
    lane_id     bigint NOT NULL REFERENCES lane (id) ON DELETE CASCADE,
    instance    uuid NOT NULL,
    wanted      integer NOT NULL CONSTRAINT lane_grant_wants_something CHECK (wanted >= 0),
    connections integer NOT NULL CONSTRAINT lane_grant_is_not_negative CHECK (connections >= 0),
    PRIMARY KEY (lane_id, instance)
) WITH (fillfactor = 50);

CREATE TABLE credit_account (
    customer_id   bigint PRIMARY KEY REFERENCES customer (id),
    balance       numeric(18, 8) NOT NULL DEFAULT 0,
    reserved      numeric(18, 8) NOT NULL DEFAULT 0
                  CONSTRAINT credit_reserved_is_not_negative CHECK (reserved >= 0),
    overdraft     numeric(18, 8) NOT NULL DEFAULT 0,
    currency      text NOT NULL DEFAULT 'EUR',
    low_threshold numeric(18, 8),
    CONSTRAINT credit_never_below_its_floor CHECK (balance - reserved >= -overdraft)
);

CREATE TABLE credit_ledger (
    id              bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    customer_id     bigint NOT NULL REFERENCES customer (id),
    job_id          uuid,
    kind            text NOT NULL
                    CONSTRAINT credit_kind_is_known
                    CHECK (kind IN ('reserve', 'charge', 'release', 'refund', 'topup', 'adjust')),
    units           integer NOT NULL,
    unit_price      numeric(20, 10) NOT NULL,
    amount          numeric(18, 8) NOT NULL,
    balance_after   numeric(18, 8) NOT NULL,
    idempotency_key text NOT NULL CONSTRAINT credit_booked_once UNIQUE,
    created_at      timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE tracking_link (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    message_id bigint NOT NULL REFERENCES message (id) ON DELETE CASCADE,
    url        text NOT NULL,
    position   integer NOT NULL,
    CONSTRAINT tracking_link_has_its_place UNIQUE (message_id, position)
);

CREATE TABLE sent_copy (
    message_id      bigint PRIMARY KEY REFERENCES message (id) ON DELETE CASCADE,
    state           text NOT NULL
                    CONSTRAINT sent_copy_state_is_known CHECK (state IN ('waiting', 'saved', 'failed')),
    attempts        integer NOT NULL DEFAULT 0,
    next_attempt_at timestamptz,
    folder          text,
    error           text
);

-- One secret per database: what keys the hashes of bodies and tokens.
CREATE TABLE secret (
    name  text PRIMARY KEY,
    value bytea NOT NULL
);
INSERT INTO secret (name, value)
VALUES ('hash', uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid()));
