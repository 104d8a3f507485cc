\set id random(1, :items)
select dynamo.update_item(format('{"TableName": "%1$s", "Key": {"Id": {"S": "session %3$s"}}, "UpdateExpression": "ADD Hits %2$sone", "ExpressionAttributeValues": {"%2$sone": {"N": "1"}}}', :table::text, ':', :id::int));
