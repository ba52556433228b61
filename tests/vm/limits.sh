#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
#
# limits.sh NIXCAGE: are [sandbox.resources] held? To be run where systemd and cgroup v2 are, as an ordinary user with a
# manager of its own and as root. Prints TAP, and lines `# figure NAME VALUE` for tests/vm/run, which makes docs/LIMITS.md of them.
# A condition's status is what ok wants.
# shellcheck disable=SC2319
set -u
nixcage=$1
dir=$(mktemp -d "$HOME/limits.XXXXXX")
trap 'rm -rf "$dir"' EXIT
n=0 failed=0

ok() { # ok STATUS NAME
    n=$((n + 1))
    if [ "$1" = 0 ]; then echo "ok $n - $2"; else
        echo "not ok $n - $2"
        head -n 5 "$dir/err" | sed 's/^/# /'
        failed=1
    fi
}

figure() { # figure NAME VALUE
    echo "# figure $1 $2"
}

project() { # project LINES: a cage of the machine's own programs with these lines in [sandbox.resources]
    mkdir -p "$dir/p"
    printf '[sandbox.filesystem]\nsystem = true\n[sandbox.network]\nallow = false\n[nix]\npackages = []\n[sandbox.resources]\n%s\n' "$1" \
        >"$dir/p/nixcage.toml"
    "$nixcage" allow --yes "$dir/p" >/dev/null 2>&1 || :
    cd "$dir/p" || exit 1
}

cage() { # cage CMD…: output to $dir/out, errors to $dir/err; the status is CMD's
    "$nixcage" run -- "$@" >"$dir/out" 2>"$dir/err"
}

between() { # between LOW VALUE HIGH
    awk -v l="$1" -v v="${2:-none}" -v h="$3" 'BEGIN { exit !(v != "none" && v >= l && v <= h) }'
}

wait_for() { # wait_for FILE: up to a minute, since the machine may be an emulated one
    for ((i = 0; i < 600; i++)); do
        [ ! -e "$1" ] || return 0
        sleep 0.1
    done
    return 1
}

# What runs in the cage prints the microseconds that passed; then comes what `times` says of the children.
cores() { # the cores that were used on average
    awk '
        NR == 1 { passed = $1 / 1000000 }
        END { for (i = 1; i <= 2; i++) { split($i, t, /[ms]/); s += t[1] * 60 + t[2] } printf "%.3f", s / passed }' "$dir/out"
}

# Memory: a program takes one MiB after the other and says how many it has.
# shellcheck disable=SC2016
hog='$| = 1; for (;;) { $s = chr(65 + $n % 26) x 1048576; push @a, $s; print ++$n, "\n" }'

memory() {
    project 'memory = "256M"'
    cage perl -e 'for (1 .. 100) { $s = chr(65 + $_ % 26) x 1048576; push @a, $s } print scalar @a'
    ok $? "memory: what fits runs"
    cage perl -e "$hog"
    status=$?
    [ $status = 137 ]
    ok $? "memory: a hog ends with 137 (was $status)"
    [ "$(grep -c 'memory limit of 256 MiB was hit' "$dir/err")" = 1 ] && [ "$(grep -vc 'this kernel has no Landlock' "$dir/err")" = 1 ]
    ok $? "memory: one line says that the limit was hit"
    got=$(tail -n1 "$dir/out")
    figure memory "$got"
    between 243.2 "$got" 256
    ok $? "memory: the hog got $got MiB of 256"

    # Only the hog is killed, not the rest of its cage.
    cage bash -c '(perl -e "$1") >/dev/null; cat /proc/self/cgroup' - "$hog"
    grep -q '^0::/$' "$dir/out"
    ok $? "memory: the shell of a killed hog goes on; the cage sees its cgroup as the root"

    # A cage that is killed for memory touches no other.
    "$nixcage" run -- bash -c 'touch up; exec sleep 900' >/dev/null 2>&1 &
    other=$!
    wait_for up
    cage perl -e "$hog"
    kill -0 $other
    ok $? "memory: another cage lives on"
    kill $other
    wait $other 2>/dev/null
    rm -f up
}

# Processes: with pids = 30 bwrap, the init and the shell leave 27; every further fork fails.
processes() {
    # shellcheck disable=SC2016
    bomb='i=0; while [ $i -lt 60 ]; do sleep 5 & i=$((i+1)); echo $i; done; wait'
    project 'pids = 30'
    cage sh -c "$bomb"
    count=$(tail -n1 "$dir/out")
    between 27 "$count" 29
    ok $? "pids: a loop of forks is held (${count:-none} forks of 28)"
    project 'pids = 500'
    cage sh -c "$bomb"
    [ "$(tail -n1 "$dir/out")" = 60 ]
    ok $? "pids: under a higher limit the same runs"

    # The real thing: it fills its limit, the machine stays usable, and nixcage can end it.
    project 'pids = 100'
    # shellcheck disable=SC2016
    "$nixcage" run -- bash -c 'touch up; b() { b | b & sleep 5; }; while :; do b; done' >/dev/null 2>&1 &
    bomber=$!
    wait_for up
    most=0
    for ((i = 0; i < 40 && most < 100; i++)); do
        seen=$("$nixcage" status 2>/dev/null | sed -n 's/^  processes *\([0-9]*\) of 100$/\1/p')
        if [ "${seen:-0}" -gt "$most" ]; then most=$seen; fi
    done
    figure pids "$most"
    between 95 "$most" 100
    ok $? "pids: a fork bomb has $most processes of 100, as status shows"
    kill $bomber
    wait $bomber 2>/dev/null
    status=$?
    [ $status = 143 ] || [ $status = 137 ]
    ok $? "pids: it ends when nixcage is told to (status $status)"
    rm -f up
}

# Processor: processor time over the time that passed, since an emulated machine may wake a sleeper late. It may also get less than
# its due on a busy host, never more.
processor() {
    # shellcheck disable=SC2016
    loops='begin=${EPOCHREALTIME/./}; for ((i = 0; i < $1; i++)); do timeout "$2" bash -c "while :; do :; done" & done; wait
        echo $((${EPOCHREALTIME/./} - begin)); times'
    project 'cpus = 0.5'
    cage bash -c "$loops" - 1 10
    used=$(cores)
    figure cpus "$used"
    between 0.45 "$used" 0.525
    ok $? "cpus: a busy loop gets $used cores of 0.5"
    cage bash -c "$loops" - 3 10
    used=$(cores)
    figure cpus_three "$used"
    between 0.45 "$used" 0.525
    ok $? "cpus: three of them together get no more ($used)"
    project ''
    cage bash -c "$loops" - 1 4
    used=$(cores)
    between 0.8 "$used" 1.1
    ok $? "cpus: without a limit one gets a whole core ($used)"
}

# What `status` says of a running cage that uses known amounts.
status_running() {
    project $'cpus = 0.5\nmemory = "256M"\npids = 30'
    # shellcheck disable=SC2016
    "$nixcage" run -- bash -c 'sleep 900 &
        perl -e "for (1 .. 100) { \$s = chr(65 + \$_ % 26) x 1048576; push @a, \$s } open F, q(>), q(up); close F; sleep 900" &
        while :; do :; done' >/dev/null 2>&1 &
    busy=$!
    wait_for up
    "$nixcage" status >"$dir/out" 2>"$dir/err"
    cpus=$(sed -n 's/^  cpus *\([0-9.]*\) of 0.5$/\1/p' "$dir/out")
    memory=$(sed -n 's/^  memory *\([0-9.]*\) MiB of 256.0 MiB$/\1/p' "$dir/out")
    pids=$(sed -n 's/^  processes *\([0-9]*\) of 30$/\1/p' "$dir/out")
    # bwrap, the init, the shell and its two.
    grep -q "^Running:   process $busy for " "$dir/out" && between 0.25 "$cpus" 0.75 && between 100 "$memory" 130 && [ "$pids" = 5 ]
    ok $? "status: cpus ${cpus:-none} of 0.5, memory ${memory:-none} of 256 MiB, processes ${pids:-none} of 30"
    grep -q '^  held by *cgroup /sys/fs/cgroup/.*/nixcage-' "$dir/out"
    ok $? "status: names the cgroup"
    "$nixcage" status --json | tr -d ' \n' | grep -q '"cpus":{"used":[0-9.]*,"limit":0.5},"memory":{"used":[0-9]*,"limit":268435456},"pids":{"used":[0-9]*,"limit":30},"oom_kills":0'
    ok $? "status --json says the same"
    kill $busy
    wait $busy 2>/dev/null
    rm -f up
    "$nixcage" plan >"$dir/out" 2>"$dir/err"
    grep -q '^  cpus 0.5  *cpu.max$' "$dir/out" && grep -q '  memory.max, without swap$' "$dir/out" && grep -q '  pids.max$' "$dir/out"
    ok $? "plan: names what holds each limit"
    [ "$(id -u)" = 0 ] || env -u XDG_RUNTIME_DIR "$nixcage" run -- cat /proc/self/cgroup 2>"$dir/err" | grep -qx 0::/
    ok $? "the user's systemd is found without XDG_RUNTIME_DIR"
}

# The ways to start bwrap but the usual one: behind the tracer, with its mounts made, and both. Verified by nixcage itself, and what
# was started before the scope was there would see another cgroup.
launches() {
    local many
    project 'pids = 30'
    cage_is_in_scope --debug
    ok $? "held with --debug"
    mkdir -p "$dir/p/d"/{1..40}
    many=$(printf '"d/%d", ' {1..40})
    sed -i "s|^system = true|&\nro_bind = [$many]|" nixcage.toml
    "$nixcage" allow --yes >/dev/null 2>&1
    cage_is_in_scope
    ok $? "held with many mounts"
    cage_is_in_scope --debug
    ok $? "held with many mounts and --debug"
}

cage_is_in_scope() { # cage_is_in_scope [OPTION]
    "$nixcage" run "$@" -- cat /proc/self/cgroup >"$dir/out" 2>"$dir/err" && grep -qx '0::/' "$dir/out" && ! grep -q 'without it' "$dir/err"
}

# Where no systemd is seen: a subtree that was delegated to us (here by systemd, with a shell as its leaf).
subtree() {
    hidden=(env XDG_RUNTIME_DIR=/nonexistent)
    # shellcheck disable=SC2016
    if [ "$(id -u)" = 0 ]; then hidden=(unshare --mount bash -c 'mount -t tmpfs none /run/systemd && exec "$@"' -); fi
    project $'memory = "64M"\npids = 30\ncpus = 0.5'
    manager=--user
    if [ "$(id -u)" = 0 ]; then manager=--system; fi
    # shellcheck disable=SC2016
    systemd-run "$manager" --scope --quiet -p Delegate=yes bash -c '
        here=/sys/fs/cgroup$(sed -n s/^0:://p /proc/self/cgroup)
        mkdir "$here/leaf" && echo $$ >"$here/leaf/cgroup.procs" || exit 1
        nixcage=$1 hog=$2
        shift 2
        "$@" "$nixcage" plan
        "$@" "$nixcage" run -- perl -e "$hog"
        echo "status $?"
        ls -d "$here"/nixcage-* 2>/dev/null || echo "nothing left"' - "$nixcage" "$hog" "${hidden[@]}" >"$dir/out" 2>"$dir/err"
    grep -q 'held by: cgroup v2, in a delegated subtree' "$dir/out" && grep -qx 'status 137' "$dir/out" &&
        grep -q 'memory limit of 64 MiB was hit' "$dir/err"
    ok $? "a delegated subtree holds them, too"
    grep -qx 'nothing left' "$dir/out"
    ok $? "its group is gone afterwards"
}

echo "# user $(id -un)"
figure systemd "$(systemctl --version | head -n1 | cut -d' ' -f2)"
figure kernel "$(uname -r)"
memory
processes
processor
status_running
launches
subtree

# A nixcage that is killed leaves nothing, whenever that is: before its bwrap is in a scope, before it knows what to make, later.
project 'pids = 30'
for ((i = 0; i < 40; i++)); do
    "$nixcage" run -- sleep 300 >/dev/null 2>&1 &
    sleep "0.0$((i / 10))$((i % 10))"
    kill -KILL $!
    wait $! 2>/dev/null
done

# Nothing is left behind.
left=1
for ((i = 0; i < 100 && left; i++)); do
    left=
    sleep 0.1
    if systemctl list-units --all --no-legend 'nixcage-*' 2>/dev/null | grep -q .; then left=1; fi
    if systemctl --user list-units --all --no-legend 'nixcage-*' 2>/dev/null | grep -q .; then left=1; fi
done
ok ${left:-0} "no scope is left behind"
echo "1..$n"
exit $failed
