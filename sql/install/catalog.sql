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
