-- pgbench takes a colon and a name for a variable, in strings too: %1$s is the colon.
\set id random(0, 99)
select dynamo.query(format('{"TableName":"Orders","KeyConditionExpression":"Customer = %1$sc","ExpressionAttributeValues":{"%1$sc":{"S":"customer %2$s"}},"Limit":10}', ':', :id::int));
