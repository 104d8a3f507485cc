\set product random(0, 4999)
select dynamo.query(format('{"TableName": "Orders", "IndexName": "ByProduct", "KeyConditionExpression": "Product = %1$sp and PlacedAt > %1$sn", "Limit": 10, "ExpressionAttributeValues": {"%1$sp": {"S": "product %2$s"}, "%1$sn": {"N": "4"}}}', ':', :product::int));
