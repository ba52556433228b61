# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=bash disable=SC2154
# SIGKILL at random moments of a cold run, of nixcage, of Nix and what it started, of bwrap: the run ends, no process, lock or
# temporary file is left, and the next run works. What Nix keeps below /nix is Nix's own to mend.

load ../lib/common
load fault
load cold

setup() {
    own_place
    RANDOM=${NIXCAGE_KILL_SEED:-$$}
    echo "# seed ${NIXCAGE_KILL_SEED:-$$}" >&3
}

# Processes of the started session and what came of it, other than setsid and its shell.
victims() {
    ps -eo pid=,sid=,comm= | awk -v first="$SESSION" '$2 != 0 && $1 != first { print $1, $3 }'
}

# a_victim WHO: VICTIM is the number and the name of one of them whose name matches.
a_victim() {
    VICTIM=$(victims | awk -v who="$1" '$2 ~ who' | shuf -n 1)
    [ -n "$VICTIM" ]
}

# No temporary directory of nixcage's, and no generation that no entry names. (A file beside the one that it would have become is
# removed when that is written next: mended() would see it.)
nothing_unfinished() {
    local generation bad
    bad=$(find "$TMPDIR" /tmp -maxdepth 1 -name 'nixcage-??????')
    while IFS= read -r generation; do
        grep -qsF "${generation##*/}" "$XDG_CACHE_HOME"/nixcage/v1/*[0-9a-f] || bad+=" $generation"
    done < <(find "$XDG_CACHE_HOME/nixcage/v1/gen" -mindepth 1 -maxdepth 1 2>/dev/null)
    [ -z "$bad" ] || { echo "-- left behind: $CUT: $bad" >&2; return 1; }
}

ended() {
    ! kill -0 "$SESSION" 2>/dev/null
}

# after_kill: nothing is left and the next run works.
after_kill() {
    poll_until 20 ended || { echo "-- still there: $CUT"; victims; return 1; } >&2
    wait "$JOB" || :
    no_processes_left "$CUT"
    nothing_unfinished
    mended
}

# takes_ms CMD…: how long a cold run takes here, now, in ms.
takes_ms() {
    local begin
    before
    begin=$(date +%s%3N)
    start_session "$@"
    wait "$JOB" || :
    echo $(($(date +%s%3N) - begin))
}

# kills N WHO CMD…: N times a cold run, in which after a random time a process whose name matches WHO (nixcage: the first) is killed.
kills() {
    local n=$1 who=$2 i met=0 span delay
    shift 2
    # Beyond the end there is nothing to kill; near it often so.
    span=$(($(takes_ms "$@") * 3 / 4))
    for ((i = 0; i < n; i++)); do
        before
        start_session "$@"
        delay=$((span * (RANDOM % 100) / 100))
        sleep "$(printf '%d.%03d' $((delay / 1000)) $((delay % 1000)))"
        CUT="$who, kill $i of $n"
        if [ "$who" = nixcage ]; then
            if kill -KILL "$SESSION" 2>/dev/null; then met=$((met + 1)); fi
        elif a_victim "$who"; then
            CUT+=": $VICTIM"
            if kill -KILL "${VICTIM%% *}" 2>/dev/null; then met=$((met + 1)); fi
        fi
        after_kill
    done
    echo "# $met of $n kills met their process ($who)" >&3
    [ "$met" -gt $((n / 10)) ]
}

@test "SIGKILL of nixcage in a cold run" {
    resolved
    kills "$(every 8 100)" nixcage "$NIXCAGE" run -- hello
}

@test "SIGKILL of any other process of a cold run: Nix, its builders, bwrap, nixcage's own" {
    resolved
    kills "$(every 8 100)" . "$NIXCAGE" run -- hello
}

@test "SIGKILL of Nix, and of nixcage, in the middle of a build: no builder lives on" {
    local who
    # A build of this test's own, every time another.
    export SLOW=1000 SLOW_LOG=$BATS_TEST_TMPDIR/slow.log
    printf '[sandbox.network]\nallow = false\n[nix]\npackages = ["slow"]\n' >nixcage.toml
    "$NIXCAGE" allow --yes >/dev/null
    for who in '^nix-' '^sleep$' nixcage; do
        : >"$SLOW_LOG"
        start_session "$NIXCAGE" run -- slow
        poll_until 60 test -s "$SLOW_LOG"
        poll_until 20 a_victim '^sleep$'
        CUT="$who in a build"
        if [ "$who" = nixcage ]; then
            kill -KILL "$SESSION"
        else
            poll_until 20 a_victim "$who"
            CUT+=": $VICTIM"
            kill -KILL "${VICTIM%% *}"
        fi
        poll_until 20 ended || _explain "still there: $CUT"
        wait "$JOB" && status=0 || status=$?
        [ "$status" != 0 ]
        if [ "$who" != nixcage ]; then
            [ "$status" = 125 ] || _explain "status of a run whose Nix was killed"
            grep -q '^nixcage: ' "$BATS_TEST_TMPDIR/err"
        fi
        no_processes_left "$CUT"
        nothing_unfinished
    done
    # The next run works.
    SLOW=0 run_split "$NIXCAGE" run -- slow
    assert_status 0
    assert_output slow
}

@test "SIGKILL of any process of a warm run" {
    resolved
    local i n
    n=$(every 10 100)
    for ((i = 0; i < n; i++)); do
        start_session "$NIXCAGE" run -- sh -c 'sleep 30 & wait'
        sleep "0.$(printf %03d $((RANDOM % 200)))"
        CUT="warm, kill $i of $n"
        if a_victim .; then
            CUT+=": $VICTIM"
            kill -KILL "${VICTIM%% *}" 2>/dev/null || :
        fi
        # Killing the command's child ends nothing.
        poll_until 1 ended 2>/dev/null || kill -KILL "$SESSION" 2>/dev/null || :
        after_kill
    done
}
