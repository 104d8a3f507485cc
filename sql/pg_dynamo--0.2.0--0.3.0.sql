-- ALTER EXTENSION pg_dynamo UPDATE, from 0.2.0 to 0.3.0.

CREATE FUNCTION dynamo.describe_limits(request json DEFAULT '{}') RETURNS json
    LANGUAGE c STABLE STRICT PARALLEL RESTRICTED
    AS 'MODULE_PATHNAME', 'pg_dynamo_describe_limits';
COMMENT ON FUNCTION dynamo.describe_limits(json) IS 'DynamoDB DescribeLimits: request and reply in the JSON of the API';

-- Access keys: what a client of the HTTP endpoint signs its requests with, and as which role they then run.
--
-- The gateway has two logins. Neither has a password: who lets them in is pg_hba's to say.
--   dynamo_gateway       executes requests: a member of every role that has a key
--   dynamo_gateway_keys  reads secrets, and nothing else
DO $$
DECLARE
    missing pg_catalog.text;
BEGIN
    FOREACH missing IN ARRAY ARRAY['dynamo_gateway', 'dynamo_gateway_keys'] LOOP
        IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles AS r WHERE r.rolname OPERATOR(pg_catalog.=) missing) THEN
            BEGIN
                EXECUTE pg_catalog.format('CREATE ROLE %I LOGIN NOINHERIT', missing);
            EXCEPTION WHEN duplicate_object OR unique_violation THEN
                -- A session that creates the extension in another database was faster.
                NULL;
            END;
        END IF;
    END LOOP;
END
$$;

-- Read and written by the functions below, as the owner, after the caller's rights were checked. Not part of a dump.
-- Roles stand here by oid: one made later under the same name has no part in a key.
CREATE TABLE dynamo_internal.access_key (
    access_key_id text COLLATE "C" PRIMARY KEY,
    role oid NOT NULL,
    -- Encrypted and authenticated; the key is in the file of dynamo.secret_key_file.
    secret bytea NOT NULL,
    enabled boolean NOT NULL DEFAULT true,
    -- The gateway is a member of the role because of this key, or of another of the same role.
    granted boolean NOT NULL,
    created_at timestamptz NOT NULL DEFAULT pg_catalog.now()
);

CREATE VIEW dynamo.access_keys WITH (security_barrier) AS
SELECT k.access_key_id, r.rolname AS role, k.enabled, k.created_at
FROM dynamo_internal.access_key AS k
LEFT JOIN pg_catalog.pg_roles AS r ON r.oid = k.role
WHERE pg_catalog.pg_has_role(k.role, 'MEMBER')
   OR (SELECT c.relowner FROM pg_catalog.pg_class AS c
       WHERE c.oid = 'dynamo_internal.access_key'::pg_catalog.regclass)
      = (SELECT u.oid FROM pg_catalog.pg_roles AS u WHERE u.rolname = current_user);
COMMENT ON VIEW dynamo.access_keys IS 'Access keys of the roles that the current user is a member of; role is NULL when it was dropped';
GRANT SELECT ON dynamo.access_keys TO PUBLIC;

CREATE FUNCTION dynamo.create_access_key(role name, OUT access_key_id text, OUT secret_access_key text)
    LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE
    AS 'MODULE_PATHNAME', 'pg_dynamo_create_access_key';
COMMENT ON FUNCTION dynamo.create_access_key(name)
    IS 'Makes an access key whose requests run as the role; its secret is shown this once';

CREATE FUNCTION dynamo.enable_access_key(access_key_id text) RETURNS void
    LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE
    AS 'MODULE_PATHNAME', 'pg_dynamo_enable_access_key';
COMMENT ON FUNCTION dynamo.enable_access_key(text) IS 'Takes an access key into use again';

CREATE FUNCTION dynamo.disable_access_key(access_key_id text) RETURNS void
    LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE
    AS 'MODULE_PATHNAME', 'pg_dynamo_disable_access_key';
COMMENT ON FUNCTION dynamo.disable_access_key(text) IS 'Refuses requests signed with an access key until it is enabled';

CREATE FUNCTION dynamo.drop_access_key(access_key_id text) RETURNS void
    LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE
    AS 'MODULE_PATHNAME', 'pg_dynamo_drop_access_key';
COMMENT ON FUNCTION dynamo.drop_access_key(text) IS 'Removes an access key';

CREATE FUNCTION dynamo_internal.open_access_key_secret(access_key_id text, role int8, sealed bytea) RETURNS text
    LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE
    AS 'MODULE_PATHNAME', 'pg_dynamo_open_access_key_secret';
REVOKE ALL ON FUNCTION dynamo_internal.open_access_key_secret(text, int8, bytea) FROM PUBLIC;

-- No row: there is no such key, or its role is gone.
CREATE FUNCTION dynamo_internal.access_key_secret(access_key_id text) RETURNS TABLE (role name, secret text, enabled boolean)
    LANGUAGE sql STABLE STRICT PARALLEL UNSAFE SECURITY DEFINER ROWS 1
    SET search_path = pg_catalog, pg_temp
    AS $$
        SELECT r.rolname, dynamo_internal.open_access_key_secret(k.access_key_id, k.role::pg_catalog.int8, k.secret), k.enabled
        FROM dynamo_internal.access_key AS k
        JOIN pg_catalog.pg_roles AS r ON r.oid OPERATOR(pg_catalog.=) k.role
        WHERE k.access_key_id OPERATOR(pg_catalog.=) $1
    $$;
REVOKE ALL ON FUNCTION dynamo_internal.access_key_secret(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION dynamo_internal.access_key_secret(text) TO dynamo_gateway_keys;

-- Several requests in one call, for a server in front: a row for each, in their order. Requests that write one item run
-- in the order of their keys, the others after them in the order given. A Postgres error ends the whole call; when it is one
-- request's, its field internalquery is 'dynamo.handle_batch' and internalpos says which, counted from 1.
-- run_as: the role whose rights decide. The session user must be a member of it, and neither may be a superuser.
CREATE FUNCTION dynamo.handle_batch(operations text[], bodies bytea[], run_as name DEFAULT NULL)
    RETURNS TABLE (status integer, error_type text, reply bytea, capacity double precision)
    LANGUAGE c VOLATILE PARALLEL UNSAFE ROWS 10
    AS 'MODULE_PATHNAME', 'pg_dynamo_handle_batch';
COMMENT ON FUNCTION dynamo.handle_batch(text[], bytea[], name) IS 'API requests by operation names and bodies: of each its HTTP status, error type (NULL on success), reply body and capacity units consumed';

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
