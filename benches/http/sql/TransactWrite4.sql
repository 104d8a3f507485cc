-- Four neighbours. pgbench takes a colon and a name for a variable, in strings too: x is the colon.
\set id random(0, 1999)
select dynamo.transact_write_items('{"TransactItems":[' || string_agg('{"Update":{"TableName":"Bench","Key":{"Id":{"S":"user ' || (:id::int + i) % 2000 || '"}},"UpdateExpression":"SET n = n + ' || x || 'one","ExpressionAttributeValues":{"' || x || 'one":{"N":"1"}}}}', ',') || ']}')
from generate_series(0, 3) as i, (values (':')) as v (x);
