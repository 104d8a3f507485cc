\set id random(0, 1999)
select dynamo.transact_get_items('{"TransactItems":[' || string_agg('{"Get":{"TableName":"Bench","Key":{"Id":{"S":"user ' || (:id::int + i) % 2000 || '"}}}}', ',') || ']}')
from generate_series(0, 24) as i;
