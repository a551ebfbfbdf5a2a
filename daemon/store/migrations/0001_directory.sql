-- Who may ask, and the ways out. Part of these rows comes from config.toml until the directory is
-- changed by commands; secrets of configured transports stay in the configuration and are never here.

CREATE TABLE customer (
    id         bigint PRIMARY KEY,
    parent_id  bigint REFERENCES customer (id),
    name       text NOT NULL,
    email      text,
    timezone   text NOT NULL DEFAULT 'UTC',
    language   text,
    country    text,
    status     text NOT NULL DEFAULT 'active'
               CONSTRAINT customer_status_is_known
               CHECK (status IN ('active', 'locked', 'blocked', 'deleted')),
    paused     boolean NOT NULL DEFAULT false,
    deleted_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT customer_is_not_its_own_parent CHECK (parent_id <> id)
);
CREATE INDEX customer_children ON customer (parent_id);

CREATE TABLE transport (
    id                      bigint PRIMARY KEY,
    customer_id             bigint NOT NULL REFERENCES customer (id),
    name                    text NOT NULL,
    kind                    text NOT NULL
                            CONSTRAINT transport_kind_is_known
                            CHECK (kind IN ('smtp', 'mailbox', 'gateway', 'file')),
    host                    text NOT NULL DEFAULT '',
    port                    integer NOT NULL DEFAULT 25,
    tls                     text NOT NULL DEFAULT 'starttls'
                            CONSTRAINT transport_tls_is_known
                            CHECK (tls IN ('none', 'starttls', 'implicit')),
    username                text,
    sender                  text NOT NULL DEFAULT '',
    from_address            text NOT NULL DEFAULT '',
    from_name               text NOT NULL DEFAULT '',
    reply_to                text,
    is_default              boolean NOT NULL DEFAULT false,
    active                  boolean NOT NULL DEFAULT true,
    description             text,
    created_at              timestamptz NOT NULL DEFAULT now(),
    updated_at              timestamptz NOT NULL DEFAULT now()
);
CREATE UNIQUE INDEX transport_one_default_per_customer
    ON transport (customer_id) WHERE is_default AND active;

CREATE TABLE api_key (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    customer_id bigint NOT NULL REFERENCES customer (id),
    scheme      text NOT NULL,
    login       text NOT NULL DEFAULT '',
    key_hash    bytea NOT NULL,
    revoked_at  timestamptz,
    created_at  timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT api_key_is_unique UNIQUE (scheme, key_hash)
);

-- A lane is a transport towards one site: the unit of concurrency and rate limits. A relay is one
-- site, the empty one; direct delivery makes a lane per set of MX hosts.
CREATE TABLE lane (
    id              bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    transport_id    bigint NOT NULL REFERENCES transport (id),
    site            text NOT NULL DEFAULT '',
    max_connections integer NOT NULL DEFAULT 20
                    CONSTRAINT lane_allows_a_connection CHECK (max_connections > 0),
    max_per_second  double precision NOT NULL DEFAULT 0
                    CONSTRAINT lane_rate_is_not_negative CHECK (max_per_second >= 0),
    paced_until     timestamptz NOT NULL DEFAULT '-infinity',
    CONSTRAINT lane_is_unique UNIQUE (transport_id, site)
) WITH (fillfactor = 50);

CREATE TABLE domain_site (
    domain     text PRIMARY KEY,
    site       text NOT NULL,
    expires_at timestamptz NOT NULL
);

-- Who must not be written to. `supp` is the wholly lower-cased address (requirements Q5).
CREATE TABLE suppression (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    customer_id bigint NOT NULL REFERENCES customer (id),
    supp        text NOT NULL,
    scope       text NOT NULL CONSTRAINT suppression_scope_is_known CHECK (scope IN ('all', 'list')),
    list_id     bigint,
    effect      text NOT NULL DEFAULT 'deny'
                CONSTRAINT suppression_effect_is_known CHECK (effect IN ('deny', 'allow')),
    kind        text NOT NULL
                CONSTRAINT suppression_kind_is_known
                CHECK (kind IN ('unsubscribe', 'hard_bounce', 'complaint', 'manual')),
    reason      text,
    source      text NOT NULL
                CONSTRAINT suppression_source_is_known
                CHECK (source IN ('api', 'link', 'dsn', 'operator')),
    created_at  timestamptz NOT NULL DEFAULT now(),
    lifted_at   timestamptz,
    CONSTRAINT suppression_names_its_list CHECK ((scope = 'list') = (list_id IS NOT NULL))
);
CREATE UNIQUE INDEX suppression_one_live_per_kind
    ON suppression (customer_id, supp, scope, coalesce(list_id, 0), kind) WHERE lifted_at IS NULL;
