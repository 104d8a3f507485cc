# shellcheck shell=bash
# Sourced by tests/upgrade/run and scripts/snapshot.sh: what an extension is, as text.

# catalog DB: every object of the extension as pg_dump sees it. In binary-upgrade mode pg_dump writes
# members of extensions one by one, in the order of their names; oids and versions are left out.
catalog() {
    "$BINDIR/pg_dump" --schema-only --binary-upgrade "$1" |
        grep -vE "binary_upgrade_|^-- (TOC|Dumped|For binary upgrade)|relfrozenxid|^UPDATE pg_catalog.pg_class$|^WHERE oid = |restrict |^$|^--$" |
        sed -E "s/'[0-9]+'::pg_catalog\.oid//g"
    "$BINDIR/psql" -X -At -d "$1" -c "
        select t::regclass, c from pg_extension, unnest(extconfig, extcondition) u (t, c)
        where extname = '$EXTENSION' order by t::regclass::text"
}

# script FILE: an install script without the places in the source that pgrx notes in it.
script() { sed -E 's/^(-- [A-Za-z0-9_./-]+\.rs):[0-9]+$/\1/' "$1"; }
