-- What the cases of this suite say, besides those of streams.
CREATE FUNCTION put_at(name text, pk int, v int) RETURNS void LANGUAGE sql AS $$
    SELECT dynamo.put_item(json_build_object('TableName', name, 'Item', json_build_object(
        'pk', json_build_object('S', pk::text), 'sk', json_build_object('N', '1'), 'v', json_build_object('N', v::text))))
$$;
CREATE FUNCTION put_large(name text, sk int) RETURNS json LANGUAGE sql AS $$
    SELECT dynamo.put_item(json_build_object('TableName', name, 'Item', json_build_object(
        'pk', json_build_object('S', 'a'), 'sk', json_build_object('N', sk::text), 'f', json_build_object('S', repeat(md5(sk::text), 11000)))))
$$;
CREATE TABLE seen (place bigint GENERATED ALWAYS AS IDENTITY, number text COLLATE "C");
-- A consumer: takes up to `page` records, notes them, goes on after the last.
CREATE PROCEDURE follow(name text, page int, during interval) LANGUAGE plpgsql AS $$
DECLARE
    until timestamptz := clock_timestamp() + during;
    last text;
    got int;
BEGIN
    SELECT max(number) INTO last FROM seen;
    WHILE clock_timestamp() < until LOOP
        INSERT INTO seen (number) SELECT r.sequence_number FROM dynamo.stream_records(name, last, page) WITH ORDINALITY AS r
            ORDER BY r.ordinality;
        GET DIAGNOSTICS got = ROW_COUNT;
        SELECT coalesce(max(number), last) INTO last FROM seen;
        COMMIT;
        IF got = 0 THEN
            PERFORM dynamo.wait_for_stream(name, last, '0.2 s');
        END IF;
    END LOOP;
END
$$;
-- An iterator of the end of a closed shard has nothing to read and no next one.
CREATE FUNCTION ends_at_once(arn text) RETURNS boolean LANGUAGE sql AS $$
    SELECT bool_and(json_array_length(reply -> 'Records') = 0 AND reply -> 'NextShardIterator' IS NULL) FROM (
        SELECT dynamo.get_records(json_build_object('ShardIterator', dynamo.get_shard_iterator(json_build_object('StreamArn', arn,
            'ShardId', s ->> 'ShardId', 'ShardIteratorType', 'LATEST')) ->> 'ShardIterator')) AS reply
        FROM shards(arn) AS s WHERE s #> '{SequenceNumberRange,EndingSequenceNumber}' IS NOT NULL) AS r
$$;

-- How long each of some reads at the end of the table's open shards takes, in seconds.
CREATE FUNCTION waits(name text, reads int) RETURNS SETOF numeric LANGUAGE plpgsql AS $$
DECLARE
    began timestamptz;
    iterator text;
BEGIN
    PERFORM set_config('dynamo.stream_read_wait', '0', true);
    SELECT dynamo.get_shard_iterator(json_build_object('StreamArn', arn(name), 'ShardId', s ->> 'ShardId',
        'ShardIteratorType', 'LATEST')) ->> 'ShardIterator' INTO iterator
    FROM shards(arn(name)) AS s WHERE s #> '{SequenceNumberRange,EndingSequenceNumber}' IS NULL LIMIT 1;
    PERFORM set_config('dynamo.stream_read_wait', '2000', true);
    FOR i IN 1 .. reads LOOP
        began := clock_timestamp();
        PERFORM dynamo.get_records(json_build_object('ShardIterator', iterator));
        RETURN NEXT extract(epoch FROM clock_timestamp() - began);
    END LOOP;
END
$$;

-- A copy of a record of table `Reused`, stored in another table of records, so far behind what is captured.
CREATE FUNCTION later(to_slot int, behind int) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('INSERT INTO dynamo_internal.stream_record_%s SELECT %s, r.shard, p.epoch, p.lsn + %s, 1, r.created_at, r.event,
            r.keys, r.new_image, r.old_image
        FROM dynamo_internal.stream_progress AS p, (SELECT t.* FROM kept_record AS t) AS r', to_slot, to_slot, behind);
END
$$;
-- The first page of a shard from TRIM_HORIZON.
CREATE FUNCTION first_page(name text, shard text) RETURNS json LANGUAGE sql AS $$
    SELECT dynamo.get_records(json_build_object('ShardIterator', dynamo.get_shard_iterator(json_build_object(
        'StreamArn', arn(name), 'ShardId', shard, 'ShardIteratorType', 'TRIM_HORIZON')) ->> 'ShardIterator'))
$$;
