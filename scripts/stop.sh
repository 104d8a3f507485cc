#!/usr/bin/env bash
# make stop: ends the server of make run, and only that one, by the pid in its data directory.
set -euo pipefail
. "$(dirname "$0")/lib.sh"
CLUSTER=$(readlink -f "$ROOT/target/cluster" || true)
if [ ! -d "$CLUSTER/data" ]; then
    say "No cluster here"
    exit 0
fi
use_postgres
if cluster_running "$CLUSTER"; then
    cluster_stop "$CLUSTER"
    say "Stopped"
else
    say "Not running"
fi
