-- What the cases of this suite say.
CREATE FUNCTION new_table(name text, view text, more text DEFAULT '') RETURNS text LANGUAGE sql AS $$
    SELECT dynamo.create_table(format(
        '{"TableName":%s,"BillingMode":"PAY_PER_REQUEST","KeySchema":[{"AttributeName":"pk","KeyType":"HASH"},{"AttributeName":"sk","KeyType":"RANGE"}],
          "AttributeDefinitions":[{"AttributeName":"pk","AttributeType":"S"},{"AttributeName":"sk","AttributeType":"N"}],
          "StreamSpecification":{"StreamEnabled":true,"StreamViewType":%s}%s}',
        to_json(name), to_json(view), more)::json) #>> '{TableDescription,LatestStreamArn}'
$$;
CREATE FUNCTION arn(name text) RETURNS text LANGUAGE sql AS $$
    SELECT dynamo.describe_table(json_build_object('TableName', name)) #>> '{Table,LatestStreamArn}'
$$;
CREATE FUNCTION status(name text) RETURNS text LANGUAGE sql AS $$
    SELECT dynamo.describe_table(json_build_object('TableName', name)) #>> '{Table,TableStatus}'
$$;
CREATE FUNCTION shards(arn text) RETURNS SETOF json LANGUAGE plpgsql AS $$
DECLARE
    request json := json_build_object('StreamArn', arn);
    page json;
BEGIN
    LOOP
        page := dynamo.describe_stream(request) -> 'StreamDescription';
        RETURN QUERY SELECT json_array_elements(page -> 'Shards');
        EXIT WHEN page ->> 'LastEvaluatedShardId' IS NULL;
        request := json_build_object('StreamArn', arn, 'ExclusiveStartShardId', page ->> 'LastEvaluatedShardId');
    END LOOP;
END
$$;
-- All records of a stream from TRIM_HORIZON, shard by shard, as a consumer reads them.
CREATE FUNCTION records(arn text, page int DEFAULT 1000) RETURNS TABLE (place bigint, shard text, record json)
    LANGUAGE plpgsql AS $$
DECLARE
    of_shard json;
    iterator text;
    reply json;
    one json;
    found int;
BEGIN
    place := 0;
    FOR of_shard IN SELECT s FROM shards(arn) AS s LOOP
        shard := of_shard ->> 'ShardId';
        iterator := dynamo.get_shard_iterator(json_build_object('StreamArn', arn, 'ShardId', shard,
            'ShardIteratorType', 'TRIM_HORIZON')) ->> 'ShardIterator';
        WHILE iterator IS NOT NULL LOOP
            reply := dynamo.get_records(json_build_object('ShardIterator', iterator, 'Limit', page));
            found := 0;
            FOR one IN SELECT json_array_elements(reply -> 'Records') LOOP
                place := place + 1;
                found := found + 1;
                record := one;
                RETURN NEXT;
            END LOOP;
            iterator := reply ->> 'NextShardIterator';
            EXIT WHEN found = 0;
        END LOOP;
    END LOOP;
END
$$;
-- Every record in a few words: event, key, old and new value of v.
CREATE FUNCTION told(arn text) RETURNS text LANGUAGE sql AS $$
    SELECT coalesce(string_agg(format('%s %s:%s', record ->> 'eventName', record #>> '{dynamodb,Keys,sk,N}',
               concat_ws('>', record #>> '{dynamodb,OldImage,v,N}', record #>> '{dynamodb,NewImage,v,N}')), ', ' ORDER BY place), '')
    FROM records(arn)
$$;
CREATE FUNCTION put(name text, sk int, v int) RETURNS void LANGUAGE sql AS $$
    SELECT dynamo.put_item(json_build_object('TableName', name, 'Item',
        json_build_object('pk', json_build_object('S', 'a'), 'sk', json_build_object('N', sk::text), 'v', json_build_object('N', v::text))))
$$;
CREATE FUNCTION del(name text, sk int) RETURNS void LANGUAGE sql AS $$
    SELECT dynamo.delete_item(json_build_object('TableName', name, 'Key',
        json_build_object('pk', json_build_object('S', 'a'), 'sk', json_build_object('N', sk::text))))
$$;
-- 307,200 bytes that do not compress, so that an item with them lies out of line.
CREATE FUNCTION large_text(seed int) RETURNS text LANGUAGE sql AS $$
    SELECT string_agg(md5(seed || ' ' || n), '' ORDER BY n) FROM generate_series(1, 9600) AS n
$$;
-- The one item of a table as it was after each change; no item when it was deleted.
CREATE TABLE version (n serial, table_name text, item jsonb);
-- The records of that table's stream are these changes, with the images of the view whole, and their sizes (the key has
-- 2,006 bytes and the item 309,210).
CREATE FUNCTION tells_versions(name text, view text) RETURNS text LANGUAGE sql AS $$
    WITH changes AS (
        SELECT row_number() OVER (ORDER BY n) AS place, item AS new, lag(item) OVER (ORDER BY n) AS old FROM version WHERE table_name = name),
    wanted AS (
        SELECT place, CASE WHEN old IS NULL THEN 'INSERT' WHEN new IS NULL THEN 'REMOVE' ELSE 'MODIFY' END AS event,
               CASE WHEN view IN ('OLD_IMAGE', 'NEW_AND_OLD_IMAGES') THEN old END AS old,
               CASE WHEN view IN ('NEW_IMAGE', 'NEW_AND_OLD_IMAGES') THEN new END AS new,
               (SELECT jsonb_object_agg(key, value) FROM jsonb_each(coalesce(new, old)) WHERE key IN ('pk', 'sk')) AS keys FROM changes),
    found AS (SELECT place, record ->> 'eventName' AS event, record::jsonb -> 'dynamodb' AS of FROM records(arn(name)))
    SELECT string_agg(CASE
               WHEN w.event IS DISTINCT FROM f.event THEN format('%s instead of %s', f.event, w.event)
               WHEN f.of ->> 'StreamViewType' <> view THEN 'another view'
               WHEN f.of -> 'Keys' IS DISTINCT FROM w.keys THEN w.event || ' with other keys'
               WHEN f.of -> 'OldImage' IS DISTINCT FROM w.old THEN w.event || ' with another old image'
               WHEN f.of -> 'NewImage' IS DISTINCT FROM w.new THEN w.event || ' with another new image'
               WHEN (f.of ->> 'SizeBytes')::int <> 2006 + 309210 * num_nonnulls(w.old, w.new) THEN w.event || ' of another size'
               ELSE w.event END, ', ' ORDER BY place)
    FROM wanted AS w FULL JOIN found AS f USING (place)
$$;
