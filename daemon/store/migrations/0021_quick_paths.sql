-- expand: the path of a recipient is put together as text and read as JSON, within the statement that asks
-- for it: a function that builds objects is called by itself for every row, and takes five times as long.
-- Numbers and the names of types need no quoting.

CREATE OR REPLACE FUNCTION path_of(term integer, type text, customer bigint, list bigint, entity bigint)
RETURNS jsonb LANGUAGE sql IMMUTABLE AS $$
    SELECT ('{"term":' || coalesce(term::text, 'null') || ',"type":"' || type || CASE type
        WHEN 'people' THEN '","customer":' || customer::text || ',"person":' || entity::text
        WHEN 'me' THEN '","customer":' || customer::text || ',"person":' || entity::text
        WHEN 'billing' THEN '","customer":' || customer::text || ',"billing_contact":' || entity::text
        WHEN 'list' THEN '","list":' || list::text || ',"contact":' || entity::text
        WHEN 'contacts' THEN '","contact":' || entity::text
        ELSE '"'
    END || '}')::jsonb
$$;
