#!/usr/bin/env bash
# Checks what building and testing need and installs what is missing. Quick when nothing is.
set -euo pipefail
. "$(dirname "$0")/lib.sh"

rust_is_new_enough() {
    local have
    have=$(rustc --version | cut -d' ' -f2)
    [ "$(printf '%s\n%s\n' "$RUST_VERSION" "$have" | sort -V | head -n1)" = "$RUST_VERSION" ]
}

# Installs Debian packages, without letting the first one of a server version make and start a cluster:
# the setting that asks for this is put back as it was, and clusters that exist are not touched.
install_packages() {
    local conf=/etc/postgresql-common/createcluster.conf
    case " $* " in
        *" postgresql-$WANTED "*)
            apt_install postgresql-common
            if [ -e "$conf" ] && ! compgen -G "/etc/postgresql/$WANTED/*/postgresql.conf" >/dev/null; then
                as_root cp -a "$conf" "$conf.pg_dynamo-saved"
                trap 'as_root mv -f '"$conf.pg_dynamo-saved $conf" EXIT
                echo 'create_main_cluster = false' | as_root tee -a "$conf" >/dev/null
            fi
            ;;
    esac
    apt_install "$@"
}

check_rust() {
    command -v cargo >/dev/null && command -v rustc >/dev/null ||
        die "cargo is missing: install Rust $RUST_VERSION or newer from https://rustup.rs"
    rust_is_new_enough || die "$(rustc --version) is too old: Rust $RUST_VERSION or newer is needed (rustup update)"
}

check_packages() {
    local missing=() found
    WANTED=15
    found=$(find_pg_config)
    if [ -z "$found" ] || [ ! -e "$("$found" --includedir-server)/postgres.h" ] ||
        [ ! -x "$("$found" --bindir)/initdb" ]; then
        if [ -n "${PG_CONFIG:-}" ]; then die "PG_CONFIG=$PG_CONFIG has no server headers or no initdb beside it"; fi
        missing+=("postgresql-$WANTED" "postgresql-server-dev-$WANTED")
    fi
    command -v cc >/dev/null || missing+=(gcc libc6-dev)
    command -v pkg-config >/dev/null || missing+=(pkg-config)
    command -v setpriv >/dev/null || missing+=(util-linux)
    has_libclang || missing+=(libclang-dev)
    # Only building cargo-pgrx itself wants OpenSSL's headers.
    cargo_pgrx_is "$PGRX_VERSION" || pkg-config --exists openssl 2>/dev/null || missing+=(libssl-dev)
    [ ${#missing[@]} = 0 ] || install_packages "${missing[@]}"
}

has_libclang() {
    [ -n "${LIBCLANG_PATH:-}" ] ||
        compgen -G '/usr/lib/llvm-*/lib/libclang*.so*' >/dev/null || compgen -G '/usr/lib*/libclang*.so*' >/dev/null
}

cargo_pgrx_is() { [ "$(cargo pgrx --version 2>/dev/null | cut -d' ' -f2)" = "$1" ]; }

# Another project may rely on another cargo-pgrx in ~/.cargo/bin; ours then goes to target/tools.
check_cargo_pgrx() {
    local root=()
    if cargo_pgrx_is "$PGRX_VERSION"; then return; fi
    cargo_pgrx_is '' || root=(--root "$ROOT/target/tools")
    say "Installing cargo-pgrx $PGRX_VERSION (a few minutes)"
    # A target directory of the project's own would mix two workspaces.
    env -u CARGO_TARGET_DIR cargo install cargo-pgrx --version "=$PGRX_VERSION" --locked --quiet "${root[@]}" ||
        die "cargo could not install cargo-pgrx $PGRX_VERSION"
}

say "Checking prerequisites"
check_rust
check_packages
check_cargo_pgrx
