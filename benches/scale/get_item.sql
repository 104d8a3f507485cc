\set customer random(0, :customers - 1)
\set order random(0, 19)
select dynamo.get_item(format('{"TableName": "%s", "Key": {"Customer": {"S": "customer %s"}, "Order": {"N": "%s"}}}', :table::text, :customer::int, :order::int));
