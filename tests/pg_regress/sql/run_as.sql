-- A server in front runs the requests of many roles in one session: whatever a role's triggers, policies and checks do,
-- they run as that role, and leave nothing for the next request.
\set VERBOSITY terse
CREATE ROLE regress_gate LOGIN NOINHERIT;
CREATE ROLE regress_app;
CREATE ROLE regress_other;
CREATE ROLE regress_stranger;
GRANT regress_app, regress_other TO regress_gate;
GRANT CREATE ON SCHEMA dynamo_tables TO regress_app, regress_other;
CREATE SCHEMA hostile;
GRANT USAGE, CREATE ON SCHEMA hostile TO regress_app, regress_gate;
GRANT USAGE ON SCHEMA hostile TO regress_other;

-- Who ran what, as whom.
CREATE TABLE hostile.seen (n serial, what text, who name DEFAULT current_user);
GRANT ALL ON hostile.seen, hostile.seen_n_seq TO PUBLIC;
CREATE FUNCTION hostile.see(what text) RETURNS boolean LANGUAGE plpgsql AS
$$ BEGIN INSERT INTO hostile.seen (what) VALUES (see.what); RETURN true; END $$;

-- A request, or several of one operation, as a role: what each is answered with.
CREATE FUNCTION hostile.request(role name, operation text, VARIADIC bodies text[]) RETURNS SETOF text LANGUAGE sql AS $$
    SELECT concat_ws(' ', status, error_type, convert_from(reply, 'UTF8'), capacity)
    FROM dynamo.handle_batch(array_fill(operation, array[cardinality(bodies)]),
                             (SELECT array_agg(convert_to(body, 'UTF8') ORDER BY n) FROM unnest(bodies) WITH ORDINALITY AS b (body, n)), role)
$$;
-- A put of an item whose trigger executes a command.
CREATE FUNCTION hostile.attack(command text) RETURNS SETOF text LANGUAGE sql AS $$
    SELECT hostile.request('regress_app', 'PutItem',
        json_build_object('TableName', 'Target', 'Item', json_build_object('id', json_build_object('S', 'a'), 'sql', json_build_object('S', command)))::text)
$$;
-- What a session has that could outlast a request.
CREATE FUNCTION hostile.left_behind() RETURNS text LANGUAGE plpgsql AS $$
DECLARE found text;
BEGIN
    SELECT string_agg(what, ', ') INTO found FROM (
        SELECT 'user ' || current_user || ' of ' || session_user WHERE current_user <> 'regress_gate' OR session_user <> 'regress_gate'
        UNION ALL SELECT name || ' = ' || setting FROM pg_settings
            WHERE name IN ('role', 'search_path', 'lock_timeout', 'statement_timeout', 'DateStyle', 'work_mem', 'row_security', 'application_name')
              AND source = 'session' AND name <> 'application_name'
        UNION ALL SELECT 'setting my.own' WHERE current_setting('my.own', true) <> ''
        UNION ALL SELECT 'prepared ' || name || ': ' || statement FROM pg_prepared_statements WHERE statement <> 'PREPARE pool AS SELECT 1 AS pools;'
        UNION ALL SELECT 'cursor ' || name FROM pg_cursors WHERE is_holdable
        UNION ALL SELECT 'channel ' || pg_listening_channels()
        UNION ALL SELECT 'advisory lock ' || objid FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()
        UNION ALL SELECT 'temporary ' || relname FROM pg_class WHERE relnamespace = pg_my_temp_schema()
        UNION ALL SELECT 'function ' || proname FROM pg_proc WHERE pronamespace = pg_my_temp_schema()
    ) AS s (what);
    BEGIN
        RETURN concat_ws(', ', found, 'lastval ' || lastval());
    EXCEPTION WHEN object_not_in_prerequisite_state THEN
        RETURN coalesce(found, 'nothing');
    END;
END $$;

CREATE FUNCTION hostile.execute_item() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE message text;
BEGIN
    PERFORM hostile.see('trigger');
    BEGIN
        EXECUTE NEW.item OPERATOR(public.->>) 'sql';
    EXCEPTION WHEN OTHERS THEN
        GET STACKED DIAGNOSTICS message = MESSAGE_TEXT;
        PERFORM hostile.see(SQLSTATE || ' ' || message);
    END;
    PERFORM hostile.see('trigger, after it');
    RETURN NEW;
END $$;
SET ROLE regress_app;
SELECT dynamo.create_table('Target', 'id') -> 'TableDescription' ->> 'TableStatus' AS status;
SELECT dynamo.create_table('Plain', 'id') -> 'TableDescription' ->> 'TableStatus' AS status;
SELECT dynamo.put_item('Target', '{"id":{"S":"a"}}');
CREATE TRIGGER attack BEFORE UPDATE ON dynamo_tables."Target" FOR EACH ROW EXECUTE FUNCTION hostile.execute_item();
CREATE SEQUENCE hostile.numbers;
SET ROLE regress_other;
SELECT dynamo.create_table('Private', 'id') -> 'TableDescription' ->> 'TableStatus' AS status;
SELECT dynamo.put_item('Private', '{"id":{"S":"secret"}}');
RESET ROLE;

-- Who may run as whom.
SELECT hostile.request('regress_app', 'ListTables', '{}');
\c - regress_gate
SELECT hostile.request('regress_app', 'GetItem', '{"TableName":"Plain","Key":{"id":{"S":"a"}}}');
SELECT hostile.request('regress_other', 'GetItem', '{"TableName":"Private","Key":{"id":{"S":"secret"}}}');
SELECT hostile.request('regress_app', 'GetItem', '{"TableName":"Private","Key":{"id":{"S":"secret"}}}');
SELECT hostile.request(NULL, 'GetItem', '{"TableName":"Private","Key":{"id":{"S":"secret"}}}');
SELECT hostile.request('regress_gate', 'GetItem', '{"TableName":"Private","Key":{"id":{"S":"secret"}}}');
SELECT hostile.request('regress_stranger', 'ListTables', '{}');
SELECT hostile.request('postgres', 'ListTables', '{}');
SELECT hostile.request('regress_nobody_at_all', 'ListTables', '{}');
\echo :SQLSTATE
-- What a role may do is looked up anew when it changes.
\c - postgres
REVOKE regress_other FROM regress_gate;
\c - regress_gate
SELECT hostile.request('regress_other', 'ListTables', '{}');
\echo :SQLSTATE
\c - postgres
GRANT regress_other TO regress_gate;
\c - regress_gate
SELECT hostile.request('regress_app', 'GetItem', '{"TableName":"Plain","Key":{"id":{"S":"a"}}}');
\setenv PGUSER postgres
\! psql -X -q -d regression -c "REVOKE regress_app FROM regress_gate"
SELECT hostile.request('regress_app', 'GetItem', '{"TableName":"Plain","Key":{"id":{"S":"a"}}}');
\! psql -X -q -d regression -c "GRANT regress_app TO regress_gate"
SELECT hostile.request('regress_app', 'GetItem', '{"TableName":"Plain","Key":{"id":{"S":"a"}}}');

-- Attacks, each in a trigger. The pool has a prepared statement of its own.
PREPARE pool AS SELECT 1 AS pools;
CREATE FUNCTION hostile.try(command text) RETURNS TABLE (answer text, seen text, left_behind text) LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM hostile.seen;
    answer := (SELECT string_agg(a, '; ') FROM hostile.attack(command) AS a);
    seen := (SELECT string_agg(concat_ws(' as ', s.what, s.who), '; ' ORDER BY s.n) FROM hostile.seen AS s);
    left_behind := hostile.left_behind();
    RETURN NEXT;
END $$;
\x on
SELECT * FROM hostile.try('RESET ROLE');
SELECT * FROM hostile.try('SET ROLE regress_other');
SELECT * FROM hostile.try('SET LOCAL ROLE regress_gate');
SELECT * FROM hostile.try('SET SESSION AUTHORIZATION regress_gate');
SELECT * FROM hostile.try('RESET SESSION AUTHORIZATION');
SELECT * FROM hostile.try($$SELECT set_config('role', 'regress_other', false)$$);
SELECT * FROM hostile.try('RESET ALL');
SELECT * FROM hostile.try($$SELECT set_config('search_path', 'hostile', false)$$);
SELECT * FROM hostile.try($$SELECT set_config('my.own', 'mine', false), set_config('work_mem', '1MB', false), set_config('DateStyle', 'SQL', false)$$);
SELECT * FROM hostile.try('SET statement_timeout = 1000000');
SELECT * FROM hostile.try('SET row_security = off');
SELECT * FROM hostile.try($$PREPARE mine AS SELECT hostile.see('prepared')$$);
SELECT * FROM hostile.try($$PREPARE pool AS SELECT hostile.see('prepared')$$);
SELECT * FROM hostile.try('DEALLOCATE pool');
SELECT * FROM hostile.try('DEALLOCATE ALL');
SELECT * FROM hostile.try('DISCARD PLANS');
SELECT * FROM hostile.try('DISCARD ALL');
SELECT * FROM hostile.try('LISTEN ears');
SELECT * FROM hostile.try('UNLISTEN *');
SELECT * FROM hostile.try($$DECLARE held CURSOR WITH HOLD FOR SELECT hostile.see('cursor')$$);
SELECT * FROM hostile.try($$LOAD 'pg_dynamo'$$);
SELECT * FROM hostile.try($$DO 'BEGIN EXECUTE ''PREPARE mine AS SELECT 1''; END'$$);
SELECT * FROM hostile.try('SELECT pg_advisory_lock(1), pg_advisory_lock_shared(2)');
SELECT * FROM hostile.try($$SELECT nextval('hostile.numbers')$$);
SELECT * FROM hostile.try($$CREATE TEMP TABLE table_definition AS SELECT * FROM dynamo.table_definition WHERE false$$);
SELECT * FROM hostile.try($$CREATE FUNCTION pg_temp.array_fill(text, int[]) RETURNS text[] LANGUAGE sql AS 'SELECT NULL::text[]'$$);
SELECT * FROM hostile.try($$SELECT hostile.request('regress_other', 'GetItem', '{"TableName":"Private","Key":{"id":{"S":"secret"}}}')$$);
SELECT * FROM hostile.try($$SELECT hostile.request(NULL, 'GetItem', '{"TableName":"Private","Key":{"id":{"S":"secret"}}}')$$);
SELECT * FROM hostile.try($$SELECT hostile.see(hostile.request('regress_app', 'PutItem', '{"TableName":"Plain","Item":{"id":{"S":"nested"}}}')), hostile.see('after a nested request')$$);
SELECT * FROM hostile.try($$SELECT dynamo.put_item('Private', '{"id":{"S":"mine"}}')$$);
\x off
-- The pool's statement is what it was.
EXECUTE pool;

-- A request that ends in an ERROR leaves nothing either, and neither does one inside an exception block.
CREATE FUNCTION hostile.fail_holding() RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_lock(3), set_config('work_mem', '1MB', false), nextval('hostile.numbers');
    RAISE EXCEPTION 'as %', current_user;
END $$;
\c - postgres
SET ROLE regress_app;
ALTER TABLE dynamo_tables."Plain" ADD CONSTRAINT hostile CHECK (item OPERATOR(public.->>) 'id' <> 'fail' OR hostile.fail_holding());
ALTER TABLE dynamo_tables."Plain" ADD CONSTRAINT seen CHECK (hostile.see('check'));
\c - regress_gate
SELECT hostile.request('regress_app', 'PutItem', '{"TableName":"Plain","Item":{"id":{"S":"fine"}}}', '{"TableName":"Plain","Item":{"id":{"S":"fail"}}}');
SELECT current_user, hostile.left_behind();
DO $$
BEGIN
    PERFORM hostile.request('regress_app', 'PutItem', '{"TableName":"Plain","Item":{"id":{"S":"fail"}}}');
EXCEPTION WHEN OTHERS THEN
    RAISE NOTICE 'as %, %', current_user, SQLERRM;
END $$;
SELECT current_user, hostile.left_behind();
SELECT what, who FROM hostile.seen WHERE what = 'check';
DELETE FROM hostile.seen;

-- Settings of one request do not reach the next of the same call.
CREATE FUNCTION hostile.note_path() RETURNS boolean LANGUAGE sql AS $$ SELECT hostile.see(current_setting('search_path')) $$;
\c - postgres
SET ROLE regress_app;
ALTER TABLE dynamo_tables."Plain" DROP CONSTRAINT seen, DROP CONSTRAINT hostile;
ALTER TABLE dynamo_tables."Plain" ADD CONSTRAINT path CHECK (hostile.note_path() AND set_config('search_path', 'hostile', false) IS NOT NULL);
\c - regress_gate
SELECT hostile.request('regress_app', 'PutItem', '{"TableName":"Plain","Item":{"id":{"S":"1"}}}', '{"TableName":"Plain","Item":{"id":{"S":"2"}}}');
SELECT what, who FROM hostile.seen;
DELETE FROM hostile.seen;

-- Deferred triggers run before the role is left, also those that defer themselves again.
CREATE FUNCTION hostile.deferred() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE depth int := coalesce((NEW.item OPERATOR(public.->>) 'depth')::int, 0);
BEGIN
    PERFORM hostile.see('deferred ' || depth);
    IF depth > 0 THEN
        SET CONSTRAINTS ALL DEFERRED;
        PERFORM dynamo.update_item('Target', '{"id":{"S":"a"}}', 'SET #d = #d - :one', NULL, '{"#d":"depth"}', '{":one":{"N":"1"}}');
    END IF;
    RETURN NULL;
END $$;
\c - postgres
SET ROLE regress_app;
DROP TRIGGER attack ON dynamo_tables."Target";
CREATE CONSTRAINT TRIGGER late AFTER INSERT OR UPDATE ON dynamo_tables."Target" DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION hostile.deferred();
\c - regress_gate
SELECT hostile.request('regress_app', 'PutItem', '{"TableName":"Target","Item":{"id":{"S":"a"},"depth":{"N":"3"}}}');
SELECT what, who FROM hostile.seen ORDER BY n;
SELECT hostile.request('regress_app', 'PutItem', '{"TableName":"Target","Item":{"id":{"S":"a"},"depth":{"N":"1000"}}}');
\echo :SQLSTATE
DELETE FROM hostile.seen;
-- What the caller has deferred runs as the caller.
CREATE TABLE hostile.own (n int);
CREATE FUNCTION hostile.own_deferred() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM hostile.see('own'); RETURN NULL; END $$;
CREATE CONSTRAINT TRIGGER late AFTER INSERT ON hostile.own DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION hostile.own_deferred();
BEGIN;
INSERT INTO hostile.own VALUES (1);
SELECT hostile.request('regress_app', 'PutItem', '{"TableName":"Target","Item":{"id":{"S":"a"}}}');
SELECT current_user;
INSERT INTO hostile.own VALUES (2);
COMMIT;
SELECT what, who FROM hostile.seen ORDER BY n;
DELETE FROM hostile.seen;

-- Policies.
\c - postgres
SET ROLE regress_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON dynamo_tables."Plain" TO regress_other;
ALTER TABLE dynamo_tables."Plain" DROP CONSTRAINT path;
ALTER TABLE dynamo_tables."Plain" ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY own ON dynamo_tables."Plain" USING (hostile.see('policy') AND item OPERATOR(public.->>) 'owner' = current_user);
INSERT INTO dynamo_tables."Plain" (item) VALUES ('{"id":{"S":"y"},"owner":{"S":"regress_app"}}');
SET ROLE regress_other;
INSERT INTO dynamo_tables."Plain" (item) VALUES ('{"id":{"S":"x"},"owner":{"S":"regress_other"}}');
\c - regress_gate
SELECT hostile.request('regress_other', 'GetItem', '{"TableName":"Plain","Key":{"id":{"S":"x"}}}', '{"TableName":"Plain","Key":{"id":{"S":"y"}}}');
SELECT hostile.request('regress_app', 'GetItem', '{"TableName":"Plain","Key":{"id":{"S":"x"}}}');
SELECT hostile.request('regress_other', 'Scan', '{"TableName":"Plain","Select":"COUNT"}');
SELECT DISTINCT what, who FROM hostile.seen;
SELECT current_user, hostile.left_behind();

\c - postgres
DROP TABLE hostile.own;
SELECT dynamo.delete_table(name) -> 'TableDescription' ->> 'TableStatus' AS status FROM unnest(array['Target', 'Plain', 'Private']) AS name;
\set VERBOSITY terse
SET client_min_messages = warning;
DROP SCHEMA hostile CASCADE;
REVOKE CREATE ON SCHEMA dynamo_tables FROM regress_app, regress_other;
DROP ROLE regress_gate, regress_app, regress_other, regress_stranger;
