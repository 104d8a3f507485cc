\set n random(1, 10000)
SELECT dynamo.update_item(format('{"TableName": "%1$s", "Key": {"Customer": {"S": "customer %2$s"}, "Order": {"N": "%3$s"}}, "UpdateExpression": "ADD #c %4$sone", "ExpressionAttributeNames": {"#c": "Count"}, "ExpressionAttributeValues": {"%4$sone": {"N": "1"}}}', :table::text, :n::int, :n::int % 7, ':')::json);
