# Puts on the machine what the scripts need and it lacks; what is there in any form is left as it is.
# shellcheck shell=bash

as_root() {
    if [ "$(id -u)" -eq 0 ]; then "$@"; else sudo "$@"; fi
}

# Arguments are command:package. Installs the packages whose command is not found.
install_packages() {
    local pair missing=()
    for pair in "$@"; do
        command -v "${pair%%:*}" >/dev/null || missing+=("${pair##*:}")
    done
    [ ${#missing[@]} -gt 0 ] || return 0
    command -v apt-get >/dev/null || die "this machine has no apt-get: install ${missing[*]} in its own way and run this again"
    apt_install "${missing[@]}" || {
        as_root apt-get -qq update # old lists name files that the mirrors no longer have
        apt_install "${missing[@]}"
    }
}

apt_install() {
    as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq -y --no-install-recommends -o DPkg::Lock::Timeout=300 install "$@"
}

# Unpacks a package's files into a folder: for programs whose package would start a server on all addresses.
unpack_package() {
    local package=$1 into=$2 downloads
    downloads=$(mktemp -d)
    (
        cd "$downloads" || exit
        apt-get -qq -o APT::Sandbox::User=root download "$package" 2>/dev/null || {
            as_root apt-get -qq update
            apt-get -qq -o APT::Sandbox::User=root download "$package"
        }
    )
    mkdir -p "$into"
    dpkg-deb -x "$downloads"/*.deb "$into"
    rm -r "$downloads"
}

build_packages() {
    install_packages cc:build-essential git:git curl:curl python3:python3
    python3 -c 'import ensurepip, venv' 2>/dev/null || apt_install python3-venv
}

java_packages() {
    install_packages mvn:maven javac:openjdk-17-jdk-headless unzip:unzip
}

container_packages() {
    install_packages htpasswd:apache2-utils openssl:openssl skopeo:skopeo umoci:umoci buildah:buildah podman:podman runc:runc \
        ip:iproute2 nsenter:util-linux busybox:busybox-static curl:curl
    command -v docker-registry >/dev/null || [ -x "$stack/tools/usr/bin/docker-registry" ] ||
        unpack_package docker-registry "$stack/tools"
}

# Python programs, at the versions of the given list, in a virtual environment of the stack's own.
python_packages() {
    local wanted=$root/scripts/parts/$1 noted=$stack/venv/$1
    cmp -s "$wanted" "$noted" && return
    [ -x "$stack/venv/bin/pip" ] || python3 -m venv "$stack/venv"
    "$stack/venv/bin/pip" install --quiet --disable-pip-version-check --requirement "$wanted"
    cp "$wanted" "$noted"
}

# Debian's Rust is too old, and a toolchain is a choice of the machine's owner: say how, don't do.
check_rust() {
    local wanted have
    wanted=$(sed -n 's/^rust-version = "\([0-9.]*\)".*/\1/p' "$root/Cargo.toml")
    [ -x "$HOME/.cargo/bin/cargo" ] && PATH=$PATH:$HOME/.cargo/bin
    command -v cargo >/dev/null || die "dockless is built with Rust $wanted or newer, which is not here. Get it, then run this again:
  curl --proto '=https' --tlsv1.2 -sSf https://sh.rustup.rs | sh -s -- -y --profile default"
    have=$(rustc --version | cut -d' ' -f2)
    [ "$(printf '%s\n' "$wanted" "$have" | sort -V | head -n1)" = "$wanted" ] ||
        die "Rust $have is too old, dockless needs $wanted or newer: rustup update stable"
}
