#!/usr/bin/env bash
# make check: everything that needs no server.
set -euo pipefail
. "$(dirname "$0")/lib.sh"
"$ROOT/scripts/setup.sh"
use_postgres
cd "$ROOT"
say "Format"
cargo fmt --all --check
cargo fmt --manifest-path tests/e2e/rust/Cargo.toml --check
say "Conventions"
scripts/layers.sh
if command -v shellcheck >/dev/null; then
    say "Shell scripts"
    git ls-files -z -- '*.sh' tests/run 'tests/*/run' 'tests/*/setup' benches/run 'benches/*/run' 'benches/*/*/setup' .ci/run | xargs -0 shellcheck -x -S warning
fi
say "Lints"
cargo clippy --quiet --workspace --all-targets --no-default-features \
    --features "$EXTENSION/pg$PG_MAJOR $EXTENSION/pg_test" -- -D warnings
say "Tests of the core and the gateway"
tests/core/run
tests/gateway/run
say "Generated documents"
scripts/documents.sh --check
say "Type check for every PostgreSQL"
scripts/typecheck.sh
say "All checks passed"
