-- The extension goes only with its tables, and only when told so.
SELECT dynamo.create_table('Kept', 'id') -> 'TableDescription' ->> 'TableStatus' AS status;
SELECT dynamo.put_item('Kept', '{"id":{"S":"a"}}');
CREATE TABLE user_table (item dynamo.item);
DROP SCHEMA dynamo_tables CASCADE;
DROP SCHEMA dynamo CASCADE;
DROP TYPE dynamo.item CASCADE;
DROP EXTENSION pg_dynamo;
SELECT dynamo.get_item('Kept', '{"id":{"S":"a"}}');

-- CASCADE takes everything, and a rollback brings it back.
BEGIN;
SET LOCAL client_min_messages = warning;
DROP EXTENSION pg_dynamo CASCADE;
SELECT to_regclass('dynamo_tables."Kept"') IS NULL AS table_gone, to_regnamespace('dynamo_tables') IS NULL AS schema_gone,
    (SELECT count(*) FROM pg_event_trigger WHERE evtname LIKE 'pg_dynamo%') AS event_triggers,
    (SELECT count(*) FROM pg_attribute WHERE attrelid = 'user_table'::regclass AND attname = 'item') AS columns;
-- Another one in its place knows nothing of the old tables.
CREATE EXTENSION pg_dynamo;
SELECT dynamo.list_tables();
SELECT dynamo.create_table('Kept', 'other') -> 'TableDescription' ->> 'TableStatus' AS status;
SELECT dynamo.put_item('Kept', '{"other":{"S":"b"}}');
SELECT dynamo.get_item('Kept', '{"other":{"S":"b"}}');
ROLLBACK;
SELECT dynamo.get_item('Kept', '{"id":{"S":"a"}}');
SELECT dynamo.put_item('Kept', '{"id":{"S":"b"}}');
SELECT dynamo.delete_table('Kept') -> 'TableDescription' ->> 'TableStatus' AS status;
DROP TABLE user_table;
