# shellcheck shell=bash
# What the server refuses, runs out of, or takes away.

# fill_slots: until none is free.
fill_slots() { ask "SELECT pg_create_physical_replication_slot('taken_' || n) FROM generate_series(1, current_setting('max_replication_slots')::int - (SELECT count(*)::int FROM pg_replication_slots)) AS n" >/dev/null; }
free_slots() { ask "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE slot_name ~ '^taken_'" >/dev/null; }

drill_slot_limit() {
    database slot_limit
    ask "SELECT plain_table('Old')" >/dev/null
    fill_slots
    refuses "CreateTable says that no slot is free" "max_replication_slots" "SELECT new_table('New', 'KEYS_ONLY')"
    refuses "UpdateTable, too" "max_replication_slots" "SELECT enable('Old')"
    gives "nothing is half made" "1 0 ACTIVE f d 0" \
        "SELECT (SELECT count(*) FROM dynamo.table_definition) || ' ' || (SELECT count(*) FROM dynamo_internal.stream) || ' ' || status('Old') || ' '
             || left((dynamo.describe_table('{\"TableName\":\"Old\"}') #> '{Table,StreamSpecification}' IS NOT NULL)::text, 1) || ' ' || mark('Old')"
    free_slots
    table New
    enable Old
    put New 1 1
    put Old 1 1
    gives "with a slot both work" "INSERT 1: INSERT 1:1" "SELECT replace(told(arn('New')), '1:1', '1:') || ' ' || told(arn('Old'))"
    fill_slots
    table Third
    ok "one slot is enough for all streams of a database"
    free_slots
    for name in New Old Third; do disable $name; done
    comes "the slot goes" "SELECT $(slots) = 0"

    # Somebody else is faster than the worker.
    hold creator "SELECT new_table('Late', 'KEYS_ONLY')"
    fill_slots
    release COMMIT
    comes "when the last slot goes meanwhile the view says so" "SELECT (capture()).error ~ 'replication slots'"
    gives "the table waits" CREATING "SELECT status('Late')"
    sleep 4
    [ "$(grep -c 'pg_dynamo streams: all replication slots' "$PGLOG")" = 1 ] && ok "the log says so once, however often it is tried" || fail "the log says so once: $(grep -c 'pg_dynamo streams: all replication slots' "$PGLOG") times"
    put Late 1 1
    free_slots
    active Late
    put Late 2 1
    gives "and is there when a slot is free; what was written before is not in its stream" "INSERT 2:" "SELECT told(arn('Late'))"
    gives "the error is gone" "" "SELECT (capture()).error"
    ask "SELECT dynamo.delete_table('{\"TableName\":\"Late\"}')" >/dev/null
    comes "a table with the last stream takes the slot along" "SELECT $(slots) = 0"
}

# children_of_all TABLE: whether every shard that is closed has a child, and one is open.
succeeded() { echo "(SELECT count(*) FILTER (WHERE open) = 1 AND bool_and(open OR has_child) FROM (SELECT s #>> '{SequenceNumberRange,EndingSequenceNumber}' IS NULL AS open, EXISTS (SELECT FROM shards(arn('$1')) AS c WHERE c ->> 'ParentShardId' = s ->> 'ShardId') AS has_child FROM shards(arn('$1')) AS s) AS t)"; }

drill_by_hand() {
    database by_hand
    table Log
    put Log 1 1
    gives "captured" "INSERT 1:1" "SELECT told(arn('Log'))"
    local epoch stood
    epoch=$(ask "SELECT (capture()).epoch")
    stood=$(ask "SELECT iterator('Log', 'LATEST')")
    dropped_by_hand() { ask "SELECT pg_drop_replication_slot((capture()).slot_name)" >/dev/null 2>&1; }
    within 20 dropped_by_hand && ok "an idle slot can be dropped by hand" || fail "an idle slot can be dropped by hand"
    put Log 2 1
    comes "capture begins anew in a later epoch" "SELECT $(slots) = 1 AND (capture()).epoch > $epoch AND (capture()).last_gap IS NOT NULL"
    put Log 3 1
    gives "the stream goes on behind the gap" "true ENABLED" "SELECT (told(arn('Log')) IN ('INSERT 1:1, INSERT 3:1', 'INSERT 1:1, INSERT 2:1, INSERT 3:1')) || ' ' || stream_status(arn('Log'))"
    holds "the shard from before it is closed and has a child" "SELECT $(succeeded Log)"
    gives "an iterator from before it comes to its end" "end" "SELECT in_words(read_one('$stood'))"
    holds "sequence numbers rise over the gap" "SELECT number_of('Log', 3) COLLATE \"C\" > number_of('Log', 1)"
    grep -q 'capture of streams begins anew' "$PGLOG" && ok "the log of the server says so" || fail "the log of the server says so"
    disable Log
    comes "the last stream ends" "SELECT $(slots) = 0"
}

# broken TABLE ARN NUMBER REASON: the stream was given up after the item NUMBER, and can be enabled anew.
broken() {
    local name=$1 arn=$2
    comes "the stream is broken" "SELECT state = 'broken' FROM dynamo.streams WHERE table_name = '$name' ORDER BY created_at DESC LIMIT 1"
    holds "the view says why" "SELECT bool_and(reason ~ '$4') FROM dynamo.streams WHERE table_name = '$name' AND state = 'broken'"
    comes "its slot is released" "SELECT $(slots) = 0"
    grep -q "streams of this database are broken.*$4" "$PGLOG" && ok "the log of the server says so" || fail "the log of the server says so"
    gives "DescribeStream tells" DISABLED "SELECT stream_status('$arn')"
    holds "what was captured is read to its end" "SELECT told('$arn') ~ '^INSERT $3:'"
    release COMMIT
    comes "DescribeTable tells" "SELECT dynamo.describe_table('{\"TableName\":\"$name\"}') #> '{Table,StreamSpecification}' IS NULL"
    gives "nothing of it is left on the table" "d 0" "SELECT mark('$name')"
    comes "and no worker" "SELECT $(worker) IS NULL"
    enable "$name"
    put "$name" "9$3" 1
    gives "UpdateTable enables another" "INSERT 9$3:1 true ENABLED" "SELECT told(arn('$name')) || ' ' || (arn('$name') <> '$arn') || ' ' || stream_status(arn('$name'))"
    disable "$name"
    comes "which ends" "SELECT $(slots) = 0"
}
# fill_log MEGABYTES: writes so much of the log.
fill_log() { ask "SELECT pg_logical_emit_message(false, 'filler', repeat('x', 1000000)) FROM generate_series(1, $1)" >/dev/null; }

drill_bound() {
    database bound
    table Log
    put Log 1 1
    gives "captured" "INSERT 1:1" "SELECT told(arn('Log'))"
    local arn
    arn=$(ask "SELECT arn('Log')")
    set_to dynamo.stream_max_retained_wal 8MB
    fill_log 20
    comes "log that capture has passed is not what it keeps" "SELECT retained_wal_bytes < 8 * 1024 * 1024 FROM dynamo.streams"
    # A transaction that has written and stays open: what it will be decoded from must be kept.
    hold open "SELECT put('Log', 2, 1)"
    fill_log 20
    broken Log "$arn" 1 stream_max_retained_wal

    # The worker itself cannot go on: somebody holds a table of its own.
    enable Log
    arn=$(ask "SELECT arn('Log')")
    put Log 11 1
    gives "captured again" "INSERT 11:1" "SELECT told('$arn')"
    hold holder "LOCK TABLE dynamo_internal.stream_record_0 IN EXCLUSIVE MODE"
    put Log 12 1
    fill_log 20
    comes "a worker that cannot go on is no way around the bound" "SELECT $(slots) = 0"
    broken Log "$arn" 11 stream_max_retained_wal
}

drill_removed_log() {
    database removed
    table Log
    put Log 1 1
    gives "captured" "INSERT 1:1" "SELECT told(arn('Log'))"
    local arn
    arn=$(ask "SELECT arn('Log')")
    set_to max_slot_wal_keep_size 16MB
    hold open "SELECT put('Log', 2, 1)"
    fill_log 60
    ask "SELECT pg_switch_wal(); CHECKPOINT" >/dev/null
    broken Log "$arn" 1 max_slot_wal_keep_size
}

drill_prepared() {
    database prepared
    ask "SELECT plain_table('Log')" >/dev/null
    # A slot begins where no transaction is open that was there before.
    ask "BEGIN; SELECT put('Log', 1, 1); PREPARE TRANSACTION 'before'"
    ask "SELECT new_table('First', 'KEYS_ONLY')" >/dev/null
    ask "SELECT pg_sleep(0.5)" >/dev/null
    gives "a prepared transaction holds up the first stream" CREATING "SELECT status('First')"
    ask "COMMIT PREPARED 'before'"
    active First
    enable Log
    ask "BEGIN; SELECT put('Log', 2, 1); SELECT put('Log', 3, 1); PREPARE TRANSACTION 'kept'"
    ask "BEGIN; SELECT put('Log', 4, 1); PREPARE TRANSACTION 'gone'"
    put Log 5 1
    restart
    put Log 6 1
    ask "COMMIT PREPARED 'kept'"
    ask "ROLLBACK PREPARED 'gone'"
    put Log 7 1
    gives "across a restart: what is committed, where it is committed" "INSERT 5:1, INSERT 6:1, INSERT 2:1, INSERT 3:1, INSERT 7:1" "SELECT told(arn('Log'))"
    # It keeps the table, which UpdateTable waits for.
    ask "BEGIN; SELECT put('Log', 8, 1); PREPARE TRANSACTION 'late'"
    ask "SELECT disable('Log')" >/dev/null
    ask "SELECT pg_sleep(0.5)" >/dev/null
    gives "a stream ends when nobody writes" UPDATING "SELECT status('Log')"
    ask "COMMIT PREPARED 'late'"
    local arn
    arn=$(ask "SELECT arn('Log')")
    active Log
    put Log 9 1
    comes "and is disabled then" "SELECT stream_status('$arn') = 'DISABLED'"
    gives "with what was committed before" "INSERT 8:1" "SELECT substr(told('$arn'), 61)"
    disable First
    comes "nothing is left to capture" "SELECT $(slots) = 0"
}

drill_wal_level() {
    database level
    table Log
    put Log 1 1
    gives "captured" "INSERT 1:1" "SELECT told(arn('Log'))"
    local arn slot
    arn=$(ask "SELECT arn('Log')")
    slot=$(ask "SELECT (capture()).slot_name")
    cluster_configure "$DIR" 5432 '' "${SETTINGS[@]}" wal_level=replica || true
    cluster_stop "$DIR"
    if (cluster_start "$DIR") >"$OUT/refused.log" 2>&1; then
        fail "a server with streams does not start with wal_level = replica"
    else
        ok "a server with streams does not start with wal_level = replica"
    fi
    grep -q "logical replication slot \"$slot\" exists, but \"\?wal_level\"\? < \"\?logical" "$OUT/refused.log" && ok "it names the slot" || fail "it names the slot: $(cat "$OUT/refused.log")"

    # The way out, as docs/streams.md has it: start with logical, disable the streams, look, stop.
    restart
    gives "with logical all is as it was" "INSERT 1:1 ENABLED" "SELECT told('$arn') || ' ' || stream_status('$arn')"
    ask "SELECT disable(table_name) FROM dynamo.streams WHERE state = 'enabled'" >/dev/null
    comes "streams that are disabled leave no slot" "SELECT $(slots) = 0"
    restart wal_level=replica
    ok "without slots it starts"
    gives "the stream is there, and ended" "INSERT 1:1 DISABLED" "SELECT told('$arn') || ' ' || stream_status('$arn')"
    refuses "UpdateTable says what a stream needs" "wal_level = logical" "SELECT enable('Log')"
    refuses "so does CreateTable" "wal_level = logical" "SELECT new_table('New', 'KEYS_ONLY')"
    gives "which makes nothing" "1 ACTIVE d 0" "SELECT (SELECT count(*) FROM dynamo.table_definition) || ' ' || status('Log') || ' ' || mark('Log')"
    put Log 2 1
    gives "tables without streams do not mind" "{\"N\":\"2\"}" "SELECT dynamo.get_item('{\"TableName\":\"Log\",\"Key\":{\"pk\":{\"S\":\"a\"},\"sk\":{\"N\":\"2\"}}}') #> '{Item,sk}'"

    # Slots dropped by force, streams not disabled: the server starts, and says what is missing.
    restart
    enable Log
    put Log 3 1
    gives "captured again" "INSERT 3:1" "SELECT told(arn('Log'))"
    local epoch
    epoch=$(ask "SELECT (capture()).epoch")
    cluster_configure "$DIR" 5432 '' "${SETTINGS[@]}" wal_level=replica || true
    dropped_by_hand() { ask "SELECT pg_drop_replication_slot((capture()).slot_name)" >/dev/null 2>&1; }
    within 20 dropped_by_hand || fail "the slot is dropped"
    cluster_stop "$DIR"
    # The worker may have made it again in between.
    if ! (cluster_start "$DIR") >/dev/null 2>&1; then
        as_cluster_user rm -rf "$PGDATA/pg_replslot/$slot"
        cluster_start "$DIR"
    fi
    comes "a stream that cannot be captured says so in the view" "SELECT capture_error ~ 'wal_level' FROM dynamo.streams WHERE state = 'enabled'"
    put Log 4 1
    restart
    comes "with logical it goes on in a new epoch" "SELECT (capture()).epoch > $epoch AND (capture()).last_gap IS NOT NULL AND (capture()).error IS NULL"
    put Log 5 1
    gives "with a gap" "INSERT 3:1, INSERT 5:1" "SELECT told(arn('Log'))"
    disable Log
    comes "and ends" "SELECT $(slots) = 0"
}

drill_plugin_libraries() {
    if [ "$(ask "SELECT count(*) FROM pg_settings WHERE name = 'output_plugin_libraries'")" = 0 ]; then
        ok "this server lets every library decode"
        return
    fi
    database libraries
    ask "SELECT plain_table('Log')" >/dev/null
    restart output_plugin_libraries="pgoutput, test_decoding"
    refuses "UpdateTable says what to add to output_plugin_libraries" "pg_dynamo in output_plugin_libraries" "SELECT enable('Log')"
    refuses "so does CreateTable" "pg_dynamo in output_plugin_libraries" "SELECT new_table('New', 'KEYS_ONLY')"
    gives "nothing is half made" "1 ACTIVE" "SELECT count(*) || ' ' || status('Log') FROM dynamo.table_definition"
    restart
    enable Log
    put Log 1 1
    gives "added, it works" "INSERT 1:1" "SELECT told(arn('Log'))"
    disable Log
    comes "and ends" "SELECT $(slots) = 0"
}
