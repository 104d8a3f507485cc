\set n random(1, 9900)
\set version random(1, 1000000000000000)
SELECT count(dynamo.put_item(format('{"TableName": "NEW_AND_OLD_IMAGES", "Item": {"Customer": {"S": "customer %1$s"}, "Order": {"N": "%2$s"}, "Count": {"N": "%3$s"}, "Note": {"S": "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"}}}', i, i % 7, :version::int8)::json)) FROM generate_series(:n::int, :n::int + 99) AS i;
