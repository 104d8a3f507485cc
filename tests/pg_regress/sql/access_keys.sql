-- Access keys: who may make, see and drop them, what is refused, and what becomes of a key whose role is gone.
\set VERBOSITY terse
\pset format unaligned
\pset tuples_only on
CREATE ROLE regress_app;
CREATE ROLE "Regress ""odd"" role";
CREATE ROLE regress_admin;
CREATE ROLE regress_other;
CREATE ROLE regress_root SUPERUSER;
CREATE ROLE regress_sudoer;
CREATE ROLE regress_reader_of_secrets;
GRANT regress_root TO regress_sudoer;
GRANT dynamo_gateway_keys TO regress_reader_of_secrets;
GRANT regress_app TO regress_admin WITH ADMIN OPTION;

-- The gateway's logins: no more than a login, no password, no inherited rights.
SELECT rolname, rolcanlogin, rolinherit, rolsuper, rolcreaterole, rolcreatedb, rolreplication, rolbypassrls, rolpassword IS NULL
FROM pg_authid WHERE rolname ~ '^dynamo_gateway' ORDER BY 1;

-- The file of the key: not set, missing, open to others, too short, no file; then right.
\set VERBOSITY default
SELECT dynamo.create_access_key('regress_app');
\set VERBOSITY terse
SELECT current_setting('data_directory') || '/access_keys.key' AS file \gset
ALTER SYSTEM SET dynamo.secret_key_file = :'file';
SELECT pg_reload_conf();
\! for i in $(seq 200); do psql -X -At -c 'show dynamo.secret_key_file' | grep -q . && break; sleep 0.05; done
\c -
\set VERBOSITY default
SELECT dynamo.create_access_key('regress_app');
COPY (SELECT encode(sha256('a'), 'base64')) TO :'file';
SELECT dynamo.create_access_key('regress_app');
SELECT format('umask 077; rm -f %1$s; cat > %1$s', :'file') AS program \gset
COPY (SELECT 'too short') TO PROGRAM :'program';
SELECT dynamo.create_access_key('regress_app');
\set VERBOSITY terse
SELECT count(*) FROM dynamo.access_keys;
COPY (SELECT encode(sha256('a'), 'base64')) TO PROGRAM :'program';

-- A key is shown once. The gateway becomes a member of the role.
SELECT access_key_id AS id, secret_access_key AS secret FROM dynamo.create_access_key('regress_app') \gset
SELECT :'id' ~ '^PGDK[A-Z2-7]{16}$', :'secret' ~ '^[A-Za-z0-9+/]{40}$';
SELECT role, enabled FROM dynamo.access_keys WHERE access_key_id = :'id';
SELECT pg_has_role('dynamo_gateway', 'regress_app', 'MEMBER');
SELECT role, secret = :'secret', enabled FROM dynamo_internal.access_key_secret(:'id');
SELECT count(*) FROM dynamo_internal.access_key_secret('PGDKAAAAAAAAAAAAAAAA');
SELECT position(:'secret' in secret::text), position(convert_to(:'secret', 'UTF8') in secret) FROM dynamo_internal.access_key;
-- Two keys have nothing in common.
SELECT access_key_id AS id2, secret_access_key AS secret2 FROM dynamo.create_access_key('regress_app') \gset
SELECT :'id' <> :'id2', :'secret' <> :'secret2';

-- No keys for superusers, for who may become one, and for the gateway's own roles.
SELECT dynamo.create_access_key('regress_root');
SELECT dynamo.create_access_key('regress_sudoer');
SELECT dynamo.create_access_key('dynamo_gateway');
SELECT dynamo.create_access_key('dynamo_gateway_keys');
SELECT dynamo.create_access_key('regress_reader_of_secrets');
SELECT dynamo.create_access_key('regress_nobody_at_all');

-- ADMIN OPTION is enough; less is not. Names that need quotes.
SET ROLE regress_admin;
SELECT access_key_id AS id3 FROM dynamo.create_access_key('regress_app') \gset
SELECT dynamo.disable_access_key(:'id3');
SELECT dynamo.create_access_key('Regress "odd" role');
SELECT count(*), count(*) FILTER (WHERE enabled) FROM dynamo.access_keys;
SELECT dynamo.enable_access_key(:'id3');
RESET ROLE;
SELECT access_key_id AS odd FROM dynamo.create_access_key('Regress "odd" role') \gset
SELECT role FROM dynamo_internal.access_key_secret(:'odd');
SET ROLE regress_other;
SELECT count(*) FROM dynamo.access_keys;
SELECT dynamo.create_access_key('regress_app');
-- (Ids are random: only the message is shown.)
DO $$ BEGIN PERFORM dynamo.drop_access_key('PGDK'); EXCEPTION WHEN OTHERS THEN RAISE NOTICE '% %', SQLSTATE, SQLERRM; END $$;
SELECT dynamo.disable_access_key(:'id');
SELECT dynamo.enable_access_key(:'id');
SELECT dynamo.drop_access_key(:'id');
-- Neither the table nor the secrets.
SELECT * FROM dynamo_internal.access_key;
SELECT * FROM dynamo_internal.access_key_secret(:'id');
SELECT dynamo_internal.open_access_key_secret('a', 1, 'a');
-- A function that is cheap for the planner does not see the rows that the view hides.
CREATE FUNCTION pg_temp.spy(text) RETURNS boolean LANGUAGE plpgsql COST 0.0000001 AS $$ BEGIN RAISE NOTICE 'seen'; RETURN true; END $$;
SELECT count(*) FROM dynamo.access_keys WHERE pg_temp.spy(access_key_id);
DROP FUNCTION pg_temp.spy;
SET ROLE regress_app;
SELECT count(*) FROM dynamo.access_keys;
SELECT dynamo.drop_access_key(:'id');
SET ROLE dynamo_gateway;
SELECT * FROM dynamo_internal.access_key_secret(:'id');
SELECT * FROM dynamo_internal.access_key;
SET ROLE dynamo_gateway_keys;
SELECT role, secret = :'secret', enabled FROM dynamo_internal.access_key_secret(:'id');
SELECT * FROM dynamo_internal.access_key;
SELECT dynamo_internal.open_access_key_secret('a', 1, 'a');
SELECT dynamo.create_access_key('regress_app');
-- Objects of a user's own in front of ours change nothing.
RESET ROLE;
CREATE SCHEMA regress_hostile AUTHORIZATION regress_admin;
SET ROLE regress_admin;
SET search_path = regress_hostile, pg_catalog;
CREATE FUNCTION regress_hostile.eq(text, text) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN RAISE 'as %', current_user; END $$;
CREATE FUNCTION regress_hostile.eq(oid, oid) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN RAISE 'as %', current_user; END $$;
CREATE OPERATOR regress_hostile.= (LEFTARG = text, RIGHTARG = text, FUNCTION = regress_hostile.eq);
CREATE OPERATOR regress_hostile.= (LEFTARG = oid, RIGHTARG = oid, FUNCTION = regress_hostile.eq);
CREATE OPERATOR regress_hostile.<> (LEFTARG = text, RIGHTARG = text, FUNCTION = regress_hostile.eq);
CREATE VIEW regress_hostile.pg_roles AS SELECT 1 AS oid;
SELECT access_key_id AS id4 FROM dynamo.create_access_key('regress_app') \gset
SELECT dynamo.disable_access_key(:'id4');
SELECT dynamo.drop_access_key(:'id4');
SELECT pg_catalog.count(*) FROM dynamo.access_keys;
RESET ROLE;
SELECT count(*) FROM dynamo_internal.access_key_secret(:'id');
RESET search_path;
DROP SCHEMA regress_hostile CASCADE;

-- Disabled keys are answered as such, twice is once.
SELECT dynamo.disable_access_key(:'id');
SELECT dynamo.disable_access_key(:'id');
SELECT enabled FROM dynamo_internal.access_key_secret(:'id');
SELECT dynamo.enable_access_key(:'id');
SELECT enabled FROM dynamo_internal.access_key_secret(:'id');

-- Rows that were tampered with do not open: another role, another id, another's secret.
DO $$
DECLARE
    change text;
BEGIN
    FOREACH change IN ARRAY ARRAY[
        $q$ SET role = 'regress_other'::regrole $q$,
        $q$ SET access_key_id = 'PGDKAAAAAAAAAAAAAAAA' $q$,
        $q$ SET secret = (SELECT o.secret FROM dynamo_internal.access_key AS o WHERE o.access_key_id <> k.access_key_id LIMIT 1) $q$,
        $q$ SET secret = set_byte(secret, 40, get_byte(secret, 40) # 1) $q$,
        $q$ SET secret = '' $q$
    ] LOOP
        BEGIN
            EXECUTE format('UPDATE dynamo_internal.access_key AS k %s WHERE access_key_id = (SELECT min(access_key_id) FROM dynamo_internal.access_key)', change);
            PERFORM dynamo_internal.access_key_secret(access_key_id) FROM dynamo_internal.access_key;
            RAISE NOTICE 'opened after%', change;
        EXCEPTION WHEN data_corrupted THEN
            RAISE NOTICE 'refused after%: %', change, regexp_replace(SQLERRM, 'PGDK\w+', 'PGDK...');
        END;
    END LOOP;
END $$;
-- Nor does any under another key.
COPY (SELECT encode(sha256('b'), 'hex')) TO PROGRAM :'program';
DO $$
BEGIN
    PERFORM dynamo_internal.access_key_secret(access_key_id) FROM dynamo_internal.access_key;
EXCEPTION WHEN data_corrupted THEN
    RAISE NOTICE 'refused';
END $$;
COPY (SELECT encode(sha256('a'), 'hex')) TO PROGRAM :'program';
SELECT secret = :'secret' FROM dynamo_internal.access_key_secret(:'id');

-- With its last key a role leaves the gateway, if a key brought it there.
SELECT dynamo.drop_access_key(:'id');
SELECT dynamo.drop_access_key(:'id2');
SELECT pg_has_role('dynamo_gateway', 'regress_app', 'MEMBER');
SELECT dynamo.drop_access_key(:'id3');
SELECT pg_has_role('dynamo_gateway', 'regress_app', 'MEMBER');
GRANT regress_app TO dynamo_gateway;
SELECT access_key_id AS id FROM dynamo.create_access_key('regress_app') \gset
SELECT dynamo.drop_access_key(:'id');
SELECT pg_has_role('dynamo_gateway', 'regress_app', 'MEMBER');
REVOKE regress_app FROM dynamo_gateway;
-- A rolled back key leaves neither.
BEGIN;
SELECT count(*) FROM dynamo.create_access_key('regress_app');
ROLLBACK;
SELECT pg_has_role('dynamo_gateway', 'regress_app', 'MEMBER'), count(*) FROM dynamo.access_keys WHERE role = 'regress_app';

-- A key whose role is gone is nobody's, also when there is a role of that name again; a renamed role keeps its keys.
SELECT access_key_id AS id FROM dynamo.create_access_key('regress_app') \gset
ALTER ROLE regress_app RENAME TO regress_renamed;
SELECT role, secret <> '' FROM dynamo_internal.access_key_secret(:'id');
DROP ROLE regress_renamed;
CREATE ROLE regress_app;
SELECT count(*) FROM dynamo_internal.access_key_secret(:'id');
SELECT role IS NULL, enabled FROM dynamo.access_keys WHERE access_key_id = :'id';
SET ROLE regress_app;
SELECT count(*) FROM dynamo.access_keys;
SELECT dynamo.drop_access_key(:'id');
RESET ROLE;
SELECT pg_has_role('dynamo_gateway', 'regress_app', 'MEMBER');
SELECT dynamo.drop_access_key(:'id');
SELECT count(*) FROM dynamo.access_keys WHERE access_key_id = :'id';

-- pg_dump takes none of it: no table of keys among what is dumped.
SELECT unnest(extconfig)::regclass FROM pg_extension WHERE extname = 'pg_dynamo' ORDER BY 1;

SELECT dynamo.drop_access_key(:'odd');
ALTER SYSTEM RESET dynamo.secret_key_file;
SELECT pg_reload_conf();
DROP ROLE regress_app, "Regress ""odd"" role", regress_admin, regress_other, regress_sudoer, regress_root, regress_reader_of_secrets;
