\set id random(1, 100000)
\set n random(1, 1000000000)
select dynamo.put_item(format('{"TableName": "Bench", "Item": {"Id": {"S": "user %1$s"}, "n": {"N": "%3$s"}, "name": {"S": "name of somebody"}, "note": {"S": "0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789"}, "tags": {"SS": ["a", "b", "c"]}}, "ConditionExpression": "attribute_exists(Id) and n >= %2$slow", "ExpressionAttributeValues": {"%2$slow": {"N": "0"}}}', :id::int8, ':', :n::int8));
