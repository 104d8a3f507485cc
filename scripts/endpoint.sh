# shellcheck shell=bash
# The HTTP endpoint of a cluster of ours: its settings, who may connect, a development role and its access key.
# Sourced after lib.sh, never run. What takes DIR wants a running cluster, and psql to reach it as superuser.

DEVELOPER=developer
ENDPOINT_REGION=us-east-1

port_is_taken() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

# A port that nothing listens on, below those that the system hands out by itself.
free_port() {
    local port
    for _ in {1..200}; do
        port=$((20000 + (RANDOM * 32768 + RANDOM) % 12000))
        port_is_taken "$port" || { echo "$port"; return; }
    done
    die "no free port found"
}

# endpoint_answers PORT PATH: whether a GET is answered with 200.
endpoint_answers() {
    local status
    status=$(
        exec 2>/dev/null 3<>"/dev/tcp/127.0.0.1/$1" &&
            printf 'GET %s HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n' "$2" >&3 &&
            read -r -t 5 _ status _ <&3 && echo "$status"
    ) || return 1
    [ "$status" = 200 ]
}

# endpoint_wait METRICS_PORT SECONDS
endpoint_wait() {
    local end=$((SECONDS + $2))
    until endpoint_answers "$1" /ready; do
        [ $SECONDS -lt $end ] || return 1
        sleep 0.1
    done
}

# cluster_file DIR PATH: replaces a file of the cluster's user by stdin, readable by that user alone. True when that changed it.
cluster_file() {
    local text
    text=$(cat; echo .)
    text=${text%.}
    if as_cluster_user test -e "$2" && [ "$text" = "$(as_cluster_user cat "$2"; echo .)" ]; then return 1; fi
    printf '%s' "$text" | as_cluster_user sh -c 'umask 077 && cat >"$1.new" && mv "$1.new" "$1"' sh "$2"
}

# The key under which the secrets of access keys are stored: outside the database, so that no dump or backup holds both.
endpoint_secret_key() {
    as_cluster_user test -e "$1/secrets/key" && return
    mkdir -p "$1/secrets"
    chmod 700 "$1/secrets"
    if is_root; then chown "$(cluster_user)" "$1/secrets"; fi
    od -An -v -N32 -tx1 /dev/urandom | tr -d ' \n' | cluster_file "$1" "$1/secrets/key"
}

# The endpoint's process is run by the user that runs the server, so the socket tells Postgres who it is.
endpoint_logins() {
    local data=$1/data user
    user=$(cluster_user)
    if ! as_cluster_user grep -q 'map=dynamo_gateway' "$data/pg_hba.conf"; then
        {
            echo '# The HTTP endpoint: two roles, and who may be them stands in pg_ident.conf.'
            echo 'local all dynamo_gateway,dynamo_gateway_keys peer map=dynamo_gateway'
            as_cluster_user cat "$data/pg_hba.conf"
        } | cluster_file "$1" "$data/pg_hba.conf" || true
    fi
    if ! as_cluster_user grep -q '^dynamo_gateway' "$data/pg_ident.conf"; then
        {
            as_cluster_user cat "$data/pg_ident.conf"
            printf 'dynamo_gateway %s %s\n' "$user" dynamo_gateway "$user" dynamo_gateway_keys
        } | cluster_file "$1" "$data/pg_ident.conf" || true
    fi
}

# endpoint_configure DIR DATABASE PORT METRICS_PORT [name=value...]: everything but the access key; the server starts the endpoint.
endpoint_configure() {
    local dir=$1 data=$1/data setting
    endpoint_secret_key "$dir"
    endpoint_logins "$dir"
    {
        echo "dynamo.region = '$ENDPOINT_REGION'"
        echo "dynamo.secret_key_file = '$dir/secrets/key'"
        echo "dynamo.gateway = on"
        echo "dynamo.gateway_listen = '127.0.0.1:$3'"
        echo "dynamo.gateway_metrics_listen = '127.0.0.1:$4'"
        echo "dynamo.gateway_database = '$2'"
        for setting in "${@:5}"; do echo "${setting%%=*} = '${setting#*=}'"; done
    } | cluster_file "$dir" "$data/pg_dynamo_gateway.conf" || true
    as_cluster_user grep -q pg_dynamo_gateway.conf "$data/postgresql.conf" ||
        echo "include_if_exists 'pg_dynamo_gateway.conf'" | as_cluster_user tee -a "$data/postgresql.conf" >/dev/null
    as_cluster_user "$BINDIR/pg_ctl" -D "$data" reload >/dev/null
}

# The role that a developer's key belongs to. It may do what an application does; tables that the superuser makes are open to it.
endpoint_role() {
    psql -X -q -v ON_ERROR_STOP=1 -v role=$DEVELOPER <<'SQL'
SET client_min_messages = warning;
SELECT format('CREATE ROLE %I LOGIN', :'role') WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = :'role') \gexec
GRANT CREATE, USAGE ON SCHEMA dynamo_tables TO :"role";
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA dynamo_tables TO :"role";
ALTER DEFAULT PRIVILEGES IN SCHEMA dynamo_tables GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO :"role";
SQL
}

# endpoint_key DIR: the role's access key, made once and kept in DIR/access_key (identifier and secret, a line each). True when it is new.
endpoint_key() {
    local file=$1/access_key id=
    if [ -e "$file" ]; then
        id=$(head -n 1 "$file")
        [ "$(psql -X -At -c "SELECT true FROM dynamo.access_keys WHERE access_key_id = '$id' AND role = '$DEVELOPER' AND enabled")" != t ] || return 1
    fi
    rm -f "$file"
    (umask 077 && psql -X -q -At -F $'\n' -v ON_ERROR_STOP=1 \
        -c "SELECT access_key_id, secret_access_key FROM dynamo.create_access_key('$DEVELOPER')" >"$file.new") || die "no access key could be made"
    mv "$file.new" "$file"
}

# endpoint_env DIR PORT: what AWS's SDKs, its CLI and most tools look for.
endpoint_env() {
    cat <<ENV
unset AWS_PROFILE AWS_SESSION_TOKEN
export AWS_ENDPOINT_URL_DYNAMODB=http://127.0.0.1:$2
export AWS_ENDPOINT_URL_DYNAMODB_STREAMS=http://127.0.0.1:$2
export AWS_ACCESS_KEY_ID=$(sed -n 1p "$1/access_key")
export AWS_SECRET_ACCESS_KEY=$(sed -n 2p "$1/access_key")
export AWS_REGION=$ENDPOINT_REGION
export AWS_DEFAULT_REGION=$ENDPOINT_REGION
ENV
}
