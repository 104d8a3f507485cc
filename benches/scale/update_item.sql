\set customer random(0, :customers - 1)
\set order random(0, 19)
select dynamo.update_item(format('{"TableName": "%1$s", "Key": {"Customer": {"S": "customer %3$s"}, "Order": {"N": "%4$s"}}, "UpdateExpression": "ADD Quantity %2$sone", "ExpressionAttributeValues": {"%2$sone": {"N": "1"}}}', :table::text, ':', :customer::int, :order::int));
