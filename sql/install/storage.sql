-- Called by the statements of write operations on the row version about to be written. The cost makes the
-- planner evaluate it last, after the key: a sequential scan would otherwise ask it about every row.
CREATE FUNCTION dynamo_internal.decide(request int8, item dynamo.item) RETURNS boolean
    LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE COST 100000
    AS 'MODULE_PATHNAME', 'pg_dynamo_decide';

-- The same for a statement of many writes, which finds the one of this row by its key.
CREATE FUNCTION dynamo_internal.decide_batch(request int8, pk_hash int8, pk bytea, sk bytea, item dynamo.item) RETURNS boolean
    LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE COST 100000
    AS 'MODULE_PATHNAME', 'pg_dynamo_decide_batch';

CREATE FUNCTION dynamo_internal.image(request int8) RETURNS dynamo.item
    LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE
    AS 'MODULE_PATHNAME', 'pg_dynamo_image';

-- Makes pk_hash, pk, sk and the columns of indexes those of the item, whoever writes it. Arguments: table name, then
-- name and type of the partition key and of the sort key, then JSON for each index that is maintained, as
-- {"columns":1,"partition":[["Avatar","S"]],"sort":[["Score","N"]]}, then, where items expire, {"time_to_live":"Expires"}. It is the last BEFORE trigger to fire ("~" sorts after letters, and
-- protect_data_tables keeps it so), hence what is stored always has the keys of the item that is stored.
-- An owner may drop it, because pg_restore --clean drops a table's triggers before the table.
CREATE FUNCTION dynamo_internal.derive_keys() RETURNS trigger
    LANGUAGE c
    AS 'MODULE_PATHNAME', 'pg_dynamo_derive_keys';

-- Name of the data table of a DynamoDB table.
CREATE FUNCTION dynamo_internal.relation_name(table_name text) RETURNS text
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'pg_dynamo_relation_name';

-- Plain DROP TABLE, DROP OWNED and their like take the definition with the table. An index may be dropped too
-- (pg_restore --clean does): its columns stay true, so reads of it stay right.
CREATE FUNCTION dynamo_internal.forget_dropped_tables() RETURNS event_trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    DELETE FROM dynamo.table_definition AS d
    USING pg_event_trigger_dropped_objects() AS o
    WHERE o.object_type = 'table' AND o.schema_name = 'dynamo_tables' AND d.relation_name = o.object_name;
    DELETE FROM dynamo_internal.index_build AS b
    WHERE NOT EXISTS (SELECT FROM dynamo.table_definition AS d WHERE d.table_name = b.table_name);
    DELETE FROM dynamo_internal.time_to_live AS t
    WHERE NOT EXISTS (SELECT FROM dynamo.table_definition AS d WHERE d.table_name = t.table_name);
    IF EXISTS (SELECT FROM pg_event_trigger_dropped_objects() AS o
               WHERE o.original AND o.object_type = 'index' AND o.schema_name = 'dynamo_tables'
                 AND o.object_name ~ ':index_[0-9]+$') THEN
        RAISE NOTICE USING
            MESSAGE = 'queries of this secondary index read the whole table from now on',
            HINT = 'UpdateTable with GlobalSecondaryIndexUpdates removes an index from its DynamoDB table.';
    END IF;
END
$$;

CREATE EVENT TRIGGER pg_dynamo_forget_dropped_tables ON sql_drop
    EXECUTE FUNCTION dynamo_internal.forget_dropped_tables();
-- A session that applies or loads a replica's changes is no exception.
ALTER EVENT TRIGGER pg_dynamo_forget_dropped_tables ENABLE ALWAYS;

-- A data table is found by its name and its key columns by theirs. The trigger on it remembers which
-- DynamoDB table it is, so this works while a dump is being restored and the definitions are not there yet.
CREATE FUNCTION dynamo_internal.protect_data_tables() RETURNS event_trigger
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
        -- The column of the time to live, likewise.
        IF EXISTS (SELECT FROM pg_attribute AS a
                   WHERE a.attrelid = altered.oid AND NOT a.attisdropped AND a.attname = 'dynamo_ttl'
                     AND (a.atttypid <> 'pg_catalog.int8'::regtype OR a.attnotnull OR a.atthasdef))
           OR altered.arguments[array_upper(altered.arguments, 1) - 1] ~ '^\{"time_to_live":'
              AND NOT EXISTS (SELECT FROM pg_attribute AS a
                              WHERE a.attrelid = altered.oid AND NOT a.attisdropped AND a.attname = 'dynamo_ttl') THEN
            RAISE EXCEPTION USING
                ERRCODE = 'object_not_in_prerequisite_state',
                MESSAGE = format('column dynamo_ttl of DynamoDB table "%s" cannot be altered', altered.table_name),
                HINT = 'It holds the second in which an item expires.';
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

-- ALTER INDEX ... RENAME also renames tables.
CREATE EVENT TRIGGER pg_dynamo_protect_data_tables ON ddl_command_end
    WHEN TAG IN ('CREATE TABLE', 'ALTER TABLE', 'ALTER INDEX', 'CREATE TRIGGER', 'ALTER TRIGGER')
    EXECUTE FUNCTION dynamo_internal.protect_data_tables();
ALTER EVENT TRIGGER pg_dynamo_protect_data_tables ENABLE ALWAYS;
