#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
# Ways out of a cage and ways to change it, at every level, each with its positive control outside
# (src/selftest/attempt*.c have the tables).

load ../lib/common

setup() {
    BIN=$BATS_TEST_TMPDIR/bin
    SOCK=$XDG_RUNTIME_DIR/host-socket
    mkdir -p "$BIN" "$HOME/.ssh"
    echo secret >"$HOME/.ssh/id_test"
    local build=${NIXCAGE%/src/nixcage}
    cp "${build%/tests/cage/runplan}/src/selftest/nixcage-attempt" "$BIN/attempt"
    rm -f "$SOCK"
    "$BIN/attempt" serve "$SOCK" >"$BATS_TEST_TMPDIR/served" 3>&- &
    SERVER=$!
    poll_until 10 grep -qs ready "$BATS_TEST_TMPDIR/served"
}

teardown() {
    kill "$SERVER" 2>/dev/null || :
}

# What is protected, present.
furnish() {
    mkdir -p "$1/.git/hooks" "$1/.git/objects" "$1/.git/refs" "$1/.nixcage/local"
    echo 'ref: refs/heads/main' >"$1/.git/HEAD"
    printf '[core]\n\tbare = false\n' >"$1/.git/config"
}

# attempt_at LEVEL [LINE]: all of them in a cage of this level.
attempt_at() {
    make_project <<E2
[sandbox]
level = "$1"
${2-}
[sandbox.filesystem]
system = true
blacklist = ["~/.ssh"]
ro_bind = ["$BIN"]
E2
    furnish "$PROJECT"
    trust_project
    run_cage "$BIN/attempt" inside "$PROJECT" "$SOCK" 1
    # The count too: an empty run is no success.
    [[ $output == *"attempts, 0 wrong" ]] || _explain "an attempt was not blocked"
    assert_status 0
    [ "${#lines[@]}" -gt 60 ]
}

@test "controls: outside a cage the same acts are possible" {
    make_project control <<<''
    furnish "$PROJECT"
    sleep 1000 3>&- &
    local target=$!
    run_split "$BIN/attempt" outside "$PROJECT" "$SOCK" "$target"
    kill "$target"
    # After sudo no core can be dumped (sudoers(5), rlimit_core), and root of some machines cannot allow it again. CI has no sudo.
    if [ "$(ulimit -Hc)" = 0 ]; then
        [ "$(grep '^WRONG:' <<<"$output" | grep -cv -e '^WRONG: a core dump:' -e '^WRONG: raise the core limit:')" = 0 ] ||
            _explain "a control is not open"
        [[ $output == *"attempts, "[12]" wrong" ]] || _explain "core dumps are possible after all"
        return
    fi
    [[ $output == *"attempts, 0 wrong" ]] || _explain "a control is not open"
    assert_status 0
}

@test "level standard: every attempt is blocked" {
    attempt_at standard
}

@test "level relaxed: every attempt is blocked" {
    attempt_at relaxed
}

@test "level strict: every attempt is blocked" {
    attempt_at strict
}

@test "a program that handles nothing cannot signal its caller's group" {
    make_project <<<$'[sandbox.filesystem]\nsystem = true'
    # The group of nixcage, of this subshell and of the witness.
    run_split setsid --wait sh -c 'sleep 1000 >/dev/null 2>&1 & witness=$!; "$0" run -- sh -c "trap \"\" TERM; kill -TERM 0; echo done";
        kill -0 $witness && echo alive; kill $witness' "$NIXCAGE"
    assert_line 'done'
    assert_line alive
    # The control: without a cage the witness dies. It is asked once it is what it shall be, and keeps no pipe open.
    run_split setsid --wait sh -c 'trap "" TERM; env --default-signal=TERM sleep 30 >/dev/null 2>&1 & witness=$!
        until grep -q sleep "/proc/$witness/comm"; do :; done
        sh -c "kill -TERM 0"; wait "$witness"; echo "witness $?"'
    assert_line 'witness 143'
}
