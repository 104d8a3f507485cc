-- Tables, counters and the calls that the clients repeat. Each call is one transaction, so what it notes
-- down (tally, balance) is committed exactly when its write is.

SELECT count(dynamo.create_table(name, partition_key => 'k'))
FROM unnest(ARRAY['Counter', 'Traced', 'Trace', 'Patient', 'Versions', 'Churn', 'Batch', 'Batch2', 'Shared', 'Shared2']) AS name;

CREATE FUNCTION item(VARIADIC pairs text[]) RETURNS dynamo.item
    LANGUAGE sql IMMUTABLE
AS $$
    SELECT json_object_agg(pairs[i], json_build_object(CASE WHEN pairs[i + 1] ~ '^-?[0-9]+$' THEN 'N' ELSE 'S' END, pairs[i + 1]))::dynamo.item
    FROM generate_series(1, array_length(pairs, 1), 2) AS i
$$;

CREATE FUNCTION add_one(name text) RETURNS void
    LANGUAGE sql
AS $$ SELECT dynamo.update_item(name, item('k', 'hot'), 'ADD n :one', expression_attribute_values => item(':one', '1')) $$;

CREATE FUNCTION total(name text) RETURNS bigint
    LANGUAGE sql
AS $$ SELECT coalesce((dynamo.get_item(name, item('k', 'hot')) ->> 'n')::bigint, 0) $$;

-- A counter whose writes a trigger counts in another table and a second trigger stamps.
CREATE FUNCTION stamp() RETURNS trigger
    LANGUAGE plpgsql
AS $$
BEGIN
    NEW.item := (NEW.item::jsonb || item('by', 'trigger')::jsonb)::dynamo.item;
    RETURN NEW;
END
$$;
CREATE TRIGGER stamp BEFORE INSERT OR UPDATE ON dynamo_tables."Traced" FOR EACH ROW EXECUTE FUNCTION stamp();
CREATE FUNCTION trace() RETURNS trigger
    LANGUAGE plpgsql
AS $$
BEGIN
    PERFORM add_one('Trace');
    RETURN NULL;
END
$$;
CREATE TRIGGER trace AFTER INSERT OR UPDATE ON dynamo_tables."Traced" FOR EACH ROW EXECUTE FUNCTION trace();

-- Optimistic locking: read the version, write the next one if it still is that. A version won twice is an
-- update lost, and a primary key violated.
CREATE TABLE won (k text, version bigint, PRIMARY KEY (k, version));
CREATE FUNCTION next_version(key text) RETURNS void
    LANGUAGE plpgsql
AS $$
DECLARE
    seen bigint := (dynamo.get_item('Versions', item('k', key)) ->> 'v')::bigint;
BEGIN
    IF seen IS NULL THEN
        PERFORM dynamo.put_item('Versions', item('k', key, 'v', '1'), 'attribute_not_exists(k)');
    ELSIF seen % 2 = 0 THEN
        PERFORM dynamo.put_item('Versions', item('k', key, 'v', (seen + 1)::text), 'v = :seen',
            expression_attribute_values => item(':seen', seen::text));
    ELSE
        PERFORM dynamo.update_item('Versions', item('k', key), 'SET v = v + :one', 'v = :seen',
            expression_attribute_values => item(':seen', seen::text, ':one', '1'));
    END IF;
    INSERT INTO won VALUES (key, coalesce(seen, 0) + 1);
EXCEPTION
    WHEN SQLSTATE 'DY005' THEN NULL; -- somebody else was first
END
$$;

-- Puts, updates and deletes of everything by everyone. The old image that each returns says whether it made
-- or removed the item; a key's sum of both is 1 when the item is there in the end and 0 when it is not.
CREATE TABLE balance (k text, change int);
CREATE FUNCTION churn(key text, choice int) RETURNS void
    LANGUAGE plpgsql
AS $$
DECLARE
    old dynamo.item;
BEGIN
    CASE choice
        WHEN 0 THEN
            old := dynamo.put_item('Churn', item('k', key, 'n', (random() * 1000)::int::text), return_values => 'ALL_OLD');
            INSERT INTO balance SELECT key, 1 WHERE old IS NULL;
        WHEN 1 THEN
            old := dynamo.update_item('Churn', item('k', key), 'ADD n :one', expression_attribute_values => item(':one', '1'), return_values => 'ALL_OLD');
            INSERT INTO balance SELECT key, 1 WHERE old IS NULL;
        WHEN 2 THEN
            old := dynamo.delete_item('Churn', item('k', key), return_values => 'ALL_OLD');
            INSERT INTO balance SELECT key, -1 WHERE old IS NOT NULL;
        WHEN 3 THEN
            PERFORM dynamo.put_item('Churn', item('k', key, 'n', '0'), 'attribute_not_exists(k)');
            INSERT INTO balance VALUES (key, 1);
        WHEN 4 THEN
            PERFORM dynamo.delete_item('Churn', item('k', key), 'attribute_exists(k)');
            INSERT INTO balance VALUES (key, -1);
        ELSE
            PERFORM dynamo.update_item('Churn', item('k', key), 'SET touched = :one', 'attribute_exists(k)', expression_attribute_values => item(':one', '1'));
    END CASE;
EXCEPTION
    -- Only a write with a condition may be refused.
    WHEN SQLSTATE 'DY005' THEN
        IF choice < 3 THEN RAISE EXCEPTION 'a write without a condition was refused'; END IF;
END
$$;

-- Batches of hot keys of two tables, in any order, puts and deletes mixed, among single writes of the same items.
CREATE FUNCTION batch(choice int) RETURNS void
    LANGUAGE plpgsql
AS $$
DECLARE
    request json;
BEGIN
    IF choice = 0 THEN
        PERFORM dynamo.put_item('Batch', item('k', 'key' || (random() * 9)::int, 'n', (random() * 99)::int::text));
    ELSIF choice = 1 THEN
        PERFORM dynamo.update_item('Batch2', item('k', 'key' || (random() * 9)::int), 'ADD n :one', expression_attribute_values => item(':one', '1'));
    ELSIF choice = 2 THEN
        PERFORM dynamo.delete_item('Batch', item('k', 'key' || (random() * 9)::int));
    ELSE
        SELECT json_object_agg(name, requests ORDER BY random()) INTO request
        FROM (SELECT name,
                  json_agg(CASE WHEN random() < 0.5
                      THEN json_build_object('DeleteRequest', json_build_object('Key', item('k', key)))
                      ELSE json_build_object('PutRequest', json_build_object('Item', item('k', key, 'n', (random() * 99)::int::text))) END
                      ORDER BY random()) AS requests
              FROM (SELECT name, 'key' || n AS key FROM unnest(ARRAY['Batch', 'Batch2']) AS name, generate_series(0, 9) AS n
                    ORDER BY random() LIMIT 12) AS keys
              GROUP BY name) AS tables;
        PERFORM dynamo.batch_write_item(json_build_object('RequestItems', request));
    END IF;
END
$$;

-- Calls of several requests that count up hot keys of two tables. One that waits too long for a row ends its call.
CREATE TABLE shared_done (writes int);
CREATE VIEW shared_items AS SELECT item FROM dynamo_tables."Shared" UNION ALL SELECT item FROM dynamo_tables."Shared2";
CREATE FUNCTION shared_call() RETURNS void
    LANGUAGE plpgsql
AS $$
BEGIN
    INSERT INTO shared_done
    SELECT count(*) FILTER (WHERE a.status = 200)
    FROM (SELECT array_agg('UpdateItem'::text) AS operations,
                 array_agg(convert_to(json_build_object('TableName', name, 'Key', item('k', key), 'UpdateExpression', 'ADD n :one',
                     'ExpressionAttributeValues', item(':one', '1'))::text, 'UTF8') ORDER BY random()) AS bodies
          FROM (SELECT name, 'key' || n AS key FROM unnest(ARRAY['Shared', 'Shared2']) AS name, generate_series(0, 9) AS n
                ORDER BY random() LIMIT 12) AS keys) AS call,
         dynamo.handle_batch(operations, bodies) AS a;
EXCEPTION
    WHEN lock_not_available THEN NULL;
END
$$;

-- Everybody creates, uses and drops two tables. Answers that a client of DynamoDB would get are fine.
CREATE TABLE surprise (sqlstate text, message text);
CREATE FUNCTION upheaval(name text, choice int) RETURNS void
    LANGUAGE plpgsql
AS $$
BEGIN
    CASE choice
        WHEN 0 THEN PERFORM dynamo.create_table(name, partition_key => 'k');
        WHEN 1 THEN PERFORM dynamo.delete_table(name);
        WHEN 2 THEN EXECUTE format('DROP TABLE IF EXISTS dynamo_tables.%I', name);
        WHEN 3 THEN PERFORM dynamo.update_table(name, deletion_protection_enabled => false);
        WHEN 4 THEN PERFORM dynamo.update_item(name, item('k', 'hot'), 'ADD n :one', expression_attribute_values => item(':one', '1'));
        ELSE PERFORM dynamo.put_item(name, item('k', 'hot', 'n', '1'));
    END CASE;
EXCEPTION
    WHEN SQLSTATE 'DY003' OR SQLSTATE 'DY004' THEN NULL;
    WHEN OTHERS THEN INSERT INTO surprise VALUES (SQLSTATE, SQLERRM);
END
$$;
