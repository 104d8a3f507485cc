\set id random(1, 1000000000)
\set seconds random(1, 86400)
select dynamo.put_item(format('{"TableName": "%1$s", "Item": {"Id": {"S": "new %2$s"}, "User": {"S": "user"}, "expires": {"N": "%3$s"}}}', :table::text, :id::int, extract(epoch from now())::int8 + 864000 + :seconds::int));
