-- One row per DynamoDB table. Names relations by name, so that a dump restores under any OIDs and roles.
CREATE TABLE dynamo.table_definition (
    table_name text COLLATE "C" PRIMARY KEY,
    relation_name name NOT NULL UNIQUE,
    format_version int4 NOT NULL DEFAULT 1,
    definition json NOT NULL
);
COMMENT ON TABLE dynamo.table_definition IS 'Definitions of DynamoDB tables; written by the operations, never by hand';

-- Readable like pg_class; written only by the extension, as its owner, after the caller's rights were checked.
GRANT SELECT ON dynamo.table_definition TO PUBLIC;

-- Part of every dump.
SELECT pg_catalog.pg_extension_config_dump('dynamo.table_definition', '');

CREATE VIEW dynamo.tables AS
SELECT d.table_name,
       c.oid::pg_catalog.regclass AS relation,
       pg_catalog.pg_get_userbyid(c.relowner) AS owner,
       greatest(pg_catalog.pg_stat_get_live_tuples(c.oid), c.reltuples::pg_catalog.int8, 0) AS item_count,
       pg_catalog.pg_relation_size(c.oid)
           + coalesce(pg_catalog.pg_relation_size(nullif(c.reltoastrelid, 0)), 0) AS size_bytes,
       d.definition
FROM dynamo.table_definition AS d
JOIN pg_catalog.pg_class AS c ON c.relname = d.relation_name
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace AND n.nspname = 'dynamo_tables';
COMMENT ON VIEW dynamo.tables IS 'DynamoDB tables of this database; counts and sizes are statistics';
GRANT SELECT ON dynamo.tables TO PUBLIC;

-- How far the worker has come with an index that is being built or removed. What is to be done stands in the
-- definition; this is not part of a dump, and a build without a row here begins at the beginning.
CREATE TABLE dynamo_internal.index_build (
    table_name text COLLATE "C",
    index_name text COLLATE "C",
    table_id text NOT NULL,
    phase text NOT NULL CHECK (phase IN ('columns', 'backfill', 'index', 'drop')),
    -- The backfill goes through the blocks there were when it began; they mean nothing in another file.
    relation_file int8,
    next_block int8 NOT NULL DEFAULT 0,
    end_block int8 NOT NULL DEFAULT 0,
    items_done int8 NOT NULL DEFAULT 0,
    items_total int8 NOT NULL DEFAULT 0,
    -- Of the current phase, since something last went well.
    attempts int8 NOT NULL DEFAULT 0,
    error text,
    gave_up boolean NOT NULL DEFAULT false,
    retry_at timestamptz,
    started_at timestamptz NOT NULL DEFAULT pg_catalog.now(),
    updated_at timestamptz NOT NULL DEFAULT pg_catalog.now(),
    PRIMARY KEY (table_name, index_name)
);

CREATE VIEW dynamo.index_builds AS
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
GRANT SELECT ON dynamo.index_builds TO PUBLIC;
