#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
# Exit codes, signals, stops, death and descriptors: a command in a cage behaves as one without.

load ../lib/common

setup() {
    make_project <<<$'[sandbox.filesystem]\nsystem = true'
    LOG=$PROJECT/log
    export LOG
}

teardown() {
    if [ -n "${CAGE_PID:-}" ]; then kill -KILL "$CAGE_PID" 2>/dev/null || :; fi
}

# in_background CMD…: runs CMD in a cage, in a session of its own with default signals; its process is $CAGE_PID.
in_background() {
    rm -f "$LOG.out" "$LOG.err"
    setsid env --default-signal "$NIXCAGE" run -- "$@" >"$LOG.out" 2>"$LOG.err" </dev/null 3>&- &
    CAGE_PID=$!
}

has_line() {
    grep -qxF -- "$1" "$LOG.out" 2>/dev/null
}

# The status of $CAGE_PID in $status.
reap() {
    status=0
    wait "$CAGE_PID" || status=$?
    CAGE_PID=
    output=$(<"$LOG.out")
    # shellcheck disable=SC2034
    stderr=$(<"$LOG.err")
}

state_of() {
    local stat
    stat=$(cat "/proc/$1/stat" 2>/dev/null) || return 1
    stat=${stat##*) }
    echo "${stat%% *}"
}

is_in_state() {
    [ "$(state_of "$1")" = "$2" ]
}

# Whether a process with this word in its command line is alive.
lives() {
    pgrep -f -- "$1" >/dev/null
}

is_dead() {
    ! lives "$1"
}

child_of() {
    pgrep -P "$1"
}

@test "exit codes are the command's" {
    for code in 0 1 7 100 125 126 127 128 200 255; do
        run_cage sh -c "exit $code"
        assert_status "$code"
    done
    [ -z "$stderr" ]
}

@test "a signal in the command is 128 + n" {
    for sig in HUP INT QUIT ABRT KILL USR1 SEGV TERM; do
        run_cage sh -c "kill -$sig \$\$"
        assert_status $((128 + $(kill -l $sig)))
    done
}

@test "not found is 127, not executable 126" {
    run_cage nosuchcommand
    assert_status 127
    assert_stderr_has "nosuchcommand"
    run_cage ./nosuchfile
    assert_status 127
    run_cage ./nixcage.toml
    assert_status 126
    assert_stderr_has "nixcage.toml"
    run_cage /usr
    assert_status 126
    printf '#!/no/such/interpreter\n' >script
    chmod +x script
    run_cage ./script
    assert_status 127
    run_cage ''
    assert_status 127
}

@test "a script without #! is run by sh, as execvp does" {
    printf 'echo "$0 $1"\nexit 4\n' >script
    chmod +x script
    run_cage ./script arg
    assert_status 4
    assert_output "./script arg"
}

@test "arguments arrive as they are" {
    run_cage printf '[%s]' 'a b' '' '*' "\$HOME" $'line\nline' '--' '-n' "it's" $'\xff'
    assert_status 0
    assert_output $'[a b][][*][$HOME][line\nline][--][-n][it\'s][\xff]'
}

@test "very long command lines and environments work" {
    local long
    long=$(printf 'x%.0s' {1..100000})
    run_cage sh -c 'echo ${#1} ${#2}; echo $#' sh "$long" "$long" $(seq 1 5000)
    assert_status 0
    assert_output $'100000 100000\n5002'
}

@test "signals sent to nixcage reach the command" {
    for sig in TERM INT HUP QUIT USR1 USR2 ALRM WINCH; do
        in_background sh -c "trap 'echo got; exit 9' $sig; echo ready; while :; do sleep 0.02; done"
        poll_until 10 has_line ready
        kill -"$sig" "$CAGE_PID"
        reap
        assert_status 9
        assert_line got
    done
}

@test "a signal that the command does not handle ends both with 128 + n" {
    for sig in TERM INT HUP QUIT; do
        in_background sh -c 'echo ready; exec sleep 1000'
        poll_until 10 has_line ready
        kill -"$sig" "$CAGE_PID"
        reap
        assert_status $((128 + $(kill -l $sig)))
    done
}

@test "a signal to the whole process group arrives once" {
    local counter='n=0; trap "n=\$((n + 1))" USR1; trap "echo \$n; exit 0" TERM; echo ready; while :; do sleep 0.02; done'
    in_background sh -c "$counter"
    poll_until 10 has_line ready
    kill -USR1 -- "-$CAGE_PID"
    sleep 0.2
    # The control: one to nixcage alone is counted, too.
    kill -USR1 "$CAGE_PID"
    sleep 0.2
    kill -TERM "$CAGE_PID"
    reap
    assert_status 0
    assert_line 2
}

@test "ignored and blocked signals are inherited" {
    run_split sh -c 'trap "" USR1; exec "$0" run -- sh -c "kill -USR1 \$\$; echo alive"' "$NIXCAGE"
    assert_status 0
    assert_output alive
    run_cage sh -c 'kill -USR1 $$; echo alive'
    assert_status $((128 + $(kill -l USR1)))
    run_cage grep -E '^Sig(Blk|Ign)' /proc/self/status
    assert_output "$(grep -E '^Sig(Blk|Ign)' /proc/self/status)"
}

@test "stop and continue follow the command" {
    in_background sh -c 'echo ready; kill -STOP $$; echo continued; exit 3'
    poll_until 10 has_line ready
    poll_until 10 is_in_state "$CAGE_PID" T
    refute has_line continued
    kill -CONT "$CAGE_PID"
    reap
    assert_status 3
    assert_line continued
}

@test "SIGTSTP sent to nixcage stops the command, then nixcage" {
    in_background sh -c 'echo ready; while :; do sleep 0.02; done'
    poll_until 10 has_line ready
    kill -TSTP "$CAGE_PID"
    # In an orphaned process group the kernel drops SIGTSTP (POSIX): then both run on.
    if poll_until 2 is_in_state "$CAGE_PID" T; then kill -CONT "$CAGE_PID"; fi
    kill -TERM "$CAGE_PID"
    reap
    assert_status 143
}

@test "killing nixcage kills everything in the cage" {
    local mark=31415.$RANDOM$BATS_TEST_NUMBER
    in_background sh -c "trap '' TERM HUP INT; setsid sleep $mark & (setsid sh -c 'sleep $mark; :' &) ; echo ready; sleep $mark"
    poll_until 10 has_line ready
    poll_until 10 lives "sleep $mark"
    kill -KILL "$CAGE_PID"
    wait "$CAGE_PID" || :
    CAGE_PID=
    poll_until 10 is_dead "sleep $mark"
}

@test "killing bwrap or process 1 ends the run with an error, and nothing lives on" {
    local mark victim
    for who in bwrap init; do
        mark=27182.$RANDOM$who
        mark=${mark/bwrap/1}
        mark=${mark/init/2}
        in_background sh -c "echo ready; setsid sleep $mark"
        poll_until 10 has_line ready
        poll_until 10 lives "sleep $mark"
        victim=$(child_of "$CAGE_PID")
        if [ "$who" = init ]; then victim=$(child_of "$victim"); fi
        kill -KILL "$victim"
        reap
        assert_status 125
        assert_stderr_has "killed from outside"
        poll_until 10 is_dead "sleep $mark"
    done
}

@test "what the command leaves running ends with it" {
    local mark=16180.$RANDOM
    run_cage sh -c "setsid sleep $mark & exit 3"
    assert_status 3
    is_dead "sleep $mark"
}

@test "orphans in the cage are reaped" {
    run_cage sh -c '(sh -c "sleep 0.01" & exec true); for i in 1 2 3 4 5 6 7 8 9 10; do
        sleep 0.1; grep -l "^State:.*zombie" /proc/[0-9]*/status 2>/dev/null || exit 0; done; exit 1'
    assert_status 0
}

@test "pipelines: data, end of file and broken pipes pass" {
    output=$(head -c 3000000 /dev/zero | "$NIXCAGE" run -- cat | "$NIXCAGE" run -- wc -c)
    assert_output 3000000
    output=$("$NIXCAGE" run -- yes | head -n 1)
    assert_output y
    status=0
    set -o pipefail
    "$NIXCAGE" run -- sh -c 'trap - PIPE; exec yes' 2>/dev/null | head -n 1 >/dev/null || status=$?
    assert_status 141
}

@test "closed standard streams stay harmless" {
    "$NIXCAGE" run -- true <&-
    "$NIXCAGE" run -- true >&-
    "$NIXCAGE" run -- true 2>&-
    "$NIXCAGE" run -- sh -c 'touch ran' <&- >&- 2>&-
    [ -e ran ]
    # Nothing that nixcage opens later takes the place of a closed stream.
    "$NIXCAGE" run -- sh -c 'readlink /proc/self/fd/0 >fd0' <&-
    [ "$(cat fd0)" = /dev/null ]
}

@test "a directory as a standard stream is refused" {
    local out='cat /proc/self/fd/0/../secret' n
    mkdir -p "$BATS_TEST_TMPDIR/beside/dir"
    echo hush >"$BATS_TEST_TMPDIR/beside/secret"
    status=0
    output=$("$NIXCAGE" run -- sh -c "$out" <"$BATS_TEST_TMPDIR/beside/dir" 2>&1) || status=$?
    assert_status 125
    assert_output_has 'standard stream 0 is a directory'
    refute_output_has hush
    for n in 1 2; do
        status=0
        eval "\"\$NIXCAGE\" run -- touch ran $n<\"\$BATS_TEST_TMPDIR/beside/dir\"" || status=$?
        assert_status 125
    done
    [ ! -e ran ]
    # The control: without a cage it leads there.
    [ "$(sh -c "$out" <"$BATS_TEST_TMPDIR/beside/dir")" = hush ]
}

@test "no descriptor but 0-2 reaches the command or bwrap" {
    exec 7<"$HOME" 8<>"$PROJECT/secret" 9</dev/null 250</dev/null
    local list='for n in $(seq 0 300); do if [ -e /proc/$$/fd/$n ]; then echo $n; fi; done'
    run_cage sh -c "$list"
    assert_output $'0\n1\n2'
    # The control: they are inherited without a cage.
    run_split sh -c "$list"
    assert_line 250
    in_background sh -c 'echo ready; exec sleep 1000'
    poll_until 10 has_line ready
    ls -l "/proc/$(child_of "$CAGE_PID")/fd" >fds
    grep -q /dev/null fds
    refute grep -q secret fds
    exec 7<&- 8<&- 9<&- 250<&-
}

@test "no environment and no command line tells about the command" {
    export SECRET_TOKEN_FOR_TEST=hush
    in_background sh -c 'cat /proc/[0-9]*/environ 2>/dev/null | tr "\0" "\n"; echo ready; exec sleep 1000' hushhush
    poll_until 10 has_line ready
    local bwrap
    bwrap=$(child_of "$CAGE_PID")
    [ -z "$(tr -d '\0' <"/proc/$bwrap/environ")" ]
    refute grep -q hush "/proc/$bwrap/cmdline" "$LOG.out"
    # The control: nixcage's own command line has it.
    grep -q hush "/proc/$CAGE_PID/cmdline"
}

@test "process 1 cannot be looked into, and no core is dumped" {
    run_cage sh -c 'cat /proc/1/environ'
    refute [ "$status" = 0 ]
    run_cage sh -c 'readlink /proc/1/fd/2 || readlink /proc/1/exe || readlink /proc/1/cwd || cat /proc/1/maps'
    refute [ "$status" = 0 ]
    assert_output ''
    # The control: of one's own processes all that can be seen.
    run_cage sh -c 'readlink /proc/$$/fd/2 && readlink /proc/$$/exe && cat /proc/$$/environ /proc/$$/maps >/dev/null'
    assert_status 0
    run_cage sh -c 'ulimit -c; ulimit -c unlimited'
    refute [ "$status" = 0 ]
    assert_output 0
}

@test "nixcage needs little memory while it waits" {
    in_background sh -c 'echo ready; exec sleep 1000'
    poll_until 10 has_line ready
    awk '/^RssAnon:/ { anon = $2 } END { exit !(anon > 0 && anon <= 3072) }' "/proc/$CAGE_PID/status"
}
