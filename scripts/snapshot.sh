#!/usr/bin/env bash
# make snapshot: writes sql/snapshot/VERSION.sql, the install script of the current version as it will be
# released. Once a version is released its snapshot is never written again: raise the version instead.
set -euo pipefail
. "$(dirname "$0")/lib.sh"
"$ROOT/scripts/install.sh" --stage-only
use_postgres
. "$ROOT/tests/upgrade/catalog.sh"
version=$(staged_version)
built=$STAGE$("$PG_CONFIG" --sharedir)/extension/$EXTENSION--$version.sql
if git -C "$ROOT" rev-parse -q --verify "refs/tags/v$version" >/dev/null 2>&1; then die "$version is released: raise the version"; fi
mkdir -p "$ROOT/sql/snapshot"
script "$built" >"$ROOT/sql/snapshot/$version.sql"
say "Wrote sql/snapshot/$version.sql"
