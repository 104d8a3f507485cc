-- Who may do what: privileges on the data table decide. SQL raises Postgres's permission error, dynamo.handle
-- answers AccessDeniedException.
\set VERBOSITY terse
CREATE ROLE regress_owner;
CREATE ROLE regress_nobody;
CREATE ROLE regress_reader;
CREATE ROLE regress_updater;
CREATE ROLE regress_writer;

CREATE FUNCTION in_sql(function text, request text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('SELECT dynamo.%I($1::json)', function) USING request;
    RETURN 'done';
EXCEPTION WHEN OTHERS THEN
    RETURN SQLSTATE || ' ' || split_part(SQLERRM, ' on resource', 1);
END $$;
CREATE FUNCTION by_handle(function text, request text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    RETURN (SELECT coalesce(error_type, 'done')
            FROM dynamo.handle(replace(initcap(replace(function, '_', ' ')), ' ', ''), convert_to(request, 'UTF8')));
EXCEPTION WHEN OTHERS THEN
    RETURN 'raised ' || SQLSTATE;
END $$;

-- CreateTable needs CREATE on dynamo_tables; whoever creates a table owns it.
CREATE TABLE creations AS SELECT 'create_table' AS function, json_build_object('TableName', name, 'BillingMode', 'PAY_PER_REQUEST',
    'AttributeDefinitions', json_build_array(json_build_object('AttributeName', 'id', 'AttributeType', 'S')),
    'KeySchema', json_build_array(json_build_object('AttributeName', 'id', 'KeyType', 'HASH')))::text AS request
FROM unnest(array['Owned', 'Owned2']) AS name;
GRANT SELECT ON creations TO PUBLIC;
SET ROLE regress_owner;
SELECT in_sql(function, request), by_handle(function, request) FROM creations;
RESET ROLE;
GRANT CREATE ON SCHEMA dynamo_tables TO regress_owner;
SET ROLE regress_owner;
SELECT in_sql(function, request) FROM creations;
SELECT table_name, owner FROM dynamo.tables ORDER BY 1;
SELECT dynamo.put_item('Owned', '{"id":{"S":"a"}}');

GRANT SELECT ON dynamo_tables."Owned" TO regress_reader;
GRANT SELECT, UPDATE ON dynamo_tables."Owned" TO regress_updater;
GRANT SELECT, INSERT, UPDATE, DELETE ON dynamo_tables."Owned" TO regress_writer;
RESET ROLE;

-- "a" exists, "z" does not.
CREATE TABLE attempts (n serial, what text, function text, request text);
INSERT INTO attempts (what, function, request) VALUES
    ('get', 'get_item', '{"TableName":"Owned","Key":{"id":{"S":"a"}}}'),
    ('put', 'put_item', '{"TableName":"Owned","Item":{"id":{"S":"a"}}}'),
    ('update', 'update_item', '{"TableName":"Owned","Key":{"id":{"S":"a"}},"UpdateExpression":"SET a = id"}'),
    ('update, creating', 'update_item', '{"TableName":"Owned","Key":{"id":{"S":"z"}}}'),
    ('delete', 'delete_item', '{"TableName":"Owned","Key":{"id":{"S":"z"}}}'),
    ('describe', 'describe_table', '{"TableName":"Owned"}'),
    ('alter', 'update_table', '{"TableName":"Owned","DeletionProtectionEnabled":false}'),
    ('drop', 'delete_table', '{"TableName":"Owned2"}');
GRANT SELECT ON attempts TO PUBLIC;

SET ROLE regress_nobody;
SELECT what, in_sql(function, request), by_handle(function, request) FROM attempts ORDER BY n;
SET ROLE regress_reader;
SELECT what, in_sql(function, request), by_handle(function, request) FROM attempts ORDER BY n;
-- A role that may only update creates nothing; the INSERT that UpdateItem then tries is Postgres's to refuse.
SET ROLE regress_updater;
SELECT what, in_sql(function, request), by_handle(function, request) FROM attempts ORDER BY n;
-- Everything but the table itself, which is its owner's.
SET ROLE regress_writer;
SELECT what, in_sql(function, request), by_handle(function, request) FROM attempts ORDER BY n;

-- An operation that is refused leaves the role as it was, and the catalog is not writable.
SELECT current_user;
INSERT INTO dynamo.table_definition VALUES ('Mine', 'Mine', 1, '{}');
UPDATE dynamo.table_definition SET definition = '{}';
DELETE FROM dynamo.table_definition;
TRUNCATE dynamo.table_definition;
RESET ROLE;

-- A trigger's function in the middle of an operation is the caller, too.
CREATE FUNCTION who() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE NOTICE 'as %', current_user; RETURN NEW; END $$;
CREATE TRIGGER who BEFORE INSERT OR UPDATE ON dynamo_tables."Owned" FOR EACH ROW EXECUTE FUNCTION who();
SET ROLE regress_writer;
SELECT dynamo.put_item('Owned', '{"id":{"S":"b"}}');
SET ROLE regress_owner;
SELECT in_sql(function, request) FROM attempts WHERE function IN ('update_table', 'delete_table') ORDER BY n;
SELECT dynamo.delete_table('Owned') -> 'TableDescription' ->> 'TableStatus' AS status;
SELECT count(*) FROM dynamo.table_definition;
RESET ROLE;
REVOKE CREATE ON SCHEMA dynamo_tables FROM regress_owner;
DROP TABLE attempts, creations;
DROP FUNCTION in_sql, by_handle, who;
DROP ROLE regress_owner, regress_nobody, regress_reader, regress_updater, regress_writer;
