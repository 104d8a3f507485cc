# shellcheck shell=bash
# A database that goes on elsewhere: restored from a dump, or on a standby that was promoted.

drill_restored() {
    database source
    table Log
    put Log 1 1
    put Log 2 1
    gives "captured" "INSERT 1:1, INSERT 2:1" "SELECT told(arn('Log'))"
    local arn epoch number
    arn=$(ask "SELECT arn('Log')")
    epoch=$(ask "SELECT (capture()).epoch")
    number=$(ask "SELECT number_of('Log', 2)")
    pg_dump -Fc -f "$OUT/source.dump" source
    pg_restore -f - "$OUT/source.dump" | grep -q 'COPY dynamo_internal.stream' && fail "a dump has no records" || ok "a dump has no records"
    drop_database
    ask "CREATE DATABASE restored TEMPLATE template0"
    pg_restore -d restored "$OUT/source.dump" >"$OUT/restore.log" 2>&1 && ok "it is restored" || fail "it is restored: $(cat "$OUT/restore.log")"
    export PGDATABASE=restored
    gives "the stream has its name" "$arn" "SELECT arn('Log')"
    comes "and is enabled by itself" "SELECT stream_status('$arn') = 'ENABLED'"
    gives "with a slot of this database" "t" "SELECT (capture()).slot_name = 'pg_dynamo_' || oid AND $(slots) = 1 FROM pg_database WHERE datname = current_database()"
    holds "in an epoch that is no earlier" "SELECT (capture()).epoch >= $epoch"
    put Log 3 1
    gives "what comes is captured, what was is not" "INSERT 3:1" "SELECT told('$arn')"
    gives "its items are all there" 3 'SELECT count(*) FROM dynamo_tables."Log"'
    disable Log
    comes "it ends as any other" "SELECT $(slots) = 0"
}

# on_copy COMMAND...: at the standby.
on_copy() { PGHOST=$DIR/standby/run PGPORT=5433 "$@"; }
copy_server() {
    local copy=$DIR/standby
    make_cluster_dir "$copy"
    as_cluster_user "$BINDIR/pg_basebackup" -h "$PGHOST" -p "$PGPORT" -U postgres -D "$copy/data" -R -c fast -X stream
    printf '%s\n' "port = 5433" "unix_socket_directories = '$copy/run'" | as_cluster_user tee -a "$copy/data/pg_dynamo.conf" >/dev/null
    cluster_start "$copy"
}
replayed() { on_copy wait_until 30 "SELECT pg_last_wal_replay_lsn() >= '$(ask "SELECT pg_current_wal_flush_lsn()")'" || fail "the standby follows"; }

# The primary is lost with something that is committed and replicated, and not captured: item 4. The copy is promoted and asked
# from now on.
lose_primary() {
    hold holder "LOCK TABLE dynamo_internal.stream_record_0 IN EXCLUSIVE MODE"
    put Log 4 1
    replayed
    as_cluster_user "$BINDIR/pg_ctl" -D "$PGDATA" -m immediate -w stop >/dev/null
    release ROLLBACK
    as_cluster_user "$BINDIR/pg_ctl" -D "$DIR/standby/data" -w promote >/dev/null
    export PGHOST=$DIR/standby/run PGPORT=5433
}
# leave_copy DATABASE
leave_copy() {
    PGDATABASE=postgres ask "DROP DATABASE $1 WITH (FORCE)"
    cluster_stop "$DIR/standby"
    rm -rf "$DIR/standby"
    export PGHOST=$DIR/run PGPORT=5432
}

drill_promoted() {
    database promoted
    table Log
    set_to dynamo.stream_shards 2
    put Log 1 1
    put Log 2 1
    gives "captured" "INSERT 1:1, INSERT 2:1" "SELECT told(arn('Log'))"
    local arn epoch number parents stood latest
    arn=$(ask "SELECT arn('Log')")
    copy_server
    put Log 3 1
    gives "captured while a standby follows" "INSERT 1:1, INSERT 2:1, INSERT 3:1" "SELECT told('$arn')"
    replayed
    on_copy gives "the standby has the stream and its records" "INSERT 1:1, INSERT 2:1, INSERT 3:1 ENABLED" "SELECT told('$arn') || ' ' || stream_status('$arn')"
    on_copy gives "for SQL, too" 3 "SELECT count(*) FROM dynamo.stream_records('Log')"
    on_copy gives "and their view" "enabled" "SELECT state FROM dynamo.streams"
    on_copy refuses "it takes no new stream" "read-only" "SELECT new_table('New', 'KEYS_ONLY')"
    epoch=$(ask "SELECT (capture()).epoch")
    number=$(ask "SELECT number_of('Log', 3)")
    parents=$(ask "SELECT string_agg(s ->> 'ShardId', ' ' ORDER BY s ->> 'ShardId') FROM shards('$arn') AS s WHERE s #> '{SequenceNumberRange,EndingSequenceNumber}' IS NULL")
    local holder
    holder=$(ask "SELECT max(shard) FROM records('$arn') WHERE record #>> '{dynamodb,Keys,sk,N}' = '3'")
    latest=$(ask "SELECT iterator('Log', 'LATEST', NULL, '$holder')")
    stood=$(ask "SELECT iterator('Log', 'AT_SEQUENCE_NUMBER', '$number', '$holder')")

    lose_primary
    comes "promoted, it begins a later epoch" "SELECT (capture()).epoch > $epoch AND timeline = 2 FROM dynamo_internal.stream_capture"
    put Log 5 1
    gives "the gap is shown" t "SELECT last_gap > now() - interval '1 min' FROM dynamo.streams"
    gives "no item is lost" 5 'SELECT count(*) FROM dynamo_tables."Log"'
    gives "no record is, but of what the primary had not captured" "INSERT 1:1, INSERT 2:1, INSERT 3:1, INSERT 5:1" "SELECT told('$arn')"
    gives "the shards that were open are closed" t "SELECT bool_and(s #> '{SequenceNumberRange,EndingSequenceNumber}' IS NOT NULL) AND count(*) = 2 FROM shards('$arn') AS s WHERE s ->> 'ShardId' = ANY (string_to_array('$parents', ' '))"
    gives "each has a child" 2 "SELECT count(DISTINCT s ->> 'ParentShardId') FROM shards('$arn') AS s WHERE s ->> 'ParentShardId' = ANY (string_to_array('$parents', ' '))"
    gives "an iterator of before reads its shard to the end" "INSERT 3, end" "SELECT in_words(read_one('$stood'))"
    gives "one that had read it is at the end" "end" "SELECT in_words(read_one('$latest'))"
    holds "sequence numbers rise over it" "SELECT number_of('Log', 5) COLLATE \"C\" > '$number'"
    gives "in the order of shards and of numbers alike" "1,2,3,5" "SELECT string_agg(keys::jsonb #>> '{sk,N}', ',' ORDER BY sequence_number) FROM dynamo.stream_records('Log')"
    disable Log
    comes "the last stream takes the slot along" "SELECT $(slots) = 0"
    leave_copy promoted
    # The old primary comes back by itself: it knows nothing of the other.
    cluster_start "$DIR"
    put Log 6 1
    gives "the old primary goes on in its own epoch" "INSERT 1:1, INSERT 2:1, INSERT 3:1, INSERT 4:1, INSERT 6:1 $epoch" "SELECT told('$arn') || ' ' || (capture()).epoch"
    disable Log
    comes "and ends its streams" "SELECT $(slots) = 0"
}

# The standby has the slot: copied, as tools for failover do it; from PostgreSQL 17 on the server itself sees to it.
drill_promoted_with_slot() {
    database followed
    table Log
    put Log 1 1
    gives "captured" "INSERT 1:1" "SELECT told(arn('Log'))"
    local arn epoch slot since
    arn=$(ask "SELECT arn('Log')")
    epoch=$(ask "SELECT (capture()).epoch")
    copy_server
    slot_comes_on
    copy_slot
    put Log 3 1
    gives "captured behind the copy" "INSERT 1:1, INSERT 2:1, INSERT 3:1" "SELECT told('$arn')"
    lose_primary
    comes "promoted, it begins a later epoch" "SELECT (capture()).epoch > $epoch AND timeline = 2 FROM dynamo_internal.stream_capture"
    put Log 5 1
    gives "nothing is missing, and nothing comes twice" "INSERT 1:1, INSERT 2:1, INSERT 3:1, INSERT 4:1, INSERT 5:1" "SELECT told('$arn')"
    gives "and no gap is told" t "SELECT last_gap IS NULL FROM dynamo.streams"
    gives "in the order of shards and of numbers alike" "1,2,3,4,5" "SELECT string_agg(keys::jsonb #>> '{sk,N}', ',' ORDER BY sequence_number) FROM dynamo.stream_records('Log')"
    disable Log
    comes "the last stream takes the slot along" "SELECT $(slots) = 0"
    leave_copy followed
    cluster_start "$DIR"
    disable Log
    comes "the old primary ends its streams" "SELECT $(slots) = 0"
}
# The slot needs nothing of the log that the copy does not have.
slot_comes_on() {
    slot=$(ask "SELECT (capture()).slot_name")
    since=$(ask "SELECT pg_current_wal_lsn()")
    within 60 slot_is_past "$since" || fail "the slot comes on"
}
# A note of who runs, which a checkpoint makes, moves it on; capture has to have read it.
slot_is_past() {
    ask CHECKPOINT
    put Log 2 1
    [ "$(ask "SELECT restart_lsn > '$1' FROM pg_replication_slots WHERE slot_name = '$slot'")" = t ]
}
copy_slot() {
    cluster_stop "$DIR/standby"
    ask CHECKPOINT
    as_cluster_user cp -r "$PGDATA/pg_replslot/$slot" "$DIR/standby/data/pg_replslot/"
    cluster_start "$DIR/standby"
}

# The slot that was copied has confirmed a change whose record the standby does not have.
drill_promoted_with_slot_ahead() {
    database ahead
    table Log
    put Log 1 1
    gives "captured" "INSERT 1:1" "SELECT told(arn('Log'))"
    local arn slot since place restart pid
    arn=$(ask "SELECT arn('Log')")
    copy_server
    slot_comes_on
    pid=$(ask "SELECT $(worker)")
    restart=$(ask "SELECT restart_lsn FROM pg_replication_slots WHERE slot_name = '$slot'")
    # A slot is saved when a note of who runs moves it on. Who reads the note, behind what was confirmed, together with the change
    # confirms the change with it.
    sleep 0.5
    as_cluster_user kill -STOP "$pid"
    ask "SELECT pg_current_xact_id()" >/dev/null
    ask CHECKPOINT
    place=$(ask "SELECT pg_current_wal_lsn()")
    put Log 3 1
    replayed
    as_cluster_user "$BINDIR/pg_ctl" -D "$DIR/standby/data" -m fast -w stop >/dev/null
    as_cluster_user kill -CONT "$pid"
    comes "the primary captures it" "SELECT confirmed_flush_lsn > '$place' AND restart_lsn > '$restart' FROM pg_replication_slots WHERE slot_name = '$slot'"
    sleep 0.5
    as_cluster_user cp -r "$PGDATA/pg_replslot/$slot" "$DIR/standby/data/pg_replslot/"
    as_cluster_user "$BINDIR/pg_ctl" -D "$PGDATA" -m immediate -w stop >/dev/null
    cluster_start "$DIR/standby"
    on_copy holds "the slot has come past the change, and not past the log" \
        "SELECT confirmed_flush_lsn > '$place' AND confirmed_flush_lsn <= pg_last_wal_replay_lsn() FROM pg_replication_slots WHERE slot_name = '$slot'"
    as_cluster_user "$BINDIR/pg_ctl" -D "$DIR/standby/data" -w promote >/dev/null
    export PGHOST=$DIR/standby/run PGPORT=5433
    comes "promoted, it begins another epoch" "SELECT timeline = 2 FROM dynamo_internal.stream_capture"
    put Log 5 1
    gives "what no record was replicated of is missing" "INSERT 1:1, INSERT 2:1, INSERT 5:1" "SELECT told('$arn')"
    gives "and a gap is told" t "SELECT last_gap > now() - interval '1 min' FROM dynamo.streams"
    disable Log
    comes "the last stream takes the slot along" "SELECT $(slots) = 0"
    leave_copy ahead
    cluster_start "$DIR"
    disable Log
    comes "the old primary ends its streams" "SELECT $(slots) = 0"
}
