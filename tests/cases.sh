# shellcheck shell=bash
# What suites with cases written in shell share. Sourced inside tests/run, after scripts/lib.sh; `passed` and `failed` count.
# shellcheck disable=SC2034  # counted here, printed by those who source it
DIR=$(dirname "$PGLOG")
# lib.sh takes it out of the environment, for the sake of `make run`.
PGDATA=$DIR/data
passed=0 failed=0
ok() {
    passed=$((passed + 1))
    echo "ok - $*"
}
fail() {
    failed=$((failed + 1))
    echo "not ok - $*"
}
ask() { psql -X -q -At -v ON_ERROR_STOP=1 -c "$1"; }
# holds NAME QUERY: the query answers t.
holds() { gives "$1" t "$2"; }
# gives NAME EXPECTED QUERY
gives() {
    local answer
    answer=$(ask "$3" 2>&1 || true)
    if [ "$answer" = "$2" ]; then ok "$1"; else fail "$1: $answer instead of $2"; fi
}
# refuses NAME PART-OF-THE-TEXT STATEMENT
refuses() {
    local answer
    if answer=$(ask "$3" 2>&1); then fail "$1: accepted"; return; fi
    case $answer in *"$2"*) ok "$1" ;; *) fail "$1: $answer" ;; esac
}
# wait_until SECONDS QUERY: repeats the query until it answers t; the server may be restarting.
wait_until() {
    local end=$((SECONDS + $1))
    until [ "$(ask "$2" 2>/dev/null || true)" = t ]; do
        [ $SECONDS -lt $end ] || return 1
        sleep 0.05
    done
}
# within SECONDS COMMAND...: repeats the command until it succeeds.
within() {
    local end=$((SECONDS + $1))
    shift
    until "$@"; do
        [ $SECONDS -lt $end ] || return 1
        sleep 0.02
    done
}
not() { ! "$@"; }
now() { date +%s%3N; }

# --- the processes of a cluster: of this one, or of the data directory that is named ---------------
postmaster() { as_cluster_user head -n 1 "${1:-$PGDATA}/postmaster.pid"; }
supervisor() { ps -o pid=,args= --ppid "$(postmaster "$@")" | awk '/gateway supervisor/ { print $1 }'; }
# The endpoint that was started last.
gateway() { ps -o pid= --sort=start_time --ppid "$(supervisor "$@")" | tail -n 1 | tr -d ' '; }
