-- A hundred accounts among many other items, transfers between them, and what must be true of every copy.
CREATE TABLE journal (id bigserial PRIMARY KEY);

-- Every third item has no team, so an index leaves it out; every five hundredth lies out of line.
CREATE FUNCTION filler(n int, version int) RETURNS dynamo.item
    LANGUAGE sql IMMUTABLE
AS $$
    SELECT json_strip_nulls(json_build_object(
        'Owner', json_build_object('S', 'filler ' || n / 10),
        'Entry', json_build_object('N', n::text),
        'Team', CASE n % 3 WHEN 0 THEN NULL ELSE json_build_object('S', 'team ' || (n + version) % 1000) END,
        'Points', json_build_object('N', ((n * 7 + version) % 10007)::text),
        'Note', json_build_object('S', repeat('x', CASE n % 500 WHEN 0 THEN 9000 ELSE 120 END))))::dynamo.item
$$;

CREATE FUNCTION account_key(n int) RETURNS dynamo.item
    LANGUAGE sql IMMUTABLE
AS $$ SELECT json_build_object('Owner', json_build_object('S', 'account ' || n), 'Entry', json_build_object('N', '0'))::dynamo.item $$;

SELECT dynamo.create_table('{"TableName": "Bank", "BillingMode": "PAY_PER_REQUEST",
    "AttributeDefinitions": [{"AttributeName": "Owner", "AttributeType": "S"}, {"AttributeName": "Entry", "AttributeType": "N"},
        {"AttributeName": "Team", "AttributeType": "S"}, {"AttributeName": "Points", "AttributeType": "N"}],
    "KeySchema": [{"AttributeName": "Owner", "KeyType": "HASH"}, {"AttributeName": "Entry", "KeyType": "RANGE"}],
    "LocalSecondaryIndexes": [{"IndexName": "ByPoints", "Projection": {"ProjectionType": "ALL"},
        "KeySchema": [{"AttributeName": "Owner", "KeyType": "HASH"}, {"AttributeName": "Points", "KeyType": "RANGE"}]}],
    "GlobalSecondaryIndexes": [{"IndexName": "ByTeam", "Projection": {"ProjectionType": "ALL"},
        "KeySchema": [{"AttributeName": "Team", "KeyType": "HASH"}, {"AttributeName": "Points", "KeyType": "RANGE"}]}]}'::json) IS NOT NULL;
INSERT INTO dynamo_tables."Bank" (item) SELECT filler(n, 0) FROM generate_series(1, :items) AS n;
SELECT count(dynamo.put_item('Bank', json_build_object('Owner', json_build_object('S', 'account ' || n),
    'Entry', json_build_object('N', '0'), 'Balance', json_build_object('N', '1000'))::dynamo.item))
FROM generate_series(1, 100) AS n;
VACUUM ANALYZE dynamo_tables."Bank";

-- Moves money in one transaction, which also stores an item that says so. Some move it twice, or take a move back.
CREATE FUNCTION transfer(source int, target int, amount int) RETURNS void
    LANGUAGE plpgsql
AS $$
DECLARE
    number bigint;
    low int := least(source, target);
    high int := greatest(source, target);
    change int := CASE WHEN source < target THEN -amount ELSE amount END;
BEGIN
    IF source = target THEN RETURN; END IF;
    INSERT INTO journal DEFAULT VALUES RETURNING id INTO number;
    PERFORM dynamo.update_item('Bank', account_key(low), 'ADD Balance :n',
        expression_attribute_values => json_build_object(':n', json_build_object('N', change::text))::dynamo.item);
    IF amount % 5 = 0 THEN
        BEGIN
            PERFORM dynamo.update_item('Bank', account_key(low), 'ADD Balance :n', expression_attribute_values => '{":n": {"N": "100000"}}');
            RAISE EXCEPTION USING ERRCODE = 'ZZ001';
        EXCEPTION WHEN SQLSTATE 'ZZ001' THEN NULL;
        END;
    END IF;
    IF amount % 7 = 0 THEN PERFORM pg_sleep(0.01); END IF;
    PERFORM dynamo.update_item('Bank', account_key(high), 'ADD Balance :n',
        expression_attribute_values => json_build_object(':n', json_build_object('N', (-change)::text))::dynamo.item);
    PERFORM dynamo.put_item('Bank', json_build_object('Owner', json_build_object('S', 'transfer'),
        'Entry', json_build_object('N', number::text), 'Low', json_build_object('N', low::text), 'High', json_build_object('N', high::text),
        'Change', json_build_object('N', change::text))::dynamo.item);
    -- A third of them are in vain.
    IF amount % 3 = 0 THEN RAISE EXCEPTION USING ERRCODE = 'ZZ001'; END IF;
EXCEPTION WHEN SQLSTATE 'ZZ001' THEN NULL;
END
$$;

CREATE FUNCTION churn(choice int, n int, version int) RETURNS void
    LANGUAGE plpgsql
AS $$
BEGIN
    CASE choice
        WHEN 1 THEN PERFORM dynamo.delete_item('Bank', json_build_object('Owner', json_build_object('S', 'filler ' || n / 10), 'Entry', json_build_object('N', n::text))::dynamo.item);
        WHEN 2 THEN INSERT INTO dynamo_tables."Bank" (item) VALUES (filler(n, version)) ON CONFLICT (pk_hash, pk, sk) DO UPDATE SET item = excluded.item;
        ELSE PERFORM dynamo.put_item('Bank', filler(n, version));
    END CASE;
END
$$;

-- The balances of a copy are what the transfers in it make of a thousand each: every transaction is in it whole, or not.
CREATE FUNCTION is_whole(copy regclass) RETURNS boolean
    LANGUAGE plpgsql
AS $$
DECLARE
    answer boolean;
BEGIN
    EXECUTE format($q$
        WITH item AS MATERIALIZED (SELECT item FROM %1$s WHERE item ->> 'Owner' ~ '^(account|transfer)'),
        moved AS (
            SELECT 'account ' || (item ->> 'Low') AS owner, (item ->> 'Change')::int AS change FROM item WHERE item ->> 'Owner' = 'transfer'
            UNION ALL SELECT 'account ' || (item ->> 'High'), -(item ->> 'Change')::int FROM item WHERE item ->> 'Owner' = 'transfer')
        SELECT count(*) = 100 AND sum(balance) = 100000
            AND bool_and(balance = 1000 + coalesce((SELECT sum(change) FROM moved WHERE moved.owner = account.owner), 0))
        FROM (SELECT item ->> 'Owner' AS owner, (item ->> 'Balance')::int AS balance FROM item WHERE item ->> 'Owner' ~ '^account') AS account
    $q$, copy) INTO answer;
    RETURN answer;
END
$$;

CREATE FUNCTION differences(one regclass, other regclass) RETURNS bigint
    LANGUAGE plpgsql
AS $$
DECLARE
    answer bigint;
BEGIN
    EXECUTE format('SELECT count(*) FROM (SELECT md5(item::text) FROM %1$s EXCEPT ALL SELECT md5(item::text) FROM %2$s) AS a', one, other) INTO answer;
    IF answer = 0 THEN
        EXECUTE format('SELECT count(*) FROM (SELECT md5(item::text) FROM %2$s EXCEPT ALL SELECT md5(item::text) FROM %1$s) AS a', one, other) INTO answer;
    END IF;
    RETURN answer;
END
$$;

-- Columns of keys and indexes are those that a fresh insert derives, and each index finds what it should.
CREATE FUNCTION is_indexed(restored text) RETURNS boolean
    LANGUAGE plpgsql
AS $$
DECLARE
    wrong bigint;
    found bigint;
    wanted bigint;
BEGIN
    EXECUTE format('CREATE TEMP TABLE derived ON COMMIT DROP AS SELECT pk_hash, pk, sk, index_1_sk, index_2_pk, index_2_sk FROM dynamo_tables.%I', restored);
    EXECUTE format('UPDATE dynamo_tables.%I SET index_1_sk = NULL, index_2_pk = NULL, index_2_sk = NULL, pk_hash = 0', restored);
    EXECUTE format('SELECT count(*) FROM (SELECT * FROM derived EXCEPT ALL SELECT pk_hash, pk, sk, index_1_sk, index_2_pk, index_2_sk FROM dynamo_tables.%I) AS d', restored) INTO wrong;
    EXECUTE format('SELECT count(*) FROM dynamo.scan(%L, index_name => ''ByTeam'')', restored) INTO found;
    EXECUTE format('SELECT count(*) FROM dynamo_tables.%I WHERE item ? ''Team''', restored) INTO wanted;
    RETURN wrong = 0 AND found = wanted AND wanted > 0
        AND (SELECT count(*) FROM pg_index WHERE indrelid = format('dynamo_tables.%I', restored)::regclass AND indisvalid) = 3
        AND (SELECT count(*) FROM pg_constraint WHERE conrelid = format('dynamo_tables.%I', restored)::regclass AND contype = 'p') = 1;
END
$$;

-- What is seen of locks on the table: those that the worker has, and how many sessions wait for one, for whomever but a
-- VACUUM that cuts off empty pages.
CREATE TABLE seen (of_worker text[], waiting bigint, transfers bigint);
CREATE FUNCTION watch() RETURNS void
    LANGUAGE sql
AS $$
    WITH lock AS MATERIALIZED (
        SELECT l.pid, l.mode, l.granted, a.backend_type FROM pg_locks AS l JOIN pg_stat_activity AS a USING (pid)
        WHERE l.locktype = 'relation' AND l.relation = 'dynamo_tables."Bank"'::regclass)
    INSERT INTO seen SELECT
        (SELECT array_agg(mode) FROM lock WHERE granted AND backend_type = 'pg_dynamo backups'),
        (SELECT count(*) FROM lock WHERE NOT granted AND NOT EXISTS (
            SELECT FROM unnest(pg_blocking_pids(lock.pid)) AS b JOIN pg_stat_activity AS a ON a.pid = b WHERE a.backend_type = 'autovacuum worker')),
        (SELECT last_value FROM journal_id_seq)
$$;

CREATE FUNCTION table_status(name text) RETURNS text
    LANGUAGE sql
AS $$ SELECT dynamo.describe_table(name) #>> '{Table,TableStatus}' $$;

CREATE FUNCTION backup_arn(id text) RETURNS text
    LANGUAGE sql
AS $$ SELECT b ->> 'BackupArn' FROM json_array_elements(dynamo.list_backups('{"BackupType": "ALL"}') -> 'BackupSummaries') AS b WHERE b ->> 'BackupArn' ~ id $$;

CREATE FUNCTION small_table(name text) RETURNS void
    LANGUAGE plpgsql
AS $$
BEGIN
    PERFORM dynamo.create_table(name, 'Id');
END
$$;

CREATE FUNCTION put(name text, id text, n int) RETURNS void
    LANGUAGE plpgsql
AS $$
BEGIN
    PERFORM dynamo.put_item(name, json_build_object('Id', json_build_object('S', id), 'N', json_build_object('N', n::text))::dynamo.item);
END
$$;

-- Changes the item once more, and another one too.
CREATE FUNCTION again() RETURNS trigger
    LANGUAGE plpgsql
AS $$
BEGIN
    PERFORM put('Small', coalesce(NEW.item, OLD.item) ->> 'Id', 998);
    PERFORM put('Small', 'b', 999);
    RETURN NULL;
END
$$;

-- Of the items a and b, puts back the one that is not there.
CREATE FUNCTION put_other_back() RETURNS trigger
    LANGUAGE plpgsql
AS $$
DECLARE
    other text := CASE OLD.item ->> 'Id' WHEN 'a' THEN 'b' ELSE 'a' END;
BEGIN
    IF NOT EXISTS (SELECT FROM dynamo_tables."Small" WHERE item ->> 'Id' = other) THEN
        PERFORM put('Small', other, -1);
    END IF;
    RETURN NULL;
END
$$;
