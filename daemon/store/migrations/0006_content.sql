-- What a mail says is compressed by the fastest that there is.

ALTER TABLE message ALTER COLUMN spec SET COMPRESSION lz4;
