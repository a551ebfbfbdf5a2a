-- expand: the campaign that a job is booked under.

ALTER TABLE job ADD COLUMN campaign_id bigint REFERENCES campaign (id);
CREATE INDEX job_of_campaign ON job (campaign_id) WHERE campaign_id IS NOT NULL;
