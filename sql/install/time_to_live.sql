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
