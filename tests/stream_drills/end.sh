# shellcheck shell=bash
# The end of streams, of the extension, of the database: no slot stays behind.

# keep_busy TABLE: writes in the background until `calm`.
keep_busy() {
    printf '\\set sk random(1, 1000)\n\\set v random(1, 1000000)\nSELECT put(%s, :sk, :v);\n' "'$1'" >"$OUT/busy.sql"
    chmod a+r "$OUT/busy.sql"
    pgbench -n -c 3 -T 60 -f "$OUT/busy.sql" >"$OUT/busy.log" 2>&1 &
    busy=$!
    wait_until 20 "SELECT count(*) > 100 FROM dynamo_internal.stream_record" || fail "changes are captured"
}
# Of this database.
origins() { echo "(SELECT count(*) FROM pg_replication_origin WHERE roname = 'pg_dynamo_' || (SELECT oid FROM pg_database WHERE datname = current_database()))"; }
calm() {
    kill "$busy" 2>/dev/null || true
    wait "$busy" 2>/dev/null || true
}

drill_ends() {
    database ends
    table One
    table Two KEYS_ONLY
    put One 1 1
    ask "SELECT dynamo.delete_table('{\"TableName\":\"One\"}')" >/dev/null
    put Two 1 1
    gives "a stream of two goes, the slot stays" "INSERT 1: 1" "SELECT told(arn('Two')) || ' ' || $(slots)"
    ask 'DROP TABLE dynamo_tables."Two"'
    comes "the last goes with its table, and the slot with it" "SELECT $(slots) = 0"
    comes "and the worker" "SELECT $(worker) IS NULL"
    gives "and the origin" 0 "SELECT $(origins)"
    gives "what was captured can be read" 2 "SELECT json_array_length(dynamo.list_streams('{}') -> 'Streams')"
    # A transaction that makes a stream and does not commit.
    hold undone "SELECT new_table('Undone', 'KEYS_ONLY')"
    release ROLLBACK
    gives "one that was not committed has none" 0 "SELECT $(slots)"
}

drill_two_databases() {
    database one
    table Log
    put Log 1 1
    local first=$PGDATABASE
    database two
    table Log KEYS_ONLY
    put Log 7 1
    gives "each database has its own slot and worker" "2 2" "SELECT $(slots) || ' ' || count(DISTINCT datname) FROM pg_stat_activity WHERE backend_type = 'pg_dynamo streams'"
    gives "and its own records" "INSERT 7:" "SELECT told(arn('Log'))"
    PGDATABASE=$first gives "nothing of the other's" "INSERT 1:1" "SELECT told(arn('Log'))"
    drop_database
    export PGDATABASE=$first
    put Log 2 1
    gives "one goes, the other stays" "INSERT 1:1, INSERT 2:1 1" "SELECT told(arn('Log')) || ' ' || $(slots)"
}

drill_extension_dropped() {
    local how
    for how in idle busy dead; do
        database "extension_$how"
        table Log
        put Log 1 1
        gives "captured" "INSERT 1:1" "SELECT told(arn('Log'))"
        case $how in
            busy) keep_busy Log ;;
            dead) kill_worker ;;
        esac
        ask "DROP EXTENSION pg_dynamo CASCADE" >"$OUT/drop-$how.log" 2>&1 || fail "DROP EXTENSION: $(cat "$OUT/drop-$how.log")"
        [ $how != busy ] || calm
        comes "DROP EXTENSION takes the slot along ($how worker)" "SELECT $(slots) = 0"
        comes "the worker ends" "SELECT $(worker) IS NULL"
        comes "the origin, too" "SELECT $(origins) = 0"
        [ $how != idle ] || {
            ask "CREATE EXTENSION pg_dynamo"
            table Log
            put Log 2 1
            gives "made anew it captures anew" "INSERT 2:1" "SELECT told(arn('Log'))"
        }
        drop_database
    done
    # A transaction that is not committed drops nothing.
    database extension_kept
    table Log
    ask "BEGIN; DROP EXTENSION pg_dynamo CASCADE; ROLLBACK" 2>/dev/null
    put Log 1 1
    gives "DROP EXTENSION that is rolled back" "INSERT 1:1 1" "SELECT told(arn('Log')) || ' ' || $(slots)"
}

drill_database_dropped() {
    local how gone answer
    for how in idle busy; do
        database "database_$how"
        table Log
        put Log 1 1
        gives "captured" "INSERT 1:1" "SELECT told(arn('Log'))"
        if [ $how = busy ]; then
            keep_busy Log
            # Its clients leave; what they wrote is still being captured, the last of it for seconds.
            calm
            ask "INSERT INTO dynamo_tables.\"Log\" (item) SELECT format('{\"pk\":{\"S\":\"b\"},\"sk\":{\"N\":\"%s\"}}', n)::dynamo.item FROM generate_series(1, 50000) AS n"
        fi
        gone=$PGDATABASE
        export PGDATABASE=postgres
        wait_until 20 "SELECT count(*) = 0 FROM pg_stat_activity WHERE datname = '$gone' AND backend_type = 'client backend'" || true
        # A slot that is let go for lack of work would show nothing.
        if answer=$(psql -X -q -At -v ON_ERROR_STOP=1 -c "SELECT active FROM pg_replication_slots WHERE database = '$gone'" -c "DROP DATABASE $gone" 2>&1); then
            ok "DROP DATABASE ($how worker)"
        else
            fail "DROP DATABASE ($how worker): $answer"
        fi
        [ $how = idle ] || { [ "$answer" = t ] && ok "whose slot was active" || fail "whose slot was active: $answer"; }
        gives "leaves no slot" 0 "SELECT $(slots)"
    done
    # While clients write: it is refused or they are thrown out, and the slot is not what stands in the way.
    database database_used
    table Log
    keep_busy Log
    gone=$PGDATABASE
    export PGDATABASE=postgres
    refuses "a database that is in use stays" "is being accessed by other users" "DROP DATABASE $gone"
    PGDATABASE=$gone wait_until 20 "SELECT EXISTS (SELECT $(PGDATABASE=$gone worker))" || fail "capture goes on"
    ask "DROP DATABASE $gone WITH (FORCE)" && ok "unless it is forced" || fail "unless it is forced"
    calm
    gives "without a slot" 0 "SELECT $(slots)"
    # The first stream waits for a transaction of another database; it does not stand in the way either.
    hold elsewhere "SELECT txid_current()"
    database database_early
    ask "SELECT new_table('Log', 'KEYS_ONLY')" >/dev/null
    wait_until 20 "SELECT $(slots) = 1" || fail "the worker makes the slot"
    gone=$PGDATABASE
    export PGDATABASE=postgres
    ask "DROP DATABASE $gone WITH (FORCE)" && ok "DROP DATABASE while its first slot is made" || fail "DROP DATABASE while its first slot is made"
    release COMMIT
    comes "and no slot is made any more" "SELECT $(slots) = 0"
}
