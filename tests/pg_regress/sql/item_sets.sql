-- dynamo.query and dynamo.scan in FROM: plans, cursors that outlive their transaction or role, policies, memory.
SELECT dynamo.create_table('Discs', 'Artist', sort_key => 'Track', sort_key_type => 'N') IS NOT NULL AS created;

-- Plans of an empty table that was never analysed. No name of the extension was used in this session before.
\c -
EXPLAIN (COSTS OFF) SELECT item FROM dynamo.scan('Discs') LIMIT 1;
EXPLAIN (COSTS OFF) SELECT item FROM dynamo.query('Discs', 'Artist = :a AND Track BETWEEN :x AND :y',
    filter_expression => 'size(Title) > :x', expression_attribute_values => '{":a":{"S":"x"},":x":{"N":"5"},":y":{"N":"9"}}')
ORDER BY item -> 'Track' DESC;
EXPLAIN (COSTS OFF, FORMAT json) SELECT item FROM dynamo.scan('Discs', segment => 1, total_segments => 4);

INSERT INTO dynamo_tables."Discs" (item)
SELECT format('{"Artist":{"S":"a%s"},"Track":{"N":"%s"},"Title":{"S":"%s"}}', i % 2, i, repeat('t', 200))::dynamo.item
FROM generate_series(1, 20000) AS i;

EXPLAIN (COSTS OFF, ANALYZE, TIMING OFF, SUMMARY OFF)
SELECT item ->> 'Track' FROM dynamo.query('Discs', 'Artist = :a AND Track > :x', expression_attribute_values => '{":a":{"S":"a1"},":x":{"N":"9000"}}')
ORDER BY item -> 'Artist', item -> 'Track' LIMIT 3;
-- A nested loop begins anew for each of its outer rows.
EXPLAIN (COSTS OFF, ANALYZE, TIMING OFF, SUMMARY OFF)
SELECT d.item ->> 'Track' FROM generate_series(1, 3) AS i, LATERAL dynamo.query('Discs', 'Artist = :a AND Track = :x',
    expression_attribute_values => format('{":a":{"S":"a1"},":x":{"N":"%s"}}', i)::dynamo.item) AS d;

-- A cursor that is held reads to its end at COMMIT.
BEGIN;
DECLARE held CURSOR WITH HOLD FOR SELECT item ->> 'Track' FROM dynamo.query('Discs', 'Artist = :a AND Track < :x',
    expression_attribute_values => '{":a":{"S":"a1"},":x":{"N":"8"}}');
FETCH 1 FROM held;
COMMIT;
FETCH ALL FROM held;
CLOSE held;
-- An error below a cursor leaves nothing behind.
BEGIN;
DECLARE open CURSOR FOR SELECT item ->> 'Track' AS track FROM dynamo.scan('Discs');
FETCH 1 FROM open \gset
SAVEPOINT s;
DECLARE inner_one CURSOR FOR SELECT item ->> 'Track' AS track FROM dynamo.scan('Discs');
FETCH 1 FROM inner_one \gset
SELECT 1 / 0;
ROLLBACK TO s;
MOVE 10 FROM open;
SELECT * FROM dynamo.query('Discs', 'Artist = :a') LIMIT 1;
ROLLBACK;

-- Through row-level security a statement reads, and stops as early. A cursor of a SECURITY DEFINER function reads what
-- its owner may, whoever fetches.
CREATE ROLE regress_listener;
CREATE ROLE regress_curator;
GRANT SELECT ON dynamo_tables."Discs" TO regress_listener, regress_curator;
CREATE POLICY early ON dynamo_tables."Discs" TO regress_listener USING (dynamo_tables."Discs".item -> 'Track' < '{"N":"6"}');
CREATE POLICY everything ON dynamo_tables."Discs" TO regress_curator USING (true);
CREATE FUNCTION curated() RETURNS refcursor LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE c refcursor := 'curated';
BEGIN
    OPEN c FOR SELECT item ->> 'Track' AS track FROM dynamo.query('Discs', 'Artist = :a AND Track > :x',
        expression_attribute_values => '{":a":{"S":"a1"},":x":{"N":"100"}}');
    RETURN c;
END $$;
ALTER FUNCTION curated OWNER TO regress_curator;
ALTER TABLE dynamo_tables."Discs" ENABLE ROW LEVEL SECURITY;
SET ROLE regress_listener;
SELECT item ->> 'Track' AS track FROM dynamo.query('Discs', 'Artist = :a', expression_attribute_values => '{":a":{"S":"a1"}}');
EXPLAIN (COSTS OFF, ANALYZE, TIMING OFF, SUMMARY OFF)
SELECT item FROM dynamo.query('Discs', 'Artist = :a', expression_attribute_values => '{":a":{"S":"a1"}}') LIMIT 2;
BEGIN;
DECLARE held CURSOR WITH HOLD FOR SELECT item ->> 'Track' AS track FROM dynamo.query('Discs', 'Artist = :a',
    expression_attribute_values => '{":a":{"S":"a1"}}');
FETCH 1 FROM held;
COMMIT;
FETCH ALL FROM held;
CLOSE held;
SELECT * FROM dynamo.explain('Query', '{"TableName":"Discs","KeyConditionExpression":"Artist = :a","Limit":20,
    "ExpressionAttributeValues":{":a":{"S":"a1"}}}');
RESET ROLE;
ALTER TABLE dynamo_tables."Discs" DISABLE ROW LEVEL SECURITY;
REVOKE SELECT ON dynamo_tables."Discs" FROM regress_listener;
SET ROLE regress_listener;
BEGIN;
SELECT curated();
FETCH 2 FROM curated;
COMMIT;
SELECT item FROM dynamo.scan('Discs') LIMIT 1;
RESET ROLE;
-- EXECUTE on the function is asked for, as for any function.
REVOKE EXECUTE ON FUNCTION dynamo.scan(text, text, text, json, dynamo.item, text, integer, integer, dynamo.item) FROM PUBLIC;
SET ROLE regress_curator;
SELECT item FROM dynamo.scan('Discs') LIMIT 1;
RESET ROLE;
GRANT EXECUTE ON FUNCTION dynamo.scan(text, text, text, json, dynamo.item, text, integer, integer, dynamo.item) TO PUBLIC;

-- A request where the name of a table is expected.
SELECT item FROM dynamo.scan('{"TableName":"Discs"}');

-- What a row leaves behind is freed with it: reading all items costs no more memory than reading a few.
CREATE FUNCTION pg_temp.memory() RETURNS bigint LANGUAGE sql AS
    $$ SELECT sum(total_bytes)::bigint FROM pg_catalog.pg_backend_memory_contexts $$;
BEGIN;
DECLARE many CURSOR FOR SELECT item FROM dynamo.scan('Discs', filter_expression => 'size(Title) > :n',
    projection_expression => 'Title', expression_attribute_values => '{":n":{"N":"1"}}');
MOVE 100 FROM many;
SELECT pg_temp.memory() AS before \gset
MOVE 15000 FROM many;
SELECT pg_temp.memory() - :before < 100000 AS flat;
COMMIT;
DROP FUNCTION curated;
SELECT dynamo.delete_table('Discs') IS NOT NULL AS dropped;
DROP ROLE regress_listener, regress_curator;
