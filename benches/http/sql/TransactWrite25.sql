\set id random(0, 1999)
\set n random(0, 1000000)
select dynamo.transact_write_items('{"TransactItems":[' || string_agg('{"Put":{"TableName":"Bench","Item":{"Id":{"S":"user ' || (:id::int + i) % 2000 || '"},"n":{"N":"' || :n::int || '"},"name":{"S":"name of somebody"},"note":{"S":"' || repeat('0123456789abcdef', 12) || '"},"tags":{"SS":["a","b","c"]}}}}', ',') || ']}')
from generate_series(0, 24) as i;
