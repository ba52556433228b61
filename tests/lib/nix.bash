# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=bash disable=SC2154
# Helpers for the bats files about Nix and the cache; `load ../lib/common` first.

NIX_RESOLVE=$(dirname "$NIXCAGE")/../tests/unit/nix/nix-resolve

# A cache of its own for every test.
export XDG_CACHE_HOME=$BATS_TEST_TMPDIR/cache

# nix_project LINE…: a project whose [nix] section is these lines.
nix_project() {
    make_project < <(echo "[nix]"; printf '%s\n' "$@")
}

# resolve [OPTION…]: resolves the current project; sets status, output, stderr.
resolve() {
    run_split "$NIX_RESOLVE" "$@"
}

assert_cached() {
    assert_status 0
    assert_line cached=1
}

refute_cached() {
    assert_status 0
    assert_line cached=0
}

# The value of a "name=value" line of resolve's output.
field() {
    sed -n "s/^$1=//p" <<<"$output" | head -n 1
}

# Fills the cache; the file system's time must have moved on, or what changed last counts as changing still.
resolve_and_cache() {
    poll_until 20 _is_cached "$@"
}

_is_cached() {
    resolve "$@" && [ "$status" = 0 ] && grep -qx cached=1 <<<"$output"
}

# Sorted NAME=value, without what differs from run to run (nix.md); $1: NUL-separated environment.
normal_environment() {
    local temporary='TMP|TMPDIR|TEMP|TEMPDIR|NIX_BUILD_TOP|PWD|OLDPWD|SHLVL|_|TERM|TZ|DISPLAY|USER|LOGNAME|HOME'
    sed -z -E "/^($temporary|XDG_RUNTIME_DIR|PAGER|WAYLAND_[A-Z]*|[a-z]*_proxy)=/d
        s#^([A-Za-z_]*Path|NIX_ATTRS_SH_FILE|NIX_ATTRS_JSON_FILE)=.*/(\.attr[^/]*)\$#\1=<attrs>/\2#" "$1" |
        sort -z | tr '\n\0' '\001\n'
}

# same_environment ARG…: the resolved environment is that of a fresh `nix-shell --pure ARG…`.
same_environment() {
    local fresh=$BATS_TEST_TMPDIR/fresh ours=$BATS_TEST_TMPDIR/ours
    nix-shell --pure "$@" --run "exec \"$(dirname "$NIXCAGE")/init/nixcage-record\" --dump 9" 9>"$fresh" \
        2>"$BATS_TEST_TMPDIR/log" || {
        cat "$BATS_TEST_TMPDIR/log" >&2
        return 1
    }
    "$NIX_RESOLVE" --env0 >"$ours" || return 1
    [ -s "$fresh" ] || return 1
    diff <(normal_environment "$fresh") <(normal_environment "$ours") >&2
}
