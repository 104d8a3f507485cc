-- dynamo_backups: the items of each backup, in a table of the name of its id, owned by the owner of its source
-- dynamo_history: what was in a table before it was changed, while point-in-time recovery is on
CREATE SCHEMA dynamo_backups;
CREATE SCHEMA dynamo_history;
GRANT USAGE ON SCHEMA dynamo_backups, dynamo_history TO PUBLIC;
COMMENT ON SCHEMA dynamo_backups IS 'Copies of DynamoDB tables that CreateBackup made (pg_dynamo)';
COMMENT ON SCHEMA dynamo_history IS 'Older versions of the items of DynamoDB tables with point-in-time recovery (pg_dynamo)';

-- One row per backup. It outlives its source, so it holds the definition of that table.
CREATE TABLE dynamo.backup_definition (
    backup_id text COLLATE "C" PRIMARY KEY,
    table_name text COLLATE "C" NOT NULL,
    format_version int4 NOT NULL DEFAULT 1,
    definition json NOT NULL
);
COMMENT ON TABLE dynamo.backup_definition IS 'Definitions of backups; written by the operations, never by hand';
GRANT SELECT ON dynamo.backup_definition TO PUBLIC;
SELECT pg_catalog.pg_extension_config_dump('dynamo.backup_definition', '');

-- Tables whose history is kept, by the name of their relation; times are microseconds since 1970.
CREATE TABLE dynamo_internal.history (
    relation_name name PRIMARY KEY,
    days int4 NOT NULL,
    since int8 NOT NULL
);
SELECT pg_catalog.pg_extension_config_dump('dynamo_internal.history', '');

-- Its segments. The one that is written has the name of the data table and is not closed. A transaction is whole in one
-- segment, which holds those that were committed between the two times.
CREATE TABLE dynamo_internal.history_segment (
    segment_name name PRIMARY KEY,
    relation_name name NOT NULL,
    opened_at int8 NOT NULL,
    closed_at int8
);
SELECT pg_catalog.pg_extension_config_dump('dynamo_internal.history_segment', '');
GRANT SELECT ON dynamo_internal.history, dynamo_internal.history_segment TO PUBLIC;

-- Numbers changes in the order in which those of one key were made, also across a dump and its restore.
CREATE SEQUENCE dynamo_internal.history_change;
SELECT pg_catalog.pg_extension_config_dump('dynamo_internal.history_change', '');

-- How far the worker has come with what the definitions say is to be done. Not part of a dump: what has no row here begins
-- at the beginning.
CREATE TABLE dynamo_internal.backup_job (
    kind text NOT NULL CHECK (kind IN ('backup', 'restore', 'history', 'expiry')),
    -- Id of a backup, id of a restored table, name of a data table.
    id text COLLATE "C" NOT NULL,
    phase text NOT NULL DEFAULT 'copy' CHECK (phase IN ('copy', 'index')),
    -- Of a restore from a backup: the first of its blocks that is not restored.
    next_block int8 NOT NULL DEFAULT 0,
    attempts int8 NOT NULL DEFAULT 0,
    error text,
    gave_up boolean NOT NULL DEFAULT false,
    retry_at timestamptz,
    started_at timestamptz NOT NULL DEFAULT pg_catalog.now(),
    updated_at timestamptz NOT NULL DEFAULT pg_catalog.now(),
    PRIMARY KEY (kind, id)
);

-- Row trigger AFTER INSERT OR UPDATE OR DELETE, and statement trigger BEFORE TRUNCATE, of a table with point-in-time
-- recovery: keeps what was there.
CREATE FUNCTION dynamo_internal.record_history() RETURNS trigger
    LANGUAGE c
    AS 'MODULE_PATHNAME', 'pg_dynamo_record_history';

CREATE VIEW dynamo.backups AS
SELECT b.backup_id,
       b.backup ->> 'name' AS backup_name,
       b.table_name,
       pg_catalog.pg_get_userbyid(c.relowner) AS owner,
       pg_catalog.upper(b.backup ->> 'kind') AS backup_type,
       CASE WHEN j.gave_up THEN 'FAILED' ELSE pg_catalog.upper(b.backup ->> 'state') END AS backup_status,
       pg_catalog.to_timestamp((b.backup ->> 'created_at')::int8 / 1000.0) AS created_at,
       pg_catalog.to_timestamp((b.backup ->> 'expires_at')::int8 / 1000.0) AS expires_at,
       (b.backup ->> 'item_count')::int8 AS item_count,
       (b.backup ->> 'size_bytes')::int8 AS size_bytes,
       c.oid::pg_catalog.regclass AS relation
FROM (SELECT backup_id, table_name,
             -- Names of attributes may hold U+0000, which Postgres does not read.
             replace(definition::pg_catalog.text, '\u0000', '\ufffd')::pg_catalog.json AS backup
      FROM dynamo.backup_definition) AS b
LEFT JOIN pg_catalog.pg_class AS c
    ON c.relname = b.backup_id::pg_catalog.name AND c.relnamespace = 'dynamo_backups'::pg_catalog.regnamespace
LEFT JOIN dynamo_internal.backup_job AS j ON j.kind = 'backup' AND j.id = b.backup_id;
COMMENT ON VIEW dynamo.backups IS 'Backups of DynamoDB tables';
GRANT SELECT ON dynamo.backups TO PUBLIC;

CREATE VIEW dynamo.point_in_time AS
SELECT d.table_name,
       h.days AS recovery_period_in_days,
       pg_catalog.to_timestamp(greatest(h.since / 1e6,
           extract(epoch FROM pg_catalog.now() - pg_catalog.make_interval(days => h.days)))) AS earliest_restorable,
       s.segments,
       s.size_bytes
FROM dynamo_internal.history AS h
JOIN dynamo.table_definition AS d ON d.relation_name = h.relation_name
CROSS JOIN LATERAL (
    SELECT count(*) AS segments, coalesce(sum(pg_catalog.pg_table_size(c.oid)), 0)::int8 AS size_bytes
    FROM dynamo_internal.history_segment AS s
    JOIN pg_catalog.pg_class AS c
        ON c.relname = s.segment_name AND c.relnamespace = 'dynamo_history'::pg_catalog.regnamespace
    WHERE s.relation_name = h.relation_name) AS s;
COMMENT ON VIEW dynamo.point_in_time IS 'DynamoDB tables with point-in-time recovery, and what their history takes';
GRANT SELECT ON dynamo.point_in_time TO PUBLIC;

-- What the worker has to do, by the definitions.
CREATE VIEW dynamo_internal.backup_work AS
SELECT 'backup' AS kind, b.backup_id AS id, b.backup_id AS name,
       pg_catalog.format('dynamo_backups.%I', b.backup_id) AS target,
       pg_catalog.format('dynamo_tables.%I', dynamo_internal.relation_name(b.table_name)) AS source
FROM dynamo.backup_definition AS b
WHERE b.definition::pg_catalog.text ~ '"state":"Creating","created_at"'
UNION ALL
SELECT 'restore', r.definition ->> 'table_id', d.table_name,
       pg_catalog.format('dynamo_tables.%I', d.relation_name),
       CASE WHEN r.definition #>> '{restore,backup}' IS NULL
            THEN pg_catalog.format('dynamo_tables.%I', dynamo_internal.relation_name(r.definition #>> '{restore,source_table}'))
            ELSE pg_catalog.format('dynamo_backups.%I', r.definition #>> '{restore,backup}') END
FROM dynamo.table_definition AS d
CROSS JOIN LATERAL (SELECT replace(d.definition::pg_catalog.text, '\u0000', '\ufffd')::pg_catalog.json) AS r (definition)
WHERE d.definition::pg_catalog.text ~ '"in_progress":true'
UNION ALL
-- A segment that is older than the setting says is closed, and one that nobody may ask for any more is dropped.
SELECT 'history', h.relation_name::pg_catalog.text, h.relation_name::pg_catalog.text, NULL, NULL
FROM dynamo_internal.history AS h
WHERE EXISTS (
    SELECT FROM dynamo_internal.history_segment AS s
    WHERE s.relation_name = h.relation_name
      AND CASE WHEN s.closed_at IS NULL
               THEN s.opened_at / 1e6 < extract(epoch FROM pg_catalog.now())
                   - coalesce(pg_catalog.current_setting('dynamo.history_segment_minutes', true), '1440')::int4 * 60
               ELSE s.closed_at / 1e6 < extract(epoch FROM pg_catalog.now()) - h.days * 86400 END)
UNION ALL
SELECT 'expiry', b.backup_id, b.backup_id, NULL, NULL
FROM dynamo.backups AS b
WHERE b.expires_at < pg_catalog.now();
GRANT SELECT ON dynamo_internal.backup_work TO PUBLIC;

-- The same, and how far it has come. Nobody waits here: sizes are asked for under a lock.
CREATE VIEW dynamo_internal.backup_state AS
SELECT w.kind, w.name, w.target, w.source,
       CASE WHEN j.gave_up THEN 'failed' ELSE coalesce(j.phase, 'waiting') END AS phase,
       coalesce(j.attempts, 0) AS failed_attempts, j.error, j.retry_at, j.started_at, j.updated_at
FROM dynamo_internal.backup_work AS w
LEFT JOIN dynamo_internal.backup_job AS j ON j.kind = w.kind AND j.id = w.id;
GRANT SELECT ON dynamo_internal.backup_state TO PUBLIC;

-- Bytes tell how far a copy has come: those of the new table and those of its source.
CREATE VIEW dynamo.backup_jobs AS
SELECT s.kind, s.name, s.phase,
       coalesce(pg_catalog.pg_table_size(pg_catalog.to_regclass(s.target)), 0) AS bytes_done,
       coalesce(pg_catalog.pg_table_size(pg_catalog.to_regclass(s.source)), 0) AS bytes_total,
       s.failed_attempts, s.error, s.retry_at, s.started_at, s.updated_at
FROM dynamo_internal.backup_state AS s;
COMMENT ON VIEW dynamo.backup_jobs IS 'Backups and restores that are not finished, and history that is to be closed or dropped';
GRANT SELECT ON dynamo.backup_jobs TO PUBLIC;

-- Tables of ours that are dropped by plain DDL take along what is known of them.
CREATE FUNCTION dynamo_internal.forget_dropped_backups() RETURNS event_trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    dropped record;
    segment name;
BEGIN
    FOR dropped IN
        SELECT o.schema_name, o.object_name FROM pg_event_trigger_dropped_objects() AS o
        WHERE o.object_type = 'table' AND o.schema_name IN ('dynamo_tables', 'dynamo_backups', 'dynamo_history')
    LOOP
        IF dropped.schema_name = 'dynamo_backups' THEN
            DELETE FROM dynamo.backup_definition WHERE backup_id = dropped.object_name;
            DELETE FROM dynamo_internal.backup_job WHERE kind = 'backup' AND id = dropped.object_name;
        ELSIF dropped.schema_name = 'dynamo_history' THEN
            DELETE FROM dynamo_internal.history_segment WHERE segment_name = dropped.object_name;
        ELSE
            FOR segment IN
                DELETE FROM dynamo_internal.history_segment AS s WHERE s.relation_name = dropped.object_name
                RETURNING s.segment_name
            LOOP
                EXECUTE format('DROP TABLE IF EXISTS dynamo_history.%I', segment);
            END LOOP;
            DELETE FROM dynamo_internal.history WHERE relation_name = dropped.object_name;
        END IF;
    END LOOP;
END
$$;

CREATE EVENT TRIGGER pg_dynamo_forget_dropped_backups ON sql_drop
    EXECUTE FUNCTION dynamo_internal.forget_dropped_backups();
ALTER EVENT TRIGGER pg_dynamo_forget_dropped_backups ENABLE ALWAYS;

CREATE FUNCTION dynamo.create_backup(request json) RETURNS json
    LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE
    AS 'MODULE_PATHNAME', 'pg_dynamo_create_backup';
COMMENT ON FUNCTION dynamo.create_backup(json) IS 'DynamoDB CreateBackup: request and reply in the JSON of the API';

CREATE FUNCTION dynamo.describe_backup(request json) RETURNS json
    LANGUAGE c STABLE STRICT PARALLEL RESTRICTED
    AS 'MODULE_PATHNAME', 'pg_dynamo_describe_backup';
COMMENT ON FUNCTION dynamo.describe_backup(json) IS 'DynamoDB DescribeBackup: request and reply in the JSON of the API';

CREATE FUNCTION dynamo.list_backups(request json DEFAULT '{}') RETURNS json
    LANGUAGE c STABLE STRICT PARALLEL RESTRICTED
    AS 'MODULE_PATHNAME', 'pg_dynamo_list_backups';
COMMENT ON FUNCTION dynamo.list_backups(json) IS 'DynamoDB ListBackups: request and reply in the JSON of the API';

CREATE FUNCTION dynamo.delete_backup(request json) RETURNS json
    LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE
    AS 'MODULE_PATHNAME', 'pg_dynamo_delete_backup';
COMMENT ON FUNCTION dynamo.delete_backup(json) IS 'DynamoDB DeleteBackup: request and reply in the JSON of the API';

CREATE FUNCTION dynamo.restore_table_from_backup(request json) RETURNS json
    LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE
    AS 'MODULE_PATHNAME', 'pg_dynamo_restore_table_from_backup';
COMMENT ON FUNCTION dynamo.restore_table_from_backup(json) IS 'DynamoDB RestoreTableFromBackup: request and reply in the JSON of the API';

CREATE FUNCTION dynamo.update_continuous_backups(request json) RETURNS json
    LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE
    AS 'MODULE_PATHNAME', 'pg_dynamo_update_continuous_backups';
COMMENT ON FUNCTION dynamo.update_continuous_backups(json) IS 'DynamoDB UpdateContinuousBackups: request and reply in the JSON of the API';

CREATE FUNCTION dynamo.describe_continuous_backups(request json) RETURNS json
    LANGUAGE c STABLE STRICT PARALLEL RESTRICTED
    AS 'MODULE_PATHNAME', 'pg_dynamo_describe_continuous_backups';
COMMENT ON FUNCTION dynamo.describe_continuous_backups(json) IS 'DynamoDB DescribeContinuousBackups: request and reply in the JSON of the API';

CREATE FUNCTION dynamo.restore_table_to_point_in_time(request json) RETURNS json
    LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE
    AS 'MODULE_PATHNAME', 'pg_dynamo_restore_table_to_point_in_time';
COMMENT ON FUNCTION dynamo.restore_table_to_point_in_time(json) IS 'DynamoDB RestoreTableToPointInTime: request and reply in the JSON of the API';

CREATE FUNCTION dynamo.create_backup(table_name text, backup_name text) RETURNS json
    LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE
    AS 'MODULE_PATHNAME', 'pg_dynamo_create_backup_named';
COMMENT ON FUNCTION dynamo.create_backup(text, text) IS 'DynamoDB CreateBackup';

CREATE FUNCTION dynamo.restore_table_from_backup(target_table_name text, backup_arn text) RETURNS json
    LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE
    AS 'MODULE_PATHNAME', 'pg_dynamo_restore_table_from_backup_named';
COMMENT ON FUNCTION dynamo.restore_table_from_backup(text, text) IS 'DynamoDB RestoreTableFromBackup';

CREATE FUNCTION dynamo.update_continuous_backups(
    table_name text,
    point_in_time_recovery_enabled boolean,
    recovery_period_in_days integer DEFAULT 35
) RETURNS json
    LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE
    AS 'MODULE_PATHNAME', 'pg_dynamo_update_continuous_backups_named';
COMMENT ON FUNCTION dynamo.update_continuous_backups(text, boolean, integer) IS 'DynamoDB UpdateContinuousBackups';

-- The text form of a timestamptz depends on settings, so the time travels as epoch seconds.
CREATE FUNCTION dynamo_internal.restore_table_to_point_in_time(source text, target text, at text) RETURNS json
    LANGUAGE c VOLATILE PARALLEL UNSAFE
    AS 'MODULE_PATHNAME', 'pg_dynamo_restore_table_to_point_in_time_named';

CREATE FUNCTION dynamo.restore_table_to_point_in_time(
    source_table_name text,
    target_table_name text,
    restore_date_time timestamptz DEFAULT NULL
) RETURNS json
    LANGUAGE sql VOLATILE PARALLEL UNSAFE
    AS $$ SELECT dynamo_internal.restore_table_to_point_in_time($1, $2,
        pg_catalog.extract('epoch', $3)::pg_catalog.text) $$;
COMMENT ON FUNCTION dynamo.restore_table_to_point_in_time(text, text, timestamptz) IS 'DynamoDB RestoreTableToPointInTime; NULL stands for the latest restorable time';

CREATE FUNCTION dynamo.resume_backup_jobs() RETURNS bigint
    LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE
    AS 'MODULE_PATHNAME', 'pg_dynamo_resume_backup_jobs';
COMMENT ON FUNCTION dynamo.resume_backup_jobs() IS 'Starts the worker of backups and restores, also of those it has given up; answers how many there are';
