-- Tables of 10,000 items with and without history, and a large one with an index.
CREATE FUNCTION bench_item(n int, version int) RETURNS json
    LANGUAGE sql IMMUTABLE
AS $$
    SELECT json_build_object('Customer', json_build_object('S', 'customer ' || n), 'Order', json_build_object('N', (n % 7)::text),
        'Product', json_build_object('S', 'product ' || (n + version) % 1000), 'Count', json_build_object('N', version::text),
        'Note', json_build_object('S', repeat('x', 150)))
$$;
SELECT dynamo.create_table(name, 'Customer', 'S', 'Order', 'N') IS NOT NULL FROM unnest(ARRAY['with', 'without']) AS name;
INSERT INTO dynamo_tables.without (item) SELECT bench_item(n, 0)::dynamo.item FROM generate_series(1, 10000) AS n;
INSERT INTO dynamo_tables."with" (item) SELECT bench_item(n, 0)::dynamo.item FROM generate_series(1, 10000) AS n;
SELECT dynamo.create_table('{"TableName": "large", "BillingMode": "PAY_PER_REQUEST",
    "AttributeDefinitions": [{"AttributeName": "Customer", "AttributeType": "S"}, {"AttributeName": "Order", "AttributeType": "N"},
                             {"AttributeName": "Product", "AttributeType": "S"}],
    "KeySchema": [{"AttributeName": "Customer", "KeyType": "HASH"}, {"AttributeName": "Order", "KeyType": "RANGE"}],
    "GlobalSecondaryIndexes": [{"IndexName": "ByProduct", "Projection": {"ProjectionType": "ALL"},
        "KeySchema": [{"AttributeName": "Product", "KeyType": "HASH"}]}]}'::json) IS NOT NULL;
INSERT INTO dynamo_tables.large (item) SELECT bench_item(n, 0)::dynamo.item FROM generate_series(1, :items) AS n;
SELECT dynamo.update_continuous_backups(name, true) IS NOT NULL FROM unnest(ARRAY['with', 'large']) AS name;
VACUUM ANALYZE;
CHECKPOINT;
