#!/usr/bin/env bash
# Guards the conventions that a compiler does not see (docs/design.md, CONTRIBUTING.md).
set -euo pipefail
. "$(dirname "$0")/lib.sh"
cd "$ROOT"
shopt -s globstar nullglob
bad=0

# Lines of FILES that are code (no comment at their start) and match PATTERN break RULE.
forbid() {
    local rule=$1 pattern=$2 hits file files=()
    shift 2
    for file in "$@"; do
        if [ -f "$file" ]; then files+=("$file"); fi
    done
    [ ${#files[@]} -gt 0 ] || return 0
    hits=$(grep -HnE -- "$pattern" "${files[@]}" | grep -vE '^[^:]+:[0-9]+:[[:space:]]*(//|#)' || true)
    [ -n "$hits" ] || return 0
    printf 'rule broken: %s\n%s\n' "$rule" "$hits" >&2
    bad=1
}
broken() {
    printf 'rule broken: %s\n' "$*" >&2
    bad=1
}

forbid 'the core imports no Postgres, no async runtime and nothing of the other crates' \
    '\b(pgrx|pg_sys|tokio|hyper|async_std|pg_dynamo_gateway)\b|\basync fn\b|\bpg_dynamo::|std::(net|fs|process)\b' \
    crates/core/Cargo.toml crates/core/src/**/*.rs
forbid 'the gateway never links Postgres' '\b(pgrx|pg_sys)\b' crates/gateway/Cargo.toml crates/gateway/src/**/*.rs
forbid 'storage never calls op' '\b(crate|super|super::super)::(\{[^}]*\b)?op\b' src/storage.rs src/storage/**/*.rs

touches=()
for file in src/**/*.rs; do
    case $file in
        src/lib.rs | src/guc.rs | src/entry.rs | src/storage.rs | src/stream.rs | src/transfer.rs | src/worker.rs) ;;
        src/guc/* | src/entry/* | src/storage/* | src/stream/* | src/transfer/* | src/worker/*) ;;
        *) touches+=("$file") ;;
    esac
done
forbid 'only entry, storage, stream, transfer, worker, lib.rs and guc.rs touch pgrx' '\b(pgrx|pg_sys)\b' "${touches[@]}"
forbid 'every #[pg_extern] stands in entry' '#\[pg_extern' "${touches[@]}" src/storage/**/*.rs src/lib.rs src/guc.rs

rust=(src/**/*.rs crates/*/src/**/*.rs pgrx-tests/**/*.rs crates/*/tests/**/*.rs fuzz/**/*.rs benches/**/*.rs)
forbid 'nothing unfinished is committed' '\b(todo|dbg|unimplemented)!' "${rust[@]}"
for file in "${rust[@]}"; do
    case $file in
        *_more.rs | *_helpers.rs | *_utils.rs | *_util.rs | *_misc.rs | */utils.rs | */helpers.rs | */misc.rs | */common.rs)
            broken "a file has a real name: $file" ;;
    esac
done

# One name, one test: all #[pg_test]s share one namespace.
twice=$([ ${#rust[@]} = 0 ] || awk '
    /#\[pg_test/ { wanted = 1; next }
    wanted && match($0, /fn [a-z0-9_]+/) { print substr($0, RSTART + 3, RLENGTH - 3); wanted = 0 }
' "${rust[@]}" | sort | uniq -d)
[ -z "$twice" ] || broken "two #[pg_test]s have one name:" $twice

# Every case of a suite is scheduled, and everything scheduled exists.
scheduled() {
    local suite=$1 kind=$2 suffix=$3 have want
    have=$(printf '%s\n' "tests/$suite/$kind"/*."$suffix" | sed -nE "s#.*/([^/]+)\.$suffix\$#\1#p" | sort)
    want=$(sed -nE 's/^test: *//p' "tests/$suite/schedule" 2>/dev/null | tr -s ' ' '\n' | sort || true)
    [ "$have" = "$want" ] || {
        broken "tests/$suite/schedule and tests/$suite/$kind differ:"
        diff <(echo "$want") <(echo "$have") >&2 || true
    }
}
scheduled pg_regress sql sql
scheduled isolation specs spec
for case in tests/upgrade/*/; do
    [ -e "$case/setup.sql" ] && [ -e "$case/queries.sql" ] || broken "$case lacks setup.sql or queries.sql"
done
for suite in tests/*/; do
    [ -x "$suite/run" ] || broken "$suite has no run script"
    grep -qw "$(basename "$suite")" scripts/test.sh || broken "scripts/test.sh does not run $suite"
done

[ $bad = 0 ] || exit 1
note "layer rules: ok"
