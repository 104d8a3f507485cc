-- A table for each view, one without a stream, and a consumer that notes how old records are when GetRecords shows them.
CREATE FUNCTION new_table(name text, view text DEFAULT NULL) RETURNS void
    LANGUAGE sql
AS $$
    SELECT dynamo.create_table(format(
        '{"TableName": "%s", "BillingMode": "PAY_PER_REQUEST",
          "AttributeDefinitions": [{"AttributeName": "Customer", "AttributeType": "S"}, {"AttributeName": "Order", "AttributeType": "N"}],
          "KeySchema": [{"AttributeName": "Customer", "KeyType": "HASH"}, {"AttributeName": "Order", "KeyType": "RANGE"}]%s}',
        name, ', "StreamSpecification": {"StreamEnabled": true, "StreamViewType": "' || view || '"}')::json)
$$;
CREATE FUNCTION fill(name text) RETURNS void
    LANGUAGE plpgsql
AS $$
BEGIN
    EXECUTE format('INSERT INTO dynamo_tables.%I (item) SELECT json_build_object(
            ''Customer'', json_build_object(''S'', ''customer '' || n), ''Order'', json_build_object(''N'', (n %% 7)::text),
            ''Product'', json_build_object(''S'', ''product '' || n %% 1000), ''Count'', json_build_object(''N'', ''0''),
            ''Note'', json_build_object(''S'', repeat(''x'', 150)))::dynamo.item
        FROM generate_series(1, 10000) AS n', name);
END
$$;
-- How far capture has come, and what there is to come to.
CREATE FUNCTION captured() RETURNS pg_lsn
    LANGUAGE sql STABLE
AS $$ SELECT '0/0'::pg_lsn + lsn FROM dynamo_internal.stream_progress $$;
CREATE FUNCTION records() RETURNS int8
    LANGUAGE sql STABLE
AS $$ SELECT count(*) FROM dynamo_internal.stream_record $$;
-- A change of a stream, on the disk with all that was committed before.
CREATE FUNCTION mark() RETURNS void
    LANGUAGE sql
AS $$
    SELECT dynamo.put_item(json_build_object('TableName', 'KEYS_ONLY', 'Item', json_build_object(
        'Customer', json_build_object('S', 'mark'), 'Order', json_build_object('N', '0'),
        'At', json_build_object('N', extract(epoch FROM clock_timestamp())::text))))
$$;
-- Waits until everything that was committed before this call has been captured: with the mark, whose record comes behind it.
CREATE PROCEDURE catch_up()
    LANGUAGE plpgsql
AS $$
DECLARE
    before int8 := pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0');
BEGIN
    PERFORM mark();
    COMMIT;
    -- The last record of its stream, found by the index however many there are.
    WHILE (SELECT r.lsn FROM dynamo_internal.stream_record AS r
           WHERE r.shard = (SELECT h.number FROM dynamo_internal.stream_shard AS h JOIN dynamo_internal.stream AS s ON s.number = h.stream
                            WHERE s.table_name = 'KEYS_ONLY' AND h.end_lsn IS NULL)
             AND r.epoch = (SELECT epoch FROM dynamo_internal.stream_progress)
           ORDER BY r.lsn DESC LIMIT 1) >= before IS NOT TRUE LOOP
        PERFORM pg_sleep(0.001);
        COMMIT;
    END LOOP;
END
$$;
-- Reads the stream of a table from now on, for so many seconds: a microsecond count for each record, from the moment that
-- its writer's statement had the clock's time to the moment that GetRecords had answered with it.
CREATE FUNCTION ages(name text, seconds float8) RETURNS SETOF int8
    LANGUAGE plpgsql
AS $$
DECLARE
    arn text := dynamo.describe_table(json_build_object('TableName', name)) #>> '{Table,LatestStreamArn}';
    shard text := dynamo.describe_stream(json_build_object('StreamArn', arn)) #>> '{StreamDescription,Shards,0,ShardId}';
    iterator text := dynamo.get_shard_iterator(json_build_object('StreamArn', arn, 'ShardId', shard,
        'ShardIteratorType', 'LATEST')) ->> 'ShardIterator';
    finish timestamptz := clock_timestamp() + make_interval(secs => seconds);
    reply json;
    seen int8;
BEGIN
    WHILE clock_timestamp() < finish LOOP
        reply := dynamo.get_records(json_build_object('ShardIterator', iterator));
        seen := extract(epoch FROM clock_timestamp()) * 1000000;
        iterator := reply ->> 'NextShardIterator';
        RETURN QUERY SELECT seen - (record #>> '{dynamodb,NewImage,At,N}')::int8
            FROM json_array_elements(reply -> 'Records') AS record;
        -- A consumer that asks again a millisecond after it was told of nothing.
        IF json_array_length(reply -> 'Records') = 0 THEN PERFORM pg_sleep(0.001); END IF;
    END LOOP;
END
$$;
SELECT new_table(name, view) FROM (VALUES ('none', NULL), ('KEYS_ONLY', 'KEYS_ONLY'), ('NEW_IMAGE', 'NEW_IMAGE'),
    ('OLD_IMAGE', 'OLD_IMAGE'), ('NEW_AND_OLD_IMAGES', 'NEW_AND_OLD_IMAGES')) AS t (name, view);
