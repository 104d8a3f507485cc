\set n random(1, 10000)
\set version random(1, 100000)
SELECT dynamo.put_item(format('{"TableName": "%1$s", "Item": {"Customer": {"S": "customer %2$s"}, "Order": {"N": "%3$s"}, "Product": {"S": "product %4$s"}, "Count": {"N": "%5$s"}, "Note": {"S": "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"}}}', :table::text, :n::int, :n::int % 7, (:n::int + :version::int) % 1000, :version::int)::json);
