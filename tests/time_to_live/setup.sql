-- A table of sessions that expire, and what clients do to them.

-- `kind` by the last digit: 0 to 5 expired at different times, 6 expires in a day, 7 says no number, 8 says nothing,
-- 9 expired more than five years ago.
CREATE FUNCTION session_item(id int, attribute text DEFAULT 'expires') RETURNS dynamo.item
    LANGUAGE sql STABLE
AS $$
    SELECT json_strip_nulls(json_build_object(
        'Id', json_build_object('S', 'session ' || id),
        'Note', json_build_object('S', repeat('x', 200)),
        'Kind', json_build_object('N', (id % 10)::text),
        attribute, CASE id % 10
            WHEN 6 THEN json_build_object('N', (extract(epoch FROM now())::int8 + 86400)::text)
            WHEN 7 THEN json_build_object('S', '1700000000')
            WHEN 8 THEN NULL
            WHEN 9 THEN json_build_object('N', (extract(epoch FROM now())::int8 - 6 * 365 * 86400)::text)
            WHEN 0 THEN json_build_object('N', (extract(epoch FROM now())::int8 - 100)::text || '.5')
            ELSE json_build_object('N', (extract(epoch FROM now())::int8 - 10 - id % 7)::text)
        END))::dynamo.item
$$;

CREATE FUNCTION is_expired(kind text) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$ SELECT kind::int <= 5 $$;

CREATE FUNCTION make_table(name text) RETURNS void
    LANGUAGE plpgsql
AS $$
BEGIN
    PERFORM dynamo.create_table(json_build_object(
        'TableName', name, 'BillingMode', 'PAY_PER_REQUEST',
        'AttributeDefinitions', json_build_array(json_build_object('AttributeName', 'Id', 'AttributeType', 'S'), json_build_object('AttributeName', 'Kind', 'AttributeType', 'N')),
        'KeySchema', json_build_array(json_build_object('AttributeName', 'Id', 'KeyType', 'HASH')),
        'GlobalSecondaryIndexes', json_build_array(json_build_object('IndexName', 'ByKind',
            'KeySchema', json_build_array(json_build_object('AttributeName', 'Kind', 'KeyType', 'HASH')),
            'Projection', json_build_object('ProjectionType', 'ALL')))));
END
$$;

-- Plain: written and deleted without statements.
CREATE FUNCTION make_plain_table(name text) RETURNS void
    LANGUAGE sql
AS $$ SELECT dynamo.create_table(name, partition_key => 'Id') $$;

CREATE FUNCTION fill(name text, first int, last int, attribute text DEFAULT 'expires') RETURNS bigint
    LANGUAGE plpgsql
AS $$
DECLARE
    n bigint;
BEGIN
    EXECUTE format('INSERT INTO dynamo_tables.%I (item) SELECT session_item(i, $3) FROM generate_series($1, $2) AS i '
                   'ON CONFLICT (pk_hash, pk, sk) DO UPDATE SET item = excluded.item', name)
        USING first, last, attribute;
    GET DIAGNOSTICS n = ROW_COUNT;
    RETURN n;
END
$$;

CREATE FUNCTION items(name text, condition text DEFAULT 'true') RETURNS bigint
    LANGUAGE plpgsql
AS $$
DECLARE
    n bigint;
BEGIN
    EXECUTE format('SELECT count(*) FROM dynamo_tables.%I AS t WHERE %s', name, condition) INTO n;
    RETURN n;
END
$$;

-- Whether exactly the expired ones of items 1 to `last` are gone.
CREATE FUNCTION only_expired_are_gone(name text, last int) RETURNS boolean
    LANGUAGE sql
AS $$
    SELECT items(name, $c$is_expired(item ->> 'Kind')$c$) = 0
       AND items(name, $c$NOT is_expired(item ->> 'Kind')$c$) = (SELECT count(*) FROM generate_series(1, last) AS i WHERE NOT is_expired((i % 10)::text))
$$;

CREATE FUNCTION status(name text) RETURNS text
    LANGUAGE sql
AS $$ SELECT dynamo.describe_time_to_live(json_build_object('TableName', name)) #>> '{TimeToLiveDescription,TimeToLiveStatus}' $$;

-- Renewals that were acknowledged: none of these items may be deleted.
CREATE TABLE renewed (id int PRIMARY KEY);
CREATE FUNCTION renew(name text, id int) RETURNS void
    LANGUAGE plpgsql
AS $$
BEGIN
    PERFORM dynamo.update_item(name, json_build_object('Id', json_build_object('S', 'session ' || id))::dynamo.item,
        'SET expires = :later', 'attribute_exists(Id)',
        expression_attribute_values => json_build_object(':later', json_build_object('N', (extract(epoch FROM now())::int8 + 86400)::text))::dynamo.item);
    INSERT INTO renewed VALUES (id) ON CONFLICT DO NOTHING;
EXCEPTION
    -- It was deleted before.
    WHEN SQLSTATE 'DY005' THEN NULL;
END
$$;
