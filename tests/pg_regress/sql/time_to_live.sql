-- A time to live on a live table: what it is made of, and what becomes of items that expire.
\set VERBOSITY terse
SELECT dynamo.create_table('Leases', 'Id') IS NOT NULL AS created;
INSERT INTO dynamo_tables."Leases" (item)
SELECT format('{"Id":{"S":"%s"},"until":{"N":"4102444800"}}', i)::dynamo.item FROM generate_series(1, 100) AS i;
SELECT dynamo.update_time_to_live('Leases', 'until');
SELECT dynamo.update_time_to_live('Leases', 'until');
SELECT dynamo.update_time_to_live('Leases', 'other');
DO $$ BEGIN
    WHILE (SELECT status <> 'ENABLED' FROM dynamo.time_to_live) LOOP COMMIT; PERFORM pg_sleep(0.01); END LOOP;
END $$;
SELECT dynamo.describe_time_to_live('{"TableName": "Leases"}'::json);
SELECT indexdef FROM pg_indexes WHERE indexname = 'Leases:ttl';
SELECT encode(tgargs, 'escape') FROM pg_trigger WHERE tgrelid = 'dynamo_tables."Leases"'::regclass;
SELECT count(*), min(dynamo_ttl), max(dynamo_ttl) FROM dynamo_tables."Leases";

-- Writes of the API and of plain SQL.
SELECT dynamo.put_item('Leases', '{"Id":{"S":"1"},"until":{"N":"4102444801.5"}}');
INSERT INTO dynamo_tables."Leases" (item) VALUES ('{"Id":{"S":"text"},"until":{"S":"1"}}'), ('{"Id":{"S":"none"}}');
UPDATE dynamo_tables."Leases" SET item = '{"Id":{"S":"2"},"until":{"N":"4102444802"}}' WHERE item ->> 'Id' = '2';
SELECT item ->> 'Id' AS id, dynamo_ttl FROM dynamo_tables."Leases" WHERE item ->> 'Id' IN ('1', '2', '3', 'text', 'none') ORDER BY 1;

-- What the sweeper asks, under the settings that our planner hook makes for it.
SET enable_seqscan = off;
SET enable_bitmapscan = off;
SET enable_sort = off;
EXPLAIN (COSTS OFF) SELECT pk FROM dynamo_tables."Leases"
    WHERE (dynamo_ttl, pk_hash, pk, sk) > (0, 0, '', '') AND dynamo_ttl < 10 ORDER BY dynamo_ttl, pk_hash, pk, sk LIMIT 100 FOR UPDATE SKIP LOCKED;
RESET ALL;

SELECT table_name, attribute_name, status, backlog, oldest, deleted, failing, error FROM dynamo.time_to_live;
ALTER TABLE dynamo_tables."Leases" DROP COLUMN dynamo_ttl;

-- Expired, and expired too long ago.
INSERT INTO dynamo_tables."Leases" (item) VALUES (format('{"Id":{"S":"gone"},"until":{"N":"%s"}}', extract(epoch FROM now())::int8 - 10)::dynamo.item), ('{"Id":{"S":"old"},"until":{"N":"1"}}');
DO $$ BEGIN
    WHILE (SELECT deleted = 0 FROM dynamo.time_to_live) LOOP COMMIT; PERFORM pg_sleep(0.01); END LOOP;
END $$;
SELECT count(*) FROM dynamo_tables."Leases" WHERE item ->> 'Id' IN ('gone', 'old');
SELECT table_name, attribute_name, status, backlog, oldest, deleted, failing, error FROM dynamo.time_to_live;

SELECT dynamo.update_time_to_live('Leases', 'until', false);
DO $$ BEGIN
    WHILE EXISTS (SELECT FROM dynamo.time_to_live) LOOP COMMIT; PERFORM pg_sleep(0.01); END LOOP;
END $$;
SELECT dynamo.describe_time_to_live('{"TableName": "Leases"}'::json);
SELECT count(*) FROM pg_indexes WHERE tablename = 'Leases';
SELECT dynamo.delete_table('Leases') IS NOT NULL AS dropped;
