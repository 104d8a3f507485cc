#!/usr/bin/env bash
# make test: every suite, one after the other. The last line sums them: "N passed, N failed".
# Arguments name suites to run instead of all. PG_DYNAMO_SOAK=1 (make soak) runs them at full scale.
set -euo pipefail
. "$(dirname "$0")/lib.sh"
SUITES=(core gateway pgrx pg_regress isolation concurrency coalescing paging index_build time_to_live streams stream_reading capture stream_consumers stream_crashes stream_transactions stream_drills stream_slots stream_guards backups supervisor credentials tour documents upgrade dump durability transactions load e2e)
[ $# = 0 ] || SUITES=("$@")
"$ROOT/scripts/install.sh" --stage-only
mkdir -p "$ROOT/target/test-logs"
passed=0 failed=0
for suite in "${SUITES[@]}"; do
    log=$ROOT/target/test-logs/$suite.log
    say "Suite $suite"
    began=$SECONDS status=0
    "$ROOT/tests/$suite/run" </dev/null >"$log" 2>&1 || status=$?
    last=$(grep -E '^[0-9]+ passed, [0-9]+ failed$' "$log" | tail -n 1 || true)
    p=${last%% passed*} f=${last##*passed, }
    p=${p:-0} f=${f%% *}
    f=${f:-0}
    # A suite that ran nothing, or that ended badly without naming a failure, has failed.
    if [ "$f" = 0 ] && { [ "$p" = 0 ] || [ $status != 0 ]; }; then f=1; fi
    if [ "$f" != 0 ]; then tail -n 200 "$log"; fi
    note "$suite: $p passed, $f failed ($((SECONDS - began)) s)"
    passed=$((passed + p)) failed=$((failed + f))
done
echo "$passed passed, $failed failed"
[ $failed = 0 ] && [ $passed != 0 ]
