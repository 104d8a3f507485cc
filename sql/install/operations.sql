-- One function per operation of the API: request in, reply out, both as the API's own JSON. json rather
-- than jsonb, which cannot hold U+0000.
--
-- Beside each stands a form with named arguments. A call whose first argument is an untyped literal must
-- never take the form its writer did not mean: the named forms of item operations need two arguments,
-- where the request form has one; where a table name is all that is needed, the named form also accepts
-- a request (no table name starts with a brace) and both forms answer json.

CREATE FUNCTION dynamo.put_item(request json) RETURNS json
    LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE
    AS 'MODULE_PATHNAME', 'pg_dynamo_put_item';
COMMENT ON FUNCTION dynamo.put_item(json) IS 'DynamoDB PutItem: request and reply in the JSON of the API';

CREATE FUNCTION dynamo.get_item(request json) RETURNS json
    LANGUAGE c STABLE STRICT PARALLEL RESTRICTED
    AS 'MODULE_PATHNAME', 'pg_dynamo_get_item';
COMMENT ON FUNCTION dynamo.get_item(json) IS 'DynamoDB GetItem: request and reply in the JSON of the API';

CREATE FUNCTION dynamo.update_item(request json) RETURNS json
    LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE
    AS 'MODULE_PATHNAME', 'pg_dynamo_update_item';
COMMENT ON FUNCTION dynamo.update_item(json) IS 'DynamoDB UpdateItem: request and reply in the JSON of the API';

CREATE FUNCTION dynamo.delete_item(request json) RETURNS json
    LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE
    AS 'MODULE_PATHNAME', 'pg_dynamo_delete_item';
COMMENT ON FUNCTION dynamo.delete_item(json) IS 'DynamoDB DeleteItem: request and reply in the JSON of the API';

CREATE FUNCTION dynamo.query(request json) RETURNS json
    LANGUAGE c STABLE STRICT PARALLEL RESTRICTED
    AS 'MODULE_PATHNAME', 'pg_dynamo_query';
COMMENT ON FUNCTION dynamo.query(json) IS 'DynamoDB Query: request and reply in the JSON of the API';

CREATE FUNCTION dynamo.scan(request json) RETURNS json
    LANGUAGE c STABLE STRICT PARALLEL RESTRICTED
    AS 'MODULE_PATHNAME', 'pg_dynamo_scan';
COMMENT ON FUNCTION dynamo.scan(json) IS 'DynamoDB Scan: request and reply in the JSON of the API';

CREATE FUNCTION dynamo.batch_get_item(request json) RETURNS json
    LANGUAGE c STABLE STRICT PARALLEL RESTRICTED
    AS 'MODULE_PATHNAME', 'pg_dynamo_batch_get_item';
COMMENT ON FUNCTION dynamo.batch_get_item(json) IS 'DynamoDB BatchGetItem: request and reply in the JSON of the API';

CREATE FUNCTION dynamo.batch_write_item(request json) RETURNS json
    LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE
    AS 'MODULE_PATHNAME', 'pg_dynamo_batch_write_item';
COMMENT ON FUNCTION dynamo.batch_write_item(json) IS 'DynamoDB BatchWriteItem: request and reply in the JSON of the API';

CREATE FUNCTION dynamo.create_table(request json) RETURNS json
    LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE
    AS 'MODULE_PATHNAME', 'pg_dynamo_create_table';
COMMENT ON FUNCTION dynamo.create_table(json) IS 'DynamoDB CreateTable: request and reply in the JSON of the API';

CREATE FUNCTION dynamo.describe_limits(request json DEFAULT '{}') RETURNS json
    LANGUAGE c STABLE STRICT PARALLEL RESTRICTED
    AS 'MODULE_PATHNAME', 'pg_dynamo_describe_limits';
COMMENT ON FUNCTION dynamo.describe_limits(json) IS 'DynamoDB DescribeLimits: request and reply in the JSON of the API';

CREATE FUNCTION dynamo.describe_table(request json) RETURNS json
    LANGUAGE c STABLE STRICT PARALLEL RESTRICTED
    AS 'MODULE_PATHNAME', 'pg_dynamo_describe_table';
COMMENT ON FUNCTION dynamo.describe_table(json) IS 'DynamoDB DescribeTable: request and reply in the JSON of the API';

CREATE FUNCTION dynamo.update_table(request json) RETURNS json
    LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE
    AS 'MODULE_PATHNAME', 'pg_dynamo_update_table';
COMMENT ON FUNCTION dynamo.update_table(json) IS 'DynamoDB UpdateTable: request and reply in the JSON of the API';

CREATE FUNCTION dynamo.delete_table(request json) RETURNS json
    LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE
    AS 'MODULE_PATHNAME', 'pg_dynamo_delete_table';
COMMENT ON FUNCTION dynamo.delete_table(json) IS 'DynamoDB DeleteTable: request and reply in the JSON of the API';

CREATE FUNCTION dynamo.list_tables(request json) RETURNS json
    LANGUAGE c STABLE STRICT PARALLEL RESTRICTED
    AS 'MODULE_PATHNAME', 'pg_dynamo_list_tables';
COMMENT ON FUNCTION dynamo.list_tables(json) IS 'DynamoDB ListTables: request and reply in the JSON of the API';

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

CREATE FUNCTION dynamo.put_item(
    table_name text,
    item dynamo.item,
    condition_expression text DEFAULT NULL,
    expression_attribute_names json DEFAULT NULL,
    expression_attribute_values dynamo.item DEFAULT NULL,
    return_values text DEFAULT 'NONE',
    return_values_on_condition_check_failure text DEFAULT 'NONE'
) RETURNS dynamo.item
    LANGUAGE c VOLATILE PARALLEL UNSAFE
    AS 'MODULE_PATHNAME', 'pg_dynamo_put_item_named';
COMMENT ON FUNCTION dynamo.put_item(text, dynamo.item, text, json, dynamo.item, text, text) IS 'DynamoDB PutItem; answers the attributes that return_values asks for, or NULL';

CREATE FUNCTION dynamo.get_item(
    table_name text,
    key dynamo.item,
    projection_expression text DEFAULT NULL,
    expression_attribute_names json DEFAULT NULL
) RETURNS dynamo.item
    LANGUAGE c STABLE PARALLEL RESTRICTED
    AS 'MODULE_PATHNAME', 'pg_dynamo_get_item_named';
COMMENT ON FUNCTION dynamo.get_item(text, dynamo.item, text, json) IS 'DynamoDB GetItem; answers the item, or NULL when there is none';

CREATE FUNCTION dynamo.update_item(
    table_name text,
    key dynamo.item,
    update_expression text DEFAULT NULL,
    condition_expression text DEFAULT NULL,
    expression_attribute_names json DEFAULT NULL,
    expression_attribute_values dynamo.item DEFAULT NULL,
    return_values text DEFAULT 'NONE',
    return_values_on_condition_check_failure text DEFAULT 'NONE'
) RETURNS dynamo.item
    LANGUAGE c VOLATILE PARALLEL UNSAFE
    AS 'MODULE_PATHNAME', 'pg_dynamo_update_item_named';
COMMENT ON FUNCTION dynamo.update_item(text, dynamo.item, text, text, json, dynamo.item, text, text) IS 'DynamoDB UpdateItem; answers the attributes that return_values asks for, or NULL';

CREATE FUNCTION dynamo.delete_item(
    table_name text,
    key dynamo.item,
    condition_expression text DEFAULT NULL,
    expression_attribute_names json DEFAULT NULL,
    expression_attribute_values dynamo.item DEFAULT NULL,
    return_values text DEFAULT 'NONE',
    return_values_on_condition_check_failure text DEFAULT 'NONE'
) RETURNS dynamo.item
    LANGUAGE c VOLATILE PARALLEL UNSAFE
    AS 'MODULE_PATHNAME', 'pg_dynamo_delete_item_named';
COMMENT ON FUNCTION dynamo.delete_item(text, dynamo.item, text, json, dynamo.item, text, text) IS 'DynamoDB DeleteItem; answers the attributes that return_values asks for, or NULL';

CREATE FUNCTION dynamo.batch_get_item(
    table_name text,
    keys dynamo.item[],
    projection_expression text DEFAULT NULL,
    expression_attribute_names json DEFAULT NULL
) RETURNS TABLE (item dynamo.item)
    LANGUAGE c STABLE PARALLEL RESTRICTED ROWS 100
    AS 'MODULE_PATHNAME', 'pg_dynamo_batch_get_item_named';
COMMENT ON FUNCTION dynamo.batch_get_item(text, dynamo.item[], text, json) IS 'DynamoDB BatchGetItem of one table: the items there are, in no particular order; any number of keys, and no end at 16 MB';

CREATE FUNCTION dynamo.batch_write_item(
    table_name text,
    put dynamo.item[],
    delete dynamo.item[] DEFAULT NULL
) RETURNS void
    LANGUAGE c VOLATILE PARALLEL UNSAFE
    AS 'MODULE_PATHNAME', 'pg_dynamo_batch_write_item_named';
COMMENT ON FUNCTION dynamo.batch_write_item(text, dynamo.item[], dynamo.item[]) IS 'DynamoDB BatchWriteItem of one table: items to put and keys to delete, 25 together';

CREATE FUNCTION dynamo.create_table(
    table_name text,
    partition_key text,
    partition_key_type text DEFAULT 'S',
    sort_key text DEFAULT NULL,
    sort_key_type text DEFAULT 'S',
    read_capacity_units bigint DEFAULT NULL,
    write_capacity_units bigint DEFAULT NULL,
    table_class text DEFAULT NULL,
    deletion_protection_enabled boolean DEFAULT NULL,
    tags json DEFAULT NULL
) RETURNS json
    LANGUAGE c VOLATILE PARALLEL UNSAFE
    AS 'MODULE_PATHNAME', 'pg_dynamo_create_table_named';
COMMENT ON FUNCTION dynamo.create_table(text, text, text, text, text, bigint, bigint, text, boolean, json) IS 'DynamoDB CreateTable: on-demand unless capacity units are given; tags as a JSON object';

CREATE FUNCTION dynamo.update_table(
    table_name text,
    billing_mode text DEFAULT NULL,
    read_capacity_units bigint DEFAULT NULL,
    write_capacity_units bigint DEFAULT NULL,
    table_class text DEFAULT NULL,
    deletion_protection_enabled boolean DEFAULT NULL
) RETURNS json
    LANGUAGE c VOLATILE PARALLEL UNSAFE
    AS 'MODULE_PATHNAME', 'pg_dynamo_update_table_named';
COMMENT ON FUNCTION dynamo.update_table(text, text, bigint, bigint, text, boolean) IS 'DynamoDB UpdateTable';

CREATE FUNCTION dynamo.describe_table(table_name text) RETURNS json
    LANGUAGE c STABLE STRICT PARALLEL RESTRICTED
    AS 'MODULE_PATHNAME', 'pg_dynamo_describe_table_named';
COMMENT ON FUNCTION dynamo.describe_table(text) IS 'DynamoDB DescribeTable';

CREATE FUNCTION dynamo.delete_table(table_name text) RETURNS json
    LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE
    AS 'MODULE_PATHNAME', 'pg_dynamo_delete_table_named';
COMMENT ON FUNCTION dynamo.delete_table(text) IS 'DynamoDB DeleteTable';

CREATE FUNCTION dynamo.list_tables(exclusive_start_table_name text DEFAULT NULL, "limit" integer DEFAULT NULL) RETURNS json
    LANGUAGE c STABLE PARALLEL RESTRICTED
    AS 'MODULE_PATHNAME', 'pg_dynamo_list_tables_named';
COMMENT ON FUNCTION dynamo.list_tables(text, integer) IS 'DynamoDB ListTables; NULL stands for the default of either argument';

-- For a server in front: failures of the API are answers, not errors. A Postgres error that is not the
-- API's (a deadlock, a full disk) is raised, and the caller maps its SQLSTATE.
CREATE FUNCTION dynamo.handle(operation text, body bytea, OUT status integer, OUT error_type text, OUT reply bytea)
    LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE
    AS 'MODULE_PATHNAME', 'pg_dynamo_handle';
COMMENT ON FUNCTION dynamo.handle(text, bytea) IS 'One API request by operation name and body: HTTP status, error type (NULL on success) and reply body';

-- Several requests in one call, for a server in front: a row for each, in their order. Requests that write one item run
-- in the order of their keys, the others after them in the order given. A Postgres error ends the whole call; when it is one
-- request's, its field internalquery is 'dynamo.handle_batch' and internalpos says which, counted from 1.
-- run_as: the role whose rights decide. The session user must be a member of it, and neither may be a superuser.
CREATE FUNCTION dynamo.handle_batch(operations text[], bodies bytea[], run_as name DEFAULT NULL)
    RETURNS TABLE (status integer, error_type text, reply bytea, capacity double precision)
    LANGUAGE c VOLATILE PARALLEL UNSAFE ROWS 10
    AS 'MODULE_PATHNAME', 'pg_dynamo_handle_batch';
COMMENT ON FUNCTION dynamo.handle_batch(text[], bytea[], name) IS 'API requests by operation names and bodies: of each its HTTP status, error type (NULL on success), reply body and capacity units consumed';

CREATE FUNCTION dynamo.resume_index_builds(retry_failed boolean DEFAULT true) RETURNS bigint
    LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE
    AS 'MODULE_PATHNAME', 'pg_dynamo_resume_index_builds';
COMMENT ON FUNCTION dynamo.resume_index_builds(boolean) IS 'Starts the worker that builds and removes secondary indexes, also those it has given up; answers how many there are';
