-- An update that leaves the keys of indexes alone writes none of them: it is heap-only.
SELECT dynamo.create_table('{"TableName": "Games", "BillingMode": "PAY_PER_REQUEST",
    "AttributeDefinitions": [{"AttributeName": "Id", "AttributeType": "S"}, {"AttributeName": "Avatar", "AttributeType": "S"},
                             {"AttributeName": "Score", "AttributeType": "N"}],
    "KeySchema": [{"AttributeName": "Id", "KeyType": "HASH"}],
    "GlobalSecondaryIndexes": [
        {"IndexName": "ByAvatar", "Projection": {"ProjectionType": "ALL"}, "KeySchema": [{"AttributeName": "Avatar", "KeyType": "HASH"}]},
        {"IndexName": "ByScore", "Projection": {"ProjectionType": "ALL"}, "KeySchema":
            [{"AttributeName": "Avatar", "KeyType": "HASH"}, {"AttributeName": "Score", "KeyType": "RANGE"}]}]}'::json) IS NOT NULL AS created;
SELECT dynamo.put_item('Games', '{"Id": {"S": "a"}, "Avatar": {"S": "fox"}, "Score": {"N": "1"}, "Plays": {"N": "0"}}');
SELECT count(dynamo.update_item('Games', '{"Id": {"S": "a"}}', 'ADD Plays :one', return_values => 'UPDATED_NEW',
                                expression_attribute_values => '{":one": {"N": "1"}}')) FROM generate_series(1, 20);
SELECT count(dynamo.put_item('Games', format('{"Id": {"S": "a"}, "Avatar": {"S": "fox"}, "Score": {"N": "1"}, "Plays": {"N": "%s"}}', i)::dynamo.item,
                             return_values => 'ALL_OLD')) FROM generate_series(21, 30) AS i;
SELECT pg_stat_force_next_flush();
SELECT n_tup_upd, n_tup_hot_upd FROM pg_stat_user_tables WHERE relname = 'Games';
-- One that changes a key writes them.
SELECT dynamo.update_item('Games', '{"Id": {"S": "a"}}', 'SET Score = :more', expression_attribute_values => '{":more": {"N": "2"}}');
SELECT pg_stat_force_next_flush();
SELECT n_tup_upd, n_tup_hot_upd FROM pg_stat_user_tables WHERE relname = 'Games';
SELECT item ->> 'Plays' AS plays FROM dynamo.query('Games', 'Avatar = :fox and Score > :one', index_name => 'ByScore',
    expression_attribute_values => '{":fox": {"S": "fox"}, ":one": {"N": "1"}}');
SELECT dynamo.delete_table('Games') IS NOT NULL AS dropped;
