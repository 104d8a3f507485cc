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
