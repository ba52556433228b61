# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=bash disable=SC2154
# SIGKILL at any moment of a warm run leaves nothing behind. (Cold runs: nixkill.bats. Commands that write files: powercut.bats.)

load ../lib/common
load fault

@test "SIGKILL of bwrap ends the run with an error, and nothing is left" {
    fault_project
    local status=0
    start_session "$NIXCAGE" run -- sh -c 'touch ready; sleep 100'
    poll_until 20 test -e ready
    kill -KILL "$(pgrep -s "$SESSION" -x bwrap | head -n 1)"
    wait "$JOB" || status=$?
    rm ready
    [ "$status" != 0 ]
    nothing_left 'bwrap killed'
}

@test "SIGKILL of nixcage at random moments leaves no process, mount or file" {
    local n i
    fault_project
    n=$(every 40 500)
    RANDOM=${NIXCAGE_KILL_SEED:-$$}
    echo "# seed ${NIXCAGE_KILL_SEED:-$$}" >&3
    for ((i = 0; i < n; i++)); do
        start_session "$NIXCAGE" run -- sleep 30
        # Most of a start is over after 20 ms, later where the machine is busy; some of the kills meet the running command.
        sleep "0.0$((RANDOM % 90 + 10))"
        kill -KILL "$SESSION" 2>/dev/null || :
        wait "$JOB" || :
        nothing_left "kill $i of $n"
    done
}
