-- ALTER EXTENSION pg_dynamo UPDATE, from 0.3.0 to 0.4.0.

-- The request as text: a call with an untyped literal or parameter takes this form. The server does not parse the text as
-- json first, which would be a twentieth of the whole call, and what is no JSON is answered as DynamoDB answers it.

CREATE FUNCTION dynamo.put_item(request text) RETURNS json
    LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE
    AS 'MODULE_PATHNAME', 'pg_dynamo_put_item';
COMMENT ON FUNCTION dynamo.put_item(text) IS 'DynamoDB PutItem: request and reply in the JSON of the API';

CREATE FUNCTION dynamo.get_item(request text) RETURNS json
    LANGUAGE c STABLE STRICT PARALLEL RESTRICTED
    AS 'MODULE_PATHNAME', 'pg_dynamo_get_item';
COMMENT ON FUNCTION dynamo.get_item(text) IS 'DynamoDB GetItem: request and reply in the JSON of the API';

CREATE FUNCTION dynamo.update_item(request text) RETURNS json
    LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE
    AS 'MODULE_PATHNAME', 'pg_dynamo_update_item';
COMMENT ON FUNCTION dynamo.update_item(text) IS 'DynamoDB UpdateItem: request and reply in the JSON of the API';

CREATE FUNCTION dynamo.delete_item(request text) RETURNS json
    LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE
    AS 'MODULE_PATHNAME', 'pg_dynamo_delete_item';
COMMENT ON FUNCTION dynamo.delete_item(text) IS 'DynamoDB DeleteItem: request and reply in the JSON of the API';

CREATE FUNCTION dynamo.query(request text) RETURNS json
    LANGUAGE c STABLE STRICT PARALLEL RESTRICTED
    AS 'MODULE_PATHNAME', 'pg_dynamo_query';
COMMENT ON FUNCTION dynamo.query(text) IS 'DynamoDB Query: request and reply in the JSON of the API';

CREATE FUNCTION dynamo.batch_get_item(request text) RETURNS json
    LANGUAGE c STABLE STRICT PARALLEL RESTRICTED
    AS 'MODULE_PATHNAME', 'pg_dynamo_batch_get_item';
COMMENT ON FUNCTION dynamo.batch_get_item(text) IS 'DynamoDB BatchGetItem: request and reply in the JSON of the API';

CREATE FUNCTION dynamo.batch_write_item(request text) RETURNS json
    LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE
    AS 'MODULE_PATHNAME', 'pg_dynamo_batch_write_item';
COMMENT ON FUNCTION dynamo.batch_write_item(text) IS 'DynamoDB BatchWriteItem: request and reply in the JSON of the API';

-- Tags, endpoints, policies and Contributor Insights of tables: requests and replies in the API's own JSON.

CREATE FUNCTION dynamo.tag_resource(request json) RETURNS json
    LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE
    AS 'MODULE_PATHNAME', 'pg_dynamo_tag_resource';
COMMENT ON FUNCTION dynamo.tag_resource(json) IS 'DynamoDB TagResource: request and reply in the JSON of the API';

CREATE FUNCTION dynamo.untag_resource(request json) RETURNS json
    LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE
    AS 'MODULE_PATHNAME', 'pg_dynamo_untag_resource';
COMMENT ON FUNCTION dynamo.untag_resource(json) IS 'DynamoDB UntagResource: request and reply in the JSON of the API';

CREATE FUNCTION dynamo.list_tags_of_resource(request json) RETURNS json
    LANGUAGE c STABLE STRICT PARALLEL RESTRICTED
    AS 'MODULE_PATHNAME', 'pg_dynamo_list_tags_of_resource';
COMMENT ON FUNCTION dynamo.list_tags_of_resource(json) IS 'DynamoDB ListTagsOfResource: request and reply in the JSON of the API';

CREATE FUNCTION dynamo.describe_endpoints(request json DEFAULT '{}') RETURNS json
    LANGUAGE c STABLE STRICT PARALLEL RESTRICTED
    AS 'MODULE_PATHNAME', 'pg_dynamo_describe_endpoints';
COMMENT ON FUNCTION dynamo.describe_endpoints(json) IS 'DynamoDB DescribeEndpoints: request and reply in the JSON of the API';

CREATE FUNCTION dynamo.put_resource_policy(request json) RETURNS json
    LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE
    AS 'MODULE_PATHNAME', 'pg_dynamo_put_resource_policy';
COMMENT ON FUNCTION dynamo.put_resource_policy(json) IS 'DynamoDB PutResourcePolicy: request and reply in the JSON of the API; grants what the policy allows on the data table';

CREATE FUNCTION dynamo.get_resource_policy(request json) RETURNS json
    LANGUAGE c STABLE STRICT PARALLEL RESTRICTED
    AS 'MODULE_PATHNAME', 'pg_dynamo_get_resource_policy';
COMMENT ON FUNCTION dynamo.get_resource_policy(json) IS 'DynamoDB GetResourcePolicy: request and reply in the JSON of the API';

CREATE FUNCTION dynamo.delete_resource_policy(request json) RETURNS json
    LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE
    AS 'MODULE_PATHNAME', 'pg_dynamo_delete_resource_policy';
COMMENT ON FUNCTION dynamo.delete_resource_policy(json) IS 'DynamoDB DeleteResourcePolicy: request and reply in the JSON of the API; takes back what the policy granted';

CREATE FUNCTION dynamo.update_contributor_insights(request json) RETURNS json
    LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE
    AS 'MODULE_PATHNAME', 'pg_dynamo_update_contributor_insights';
COMMENT ON FUNCTION dynamo.update_contributor_insights(json) IS 'DynamoDB UpdateContributorInsights: request and reply in the JSON of the API';

CREATE FUNCTION dynamo.describe_contributor_insights(request json) RETURNS json
    LANGUAGE c STABLE STRICT PARALLEL RESTRICTED
    AS 'MODULE_PATHNAME', 'pg_dynamo_describe_contributor_insights';
COMMENT ON FUNCTION dynamo.describe_contributor_insights(json) IS 'DynamoDB DescribeContributorInsights: request and reply in the JSON of the API';

CREATE FUNCTION dynamo.list_contributor_insights(request json DEFAULT '{}') RETURNS json
    LANGUAGE c STABLE STRICT PARALLEL RESTRICTED
    AS 'MODULE_PATHNAME', 'pg_dynamo_list_contributor_insights';
COMMENT ON FUNCTION dynamo.list_contributor_insights(json) IS 'DynamoDB ListContributorInsights: request and reply in the JSON of the API';

-- Of tables that the current role may read, without policies of row security: keys are items' data.
CREATE FUNCTION dynamo_internal.contributor_insights(
    OUT relation oid,
    OUT index_columns bigint,
    OUT rule text,
    OUT whole_key boolean,
    OUT key text,
    OUT requests bigint,
    OUT at_most_too_many bigint
) RETURNS SETOF record
    LANGUAGE c VOLATILE PARALLEL RESTRICTED ROWS 100
    AS 'MODULE_PATHNAME', 'pg_dynamo_contributor_insights';

CREATE VIEW dynamo.contributor_insights AS
SELECT d.table_name,
       (i.index ->> 'name') COLLATE "C" AS index_name,
       s.rule,
       CASE WHEN s.whole_key THEN 'item' ELSE 'partition' END AS key_kind,
       s.key,
       s.requests,
       s.at_most_too_many
FROM dynamo_internal.contributor_insights() AS s
JOIN pg_catalog.pg_class AS c ON c.oid = s.relation
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace AND n.nspname = 'dynamo_tables'
JOIN dynamo.table_definition AS d ON d.relation_name = c.relname
-- Names of attributes may hold U+0000, which Postgres does not read.
LEFT JOIN LATERAL pg_catalog.json_array_elements(
    replace(d.definition::pg_catalog.text, '\u0000', '\ufffd')::pg_catalog.json -> 'global_indexes') AS i (index)
    ON (i.index ->> 'columns')::pg_catalog.int8 = s.index_columns
WHERE s.index_columns = 0 OR i.index IS NOT NULL;
COMMENT ON VIEW dynamo.contributor_insights IS 'The most frequent keys of tables and indexes with Contributor Insights enabled, since the server started, with the library preloaded; of tables that the current role may read';
COMMENT ON COLUMN dynamo.contributor_insights.index_name IS 'NULL: the table itself';
COMMENT ON COLUMN dynamo.contributor_insights.rule IS 'accessed: requests that were admitted, from a sample (dynamo.contributor_insights_sample); throttled: those that throughput refused';
COMMENT ON COLUMN dynamo.contributor_insights.key_kind IS 'partition: partition keys; item: whole keys of a table with a sort key';
COMMENT ON COLUMN dynamo.contributor_insights.key IS 'DynamoDB JSON; what is too long ends in an ellipsis';
COMMENT ON COLUMN dynamo.contributor_insights.requests IS 'Never too few, within what the sample tells';
COMMENT ON COLUMN dynamo.contributor_insights.at_most_too_many IS 'By how much requests may be too large';
GRANT SELECT ON dynamo.contributor_insights TO PUBLIC;
-- Transactions: all actions on items of several tables or none, and reads of one moment.

-- What transactions with a ClientRequestToken have done in the last ten minutes, so that a repetition is known. Written
-- in the transaction it tells of. Not part of a dump. Roles stand here by oid: nobody else's token is ever known.
CREATE TABLE dynamo_internal.transaction_token (
    role oid NOT NULL,
    operation text COLLATE "C" NOT NULL,
    token text COLLATE "C" NOT NULL,
    -- SHA-256 of what was asked for.
    fingerprint bytea NOT NULL,
    -- Bytes of the items, as DynamoDB counts them: what a repetition is said to read.
    sizes int8[] NOT NULL,
    expires timestamptz NOT NULL,
    PRIMARY KEY (role, operation, token)
);
CREATE INDEX transaction_token_expires ON dynamo_internal.transaction_token (expires);

CREATE FUNCTION dynamo.transact_write_items(request json) RETURNS json
    LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE
    AS 'MODULE_PATHNAME', 'pg_dynamo_transact_write_items';
COMMENT ON FUNCTION dynamo.transact_write_items(json) IS 'DynamoDB TransactWriteItems: request and reply in the JSON of the API';

CREATE FUNCTION dynamo.transact_get_items(request json) RETURNS json
    LANGUAGE c STABLE STRICT PARALLEL RESTRICTED
    AS 'MODULE_PATHNAME', 'pg_dynamo_transact_get_items';
COMMENT ON FUNCTION dynamo.transact_get_items(json) IS 'DynamoDB TransactGetItems: request and reply in the JSON of the API';

-- As text, see operations.sql.
CREATE FUNCTION dynamo.transact_write_items(request text) RETURNS json
    LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE
    AS 'MODULE_PATHNAME', 'pg_dynamo_transact_write_items';
COMMENT ON FUNCTION dynamo.transact_write_items(text) IS 'DynamoDB TransactWriteItems: request and reply in the JSON of the API';

CREATE FUNCTION dynamo.transact_get_items(request text) RETURNS json
    LANGUAGE c STABLE STRICT PARALLEL RESTRICTED
    AS 'MODULE_PATHNAME', 'pg_dynamo_transact_get_items';
COMMENT ON FUNCTION dynamo.transact_get_items(text) IS 'DynamoDB TransactGetItems: request and reply in the JSON of the API';

-- The same from typed items: select dynamo.transact_write_items(NULL, dynamo.transact_put('Orders', '{…}'),
-- dynamo.transact_check('Customers', '{…}', 'attribute_exists(Id)')). The token comes first and the actions are variadic,
-- so a call with a request alone can only mean the form above.
CREATE FUNCTION dynamo.transact_write_items(client_request_token text, VARIADIC actions json[]) RETURNS void
    LANGUAGE c VOLATILE PARALLEL UNSAFE
    AS 'MODULE_PATHNAME', 'pg_dynamo_transact_write_items_named';
COMMENT ON FUNCTION dynamo.transact_write_items(text, json[]) IS 'DynamoDB TransactWriteItems of actions made by dynamo.transact_put, _update, _delete and _check; the token may be NULL';

-- The actions. A member that is null counts as absent.
CREATE FUNCTION dynamo.transact_put(
    table_name text,
    item dynamo.item,
    condition_expression text DEFAULT NULL,
    expression_attribute_names json DEFAULT NULL,
    expression_attribute_values dynamo.item DEFAULT NULL,
    return_values_on_condition_check_failure text DEFAULT NULL
) RETURNS json
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN pg_catalog.json_build_object('Put', pg_catalog.json_build_object(
        'TableName', table_name,
        'Item', item::pg_catalog.text::pg_catalog.json,
        'ConditionExpression', condition_expression,
        'ExpressionAttributeNames', expression_attribute_names,
        'ExpressionAttributeValues', expression_attribute_values::pg_catalog.text::pg_catalog.json,
        'ReturnValuesOnConditionCheckFailure', return_values_on_condition_check_failure));
COMMENT ON FUNCTION dynamo.transact_put(text, dynamo.item, text, json, dynamo.item, text) IS 'A Put for dynamo.transact_write_items';

CREATE FUNCTION dynamo.transact_update(
    table_name text,
    key dynamo.item,
    update_expression text,
    condition_expression text DEFAULT NULL,
    expression_attribute_names json DEFAULT NULL,
    expression_attribute_values dynamo.item DEFAULT NULL,
    return_values_on_condition_check_failure text DEFAULT NULL
) RETURNS json
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN pg_catalog.json_build_object('Update', pg_catalog.json_build_object(
        'TableName', table_name,
        'Key', key::pg_catalog.text::pg_catalog.json,
        'UpdateExpression', update_expression,
        'ConditionExpression', condition_expression,
        'ExpressionAttributeNames', expression_attribute_names,
        'ExpressionAttributeValues', expression_attribute_values::pg_catalog.text::pg_catalog.json,
        'ReturnValuesOnConditionCheckFailure', return_values_on_condition_check_failure));
COMMENT ON FUNCTION dynamo.transact_update(text, dynamo.item, text, text, json, dynamo.item, text) IS 'An Update for dynamo.transact_write_items';

CREATE FUNCTION dynamo.transact_delete(
    table_name text,
    key dynamo.item,
    condition_expression text DEFAULT NULL,
    expression_attribute_names json DEFAULT NULL,
    expression_attribute_values dynamo.item DEFAULT NULL,
    return_values_on_condition_check_failure text DEFAULT NULL
) RETURNS json
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN pg_catalog.json_build_object('Delete', pg_catalog.json_build_object(
        'TableName', table_name,
        'Key', key::pg_catalog.text::pg_catalog.json,
        'ConditionExpression', condition_expression,
        'ExpressionAttributeNames', expression_attribute_names,
        'ExpressionAttributeValues', expression_attribute_values::pg_catalog.text::pg_catalog.json,
        'ReturnValuesOnConditionCheckFailure', return_values_on_condition_check_failure));
COMMENT ON FUNCTION dynamo.transact_delete(text, dynamo.item, text, json, dynamo.item, text) IS 'A Delete for dynamo.transact_write_items';

CREATE FUNCTION dynamo.transact_check(
    table_name text,
    key dynamo.item,
    condition_expression text,
    expression_attribute_names json DEFAULT NULL,
    expression_attribute_values dynamo.item DEFAULT NULL,
    return_values_on_condition_check_failure text DEFAULT NULL
) RETURNS json
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN pg_catalog.json_build_object('ConditionCheck', pg_catalog.json_build_object(
        'TableName', table_name,
        'Key', key::pg_catalog.text::pg_catalog.json,
        'ConditionExpression', condition_expression,
        'ExpressionAttributeNames', expression_attribute_names,
        'ExpressionAttributeValues', expression_attribute_values::pg_catalog.text::pg_catalog.json,
        'ReturnValuesOnConditionCheckFailure', return_values_on_condition_check_failure));
COMMENT ON FUNCTION dynamo.transact_check(text, dynamo.item, text, json, dynamo.item, text) IS 'A ConditionCheck for dynamo.transact_write_items';

-- PartiQL: statements in the JSON of the API, and as a set of items.

CREATE FUNCTION dynamo.execute_statement(request json) RETURNS json
    LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE
    AS 'MODULE_PATHNAME', 'pg_dynamo_execute_statement';
COMMENT ON FUNCTION dynamo.execute_statement(json) IS 'DynamoDB ExecuteStatement: request and reply in the JSON of the API';

CREATE FUNCTION dynamo.batch_execute_statement(request json) RETURNS json
    LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE
    AS 'MODULE_PATHNAME', 'pg_dynamo_batch_execute_statement';
COMMENT ON FUNCTION dynamo.batch_execute_statement(json) IS 'DynamoDB BatchExecuteStatement: request and reply in the JSON of the API';

CREATE FUNCTION dynamo.execute_transaction(request json) RETURNS json
    LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE
    AS 'MODULE_PATHNAME', 'pg_dynamo_execute_transaction';
COMMENT ON FUNCTION dynamo.execute_transaction(json) IS 'DynamoDB ExecuteTransaction: request and reply in the JSON of the API';

-- The request as text, which an untyped literal is.
CREATE FUNCTION dynamo.execute_statement(request text) RETURNS json
    LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE
    AS 'MODULE_PATHNAME', 'pg_dynamo_execute_statement';
COMMENT ON FUNCTION dynamo.execute_statement(text) IS 'DynamoDB ExecuteStatement: request and reply in the JSON of the API';

CREATE FUNCTION dynamo.batch_execute_statement(request text) RETURNS json
    LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE
    AS 'MODULE_PATHNAME', 'pg_dynamo_batch_execute_statement';
COMMENT ON FUNCTION dynamo.batch_execute_statement(text) IS 'DynamoDB BatchExecuteStatement: request and reply in the JSON of the API';

CREATE FUNCTION dynamo.execute_transaction(request text) RETURNS json
    LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE
    AS 'MODULE_PATHNAME', 'pg_dynamo_execute_transaction';
COMMENT ON FUNCTION dynamo.execute_transaction(text) IS 'DynamoDB ExecuteTransaction: request and reply in the JSON of the API';

-- A statement with its parameters behind it: a call has one form only, so a literal is never taken for another. All
-- rows are computed, whatever LIMIT says.
CREATE FUNCTION dynamo.partiql(statement text, VARIADIC parameters dynamo.attribute_value[] DEFAULT '{}')
    RETURNS TABLE (item dynamo.item)
    LANGUAGE c VOLATILE PARALLEL UNSAFE ROWS 100
    AS 'MODULE_PATHNAME', 'pg_dynamo_partiql';
COMMENT ON FUNCTION dynamo.partiql(text, dynamo.attribute_value[])
    IS 'A PartiQL statement: the items that it selects, or what RETURNING asks for; not cut at 1 MB';

-- Time to live.
CREATE FUNCTION dynamo.update_time_to_live(request json) RETURNS json
    LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE
    AS 'MODULE_PATHNAME', 'pg_dynamo_update_time_to_live';
COMMENT ON FUNCTION dynamo.update_time_to_live(json) IS 'DynamoDB UpdateTimeToLive: request and reply in the JSON of the API';

CREATE FUNCTION dynamo.describe_time_to_live(request json) RETURNS json
    LANGUAGE c STABLE STRICT PARALLEL RESTRICTED
    AS 'MODULE_PATHNAME', 'pg_dynamo_describe_time_to_live';
COMMENT ON FUNCTION dynamo.describe_time_to_live(json) IS 'DynamoDB DescribeTimeToLive: request and reply in the JSON of the API';

CREATE FUNCTION dynamo.update_time_to_live(table_name text, attribute_name text, enabled boolean DEFAULT true) RETURNS json
    LANGUAGE sql VOLATILE STRICT PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT dynamo.update_time_to_live(json_build_object(
        'TableName', table_name,
        'TimeToLiveSpecification', json_build_object('Enabled', enabled, 'AttributeName', attribute_name)))
$$;
COMMENT ON FUNCTION dynamo.update_time_to_live(text, text, boolean) IS 'DynamoDB UpdateTimeToLive: items expire at the second that this attribute holds, or no more';

-- What the sweeper has done; not part of a dump. No row: nothing yet.
CREATE TABLE dynamo_internal.time_to_live (
    table_name text COLLATE "C" PRIMARY KEY,
    table_id text NOT NULL,
    deleted int8 NOT NULL,
    -- Items whose deletion failed and is tried again later, and what was said of the last one.
    failing int8 NOT NULL,
    error text,
    swept_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp()
);

-- The sweeper asks every second which tables have a time to live.
CREATE INDEX table_definition_time_to_live ON dynamo.table_definition (table_name)
    WHERE definition::pg_catalog.text OPERATOR(pg_catalog.~) '"time_to_live":\{';

-- Expired items of a data table and when the first of them expired; NULL for who may not read it. Reads the btree of
-- the time to live, 100,000 entries at most.
CREATE FUNCTION dynamo_internal.expired_items(relation_name name, OUT items int8, OUT oldest timestamptz)
    LANGUAGE plpgsql STABLE STRICT PARALLEL RESTRICTED
    SET search_path = pg_catalog, pg_temp
    SET enable_seqscan = off
    SET enable_sort = off
AS $$
DECLARE
    -- Five years, as the sweeper counts them.
    first int8 := floor(extract(epoch FROM clock_timestamp()))::int8 - 5 * 365 * 24 * 60 * 60;
BEGIN
    IF has_table_privilege(format('dynamo_tables.%I', relation_name), 'SELECT') THEN
        EXECUTE format('SELECT count(*), to_timestamp(min(t.dynamo_ttl)) FROM ('
                       'SELECT dynamo_ttl FROM dynamo_tables.%I WHERE dynamo_ttl >= $1 AND dynamo_ttl < $2 '
                       'ORDER BY dynamo_ttl LIMIT 100000) AS t', relation_name)
            INTO items, oldest
            USING first, floor(extract(epoch FROM clock_timestamp()))::int8;
    END IF;
END
$$;

CREATE VIEW dynamo.time_to_live AS
SELECT d.table_name,
       ttl.definition ->> 'attribute' AS attribute_name,
       CASE ttl.definition ->> 'state' WHEN 'Active' THEN 'ENABLED' WHEN 'Deleting' THEN 'DISABLING' ELSE 'ENABLING' END AS status,
       e.items AS backlog,
       e.oldest,
       coalesce(t.deleted, 0) AS deleted,
       t.swept_at AS last_sweep,
       coalesce(t.failing, 0) AS failing,
       coalesce(b.error, t.error) AS error
FROM (SELECT table_name, relation_name,
             -- Names of attributes may hold U+0000, which Postgres does not read.
             replace(definition::pg_catalog.text, '\u0000', '\ufffd')::pg_catalog.json AS definition
      FROM dynamo.table_definition
      WHERE definition::pg_catalog.text OPERATOR(pg_catalog.~) '"time_to_live":\{') AS d
CROSS JOIN LATERAL (SELECT d.definition -> 'time_to_live') AS ttl (definition)
LEFT JOIN LATERAL dynamo_internal.expired_items(
    CASE ttl.definition ->> 'state' WHEN 'Active' THEN d.relation_name END) AS e ON true
LEFT JOIN dynamo_internal.time_to_live AS t
    ON t.table_name = d.table_name AND t.table_id = d.definition ->> 'table_id'
LEFT JOIN dynamo_internal.index_build AS b
    ON b.table_name = d.table_name AND b.index_name = ':ttl' AND b.table_id = d.definition ->> 'table_id';
COMMENT ON VIEW dynamo.time_to_live IS 'Tables whose items expire: backlog counts expired items that are still there, up to 100,000';
GRANT SELECT ON dynamo.time_to_live TO PUBLIC;

CREATE OR REPLACE VIEW dynamo.index_builds AS
SELECT d.table_name,
       i.name AS index_name,
       CASE i.state WHEN 'Deleting' THEN 'DELETING' ELSE 'CREATING' END AS index_status,
       CASE WHEN b.gave_up THEN 'failed' ELSE coalesce(b.phase, 'waiting') END AS phase,
       b.items_done,
       greatest(b.items_total, b.items_done) AS items_total,
       b.attempts AS failed_attempts,
       b.error,
       b.retry_at,
       b.started_at,
       b.updated_at
FROM (SELECT table_name,
             -- Names of attributes may hold U+0000, which Postgres does not read.
             replace(definition::pg_catalog.text, '\u0000', '\ufffd')::pg_catalog.json AS definition
      FROM dynamo.table_definition) AS d
CROSS JOIN LATERAL (
    SELECT (i.index ->> 'name') COLLATE "C", i.index ->> 'state'
    FROM pg_catalog.json_array_elements(d.definition -> 'global_indexes') AS i (index)
    UNION ALL
    SELECT NULL, d.definition -> 'time_to_live' ->> 'state') AS i (name, state)
LEFT JOIN dynamo_internal.index_build AS b
    ON b.table_name = d.table_name AND b.index_name = coalesce(i.name, ':ttl' COLLATE "C")
    AND b.table_id = d.definition ->> 'table_id'
WHERE i.state <> 'Active';
COMMENT ON VIEW dynamo.index_builds IS 'Global secondary indexes that are being built or removed, and (without an index_name) times to live that are being enabled or disabled; items_total is an estimate';

CREATE OR REPLACE FUNCTION dynamo_internal.forget_dropped_tables() RETURNS event_trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    DELETE FROM dynamo.table_definition AS d
    USING pg_event_trigger_dropped_objects() AS o
    WHERE o.object_type = 'table' AND o.schema_name = 'dynamo_tables' AND d.relation_name = o.object_name;
    DELETE FROM dynamo_internal.index_build AS b
    WHERE NOT EXISTS (SELECT FROM dynamo.table_definition AS d WHERE d.table_name = b.table_name);
    DELETE FROM dynamo_internal.time_to_live AS t
    WHERE NOT EXISTS (SELECT FROM dynamo.table_definition AS d WHERE d.table_name = t.table_name);
    IF EXISTS (SELECT FROM pg_event_trigger_dropped_objects() AS o
               WHERE o.original AND o.object_type = 'index' AND o.schema_name = 'dynamo_tables'
                 AND o.object_name ~ ':index_[0-9]+$') THEN
        RAISE NOTICE USING
            MESSAGE = 'queries of this secondary index read the whole table from now on',
            HINT = 'UpdateTable with GlobalSecondaryIndexUpdates removes an index from its DynamoDB table.';
    END IF;
END
$$;

CREATE OR REPLACE FUNCTION dynamo_internal.protect_data_tables() RETURNS event_trigger
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    altered record;
BEGIN
    FOR altered IN
        SELECT DISTINCT c.oid, c.relname, n.nspname, t.tgname AS derive_keys, t.tgenabled,
               split_part(encode(t.tgargs, 'escape'), E'\\000', 1) AS table_name,
               string_to_array(encode(t.tgargs, 'escape'), E'\\000') AS arguments
        FROM pg_event_trigger_ddl_commands() AS d
        LEFT JOIN pg_trigger AS made ON d.classid = 'pg_catalog.pg_trigger'::regclass AND made.oid = d.objid
        JOIN pg_class AS c ON c.oid = coalesce(made.tgrelid, d.objid)
        JOIN pg_namespace AS n ON n.oid = c.relnamespace
        JOIN pg_trigger AS t ON t.tgrelid = c.oid AND t.tgfoid = 'dynamo_internal.derive_keys'::regproc
    LOOP
        IF altered.nspname <> 'dynamo_tables'
           OR altered.relname <> dynamo_internal.relation_name(altered.table_name) THEN
            RAISE EXCEPTION USING
                ERRCODE = 'object_not_in_prerequisite_state',
                MESSAGE = format('the data table of DynamoDB table "%s" cannot be renamed or moved', altered.table_name),
                HINT = 'Create a table under the new name and copy its items.';
        END IF;
        IF (SELECT count(*) FROM pg_attribute AS a
            WHERE a.attrelid = altered.oid AND NOT a.attisdropped
              AND (a.attnum, a.attname, a.atttypid) IN (
                  (1, 'pk_hash', 'pg_catalog.int8'::regtype),
                  (2, 'pk', 'pg_catalog.bytea'::regtype),
                  (3, 'sk', 'pg_catalog.bytea'::regtype),
                  (4, 'item', 'dynamo.item'::regtype))) <> 4 THEN
            RAISE EXCEPTION USING
                ERRCODE = 'object_not_in_prerequisite_state',
                MESSAGE = format('columns pk_hash, pk, sk and item of DynamoDB table "%s" cannot be altered', altered.table_name),
                HINT = 'Further columns may be added, renamed and dropped.';
        END IF;
        -- Columns of indexes: those that the trigger fills in, and no others that look so. The name of a sort key may
        -- look like the JSON that stands behind it; a type does not.
        IF EXISTS (SELECT FROM pg_attribute AS a
                   WHERE a.attrelid = altered.oid AND NOT a.attisdropped AND a.attname ~ '^index_[0-9]+_[ps]k$'
                     AND (a.atttypid <> 'pg_catalog.bytea'::regtype OR a.attnotnull OR a.atthasdef))
           OR EXISTS (SELECT FROM unnest(altered.arguments) WITH ORDINALITY AS a (argument, position),
                           regexp_match(a.argument, '^\{"columns":([0-9]+)(,"partition")?') AS m,
                           unnest(ARRAY['_sk', CASE WHEN m[2] <> '' THEN '_pk' END]) AS part
                      WHERE a.position > CASE WHEN altered.arguments[5] IN ('S', 'N', 'B') THEN 5 ELSE 3 END
                        AND m[1] IS NOT NULL AND part IS NOT NULL
                        AND NOT EXISTS (SELECT FROM pg_attribute AS c
                                        WHERE c.attrelid = altered.oid AND NOT c.attisdropped
                                          AND c.attname = format('index_%s%s', m[1], part))) THEN
            RAISE EXCEPTION USING
                ERRCODE = 'object_not_in_prerequisite_state',
                MESSAGE = format('columns of the secondary indexes of DynamoDB table "%s" cannot be altered', altered.table_name),
                HINT = 'Names like index_1_pk and index_1_sk are theirs.';
        END IF;
        -- The column of the time to live, likewise.
        IF EXISTS (SELECT FROM pg_attribute AS a
                   WHERE a.attrelid = altered.oid AND NOT a.attisdropped AND a.attname = 'dynamo_ttl'
                     AND (a.atttypid <> 'pg_catalog.int8'::regtype OR a.attnotnull OR a.atthasdef))
           OR altered.arguments[array_upper(altered.arguments, 1) - 1] ~ '^\{"time_to_live":'
              AND NOT EXISTS (SELECT FROM pg_attribute AS a
                              WHERE a.attrelid = altered.oid AND NOT a.attisdropped AND a.attname = 'dynamo_ttl') THEN
            RAISE EXCEPTION USING
                ERRCODE = 'object_not_in_prerequisite_state',
                MESSAGE = format('column dynamo_ttl of DynamoDB table "%s" cannot be altered', altered.table_name),
                HINT = 'It holds the second in which an item expires.';
        END IF;
        -- (pg_restore --disable-triggers meets this error, goes on, and loads the rows with their keys derived.)
        IF altered.tgenabled NOT IN ('O', 'A') THEN
            RAISE EXCEPTION USING
                ERRCODE = 'object_not_in_prerequisite_state',
                MESSAGE = format('the trigger "%s" of DynamoDB table "%s" cannot be disabled', altered.derive_keys, altered.table_name),
                HINT = 'It keeps the key columns true to the item.';
        END IF;
        -- tgtype: 1 row, 2 before, 4 insert, 16 update.
        IF EXISTS (SELECT FROM pg_trigger AS later
                   WHERE later.tgrelid = altered.oid AND later.tgname COLLATE "C" > altered.derive_keys COLLATE "C"
                     AND later.tgtype & 3 = 3 AND later.tgtype & 20 <> 0) THEN
            RAISE EXCEPTION USING
                ERRCODE = 'object_not_in_prerequisite_state',
                MESSAGE = format('a BEFORE trigger of DynamoDB table "%s" must have a name that sorts before "%s"',
                                 altered.table_name, altered.derive_keys),
                HINT = 'Triggers fire in the order of their names, and the one that derives the keys is the last.';
        END IF;
    END LOOP;

    -- Statements on a data table would reach the rows of an heir, and the same key could be there twice.
    IF EXISTS (SELECT FROM pg_event_trigger_ddl_commands() AS d
               JOIN pg_inherits AS i ON d.classid = 'pg_catalog.pg_class'::regclass AND i.inhrelid = d.objid
               JOIN pg_class AS parent ON parent.oid = i.inhparent AND parent.relkind = 'r'
               JOIN pg_trigger AS t ON t.tgrelid = parent.oid AND t.tgfoid = 'dynamo_internal.derive_keys'::regproc) THEN
        RAISE EXCEPTION USING
            ERRCODE = 'object_not_in_prerequisite_state',
            MESSAGE = 'a table cannot inherit from the data table of a DynamoDB table';
    END IF;
END
$$;
-- End of time to live.

-- Backups and point-in-time recovery: sql/install/backups.sql.
-- dynamo_backups: the items of each backup, in a table of the name of its id, owned by the owner of its source
-- dynamo_history: what was in a table before it was changed, while point-in-time recovery is on
CREATE SCHEMA dynamo_backups;
CREATE SCHEMA dynamo_history;
GRANT USAGE ON SCHEMA dynamo_backups, dynamo_history TO PUBLIC;
COMMENT ON SCHEMA dynamo_backups IS 'Copies of DynamoDB tables that CreateBackup made (pg_dynamo)';
COMMENT ON SCHEMA dynamo_history IS 'Older versions of the items of DynamoDB tables with point-in-time recovery (pg_dynamo)';

-- One row per backup. It outlives its source, so it holds the definition of that table.
CREATE TABLE dynamo.backup_definition (
    backup_id text COLLATE "C" PRIMARY KEY,
    table_name text COLLATE "C" NOT NULL,
    format_version int4 NOT NULL DEFAULT 1,
    definition json NOT NULL
);
COMMENT ON TABLE dynamo.backup_definition IS 'Definitions of backups; written by the operations, never by hand';
GRANT SELECT ON dynamo.backup_definition TO PUBLIC;
SELECT pg_catalog.pg_extension_config_dump('dynamo.backup_definition', '');

-- Tables whose history is kept, by the name of their relation; times are microseconds since 1970.
CREATE TABLE dynamo_internal.history (
    relation_name name PRIMARY KEY,
    days int4 NOT NULL,
    since int8 NOT NULL
);
SELECT pg_catalog.pg_extension_config_dump('dynamo_internal.history', '');

-- Its segments. The one that is written has the name of the data table and is not closed. A transaction is whole in one
-- segment, which holds those that were committed between the two times.
CREATE TABLE dynamo_internal.history_segment (
    segment_name name PRIMARY KEY,
    relation_name name NOT NULL,
    opened_at int8 NOT NULL,
    closed_at int8
);
SELECT pg_catalog.pg_extension_config_dump('dynamo_internal.history_segment', '');
GRANT SELECT ON dynamo_internal.history, dynamo_internal.history_segment TO PUBLIC;

-- Numbers changes in the order in which those of one key were made, also across a dump and its restore.
CREATE SEQUENCE dynamo_internal.history_change;
SELECT pg_catalog.pg_extension_config_dump('dynamo_internal.history_change', '');

-- How far the worker has come with what the definitions say is to be done. Not part of a dump: what has no row here begins
-- at the beginning.
CREATE TABLE dynamo_internal.backup_job (
    kind text NOT NULL CHECK (kind IN ('backup', 'restore', 'history', 'expiry')),
    -- Id of a backup, id of a restored table, name of a data table.
    id text COLLATE "C" NOT NULL,
    phase text NOT NULL DEFAULT 'copy' CHECK (phase IN ('copy', 'index')),
    -- Of a restore from a backup: the first of its blocks that is not restored.
    next_block int8 NOT NULL DEFAULT 0,
    attempts int8 NOT NULL DEFAULT 0,
    error text,
    gave_up boolean NOT NULL DEFAULT false,
    retry_at timestamptz,
    started_at timestamptz NOT NULL DEFAULT pg_catalog.now(),
    updated_at timestamptz NOT NULL DEFAULT pg_catalog.now(),
    PRIMARY KEY (kind, id)
);

-- Row trigger AFTER INSERT OR UPDATE OR DELETE, and statement trigger BEFORE TRUNCATE, of a table with point-in-time
-- recovery: keeps what was there.
CREATE FUNCTION dynamo_internal.record_history() RETURNS trigger
    LANGUAGE c
    AS 'MODULE_PATHNAME', 'pg_dynamo_record_history';

CREATE VIEW dynamo.backups AS
SELECT b.backup_id,
       b.backup ->> 'name' AS backup_name,
       b.table_name,
       pg_catalog.pg_get_userbyid(c.relowner) AS owner,
       pg_catalog.upper(b.backup ->> 'kind') AS backup_type,
       CASE WHEN j.gave_up THEN 'FAILED' ELSE pg_catalog.upper(b.backup ->> 'state') END AS backup_status,
       pg_catalog.to_timestamp((b.backup ->> 'created_at')::int8 / 1000.0) AS created_at,
       pg_catalog.to_timestamp((b.backup ->> 'expires_at')::int8 / 1000.0) AS expires_at,
       (b.backup ->> 'item_count')::int8 AS item_count,
       (b.backup ->> 'size_bytes')::int8 AS size_bytes,
       c.oid::pg_catalog.regclass AS relation
FROM (SELECT backup_id, table_name,
             -- Names of attributes may hold U+0000, which Postgres does not read.
             replace(definition::pg_catalog.text, '\u0000', '\ufffd')::pg_catalog.json AS backup
      FROM dynamo.backup_definition) AS b
LEFT JOIN pg_catalog.pg_class AS c
    ON c.relname = b.backup_id::pg_catalog.name AND c.relnamespace = 'dynamo_backups'::pg_catalog.regnamespace
LEFT JOIN dynamo_internal.backup_job AS j ON j.kind = 'backup' AND j.id = b.backup_id;
COMMENT ON VIEW dynamo.backups IS 'Backups of DynamoDB tables';
GRANT SELECT ON dynamo.backups TO PUBLIC;

CREATE VIEW dynamo.point_in_time AS
SELECT d.table_name,
       h.days AS recovery_period_in_days,
       pg_catalog.to_timestamp(greatest(h.since / 1e6,
           extract(epoch FROM pg_catalog.now() - pg_catalog.make_interval(days => h.days)))) AS earliest_restorable,
       s.segments,
       s.size_bytes
FROM dynamo_internal.history AS h
JOIN dynamo.table_definition AS d ON d.relation_name = h.relation_name
CROSS JOIN LATERAL (
    SELECT count(*) AS segments, coalesce(sum(pg_catalog.pg_table_size(c.oid)), 0)::int8 AS size_bytes
    FROM dynamo_internal.history_segment AS s
    JOIN pg_catalog.pg_class AS c
        ON c.relname = s.segment_name AND c.relnamespace = 'dynamo_history'::pg_catalog.regnamespace
    WHERE s.relation_name = h.relation_name) AS s;
COMMENT ON VIEW dynamo.point_in_time IS 'DynamoDB tables with point-in-time recovery, and what their history takes';
GRANT SELECT ON dynamo.point_in_time TO PUBLIC;

-- What the worker has to do, by the definitions.
CREATE VIEW dynamo_internal.backup_work AS
SELECT 'backup' AS kind, b.backup_id AS id, b.backup_id AS name,
       pg_catalog.format('dynamo_backups.%I', b.backup_id) AS target,
       pg_catalog.format('dynamo_tables.%I', dynamo_internal.relation_name(b.table_name)) AS source
FROM dynamo.backup_definition AS b
WHERE b.definition::pg_catalog.text ~ '"state":"Creating","created_at"'
UNION ALL
SELECT 'restore', r.definition ->> 'table_id', d.table_name,
       pg_catalog.format('dynamo_tables.%I', d.relation_name),
       CASE WHEN r.definition #>> '{restore,backup}' IS NULL
            THEN pg_catalog.format('dynamo_tables.%I', dynamo_internal.relation_name(r.definition #>> '{restore,source_table}'))
            ELSE pg_catalog.format('dynamo_backups.%I', r.definition #>> '{restore,backup}') END
FROM dynamo.table_definition AS d
CROSS JOIN LATERAL (SELECT replace(d.definition::pg_catalog.text, '\u0000', '\ufffd')::pg_catalog.json) AS r (definition)
WHERE d.definition::pg_catalog.text ~ '"in_progress":true'
UNION ALL
-- A segment that is older than the setting says is closed, and one that nobody may ask for any more is dropped.
SELECT 'history', h.relation_name::pg_catalog.text, h.relation_name::pg_catalog.text, NULL, NULL
FROM dynamo_internal.history AS h
WHERE EXISTS (
    SELECT FROM dynamo_internal.history_segment AS s
    WHERE s.relation_name = h.relation_name
      AND CASE WHEN s.closed_at IS NULL
               THEN s.opened_at / 1e6 < extract(epoch FROM pg_catalog.now())
                   - coalesce(pg_catalog.current_setting('dynamo.history_segment_minutes', true), '1440')::int4 * 60
               ELSE s.closed_at / 1e6 < extract(epoch FROM pg_catalog.now()) - h.days * 86400 END)
UNION ALL
SELECT 'expiry', b.backup_id, b.backup_id, NULL, NULL
FROM dynamo.backups AS b
WHERE b.expires_at < pg_catalog.now();
GRANT SELECT ON dynamo_internal.backup_work TO PUBLIC;

-- The same, and how far it has come. Nobody waits here: sizes are asked for under a lock.
CREATE VIEW dynamo_internal.backup_state AS
SELECT w.kind, w.name, w.target, w.source,
       CASE WHEN j.gave_up THEN 'failed' ELSE coalesce(j.phase, 'waiting') END AS phase,
       coalesce(j.attempts, 0) AS failed_attempts, j.error, j.retry_at, j.started_at, j.updated_at
FROM dynamo_internal.backup_work AS w
LEFT JOIN dynamo_internal.backup_job AS j ON j.kind = w.kind AND j.id = w.id;
GRANT SELECT ON dynamo_internal.backup_state TO PUBLIC;

-- Bytes tell how far a copy has come: those of the new table and those of its source.
CREATE VIEW dynamo.backup_jobs AS
SELECT s.kind, s.name, s.phase,
       coalesce(pg_catalog.pg_table_size(pg_catalog.to_regclass(s.target)), 0) AS bytes_done,
       coalesce(pg_catalog.pg_table_size(pg_catalog.to_regclass(s.source)), 0) AS bytes_total,
       s.failed_attempts, s.error, s.retry_at, s.started_at, s.updated_at
FROM dynamo_internal.backup_state AS s;
COMMENT ON VIEW dynamo.backup_jobs IS 'Backups and restores that are not finished, and history that is to be closed or dropped';
GRANT SELECT ON dynamo.backup_jobs TO PUBLIC;

-- Tables of ours that are dropped by plain DDL take along what is known of them.
CREATE FUNCTION dynamo_internal.forget_dropped_backups() RETURNS event_trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    dropped record;
    segment name;
BEGIN
    FOR dropped IN
        SELECT o.schema_name, o.object_name FROM pg_event_trigger_dropped_objects() AS o
        WHERE o.object_type = 'table' AND o.schema_name IN ('dynamo_tables', 'dynamo_backups', 'dynamo_history')
    LOOP
        IF dropped.schema_name = 'dynamo_backups' THEN
            DELETE FROM dynamo.backup_definition WHERE backup_id = dropped.object_name;
            DELETE FROM dynamo_internal.backup_job WHERE kind = 'backup' AND id = dropped.object_name;
        ELSIF dropped.schema_name = 'dynamo_history' THEN
            DELETE FROM dynamo_internal.history_segment WHERE segment_name = dropped.object_name;
        ELSE
            FOR segment IN
                DELETE FROM dynamo_internal.history_segment AS s WHERE s.relation_name = dropped.object_name
                RETURNING s.segment_name
            LOOP
                EXECUTE format('DROP TABLE IF EXISTS dynamo_history.%I', segment);
            END LOOP;
            DELETE FROM dynamo_internal.history WHERE relation_name = dropped.object_name;
        END IF;
    END LOOP;
END
$$;

CREATE EVENT TRIGGER pg_dynamo_forget_dropped_backups ON sql_drop
    EXECUTE FUNCTION dynamo_internal.forget_dropped_backups();
ALTER EVENT TRIGGER pg_dynamo_forget_dropped_backups ENABLE ALWAYS;

CREATE FUNCTION dynamo.create_backup(request json) RETURNS json
    LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE
    AS 'MODULE_PATHNAME', 'pg_dynamo_create_backup';
COMMENT ON FUNCTION dynamo.create_backup(json) IS 'DynamoDB CreateBackup: request and reply in the JSON of the API';

CREATE FUNCTION dynamo.describe_backup(request json) RETURNS json
    LANGUAGE c STABLE STRICT PARALLEL RESTRICTED
    AS 'MODULE_PATHNAME', 'pg_dynamo_describe_backup';
COMMENT ON FUNCTION dynamo.describe_backup(json) IS 'DynamoDB DescribeBackup: request and reply in the JSON of the API';

CREATE FUNCTION dynamo.list_backups(request json DEFAULT '{}') RETURNS json
    LANGUAGE c STABLE STRICT PARALLEL RESTRICTED
    AS 'MODULE_PATHNAME', 'pg_dynamo_list_backups';
COMMENT ON FUNCTION dynamo.list_backups(json) IS 'DynamoDB ListBackups: request and reply in the JSON of the API';

CREATE FUNCTION dynamo.delete_backup(request json) RETURNS json
    LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE
    AS 'MODULE_PATHNAME', 'pg_dynamo_delete_backup';
COMMENT ON FUNCTION dynamo.delete_backup(json) IS 'DynamoDB DeleteBackup: request and reply in the JSON of the API';

CREATE FUNCTION dynamo.restore_table_from_backup(request json) RETURNS json
    LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE
    AS 'MODULE_PATHNAME', 'pg_dynamo_restore_table_from_backup';
COMMENT ON FUNCTION dynamo.restore_table_from_backup(json) IS 'DynamoDB RestoreTableFromBackup: request and reply in the JSON of the API';

CREATE FUNCTION dynamo.update_continuous_backups(request json) RETURNS json
    LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE
    AS 'MODULE_PATHNAME', 'pg_dynamo_update_continuous_backups';
COMMENT ON FUNCTION dynamo.update_continuous_backups(json) IS 'DynamoDB UpdateContinuousBackups: request and reply in the JSON of the API';

CREATE FUNCTION dynamo.describe_continuous_backups(request json) RETURNS json
    LANGUAGE c STABLE STRICT PARALLEL RESTRICTED
    AS 'MODULE_PATHNAME', 'pg_dynamo_describe_continuous_backups';
COMMENT ON FUNCTION dynamo.describe_continuous_backups(json) IS 'DynamoDB DescribeContinuousBackups: request and reply in the JSON of the API';

CREATE FUNCTION dynamo.restore_table_to_point_in_time(request json) RETURNS json
    LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE
    AS 'MODULE_PATHNAME', 'pg_dynamo_restore_table_to_point_in_time';
COMMENT ON FUNCTION dynamo.restore_table_to_point_in_time(json) IS 'DynamoDB RestoreTableToPointInTime: request and reply in the JSON of the API';

CREATE FUNCTION dynamo.create_backup(table_name text, backup_name text) RETURNS json
    LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE
    AS 'MODULE_PATHNAME', 'pg_dynamo_create_backup_named';
COMMENT ON FUNCTION dynamo.create_backup(text, text) IS 'DynamoDB CreateBackup';

CREATE FUNCTION dynamo.restore_table_from_backup(target_table_name text, backup_arn text) RETURNS json
    LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE
    AS 'MODULE_PATHNAME', 'pg_dynamo_restore_table_from_backup_named';
COMMENT ON FUNCTION dynamo.restore_table_from_backup(text, text) IS 'DynamoDB RestoreTableFromBackup';

CREATE FUNCTION dynamo.update_continuous_backups(
    table_name text,
    point_in_time_recovery_enabled boolean,
    recovery_period_in_days integer DEFAULT 35
) RETURNS json
    LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE
    AS 'MODULE_PATHNAME', 'pg_dynamo_update_continuous_backups_named';
COMMENT ON FUNCTION dynamo.update_continuous_backups(text, boolean, integer) IS 'DynamoDB UpdateContinuousBackups';

-- The text form of a timestamptz depends on settings, so the time travels as epoch seconds.
CREATE FUNCTION dynamo_internal.restore_table_to_point_in_time(source text, target text, at text) RETURNS json
    LANGUAGE c VOLATILE PARALLEL UNSAFE
    AS 'MODULE_PATHNAME', 'pg_dynamo_restore_table_to_point_in_time_named';

CREATE FUNCTION dynamo.restore_table_to_point_in_time(
    source_table_name text,
    target_table_name text,
    restore_date_time timestamptz DEFAULT NULL
) RETURNS json
    LANGUAGE sql VOLATILE PARALLEL UNSAFE
    AS $$ SELECT dynamo_internal.restore_table_to_point_in_time($1, $2,
        pg_catalog.extract('epoch', $3)::pg_catalog.text) $$;
COMMENT ON FUNCTION dynamo.restore_table_to_point_in_time(text, text, timestamptz) IS 'DynamoDB RestoreTableToPointInTime; NULL stands for the latest restorable time';

CREATE FUNCTION dynamo.resume_backup_jobs() RETURNS bigint
    LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE
    AS 'MODULE_PATHNAME', 'pg_dynamo_resume_backup_jobs';
COMMENT ON FUNCTION dynamo.resume_backup_jobs() IS 'Starts the worker of backups and restores, also of those it has given up; answers how many there are';
-- End of backups.
