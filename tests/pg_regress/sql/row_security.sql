-- Row-level security of a data table holds for every operation.
\set VERBOSITY terse
CREATE ROLE regress_alice;
CREATE ROLE regress_bob;
SELECT dynamo.create_table('Notes', 'id') -> 'TableDescription' ->> 'TableStatus' AS status;
GRANT SELECT, INSERT, UPDATE, DELETE ON dynamo_tables."Notes" TO regress_alice, regress_bob;
ALTER TABLE dynamo_tables."Notes" ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON dynamo_tables."Notes" USING (item ->> 'owner' = current_user);

SET ROLE regress_alice;
SELECT dynamo.put_item('Notes', '{"id":{"S":"1"},"owner":{"S":"regress_alice"},"n":{"N":"1"}}');
SELECT dynamo.put_item('Notes', '{"id":{"S":"2"},"owner":{"S":"regress_bob"}}');
\echo :SQLSTATE
SET ROLE regress_bob;
SELECT dynamo.put_item('Notes', '{"id":{"S":"2"},"owner":{"S":"regress_bob"}}');

-- For bob, alice's item is not there: it is not read, updated or deleted, and its key is taken.
SELECT dynamo.get_item('{"TableName":"Notes","Key":{"id":{"S":"1"}}}');
SELECT dynamo.put_item('Notes', '{"id":{"S":"1"},"owner":{"S":"regress_bob"}}');
\echo :SQLSTATE
SELECT dynamo.update_item('Notes', '{"id":{"S":"1"}}', 'SET #o = :me', expression_attribute_names => '{"#o":"owner"}',
    expression_attribute_values => '{":me":{"S":"regress_bob"}}');
\echo :SQLSTATE
SELECT dynamo.update_item('Notes', '{"id":{"S":"1"}}', 'SET a = id', 'attribute_exists(id)');
\echo :SQLSTATE
SELECT dynamo.put_item('Notes', '{"id":{"S":"1"},"owner":{"S":"regress_bob"}}', 'attribute_exists(id)');
\echo :SQLSTATE
SELECT dynamo.delete_item('{"TableName":"Notes","Key":{"id":{"S":"1"}},"ReturnValues":"ALL_OLD"}');
SELECT dynamo.batch_write_item('Notes', ARRAY['{"id":{"S":"1"},"owner":{"S":"regress_bob"}}']::dynamo.item[]);

-- A failed condition shows nothing of what its caller may not see; through dynamo.handle neither.
SELECT dynamo.put_item('Notes', '{"id":{"S":"1"},"owner":{"S":"regress_bob"}}', 'attribute_not_exists(id)',
    return_values_on_condition_check_failure => 'ALL_OLD');
SELECT status, error_type, convert_from(reply, 'UTF8') AS reply
FROM dynamo.handle('GetItem', '{"TableName":"Notes","Key":{"id":{"S":"1"}}}');
-- His own item he may not give away.
SELECT dynamo.update_item('Notes', '{"id":{"S":"2"}}', 'SET #o = :alice', expression_attribute_names => '{"#o":"owner"}',
    expression_attribute_values => '{":alice":{"S":"regress_alice"}}');
\echo :SQLSTATE

-- Alice sees and changes hers; neither was touched.
SET ROLE regress_alice;
SELECT dynamo.update_item('Notes', '{"id":{"S":"1"}}', 'ADD n :one', expression_attribute_values => '{":one":{"N":"1"}}',
    return_values => 'ALL_NEW');
SELECT dynamo.delete_item('Notes', '{"id":{"S":"1"}}', 'n = :two', expression_attribute_values => '{":two":{"N":"2"}}',
    return_values => 'ALL_OLD');
SELECT item FROM dynamo_tables."Notes";
RESET ROLE;
SELECT item FROM dynamo_tables."Notes";
DROP TABLE dynamo_tables."Notes";
DROP ROLE regress_alice, regress_bob;
