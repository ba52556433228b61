#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
#
# limits.sh NIXCAGE: are [sandbox.resources] held? To be run where systemd and cgroup v2 are, as an ordinary user with a
# manager of its own and as root. Prints TAP.
set -u
nixcage=$1
dir=$(mktemp -d "$HOME/limits.XXXXXX")
trap 'rm -rf "$dir"' EXIT
n=0 failed=0

ok() { # ok STATUS NAME
    n=$((n + 1))
    if [ "$1" = 0 ]; then echo "ok $n - $2"; else
        echo "not ok $n - $2"
        failed=1
    fi
}

project() { # project LINES: a cage of the machine's own programs with these lines in [sandbox.resources]
    mkdir -p "$dir/p"
    printf '[sandbox.filesystem]\nsystem = true\n[sandbox.network]\nallow = false\n[nix]\npackages = []\n[sandbox.resources]\n%s\n' "$1" \
        >"$dir/p/nixcage.toml"
    "$nixcage" allow --yes "$dir/p" >/dev/null 2>&1 || :
    cd "$dir/p" || exit 1
}

echo "# $(id -un), systemd $(systemctl --version | head -n1 | cut -d' ' -f2)"

hog='exec tail -c 400000000 < <(head -c 500000000 /dev/zero)' # keeps what it read
# Memory: 100 MB fit under 256M, 400 MB do not, and the message says so.
project 'memory = "256M"'
"$nixcage" run -- sh -c 'head -c 100000000 /dev/zero | tail -c 100000000 | wc -c' >"$dir/out" 2>"$dir/err"
ok $? "memory: what fits runs"
"$nixcage" run -- bash -c "$hog" >"$dir/out" 2>"$dir/err"
status=$?
[ $status = 137 ]
ok $? "memory: a hog ends with 137 (was $status)"
grep -q 'memory limit of 256 MiB was hit' "$dir/err"
ok $? "memory: one line says that the limit was hit"

# Only the hog is killed, not the rest of its cage.
"$nixcage" run -- bash -c '(tail -c 400000000 < <(head -c 500000000 /dev/zero)) >/dev/null; cat /proc/self/cgroup' >"$dir/out" 2>"$dir/err"
grep -q '^0::/$' "$dir/out"
ok $? "memory: the shell of a killed hog goes on; the cage sees its cgroup as the root"

# A cage that is killed for memory touches no other.
"$nixcage" run -- sleep 900 >/dev/null 2>&1 &
other=$!
"$nixcage" run -- bash -c "$hog" >/dev/null 2>&1
kill -0 $other
ok $? "memory: another cage lives on"
kill $other
wait $other 2>/dev/null

# Processes: with pids = 30 the init and the shell leave 28; every further fork fails.
bomb='i=0; while [ $i -lt 60 ]; do sleep 5 & i=$((i+1)); echo $i; done; wait'
project 'pids = 30'
"$nixcage" run -- sh -c "$bomb" >"$dir/out" 2>"$dir/err"
count=$(tail -n1 "$dir/out")
[ "${count:-0}" -ge 27 ] && [ "$count" -le 29 ]
ok $? "pids: a fork bomb is held (${count:-none} forks of 28)"
project 'pids = 500'
"$nixcage" run -- sh -c "$bomb" >"$dir/out" 2>"$dir/err"
[ "$(tail -n1 "$dir/out")" = 60 ]
ok $? "pids: under a higher limit the same runs"

# Processor: half a core for eight seconds is four seconds of work, within 5 % of the limit.
project 'cpus = 0.5'
"$nixcage" run -- bash -c 'timeout 8 bash -c "while :; do :; done"; times' >"$dir/out" 2>"$dir/err"
used=$(tail -n1 "$dir/out" | awk '{ for (i = 1; i <= 2; i++) { split($i, t, /[ms]/); s += t[1] * 60 + t[2] } printf "%d", s * 1000 }')
echo "# processor: $used ms of 8000 ms, limit 4000"
[ "${used:-0}" -gt 3000 ] && [ "$used" -le 4200 ]
ok $? "cpus: a busy loop gets half a core"
project ''
"$nixcage" run -- bash -c 'timeout 4 bash -c "while :; do :; done"; times' >"$dir/out" 2>"$dir/err"
used=$(tail -n1 "$dir/out" | awk '{ for (i = 1; i <= 2; i++) { split($i, t, /[ms]/); s += t[1] * 60 + t[2] } printf "%d", s * 1000 }')
[ "${used:-0}" -gt 3000 ]
ok $? "cpus: without a limit it gets a whole one ($used ms of 4000)"

# Nothing is left behind.
sleep 1
systemctl list-units --all --no-legend 'nixcage-*' 2>/dev/null | grep -q . && left=1 || left=0
systemctl --user list-units --all --no-legend 'nixcage-*' 2>/dev/null | grep -q . && left=1
# shellcheck disable=SC2086
ok $left "no scope is left behind"
echo "1..$n"
exit $failed
