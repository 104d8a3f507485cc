#!/usr/bin/env bash
# make clean: stops our server and removes everything that was built or created here.
set -euo pipefail
. "$(dirname "$0")/lib.sh"
"$ROOT/scripts/stop.sh"
AREA=$(work_area)
if [ "$AREA" != "$ROOT/target" ]; then rm -rf "$AREA"; fi
rm -rf "$ROOT/target/cluster"
command -v cargo >/dev/null && (cd "$ROOT" && cargo clean --quiet)
rm -rf "$ROOT/target"
say "Clean"
