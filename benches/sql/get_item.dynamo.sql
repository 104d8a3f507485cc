\set id random(1, 100000)
select dynamo.get_item(format('{"TableName": "Bench", "Key": {"Id": {"S": "user %s"}}}', :id::int));
