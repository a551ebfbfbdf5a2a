-- expand: how often the audience of a job was looked for in vain, why, and when it is looked for again.

ALTER TABLE expansion
    ADD COLUMN tries integer NOT NULL DEFAULT 0 CONSTRAINT expansion_tries_are_counted CHECK (tries >= 0),
    ADD COLUMN again_at timestamptz NOT NULL DEFAULT '-infinity',
    ADD COLUMN trouble text;
