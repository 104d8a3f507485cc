#!/usr/bin/env bash
# Writes the documents that are generated from the code's own tables; --check only compares them.
set -euo pipefail
. "$(dirname "$0")/lib.sh"
cd "$ROOT"
status=0
for name in errors operations; do
    text=$(cargo run --quiet --package pg_dynamo_core --example documents -- $name)
    if [ "${1:-}" != --check ]; then
        mkdir -p docs
        printf '%s\n' "$text" >docs/$name.md
    elif ! diff -u docs/$name.md <(printf '%s\n' "$text"); then
        echo "docs/$name.md is not what the code says: run scripts/documents.sh" >&2
        status=1
    fi
done
exit $status
