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
