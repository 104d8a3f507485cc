-- What there is, and that it still works; changes nothing. Counts and sizes are statistics and left out.
begin;
select dynamo.list_tables('{}'::json);
select (dynamo.describe_table('{"TableName": "Music"}'::json) -> 'Table')::jsonb - '{ItemCount,TableSizeBytes}'::text[];
select (dynamo.describe_table('{"TableName": "with-dash.and.dot"}'::json) -> 'Table')::jsonb - '{ItemCount,TableSizeBytes}'::text[];
select pk_hash, pk, sk, md5(item::text) from dynamo_tables."Music" order by pk_hash, pk, sk;
select item from dynamo_tables."with-dash.and.dot" order by pk_hash, pk, sk;
-- Items of this one expire.
select dynamo.describe_time_to_live('{"TableName": "Music"}'::json);
select indexdef from pg_indexes where indexname = 'Music:ttl';
insert into dynamo_tables."Music" (item) values ('{"Artist": {"S": "gone"}, "SongTitle": {"S": "soon"}, "Expires": {"N": "4102444800"}}') returning dynamo_ttl;
-- The stream under its ARN (the capture of its records is for tests/dump/run to see).
select dynamo.describe_table('{"TableName": "Streamed"}'::json) -> 'Table' -> 'StreamSpecification';
select dynamo.describe_table('{"TableName": "Streamed"}'::json) #>> '{Table,LatestStreamArn}';
select relreplident from pg_class where oid = 'dynamo_tables."Streamed"'::regclass;
select pg_get_triggerdef(oid), tgenabled from pg_trigger where tgrelid = 'dynamo_tables."Streamed"'::regclass and tgname = '~dynamo_stream';
-- Backups with their items, and the history, which goes on.
select dynamo.list_backups('{}');
select backup_name, backup_status, item_count from dynamo.backups;
select format('select count(*), md5(string_agg(item::text, null order by pk_hash)) from %s', relation) from dynamo.backups \gexec
select dynamo.describe_continuous_backups('{"TableName": "Music"}') #>> '{ContinuousBackupsDescription,PointInTimeRecoveryDescription,RecoveryPeriodInDays}' as days;
select change, transaction, at, pk_hash, pk, sk, md5(item::text) from dynamo_history."Music" order by change, at;
select dynamo.update_item('{"TableName": "Music", "Key": {"Artist": {"S": "artist 1"}, "SongTitle": {"S": "title 1"}}, "UpdateExpression": "REMOVE Many"}'::json);
select count(*) = 6 as kept, max(change) > min(change) + 4 as numbered from dynamo_history."Music" where at is null;
-- Everything of a table with indexes, and of the one that is being built when the dump is made (unfinished.sql).
select index_name, index_status from dynamo.index_builds;
select json_array_elements(dynamo.describe_table('{"TableName": "Scores"}'::json) #> '{Table,GlobalSecondaryIndexes}') ->> 'IndexStatus' as status;
select * from dynamo_tables."Scores" order by pk_hash, pk, sk;
select indexdef from pg_indexes where tablename = 'Scores' order by indexname;
select dynamo.query('{"TableName": "Scores", "IndexName": "ByScore", "KeyConditionExpression": "#u = :u and Score > :s",
    "ExpressionAttributeNames": {"#u": "User"}, "ExpressionAttributeValues": {":u": {"S": "user 1"}, ":s": {"N": "3"}}}'::json);
select dynamo.query('{"TableName": "Scores", "IndexName": "ByQuote", "KeyConditionExpression": "#q = :q",
    "ExpressionAttributeNames": {"#q": "it''s \\ \"quoted\""}, "ExpressionAttributeValues": {":q": {"S": "3"}}}'::json);
select dynamo.put_item('{"TableName": "Scores", "Item": {"User": {"S": "new"}, "Day": {"N": "1"}, "Score": {"N": "1"}, "it''s \\ \"quoted\"": {"S": "3"}}}'::json);
select item, index_1_sk, index_2_pk, index_3_pk from dynamo_tables."Scores" where item ->> 'User' = 'new';
select dynamo.get_item('{"TableName": "Music", "Key": {"Artist": {"S": "artist 7"}, "SongTitle": {"S": "title 7"}}}'::json);
select dynamo.put_item('{"TableName": "Music", "Item": {"Artist": {"S": "new"}, "SongTitle": {"S": "new"}},
    "ConditionExpression": "attribute_not_exists(Artist)"}'::json);
select dynamo.update_item('{"TableName": "Music", "Key": {"Artist": {"S": "artist 7"}, "SongTitle": {"S": "title 7"}},
    "UpdateExpression": "ADD Plays :one", "ExpressionAttributeValues": {":one": {"N": "1"}}, "ReturnValues": "UPDATED_NEW"}'::json);
insert into dynamo_tables."with-dash.and.dot" (item) values ('{"Id": {"N": "77"}}') returning pk_hash, pk, sk, item;
select dynamo.delete_item('{"TableName": "with-dash.and.dot", "Key": {"Id": {"N": "7"}}, "ReturnValues": "ALL_OLD"}'::json);
select dynamo.create_table('{"TableName": "Another", "BillingMode": "PAY_PER_REQUEST",
    "AttributeDefinitions": [{"AttributeName": "Id", "AttributeType": "S"}],
    "KeySchema": [{"AttributeName": "Id", "KeyType": "HASH"}]}'::json) is not null;
select dynamo.delete_table('{"TableName": "Another"}'::json) is not null;
drop table dynamo_tables."with-dash.and.dot";
select dynamo.list_tables('{}'::json);
rollback;
select * from orders;
