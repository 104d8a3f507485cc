\set id random(0, 1999)
select dynamo.get_item(format('{"TableName":"Bench","Key":{"Id":{"S":"user %s"}}}', :id::int));
