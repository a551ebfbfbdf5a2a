-- name: credit.accounts
-- Accounts, locked in the order of their customers: the last rows that any transaction locks.
SELECT customer_id, balance, reserved, overdraft, currency, low_threshold, is_low
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
    FROM unnest($5::bigint[], $6::uuid[], $7::text[], $8::integer[], $9::numeric[], $10::numeric[],
                $11::numeric[], $12::numeric[], $13::text[], $14::text[])
         WITH ORDINALITY AS e (customer_id, job_id, kind, units, unit_price, amount, balance_after,
                               reserved_after, key, by, place)
    ORDER BY e.place
)
UPDATE credit_account a
SET balance = n.balance, reserved = n.reserved, is_low = n.is_low, updated_at = now()
FROM unnest($1::bigint[], $2::numeric[], $3::numeric[], $4::boolean[])
     AS n (customer_id, balance, reserved, is_low)
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

-- name: credit.line
-- The line that a key was used for.
SELECT customer_id, job_id, kind, units, unit_price AS price, amount, balance_after, reserved_after,
       idempotency_key AS key, by
FROM credit_ledger WHERE idempotency_key = $1;

-- name: credit.open
-- An account for a customer who is there and has none, in his plan's currency unless it is said.
INSERT INTO credit_account (customer_id, currency)
SELECT c.id, coalesce($2, p.currency, 'EUR')
FROM customer c LEFT JOIN rate_plan p ON p.id = c.plan_id WHERE c.id = $1
ON CONFLICT DO NOTHING;

-- name: credit.terms
-- How far an account may fall, and below what somebody is told; it is locked already.
UPDATE credit_account SET overdraft = $2, low_threshold = $3, is_low = $4, updated_at = now()
WHERE customer_id = $1;

-- name: credit.change
-- Who changed something about an account that is no entry in it.
INSERT INTO change (by, customer_id, entity, entity_id, deed, detail)
VALUES ($1, $2::bigint, 'credit_account', $2::bigint::text, $3, $4);

-- name: credit.shown
-- An account, and what its customer's plan says of prices.
SELECT a.customer_id, a.balance, a.reserved, a.overdraft, a.currency, a.low_threshold, a.is_low,
       p.name AS plan, p.bill_type, p.price_per_email AS price
FROM credit_account a
JOIN customer c ON c.id = a.customer_id
LEFT JOIN rate_plan p ON p.id = c.plan_id
WHERE a.customer_id = $1;

-- name: credit.statement
-- What was entered in an account, from after line $2 on, in its order.
SELECT id, created_at, kind, units, unit_price, amount, balance_after, reserved_after, job_id, by
FROM credit_ledger WHERE customer_id = $1 AND id > $2 ORDER BY id LIMIT $3;
