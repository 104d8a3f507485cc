#!/usr/bin/env bash
# make test: every suite, JOBS at once (2, since most of their time is waiting). The last line sums them: "N passed, N failed".
# Arguments name suites to run instead of all. PG_DYNAMO_SOAK=1 (make soak) runs them at full scale, one after the other.
set -euo pipefail
. "$(dirname "$0")/lib.sh"
# Those that are compiled, then the longest, so that none runs on alone at the end.
SUITES=(core gateway pgrx backups e2e stream_crashes stream_drills isolation stream_slots stream_transactions time_to_live index_build paging streams stream_reading capture load durability upgrade stream_guards stream_consumers supervisor concurrency coalescing transactions documents credentials dump pg_regress tour)
[ $# = 0 ] || SUITES=("$@")
JOBS=${JOBS:-$([ "${PG_DYNAMO_SOAK:-}" = 1 ] && echo 1 || echo 2)}
[[ $JOBS =~ ^[1-9][0-9]*$ ]] || die "JOBS is a number of suites, not \"$JOBS\""
"$ROOT/scripts/install.sh" --stage-only
LOGS=$ROOT/target/test-logs
mkdir -p "$LOGS"
# What suites share is there before they start.
use_postgres
COPY=$(work_area)/pg
private_postgres "$COPY"
install_stage "$COPY" || true

passed=0 failed=0
# Each suite has a process group, so that all of it hears of an interruption, as it would in the foreground.
set -m
declare -A suite_of=() began=()
interrupt() {
    local pid
    for pid in "${!suite_of[@]}"; do kill -INT -- "-$pid" 2>/dev/null || true; done
    wait
    exit "$1"
}
trap 'interrupt 130' INT
trap 'interrupt 143' TERM HUP

await() { # await: until a suite has ended, which it tells
    local pid status=0 suite log last p f
    wait -n -p pid "${!suite_of[@]}" || status=$?
    suite=${suite_of[$pid]}
    log=$LOGS/$suite.log
    last=$(grep -E '^[0-9]+ passed, [0-9]+ failed$' "$log" | tail -n 1 || true)
    p=${last%% passed*} f=${last##*passed, }
    p=${p:-0} f=${f%% *}
    f=${f:-0}
    # A suite that ran nothing, or that ended badly without naming a failure, has failed.
    if [ "$f" = 0 ] && { [ "$p" = 0 ] || [ $status != 0 ]; }; then f=1; fi
    if [ "$f" != 0 ]; then tail -n 200 "$log"; fi
    note "$suite: $p passed, $f failed ($((SECONDS - ${began[$pid]})) s)"
    passed=$((passed + p)) failed=$((failed + f))
    unset "suite_of[$pid]"
}
for suite in "${SUITES[@]}"; do
    [ ${#suite_of[@]} -lt "$JOBS" ] || await
    say "Suite $suite"
    "$ROOT/tests/$suite/run" </dev/null >"$LOGS/$suite.log" 2>&1 &
    suite_of[$!]=$suite began[$!]=$SECONDS
done
while [ ${#suite_of[@]} != 0 ]; do await; done
echo "$passed passed, $failed failed"
[ $failed = 0 ] && [ $passed != 0 ]
