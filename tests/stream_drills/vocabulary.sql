-- What these cases say besides the words of suite streams.
CREATE FUNCTION plain_table(name text) RETURNS text LANGUAGE sql AS $$
    SELECT dynamo.create_table(json_build_object('TableName', name, 'BillingMode', 'PAY_PER_REQUEST',
        'KeySchema', '[{"AttributeName":"pk","KeyType":"HASH"},{"AttributeName":"sk","KeyType":"RANGE"}]'::json,
        'AttributeDefinitions', '[{"AttributeName":"pk","AttributeType":"S"},{"AttributeName":"sk","AttributeType":"N"}]'::json))
        #>> '{TableDescription,TableStatus}'
$$;
CREATE FUNCTION enable(name text, view text DEFAULT 'NEW_AND_OLD_IMAGES') RETURNS text LANGUAGE sql AS $$
    SELECT dynamo.update_table(json_build_object('TableName', name, 'StreamSpecification',
        json_build_object('StreamEnabled', true, 'StreamViewType', view))) #>> '{TableDescription,TableStatus}'
$$;
CREATE FUNCTION disable(name text) RETURNS text LANGUAGE sql AS $$
    SELECT dynamo.update_table(json_build_object('TableName', name, 'StreamSpecification',
        json_build_object('StreamEnabled', false))) #>> '{TableDescription,TableStatus}'
$$;
CREATE FUNCTION stream_status(arn text) RETURNS text LANGUAGE sql AS $$
    SELECT dynamo.describe_stream(json_build_object('StreamArn', arn)) #>> '{StreamDescription,StreamStatus}'
$$;
CREATE FUNCTION first_shard(arn text) RETURNS text LANGUAGE sql AS $$
    SELECT min(s ->> 'ShardId' COLLATE "C") FROM shards(arn) AS s
$$;
-- An iterator of the first shard of a table's stream.
CREATE FUNCTION iterator(name text, type text, number text DEFAULT NULL, shard text DEFAULT NULL) RETURNS text LANGUAGE sql AS $$
    SELECT dynamo.get_shard_iterator(json_strip_nulls(json_build_object('StreamArn', arn(name),
        'ShardId', coalesce(shard, first_shard(arn(name))), 'ShardIteratorType', type, 'SequenceNumber', number))) ->> 'ShardIterator'
$$;
CREATE FUNCTION read_one(iterator text, page int DEFAULT 1000) RETURNS json LANGUAGE sql AS $$
    SELECT dynamo.get_records(json_build_object('ShardIterator', iterator, 'Limit', page))
$$;
-- The records of a reply in a few words, and whether there is more to come.
CREATE FUNCTION in_words(reply json) RETURNS text LANGUAGE sql AS $$
    SELECT concat_ws(', ', (SELECT string_agg(format('%s %s', r ->> 'eventName', r #>> '{dynamodb,Keys,sk,N}'), ', ' ORDER BY n)
                            FROM json_array_elements(reply -> 'Records') WITH ORDINALITY AS t (r, n)),
                     CASE WHEN reply ->> 'NextShardIterator' IS NULL THEN 'end' END)
$$;
-- The sequence number of the record of a key.
CREATE FUNCTION number_of(name text, sk int) RETURNS text LANGUAGE sql AS $$
    SELECT max(record #>> '{dynamodb,SequenceNumber}') FROM records(arn(name)) WHERE record #>> '{dynamodb,Keys,sk,N}' = sk::text
$$;
CREATE FUNCTION capture() RETURNS dynamo_internal.stream_capture LANGUAGE sql AS 'SELECT * FROM dynamo_internal.stream_capture';
-- Bytes of log that an update of an item of 1,000 bytes takes.
CREATE FUNCTION bytes_logged(name text, sk int) RETURNS int8 LANGUAGE plpgsql AS $$
DECLARE
    item text := '{"TableName":%s,"Item":{"pk":{"S":"a"},"sk":{"N":"%s"},"v":{"N":"%s"},"f":{"S":"%s"}}}';
    before pg_lsn;
BEGIN
    PERFORM dynamo.put_item(format(item, to_json(name), sk, 8, repeat('f', 1000))::json);
    before := pg_current_wal_insert_lsn();
    PERFORM dynamo.put_item(format(item, to_json(name), sk, 9, repeat('f', 1000))::json);
    RETURN pg_current_wal_insert_lsn() - before;
END
$$;
-- What a stream leaves on its table: replica identity, and how many triggers.
CREATE FUNCTION mark(name text) RETURNS text LANGUAGE sql AS $$
    SELECT relreplident::text || ' ' || (SELECT count(*) FROM pg_trigger WHERE tgrelid = c.oid AND tgname = '~dynamo_stream')
    FROM pg_class AS c WHERE oid = format('dynamo_tables.%I', name)::regclass
$$;
