#!/usr/bin/env bash
# Type-checks the extension for the PostgreSQL versions whose headers are not needed for that.
# Warnings are the lints' business. It sees every call into the server through pgrx's bindings; it cannot see hand-written externs.
set -euo pipefail
. "$(dirname "$0")/lib.sh"
cd "$ROOT"
[ $# -gt 0 ] || set -- 15 16 17 18
for major in "$@"; do
    DOCS_RS=1 RUSTFLAGS="-A warnings" RUSTC_WRAPPER=$ROOT/scripts/rustc_docsrs CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$ROOT/target}/typecheck \
        cargo check --quiet --package "$EXTENSION" --lib --no-default-features --features "pg$major" ||
        die "the extension does not type-check for PostgreSQL $major"
    note "PostgreSQL $major: ok"
done
