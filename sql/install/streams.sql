-- Streams: what was captured of the changes of data tables, and where capture stands. Written by its worker and by the
-- operations, as the extension's owner; read by the operations after the caller's rights were checked. None of it is
-- part of a dump: a stream begins anew where its table is restored.

CREATE TABLE dynamo_internal.stream (
    number int4 GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    table_name text COLLATE "C" NOT NULL,
    label text COLLATE "C" NOT NULL,
    table_id text NOT NULL,
    -- Who may read it when its table is gone.
    owner oid NOT NULL,
    view text NOT NULL CHECK (view IN ('KEYS_ONLY', 'NEW_IMAGE', 'OLD_IMAGE', 'NEW_AND_OLD_IMAGES')),
    key_schema json NOT NULL,
    -- Milliseconds since 1970.
    created_at int8 NOT NULL,
    state text NOT NULL CHECK (state IN ('enabling', 'enabled', 'disabling', 'disabled', 'broken')),
    ended_at timestamptz,
    reason text,
    UNIQUE (table_name, label)
);

-- Which keys of a stream are in which shard, and from which position in the log to which.
CREATE TABLE dynamo_internal.stream_shard (
    number int4 GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    stream int4 NOT NULL REFERENCES dynamo_internal.stream ON DELETE CASCADE,
    parent int4,
    -- The parent's id outlives its row.
    parent_id text COLLATE "C",
    low int8 NOT NULL,
    high int8 NOT NULL,
    epoch int4 NOT NULL,
    start_lsn int8 NOT NULL,
    -- Milliseconds since 1970; it is part of the shard's id.
    opened_at int8 NOT NULL,
    -- NULL: it takes records.
    end_epoch int4,
    end_lsn int8,
    closed_at timestamptz,
    -- The last of its records that is no longer kept.
    trimmed_epoch int4,
    trimmed_lsn int8,
    trimmed_ordinal int8
);
CREATE INDEX ON dynamo_internal.stream_shard (stream, number);

-- Records lie in slices by time, which go as a whole: a ring of tables, each emptied by TRUNCATE when the records of
-- its slice have expired.
CREATE TABLE dynamo_internal.stream_slice (
    slice int8 GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    slot int2 NOT NULL UNIQUE,
    epoch int4 NOT NULL,
    first_lsn int8 NOT NULL,
    opened_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
    -- NULL: the one that is written to.
    sealed_at timestamptz
);

CREATE TABLE dynamo_internal.stream_record (
    slot int2 NOT NULL,
    shard int4 NOT NULL,
    epoch int4 NOT NULL,
    lsn int8 NOT NULL,
    ordinal int8 NOT NULL,
    -- Milliseconds since 1970, of the commit.
    created_at int8 NOT NULL,
    -- I, M, R: INSERT, MODIFY, REMOVE; X: REMOVE of an item that has expired.
    event "char" NOT NULL,
    keys dynamo.item,
    new_image dynamo.item,
    old_image dynamo.item
) PARTITION BY LIST (slot);

DO $$
BEGIN
    FOR slot IN 0..25 LOOP
        -- Rows are never changed, and gone before anybody would freeze them.
        EXECUTE format('CREATE TABLE dynamo_internal.stream_record_%s PARTITION OF dynamo_internal.stream_record '
                       'FOR VALUES IN (%s) WITH (autovacuum_enabled = off, toast.autovacuum_enabled = off)', slot, slot);
        EXECUTE format('CREATE UNIQUE INDEX stream_record_%s_position ON dynamo_internal.stream_record_%s '
                       '(shard, epoch, lsn, ordinal)', slot, slot);
    END LOOP;
END
$$;

-- The replication slot of this database, and the life of the log that it reads.
CREATE TABLE dynamo_internal.stream_capture (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    state text NOT NULL CHECK (state IN ('running', 'stopped', 'broken')),
    slot_name name NOT NULL,
    epoch int4 NOT NULL,
    system_identifier text NOT NULL,
    timeline int4 NOT NULL,
    last_gap timestamptz,
    error text,
    updated_at timestamptz NOT NULL DEFAULT pg_catalog.now()
);

-- Everything that was committed before the last of these positions has been captured. Every batch takes away the row of the one
-- before: an update would leave versions that nobody may prune while a transaction is old, for everyone to walk through.
CREATE TABLE dynamo_internal.stream_place (
    epoch int4 NOT NULL,
    lsn int8 NOT NULL,
    PRIMARY KEY (epoch, lsn)
) WITH (vacuum_truncate = off);
CREATE VIEW dynamo_internal.stream_progress AS
SELECT epoch, lsn FROM dynamo_internal.stream_place ORDER BY epoch DESC, lsn DESC LIMIT 1;

-- What there is to do for a worker; anybody may ask.
CREATE VIEW dynamo_internal.stream_work AS
SELECT 1::pg_catalog.int8 AS one FROM dynamo_internal.stream WHERE state IN ('enabling', 'enabled', 'disabling')
UNION ALL
SELECT 1::pg_catalog.int8 FROM dynamo.table_definition WHERE definition::pg_catalog.text ~ '"stream":\{'
UNION ALL
SELECT 1::pg_catalog.int8 FROM dynamo_internal.stream_capture WHERE state = 'running'
UNION ALL
-- Nothing is captured any more, and what was has expired.
SELECT 1::pg_catalog.int8 FROM dynamo_internal.stream_capture
WHERE state <> 'running' AND EXISTS (SELECT FROM dynamo_internal.stream_slice)
  AND updated_at < pg_catalog.clock_timestamp() - pg_catalog.current_setting('dynamo.stream_retention', true)::pg_catalog.interval
UNION ALL
SELECT 1::pg_catalog.int8 FROM dynamo_internal.stream AS s
WHERE s.state IN ('disabled', 'broken')
  AND s.ended_at < pg_catalog.clock_timestamp() - 2 * pg_catalog.current_setting('dynamo.stream_retention', true)::pg_catalog.interval
  AND NOT EXISTS (SELECT FROM dynamo_internal.stream_capture WHERE state = 'running')
  AND NOT EXISTS (SELECT FROM dynamo_internal.stream_shard AS h WHERE h.stream = s.number
                  AND coalesce(h.closed_at, 'infinity') >= pg_catalog.clock_timestamp()
                      - 2 * pg_catalog.current_setting('dynamo.stream_retention', true)::pg_catalog.interval);
GRANT SELECT ON dynamo_internal.stream_work TO PUBLIC;

-- The trigger "~dynamo_stream" of a data table names its stream for who decodes the log: DynamoDB table, label, view,
-- then name and type of the partition key and of the sort key. It fires for no row. When it does fire, a stream could
-- not tell what has gone.
CREATE FUNCTION dynamo_internal.stream_of_table() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RAISE EXCEPTION USING
        ERRCODE = 'object_not_in_prerequisite_state',
        MESSAGE = format('DynamoDB table "%s" has a stream and cannot be truncated', TG_ARGV[0]),
        HINT = 'DELETE its rows, or disable the stream first.';
END
$$;

-- A stream ends with its table.
CREATE FUNCTION dynamo_internal.end_streams_of_dropped_tables() RETURNS event_trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    UPDATE dynamo_internal.stream AS s SET state = 'disabling'
    FROM pg_event_trigger_dropped_objects() AS o
    WHERE o.object_type = 'table' AND o.schema_name = 'dynamo_tables'
      AND o.object_name = dynamo_internal.relation_name(s.table_name)
      AND s.state IN ('enabling', 'enabled');
END
$$;
CREATE EVENT TRIGGER pg_dynamo_end_streams ON sql_drop
    EXECUTE FUNCTION dynamo_internal.end_streams_of_dropped_tables();
ALTER EVENT TRIGGER pg_dynamo_end_streams ENABLE ALWAYS;

-- Capture needs the whole old row, and the mark that says whose it is.
CREATE FUNCTION dynamo_internal.protect_streams() RETURNS event_trigger
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    altered record;
BEGIN
    FOR altered IN
        SELECT DISTINCT split_part(encode(t.tgargs, 'escape'), E'\\000', 1) AS table_name
        FROM pg_event_trigger_ddl_commands() AS d
        JOIN pg_class AS c ON c.oid = d.objid
        JOIN pg_namespace AS n ON n.oid = c.relnamespace AND n.nspname = 'dynamo_tables'
        JOIN pg_trigger AS t ON t.tgrelid = c.oid AND t.tgname = '~dynamo_stream'
             AND t.tgfoid = 'dynamo_internal.stream_of_table'::regproc
        WHERE c.relreplident <> 'f' OR c.relpersistence <> 'p' OR t.tgenabled <> 'A'
    LOOP
        -- The worker takes both away in one transaction, the mark first.
        RAISE EXCEPTION USING
            ERRCODE = 'object_not_in_prerequisite_state',
            MESSAGE = format('the replica identity, the persistence and the trigger "~dynamo_stream" of DynamoDB table "%s" cannot be altered while it has a stream',
                             altered.table_name),
            HINT = 'UpdateTable with StreamSpecification disables the stream.';
    END LOOP;
END
$$;
CREATE EVENT TRIGGER pg_dynamo_protect_streams ON ddl_command_end
    WHEN TAG IN ('ALTER TABLE', 'ALTER TRIGGER')
    EXECUTE FUNCTION dynamo_internal.protect_streams();
ALTER EVENT TRIGGER pg_dynamo_protect_streams ENABLE ALWAYS;

CREATE FUNCTION dynamo.list_streams(request json) RETURNS json
    LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE
    AS 'MODULE_PATHNAME', 'pg_dynamo_list_streams';
COMMENT ON FUNCTION dynamo.list_streams(json) IS 'DynamoDB Streams ListStreams: request and reply in the JSON of the API';

CREATE FUNCTION dynamo.describe_stream(request json) RETURNS json
    LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE
    AS 'MODULE_PATHNAME', 'pg_dynamo_describe_stream';
COMMENT ON FUNCTION dynamo.describe_stream(json) IS 'DynamoDB Streams DescribeStream: request and reply in the JSON of the API';

CREATE FUNCTION dynamo.get_shard_iterator(request json) RETURNS json
    LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE
    AS 'MODULE_PATHNAME', 'pg_dynamo_get_shard_iterator';
COMMENT ON FUNCTION dynamo.get_shard_iterator(json) IS 'DynamoDB Streams GetShardIterator: request and reply in the JSON of the API';

CREATE FUNCTION dynamo.get_records(request json) RETURNS json
    LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE
    AS 'MODULE_PATHNAME', 'pg_dynamo_get_records';
COMMENT ON FUNCTION dynamo.get_records(json) IS 'DynamoDB Streams GetRecords: request and reply in the JSON of the API';

-- The records of a table's latest stream, in the order of commits whatever their shards: for SQL, which goes on with
-- after => the last sequence number it has seen.
CREATE FUNCTION dynamo.stream_records(
    table_name text,
    after text DEFAULT NULL,
    max_records integer DEFAULT 10000,
    OUT sequence_number text,
    OUT event_name text,
    OUT keys dynamo.item,
    OUT new_image dynamo.item,
    OUT old_image dynamo.item,
    OUT created_at timestamptz,
    OUT shard_id text,
    OUT expired boolean
) RETURNS SETOF record
    LANGUAGE c VOLATILE PARALLEL UNSAFE ROWS 1000
    AS 'MODULE_PATHNAME', 'pg_dynamo_stream_records';
COMMENT ON FUNCTION dynamo.stream_records(text, text, integer) IS 'Records of the table''s stream after a sequence number, in the order of commits';

CREATE FUNCTION dynamo_internal.wait_for_stream(table_name text, after text, milliseconds int8) RETURNS boolean
    LANGUAGE c VOLATILE PARALLEL UNSAFE
    AS 'MODULE_PATHNAME', 'pg_dynamo_wait_for_stream';
CREATE FUNCTION dynamo.wait_for_stream(table_name text, after text DEFAULT NULL, timeout interval DEFAULT '1 minute') RETURNS boolean
    LANGUAGE sql VOLATILE PARALLEL UNSAFE
    AS $$
    SELECT dynamo_internal.wait_for_stream($1, $2,
        (extract(epoch FROM $3) OPERATOR(pg_catalog.*) 1000::pg_catalog.numeric)::pg_catalog.int8)
$$;
COMMENT ON FUNCTION dynamo.wait_for_stream(text, text, interval) IS 'Waits until the table''s stream has a record after a sequence number; false when it has none in that time';

-- DROP EXTENSION leaves no replication slot behind without saying so. The library sees to that, which this session may not
-- have used yet; without its file everything can still be dropped.
CREATE FUNCTION dynamo_internal.load_library() RETURNS void
    LANGUAGE c VOLATILE
    AS 'MODULE_PATHNAME', 'pg_dynamo_load_library';
CREATE FUNCTION dynamo_internal.before_drop() RETURNS event_trigger
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM dynamo_internal.load_library();
EXCEPTION WHEN OTHERS THEN
    RAISE WARNING 'a replication slot of pg_dynamo may be left behind: %', SQLERRM;
END
$$;
CREATE EVENT TRIGGER pg_dynamo_before_drop ON ddl_command_start
    WHEN TAG IN ('DROP EXTENSION', 'DROP OWNED')
    EXECUTE FUNCTION dynamo_internal.before_drop();
ALTER EVENT TRIGGER pg_dynamo_before_drop ENABLE ALWAYS;

-- The capture worker of this database: no row when there is none, or nobody can tell (without shared_preload_libraries).
CREATE FUNCTION dynamo_internal.capture_place(OUT captured_lsn int8, OUT caught_up_at timestamptz, OUT worker_pid int4)
    RETURNS SETOF record
    LANGUAGE c VOLATILE PARALLEL UNSAFE ROWS 1
    AS 'MODULE_PATHNAME', 'pg_dynamo_capture_place';

CREATE FUNCTION dynamo_internal.stream_arn(table_name text, label text) RETURNS text
    LANGUAGE c STABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'pg_dynamo_stream_arn';

CREATE VIEW dynamo.streams AS
SELECT s.table_name,
       s.label AS stream_label,
       dynamo_internal.stream_arn(s.table_name, s.label) AS stream_arn,
       s.view AS stream_view_type,
       s.state,
       s.reason,
       (SELECT pg_catalog.count(*) FROM dynamo_internal.stream_shard AS h WHERE h.stream = s.number AND h.end_lsn IS NULL) AS open_shards,
       (SELECT pg_catalog.count(*) FROM dynamo_internal.stream_shard AS h WHERE h.stream = s.number) AS shards,
       (SELECT pg_catalog.to_timestamp(pg_catalog.min(first.created_at) / 1000.0)
        FROM dynamo_internal.stream_shard AS h CROSS JOIN LATERAL
            (SELECT r.created_at FROM dynamo_internal.stream_record AS r WHERE r.shard = h.number
             ORDER BY r.epoch, r.lsn, r.ordinal LIMIT 1) AS first
        WHERE h.stream = s.number) AS oldest_record,
       (SELECT pg_catalog.to_timestamp(pg_catalog.max(last.created_at) / 1000.0)
        FROM dynamo_internal.stream_shard AS h CROSS JOIN LATERAL
            (SELECT r.created_at FROM dynamo_internal.stream_record AS r WHERE r.shard = h.number
             ORDER BY r.epoch DESC, r.lsn DESC, r.ordinal DESC LIMIT 1) AS last
        WHERE h.stream = s.number) AS newest_record,
       pg_catalog.to_timestamp(s.created_at / 1000.0) AS created_at,
       s.ended_at,
       -- From here on the same for every stream of the database.
       c.state AS capture_state,
       c.error AS capture_error,
       c.epoch,
       c.last_gap,
       c.slot_name,
       coalesce(k.worker_pid, r.active_pid) AS worker_pid,
       l.lag AS capture_lag_bytes,
       -- Everything that was committed so long ago has been captured.
       CASE WHEN l.lag = 0 THEN '0'::pg_catalog.interval
            ELSE pg_catalog.clock_timestamp() - k.caught_up_at END AS capture_delay,
       CASE WHEN NOT pg_catalog.pg_is_in_recovery()
            THEN pg_catalog.pg_wal_lsn_diff(pg_catalog.pg_current_wal_lsn(), r.restart_lsn) END AS retained_wal_bytes,
       (SELECT pg_catalog.sum(pg_catalog.pg_total_relation_size(
                   ('dynamo_internal.stream_record_' || t.slot)::pg_catalog.regclass))
        FROM dynamo_internal.stream_slice AS t) AS record_bytes
FROM dynamo_internal.stream AS s
LEFT JOIN dynamo_internal.stream_capture AS c ON true
LEFT JOIN dynamo_internal.stream_progress AS p ON true
LEFT JOIN pg_catalog.pg_replication_slots AS r ON r.slot_name = c.slot_name
LEFT JOIN dynamo_internal.capture_place() AS k ON true
CROSS JOIN LATERAL (
    SELECT CASE WHEN NOT pg_catalog.pg_is_in_recovery() THEN greatest(0,
        pg_catalog.pg_wal_lsn_diff(pg_catalog.pg_current_wal_flush_lsn(), '0/0')
        - coalesce(k.captured_lsn, greatest(p.lsn, pg_catalog.pg_wal_lsn_diff(r.confirmed_flush_lsn, '0/0')))) END AS lag
) AS l;
COMMENT ON VIEW dynamo.streams IS 'Streams of this database and how far their capture has come';
GRANT SELECT ON dynamo.streams TO PUBLIC;

-- All sequence numbers of a database are made of the epoch and the place of a commit in the log; `stream::Position` says how.
CREATE FUNCTION dynamo.stream_position() RETURNS text
    LANGUAGE sql VOLATILE PARALLEL UNSAFE
    AS $$
    SELECT pg_catalog.concat(
        100000000 OPERATOR(pg_catalog.+) (SELECT s.epoch FROM dynamo.streams AS s LIMIT 1),
        pg_catalog.lpad((CASE WHEN pg_catalog.pg_is_in_recovery() THEN pg_catalog.pg_last_wal_replay_lsn()
                              ELSE pg_catalog.pg_current_wal_insert_lsn() END
                         OPERATOR(pg_catalog.-) '0/0'::pg_catalog.pg_lsn)::text, 19, '0'),
        '0000000000')
    WHERE EXISTS (SELECT FROM dynamo.streams AS s WHERE s.epoch IS NOT NULL)
$$;
COMMENT ON FUNCTION dynamo.stream_position() IS 'A sequence number of now: behind everything that has been committed, before everything that will be; NULL before the first stream';
