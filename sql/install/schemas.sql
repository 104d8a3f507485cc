-- DynamoDB's strings are Unicode and their order is that of UTF-8.
DO $$
BEGIN
    IF pg_catalog.getdatabaseencoding() <> 'UTF8' THEN
        RAISE EXCEPTION USING
            ERRCODE = 'feature_not_supported',
            MESSAGE = pg_catalog.format('pg_dynamo needs a database with encoding UTF8, not %s', pg_catalog.getdatabaseencoding());
    END IF;
END
$$;

-- dynamo:          what people call: types, one function per operation, views
-- dynamo_tables:   the data tables, one per DynamoDB table
-- dynamo_internal: what triggers, constraints and plans call
CREATE SCHEMA dynamo;
CREATE SCHEMA dynamo_tables;
CREATE SCHEMA dynamo_internal;

-- Functions run as their caller, so privileges on the data tables decide; seeing names is harmless.
GRANT USAGE ON SCHEMA dynamo, dynamo_tables, dynamo_internal TO PUBLIC;

COMMENT ON SCHEMA dynamo IS 'DynamoDB operations, types and views (pg_dynamo)';
COMMENT ON SCHEMA dynamo_tables IS 'One native table per DynamoDB table; CREATE on this schema is the right to CreateTable';
COMMENT ON SCHEMA dynamo_internal IS 'Support functions of pg_dynamo; not for direct use';
