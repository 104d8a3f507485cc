\set product random(0, :customers - 1)
select dynamo.query(format('{"TableName": "%1$s", "IndexName": "ByProduct", "KeyConditionExpression": "Product = %2$sp", "Limit": 10, "ExpressionAttributeValues": {"%2$sp": {"S": "product %3$s"}}}', :table::text, ':', :product::int));
