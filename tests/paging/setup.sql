-- 10,000 items of one partition that stay, and room between them for others that come and go. Scores and games repeat, so
-- equal keys of an index lie side by side everywhere.
SELECT dynamo.create_table('{"TableName": "Pages", "BillingMode": "PAY_PER_REQUEST",
    "AttributeDefinitions": [{"AttributeName": "User", "AttributeType": "S"}, {"AttributeName": "Number", "AttributeType": "N"},
                             {"AttributeName": "Score", "AttributeType": "N"}, {"AttributeName": "Game", "AttributeType": "S"}],
    "KeySchema": [{"AttributeName": "User", "KeyType": "HASH"}, {"AttributeName": "Number", "KeyType": "RANGE"}],
    "LocalSecondaryIndexes": [{"IndexName": "ByScore", "Projection": {"ProjectionType": "ALL"}, "KeySchema":
        [{"AttributeName": "User", "KeyType": "HASH"}, {"AttributeName": "Score", "KeyType": "RANGE"}]}],
    "GlobalSecondaryIndexes": [{"IndexName": "ByGame", "Projection": {"ProjectionType": "ALL"}, "KeySchema":
        [{"AttributeName": "Game", "KeyType": "HASH"}, {"AttributeName": "Score", "KeyType": "RANGE"}]}]}'::json);
INSERT INTO dynamo_tables."Pages" (item)
SELECT format('{"User": {"S": "ada"}, "Number": {"N": "%s"}, "Score": {"N": "%s"}, "Game": {"S": "chess"}, "Stays": {"BOOL": true}}', i, i % 7)::dynamo.item
FROM generate_series(1, 10000) AS i;

-- Reads all pages of `index_name` (NULL: the table) with `page_size` and answers what is wrong with them, NULL when nothing is.
CREATE FUNCTION fault(index_name text, forward boolean, page_size int) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    partition text := CASE WHEN index_name = 'ByGame' THEN 'Game' ELSE 'User' END;
    sort text := CASE WHEN index_name IS NULL THEN 'Number' ELSE 'Score' END;
    request jsonb := jsonb_strip_nulls(jsonb_build_object('TableName', 'Pages', 'IndexName', index_name, 'ScanIndexForward', forward,
        'Limit', page_size, 'KeyConditionExpression', '#p = :p', 'ProjectionExpression', '#n, #s, Stays',
        'ExpressionAttributeNames', jsonb_build_object('#p', partition, '#n', 'Number', '#s', 'Score'),
        'ExpressionAttributeValues', jsonb_build_object(':p', jsonb_build_object('S', CASE partition WHEN 'Game' THEN 'chess' ELSE 'ada' END))));
    seen bit(10001) := repeat('0', 10001)::bit(10001);
    page json;
    item json;
    stays bigint := 0;
    number numeric;
    key numeric;
    last_key numeric;
BEGIN
    LOOP
        page := dynamo.query(request::text::json);
        IF (page ->> 'ScannedCount')::int > page_size THEN
            RETURN format('a page of %s items', page ->> 'ScannedCount');
        END IF;
        FOR item IN SELECT json_array_elements(page -> 'Items') LOOP
            number := (item #>> '{Number,N}')::numeric;
            key := CASE sort WHEN 'Number' THEN number ELSE (item #>> '{Score,N}')::numeric END;
            IF (CASE WHEN forward THEN key < last_key ELSE key > last_key END) THEN
                RETURN format('%s after %s', key, last_key);
            END IF;
            last_key := key;
            IF (item ->> 'Stays') IS NOT NULL THEN
                IF get_bit(seen, number::int) = 1 THEN
                    RETURN format('item %s twice', number);
                END IF;
                seen := set_bit(seen, number::int, 1);
                stays := stays + 1;
            END IF;
        END LOOP;
        EXIT WHEN page -> 'LastEvaluatedKey' IS NULL;
        request := request || jsonb_build_object('ExclusiveStartKey', page -> 'LastEvaluatedKey');
    END LOOP;
    RETURN CASE WHEN stays <> 10000 THEN format('%s items', stays) END;
END $$;

-- Every page is a statement of its own, so it sees what others have committed meanwhile.
CREATE PROCEDURE page_through(sizes int[]) LANGUAGE plpgsql AS $$
DECLARE
    size int;
    reading record;
    found text;
BEGIN
    FOREACH size IN ARRAY sizes LOOP
        FOR reading IN SELECT * FROM (VALUES (NULL), ('ByScore'), ('ByGame')) AS i (name), (VALUES (true), (false)) AS d (forward) LOOP
            found := fault(reading.name, reading.forward, size);
            IF found IS NOT NULL THEN
                RAISE 'Limit % on % (forward: %): %', size, coalesce(reading.name, 'the table'), reading.forward, found;
            END IF;
        END LOOP;
        COMMIT;
    END LOOP;
END $$;
