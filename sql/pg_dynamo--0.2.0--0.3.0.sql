-- ALTER EXTENSION pg_dynamo UPDATE, from 0.2.0 to 0.3.0.

CREATE FUNCTION dynamo.describe_limits(request json DEFAULT '{}') RETURNS json
    LANGUAGE c STABLE STRICT PARALLEL RESTRICTED
    AS 'MODULE_PATHNAME', 'pg_dynamo_describe_limits';
COMMENT ON FUNCTION dynamo.describe_limits(json) IS 'DynamoDB DescribeLimits: request and reply in the JSON of the API';
