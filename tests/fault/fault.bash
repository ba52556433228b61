# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=bash disable=SC2154
# Helpers of the fault suites; `load ../lib/common` first. NIXCAGE_EXTENDED=1: every fault instead of a sample.

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
    BEFORE=$(left_behind)
    MOUNTS=$(grep -c . /proc/self/mounts)
}

# What could be left: names in the project and in the directories of the user, without .nixcage/local.
left_behind() {
    find "$PROJECT" "$HOME" "$XDG_RUNTIME_DIR" -path "$PROJECT/.nixcage/local" -prune -o -print 2>/dev/null | sort
}

# in_session CMD…: runs CMD in a session of its own, at most 20 s; sets status, output, stderr, SESSION.
in_session() {
    # shellcheck disable=SC2016
    run_split setsid --wait sh -c 'echo $$ >"$0"; exec "$@"' "$BATS_TEST_TMPDIR/.session" timeout --foreground -k 1 20 "$@"
    SESSION=$(<"$BATS_TEST_TMPDIR/.session")
}

session_is_over() {
    ! pgrep -s "$SESSION" >/dev/null
}

# No process, file, or mount is left. $1: what was done.
nothing_left() {
    poll_until 10 session_is_over || { echo "-- processes left: $1"; pgrep -s "$SESSION" -a; return 1; } >&2
    # Fewer is right: namespaces of a suite beside this one (/run/netns) go away everywhere.
    [ "$(grep -c . /proc/self/mounts)" -le "$MOUNTS" ] || { echo "-- a mount is left: $1" >&2; return 1; }
    local after
    after=$(left_behind)
    [ "$after" = "$BEFORE" ] || { echo "-- left behind: $1"; diff <(echo "$BEFORE") <(echo "$after"); return 1; } >&2
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
    elif [ "$status" = 139 ] && [[ $1 == 'mmap 1 '* && -z $output ]]; then
        : # as before: its first memory, which it does not check
    elif [ "$status" = 127 ] && [[ $stderr == *'not found in the cage'* && -z $output ]]; then
        : # a directory of the host that could not be looked at is not shown: less than planned, and said
    else
        _explain "neither a run nor 125: $1"
    fi
}
