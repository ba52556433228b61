# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=sh
# Shared by the scripts: messages, and root only where it is needed. POSIX sh: a bare machine has nothing else.

say() {
    printf '%s\n' "$*"
}

# One line to standard error, after the script's name.
warn() {
    printf '%s: %s\n' "${0##*/}" "$*" >&2
}

die() {
    warn "$*"
    exit 1
}

have() {
    command -v "$1" >/dev/null 2>&1
}

# Runs a command as root: directly, or through sudo.
as_root() {
    if [ "$(id -u)" = 0 ]; then
        "$@"
    elif have sudo; then
        sudo "$@"
    else
        die "root is needed for this and sudo is not installed; as root, run: $*"
    fi
}

# quietly LOG CMD…: runs CMD with its output in LOG, which is shown only when it fails.
quietly() {
    quietly_log=$1
    shift
    quietly_status=0
    # A subshell, so that what ends it does not end us before its last words are shown.
    ("$@") >"$quietly_log" 2>&1 || quietly_status=$?
    if [ "$quietly_status" != 0 ]; then cat "$quietly_log" >&2; fi
    return "$quietly_status"
}
