# Says what is being done and how long it took. Sourced by every script beside this folder.
# shellcheck shell=bash

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
stack=${STACK:-$root/.stack}

# Runs a command quietly and prints one line. Its output is kept in the stack's log folder and shown only if it fails.
step() {
    local text=$1 log code start=${EPOCHREALTIME/[.,]/}
    shift
    mkdir -p "$stack/log"
    log=$stack/log/$(printf %s "$text" | tr -cs 'a-zA-Z0-9' '-' | cut -c1-40).log
    [ -t 1 ] && printf '      …  %s\r' "$text"
    # Not `if` or `||`: inside these bash would forget `set -e` in the command's functions too.
    set +e
    (set -e && "$@") >"$log" 2>&1
    code=$?
    set -e
    if [ $code -ne 0 ]; then
        tail -n 40 "$log" >&2
        die "failed: $text (all of it is in $log)"
    fi
    took "$start" "$text"
}

# As `step`, for commands whose output is the point.
loud() {
    local text=$1 start=${EPOCHREALTIME/[.,]/}
    shift
    "$@"
    took "$start" "$text"
}

took() {
    local tenths=$(((${EPOCHREALTIME/[.,]/} - $1) / 100000))
    printf '%5d.%ds  %s\n' $((tenths / 10)) $((tenths % 10)) "$2"
}

headline() { printf '\n%s\n' "$*"; }

die() {
    printf '%s: %s\n' "${0##*/}" "$*" >&2
    exit 1
}
