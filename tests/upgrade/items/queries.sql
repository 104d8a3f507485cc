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
