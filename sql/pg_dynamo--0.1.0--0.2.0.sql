-- ALTER EXTENSION pg_dynamo UPDATE, from 0.1.0 to 0.2.0.
--
-- Whatever changes in sql/install stands here too, so that an upgraded schema equals a fresh one; the upgrade suite
-- compares them object by object, comments and grants included:
--   * a new object: its CREATE, COMMENT and GRANT as they stand in sql/install;
--   * a changed function: CREATE OR REPLACE FUNCTION with the whole new text (drop and create it when its arguments,
--     their names or its result change);
--   * a changed table or view: ALTER, never drop, where it holds data.
-- Then `make snapshot`. The order is that of sql/install, with one heading for each of its files.
\echo Use "ALTER EXTENSION pg_dynamo UPDATE" to load this file. \quit

-- operations.sql

CREATE FUNCTION dynamo.query(request json) RETURNS json
    LANGUAGE c STABLE STRICT PARALLEL RESTRICTED
    AS 'MODULE_PATHNAME', 'pg_dynamo_query';
COMMENT ON FUNCTION dynamo.query(json) IS 'DynamoDB Query: request and reply in the JSON of the API';

CREATE FUNCTION dynamo.scan(request json) RETURNS json
    LANGUAGE c STABLE STRICT PARALLEL RESTRICTED
    AS 'MODULE_PATHNAME', 'pg_dynamo_scan';
COMMENT ON FUNCTION dynamo.scan(json) IS 'DynamoDB Scan: request and reply in the JSON of the API';
