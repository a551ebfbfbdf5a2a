-- expand: who has a parcel without a key in hand, and until when that may still be so: meanwhile it
-- can't have come again. Where the columns are empty, nobody has it.
ALTER TABLE request_seen
    ADD COLUMN instance   uuid,
    ADD COLUMN session    bigint,
    ADD COLUMN tag        bigint,
    ADD COLUMN held_until timestamptz;
