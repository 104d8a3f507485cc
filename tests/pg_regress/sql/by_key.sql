-- Statements on rows of given keys find them by the primary key, also where statistics say that a sequential scan is
-- cheaper, and a condition is only asked of that row.
SELECT dynamo.create_table('Small', 'Id') IS NOT NULL AS created;
INSERT INTO dynamo_tables."Small" (item)
SELECT format('{"Id":{"S":"%s"},"n":{"N":"%s"}}', i, i)::dynamo.item FROM generate_series(1, 100) AS i;
ANALYZE dynamo_tables."Small";
-- What the planner would do on its own.
EXPLAIN (COSTS OFF) SELECT item FROM dynamo_tables."Small" WHERE pk_hash = 1 AND pk = '' AND sk = '';

BEGIN;
SELECT dynamo.delete_item('Small', '{"Id":{"S":"7"}}', return_values => 'ALL_OLD');
SELECT dynamo.update_item('Small', '{"Id":{"S":"8"}}', 'SET n = n + n', return_values => 'UPDATED_NEW');
SELECT dynamo.put_item('Small', '{"Id":{"S":"9"}}', 'attribute_exists(Id)', return_values => 'ALL_OLD');
SELECT dynamo.put_item('Small', '{"Id":{"S":"10"}}', return_values => 'ALL_OLD');
SELECT dynamo.get_item('Small', '{"Id":{"S":"11"}}');
SELECT seq_tup_read, idx_tup_fetch FROM pg_stat_xact_user_tables WHERE relname = 'Small';
SET LOCAL enable_indexscan = off;
SET LOCAL enable_bitmapscan = off;
DISCARD PLANS;
SELECT dynamo.delete_item('Small', '{"Id":{"S":"12"}}', return_values => 'ALL_OLD');
SELECT seq_tup_read FROM pg_stat_xact_user_tables WHERE relname = 'Small';
SHOW enable_indexscan;
COMMIT;

-- A batch on a table that is not plain is a statement of many rows, and touches no others.
ALTER TABLE dynamo_tables."Small" ADD CONSTRAINT by_statement CHECK (item IS NOT NULL);
SELECT pg_stat_force_next_flush();
BEGIN;
SELECT dynamo.batch_write_item('Small',
    array['{"Id":{"S":"30"}}', '{"Id":{"S":"new"}}', '{"Id":{"S":"31"},"n":{"N":"31"}}']::dynamo.item[],
    array['{"Id":{"S":"32"}}', '{"Id":{"S":"none"}}']::dynamo.item[]);
SELECT item ->> 'Id' AS id FROM dynamo.batch_get_item('Small', array['{"Id":{"S":"30"}}', '{"Id":{"S":"32"}}']::dynamo.item[]) AS item;
SELECT seq_tup_read, idx_tup_fetch FROM pg_stat_xact_user_tables WHERE relname = 'Small';
SET LOCAL enable_indexscan = off;
SET LOCAL enable_nestloop = off;
DISCARD PLANS;
SELECT dynamo.batch_write_item('Small', NULL, array['{"Id":{"S":"33"}}', '{"Id":{"S":"34"}}']::dynamo.item[]);
SELECT seq_tup_read FROM pg_stat_xact_user_tables WHERE relname = 'Small';
COMMIT;
-- Also when its plan was made while the table was empty.
SELECT dynamo.create_table('Growing', 'Id') IS NOT NULL AS created;
ALTER TABLE dynamo_tables."Growing" ADD CONSTRAINT by_statement CHECK (item IS NOT NULL);
SELECT dynamo.batch_write_item('Growing', NULL, array['{"Id":{"S":"1"}}', '{"Id":{"S":"2"}}']::dynamo.item[]);
INSERT INTO dynamo_tables."Growing" (item) SELECT format('{"Id":{"S":"%s"}}', i)::dynamo.item FROM generate_series(1, 1000) AS i;
SELECT pg_stat_force_next_flush();
BEGIN;
SELECT dynamo.batch_write_item('Growing', NULL, array['{"Id":{"S":"1"}}', '{"Id":{"S":"2"}}']::dynamo.item[]);
SELECT seq_tup_read, idx_tup_fetch FROM pg_stat_xact_user_tables WHERE relname = 'Growing';
COMMIT;

-- However dear these plans look, none is compiled.
SELECT pg_read_file('/proc/self/maps') LIKE '%llvmjit.so%' AS compiled;

-- Through row-level security reads are statements, too.
CREATE ROLE regress_reader;
GRANT SELECT ON dynamo_tables."Small" TO regress_reader;
CREATE POLICY even ON dynamo_tables."Small" USING ((item ->> 'n')::int % 2 = 0);
ALTER TABLE dynamo_tables."Small" ENABLE ROW LEVEL SECURITY;
SELECT pg_stat_force_next_flush();
BEGIN;
SET LOCAL ROLE regress_reader;
SELECT dynamo.get_item('Small', '{"Id":{"S":"20"}}') AS even, dynamo.get_item('Small', '{"Id":{"S":"21"}}') AS odd;
SELECT * FROM dynamo.batch_get_item('Small', array['{"Id":{"S":"20"}}', '{"Id":{"S":"21"}}']::dynamo.item[]);
RESET ROLE;
SELECT seq_tup_read, idx_tup_fetch FROM pg_stat_xact_user_tables WHERE relname = 'Small';
COMMIT;

SELECT count(dynamo.delete_table(name)) AS dropped FROM unnest(array['Small', 'Growing']) AS name;
DROP ROLE regress_reader;
