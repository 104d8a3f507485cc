-- Anybody may make triggers of the function that derives the keys: made otherwise than by CreateTable they are
-- refused, at the latest when they fire.
\set VERBOSITY terse
SELECT dynamo.create_table('Misused', 'Id') IS NOT NULL AS created;
CREATE TRIGGER "~statement" BEFORE INSERT ON dynamo_tables."Misused"
    FOR EACH STATEMENT EXECUTE FUNCTION dynamo_internal.derive_keys('Misused', 'Id', 'S');
INSERT INTO dynamo_tables."Misused" (item) VALUES ('{"Id":{"S":"a"}}');
DROP TRIGGER "~statement" ON dynamo_tables."Misused";
CREATE TRIGGER "~zafter" AFTER DELETE ON dynamo_tables."Misused"
    FOR EACH ROW EXECUTE FUNCTION dynamo_internal.derive_keys('Misused', 'Id', 'S');
INSERT INTO dynamo_tables."Misused" (item) VALUES ('{"Id":{"S":"a"}}');
DELETE FROM dynamo_tables."Misused";
DROP TRIGGER "~zafter" ON dynamo_tables."Misused";

-- A partition whose columns stand in another order.
CREATE TABLE dynamo_tables.parted (pk_hash int8, pk bytea, sk bytea, item dynamo.item) PARTITION BY LIST (pk_hash);
CREATE TRIGGER "~keys" BEFORE INSERT ON dynamo_tables.parted
    FOR EACH ROW EXECUTE FUNCTION dynamo_internal.derive_keys('parted', 'Id', 'S');
CREATE TABLE dynamo_tables.part (item dynamo.item, pk_hash int8, pk bytea, sk bytea);
ALTER TABLE dynamo_tables.parted ATTACH PARTITION dynamo_tables.part DEFAULT;
INSERT INTO dynamo_tables.part (pk_hash, item, pk, sk) VALUES (4242, '{"Id":{"S":"a"}}', '\x00', '\x00');
DROP TABLE dynamo_tables.parted;

-- The event trigger compiles under any setting of the session.
SET standard_conforming_strings = off;
CREATE TABLE of_a_user (a int);
ALTER TABLE of_a_user ADD b int;
DROP TABLE of_a_user;
RESET standard_conforming_strings;

-- A key's name that no trigger could carry.
SELECT dynamo.create_table('{"TableName": "Zero", "BillingMode": "PAY_PER_REQUEST",
    "AttributeDefinitions": [{"AttributeName": "a\u0000b", "AttributeType": "S"}],
    "KeySchema": [{"AttributeName": "a\u0000b", "KeyType": "HASH"}]}'::json);
SELECT dynamo.delete_table('Misused') IS NOT NULL AS deleted;

-- An owner may drop the trigger and then change the columns: the operations say so.
SELECT dynamo.create_table('Altered', 'Id') IS NOT NULL AS created;
SELECT dynamo.put_item('Altered', '{"Id":{"S":"a"}}');
DROP TRIGGER "~dynamo_derive_keys" ON dynamo_tables."Altered";
ALTER TABLE dynamo_tables."Altered" ALTER COLUMN item TYPE int8 USING 4242;
SELECT dynamo.get_item('Altered', '{"Id":{"S":"a"}}');
SELECT dynamo.update_item('Altered', '{"Id":{"S":"a"}}', return_values => 'ALL_NEW');
ALTER TABLE dynamo_tables."Altered" ALTER COLUMN item TYPE dynamo.item USING '{"Id":{"S":"a"}}'::dynamo.item,
    ALTER COLUMN pk TYPE int8 USING 4242;
SELECT dynamo.get_item('Altered', '{"Id":{"S":"a"}}');
SELECT dynamo.delete_table('Altered') IS NOT NULL AS deleted;
