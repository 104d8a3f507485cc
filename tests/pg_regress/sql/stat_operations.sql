-- What dynamo.stat_operations counts: requests by table and operation, whichever way they came.
SELECT dynamo.reset_stat_operations();
SELECT dynamo.create_table('Counted', 'id', sort_key => 's') -> 'TableDescription' ->> 'TableStatus' AS status;
CREATE VIEW counts AS
SELECT table_name, operation, calls, errors, consumed_read_units AS read, consumed_write_units AS written,
       total_time_ms > 0 AS timed, (SELECT sum(n) FROM unnest(latency_histogram) AS n) = calls AS in_buckets
FROM dynamo.stat_operations;

-- One item of 1 KB and a bit, by request, by name, by dynamo.handle and in a call of several.
SELECT dynamo.put_item(json_build_object('TableName', 'Counted', 'Item', json_build_object('id', json_build_object('S', 'a'),
    's', json_build_object('S', '1'), 'text', json_build_object('S', repeat('x', 1100)))));
SELECT dynamo.put_item('Counted', '{"id":{"S":"a"},"s":{"S":"2"}}');
SELECT status FROM dynamo.handle('PutItem', '{"TableName":"Counted","Item":{"id":{"S":"a"},"s":{"S":"3"}}}');
SELECT status, capacity FROM dynamo.handle_batch(array['PutItem', 'PutItem', 'PutItem'], array[
    '{"TableName":"Counted","Item":{"id":{"S":"a"},"s":{"S":"4"}}}',
    '{"TableName":"Counted","Item":{"id":{"S":"a"},"s":{"S":"1"}},"ConditionExpression":"attribute_not_exists(id)"}',
    '{"TableName":"Counted","Item":{"id":{"N":"1"}}}']::bytea[]);
SELECT * FROM counts ORDER BY table_name, operation;

-- Errors, those of Postgres included, and requests of tables that do not exist.
ALTER TABLE dynamo_tables."Counted" ADD CHECK (item ->> 'bad' IS NULL);
SELECT dynamo.put_item('Counted', '{"id":{"S":"a"},"s":{"S":"5"},"bad":{"S":"x"}}');
SELECT status FROM dynamo.handle_batch(array['PutItem'], array['{"TableName":"Counted","Item":{"id":{"S":"a"},"s":{"S":"5"},"bad":{"S":"x"}}}']::bytea[]);
SELECT dynamo.put_item('Counted', '{"id":{"S":"a"},"s":{"S":"2"}}', 'n = :n', NULL, '{":n":{"N":"1"}}');
SELECT dynamo.get_item('Absent', '{"id":{"S":"a"}}');
SELECT * FROM counts WHERE operation IN ('PutItem', 'GetItem') ORDER BY table_name, operation;

-- Reads, pages and rows; batches of one table and of two.
SELECT dynamo.reset_stat_operations();
SELECT dynamo.get_item('Counted', '{"id":{"S":"a"},"s":{"S":"1"}}', 's');
SELECT dynamo.get_item('{"TableName":"Counted","Key":{"id":{"S":"a"},"s":{"S":"1"}},"ConsistentRead":true}') IS NOT NULL AS there;
SELECT dynamo.query('{"TableName":"Counted","KeyConditionExpression":"id = :id","ExpressionAttributeValues":{":id":{"S":"a"}}}'::json) ->> 'Count' AS count;
SELECT count(*) FROM dynamo.query('Counted', 'id = :id', expression_attribute_values => '{":id":{"S":"a"}}');
SELECT count(*) FROM dynamo.scan('Counted');
SELECT dynamo.update_item('Counted', '{"id":{"S":"a"},"s":{"S":"2"}}', 'SET n = :n', NULL, NULL, '{":n":{"N":"1"}}');
SELECT dynamo.delete_item('Counted', '{"id":{"S":"a"},"s":{"S":"3"}}');
SELECT count(*) FROM dynamo.batch_get_item('Counted', array['{"id":{"S":"a"},"s":{"S":"1"}}', '{"id":{"S":"z"},"s":{"S":"z"}}']::dynamo.item[]);
SELECT dynamo.batch_write_item('Counted', array['{"id":{"S":"b"},"s":{"S":"1"}}']::dynamo.item[]);
SELECT dynamo.create_table('Counted2', 'id') -> 'TableDescription' ->> 'TableStatus' AS status;
SELECT dynamo.batch_write_item('{"RequestItems":{"Counted":[{"PutRequest":{"Item":{"id":{"S":"c"},"s":{"S":"1"}}}}],"Counted2":[{"PutRequest":{"Item":{"id":{"S":"c"}}}}]}}');
SELECT dynamo.describe_table('Counted') IS NOT NULL AS described;
SELECT * FROM counts ORDER BY table_name, operation;

-- What was counted for a table goes with it, and a reset is not everybody's.
SELECT dynamo.delete_table(name) -> 'TableDescription' ->> 'TableStatus' AS status FROM unnest(array['Counted', 'Counted2']) AS name;
SELECT operation FROM counts WHERE table_name IS NOT NULL;
CREATE ROLE regress_curious;
GRANT SELECT ON counts TO regress_curious;
SET ROLE regress_curious;
SELECT count(*) > 0 AS visible FROM dynamo.stat_operations;
SELECT dynamo.reset_stat_operations();
RESET ROLE;
DROP VIEW counts;
DROP ROLE regress_curious;
