-- Words that the specs are written in: isolationtester ends a step at its first closing brace, so a spec
-- cannot hold JSON.

-- item('k', 'a', 'n', '1'): names and values in turn. Digits are a number, true and false a boolean.
CREATE FUNCTION item(VARIADIC pairs text[]) RETURNS dynamo.item
    LANGUAGE sql IMMUTABLE
AS $$
    SELECT json_object_agg(
        pairs[position],
        CASE
            WHEN value ~ '^-?[0-9]+$' THEN json_build_object('N', value)
            WHEN value IN ('true', 'false') THEN json_build_object('BOOL', value::boolean)
            ELSE json_build_object('S', value)
        END)::dynamo.item
    FROM generate_series(1, array_length(pairs, 1), 2) AS position, LATERAL (SELECT pairs[position + 1]) AS v (value)
$$;

-- Requests of a batch.
CREATE FUNCTION put(item dynamo.item) RETURNS json
    LANGUAGE sql
AS $$ SELECT json_build_object('PutRequest', json_build_object('Item', item)) $$;
CREATE FUNCTION remove(key dynamo.item) RETURNS json
    LANGUAGE sql
AS $$ SELECT json_build_object('DeleteRequest', json_build_object('Key', key)) $$;

-- What a server in front would answer.
CREATE FUNCTION handle(operation text, request json) RETURNS text
    LANGUAGE sql
AS $$
    SELECT concat_ws(' ', status, error_type, convert_from(reply, 'UTF8'))
    FROM dynamo.handle(operation, convert_to(request::text, 'UTF8'))
$$;

-- What ExecuteStatement would answer there, and ExecuteTransaction.
CREATE FUNCTION statement(statement text) RETURNS text
    LANGUAGE sql
AS $$ SELECT handle('ExecuteStatement', json_build_object('Statement', statement)) $$;
CREATE FUNCTION statements(token text, VARIADIC statements text[]) RETURNS text
    LANGUAGE sql
AS $$
    SELECT handle('ExecuteTransaction', json_build_object('ClientRequestToken', token,
        'TransactStatements', (SELECT json_agg(json_build_object('Statement', s) ORDER BY n) FROM unnest(statements) WITH ORDINALITY AS l (s, n))))
$$;

-- The INSERT of an item, names and values in turn.
CREATE FUNCTION insertion(table_name text, VARIADIC pairs text[]) RETURNS text
    LANGUAGE sql
AS $$
    SELECT format('INSERT INTO %I VALUE {%s}', table_name,
        string_agg(format('%L: %s', pairs[position], CASE WHEN value ~ '^-?[0-9]+$' THEN value ELSE quote_literal(value) END), ', ' ORDER BY position))
    FROM generate_series(1, array_length(pairs, 1), 2) AS position, LATERAL (SELECT pairs[position + 1]) AS v (value)
$$;

-- Puts that share one call.
CREATE FUNCTION share(table_name text, VARIADIC items dynamo.item[]) RETURNS SETOF text
    LANGUAGE sql
AS $$
    SELECT concat_ws(' ', a.status, a.error_type)
    FROM (SELECT array_agg('PutItem'::text) AS operations,
                 array_agg(convert_to(json_build_object('TableName', table_name, 'Item', item)::text, 'UTF8') ORDER BY n) AS bodies
          FROM unnest(items) WITH ORDINALITY AS i (item, n)) AS call,
         dynamo.handle_batch(operations, bodies) AS a
$$;

-- Runs a command; its SQLSTATE and message when it fails.
CREATE FUNCTION try(command text) RETURNS text
    LANGUAGE plpgsql
AS $$
BEGIN
    EXECUTE command;
    RETURN 'done';
EXCEPTION WHEN OTHERS THEN
    RETURN SQLSTATE || ': ' || SQLERRM;
END
$$;

-- Adds a global index on one attribute of type S.
CREATE FUNCTION add_index(table_name text, index_name text, attribute text) RETURNS text
    LANGUAGE sql
AS $$
    SELECT dynamo.update_table(json_build_object('TableName', table_name,
        'AttributeDefinitions', json_build_array(json_build_object('AttributeName', attribute, 'AttributeType', 'S')),
        'GlobalSecondaryIndexUpdates', json_build_array(json_build_object('Create', json_build_object('IndexName', index_name,
            'KeySchema', json_build_array(json_build_object('AttributeName', attribute, 'KeyType', 'HASH')),
            'Projection', json_build_object('ProjectionType', 'ALL'),
            'ProvisionedThroughput', CASE WHEN dynamo.describe_table(table_name) #>> '{Table,BillingModeSummary,BillingMode}' = 'PAY_PER_REQUEST' THEN NULL
                                     ELSE json_build_object('ReadCapacityUnits', 1, 'WriteCapacityUnits', 1) END)))))
        #>> '{TableDescription,TableStatus}'
$$;

CREATE FUNCTION drop_index(table_name text, index_name text) RETURNS text
    LANGUAGE sql
AS $$
    SELECT dynamo.update_table(json_build_object('TableName', table_name, 'GlobalSecondaryIndexUpdates',
        json_build_array(json_build_object('Delete', json_build_object('IndexName', index_name))))) #>> '{TableDescription,TableStatus}'
$$;

CREATE FUNCTION index_status(table_name text, index_name text) RETURNS text
    LANGUAGE sql
AS $$
    SELECT coalesce((SELECT i ->> 'IndexStatus' FROM json_array_elements(dynamo.describe_table(table_name) #> '{Table,GlobalSecondaryIndexes}') AS i
                     WHERE i ->> 'IndexName' = index_name), 'none')
$$;

-- Waits until nothing is being done to the index. A procedure that commits: the worker would wait for a snapshot and
-- for a lock of whoever waits for it.
CREATE PROCEDURE wait_for_index(table_name text, index_name text)
    LANGUAGE plpgsql
AS $$
BEGIN
    WHILE EXISTS (SELECT FROM dynamo.index_builds AS b WHERE b.table_name = $1 AND b.index_name = $2) LOOP
        COMMIT;
        PERFORM pg_sleep(0.01);
    END LOOP;
END
$$;

-- Waits until the worker has met somebody who is in its way.
CREATE PROCEDURE wait_for_phase(table_name text, phase text)
    LANGUAGE plpgsql
AS $$
BEGIN
    WHILE NOT EXISTS (SELECT FROM dynamo.index_builds AS b WHERE b.table_name = $1 AND b.phase = $2 AND b.error IS NOT NULL) LOOP
        COMMIT;
        PERFORM pg_sleep(0.01);
    END LOOP;
END
$$;

-- Keys of the items that the column says are in an index.
CREATE FUNCTION in_index(table_name text, indexed text) RETURNS text
    LANGUAGE plpgsql
AS $$
DECLARE
    items text;
BEGIN
    EXECUTE format('SELECT string_agg((item ->> ''k'') || '': '' || (item ->> ''team''), '', '' ORDER BY item ->> ''k'') FROM dynamo_tables.%I WHERE %I IS NOT NULL', table_name, indexed)
    INTO items;
    RETURN items;
END
$$;

-- Waits until a condition holds. A procedure that commits: the workers would wait for its snapshot.
CREATE PROCEDURE wait_until(condition text)
    LANGUAGE plpgsql
AS $$
DECLARE
    holds boolean;
BEGIN
    FOR i IN 1..3000 LOOP
        EXECUTE 'SELECT ' || condition INTO holds;
        COMMIT;
        IF holds THEN
            RETURN;
        END IF;
        PERFORM pg_sleep(0.02);
    END LOOP;
    RAISE EXCEPTION 'it never holds: %', condition;
END
$$;

-- Text of a second, for an item that expires.
CREATE FUNCTION seconds_from_now(seconds int) RETURNS text
    LANGUAGE sql
AS $$ SELECT (extract(epoch FROM clock_timestamp())::int8 + seconds)::text $$;

CREATE FUNCTION create_streamed(table_name text) RETURNS text
    LANGUAGE sql
AS $$
    SELECT dynamo.create_table(json_build_object('TableName', table_name, 'BillingMode', 'PAY_PER_REQUEST',
        'AttributeDefinitions', json_build_array(json_build_object('AttributeName', 'k', 'AttributeType', 'S')),
        'KeySchema', json_build_array(json_build_object('AttributeName', 'k', 'KeyType', 'HASH')),
        'StreamSpecification', json_build_object('StreamEnabled', true, 'StreamViewType', 'NEW_AND_OLD_IMAGES')))
        #>> '{TableDescription,StreamSpecification,StreamViewType}'
$$;

-- Gives a table a stream, or takes it away.
CREATE FUNCTION set_stream(table_name text, enabled boolean) RETURNS text
    LANGUAGE sql
AS $$
    SELECT dynamo.update_table(json_build_object('TableName', table_name, 'StreamSpecification', CASE WHEN enabled
        THEN json_build_object('StreamEnabled', true, 'StreamViewType', 'NEW_AND_OLD_IMAGES')
        ELSE json_build_object('StreamEnabled', false) END)) #>> '{TableDescription,TableStatus}'
$$;

CREATE FUNCTION table_status(table_name text) RETURNS text
    LANGUAGE sql
AS $$ SELECT dynamo.describe_table(table_name) #>> '{Table,TableStatus}' $$;

-- What the table's stream tells: events with keys, in the order of commits.
CREATE FUNCTION told(table_name text) RETURNS text
    LANGUAGE sql
AS $$
    SELECT coalesce(string_agg(event_name || ' ' || (keys ->> 'k'), ', ' ORDER BY sequence_number COLLATE "C"), 'nothing')
    FROM dynamo.stream_records(table_name)
$$;
