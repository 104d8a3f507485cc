# shellcheck shell=bash
# Slots of one's own: the plugin over the replication protocol, and publications of data tables.

# receive SLOT [OPTION...]: what the slot has, up to what is committed now.
receive() {
    local slot=$1 end
    shift
    end=$(ask "SELECT pg_current_wal_flush_lsn()")
    timeout 20 pg_recvlogical -d "$PGDATABASE" --slot "$slot" --start --no-loop -E "$end" -f - "$@" 2>"$OUT/receive-$slot.log"
}
in_words() { python3 -c '
import json, sys
print(", ".join("%s %s %s" % (r["eventName"], r["eventSourceARN"].split("/")[1], r["dynamodb"]["Keys"]["sk"]["N"]) for r in map(json.loads, sys.stdin)))'; }
# of MEMBER: the values of a member of each record's dynamodb.
of() { python3 -c 'import json, sys; print(" ".join(str(json.loads(r)["dynamodb"][sys.argv[1]]) for r in sys.stdin))' "$1"; }
same() { if [ "$2" = "$3" ]; then ok "$1"; else fail "$1: $3 instead of $2"; fi; }

drill_pg_recvlogical() {
    database direct
    table Ann
    table Bob KEYS_ONLY
    ask "SELECT plain_table('Cal')" >/dev/null
    pg_recvlogical -d direct --slot mine --create-slot -P pg_dynamo
    pg_recvlogical -d direct --slot other --create-slot -P pg_dynamo
    for name in Ann Bob Cal; do put $name 1 1; done
    ask "BEGIN; SELECT put('Ann', 2, 1); SELECT put('Bob', 2, 1); SELECT put('Ann', 2, 2); COMMIT" >/dev/null
    ask "SELECT del('Ann', 1)" >/dev/null
    receive mine >"$OUT/mine"
    same "every table that has a stream, in the order of commits" "INSERT Ann 1, INSERT Bob 1, INSERT Ann 2, INSERT Bob 2, MODIFY Ann 2, REMOVE Ann 1" "$(in_words <"$OUT/mine")"
    receive other -o "tables=Bob" >"$OUT/other"
    same "another client has its own place and tables" "INSERT Bob 1, INSERT Bob 2" "$(in_words <"$OUT/other")"
    ask "SELECT json_agg(record ORDER BY place) FROM records(arn('Ann'))" >"$OUT/a.json"
    ask "SELECT json_agg(record ORDER BY place) FROM records(arn('Bob'))" >"$OUT/b.json"
    ask "SELECT (capture()).epoch" >"$OUT/epoch"
    same "a message is the record that GetRecords gives, and the stream; its epoch is another" same "$(python3 - "$OUT" <<'PY'
import json, sys
out = sys.argv[1]
def plain(record):
    record = json.loads(json.dumps(record))
    record.pop("eventID")
    record.pop("eventSourceARN", None)
    record["dynamodb"]["SequenceNumber"] = record["dynamodb"]["SequenceNumber"][9:]
    return record
mine = [plain(json.loads(line)) for line in open(out + "/mine")]
read = [plain(r) for name in "ab" for r in json.load(open(f"{out}/{name}.json"))]
number = lambda r: r["dynamodb"]["SequenceNumber"]
print("same" if mine == sorted(read, key=number) else [mine, read])
PY
)"
    put Ann 3 1
    local epoch
    epoch=$(cat "$OUT/epoch")
    receive mine -o "tables=Ann,Bob" -o "epoch=$epoch" >"$OUT/mine"
    same "with the epoch its number is the stream's" "$(ask "SELECT number_of('Ann', 3)")" "$(of SequenceNumber <"$OUT/mine")"
    if receive mine -o "table=Ann" >/dev/null; then fail "an option that is none is refused"; else grep -q 'no option "table"' "$OUT/receive-mine.log" && ok "an option that is none is refused" || fail "an option that is none is refused: $(cat "$OUT/receive-mine.log")"; fi
    if receive mine -o "epoch=x" >/dev/null; then fail "an epoch that is no number is refused"; else grep -q 'option "epoch" is a number' "$OUT/receive-mine.log" && ok "an epoch that is no number is refused" || fail "an epoch that is no number is refused: $(cat "$OUT/receive-mine.log")"; fi

    # A client that waits while things are written.
    timeout 30 pg_recvlogical -d direct --slot other --start --no-loop -F 0 -f "$OUT/live" 2>/dev/null &
    local client=$!
    wait_until 10 "SELECT active FROM pg_replication_slots WHERE slot_name = 'other'" || fail "the client is there"
    put Bob 5 1
    live() { grep -q '"sk":{"N":"5"}' "$OUT/live"; }
    within 10 live && ok "a client that waits is told at once" || fail "a client that waits is told at once"
    kill -INT $client
    wait $client || true

    # Across a restart of the server.
    put Ann 10 1
    receive mine -o "epoch=$epoch" -o tables=Ann >"$OUT/before"
    put Ann 11 1
    restart
    put Ann 12 1
    receive mine -o "epoch=$epoch" -o tables=Ann >"$OUT/after"
    # What comes again is the same, so that it counts once. Records of 10 and later, in the order of their numbers.
    python3 - "$OUT/before" "$OUT/after" >"$OUT/both" <<'PY'
import json, sys
lines = {line for name in sys.argv[1:] for line in open(name)}
records = sorted(map(json.loads, lines), key=lambda r: r["dynamodb"]["SequenceNumber"])
for record in records:
    if int(record["dynamodb"]["Keys"]["sk"]["N"]) >= 10:
        print(json.dumps(record))
PY
    same "a slot goes on across a restart: nothing is missing, and what comes again has its number" "INSERT Ann 10, INSERT Ann 11, INSERT Ann 12" "$(in_words <"$OUT/both")"
    same "the stream has the same numbers" "$(ask "SELECT string_agg(number_of('Ann', n), ' ' ORDER BY n) FROM generate_series(10, 12) AS n")" "$(of SequenceNumber <"$OUT/both")"

    # Who disables the stream ends the records of its slot, too, from that commit on.
    disable Ann
    put Ann 13 1
    enable Ann
    put Ann 14 1
    receive mine -o tables=Ann >"$OUT/mine"
    same "what is written without a stream is in no slot" "INSERT Ann 14" "$(in_words <"$OUT/mine" | sed 's/.*, //')"
    grep -q '"sk":{"N":"13"}' "$OUT/mine" && fail "nor anything of it" || ok "nor anything of it"
    ask "SELECT pg_drop_replication_slot('mine'), pg_drop_replication_slot('other')" >/dev/null
    disable Ann
    disable Bob
    comes "our own slot goes with the last stream" "SELECT $(slots) = 0"
}

# rows DATABASE TABLE: sort keys and values of its copy.
copied() { PGDATABASE=$1 ask "SELECT string_agg((item::json #>> '{sk,N}') || ':' || (item::json #>> '{v,N}'), ', ' ORDER BY (item::json #>> '{sk,N}')::int) FROM dynamo_tables.\"$2\""; }
# arrives NAME DATABASE TABLE ROWS
arrives() {
    local end=$((SECONDS + 30))
    until [ "$(copied "$2" "$3" 2>&1)" = "$4" ]; do
        [ $SECONDS -lt $end ] || { fail "$1: $(copied "$2" "$3" 2>&1) instead of $4" && return; }
        sleep 0.05
    done
    ok "$1"
}

drill_publication() {
    database publisher
    ask "SELECT plain_table('Rows')" >/dev/null
    for i in 1 2 3; do put Rows $i 1; done
    ask 'CREATE PUBLICATION rows FOR TABLE dynamo_tables."Rows"'
    ask "SELECT pg_create_logical_replication_slot('plain', 'pgoutput'), pg_create_logical_replication_slot('extended', 'pgoutput')" >/dev/null

    # A subscriber without the extension: the row as docs/streams.md has it, the item as DynamoDB's JSON.
    PGDATABASE=postgres ask "CREATE DATABASE plain TEMPLATE template0"
    PGDATABASE=plain ask 'CREATE SCHEMA dynamo_tables; CREATE TABLE dynamo_tables."Rows" (pk_hash int8, pk bytea, sk bytea, item json, PRIMARY KEY (pk_hash, pk, sk))'
    PGDATABASE=plain ask "CREATE SUBSCRIPTION plain CONNECTION 'host=$PGHOST port=$PGPORT dbname=publisher user=postgres' PUBLICATION rows WITH (create_slot = false, slot_name = plain)"
    arrives "a subscriber has the rows there were" plain Rows "1:1, 2:1, 3:1"
    put Rows 1 2
    ask "SELECT del('Rows', 2)" >/dev/null
    put Rows 4 1
    arrives "INSERT, UPDATE and DELETE of a table without a stream" plain Rows "1:2, 3:1, 4:1"

    # Another with the extension: a table like ours, with a stream of its own.
    database extended
    table Rows
    ask "CREATE SUBSCRIPTION extended CONNECTION 'host=$PGHOST port=$PGPORT dbname=publisher user=postgres' PUBLICATION rows WITH (create_slot = false, slot_name = extended)"
    arrives "a subscriber with the extension has them, too" extended Rows "1:2, 3:1, 4:1"

    PGDATABASE=publisher
    enable Rows
    put Rows 1 3
    ask "SELECT del('Rows', 3)" >/dev/null
    put Rows 5 1
    ask "UPDATE dynamo_tables.\"Rows\" SET item = '{\"pk\":{\"S\":\"a\"},\"sk\":{\"N\":\"6\"},\"v\":{\"N\":\"6\"}}' WHERE item ->> 'sk' = '4'"
    arrives "the same with a stream, whose old rows are whole" plain Rows "1:3, 5:1, 6:6"
    arrives "at both" extended Rows "1:3, 5:1, 6:6"
    gives "the publisher's stream" "MODIFY 1:2>3, REMOVE 3:1, INSERT 5:1, REMOVE 4:1, INSERT 6:6" "SELECT told(arn('Rows'))"
    disable Rows
    put Rows 1 4
    ask "SELECT del('Rows', 6)" >/dev/null
    arrives "and when it is disabled" plain Rows "1:4, 5:1"
    PGDATABASE=extended
    arrives "at both" extended Rows "1:4, 5:1"
    # Subscriptions commit asynchronously, and what is not on disk is not captured.
    comes "what a subscription writes is in the subscriber's stream" "SELECT told(arn('Rows')) LIKE '%, MODIFY 1:2>3, REMOVE 3:1, INSERT 5:1, REMOVE 4:1, INSERT 6:6, MODIFY 1:3>4, REMOVE 6:6'"
    gives "its items are found by their keys" "{\"N\":\"4\"}" "SELECT dynamo.get_item('{\"TableName\":\"Rows\",\"Key\":{\"pk\":{\"S\":\"a\"},\"sk\":{\"N\":\"1\"}}}') #> '{Item,v}'"

    for subscriber in plain extended; do
        PGDATABASE=$subscriber
        ask "ALTER SUBSCRIPTION $subscriber DISABLE"
        ask "ALTER SUBSCRIPTION $subscriber SET (slot_name = NONE)"
        ask "DROP SUBSCRIPTION $subscriber"
        PGDATABASE=publisher
        wait_until 20 "SELECT NOT active FROM pg_replication_slots WHERE slot_name = '$subscriber'" || true
        ask "SELECT pg_drop_replication_slot('$subscriber')" >/dev/null
        [ $subscriber != extended ] || { PGDATABASE=extended && disable Rows && comes "its stream ends" "SELECT $(slots) = 0"; }
        PGDATABASE=$subscriber
        drop_database
    done
    export PGDATABASE=publisher
}
