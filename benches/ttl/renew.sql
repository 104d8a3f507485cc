\set id random(1, :items)
\set seconds random(1, 86400)
select dynamo.update_item(format('{"TableName": "%1$s", "Key": {"Id": {"S": "session %3$s"}}, "UpdateExpression": "SET expires = %2$slater", "ExpressionAttributeValues": {"%2$slater": {"N": "%4$s"}}}', :table::text, ':', :id::int, extract(epoch from now())::int8 + 864000 + :seconds::int));
