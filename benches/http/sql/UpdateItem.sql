-- pgbench takes a colon and a name for a variable, in strings too: %1$s is the colon.
\set id random(0, 1999)
select dynamo.update_item(format('{"TableName":"Bench","Key":{"Id":{"S":"user %2$s"}},"UpdateExpression":"SET n = n + %1$sone","ExpressionAttributeValues":{"%1$sone":{"N":"1"}}}', ':', :id::int));
