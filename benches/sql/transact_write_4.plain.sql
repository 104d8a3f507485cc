-- pgbench takes a colon and a name for a variable, in strings too: %3$s is the colon.
\set id random(1, 900)
\set n random(1, 1000000)
select dynamo.update_item(format('{"TableName": "Bench", "Key": {"Id": {"S": "user %1$s00"}}, "UpdateExpression": "SET n = %3$sn", "ExpressionAttributeValues": {"%3$sn": {"N": "%2$s"}}}', :id::int8, :n::int8, ':')),
       dynamo.update_item(format('{"TableName": "Bench", "Key": {"Id": {"S": "user %1$s01"}}, "UpdateExpression": "SET n = %3$sn", "ExpressionAttributeValues": {"%3$sn": {"N": "%2$s"}}}', :id::int8, :n::int8, ':')),
       dynamo.update_item(format('{"TableName": "Bench", "Key": {"Id": {"S": "user %1$s02"}}, "UpdateExpression": "SET n = %3$sn", "ExpressionAttributeValues": {"%3$sn": {"N": "%2$s"}}}', :id::int8, :n::int8, ':')),
       dynamo.update_item(format('{"TableName": "Bench", "Key": {"Id": {"S": "user %1$s03"}}, "UpdateExpression": "SET n = %3$sn", "ExpressionAttributeValues": {"%3$sn": {"N": "%2$s"}}}', :id::int8, :n::int8, ':'));
