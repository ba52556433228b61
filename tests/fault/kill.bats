# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=bash disable=SC2154
# SIGKILL at any moment leaves nothing behind, and nothing half done that the next command cannot mend.

load ../lib/common
load fault

@test "SIGKILL of bwrap ends the run with an error, and nothing is left" {
    fault_project
    # shellcheck disable=SC2016
    setsid sh -c 'echo $$ >"$0"; exec "$@"' "$BATS_TEST_TMPDIR/.session" "$NIXCAGE" run -- sh -c 'touch ready; sleep 100' \
        >/dev/null 2>"$BATS_TEST_TMPDIR/err" 3>&- &
    local pid=$! status=0
    poll_until 10 test -e ready
    SESSION=$(<"$BATS_TEST_TMPDIR/.session")
    kill -KILL "$(pgrep -s "$SESSION" -x bwrap | head -n 1)"
    wait "$pid" || status=$?
    rm ready
    [ "$status" != 0 ]
    nothing_left 'bwrap killed'
}

# killed_in CALL NUMBER CMD…: CMD with SIGKILL at that call. Fails when it got to its end without it.
killed_in() {
    local call=$1 number=$2
    shift 2
    in_session strace -qq -o /dev/null -e trace="$call" -e inject="$call:signal=KILL:when=$number" "$@"
    [ "$status" -gt 128 ]
}

# mended COMMAND…: after every such kill nixcage.toml is whole or absent, the user's own lines are there, and it can be done again.
killed_everywhere() {
    local call number
    for call in write rename renameat renameat2 mkdir mkdirat unlinkat unlink fsync fchmod; do
        for ((number = 1; number < $(every 5 60); number++)); do
            before_kill
            killed_in "$call" "$number" "$@" || break
            [ "$(grep -c mine .envrc)" = 1 ]
            if [ -e nixcage.toml ]; then
                run_split "$NIXCAGE" status
                refute_stderr_has nixcage.toml:
            fi
            after_kill "$call $number: $*"
        done
    done
}

@test "init killed at any write can be done again" {
    need strace
    cd "$BATS_TEST_TMPDIR"
    before_kill() {
        rm -rf .nixcage nixcage.toml .envrc
        echo '# mine' >.envrc
    }
    after_kill() {
        run_split "$NIXCAGE" init --force
        [ "$status" = 0 ] || _explain "not mended: $1"
        [ "$(grep -c mine .envrc)" = 1 ]
    }
    killed_everywhere "$NIXCAGE" init
}

@test "reinit and destroy killed at any write can be done again" {
    need strace
    cd "$BATS_TEST_TMPDIR"
    before_kill() {
        rm -rf .nixcage nixcage.toml nixcage.toml.bak .envrc
        echo '# mine' >.envrc
        "$NIXCAGE" init >/dev/null
    }
    after_kill() {
        run_split "$NIXCAGE" destroy --yes
        [ "$status" = 0 ] || _explain "not mended: $1"
        [ "$(cat .envrc)" = '# mine' ]
        [ ! -e nixcage.toml ]
    }
    killed_everywhere "$NIXCAGE" destroy --yes
    killed_everywhere "$NIXCAGE" reinit --yes
}

@test "SIGKILL of nixcage at random moments leaves no process, mount or file" {
    local n i
    fault_project
    n=$(every 40 500)
    RANDOM=${NIXCAGE_KILL_SEED:-$$}
    echo "# seed ${NIXCAGE_KILL_SEED:-$$}" >&3
    for ((i = 0; i < n; i++)); do
        # Most of a start is over after 20 ms; some of the kills meet the running command.
        setsid --wait sh -c 'echo $$ >"$0"; exec "$@"' "$BATS_TEST_TMPDIR/.session" "$NIXCAGE" run -- sleep 30 >/dev/null 2>&1 &
        poll_until 5 test -s "$BATS_TEST_TMPDIR/.session"
        SESSION=$(<"$BATS_TEST_TMPDIR/.session")
        sleep "0.0$((RANDOM % 40 + 10))"
        kill -KILL "$SESSION" 2>/dev/null || :
        wait $! || :
        nothing_left "kill $i of $n"
        : >"$BATS_TEST_TMPDIR/.session"
    done
}
