# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=bash disable=SC2034,SC2154
# Every system call that nixcage itself makes in a run fails in turn, then those of bwrap and of the init: a cage that is whole, or
# exit code 125 with a word about it, and nothing left behind.

load ../lib/common
load fault

setup() {
    need strace
    fault_project
}

# Lines "NAME NUMBER" of the calls of a run, those left out that cannot fail or are not its own to survive. close(2) closes also when
# it fails, which strace cannot do.
calls() {
    strace -qq -o "$BATS_TEST_TMPDIR/trace" "$NIXCAGE" run -- sh -c "$PROBE" sh "$BATS_TEST_TMPDIR/outside" >/dev/null
    sed -n 's/^\([a-z0-9_]*\)(.*/\1/p' "$BATS_TEST_TMPDIR/trace" |
        grep -vxE 'close|execve|exit_group|exit|rt_sigreturn|brk|arch_prctl|set_tid_address|getpid|getuid|geteuid|getgid|getegid|getppid' |
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

# strace_bwrap: a bwrap first on PATH that runs the real one under strace with the words of $FAULT. It is bwrap that stays nixcage's
# child (-D): a strace in its place would end with the last of bwrap's processes, not with bwrap.
strace_bwrap() {
    mkdir -p "$BATS_TEST_TMPDIR/bin"
    printf '#!/bin/sh\nexec strace -D -f -qq $FAULT %s "$@"\n' "$(command -v bwrap)" >"$BATS_TEST_TMPDIR/bin/bwrap"
    # Nothing of the environment reaches it.
    sed -i "s|\$FAULT|\$(cat '$BATS_TEST_TMPDIR/fault')|" "$BATS_TEST_TMPDIR/bin/bwrap"
    chmod +x "$BATS_TEST_TMPDIR/bin/bwrap"
    PATH=$BATS_TEST_TMPDIR/bin:$PATH
}

# A strace (6.1) that is not nixcage's child (-D) now and then waits for processes that are gone: it alone is left. Tells of it.
end_strace() {
    poll_until 5 no_strangers 2>/dev/null && return 1
    strangers | awk '$4 != "strace" { exit 1 }' && end_strangers
}

@test "a bwrap that dies between its fork and its word to the child: that does not wait for ever" {
    local PATIENCE=10
    strace_bwrap
    # Once, so that this bwrap's version is known.
    : >"$BATS_TEST_TMPDIR/fault"
    run_cage true
    assert_status 0
    BEFORE=$(state)
    echo "-o $BATS_TEST_TMPDIR/trace -e trace=write -e inject=write:signal=KILL:when=1" >"$BATS_TEST_TMPDIR/fault"
    # The control: bwrap by itself leaves it.
    in_session bwrap --unshare-user --unshare-pid --as-pid-1 --ro-bind / / true
    assert_status 137
    sleep 1
    strangers | grep -q 'bwrap --unshare-user'
    end_strangers
    in_session "$NIXCAGE" run -- true
    assert_status 125
    assert_stderr_has 'nixcage: the sandbox was killed from outside'
    nothing_left 'bwrap died after its fork'
}

@test "bwrap and the init that miss the end of a child: the run ends all the same" {
    local number missed=0
    strace_bwrap
    : >"$BATS_TEST_TMPDIR/fault"
    run_cage true
    assert_status 0
    BEFORE=$(state)
    for number in 1 2 3 4 5; do
        echo "-o $BATS_TEST_TMPDIR/trace -e trace=wait4,kill -e inject=wait4:error=EIO:when=$number" >"$BATS_TEST_TMPDIR/fault"
        # By itself the command makes no such call, so the first one is of the init.
        in_session "$NIXCAGE" run -- sh -c 'echo DONE; exit 7'
        assert_status 7
        assert_output DONE
        in_session "$NIXCAGE" run -- sh -c 'cat /dev/null; (:); echo DONE; exit 7'
        assert_status 7
        assert_output DONE
        # bwrap waits for ever then, by itself: nixcage has to end it.
        if grep -q '+++ killed by SIGKILL +++' "$BATS_TEST_TMPDIR/trace"; then missed=$((missed + 1)); fi
        nothing_left "wait4 $number"
    done
    [ "$missed" -gt 0 ]
}

@test "each system call of bwrap and of the init fails in turn" {
    local name number error step i=0 done=0 offset ran=0 stuck=0 alone=0 emptied=0 PATIENCE=10
    step=$(every 61 1)
    offset=$((RANDOM % step))
    strace_bwrap
    # Any of its calls may fail, too: it tells only of what worked and must not.
    # shellcheck disable=SC2016
    PROBE='[ -e "$1" ] && echo OPEN outside
        (echo x >>nixcage.toml) 2>/dev/null && echo OPEN protected
        (echo x >.git/hooks/x) 2>/dev/null && echo OPEN hooks
        while read -r key value; do case $key$value in
            CapEff:0000000000000000 | Seccomp:2 | NoNewPrivs:1) ;;
            CapEff:* | Seccomp:* | NoNewPrivs:*) echo OPEN "$key$value" ;;
        esac; done </proc/self/status; echo DONE'
    echo "-o $BATS_TEST_TMPDIR/trace" >"$BATS_TEST_TMPDIR/fault"
    run_cage sh -c "$PROBE" sh "$BATS_TEST_TMPDIR/outside"
    assert_status 0
    assert_output DONE
    # "NAME NUMBER" up to the most calls that one of its processes makes.
    sed -n 's/^\([0-9]*\) *\([a-z0-9_]*\)(.*/\1 \2/p' "$BATS_TEST_TMPDIR/trace" |
        grep -vE ' (close|execve|exit_group|exit|rt_sigreturn|brk|arch_prctl|set_tid_address|get[a-z]*id)$' |
        awk '{ if (++n[$1, $2] > max[$2]) max[$2] = n[$1, $2] } END { for (name in max) for (i = 1; i <= max[name]; i++) print name, i }' |
        sort >"$BATS_TEST_TMPDIR/calls"
    [ "$(wc -l <"$BATS_TEST_TMPDIR/calls")" -gt 50 ]
    # The control: what is open is told of.
    : >"$BATS_TEST_TMPDIR/fault"
    run_cage sh -c "$PROBE" sh /etc/passwd
    assert_output_has 'OPEN outside'
    # Once in this place, so that everything that stays is there.
    BEFORE=$(state)
    cp nixcage.toml "$BATS_TEST_TMPDIR/toml"
    while read -r name number; do
        i=$((i + 1))
        if [ $((i % step)) != "$offset" ]; then continue; fi
        # They are thousands: each with one error.
        case $(((i / step + SECONDS) % 3)) in 0) error=EIO ;; 1) error=ENOMEM ;; *) error=EPERM ;; esac
        echo "-o /dev/null -e trace=$name -e inject=$name:error=$error:when=$number" >"$BATS_TEST_TMPDIR/fault"
        in_session "$NIXCAGE" run -- sh -c "$PROBE" sh "$BATS_TEST_TMPDIR/outside"
        refute_output_has OPEN
        # bwrap does not look at whether its word to its second process was written; that waits for it. Nothing runs in there.
        if [ "$status" -gt 123 ] && [ "$status" != 125 ] && [ -z "$output" ] && pgrep -x bwrap >/dev/null; then
            stuck=$((stuck + 1))
            end_strangers
            continue
        fi
        [ "$status" != 124 ] || _explain "it hangs: bwrap, $name $number $error"
        [ "$status" != 125 ] || [ -n "$stderr" ] || _explain "125 without a word: bwrap, $name $number $error"
        if [ "$output" = DONE ]; then ran=$((ran + 1)); fi
        # bwrap creates (and empties) what it is to mount on when its look at it failed. With that file no further cage would run.
        if ! cmp -s nixcage.toml "$BATS_TEST_TMPDIR/toml"; then
            [ ! -s nixcage.toml ] || _explain "nixcage.toml was changed: bwrap, $name $number $error"
            emptied=$((emptied + 1))
            cat "$BATS_TEST_TMPDIR/toml" >nixcage.toml
        fi
        if end_strace; then alone=$((alone + 1)); fi
        nothing_left "bwrap, $name $number $error"
        done=$((done + 1))
    done <"$BATS_TEST_TMPDIR/calls"
    echo "# $done faults in $(wc -l <"$BATS_TEST_TMPDIR/calls") calls of bwrap and the init; $ran ran, $stuck stuck in bwrap, strace stayed $alone times, nixcage.toml emptied $emptied times" >&3
    [ $((stuck + alone)) -le $((done / 20 + 2)) ]
    [ "$emptied" -le 3 ]
    # Most of the calls are the command's: a run in which nothing ran shows nothing.
    [ "$ran" -gt $((done / 4)) ]
}
