# Podman and runc with settings, storage and locks of the stack's own: whatever else the machine runs is not touched.
# shellcheck shell=bash

# Podman takes no run folder whose path is longer than 50 characters.
podman_run_folder() {
    local inside=$stack/podman/run
    [ ${#inside} -le 50 ] && echo "$inside" && return
    echo "${TMPDIR:-/tmp}/dockless-$(cksum <<<"$stack" | cut -d' ' -f1)"
}

configure_podman() {
    local own=$stack/podman runroot
    runroot=$(podman_run_folder)
    mkdir -p "$own" "$runroot"
    # Low limits and cgroupfs: containers that may not raise limits, and machines without systemd, are common in CI.
    cat >"$own/containers.conf" <<TOML
[containers]
default_ulimits = ["nofile=16384:16384", "nproc=16384:16384"]
log_driver = "k8s-file"
[engine]
cgroup_manager = "cgroupfs"
events_logger = "file"
lock_type = "file"
runtime = "runc"
static_dir = "$own/static"
tmp_dir = "$runroot/tmp"
volume_path = "$own/volumes"
[network]
network_config_dir = "$own/networks"
TOML
    cat >"$own/registries.conf" <<TOML
[[registry]]
location = "127.0.0.1:$(<"$stack/run/registry.port")"
insecure = true
TOML
    storage overlay >"$own/storage.conf"
    with_podman_settings podman info >/dev/null 2>&1 || storage vfs >"$own/storage.conf"
}

storage() {
    printf '[storage]\ndriver = "%s"\ngraphroot = "%s"\nrunroot = "%s"\n' "$1" "$stack/podman/storage" "$(podman_run_folder)"
}

with_podman_settings() {
    CONTAINERS_CONF=$stack/podman/containers.conf CONTAINERS_STORAGE_CONF=$stack/podman/storage.conf \
        CONTAINERS_REGISTRIES_CONF=$stack/podman/registries.conf "$@"
}

# Runs an image with nothing around it but its own loopback, and gets a page from within that.
# Prints the page. The container is gone afterwards.
page_of() {
    local image=$1 url=$2 container pid tries enter answered=''
    shift 2
    enter=(nsenter -n)
    [ "$(id -u)" -eq 0 ] || enter=(nsenter -U --preserve-credentials -n)
    container=$(with_podman_settings podman run --detach --network none "$@" "$image")
    pid=$(with_podman_settings podman inspect --format '{{.State.Pid}}' "$container")
    for ((tries = 0; tries < 300; tries++)); do
        "${enter[@]}" -t "$pid" curl -fsS --max-time 5 "$url" 2>/dev/null && answered=yes && break
        [ -d "/proc/$pid" ] || break
        sleep 0.1
    done
    [ -n "$answered" ] || with_podman_settings podman logs "$container" >&2
    with_podman_settings podman rm --force --time 20 "$container" >/dev/null
}
