-- Stored items read back whole, and every operation still works on them.
select dynamo.list_tables('{}'::json);
select pk_hash, pk, sk, item from dynamo_tables."Music" order by pk_hash, pk, sk;
select dynamo.get_item('{"TableName": "Music", "Key": {"Artist": {"S": "artist 1"}, "Year": {"N": "-9"}}}'::json);
select dynamo.update_item('{"TableName": "Music", "Key": {"Artist": {"S": "artist 1"}, "Year": {"N": "-9"}},
    "UpdateExpression": "ADD Plays :n SET #m.b = :n REMOVE Bool", "ExpressionAttributeNames": {"#m": "Map"},
    "ExpressionAttributeValues": {":n": {"N": "2"}}, "ReturnValues": "ALL_NEW"}'::json);
do $$
begin
    perform dynamo.put_item('{"TableName": "Music", "Item": {"Artist": {"S": "artist 1"}, "Year": {"N": "-9"}},
        "ConditionExpression": "attribute_not_exists(Artist)"}'::json);
    raise notice 'put';
exception when sqlstate 'DY005' then
    raise notice 'refused: %', sqlerrm;
end $$;
select dynamo.delete_item('{"TableName": "Music", "Key": {"Artist": {"S": "artist 0"}, "Year": {"N": "2"}}, "ReturnValues": "ALL_OLD"}'::json);
insert into dynamo_tables."Music" (item) values ('{"Artist": {"S": "x"}, "Year": {"N": "1"}}') returning *;
-- A table of before gets a stream.
select dynamo.update_table('{"TableName": "Music", "StreamSpecification": {"StreamEnabled": true, "StreamViewType": "NEW_AND_OLD_IMAGES"}}'::json)
    #>> '{TableDescription,TableStatus}' as status;
do $$
begin
    while dynamo.describe_table('{"TableName": "Music"}'::json) #>> '{Table,TableStatus}' <> 'ACTIVE' loop
        commit;
        perform pg_sleep(0.01);
    end loop;
end $$;
select dynamo.put_item('{"TableName": "Music", "Item": {"Artist": {"S": "x"}, "Year": {"N": "1"}, "Title": {"S": "captured"}}}'::json);
select dynamo.wait_for_stream('Music', null, '1 minute');
select event_name, keys, new_image, old_image, expired from dynamo.stream_records('Music');
select table_name, stream_view_type, state, reason, open_shards, shards, capture_state, capture_error, last_gap from dynamo.streams;
-- And loses it, which leaves no mark of it.
select dynamo.update_table('{"TableName": "Music", "StreamSpecification": {"StreamEnabled": false}}'::json) #>> '{TableDescription,TableStatus}' as status;
do $$
begin
    while exists (select from dynamo.streams where state <> 'disabled') loop
        commit;
        perform pg_sleep(0.01);
    end loop;
end $$;
select dynamo.describe_table('{"TableName": "Music"}'::json) #>> '{Table,TableStatus}' as status;
