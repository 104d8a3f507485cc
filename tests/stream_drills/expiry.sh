# shellcheck shell=bash
# Tables without a stream, and a consumer that was gone for longer than records are kept.

# What a table costs that has no stream, beside one that has: nothing.
drill_without_stream() {
    database without
    ask "SELECT plain_table('Quiet')" >/dev/null
    put Quiet 1 1
    gives "a table without a stream needs no slot and no worker" "0 0" "SELECT $(slots) || ' ' || count(*) FROM pg_stat_activity WHERE backend_type = 'pg_dynamo streams'"
    table Loud
    put Quiet 2 1
    put Loud 1 1
    put Quiet 2 2
    ask "SELECT del('Quiet', 1)" >/dev/null
    gives "beside a stream it has the replica identity and the triggers it had" "d 0" \
        "SELECT mark('Quiet')"
    gives "its changes are in no stream" "INSERT 1:1 1" "SELECT told(arn('Loud')) || ' ' || count(*) FROM dynamo_internal.stream_record"
    holds "its log has no old rows" "SELECT bytes_logged('Quiet', 2) < bytes_logged('Loud', 1) - 500"
    local read="(SELECT seq_scan + idx_scan FROM pg_stat_user_tables WHERE relname = 'table_definition')" before
    # What was read is counted a while later.
    sleep 3
    before=$(ask "SELECT $read")
    sleep 4
    holds "capture that has nothing to do reads the definitions now and then ($(ask "SELECT $read - $before") times)" "SELECT $read - $before < 8"
    disable Loud
    gives "a stream that was disabled leaves nothing on its table" "d 0" \
        "SELECT mark('Loud')"
    comes "and no slot" "SELECT $(slots) = 0"
}

# A day passes: what is noted of times is set back, and the worker reads it anew.
a_day_passes() {
    ask "UPDATE dynamo_internal.stream_slice SET opened_at = opened_at - interval '25 h', sealed_at = sealed_at - interval '25 h'"
    kill_worker
}

drill_expiry() {
    database expiry
    table Log
    for i in 1 2 3; do put Log $i 1; done
    local first stood last number
    first=$(ask "SELECT iterator('Log', 'TRIM_HORIZON')")
    stood=$(ask "SELECT read_one(iterator('Log', 'TRIM_HORIZON'), 1) ->> 'NextShardIterator'")
    last=$(ask "SELECT read_one(iterator('Log', 'TRIM_HORIZON'))->>'NextShardIterator'")
    number=$(ask "SELECT number_of('Log', 1)")
    a_day_passes
    put Log 4 1
    comes "a new slice is begun" "SELECT count(*) = 2 FROM dynamo_internal.stream_slice"
    gives "what was kept longer than its time is read until it goes" "INSERT 1, INSERT 2, INSERT 3, INSERT 4" "SELECT in_words(read_one('$first'))"
    ask "UPDATE dynamo_internal.stream_slice SET sealed_at = sealed_at - interval '25 h' WHERE sealed_at IS NOT NULL"
    kill_worker
    comes "after a day a slice goes" "SELECT count(*) = 1 FROM dynamo_internal.stream_slice"
    gives "and its file is empty" 0 "SELECT pg_relation_size('dynamo_internal.stream_record_0')"
    refuses "a consumer that stood before it is told" "trimmed" "SELECT read_one(iterator('Log', 'AFTER_SEQUENCE_NUMBER', '$number'))"
    refuses "a record that is gone has no iterator" "trimmed" "SELECT iterator('Log', 'AT_SEQUENCE_NUMBER', '$number')"
    refuses "an iterator that was given out before stands before it" "trimmed" "SELECT read_one('$stood')"
    gives "TRIM_HORIZON is the way on" "INSERT 4" "SELECT in_words(read_one(iterator('Log', 'TRIM_HORIZON')))"
    gives "an iterator behind what is gone misses nothing" "INSERT 4" "SELECT in_words(read_one('$last'))"
    refuses "for SQL, too" "trimmed" "SELECT * FROM dynamo.stream_records('Log', after => '$number')"
    gives "which goes on without a number" "INSERT" "SELECT string_agg(event_name, ',') FROM dynamo.stream_records('Log')"

    # Shards that closed a day ago.
    local parent
    parent=$(ask "SELECT first_shard(arn('Log'))")
    # The first change after capture has begun again is in the shard that was there: it may have been read from it.
    put Log 4 2
    gives "captured" "INSERT 4:1, MODIFY 4:1>2" "SELECT told(arn('Log'))"
    set_to dynamo.stream_shards 2
    put Log 5 1
    gives "a shard closes and has two children" "3 2" "SELECT count(*) || ' ' || count(*) FILTER (WHERE s ->> 'ParentShardId' = '$parent') FROM shards(arn('Log')) AS s"
    ask "UPDATE dynamo_internal.stream_shard SET closed_at = closed_at - interval '25 h'"
    gives "a day later the children are listed, and name it" "2 2" "SELECT count(*) || ' ' || count(*) FILTER (WHERE s ->> 'ParentShardId' = '$parent') FROM shards(arn('Log')) AS s"
    refuses "it is not there any more" "$parent" "SELECT iterator('Log', 'TRIM_HORIZON', NULL, '$parent')"
    gives "its children are read" "INSERT 5:1" "SELECT told(arn('Log'))"

    # The last stream ends, and with it capture: who empties what it leaves?
    local arn
    arn=$(ask "SELECT arn('Log')")
    disable Log
    comes "the last stream takes the slot with it" "SELECT $(slots) = 0"
    gives "a disabled stream is read to its end" "INSERT 5:1" "SELECT told('$arn')"
    ask "UPDATE dynamo_internal.stream_slice SET opened_at = opened_at - interval '50 h', sealed_at = sealed_at - interval '50 h'"
    ask "UPDATE dynamo_internal.stream_capture SET updated_at = updated_at - interval '50 h'"
    ask "UPDATE dynamo_internal.stream_shard SET closed_at = closed_at - interval '50 h'"
    ask "UPDATE dynamo_internal.stream SET ended_at = ended_at - interval '50 h'"
    comes "when it has expired its records go though nothing is captured any more" "SELECT NOT EXISTS (SELECT FROM dynamo_internal.stream_record)"
    comes "and so does it" "SELECT json_array_length(dynamo.list_streams('{}') -> 'Streams') = 0"
    refuses "it is not found then" "not found" "SELECT stream_status('$arn')"
    enable Log
    put Log 6 1
    gives "a stream of today begins with what comes then" "INSERT 6:1" "SELECT told(arn('Log'))"
    disable Log
    comes "and ends" "SELECT $(slots) = 0"
}

# Nothing comes for a stream, and its shards grow old.
drill_idle() {
    database idle
    table Log
    put Log 1 1
    local stood
    stood=$(ask "SELECT read_one(iterator('Log', 'TRIM_HORIZON'), 1) ->> 'NextShardIterator'")
    set_to dynamo.stream_shards 2
    # It looks when it begins, and every ten seconds.
    kill_worker
    comes "more shards are made though nothing comes" "SELECT count(*) = 3 FROM shards(arn('Log'))"
    set_to dynamo.stream_shard_age 1s
    comes "and old ones have children" "SELECT count(*) > 4 FROM shards(arn('Log'))"
    set_to dynamo.stream_shard_age 4h
    gives "who reads one comes to its end" "end" "SELECT in_words(read_one('$stood'))"
    put Log 1 2
    put Log 2 1
    gives "what comes then is in the children of children" "INSERT 1:1, MODIFY 1:1>2, INSERT 2:1" "SELECT told(arn('Log'))"
    disable Log
    comes "it ends" "SELECT $(slots) = 0"
}

# Of three slices two have expired, and somebody reads one of them.
drill_expiry_beside_a_reader() {
    database reader
    table Log
    put Log 1 1
    a_day_passes
    put Log 2 1
    comes "a second slice is begun" "SELECT count(*) = 2 FROM dynamo_internal.stream_slice"
    ask "UPDATE dynamo_internal.stream_slice SET opened_at = opened_at - interval '25 h'"
    kill_worker
    put Log 3 1
    comes "and a third" "SELECT count(*) = 3 FROM dynamo_internal.stream_slice"
    local kept number
    kept="(SELECT string_agg(slot::text, ',' ORDER BY slice) FROM dynamo_internal.stream_slice)"
    number=$(ask "SELECT number_of('Log', 2)")
    gives "captured" "INSERT 1:1, INSERT 2:1, INSERT 3:1" "SELECT told(arn('Log'))"

    # A clock that was far ahead has sealed the oldest.
    ask "UPDATE dynamo_internal.stream_slice SET sealed_at = CASE slot WHEN 0 THEN now() + interval '50 years' ELSE sealed_at - interval '25 h' END WHERE slot < 2"
    kill_worker
    comes "no slice was sealed in times to come" "SELECT bool_and(sealed_at < clock_timestamp()) FROM dynamo_internal.stream_slice"
    sleep 0.5
    gives "a slice that has expired stays behind one that has not" "0,1,2" "SELECT $kept"
    ask "UPDATE dynamo_internal.stream_slice SET sealed_at = sealed_at + interval '25 h' WHERE slot = 1"

    hold oldest "LOCK TABLE dynamo_internal.stream_record_0 IN ACCESS SHARE MODE"
    ask "UPDATE dynamo_internal.stream_slice SET sealed_at = sealed_at - interval '25 h' WHERE sealed_at IS NOT NULL"
    kill_worker
    put Log 4 1
    gives "while the oldest is read nothing is missing behind it" "INSERT 1:1, INSERT 2:1, INSERT 3:1, INSERT 4:1" "SELECT told(arn('Log'))"
    if within 20 grep -q 'kept .* longer than dynamo.stream_retention says' "$PGLOG"; then ok "the server's log tells of who is in the way"; else fail "the server's log tells of who is in the way"; fi
    hold second "LOCK TABLE dynamo_internal.stream_record_1 IN ACCESS SHARE MODE"
    ask "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'oldest'" >/dev/null
    comes "one that nobody reads any more goes, though the next one is read" "SELECT $kept = '1,2'"
    gives "that one is whole" "INSERT 2:1, INSERT 3:1, INSERT 4:1" "SELECT told(arn('Log'))"
    release COMMIT
    comes "it goes when it is free" "SELECT $kept = '2'"
    refuses "what is gone is told" "trimmed" "SELECT iterator('Log', 'AT_SEQUENCE_NUMBER', '$number')"
    gives "and what is kept is read" "INSERT 3, INSERT 4" "SELECT in_words(read_one(iterator('Log', 'TRIM_HORIZON')))"
    disable Log
    comes "it ends" "SELECT $(slots) = 0"
}
