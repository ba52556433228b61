#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
# The table: store mode × Nix (single-user, daemon) × caller × operation → what happens, and with which words. The suites run it
# as root and as an ordinary user; a user of root's daemon is a row of its own.

load ../lib/common
load ../lib/nix

setup() {
    export XDG_DATA_HOME=$BATS_TEST_TMPDIR/data
    AS=()
    # A path of the host's store that no project of these tests needs.
    OTHER=$(nix-build --no-out-link -E '(import <nixpkgs> { }).hooked')/bin/hooked
    [ -r "$OTHER" ]
}

teardown() {
    chmod -R u+w "$BATS_TEST_TMPDIR" 2>/dev/null || :
    rm -rf /nix/store/.nixcage-table
    if [ -n "${DAEMON:-}" ]; then kill "$DAEMON" 2>/dev/null || :; fi
    rm -f /nix/var/nix/daemon-socket/socket
}

# A Nix daemon that serves this test's /nix. Its clients ask for it by NIX_REMOTE.
start_daemon() {
    local socket=/nix/var/nix/daemon-socket/socket
    nix-daemon --extra-experimental-features nix-command >"$BATS_TEST_TMPDIR/daemon.log" 2>&1 3>&- &
    DAEMON=$!
    poll_until 10 test -S "$socket"
    export NIX_REMOTE=daemon
    NIX_REMOTE=daemon nix-store -q --outputs /nonexistent 2>&1 | grep -q . # it answers
}

# store_project LINE…: with Nix's programs in the cage, which the host has in /usr.
store_project() {
    make_project < <(
        printf '%s\n' '[sandbox.filesystem]' 'system = true' "ro_bind = [\"$NIXCAGE_SRC/share/offline\"]" '[cage]' \
            'passthrough_env = ["NIX_PATH"]' \
            'env = ["NIX_CONFIG=sandbox = false\nsubstituters =\nbuild-users-group =\n"]' '[nix]' 'packages = ["hello"]'
        printf '%s\n' "$@"
    )
    cat >operations <<'SH'
step() {
    local name=$1 text
    shift
    if text=$("$@" 2>&1); then echo "$name: ok"; else echo "$name: no: ${text//$'\n'/ | }"; fi
}
build() { nix-build --no-out-link -E 'derivation { name = "new"; system = builtins.currentSystem; builder = "/bin/sh";
    args = [ "-c" "echo built >$out" ]; unique = "'"$1"'"; }'; }
visible() { grep -qx built "$(build "$1" 2>/dev/null | tail -n 1)" || { echo "not visible"; return 1; }; }
step own cat "$(type -P hello)"
step other cat "$1"
step write touch /nix/store/.nixcage-table
step build build "$2"
step visible visible "$2-visible"
step shell nix-shell -p hello --run hello
step realise nix-store -r "$(dirname "$(dirname "$(type -P hello)")")"
SH
}

# expect OPERATION=PATTERN…: what the operations in the cage give, in this order.
expect() {
    if [ "${#AS[@]}" -gt 0 ]; then
        chown -R nobody: "$PROJECT" "$BATS_TEST_TMPDIR/mine"
        "${AS[@]}" "$NIXCAGE" allow --yes >/dev/null
    fi
    run_split "${AS[@]}" "$NIXCAGE" run -- bash operations "$OTHER" "$BATS_TEST_NAME$$"
    assert_status 0
    local row
    for row in "$@"; do
        # shellcheck disable=SC2053
        grep -E "^${row%%=*}: ${row#*=}" <<<"$output" >/dev/null || _explain "expected: $row"
    done
    [ "$(grep -c . <<<"$output")" = "$#" ]
}

works=(build=ok visible=ok shell=ok realise=ok)
no_nix="no: .*cannot connect to socket at '/nixcage-store-is-readonly'"
refused=("build=$no_nix" "visible=no: .*not visible" "shell=$no_nix" "realise=$no_nix")

modes() {
    store_project 'store_mode = "readonly"'
    expect own=ok 'other=no: .*Permission denied' 'write=no: .*Read-only file system' "${refused[@]}"
    store_project 'store_mode = "readonly"' 'store_view = "full"'
    expect own=ok other=ok 'write=no: .*Read-only file system' "${refused[@]}"
    store_project 'store_mode = "copy"'
    expect own=ok 'other=no: .*No such file' write=ok "${works[@]}"
    [ ! -e /nix/store/.nixcage-table ]
    store_project 'store_mode = "isolated"'
    expect own=ok 'other=no: .*No such file' write=ok "${works[@]}"
    [ ! -e /nix/store/.nixcage-table ]
}

@test "single-user Nix: readonly, copy, isolated" {
    modes
}

@test "single-user Nix: shared, which says what it gives" {
    store_project 'store_mode = "shared"'
    expect own=ok other=ok write=ok "${works[@]}"
    [ -e /nix/store/.nixcage-table ]
    assert_stderr_has "the cage can write the host's Nix store"
    run_split "$NIXCAGE" status
    assert_output_has 'shared (the whole store; the cage can write it)'
    run_split "$NIXCAGE" plan
    assert_output_has "the cage can write the host's Nix store"
}

@test "a Nix daemon: readonly, copy, isolated" {
    start_daemon
    modes
}

@test "a Nix daemon: shared, which says what a daemon socket means" {
    start_daemon
    store_project 'store_mode = "shared"'
    expect own=ok other=ok 'write=no: .*Read-only file system' "${works[@]}"
    assert_stderr_has 'talks to the Nix daemon, which builds outside the cage'
    run_split "$NIXCAGE" status
    assert_output_has 'shared (the whole store; the Nix daemon builds outside the cage)'
    run_split "$NIXCAGE" plan
    assert_output_has 'talks to the Nix daemon, which builds outside the cage'
}

@test "root's Nix daemon, an ordinary user: all modes" {
    [ "$NIXCAGE_TEST_MODE" = root ] || skip "needs root, for root's daemon"
    local mine=$BATS_TEST_TMPDIR/mine
    chmod 755 "$BATS_TEST_TMPDIR" "$BATS_RUN_TMPDIR" "$TMPDIR" "$HOME"
    mkdir -p "$mine"/{home/.config,run}
    cp -r "$HOME/.config/nix" "$mine/home/.config/"
    AS=(setpriv --reuid=nobody --regid="$(id -g nobody)" --clear-groups env HOME="$mine/home" USER=nobody LOGNAME=nobody
        TMPDIR=/tmp XDG_RUNTIME_DIR="$mine/run" XDG_CACHE_HOME="$mine/home/.cache" XDG_DATA_HOME="$mine/home/.local/share"
        XDG_CONFIG_HOME="$mine/home/.config" XDG_STATE_HOME="$mine/home/.local/state")
    start_daemon
    # The control: without the daemon's help this user can write nothing.
    refute "${AS[@]}" touch /nix/store/x
    modes
    store_project 'store_mode = "shared"'
    expect own=ok other=ok 'write=no: .*Read-only file system' "${works[@]}"
}

@test "nested with the closure view: it says that the view has to be full" {
    store_project 'store_mode = "readonly"' '[sandbox]' 'nested = true'
    run_cage true
    assert_status 125
    assert_stderr_has 'nested = true does not work with store_view = "closure"'
    assert_stderr_has 'store_view = "full"'
    # The control: then it runs, for whom it is supported.
    [ "$NIXCAGE_TEST_MODE" = user ] || return 0
    store_project 'store_mode = "readonly"' 'store_view = "full"' '[sandbox]' 'nested = true'
    run_cage hello
    assert_status 0
}
