-- Tables with streams, and the books that they are compared with.
SET client_min_messages = warning;

-- What was committed, as a trigger of the table's owner tells it, in the same transaction.
CREATE TABLE book (
    entry bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    transaction xid8 NOT NULL DEFAULT pg_current_xact_id(),
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    table_name text NOT NULL,
    old jsonb,
    new jsonb
);
CREATE FUNCTION keep_book() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
    INSERT INTO public.book (table_name, old, new)
    VALUES (TG_TABLE_NAME, CASE WHEN TG_OP <> 'INSERT' THEN old.item::text::jsonb END,
            CASE WHEN TG_OP <> 'DELETE' THEN new.item::text::jsonb END);
    RETURN NULL;
END
$$;

-- "Plain" is written the short way, "Booked" by statements, because of the trigger.
CREATE FUNCTION new_booked_table(name text, streamed boolean) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM dynamo.create_table(json_build_object('TableName', name, 'BillingMode', 'PAY_PER_REQUEST',
        'KeySchema', '[{"AttributeName":"pk","KeyType":"HASH"},{"AttributeName":"sk","KeyType":"RANGE"}]'::json,
        'AttributeDefinitions', '[{"AttributeName":"pk","AttributeType":"S"},{"AttributeName":"sk","AttributeType":"N"}]'::json,
        'StreamSpecification', json_build_object('StreamEnabled', streamed, 'StreamViewType',
            CASE WHEN streamed THEN 'NEW_AND_OLD_IMAGES' END)));
    EXECUTE format('CREATE TRIGGER book AFTER INSERT OR UPDATE OR DELETE ON dynamo_tables.%I '
                   'FOR EACH ROW EXECUTE FUNCTION keep_book()', name);
    EXECUTE format('CREATE INDEX ON dynamo_tables.%I ((item ->> ''pk''), ((item ->> ''sk'')::numeric))', name);
END
$$;
SELECT new_table('Plain', 'NEW_AND_OLD_IMAGES');
SELECT new_booked_table('Booked', true);

-- --- what the clients of load.sql say; each has a partition of its own, so nobody waits for two others -------------
CREATE FUNCTION item(pk text, sk int, v bigint, size int DEFAULT 0) RETURNS json LANGUAGE sql STABLE AS $$
    SELECT json_build_object('pk', json_build_object('S', pk), 'sk', json_build_object('N', sk::text),
        'v', json_build_object('N', v::text), 'more', json_build_object('S', left(repeat(md5(v::text), size / 32 + 1), size)))
$$;
CREATE FUNCTION key(pk text, sk int) RETURNS json LANGUAGE sql STABLE AS $$
    SELECT json_build_object('pk', json_build_object('S', pk), 'sk', json_build_object('N', sk::text))
$$;
CREATE FUNCTION put(tab text, pk text, sk int, v bigint, size int DEFAULT 0) RETURNS void LANGUAGE sql AS $$
    SELECT dynamo.put_item(json_build_object('TableName', tab, 'Item', item(pk, sk, v, size)))
$$;
CREATE FUNCTION del(tab text, pk text, sk int) RETURNS void LANGUAGE sql AS $$
    SELECT dynamo.delete_item(json_build_object('TableName', tab, 'Key', key(pk, sk)))
$$;
CREATE FUNCTION add(tab text, pk text, sk int, v bigint) RETURNS void LANGUAGE sql AS $$
    SELECT dynamo.update_item(json_build_object('TableName', tab, 'Key', key(pk, sk),
        'UpdateExpression', 'SET v = :v ADD times :one',
        'ExpressionAttributeValues', json_build_object(':v', json_build_object('N', v::text), ':one', '{"N":"1"}'::json)))
$$;
CREATE FUNCTION batch(pk text, sk int, v bigint) RETURNS void LANGUAGE sql AS $$
    SELECT dynamo.batch_write_item(json_build_object('RequestItems', json_build_object(
        'Booked', (SELECT json_agg(json_build_object('PutRequest', json_build_object('Item', item(pk, sk + i, v)))) FROM generate_series(1, 5) AS i),
        'Plain', json_build_array(json_build_object('DeleteRequest', json_build_object('Key', key(pk, sk)))))))
$$;
CREATE FUNCTION transact(pk text, sk int, v bigint) RETURNS void LANGUAGE sql AS $$
    SELECT dynamo.transact_write_items(json_build_object('TransactItems', json_build_array(
        json_build_object('Put', json_build_object('TableName', 'Booked', 'Item', item(pk, sk, v))),
        json_build_object('Put', json_build_object('TableName', 'Plain', 'Item', item(pk, sk, v))),
        json_build_object('Delete', json_build_object('TableName', 'Booked', 'Key', key(pk, sk + 1))))))
$$;
