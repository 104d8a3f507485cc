#!/usr/bin/env bash
# make run: build, install, start a local cluster with the HTTP endpoint in target/cluster, play the tour.
set -euo pipefail
. "$(dirname "$0")/lib.sh"
. "$ROOT/scripts/endpoint.sh"

PORT=${PGPORT:-28815}
DYNAMO_PORT=${DYNAMO_PORT:-8000}
DYNAMO_METRICS_PORT=${DYNAMO_METRICS_PORT:-9187}
unset PGHOST PGUSER PGPASSWORD PGDATABASE
"$ROOT/scripts/install.sh"
use_postgres
AREA=$(work_area)
CLUSTER=$AREA/cluster
LIBRARY=$("$PG_CONFIG" --pkglibdir)/$EXTENSION.so
PROGRAM=$BINDIR/$GATEWAY
SCRIPTS=$("$PG_CONFIG" --sharedir)/extension

psql() { "$BINDIR/psql" -X -q -v ON_ERROR_STOP=1 "$@"; }

create_cluster() {
    say "Creating a cluster in $CLUSTER, run by $(cluster_user)"
    make_cluster_dir "$CLUSTER"
    (umask 077 && od -An -N16 -tx1 /dev/urandom | tr -d ' \n' >"$CLUSTER/password")
    # initdb runs as the cluster's user, who may not read our file: it goes through its own directory.
    as_cluster_user sh -c 'umask 077 && cat >"$1"' sh "$CLUSTER/run/password" <"$CLUSTER/password"
    cluster_init "$CLUSTER" --pwfile="$CLUSTER/run/password"
    as_cluster_user rm -f "$CLUSTER/run/password"
}

# The library is loaded when the server starts: a new one, or new settings, need a restart.
start_or_restart() {
    local changed=no sum
    sum=$(sha256sum "$LIBRARY" "$PROGRAM")
    if cluster_configure "$CLUSTER" "$PORT" 127.0.0.1; then changed=yes; fi
    [ "$(cat "$CLUSTER/library.sum" 2>/dev/null)" = "$sum" ] || changed=yes
    if cluster_running "$CLUSTER"; then
        if [ $changed = no ]; then
            say "The server runs already on port $PORT"
            return
        fi
        say "Restarting the server with the new library or settings"
        cluster_stop "$CLUSTER"
    else
        say "Starting the server on port $PORT"
    fi
    cluster_start "$CLUSTER"
    echo "$sum" >"$CLUSTER/library.sum"
}

# Nothing else may listen where the endpoint shall; our own endpoint of an earlier run may.
check_port() { # check_port PORT VARIABLE WHAT
    port_is_taken "$1" || return 0
    if cluster_running "$CLUSTER" && as_cluster_user grep -qs "127.0.0.1:$1'" "$CLUSTER/data/pg_dynamo_gateway.conf"; then return 0; fi
    die "port $1, for $3, is taken by another program: choose another, e.g. $2=$(free_port) make run"
}

write_env() {
    (umask 077 && cat >"$CLUSTER/env") <<ENV
export PGHOST='$CLUSTER/run'
export PGPORT=$PORT
export PGUSER=postgres
export PGDATABASE=dynamo
export PGPASSWORD=$(cat "$CLUSTER/password")
ENV
    [ ! -e "$CLUSTER/access_key" ] || endpoint_env "$CLUSTER" "$DYNAMO_PORT" >>"$CLUSTER/env"
}

create_extension() {
    local sum
    sum=$(cat "$SCRIPTS/$EXTENSION"--*.sql | sha256sum)
    if [ "$(psql -d postgres -Atc "select 1 from pg_database where datname = 'dynamo'")" != 1 ]; then
        psql -d postgres -c 'create database dynamo'
    fi
    if [ -z "$(psql -Atc "select 1 from pg_extension where extname = '$EXTENSION'")" ]; then
        say "CREATE EXTENSION $EXTENSION in database dynamo"
        psql -c "create extension $EXTENSION"
        echo "$sum" >"$CLUSTER/scripts.sum"
    else
        psql -c "set client_min_messages = warning; alter extension $EXTENSION update"
        [ "$(cat "$CLUSTER/scripts.sum" 2>/dev/null)" = "$sum" ] ||
            note "The install script changed since this cluster was made; for a fresh one: make clean run"
    fi
}

start_endpoint() {
    say "Starting the DynamoDB endpoint on http://127.0.0.1:$DYNAMO_PORT"
    endpoint_configure "$CLUSTER" dynamo "$DYNAMO_PORT" "$DYNAMO_METRICS_PORT"
    endpoint_role
    if endpoint_key "$CLUSTER"; then
        say "Made an access key of role $DEVELOPER (in target/cluster/env)"
    else
        note "The access key of role $DEVELOPER stays as it is"
    fi
    write_env
    endpoint_wait "$DYNAMO_METRICS_PORT" 30 || {
        tail -n 20 "$CLUSTER/server.log" >&2
        die "the endpoint is not ready after 30 s (the end of target/cluster/server.log is above)"
    }
}

if [ "$AREA" != "$ROOT/target" ]; then
    mkdir -p "$CLUSTER"
    [ "$(readlink "$ROOT/target/cluster" || true)" = "$CLUSTER" ] || ln -sfn "$CLUSTER" "$ROOT/target/cluster"
fi
if ! as_cluster_user test -e "$CLUSTER/data/PG_VERSION"; then
    create_cluster
elif [ "$(as_cluster_user cat "$CLUSTER/data/PG_VERSION")" != "$PG_MAJOR" ]; then
    die "target/cluster is of another PostgreSQL than $PG_MAJOR: run make clean, or set PG_CONFIG"
fi
check_port "$DYNAMO_PORT" DYNAMO_PORT "the DynamoDB endpoint"
check_port "$DYNAMO_METRICS_PORT" DYNAMO_METRICS_PORT "its metrics"
start_or_restart
write_env
# shellcheck disable=SC1091
. "$CLUSTER/env"
create_extension
start_endpoint
if [ -e "$ROOT/sql/tour.sql" ]; then
    say "The tour (sql/tour.sql)"
    play_tour || die "the tour failed"
fi
say "Ready. The database, and the DynamoDB endpoint on http://127.0.0.1:$DYNAMO_PORT:"
note "source target/cluster/env && psql"
note "source target/cluster/env && aws dynamodb list-tables"
note "(SDKs find the endpoint, key and region in the same variables; http://127.0.0.1:$DYNAMO_METRICS_PORT/metrics counts."
note " psql over TCP: PGHOST=127.0.0.1. make stop ends server and endpoint.)"
