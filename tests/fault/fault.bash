# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=bash disable=SC2034,SC2154
# Helpers of the fault suites; `load ../lib/common` first. NIXCAGE_EXTENDED=1: every fault instead of a sample.

if [ -z "${NIXCAGE_FAULT_PLACE-}" ]; then
    echo "to be started by tests/fault/run: what is left can only be compared in a pid namespace of its own" >&2
    exit 1
fi

# Directories whose files count, too, when something is looked for that was left.
FAULT_DIRS=()

# every CI EXTENDED: the number for this kind of run.
every() {
    if [ "${NIXCAGE_EXTENDED:-}" = 1 ]; then echo "$2"; else echo "$1"; fi
}

# A project whose cage says WHOLE when it is what it must be, and what is missing otherwise.
fault_project() {
    make_project <<<$'[sandbox.network]\nallow = false\n[sandbox.filesystem]\nsystem = true'
    mkdir -p .git/hooks
    echo secret >"$BATS_TEST_TMPDIR/outside"
    # shellcheck disable=SC2016
    PROBE='grep -q "^CapEff:.0*$" /proc/self/status || echo caps; grep -q "^Seccomp:.2$" /proc/self/status || echo seccomp
        grep -q "^NoNewPrivs:.1$" /proc/self/status || echo privileges; [ ! -e "$1" ] || echo outside
        (echo x >>nixcage.toml) 2>/dev/null && echo protected; (echo x >.git/hooks/x) 2>/dev/null && echo hooks; echo WHOLE'
    # Once, so that everything that stays is there: caches, .nixcage.
    run_cage sh -c "$PROBE" sh "$BATS_TEST_TMPDIR/outside"
    assert_output WHOLE
    BEFORE=$(state)
}

# Everything that could be left behind, a line each: names in the project (without .nixcage/local) and in the directories of the
# user, mounts, cgroups, locks, processes. Two states are the same or something is left.
state() {
    {
        find "$PROJECT" "$HOME" "$XDG_RUNTIME_DIR" "$TMPDIR" /tmp /dev/shm "${FAULT_DIRS[@]}" \
            \( -path "$PROJECT/.nixcage/local" -o -path "$TMPDIR/bats-run-*" -o -path "$TMPDIR/bats.*" \) -prune -o -print
        # By number: somebody else on the machine may rename what one is on. Namespaces of other suites come and go.
        awk '$5 !~ "^/run/netns" { print "mount", $1 }' /proc/self/mountinfo
        # Below this process's own, where a group of limits is made: there are other tests on the machine, and machines in it.
        sed 's/^[^:]*://; s/:/ /; s/^name=//' /proc/self/cgroup | while read -r controllers path; do
            find "/sys/fs/cgroup/${path:+$controllers}${path:-$controllers}" /sys/fs/cgroup/unified"${path:-$controllers}" \
                -maxdepth 1 -type d -name 'nixcage-[0-9]*' -printf 'cgroup %p\n'
        done
        # Locks of open files (OFDLCK) have no process and are seen from everywhere: those of the whole machine. nixcage has none.
        awk '$2 != "OFDLCK" { print "lock", $2, $3, $4, $6 }' /proc/locks
        strangers | sed 's/^/process /'
    } 2>/dev/null | sort -u
}

# The processes of other sessions than the tests' own, which has no number in here.
strangers() {
    ps -eo sid=,pid=,stat=,args= | awk '$1 != 0'
}

# Ends them, by their numbers.
end_strangers() {
    strangers | awk '{ print $2 }' | xargs -r kill -KILL 2>/dev/null || :
    poll_until 20 no_strangers
}

# in_session CMD…: runs CMD in a session of its own, at most 20 s; sets status, output, stderr, SESSION. What it leaves running may
# hold its output: nobody waits for that.
in_session() {
    local out=$BATS_TEST_TMPDIR/.out err=$BATS_TEST_TMPDIR/.stderr
    status=0
    # shellcheck disable=SC2016
    setsid --wait sh -c 'echo $$ >"$0"; exec "$@"' "$BATS_TEST_TMPDIR/.session" timeout --foreground -k 1 "${PATIENCE:-20}" "$@" \
        </dev/null >"$out" 2>"$err" 3>&- || status=$?
    output=$(<"$out")
    stderr=$(<"$err")
    SESSION=$(<"$BATS_TEST_TMPDIR/.session")
}

# start_session CMD…: the same in the background, with its errors in $BATS_TEST_TMPDIR/err; sets SESSION, which is also its
# first process, and JOB for wait.
start_session() {
    : >"$BATS_TEST_TMPDIR/.session"
    # shellcheck disable=SC2016
    setsid --wait sh -c 'echo $$ >"$0"; exec "$@"' "$BATS_TEST_TMPDIR/.session" "$@" </dev/null >"$BATS_TEST_TMPDIR/out" 2>"$BATS_TEST_TMPDIR/err" 3>&- &
    JOB=$!
    poll_until 20 test -s "$BATS_TEST_TMPDIR/.session"
    SESSION=$(<"$BATS_TEST_TMPDIR/.session")
}

no_strangers() {
    [ -z "$(strangers)" ]
}

# Every lock file can be taken, and so can the project.
locks_are_free() {
    local file
    while IFS= read -r file; do
        flock -n "$file" true || { echo "-- still locked: $file" >&2; return 1; }
    done < <(echo "$PROJECT"; find "$HOME" "${XDG_CACHE_HOME:-$HOME}" "${FAULT_DIRS[@]}" -type f \( -name '*.lock' -o -name lock -o -name '*.update' \))
}

# The lines of two states without those locks, new in the second, of files that are none of ours. The kernel names a lock by the
# number of the process that took it; when that is gone and a process in here has its number, the lock of a stranger shows.
without_foreign_locks() {
    local line
    while IFS= read -r line; do
        if [[ $line == lock\ * && $'\n'$BEFORE$'\n' != *$'\n'$line$'\n'* ]]; then
            [ -n "$(find "$PROJECT" "$HOME" "$XDG_RUNTIME_DIR" "$TMPDIR" "${FAULT_DIRS[@]}" -inum "${line##*:}" -print -quit)" ] || continue
        fi
        printf '%s\n' "$line"
    done
}

# No process, file, mount, cgroup or lock is left that was not there before. $1: what was done.
nothing_left() {
    no_processes_left "$1" || return 1
    local after
    after=$(state)
    if [ "$after" != "$BEFORE" ]; then after=$(without_foreign_locks <<<"$after"); fi
    [ "$after" = "$BEFORE" ] || { echo "-- left behind: $1"; diff <(echo "$BEFORE") <(echo "$after"); cat /proc/self/mountinfo; return 1; } >&2
}

# As nothing_left, where files may have to wait for the next run.
no_processes_left() {
    poll_until 20 no_strangers || { echo "-- processes left: $1"; strangers; return 1; } >&2
    locks_are_free || { echo "-- after: $1" >&2; return 1; }
}

# Either a cage that is whole, or a clear refusal. $1: what was done.
whole_or_refused() {
    if [ "$status" = 0 ]; then
        [ "$output" = WHOLE ] || _explain "a weaker cage: $1"
    elif [ "$status" = 125 ]; then
        [ "$output" = '' ] || [ "$output" = WHOLE ] || _explain "a weaker cage: $1"
        [[ $stderr == *'nixcage: '* ]] || _explain "125 without a word: $1"
    elif [ "$status" = 127 ] && [[ $stderr != 'nixcage: '* && -z $output ]]; then
        : # the dynamic linker's, before nixcage's first instruction
    elif [ "$status" = 139 ] && [[ $1 == 'mmap 1 ENOMEM' && -z $output && -z $stderr ]]; then
        : # as before: the linker's first memory, which it does not check
    elif [ "$status" = 127 ] && [[ $stderr == *'not found in the cage'* && -z $output ]]; then
        : # a directory of the host that could not be looked at is not shown: less than planned, and said
    else
        _explain "neither a run nor 125: $1"
    fi
}
