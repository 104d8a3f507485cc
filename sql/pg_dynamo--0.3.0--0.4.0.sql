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
