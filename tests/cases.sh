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
