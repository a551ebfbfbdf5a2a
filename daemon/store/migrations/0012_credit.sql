-- expand: who pays: what an account and its ledger lack for being booked from jobs.

-- `is_low`: that the account has come below its threshold was told, and it hasn't been above it since.
ALTER TABLE credit_account
    ADD COLUMN is_low     boolean NOT NULL DEFAULT false,
    ADD COLUMN created_at timestamptz NOT NULL DEFAULT now(),
    ADD COLUMN updated_at timestamptz NOT NULL DEFAULT now();
ALTER TABLE credit_ledger
    ADD COLUMN reserved_after numeric(18, 8) NOT NULL DEFAULT 0,
    ADD COLUMN by             text NOT NULL DEFAULT '';
CREATE INDEX credit_ledger_of_job ON credit_ledger (job_id) WHERE job_id IS NOT NULL;
CREATE INDEX credit_ledger_of_customer ON credit_ledger (customer_id, id);

-- Up to which growth of `handed` and `released` a job is booked; both are monotone. `booked`: nothing more
-- is to come. The index must not look at the two counters: settling moves them all the time.
-- Who pays is whose plan counts: the customer who asked (Q9); known where there is a price.
ALTER TABLE job
    ADD COLUMN payer_id        bigint,
    ADD COLUMN booked_handed   integer NOT NULL DEFAULT 0,
    ADD COLUMN booked_released integer NOT NULL DEFAULT 0,
    ADD COLUMN booked          boolean NOT NULL DEFAULT false;
CREATE INDEX job_to_book ON job (id) WHERE price IS NOT NULL AND NOT booked;
