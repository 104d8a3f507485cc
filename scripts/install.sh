#!/usr/bin/env bash
# Builds the release and installs it into the Postgres of PG_CONFIG. With --stage-only it only builds.
set -euo pipefail
. "$(dirname "$0")/lib.sh"
"$ROOT/scripts/setup.sh"
use_postgres
say "Building $EXTENSION for PostgreSQL $PG_MAJOR (release; a first build takes minutes)"
build_stage
[ "${1:-}" != --stage-only ] || exit 0
if install_stage ''; then
    say "Installed into $("$PG_CONFIG" --pkglibdir)"
else
    say "Installed already: $("$PG_CONFIG" --pkglibdir)/$EXTENSION.so is what was built"
fi
