-- name: credit.accounts
-- Accounts, locked in the order of their customers: the last rows that any transaction locks.
SELECT customer_id, balance, reserved, overdraft, currency
FROM credit_account WHERE customer_id = ANY ($1::bigint[])
ORDER BY customer_id FOR NO KEY UPDATE;

-- name: credit.enter
-- Keeps the lines of some entries, in their order, and writes how the accounts stand after them. The
-- accounts are locked already. A line that was kept before undoes everything.
WITH kept AS (
    INSERT INTO credit_ledger (customer_id, job_id, kind, units, unit_price, amount, balance_after,
                               reserved_after, idempotency_key, by)
    SELECT e.customer_id, e.job_id, e.kind, e.units, e.unit_price, e.amount, e.balance_after,
           e.reserved_after, e.key, e.by
    FROM unnest($4::bigint[], $5::uuid[], $6::text[], $7::integer[], $8::numeric[], $9::numeric[],
                $10::numeric[], $11::numeric[], $12::text[], $13::text[])
         WITH ORDINALITY AS e (customer_id, job_id, kind, units, unit_price, amount, balance_after,
                               reserved_after, key, by, place)
    ORDER BY e.place
)
UPDATE credit_account a SET balance = n.balance, reserved = n.reserved, updated_at = now()
FROM unnest($1::bigint[], $2::numeric[], $3::numeric[]) AS n (customer_id, balance, reserved)
WHERE a.customer_id = n.customer_id;

-- name: credit.bill
-- What a job that is locked has grown to, and how far it is booked; no row when nobody pays for it.
SELECT payer_id, price, queued, booked_handed, booked_released
FROM job WHERE id = $1 AND price IS NOT NULL;

-- name: credit.turn
-- One instance books at a time.
SELECT pg_try_advisory_xact_lock(hashtext('deliveryd booking'));

-- name: credit.to_book
-- Jobs that have grown since they were booked, or ended and aren't booked to their end; but none of $2.
SELECT id, payer_id FROM job
WHERE price IS NOT NULL AND NOT booked
  AND (handed > booked_handed OR released > booked_released OR finished_at IS NOT NULL)
  AND id <> ALL ($2::uuid[])
ORDER BY id LIMIT $1;

-- name: credit.payers
-- Keeps whoever pauses a customer from waiting for a job of his that we hold, while we wait for the
-- customer: what we enter refers to him.
SELECT FROM customer WHERE id = ANY ($1::bigint[]) ORDER BY id FOR KEY SHARE;

-- name: credit.jobs
-- Jobs that are to be booked, locked in the order of their ids, with how far they have come.
SELECT id, payer_id, price, queued, handed, released, booked_handed, booked_released,
       finished_at IS NOT NULL AS is_finished
FROM job WHERE id = ANY ($1::uuid[]) AND NOT booked ORDER BY id FOR NO KEY UPDATE;

-- name: credit.booked
-- Notes how far jobs are booked; they are locked already.
UPDATE job j SET booked_handed = b.handed, booked_released = b.released, booked = b.is_finished
FROM unnest($1::uuid[], $2::integer[], $3::integer[], $4::boolean[])
     AS b (id, handed, released, is_finished)
WHERE j.id = ANY ($1::uuid[]) AND j.id = b.id;
