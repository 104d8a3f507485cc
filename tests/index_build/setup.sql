-- A table of scores, what clients do to it, and what must be true of its indexes.

-- Some have no team, some a team of another type, some no points: a sparse index leaves them out.
CREATE OR REPLACE FUNCTION score(game int, team int, points int) RETURNS dynamo.item
    LANGUAGE sql IMMUTABLE
AS $$
    SELECT json_strip_nulls(json_build_object(
        'Game', json_build_object('N', game::text),
        'Team', CASE team % 10 WHEN 0 THEN NULL WHEN 1 THEN json_build_object('N', team::text) ELSE json_build_object('S', 'team ' || team) END,
        'Points', CASE points % 7 WHEN 0 THEN NULL ELSE json_build_object('N', points::text) END,
        'Rank', json_build_object('N', (points / 10)::text),
        'Note', json_build_object('S', repeat('x', 200))))::dynamo.item
$$;

CREATE OR REPLACE FUNCTION play(choice int, game int, team int, points int) RETURNS void
    LANGUAGE plpgsql
AS $$
DECLARE
    key dynamo.item := json_build_object('Game', json_build_object('N', game::text))::dynamo.item;
BEGIN
    CASE choice
        WHEN 1, 2 THEN
            BEGIN
                PERFORM dynamo.put_item('Scores', score(game, team, points));
            EXCEPTION
                -- An index is there, and the API refuses a key of another type; plain SQL leaves it out.
                WHEN SQLSTATE 'DY001' THEN
                    INSERT INTO dynamo_tables."Scores" (item) VALUES (score(game, team, points))
                    ON CONFLICT (pk_hash, pk, sk) DO UPDATE SET item = excluded.item;
            END;
        WHEN 3 THEN PERFORM dynamo.delete_item('Scores', key);
        WHEN 4 THEN UPDATE dynamo_tables."Scores" SET item = score(game, team, points)
                    WHERE (pk_hash, pk, sk) = (SELECT s.pk_hash, s.pk, s.sk FROM dynamo_tables."Scores" AS s OFFSET 0 LIMIT 1) AND item ->> 'Game' = game::text;
        WHEN 5 THEN
            -- A transaction that holds a row for a while, and half of them in vain.
            PERFORM dynamo.update_item('Scores', key, 'SET Note = :n', expression_attribute_values => '{":n": {"S": "held"}}');
            PERFORM pg_sleep(0.02);
            IF points % 2 = 0 THEN RAISE EXCEPTION USING ERRCODE = 'ZZ001'; END IF;
        ELSE
            PERFORM dynamo.update_item('Scores', key, 'SET Points = :p, Team = :t', expression_attribute_values =>
                json_build_object(':p', json_build_object('N', points::text), ':t', json_build_object('S', 'team ' || team))::dynamo.item);
    END CASE;
EXCEPTION
    -- DY001: an update leaves the item with a key that the API does not write.
    WHEN SQLSTATE 'ZZ001' OR SQLSTATE 'DY001' THEN NULL;
END
$$;

-- `keys` are names and types of the HASH and the RANGE attribute: 'Team S Points N'.
CREATE OR REPLACE FUNCTION create_index(name text, keys text) RETURNS text
    LANGUAGE sql
AS $$
    WITH parts AS (SELECT * FROM (VALUES (split_part(keys, ' ', 1), split_part(keys, ' ', 2), 'HASH'), (split_part(keys, ' ', 3), split_part(keys, ' ', 4), 'RANGE')) AS p (a, t, k) WHERE a <> '')
    SELECT dynamo.update_table(json_build_object(
        'TableName', 'Scores',
        'AttributeDefinitions', (SELECT json_agg(json_build_object('AttributeName', a, 'AttributeType', t)) FROM parts),
        'GlobalSecondaryIndexUpdates', json_build_array(json_build_object('Create', json_build_object(
            'IndexName', name,
            'KeySchema', (SELECT json_agg(json_build_object('AttributeName', a, 'KeyType', k)) FROM parts),
            'Projection', json_build_object('ProjectionType', 'ALL'))))))
        #>> '{TableDescription,TableStatus}'
$$;

CREATE OR REPLACE FUNCTION delete_index(name text) RETURNS text
    LANGUAGE sql
AS $$
    SELECT dynamo.update_table(json_build_object('TableName', 'Scores', 'GlobalSecondaryIndexUpdates',
        json_build_array(json_build_object('Delete', json_build_object('IndexName', name))))) #>> '{TableDescription,TableStatus}'
$$;

-- Rows whose columns are not those that a table gives them which was made with the index.
CREATE OR REPLACE FUNCTION wrong_columns(keys text) RETURNS bigint
    LANGUAGE plpgsql
AS $$
DECLARE
    hash text := split_part(keys, ' ', 1);
    range text := nullif(split_part(keys, ' ', 3), '');
    wrong bigint;
BEGIN
    PERFORM dynamo.create_table(json_strip_nulls(json_build_object(
        'TableName', 'Again', 'BillingMode', 'PAY_PER_REQUEST',
        'AttributeDefinitions', (SELECT json_agg(json_build_object('AttributeName', a, 'AttributeType', t))
            FROM (VALUES ('Game', 'N'), (hash, split_part(keys, ' ', 2)), (range, split_part(keys, ' ', 4))) AS d (a, t) WHERE a IS NOT NULL),
        'KeySchema', json_build_array(json_build_object('AttributeName', 'Game', 'KeyType', 'HASH')),
        'GlobalSecondaryIndexes', json_build_array(json_build_object('IndexName', 'Same',
            'KeySchema', (SELECT json_agg(json_build_object('AttributeName', a, 'KeyType', t)) FROM (VALUES (hash, 'HASH'), (range, 'RANGE')) AS d (a, t) WHERE a IS NOT NULL),
            'Projection', json_build_object('ProjectionType', 'ALL'))))));
    INSERT INTO dynamo_tables."Again" (item) SELECT item FROM dynamo_tables."Scores";
    SELECT count(*) INTO wrong
    FROM dynamo_tables."Scores" AS s FULL JOIN dynamo_tables."Again" AS a USING (pk_hash, pk, sk)
    WHERE (s.item, s.index_1_pk, s.index_1_sk) IS DISTINCT FROM (a.item, a.index_1_pk, a.index_1_sk);
    PERFORM dynamo.delete_table('Again');
    RETURN wrong;
END
$$;

-- Rows that the btree has and the table has not, and the other way round.
CREATE OR REPLACE FUNCTION missing_entries(keys text) RETURNS bigint
    LANGUAGE plpgsql
AS $$
DECLARE
    by_index tid[];
    by_table tid[];
BEGIN
    SET LOCAL enable_seqscan = off;
    SET LOCAL enable_bitmapscan = off;
    SELECT array_agg(ctid ORDER BY ctid) INTO by_index FROM (
        SELECT ctid FROM dynamo_tables."Scores" WHERE index_1_pk IS NOT NULL ORDER BY index_1_pk, index_1_sk, pk_hash, pk, sk) AS s;
    SET LOCAL enable_seqscan = on;
    SET LOCAL enable_indexscan = off;
    SET LOCAL enable_indexonlyscan = off;
    SELECT array_agg(ctid ORDER BY ctid) INTO by_table FROM dynamo_tables."Scores"
    WHERE item::json -> split_part(keys, ' ', 1) -> split_part(keys, ' ', 2) IS NOT NULL
      AND (split_part(keys, ' ', 3) = '' OR item::json -> split_part(keys, ' ', 3) -> split_part(keys, ' ', 4) IS NOT NULL);
    RETURN (SELECT count(*) FROM (
        (SELECT unnest(by_index) EXCEPT SELECT unnest(by_table)) UNION ALL (SELECT unnest(by_table) EXCEPT SELECT unnest(by_index))) AS d);
END
$$;

-- Waits for a backfill to begin, and then holds rows that it has not reached yet.
CREATE OR REPLACE FUNCTION hold_some_rows() RETURNS void
    LANGUAGE plpgsql
AS $$
BEGIN
    WHILE NOT EXISTS (SELECT FROM dynamo.index_builds WHERE phase = 'backfill') LOOP
        PERFORM pg_sleep(0.001);
    END LOOP;
    PERFORM FROM dynamo_tables."Scores"
    WHERE ctid >= format('(%s,0)', pg_relation_size('dynamo_tables."Scores"') / 8192 * 9 / 10)::tid
      AND ctid < format('(%s,0)', pg_relation_size('dynamo_tables."Scores"') / 8192 * 9 / 10 + 3)::tid FOR UPDATE SKIP LOCKED;
    PERFORM pg_sleep(600);
END
$$;

-- amcheck raises an error when the index is wrong, or lacks a row.
CREATE OR REPLACE FUNCTION check_index(index oid) RETURNS boolean
    LANGUAGE plpgsql
AS $$
BEGIN
    PERFORM bt_index_parent_check(index::regclass, true);
    RETURN true;
END
$$;

SELECT dynamo.create_table('Scores', partition_key => 'Game', partition_key_type => 'N');
INSERT INTO dynamo_tables."Scores" (item)
SELECT score(n, n % 500, n % 1000) FROM generate_series(1, :items) AS n;
