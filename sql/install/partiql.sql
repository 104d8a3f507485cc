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
