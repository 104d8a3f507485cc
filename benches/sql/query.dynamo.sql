\set customer random(0, 4999)
select dynamo.query(format('{"TableName": "Orders", "KeyConditionExpression": "Customer = %1$sc and #o > %1$sn", "Limit": 10, "ExpressionAttributeNames": {"#o": "Order"}, "ExpressionAttributeValues": {"%1$sc": {"S": "customer %2$s"}, "%1$sn": {"N": "4"}}}', ':', :customer::int));
