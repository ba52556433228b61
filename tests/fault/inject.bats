# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=bash disable=SC2154
# Every system call that nixcage itself makes in a run fails in turn: a cage that is whole, or exit code 125 with a word about
# it, and nothing left behind.

load ../lib/common
load fault

setup() {
    need strace
    fault_project
}

# Lines "NAME NUMBER" of the calls of a run, those left out that cannot fail or are not its own to survive.
calls() {
    strace -qq -o "$BATS_TEST_TMPDIR/trace" "$NIXCAGE" run -- sh -c "$PROBE" sh "$BATS_TEST_TMPDIR/outside" >/dev/null
    sed -n 's/^\([a-z0-9_]*\)(.*/\1/p' "$BATS_TEST_TMPDIR/trace" |
        grep -vxE 'execve|exit_group|exit|rt_sigreturn|brk|arch_prctl|set_tid_address|getpid|getuid|geteuid|getgid|getegid|getppid' |
        awk '{ print $1, ++n[$1] }'
}

@test "each system call fails in turn" {
    local name number error step i=0 done=0 offset
    step=$(every 13 1)
    offset=$((RANDOM % step))
    calls >"$BATS_TEST_TMPDIR/calls"
    [ "$(wc -l <"$BATS_TEST_TMPDIR/calls")" -gt 50 ]
    while read -r name number; do
        for error in EIO ENOMEM EPERM; do
            i=$((i + 1))
            if [ $((i % step)) != "$offset" ]; then continue; fi
            in_session strace -qq -o /dev/null -e trace="$name" -e inject="$name:error=$error:when=$number" \
                "$NIXCAGE" run -- sh -c "$PROBE" sh "$BATS_TEST_TMPDIR/outside"
            whole_or_refused "$name $number $error"
            nothing_left "$name $number $error"
            done=$((done + 1))
        done
    done <"$BATS_TEST_TMPDIR/calls"
    echo "# $done faults in $(wc -l <"$BATS_TEST_TMPDIR/calls") calls" >&3
}

@test "standard streams that are closed, few descriptors, no home, no XDG directories, a full disk" {
    local probe=("$NIXCAGE" run -- sh -c "$PROBE" sh "$BATS_TEST_TMPDIR/outside") n
    in_session sh -c '"$@" <&-' sh "${probe[@]}"
    whole_or_refused 'no standard input'
    in_session sh -c '"$@" 2>&-' sh "${probe[@]}"
    [ "$status" = 0 ]
    assert_output WHOLE
    in_session sh -c '"$@" >&-' sh "${probe[@]}"
    nothing_left 'no standard output'
    for n in 3 4 5 6 8 10 12 16 20 24 32; do
        in_session sh -c 'ulimit -n "$0"; exec "$@"' "$n" "${probe[@]}"
        # Too few even for the dynamic linker: its own 127.
        if [ "$status" != 127 ]; then whole_or_refused "$n descriptors"; fi
        nothing_left "$n descriptors"
    done
    in_session env -u HOME "${probe[@]}"
    whole_or_refused 'no HOME'
    in_session env HOME=/nowhere "${probe[@]}"
    whole_or_refused 'HOME is not there'
    in_session env -i PATH="$PATH" HOME="$HOME" "${probe[@]}"
    whole_or_refused 'no XDG directories'
}
