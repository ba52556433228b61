# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=bash
# [sandbox.resources] where the kernel cannot hold them (tests/vm is about where it can): the error, and what is done instead.

load ../lib/common

setup() {
    if [ -e /sys/fs/cgroup/cgroup.controllers ]; then skip "this machine has cgroup v2; tests/vm is about it"; fi
}

# limited LINE…: a cage with these lines in [sandbox.resources].
limited() {
    make_project < <(
        printf '[sandbox.resources]\n'
        printf '%s\n' "$@"
        printf '[nix]\npackages = ["coreutils"]\n'
    )
}

processors() { # how many this shell is bound to, and so what it starts
    nproc
}

@test "require, the default: nothing runs; the place, the reason and the fix; 125" {
    limited 'memory = "512M"' 'pids = 50'
    run_cage touch made
    assert_status 125
    assert_output ''
    assert_stderr_has "$PROJECT/nixcage.toml:2:"
    assert_stderr_has 'the limits cannot be enforced here: /sys/fs/cgroup is not a cgroup v2 hierarchy'
    assert_stderr_has 'enforce = "warn"'
    [ ! -e made ]
    # Without limits the same runs.
    limited
    run_cage touch made
    assert_status 0
    [ -e made ]
}

@test "warn: one line says what each limit becomes, and the command runs" {
    limited 'cpus = 1' 'memory = "512M"' 'pids = 50' 'enforce = "warn"'
    run_cage echo ran
    assert_status 0
    assert_output ran
    [ "$(grep -c 'warning: the limits cannot be enforced here' <<<"$stderr")" = 1 ]
    assert_stderr_has 'cpus only binds the cage to that many processors'
    assert_stderr_has 'memory is not limited'
    if [ "$NIXCAGE_TEST_MODE" = root ]; then
        assert_stderr_has 'pids is not limited, since the kernel exempts root'
    else
        assert_stderr_has 'pids is held by RLIMIT_NPROC'
    fi
    # Only what was asked for is spoken of.
    limited 'pids = 50' 'enforce = "warn"'
    run_cage true
    refute_stderr_has memory
    refute_stderr_has cpus
}

@test "warn: cpus binds to so many processors, and to no more than there are" {
    [ "$(processors)" -ge 2 ] || skip "one processor"
    limited 'cpus = 0.5' 'enforce = "warn"'
    run_cage nproc
    assert_output 1
    limited 'cpus = 1000' 'enforce = "warn"'
    run_cage nproc
    assert_output "$(processors)"
    limited 'pids = 500' 'enforce = "warn"'
    run_cage nproc
    assert_output "$(processors)"
}

@test "warn: pids is RLIMIT_NPROC, which holds a fork bomb of an ordinary user" {
    # shellcheck disable=SC2016
    local bomb='i=0; while [ $i -lt 60 ]; do sleep 30 & i=$((i + 1)); echo $i; done; exec 2>/dev/null; kill $(jobs -p)'
    limited 'pids = 30' 'enforce = "warn"'
    run_cage sh -c 'ulimit -u'
    assert_output 30
    run_cage sh -c "$bomb"
    if [ "$NIXCAGE_TEST_MODE" = root ]; then
        [ "${lines[-1]}" = 60 ]
    else
        # The init and the shell are two of the thirty; a shell tries again before it gives up.
        [ "${lines[-1]}" -ge 27 ] && [ "${lines[-1]}" -le 29 ]
    fi
    limited 'pids = 500' 'enforce = "warn"'
    run_cage sh -c "$bomb"
    [ "${lines[-1]}" = 60 ]
}

@test "plan and status say how each limit is held here" {
    need jq
    limited 'cpus = 1.5' 'memory = "512M"' 'pids = 50' 'enforce = "warn"'
    local by='RLIMIT_NPROC'
    if [ "$NIXCAGE_TEST_MODE" = root ]; then by='not limited: the kernel exempts root'; fi
    run_split "$NIXCAGE" plan
    assert_status 0
    [[ $output =~ 'cpus 1.5 '\ +'bound to that many processors' ]] || _explain "cpus"
    [[ $output =~ 'memory 536870912 bytes '\ +'not limited' ]] || _explain "memory"
    [[ $output =~ 'processes 50 '\ +$by ]] || _explain "processes"
    assert_output_has '/sys/fs/cgroup is not a cgroup v2 hierarchy'
    run_split "$NIXCAGE" plan --json
    jq -e --arg by "$by" '.limits | .cpus_held_by == "bound to that many processors" and .memory_held_by == "not limited"
        and .pids_held_by == $by' <<<"$output"
    run_split "$NIXCAGE" status
    assert_output_has 'limits'
    # Required, nothing runs: then nothing is said to be held in some other way either.
    limited 'cpus = 1.5' 'memory = "512M"'
    run_split "$NIXCAGE" plan
    assert_output_has 'held by: nothing on this machine (/sys/fs/cgroup is not a cgroup v2 hierarchy)'
    [[ $output =~ 'cpus 1.5 '\ +'cannot be held here' ]] || _explain "cpus, required"
    limited 'memory = "10%"'
    run_split "$NIXCAGE" status
    assert_status 1
    assert_output_has '/sys/fs/cgroup is not a cgroup v2 hierarchy'
}

# in_background CMD…: a cage that is up when this returns, and ends with `end_it`.
in_background() {
    mkfifo "$BATS_TEST_TMPDIR/hold"
    rm -f up
    "$NIXCAGE" run -- "$@" <"$BATS_TEST_TMPDIR/hold" >/dev/null 2>&1 3>&- &
    cage=$!
    exec 9>"$BATS_TEST_TMPDIR/hold"
    poll_until 20 test -e up
}

end_it() {
    exec 9>&-
    wait "$cage"
}

@test "status of a running cage: use against limit, and what is not enforced" {
    need jq
    limited 'cpus = 1' 'memory = "512M"' 'pids = 50' 'enforce = "warn"'
    run_split "$NIXCAGE" status
    refute_output_has 'Running:'
    run_split "$NIXCAGE" status --json
    jq -e '.running == []' <<<"$output"

    in_background sh -c 'sleep 60 & touch up; read -r _; kill $!'
    run_split "$NIXCAGE" status
    assert_status 0
    assert_output_has "Running:   process $cage for "
    assert_output_has 'not enforced'
    [[ $output =~ memory[[:space:]]+[0-9.]+' MiB, not limited' ]] || _explain "the memory"
    run_split "$NIXCAGE" status --json
    # The init, the shell, sleep.
    jq -e --argjson pid "$cage" '.running | length == 1 and (.[0] | .pid == $pid and .cgroup == null
        and .pids.used == 3 and .pids.limit == 50 and .memory.used > 0 and .memory.limit == null and .seconds >= 0)' <<<"$output"
    if [ "$(processors)" -ge 2 ]; then jq -e '.running[0].cpus.limit == 1' <<<"$output"; fi

    # Not of another project, though it is below this one.
    mkdir other
    printf '[nix]\npackages = []\n' >other/nixcage.toml
    run_split "$NIXCAGE" status other
    refute_output_has 'Running:'
    end_it
    run_split "$NIXCAGE" status
    refute_output_has 'Running:'
}

@test "status of a running cage without limits says that there are none" {
    need jq
    limited
    in_background sh -c 'touch up; read -r _; :'
    run_split "$NIXCAGE" status
    assert_status 0
    assert_output_has "Running:   process $cage for "
    assert_output_has 'cpus       not limited'
    run_split "$NIXCAGE" status --json
    jq -e '.running[0] | .pids == {used: 2, limit: null} and .cpus.limit == null' <<<"$output"
    end_it
}
