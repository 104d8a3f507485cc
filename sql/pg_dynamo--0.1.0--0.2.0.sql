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

-- catalog.sql

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
       (i.index ->> 'name') COLLATE "C" AS index_name,
       CASE i.index ->> 'state' WHEN 'Deleting' THEN 'DELETING' ELSE 'CREATING' END AS index_status,
       CASE WHEN b.gave_up THEN 'failed' ELSE coalesce(b.phase, 'waiting') END AS phase,
       b.items_done,
       greatest(b.items_total, b.items_done) AS items_total,
       b.attempts AS failed_attempts,
       b.error,
       b.retry_at,
       b.started_at,
       b.updated_at
FROM dynamo.table_definition AS d
-- Names of attributes may hold U+0000, which Postgres does not read.
CROSS JOIN LATERAL pg_catalog.json_array_elements(
    replace(d.definition::pg_catalog.text, '\u0000', '\ufffd')::pg_catalog.json -> 'global_indexes') AS i (index)
LEFT JOIN dynamo_internal.index_build AS b
    ON b.table_name = d.table_name AND b.index_name = (i.index ->> 'name') COLLATE "C"
    AND b.table_id = replace(d.definition::pg_catalog.text, '\u0000', '\ufffd')::pg_catalog.json ->> 'table_id'
WHERE i.index ->> 'state' <> 'Active';
COMMENT ON VIEW dynamo.index_builds IS 'Global secondary indexes that are being built or removed; items_total is an estimate';
GRANT SELECT ON dynamo.index_builds TO PUBLIC;

-- storage.sql

-- Plain DROP TABLE, DROP OWNED and their like take the definition with the table. An index may be dropped too
-- (pg_restore --clean does): its columns stay true, so reads of it stay right.
CREATE OR REPLACE FUNCTION dynamo_internal.forget_dropped_tables() RETURNS event_trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    DELETE FROM dynamo.table_definition AS d
    USING pg_event_trigger_dropped_objects() AS o
    WHERE o.object_type = 'table' AND o.schema_name = 'dynamo_tables' AND d.relation_name = o.object_name;
    DELETE FROM dynamo_internal.index_build AS b
    WHERE NOT EXISTS (SELECT FROM dynamo.table_definition AS d WHERE d.table_name = b.table_name);
    IF EXISTS (SELECT FROM pg_event_trigger_dropped_objects() AS o
               WHERE o.original AND o.object_type = 'index' AND o.schema_name = 'dynamo_tables'
                 AND o.object_name ~ ':index_[0-9]+$') THEN
        RAISE NOTICE USING
            MESSAGE = 'queries of this secondary index read the whole table from now on',
            HINT = 'UpdateTable with GlobalSecondaryIndexUpdates removes an index from its DynamoDB table.';
    END IF;
END
$$;

-- A data table is found by its name and its key columns by theirs. The trigger on it remembers which
-- DynamoDB table it is, so this works while a dump is being restored and the definitions are not there yet.
CREATE OR REPLACE FUNCTION dynamo_internal.protect_data_tables() RETURNS event_trigger
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    altered record;
BEGIN
    FOR altered IN
        SELECT DISTINCT c.oid, c.relname, n.nspname, t.tgname AS derive_keys, t.tgenabled,
               split_part(encode(t.tgargs, 'escape'), E'\\000', 1) AS table_name,
               string_to_array(encode(t.tgargs, 'escape'), E'\\000') AS arguments
        FROM pg_event_trigger_ddl_commands() AS d
        LEFT JOIN pg_trigger AS made ON d.classid = 'pg_catalog.pg_trigger'::regclass AND made.oid = d.objid
        JOIN pg_class AS c ON c.oid = coalesce(made.tgrelid, d.objid)
        JOIN pg_namespace AS n ON n.oid = c.relnamespace
        JOIN pg_trigger AS t ON t.tgrelid = c.oid AND t.tgfoid = 'dynamo_internal.derive_keys'::regproc
    LOOP
        IF altered.nspname <> 'dynamo_tables'
           OR altered.relname <> dynamo_internal.relation_name(altered.table_name) THEN
            RAISE EXCEPTION USING
                ERRCODE = 'object_not_in_prerequisite_state',
                MESSAGE = format('the data table of DynamoDB table "%s" cannot be renamed or moved', altered.table_name),
                HINT = 'Create a table under the new name and copy its items.';
        END IF;
        IF (SELECT count(*) FROM pg_attribute AS a
            WHERE a.attrelid = altered.oid AND NOT a.attisdropped
              AND (a.attnum, a.attname, a.atttypid) IN (
                  (1, 'pk_hash', 'pg_catalog.int8'::regtype),
                  (2, 'pk', 'pg_catalog.bytea'::regtype),
                  (3, 'sk', 'pg_catalog.bytea'::regtype),
                  (4, 'item', 'dynamo.item'::regtype))) <> 4 THEN
            RAISE EXCEPTION USING
                ERRCODE = 'object_not_in_prerequisite_state',
                MESSAGE = format('columns pk_hash, pk, sk and item of DynamoDB table "%s" cannot be altered', altered.table_name),
                HINT = 'Further columns may be added, renamed and dropped.';
        END IF;
        -- Columns of indexes: those that the trigger fills in, and no others that look so. The name of a sort key may
        -- look like the JSON that stands behind it; a type does not.
        IF EXISTS (SELECT FROM pg_attribute AS a
                   WHERE a.attrelid = altered.oid AND NOT a.attisdropped AND a.attname ~ '^index_[0-9]+_[ps]k$'
                     AND (a.atttypid <> 'pg_catalog.bytea'::regtype OR a.attnotnull OR a.atthasdef))
           OR EXISTS (SELECT FROM unnest(altered.arguments) WITH ORDINALITY AS a (argument, position),
                           regexp_match(a.argument, '^\{"columns":([0-9]+)(,"partition")?') AS m,
                           unnest(ARRAY['_sk', CASE WHEN m[2] <> '' THEN '_pk' END]) AS part
                      WHERE a.position > CASE WHEN altered.arguments[5] IN ('S', 'N', 'B') THEN 5 ELSE 3 END
                        AND m[1] IS NOT NULL AND part IS NOT NULL
                        AND NOT EXISTS (SELECT FROM pg_attribute AS c
                                        WHERE c.attrelid = altered.oid AND NOT c.attisdropped
                                          AND c.attname = format('index_%s%s', m[1], part))) THEN
            RAISE EXCEPTION USING
                ERRCODE = 'object_not_in_prerequisite_state',
                MESSAGE = format('columns of the secondary indexes of DynamoDB table "%s" cannot be altered', altered.table_name),
                HINT = 'Names like index_1_pk and index_1_sk are theirs.';
        END IF;
        -- (pg_restore --disable-triggers meets this error, goes on, and loads the rows with their keys derived.)
        IF altered.tgenabled NOT IN ('O', 'A') THEN
            RAISE EXCEPTION USING
                ERRCODE = 'object_not_in_prerequisite_state',
                MESSAGE = format('the trigger "%s" of DynamoDB table "%s" cannot be disabled', altered.derive_keys, altered.table_name),
                HINT = 'It keeps the key columns true to the item.';
        END IF;
        -- tgtype: 1 row, 2 before, 4 insert, 16 update.
        IF EXISTS (SELECT FROM pg_trigger AS later
                   WHERE later.tgrelid = altered.oid AND later.tgname COLLATE "C" > altered.derive_keys COLLATE "C"
                     AND later.tgtype & 3 = 3 AND later.tgtype & 20 <> 0) THEN
            RAISE EXCEPTION USING
                ERRCODE = 'object_not_in_prerequisite_state',
                MESSAGE = format('a BEFORE trigger of DynamoDB table "%s" must have a name that sorts before "%s"',
                                 altered.table_name, altered.derive_keys),
                HINT = 'Triggers fire in the order of their names, and the one that derives the keys is the last.';
        END IF;
    END LOOP;

    -- Statements on a data table would reach the rows of an heir, and the same key could be there twice.
    IF EXISTS (SELECT FROM pg_event_trigger_ddl_commands() AS d
               JOIN pg_inherits AS i ON d.classid = 'pg_catalog.pg_class'::regclass AND i.inhrelid = d.objid
               JOIN pg_class AS parent ON parent.oid = i.inhparent AND parent.relkind = 'r'
               JOIN pg_trigger AS t ON t.tgrelid = parent.oid AND t.tgfoid = 'dynamo_internal.derive_keys'::regproc) THEN
        RAISE EXCEPTION USING
            ERRCODE = 'object_not_in_prerequisite_state',
            MESSAGE = 'a table cannot inherit from the data table of a DynamoDB table';
    END IF;
END
$$;

-- The same for a statement of many writes, which finds the one of this row by its key.
CREATE FUNCTION dynamo_internal.decide_batch(request int8, pk_hash int8, pk bytea, sk bytea, item dynamo.item) RETURNS boolean
    LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE COST 100000
    AS 'MODULE_PATHNAME', 'pg_dynamo_decide_batch';

-- operations.sql

CREATE FUNCTION dynamo.query(request json) RETURNS json
    LANGUAGE c STABLE STRICT PARALLEL RESTRICTED
    AS 'MODULE_PATHNAME', 'pg_dynamo_query';
COMMENT ON FUNCTION dynamo.query(json) IS 'DynamoDB Query: request and reply in the JSON of the API';

CREATE FUNCTION dynamo.scan(request json) RETURNS json
    LANGUAGE c STABLE STRICT PARALLEL RESTRICTED
    AS 'MODULE_PATHNAME', 'pg_dynamo_scan';
COMMENT ON FUNCTION dynamo.scan(json) IS 'DynamoDB Scan: request and reply in the JSON of the API';

CREATE FUNCTION dynamo.resume_index_builds(retry_failed boolean DEFAULT true) RETURNS bigint
    LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE
    AS 'MODULE_PATHNAME', 'pg_dynamo_resume_index_builds';
COMMENT ON FUNCTION dynamo.resume_index_builds(boolean) IS 'Starts the worker that builds and removes secondary indexes, also those it has given up; answers how many there are';

CREATE FUNCTION dynamo.batch_get_item(request json) RETURNS json
    LANGUAGE c STABLE STRICT PARALLEL RESTRICTED
    AS 'MODULE_PATHNAME', 'pg_dynamo_batch_get_item';
COMMENT ON FUNCTION dynamo.batch_get_item(json) IS 'DynamoDB BatchGetItem: request and reply in the JSON of the API';

CREATE FUNCTION dynamo.batch_write_item(request json) RETURNS json
    LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE
    AS 'MODULE_PATHNAME', 'pg_dynamo_batch_write_item';
COMMENT ON FUNCTION dynamo.batch_write_item(json) IS 'DynamoDB BatchWriteItem: request and reply in the JSON of the API';

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

-- item_sets.sql

CREATE FUNCTION dynamo_internal.item_set_support(internal) RETURNS internal
    LANGUAGE c STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'pg_dynamo_item_set_support';

CREATE FUNCTION dynamo.query(
    table_name text,
    key_condition_expression text,
    filter_expression text DEFAULT NULL,
    projection_expression text DEFAULT NULL,
    expression_attribute_names json DEFAULT NULL,
    expression_attribute_values dynamo.item DEFAULT NULL,
    index_name text DEFAULT NULL,
    scan_index_forward boolean DEFAULT true,
    exclusive_start_key dynamo.item DEFAULT NULL
) RETURNS TABLE (item dynamo.item)
    LANGUAGE c STABLE PARALLEL RESTRICTED ROWS 100
    SUPPORT dynamo_internal.item_set_support
    AS 'MODULE_PATHNAME', 'pg_dynamo_query_items';
COMMENT ON FUNCTION dynamo.query(text, text, text, text, json, dynamo.item, text, boolean, dynamo.item)
    IS 'DynamoDB Query as a set of items, in the order of the sort key';

CREATE FUNCTION dynamo.scan(
    table_name text,
    filter_expression text DEFAULT NULL,
    projection_expression text DEFAULT NULL,
    expression_attribute_names json DEFAULT NULL,
    expression_attribute_values dynamo.item DEFAULT NULL,
    index_name text DEFAULT NULL,
    segment integer DEFAULT NULL,
    total_segments integer DEFAULT NULL,
    exclusive_start_key dynamo.item DEFAULT NULL
) RETURNS TABLE (item dynamo.item)
    LANGUAGE c STABLE PARALLEL RESTRICTED ROWS 1000
    SUPPORT dynamo_internal.item_set_support
    AS 'MODULE_PATHNAME', 'pg_dynamo_scan_items';
COMMENT ON FUNCTION dynamo.scan(text, text, text, json, dynamo.item, text, integer, integer, dynamo.item)
    IS 'DynamoDB Scan as a set of items, in the order of the partition keys'' hashes';

CREATE FUNCTION dynamo_internal.explain(operation text, request json) RETURNS text
    LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE
    AS 'MODULE_PATHNAME', 'pg_dynamo_explain';

CREATE FUNCTION dynamo.explain(operation text, request json) RETURNS TABLE ("QUERY PLAN" text)
    LANGUAGE sql VOLATILE STRICT PARALLEL UNSAFE
    AS $$ SELECT pg_catalog.string_to_table(dynamo_internal.explain(operation, request), E'\n') $$;
COMMENT ON FUNCTION dynamo.explain(text, json)
    IS 'Executes one page of a Query or Scan and shows its plan and how many items it reads to return how many';
