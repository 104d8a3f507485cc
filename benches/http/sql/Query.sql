\set id random(0, 99)
select dynamo.query(format('{"TableName":"Orders","KeyConditionExpression":"Customer = :c","ExpressionAttributeValues":{":c":{"S":"customer %s"}},"Limit":10}', :id::int)::json);
