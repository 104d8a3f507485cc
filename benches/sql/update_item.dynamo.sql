\set id random(1, 100000)
select dynamo.update_item(format('{"TableName": "Bench", "Key": {"Id": {"S": "user %1$s"}}, "UpdateExpression": "SET n = n + %2$sone", "ExpressionAttributeValues": {"%2$sone": {"N": "1"}}}', :id::int, ':'));
