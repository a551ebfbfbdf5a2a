-- expand: what an expansion from the directory needs: the variables that somebody brings, made when he
-- is entered and not a million times over; whom a job speaks for; and by which way the dropped came in.

CREATE FUNCTION filled(fields jsonb) RETURNS jsonb
LANGUAGE sql IMMUTABLE STRICT AS $$ SELECT nullif(jsonb_strip_nulls(fields), '{}') $$;

CREATE FUNCTION person_vars(first_name text, last_name text, title text, company text, language text,
                            country text, telephone text, mobile text) RETURNS jsonb
LANGUAGE sql IMMUTABLE AS $$
    SELECT filled(jsonb_build_object(
        'first_name', first_name, 'last_name', last_name, 'title', title, 'company', company,
        'language', language, 'country', country, 'telephone', telephone, 'mobile', mobile))
$$;

-- What a contact's own fields are called wins over names of the same kind among the custom ones.
CREATE FUNCTION contact_vars(first_name text, last_name text, phone_number text, param1 text, param2 text,
                             param3 text, param4 text, param5 text, custom jsonb) RETURNS jsonb
LANGUAGE sql IMMUTABLE AS $$
    SELECT filled(coalesce(custom, '{}') || jsonb_strip_nulls(jsonb_build_object(
        'first_name', first_name, 'last_name', last_name, 'phone_number', phone_number,
        'param1', param1, 'param2', param2, 'param3', param3, 'param4', param4, 'param5', param5)))
$$;

-- What stands in a To is one line of at most 256 characters.
CREATE FUNCTION display_name(first_name text, last_name text) RETURNS text
LANGUAGE sql IMMUTABLE AS $$
    SELECT nullif(left(btrim(coalesce(first_name, '') || ' ' || coalesce(last_name, '')), 256), '')
$$;

ALTER TABLE person
    ADD COLUMN name text GENERATED ALWAYS AS (display_name(forename, surname)) STORED,
    ADD COLUMN vars jsonb GENERATED ALWAYS AS
        (person_vars(forename, surname, title, company, language, country, telephone, mobile)) STORED,
    ADD CONSTRAINT person_name_is_one_line
        CHECK (coalesce(forename, '') || coalesce(surname, '') !~ '[[:cntrl:]]');
ALTER TABLE contact
    ADD COLUMN name text GENERATED ALWAYS AS (display_name(first_name, last_name)) STORED,
    ADD COLUMN vars jsonb GENERATED ALWAYS AS
        (contact_vars(first_name, last_name, phone_number, param1, param2, param3, param4, param5,
                      custom)) STORED,
    ADD CONSTRAINT contact_name_is_one_line
        CHECK (coalesce(first_name, '') || coalesce(last_name, '') !~ '[[:cntrl:]]');
ALTER TABLE billing_contact
    ADD CONSTRAINT billing_contact_name_is_one_line CHECK (name !~ '[[:cntrl:]]');

-- In whose name a job speaks, when not in that of the customer who asked (Q9): whose people, lists,
-- transports and suppressions count.
ALTER TABLE job
    ADD COLUMN acting_customer_id bigint REFERENCES customer (id),
    ADD COLUMN person_id          bigint;
ALTER TABLE dropped_recipient ADD COLUMN path jsonb;

-- Whether somebody whom a path led to is still there and still wants mail. One SELECT, so that it is
-- planned as part of the statement that asks.
CREATE FUNCTION still_meant(path jsonb, is_marketing boolean) RETURNS TABLE (yes boolean)
LANGUAGE sql STABLE ROWS 1 AS $$
    SELECT CASE path ->> 'type'
        WHEN 'people' THEN EXISTS (
            SELECT FROM person p JOIN customer c ON c.id = p.customer_id
            WHERE p.id = (path ->> 'person')::bigint AND p.deleted_at IS NULL AND NOT p.retired
              AND c.status <> 'deleted' AND NOT (is_marketing AND p.no_mailing))
        WHEN 'me' THEN EXISTS (
            SELECT FROM person p
            WHERE p.id = (path ->> 'person')::bigint AND p.deleted_at IS NULL AND NOT p.retired
              AND NOT (is_marketing AND p.no_mailing))
        WHEN 'billing' THEN EXISTS (
            SELECT FROM billing_contact b
            JOIN customer c ON c.id = b.customer_id
            LEFT JOIN person p ON p.id = b.person_id
            WHERE b.id = (path ->> 'billing_contact')::bigint AND b.active AND c.status <> 'deleted'
              AND p.deleted_at IS NULL AND p.retired IS NOT TRUE
              AND (is_marketing AND p.no_mailing) IS NOT TRUE)
        WHEN 'list' THEN EXISTS (
            SELECT FROM list_member m JOIN contact c ON c.id = m.contact_id
            WHERE m.list_id = (path ->> 'list')::bigint
              AND m.contact_id = (path ->> 'contact')::bigint
              AND NOT (is_marketing AND c.no_mailing))
        WHEN 'contacts' THEN EXISTS (
            SELECT FROM contact c
            WHERE c.id = (path ->> 'contact')::bigint AND NOT (is_marketing AND c.no_mailing))
        ELSE true
    END
$$;
