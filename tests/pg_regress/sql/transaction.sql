-- Items and rows in one transaction.
\set SHOW_CONTEXT never
CREATE TABLE customer (id text PRIMARY KEY, name text);
INSERT INTO customer VALUES ('c1', 'Ada');
SELECT dynamo.create_table('Orders', 'OrderId') -> 'TableDescription' ->> 'TableStatus' AS status;

BEGIN;
SELECT dynamo.put_item('Orders', '{"OrderId":{"S":"o1"},"Customer":{"S":"c1"},"Amount":{"N":"12.50"}}');
INSERT INTO customer VALUES ('c2', 'Grace');
SELECT dynamo.put_item('Orders', '{"OrderId":{"S":"o2"},"Customer":{"S":"c2"},"Amount":{"N":"7"}}');
-- The transaction sees its own writes.
SELECT dynamo.get_item('Orders', '{"OrderId":{"S":"o2"}}');
SELECT c.name, (o.item -> 'Amount')::numeric AS amount
FROM dynamo_tables."Orders" AS o JOIN customer AS c ON c.id = o.item ->> 'Customer' ORDER BY 1;
ROLLBACK;
SELECT (SELECT count(*) FROM dynamo_tables."Orders") AS orders, (SELECT count(*) FROM customer) AS customers;
SELECT dynamo.get_item('{"TableName":"Orders","Key":{"OrderId":{"S":"o2"}}}');

-- A savepoint undoes what came after it, also after an error.
BEGIN;
SELECT dynamo.put_item('Orders', '{"OrderId":{"S":"o1"},"Amount":{"N":"1"}}');
SAVEPOINT s;
SELECT dynamo.update_item('Orders', '{"OrderId":{"S":"o1"}}', 'ADD Amount :n', expression_attribute_values => '{":n":{"N":"5"}}',
    return_values => 'UPDATED_NEW');
SELECT dynamo.put_item('Orders', '{"OrderId":{"S":"o1"}}', 'attribute_not_exists(OrderId)');
SELECT dynamo.get_item('Orders', '{"OrderId":{"S":"o1"}}');
ROLLBACK TO s;
SELECT dynamo.get_item('Orders', '{"OrderId":{"S":"o1"}}');
COMMIT;

-- A condition that fails is caught by its SQLSTATE, and the writes before it stay.
DO $$
DECLARE
    found dynamo.item;
    detail text;
BEGIN
    PERFORM dynamo.put_item('Orders', '{"OrderId":{"S":"o3"},"Amount":{"N":"3"}}');
    BEGIN
        PERFORM dynamo.put_item('Orders', '{"OrderId":{"S":"o4"}}');
        PERFORM dynamo.put_item('Orders', '{"OrderId":{"S":"o3"}}', 'attribute_not_exists(OrderId)',
            return_values_on_condition_check_failure => 'ALL_OLD');
    EXCEPTION WHEN SQLSTATE 'DY005' THEN
        GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL;
        RAISE NOTICE '%: %', SQLERRM, detail;
    END;
    found := dynamo.get_item('Orders', '{"OrderId":{"S":"o3"}}');
    RAISE NOTICE 'kept: %', found;
END $$;
SELECT item FROM dynamo_tables."Orders" ORDER BY item ->> 'OrderId';

-- A foreign key from rows to items, through a column of one's own.
ALTER TABLE dynamo_tables."Orders" ADD COLUMN order_id text GENERATED ALWAYS AS (item ->> 'OrderId') STORED UNIQUE;
CREATE TABLE parcel (order_id text REFERENCES dynamo_tables."Orders" (order_id));
INSERT INTO parcel VALUES ('o1');
INSERT INTO parcel VALUES ('o9');
SELECT dynamo.delete_item('Orders', '{"OrderId":{"S":"o1"}}');
SELECT dynamo.delete_item('Orders', '{"OrderId":{"S":"o3"}}', return_values => 'ALL_OLD');

DROP TABLE parcel, customer;
DROP TABLE dynamo_tables."Orders";
