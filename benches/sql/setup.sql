-- The same 100,000 items of about 300 bytes, as a DynamoDB table and as the table that one would write by hand.
select dynamo.create_table('Bench', 'Id');
create table plain (id text primary key, item jsonb not null);
insert into plain
select id, jsonb_build_object('Id', id, 'n', n, 'name', 'name of ' || id, 'note', repeat(md5(id), 6), 'tags', array ['a', 'b', 'c'])
from (select n, 'user ' || n as id from generate_series(1, 100000) n) s;
insert into dynamo_tables."Bench" (item)
select format('{"Id": {"S": "%s"}, "n": {"N": "%s"}, "name": {"S": "name of %s"}, "note": {"S": "%s"}, "tags": {"SS": ["a", "b", "c"]}}',
              id, n, id, repeat(md5(id), 6))::dynamo.item
from (select n, 'user ' || n as id from generate_series(1, 100000) n) s;
-- Orders, twenty to a customer, with an index by product: the same again.
select dynamo.create_table('{"TableName": "Orders", "BillingMode": "PAY_PER_REQUEST",
    "AttributeDefinitions": [{"AttributeName": "Customer", "AttributeType": "S"}, {"AttributeName": "Order", "AttributeType": "N"},
                             {"AttributeName": "Product", "AttributeType": "S"}, {"AttributeName": "PlacedAt", "AttributeType": "N"}],
    "KeySchema": [{"AttributeName": "Customer", "KeyType": "HASH"}, {"AttributeName": "Order", "KeyType": "RANGE"}],
    "GlobalSecondaryIndexes": [{"IndexName": "ByProduct", "Projection": {"ProjectionType": "ALL"}, "KeySchema":
        [{"AttributeName": "Product", "KeyType": "HASH"}, {"AttributeName": "PlacedAt", "KeyType": "RANGE"}]}]}'::json);
create table plain_orders (customer text, number int, product text, placed int, item jsonb not null, primary key (customer, number));
create index on plain_orders (product, placed);
insert into plain_orders
select customer, number, product, placed, jsonb_build_object('Customer', customer, 'Order', number, 'Product', product, 'PlacedAt', placed, 'Note', repeat(md5(customer), 6))
from (select 'customer ' || i / 20 as customer, i % 20 as number, 'product ' || mod(i * 7919::bigint, 5000) as product, i as placed from generate_series(0, 99999) i) s;
insert into dynamo_tables."Orders" (item)
select format('{"Customer": {"S": "%s"}, "Order": {"N": "%s"}, "Product": {"S": "%s"}, "PlacedAt": {"N": "%s"}, "Note": {"S": "%s"}}',
              customer, number, product, placed, repeat(md5(customer), 6))::dynamo.item
from plain_orders;
vacuum analyze;
checkpoint;
