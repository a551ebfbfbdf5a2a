-- expand: by which way somebody came into an audience, as it is kept with him and told in his events.

CREATE FUNCTION path_of(term integer, type text, customer bigint, list bigint, entity bigint) RETURNS jsonb
LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE type
        WHEN 'people' THEN jsonb_build_object('term', term, 'type', type, 'customer', customer,
                                              'person', entity)
        WHEN 'me' THEN jsonb_build_object('term', term, 'type', type, 'customer', customer,
                                          'person', entity)
        WHEN 'billing' THEN jsonb_build_object('term', term, 'type', type, 'customer', customer,
                                               'billing_contact', entity)
        WHEN 'list' THEN jsonb_build_object('term', term, 'type', type, 'list', list, 'contact', entity)
        WHEN 'contacts' THEN jsonb_build_object('term', term, 'type', type, 'contact', entity)
        ELSE jsonb_build_object('term', term, 'type', type)
    END
$$;
