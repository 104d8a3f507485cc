# shellcheck shell=bash
# What every script shares: messages, where Postgres is, and clusters that an unprivileged user runs.
# Sourced, never run. The caller has set -euo pipefail.
# shellcheck disable=SC2034  # what is unused here is used by those who source it

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
EXTENSION=pg_dynamo
GATEWAY=pg_dynamo_gateway
PGRX_VERSION=0.18.1
RUST_VERSION=1.95
# What was built, laid out as on a system's disk; PG_DYNAMO_STAGE may name an unpacked package instead.
STAGE=${PG_DYNAMO_STAGE:-$ROOT/target/stage}
# A backtrace in every ERROR of the server and a client that reads another server: neither is ours.
unset RUST_BACKTRACE RUST_LIB_BACKTRACE PGSERVICE PGSERVICEFILE PGOPTIONS PGDATA PGHOSTADDR
export PATH=$PATH:${CARGO_HOME:-$HOME/.cargo}/bin LC_ALL=C.UTF-8
[ -x "$ROOT/target/tools/bin/cargo-pgrx" ] && export PATH=$ROOT/target/tools/bin:$PATH

say() { printf '==> %s\n' "$*"; }
note() { printf '    %s\n' "$*"; }
die() {
    printf 'error: %s\n' "$*" >&2
    exit 1
}
is_root() { [ "$(id -u)" = 0 ]; }

# Run a command as root.
as_root() {
    if is_root; then
        "$@"
    elif command -v sudo >/dev/null; then
        sudo "$@"
    else
        die "this step needs root ($*): install sudo or run it as root"
    fi
}

# Debian packages, with one line that names them.
apt_install() {
    command -v apt-get >/dev/null || die "missing packages, and no apt-get to install them: $*"
    is_root || command -v sudo >/dev/null || die "missing packages ($*): run as root or install sudo"
    say "Installing $* (apt)"
    mkdir -p "$ROOT/target"
    apt() { as_root env DEBIAN_FRONTEND=noninteractive apt-get -o Dpkg::Use-Pty=0 -qq "$@" >>"$ROOT/target/apt.log" 2>&1; }
    apt update || note "apt-get update failed; trying with the lists there are"
    apt install -y --no-install-recommends "$@" || die "apt could not install $* (see target/apt.log)"
}

# --- which Postgres ---------------------------------------------------------------------------

# PG_CONFIG if set, else the newest supported installation that has its headers.
find_pg_config() {
    local major candidate
    if [ -n "${PG_CONFIG:-}" ]; then
        command -v "$PG_CONFIG" >/dev/null || die "PG_CONFIG=$PG_CONFIG is not a program"
        command -v "$PG_CONFIG"
        return
    fi
    for major in 18 17 16 15; do
        candidate=/usr/lib/postgresql/$major/bin/pg_config
        if [ -x "$candidate" ] && [ -e "$("$candidate" --includedir-server)/postgres.h" ]; then
            echo "$candidate"
            return
        fi
    done
    command -v pg_config || true
}

# Sets PG_CONFIG, PG_MAJOR, BINDIR and what cargo pgrx needs to know.
use_postgres() {
    PG_CONFIG=$(find_pg_config)
    [ -n "$PG_CONFIG" ] || die "no PostgreSQL found: run scripts/setup.sh, or set PG_CONFIG"
    PG_MAJOR=$("$PG_CONFIG" --version | sed -E 's/^[^0-9]*([0-9]+).*/\1/')
    case $PG_MAJOR in
        15 | 16 | 17 | 18) ;;
        *) die "$PG_CONFIG is PostgreSQL $PG_MAJOR; 15 to 18 are supported" ;;
    esac
    BINDIR=$("$PG_CONFIG" --bindir)
    export PG_CONFIG PG_MAJOR BINDIR
    pgrx_home "$ROOT/target/pgrx" "$PG_CONFIG"
}

# PGRX_HOME with one entry; the file is only touched when it changes, because a build depends on it.
pgrx_home() {
    local home=$1 config=$2 text
    printf -v text '[configs]\npg%s = "%s"\n' "$PG_MAJOR" "$config"
    mkdir -p "$home"
    printf '%s' "$text" | cmp -s - "$home/config.toml" || printf '%s' "$text" >"$home/config.toml"
    export PGRX_HOME=$home
}

cargo_features() { printf -- '--no-default-features --features pg%s' "$PG_MAJOR"; }

# --- the user and the place of a cluster -------------------------------------------------------

# Postgres refuses to run as root: then it runs as `postgres`, or `nobody` where that does not exist.
cluster_user() {
    if ! is_root; then
        id -un
    elif id postgres >/dev/null 2>&1; then
        echo postgres
    else
        echo nobody
    fi
}

# Run a command as the cluster's user, from a directory that this user can enter.
as_cluster_user() {
    if is_root; then
        local user
        user=$(cluster_user)
        (cd / && exec setpriv --reuid="$(id -u "$user")" --regid="$(id -g "$user")" --init-groups \
            env HOME=/ USER="$user" "$@")
    else
        (cd / && exec "$@")
    fi
}

# Where clusters and private copies of Postgres live: target/, unless the cluster's user cannot
# reach it (a clone under /root) or a socket in it would have too long a name; then /var/tmp.
work_area() {
    local area=$ROOT/target
    mkdir -p "$area"
    if [ ${#area} -le 60 ] && as_cluster_user test -x "$area"; then
        echo "$area"
        return
    fi
    area=/var/tmp/$EXTENSION-$(id -u)-$(printf '%s' "$ROOT" | sha256sum | cut -c1-12)
    mkdir -m 755 "$area" 2>/dev/null || true
    # /var/tmp is everybody's: a directory or link that somebody else put there is not used.
    if [ -L "$area" ] || [ ! -O "$area" ]; then die "$area exists and belongs to somebody else"; fi
    echo "$area"
}

# make_cluster_dir DIR: a place for one cluster. Data and socket are the cluster user's alone.
make_cluster_dir() {
    mkdir -p "$1"
    chmod 755 "$1"
    mkdir -p "$1/data" "$1/run"
    chmod 700 "$1/data" "$1/run"
    touch "$1/server.log"
    if is_root; then
        chown "$(cluster_user)" "$1/data" "$1/run" "$1/server.log"
    fi
}

# --- a cluster's life ---------------------------------------------------------------------------
# All take the directory made by make_cluster_dir and use BINDIR.

cluster_init() {
    make_cluster_dir "$1"
    as_cluster_user "$BINDIR/initdb" -D "$1/data" -U postgres --encoding=UTF8 --locale=C.UTF-8 \
        --auth-local=trust --auth-host=scram-sha-256 --no-sync "${@:2}" >"$1/initdb.log" 2>&1 ||
        { cat "$1/initdb.log" >&2; die "initdb failed in $1"; }
    echo "include 'pg_dynamo.conf'" | as_cluster_user tee -a "$1/data/postgresql.conf" >/dev/null
}

# cluster_conf DIR PORT LISTEN [name=value...]: prints the settings every cluster of ours has.
cluster_conf() {
    local dir=$1 port=$2 listen=$3 setting
    shift 3
    cat <<CONF
port = $port
listen_addresses = '$listen'
unix_socket_directories = '$dir/run'
unix_socket_permissions = 0700
shared_preload_libraries = '$EXTENSION'
wal_level = logical
max_worker_processes = 16
CONF
    # Newer minors let decoding use only the plugins that are named here; older ones do not know the setting.
    if as_cluster_user "$BINDIR/postgres" -C output_plugin_libraries -D "$dir/data" >/dev/null 2>&1; then
        echo "output_plugin_libraries = 'pgoutput, test_decoding, $EXTENSION'"
    fi
    for setting in "$@"; do
        echo "${setting%%=*} = '${setting#*=}'"
    done
}

# cluster_configure DIR PORT LISTEN [name=value...]: true when the settings on disk changed.
cluster_configure() {
    local conf=$1/data/pg_dynamo.conf text
    as_cluster_user test -e "$conf" || as_cluster_user touch "$conf"
    text=$(cluster_conf "$@")
    [ "$text" != "$(as_cluster_user cat "$conf")" ] || return 1
    printf '%s\n' "$text" | as_cluster_user tee "$conf" >/dev/null
}

cluster_running() { as_cluster_user "$BINDIR/pg_ctl" -D "$1/data" status >/dev/null 2>&1; }

# The server must not inherit our descriptors: a lock or a pipe of make would stay open as long as it lives.
cluster_start() {
    as_cluster_user "$BINDIR/pg_ctl" -D "$1/data" -l "$1/server.log" -w -t 60 start \
        </dev/null >/dev/null 2>&1 3>&- 4>&- 5>&- 6>&- 7>&- 8>&- 9>&- || {
        tail -n 20 "$1/server.log" >&2
        die "the server in $1 did not start (its log is above)"
    }
}

# Stops by the pid in the data directory; asks twice before it insists.
cluster_stop() {
    cluster_running "$1" || return 0
    as_cluster_user "$BINDIR/pg_ctl" -D "$1/data" -m fast -w -t 60 stop >/dev/null 2>&1 ||
        as_cluster_user "$BINDIR/pg_ctl" -D "$1/data" -m immediate -w -t 30 stop >/dev/null
}

# --- building and installing ----------------------------------------------------------------------

# Builds the release into $STAGE, laid out as on the system's disk: the extension, and the gateway beside the server's programs.
build_stage() {
    rm -rf "$STAGE"
    mkdir -p "$ROOT/target"
    (
        cd "$ROOT"
        export CARGO_TERM_COLOR=never NO_COLOR=1
        cargo pgrx package --pg-config "$PG_CONFIG" --out-dir "$STAGE" &&
            cargo build --release --package "$GATEWAY" &&
            install -D -m 755 "${CARGO_TARGET_DIR:-target}/release/$GATEWAY" "$STAGE$("$PG_CONFIG" --bindir)/$GATEWAY"
    ) >"$ROOT/target/build.log" 2>&1 || {
        grep -v '^ *\(Compiling\|Downloaded\)' "$ROOT/target/build.log" | tail -n 60 >&2
        die "the build failed (all of it is in target/build.log)"
    }
}

# install_stage PREFIX: puts what was built under PREFIX ('' is the system), new inodes only, because
# running servers have the old library mapped. Says whether something changed.
install_stage() {
    local prefix=$1 file changed=no run=
    while IFS= read -r file; do
        file=${file#"$STAGE"}
        cmp -s "$STAGE$file" "$prefix$file" && continue
        run=
        [ -w "$(dirname "$prefix$file")" ] || run=as_root
        $run install -D -m "$(case $file in *.so | */bin/*) echo 755 ;; *) echo 644 ;; esac)" "$STAGE$file" "$prefix$file"
        changed=yes
    done < <(find "$STAGE" -type f)
    [ $changed = yes ]
}

# The version that was staged, as its control file says.
staged_version() {
    sed -nE "s/^default_version *= *'(.*)'/\1/p" "$STAGE$("$PG_CONFIG" --sharedir)/extension/$EXTENSION.control"
}

# private_postgres DIR: a copy of the installation under DIR, which Postgres allows because it finds
# its files relative to its programs. Tests install into it and leave the system's alone.
private_postgres() {
    local dir=$1 what path stamp
    stamp="$PG_CONFIG $("$BINDIR/postgres" --version) $(stat -c %Y "$BINDIR/postgres")"
    if [ "$(cat "$dir/stamp" 2>/dev/null)" != "$stamp" ]; then
        rm -rf "$dir"
        for what in bindir pkglibdir sharedir; do
            path=$("$PG_CONFIG" --$what)
            mkdir -p "$dir$path"
            cp -a "$path/." "$dir$path/"
            rm -f "$dir$path"/extension/$EXTENSION* "$dir$path"/$EXTENSION.so "$dir$path"/$GATEWAY
        done
        for what in includedir-server pkgincludedir includedir libdir; do
            path=$("$PG_CONFIG" --$what)
            [ -e "$dir$path" ] && continue
            mkdir -p "$dir$(dirname "$path")"
            ln -s "$path" "$dir$path"
        done
        chmod -R a+rX "$dir"
        echo "$stamp" >"$dir/stamp"
    fi
}

# The tour: one list of options, so that `make run` shows what the test compares. It starts a second psql.
play_tour() { PATH=$BINDIR:$PATH "$BINDIR/psql" -X -q -a -v ON_ERROR_STOP=1 -f "$ROOT/sql/tour.sql" "$@" 2>&1; }

# The client of the suites durability and load: builds it and prints where it is.
load_client() {
    (cd "$ROOT" && cargo build --quiet --release -p pg_dynamo_load_client) >&2 || die "the client of the load suites cannot be built"
    echo "${CARGO_TARGET_DIR:-$ROOT/target}/release/pg_dynamo_load_client"
}

# --- suites -------------------------------------------------------------------------------------
# The last line of every suite is "N passed, N failed"; a suite that ran nothing has failed.

counts() { # counts PASSED FAILED
    echo "$1 passed, $2 failed"
    [ "$2" = 0 ] && [ "$1" != 0 ]
}

# sum_cargo LOG STATUS: the counts of all test programs that cargo ran. A program that died counts as one failure.
sum_cargo() {
    local passed failed
    passed=$(sed -nE 's/.*test result: .* ([0-9]+) passed; .*/\1/p' "$1" | awk '{ n += $1 } END { print n + 0 }')
    failed=$(sed -nE 's/.*test result: .*; ([0-9]+) failed; .*/\1/p' "$1" | awk '{ n += $1 } END { print n + 0 }')
    if [ "$2" != 0 ] && [ "$failed" = 0 ]; then failed=1; fi
    counts "$passed" "$failed"
}

# sum_regress LOG STATUS: the counts of pg_regress and pg_isolation_regress, old format and TAP.
sum_regress() {
    local passed failed
    passed=$(grep -cE '\.\.\. ok|^ok ' "$1" || true)
    failed=$(grep -cE '\.\.\. FAILED|^not ok ' "$1" || true)
    if [ "$2" != 0 ] && [ "$failed" = 0 ]; then failed=1; fi
    counts "$passed" "$failed"
}
