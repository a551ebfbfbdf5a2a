-- expand: functions that a generated column is made of are written so that their names are looked up
-- once, here: a restore of a dump has an empty search path, and would find no name within a text.

CREATE OR REPLACE FUNCTION person_vars(first_name text, last_name text, title text, company text,
                                       language text, country text, telephone text, mobile text)
RETURNS jsonb LANGUAGE sql IMMUTABLE
RETURN filled(jsonb_build_object(
    'first_name', first_name, 'last_name', last_name, 'title', title, 'company', company,
    'language', language, 'country', country, 'telephone', telephone, 'mobile', mobile));

CREATE OR REPLACE FUNCTION contact_vars(first_name text, last_name text, phone_number text, param1 text,
                                        param2 text, param3 text, param4 text, param5 text, custom jsonb)
RETURNS jsonb LANGUAGE sql IMMUTABLE
RETURN filled(coalesce(custom, '{}') || jsonb_strip_nulls(jsonb_build_object(
    'first_name', first_name, 'last_name', last_name, 'phone_number', phone_number,
    'param1', param1, 'param2', param2, 'param3', param3, 'param4', param4, 'param5', param5)));
