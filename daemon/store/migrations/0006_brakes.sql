-- expand: why an instance starts nothing new though it is alive, so that whoever waits can be told.
ALTER TABLE instance ADD COLUMN brake text NOT NULL DEFAULT '';
