\set id random(0, 1999)
select dynamo.update_item(format('{"TableName":"Bench","Key":{"Id":{"S":"user %s"}},"UpdateExpression":"SET n = n + :one","ExpressionAttributeValues":{":one":{"N":"1"}}}', :id::int)::json);
