#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
# The gate under load and with peers that misbehave. To be run by ./run.

load ../lib/common
load helpers/net

# The gate of the cage that "$@" (started in the background) runs in: polls for it below process $1.
gate_of() {
    local i pid
    for ((i = 0; i < 100; i++)); do
        for pid in $(pgrep -P "$1"); do
            [ "$(cat "/proc/$pid/comm")" != nixcage-gate ] || {
                echo "$pid"
                return 0
            }
        done
        sleep 0.05
    done
    return 1
}

# What process $1 holds: memory in KiB and descriptors. Of another's descriptors an ordinary user sees only the table's size.
held_by() {
    awk '/^VmRSS/ {print $2} /^FDSize/ {size = $2} END {print size}' "/proc/$1/status"
    [ "$(id -u)" != 0 ] || find "/proc/$1/fd" -mindepth 1 | wc -l
}

# Polls for a condition, at most 60 s.
wait_for() {
    local i
    for ((i = 0; i < 600; i++)); do
        ! eval "$1" || return 0
        sleep 0.1
    done
    return 1
}

@test "1,000 connections at the same time" {
    net_project 'hosts = ["api.test:7000"]'
    in_cage parallel api.test 1000
    assert_output 1000
    [ -z "$stderr" ]
}

@test "half-close: the answer comes after our end of data" {
    net_project 'hosts = ["api.test:7001"]'
    in_cage half-close api.test 20000000
    assert_output 20000000
}

@test "resets arrive as resets, and ours end the connection" {
    net_project 'hosts = ["api.test:7002", "api.test:7003"]'
    in_cage reset api.test
    assert_output reset
    in_cage our-reset api.test 50
    assert_output "done"
}

@test "slow peers hold up nobody" {
    net_project 'hosts = ["api.test:7000", "api.test:7003", "api.test:7004"]'
    in_cage slow api.test 20
    assert_output quick
}

@test "a dead server: an error, not an eternity" {
    net_project 'hosts = ["api.test:7999", "dead.test:7000"]'
    run_cage curl -sS -m 60 http://api.test:7999/
    [ "$status" = 56 ] || [ "$status" = 7 ] # reset after or before curl saw that it was connected
    run_cage timeout 20 python3 client.py connect dead.test 7000
    assert_status 0
}

@test "10,000 connections without growth" {
    net_project 'hosts = ["api.test:7000"]'
    mkfifo in
    "$NIXCAGE" run -- sh -c 'python3 client.py serial api.test 1000; echo; read -r x; python3 client.py serial api.test 9000; echo
        read -r x' <in >out 2>err 3>&- &
    local cage=$! gate
    local -a before after
    exec 4>in
    gate=$(gate_of $cage)
    wait_for '[ "$(wc -l <out)" -ge 2 ]'
    mapfile -t before < <(held_by "$gate")
    echo >&4
    wait_for '[ "$(wc -l <out)" -ge 4 ]'
    # The last ones may still be closing.
    wait_for 'mapfile -t after < <(held_by "$gate"); [ "${after[1]}" -le "${before[1]}" ] && [ "${after[2]:-0}" -le "${before[2]:-0}" ]'
    echo >&4
    exec 4>&-
    wait $cage
    [ "$(grep -c . out)" = 2 ]
    grep -qx 9000 out
    echo "the gate: ${before[*]}, then ${after[*]} (KiB, descriptors)" >&3 || :
    [ "$((after[0] - before[0]))" -lt 1024 ]
}

@test "kill -9 of the gate: the cage goes on without a network, and the user is told" {
    net_project 'hosts = ["api.test"]'
    mkfifo in
    "$NIXCAGE" run -- sh -c 'curl -s http://api.test/; read -r x; curl -sS -m 60 http://api.test/ || echo dead $?' <in >out 2>err 3>&- &
    local cage=$! gate
    exec 4>in
    gate=$(gate_of $cage)
    wait_for 'grep -q server out'
    kill -9 "$gate"
    echo >&4
    exec 4>&-
    wait $cage
    grep -qx 'dead 6' out # no resolver: not a time-out
    grep -q "the network gate ended early" err
}

@test "the gate has no privileges, no capabilities, a filter, and cannot be traced" {
    net_project 'hosts = ["api.test"]'
    mkfifo in
    "$NIXCAGE" run -- sh -c 'curl -s http://api.test/; read -r x; curl -s http://api.test/' <in >out 2>err 3>&- &
    local cage=$! gate
    exec 4>in
    gate=$(gate_of $cage)
    wait_for 'grep -q server out'
    [ "$(grep -c '^Seccomp:.*2$' "/proc/$cage/status")" = 0 ] # the control: nixcage itself is not confined
    grep -qx $'Seccomp:\t2' "/proc/$gate/status"
    grep -qx $'NoNewPrivs:\t1' "/proc/$gate/status"
    grep -qx $'CapEff:\t0000000000000000' "/proc/$gate/status"
    grep -qx $'CapPrm:\t0000000000000000' "/proc/$gate/status"
    [ "$(stat -c %u "/proc/$gate/status")" = 0 ] # PR_SET_DUMPABLE 0: its files in /proc are root's
    [ "$(id -u)" = 0 ] || ! cat "/proc/$gate/environ" >/dev/null 2>&1
    echo >&4
    exec 4>&-
    wait $cage
    [ "$(grep -c server out)" = 2 ]
}

@test "when nixcage is killed the gate goes too" {
    net_project 'hosts = ["api.test"]'
    mkfifo in
    "$NIXCAGE" run -- cat <in >out 2>err 3>&- &
    local cage=$! gate i
    exec 4>in
    gate=$(gate_of $cage)
    kill -9 $cage
    for ((i = 0; i < 100; i++)); do
        [ -e "/proc/$gate" ] || break
        sleep 0.05
    done
    exec 4>&-
    [ ! -e "/proc/$gate" ]
}

@test "a signal to the whole process group leaves the gate alone until the end" {
    net_project 'hosts = ["api.test"]'
    mkfifo in
    setsid "$NIXCAGE" run -- sh -c 'trap "curl -s http://api.test/; exit 7" TERM; echo up; read -r x; read -r x' <in >out 2>err 3>&- &
    local cage=$! status=0
    exec 4>in
    wait_for 'grep -q up out'
    kill -TERM -- -$cage
    wait $cage || status=$?
    exec 4>&-
    [ "$status" = 7 ]
    grep -q "from the server" out
}
