-- expand: a delivery that has left its batch has a due time of its own, and a pause doesn't make it forgotten.

-- Before this it isn't due, whatever a pause and its end do to `due_at`; null = as soon as may be.
ALTER TABLE retry ADD COLUMN not_before timestamptz;

-- When a job is due for whoever has a zone of his own, by its name; null = for all at the same time.
ALTER TABLE job ADD COLUMN local_dues jsonb;
