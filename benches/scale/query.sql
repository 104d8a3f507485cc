\set customer random(0, :customers - 1)
select dynamo.query(format('{"TableName": "%1$s", "KeyConditionExpression": "Customer = %2$sc and #o > %2$sn", "Limit": 10, "ExpressionAttributeNames": {"#o": "Order"}, "ExpressionAttributeValues": {"%2$sc": {"S": "customer %3$s"}, "%2$sn": {"N": "4"}}}', :table::text, ':', :customer::int));
