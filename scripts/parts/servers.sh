# The servers of the stack: two registries and a local AWS, on loopback alone, each known by its process.
# shellcheck shell=bash

# Both registries accept whatever is pushed; the second one wants TLS and the user AWS, as ECR does.
registry_user=AWS
registry_password=local-password

# Starts a server in the background. The process' start time tells it from a later process of the same number.
launch() {
    local name=$1 pid
    shift
    mkdir -p "$stack/run" "$stack/log"
    setsid "$@" >"$stack/log/$name.log" 2>&1 </dev/null &
    pid=$!
    echo "$pid $(started_at $pid)" >"$stack/run/$name.pid"
}

# Nothing for a process that has ended, even if nobody has asked for its exit code yet (Z).
started_at() { sed 's/.*) //' "/proc/$1/stat" 2>/dev/null | awk '$1 != "Z" { print $20 }'; }

# Whether the server of this name runs; prints its process id.
running() {
    local pid since
    [ -f "$stack/run/$1.pid" ] || return 1
    read -r pid since <"$stack/run/$1.pid"
    [ -n "$since" ] && [ "$(started_at "$pid")" = "$since" ] && echo "$pid"
}

await() {
    local name=$1 tries
    shift
    for ((tries = 0; tries < 300; tries++)); do
        curl -fsS -o /dev/null --max-time 2 "$@" 2>/dev/null && return
        running "$name" >/dev/null || break
        sleep 0.1
    done
    tail -n 20 "$stack/log/$name.log" >&2
    die "$name does not answer (all it said is in $stack/log/$name.log)"
}

end() {
    local name=$1 pid tries
    if pid=$(running "$name"); then
        kill "$pid"
        for ((tries = 0; tries < 50; tries++)); do
            running "$name" >/dev/null || break
            sleep 0.1
        done
        if running "$name" >/dev/null; then kill -9 "$pid"; fi
    fi
    rm -f "$stack/run/$name.pid"
}

# The port of the last start if it is still free, so that image names stay as they were; else any free one.
choose_port() {
    python3 - "$stack/run/$1.port" <<'PYTHON'
import pathlib, socket, sys
kept = pathlib.Path(sys.argv[1])
wanted = int(kept.read_text()) if kept.exists() else 0
with socket.socket() as s:
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        s.bind(("127.0.0.1", wanted))
    except OSError:
        s.bind(("127.0.0.1", 0))
    kept.parent.mkdir(parents=True, exist_ok=True)
    kept.write_text(str(s.getsockname()[1]))
    print(s.getsockname()[1])
PYTHON
}

# An authority of the stack's own and a certificate for this machine and for ECR's host names.
make_certificates() {
    local tls=$stack/tls
    [ -f "$tls/server.pem" ] && return
    mkdir -p "$tls"
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 3650 -subj "/CN=dockless test authority" \
        -addext "keyUsage=critical,keyCertSign,cRLSign" -keyout "$tls/ca.key" -out "$tls/ca.pem"
    openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "/CN=localhost" -keyout "$tls/server.key" -out "$tls/server.csr"
    openssl x509 -req -in "$tls/server.csr" -CA "$tls/ca.pem" -CAkey "$tls/ca.key" -CAcreateserial -days 3650 -out "$tls/server.new" \
        -extfile <(echo "subjectAltName=DNS:localhost,IP:127.0.0.1,DNS:*.dkr.ecr.us-east-1.amazonaws.com
basicConstraints=critical,CA:FALSE
extendedKeyUsage=serverAuth")
    mv "$tls/server.new" "$tls/server.pem"
}

registry_config() {
    cat <<YAML
version: 0.1
log: {level: warn, accesslog: {disabled: false}}
storage:
  filesystem: {rootdirectory: $stack/registry/$1}
  delete: {enabled: true}
http:
  addr: 127.0.0.1:$2
  secret: $stack
YAML
}

start_registries() {
    local serve port tls_port
    serve=$(command -v docker-registry || echo "$stack/tools/usr/bin/docker-registry")
    mkdir -p "$stack/registry"
    port=$(choose_port registry)
    registry_config plain "$port" >"$stack/registry/plain.yml"
    launch registry "$serve" serve "$stack/registry/plain.yml"

    tls_port=$(choose_port tls-registry)
    htpasswd -Bbn "$registry_user" "$registry_password" >"$stack/registry/htpasswd"
    {
        registry_config tls "$tls_port"
        echo "  tls: {certificate: $stack/tls/server.pem, key: $stack/tls/server.key}"
        echo "auth: {htpasswd: {realm: local, path: $stack/registry/htpasswd}}"
    } >"$stack/registry/tls.yml"
    launch tls-registry "$serve" serve "$stack/registry/tls.yml"

    await registry "http://127.0.0.1:$port/v2/"
    await tls-registry --cacert "$stack/tls/ca.pem" -u "$registry_user:$registry_password" "https://localhost:$tls_port/v2/"
}

# ECS, ECR and the rest. It is told of no Docker socket: a task is RUNNING at once, and nothing is started for it.
# Unless told otherwise it opens further ports on all addresses.
start_aws() {
    local port
    port=$(choose_port aws)
    mkdir -p "$stack/aws"
    launch aws env -C "$stack/aws" BIND_HOST=127.0.0.1 GATEWAY_PORT="$port" MINISTACK_HOST=127.0.0.1 \
        MINISTACK_ACCOUNT_ID=123456789012 IOT_MTLS_ENABLED=false SFTP_ENABLED=0 STATE_DIR="$stack/aws" \
        DOCKER_HOST="unix://$stack/no-docker.sock" "$stack/venv/bin/ministack"
    await aws "http://127.0.0.1:$port/_ministack/health"
}

# Nothing may be reachable from outside.
check_loopback() {
    local name pid open
    for name in registry tls-registry aws; do
        pid=$(running "$name") || die "$name has ended: see $stack/log/$name.log"
        open=$(ss -Hltnp | grep -E "pid=$pid," | awk '{print $4}' | grep -vE '^(127\.|\[::1\])' || true)
        [ -z "$open" ] || die "$name listens beyond loopback, on $open"
    done
}
