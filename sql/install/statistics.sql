CREATE FUNCTION dynamo_internal.stat_operations(
    OUT relation oid,
    OUT operation text,
    OUT calls bigint,
    OUT errors json,
    OUT consumed_read_units double precision,
    OUT consumed_write_units double precision,
    OUT total_time_ms double precision,
    OUT latency_histogram bigint[]
) RETURNS SETOF record
    LANGUAGE c VOLATILE PARALLEL RESTRICTED ROWS 100
    AS 'MODULE_PATHNAME', 'pg_dynamo_stat_operations';

CREATE VIEW dynamo.stat_operations AS
SELECT d.table_name,
       s.operation,
       s.calls,
       s.errors::pg_catalog.jsonb AS errors,
       s.consumed_read_units,
       s.consumed_write_units,
       s.total_time_ms,
       s.latency_histogram
FROM dynamo_internal.stat_operations() AS s
LEFT JOIN (dynamo.table_definition AS d
           JOIN pg_catalog.pg_class AS c ON c.relname = d.relation_name
           JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace AND n.nspname = 'dynamo_tables')
    ON c.oid = s.relation
-- What was counted for a table that is gone has no name any more.
WHERE s.relation IS NULL OR d.table_name IS NOT NULL;
COMMENT ON VIEW dynamo.stat_operations IS 'Requests of this database by table and operation since the server started, with the library preloaded; table_name is NULL where a request was of no existing table or of several';
COMMENT ON COLUMN dynamo.stat_operations.calls IS 'Requests, those that failed included';
COMMENT ON COLUMN dynamo.stat_operations.errors IS 'How often each error of the API was answered; a Postgres error counts as what a client is told';
COMMENT ON COLUMN dynamo.stat_operations.total_time_ms IS 'Time spent in the functions; what a transaction takes to commit is not in it';
COMMENT ON COLUMN dynamo.stat_operations.latency_histogram IS '22 counts: requests that took less than 16 us, then 16 to 32 us, 32 to 64 us and so on by doubling; the last has all over 16.8 s';
GRANT SELECT ON dynamo.stat_operations TO PUBLIC;

CREATE FUNCTION dynamo.reset_stat_operations() RETURNS void
    LANGUAGE c VOLATILE PARALLEL UNSAFE
    AS 'MODULE_PATHNAME', 'pg_dynamo_reset_stat_operations';
COMMENT ON FUNCTION dynamo.reset_stat_operations() IS 'Begins the counts of dynamo.stat_operations in this database anew';
REVOKE EXECUTE ON FUNCTION dynamo.reset_stat_operations() FROM PUBLIC;
