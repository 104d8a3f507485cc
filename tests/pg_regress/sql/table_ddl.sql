-- A data table is a table like any other: what may be done to it, and what is refused.
\set SHOW_CONTEXT never
SELECT dynamo.create_table('Music', partition_key => 'Artist', sort_key => 'SongTitle') -> 'TableDescription' ->> 'TableStatus' AS status;
\d dynamo_tables."Music"

-- Its name, its place and its key columns stay.
ALTER TABLE dynamo_tables."Music" RENAME TO "Songs";
ALTER INDEX dynamo_tables."Music" RENAME TO "Songs";
ALTER TABLE dynamo_tables."Music" SET SCHEMA public;
ALTER TABLE dynamo_tables."Music" RENAME COLUMN item TO document;
ALTER TABLE dynamo_tables."Music" RENAME COLUMN pk TO partition_key;
ALTER TABLE dynamo_tables."Music" DROP COLUMN sk;
ALTER TABLE dynamo_tables."Music" DROP COLUMN item CASCADE;
ALTER TABLE dynamo_tables."Music" ALTER COLUMN pk_hash TYPE numeric;
ALTER TABLE dynamo_tables."Music" ALTER COLUMN item TYPE jsonb USING item::jsonb;
-- So does the trigger that fills them, as the last one before the row is stored.
ALTER TABLE dynamo_tables."Music" DISABLE TRIGGER "~dynamo_derive_keys";
ALTER TABLE dynamo_tables."Music" DISABLE TRIGGER USER;
CREATE FUNCTION later() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE TRIGGER "~later" BEFORE INSERT ON dynamo_tables."Music" FOR EACH ROW EXECUTE FUNCTION later();

CREATE TABLE heir () INHERITS (dynamo_tables."Music");
CREATE TABLE heir (LIKE dynamo_tables."Music");
ALTER TABLE heir INHERIT dynamo_tables."Music";
DROP TABLE heir;

-- Columns, indexes, constraints and triggers of one's own are welcome.
ALTER TABLE dynamo_tables."Music" ADD COLUMN year numeric GENERATED ALWAYS AS ((item ->> 'Year')::numeric) STORED;
ALTER TABLE dynamo_tables."Music" ADD COLUMN entered_by name DEFAULT current_user;
ALTER TABLE dynamo_tables."Music" ADD CONSTRAINT modern CHECK (year > 1900);
CREATE INDEX ON dynamo_tables."Music" (year);
CREATE INDEX ON dynamo_tables."Music" ((item -> 'Year'));
CREATE FUNCTION shout() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE NOTICE '% %', TG_OP, NEW.item ->> 'SongTitle'; RETURN NULL; END $$;
CREATE TRIGGER shout AFTER INSERT OR UPDATE ON dynamo_tables."Music" FOR EACH ROW EXECUTE FUNCTION shout();
SELECT dynamo.put_item('Music', '{"Artist":{"S":"No One"},"SongTitle":{"S":"Call Me"},"Year":{"N":"2001"}}');
SELECT dynamo.put_item('Music', '{"Artist":{"S":"No One"},"SongTitle":{"S":"Old"},"Year":{"N":"1850"}}');
SELECT dynamo.update_item('Music', '{"Artist":{"S":"No One"},"SongTitle":{"S":"Call Me"}}', 'ADD #y :one',
    expression_attribute_names => '{"#y":"Year"}', expression_attribute_values => '{":one":{"N":"1"}}', return_values => 'UPDATED_NEW');
SELECT year, entered_by, item FROM dynamo_tables."Music";
ALTER TABLE dynamo_tables."Music" RENAME COLUMN entered_by TO by;
ALTER TABLE dynamo_tables."Music" DROP COLUMN year CASCADE;
SELECT dynamo.get_item('Music', '{"Artist":{"S":"No One"},"SongTitle":{"S":"Call Me"}}');
SELECT dynamo.put_item('Music', '{"Artist":{"S":"No One"},"SongTitle":{"S":"Old"},"Year":{"N":"1850"}}');

-- Plain DROP TABLE drops the DynamoDB table; its name is free again.
DROP TABLE dynamo_tables."Music";
SELECT dynamo.list_tables();
SELECT dynamo.get_item('Music', '{"Artist":{"S":"No One"}}');
SELECT dynamo.create_table('Music', 'Album') -> 'TableDescription' -> 'KeySchema' AS keys;
SELECT dynamo.put_item('Music', '{"Album":{"S":"Today"}}');
SELECT dynamo.get_item('Music', '{"Album":{"S":"Today"}}');

-- A rolled back drop dropped nothing; a rolled back creation created nothing.
BEGIN;
DROP TABLE dynamo_tables."Music";
SELECT dynamo.create_table('Music', 'Other') -> 'TableDescription' ->> 'TableStatus' AS status;
SELECT dynamo.put_item('Music', '{"Other":{"S":"gone soon"}}');
SAVEPOINT s;
SELECT dynamo.create_table('Second', 'id') -> 'TableDescription' ->> 'TableStatus' AS status;
SELECT dynamo.list_tables();
ROLLBACK TO s;
SELECT dynamo.list_tables();
ROLLBACK;
SELECT dynamo.list_tables();
SELECT dynamo.get_item('Music', '{"Album":{"S":"Today"}}');

-- DROP OWNED takes a role's tables and their definitions.
CREATE ROLE regress_leaver;
GRANT CREATE ON SCHEMA dynamo_tables TO regress_leaver;
SET ROLE regress_leaver;
SELECT dynamo.create_table('Left.Behind', 'id') -> 'TableDescription' ->> 'TableStatus' AS status;
RESET ROLE;
SELECT dynamo.list_tables();
DROP OWNED BY regress_leaver;
SELECT dynamo.list_tables();
DROP ROLE regress_leaver;
DROP TABLE dynamo_tables."Music";
DROP FUNCTION shout, later;

-- A definition whose table is gone does not hold its name for ever.
SELECT dynamo.create_table('Orphan', 'id') -> 'TableDescription' ->> 'TableStatus' AS status;
DROP TRIGGER "~dynamo_derive_keys" ON dynamo_tables."Orphan";
ALTER TABLE dynamo_tables."Orphan" SET SCHEMA public;
SELECT dynamo.put_item('Orphan', '{"id":{"S":"a"}}');
SELECT dynamo.create_table('Orphan', 'id') -> 'TableDescription' ->> 'TableStatus' AS status;
SELECT dynamo.create_table('Orphan', 'id');
DROP TABLE dynamo_tables."Orphan", public."Orphan";
SELECT dynamo.list_tables();

-- A row without an item, which an owner may make, is no item.
SELECT dynamo.create_table('Hollow', 'Id') IS NOT NULL AS created;
ALTER TABLE dynamo_tables."Hollow" ALTER item DROP NOT NULL;
INSERT INTO dynamo_tables."Hollow" (item) VALUES ('{"Id": {"S": "a"}}');
UPDATE dynamo_tables."Hollow" SET item = NULL;
SELECT dynamo.get_item('{"TableName": "Hollow", "Key": {"Id": {"S": "a"}}}');
SELECT count(*) FROM dynamo.scan('Hollow');
DROP TABLE dynamo_tables."Hollow";
