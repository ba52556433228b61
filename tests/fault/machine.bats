# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=bash disable=SC2016,SC2034,SC2154
# A machine that is short of something: a cage that is whole, or exit code 125 with a word about it, and nothing left behind.

load ../lib/common
load fault
load cold

probe() {
    PROBING=("$NIXCAGE" run -- sh -c "$PROBE" sh "$BATS_TEST_TMPDIR/outside")
}

@test "standard streams that are closed" {
    fault_project
    probe
    local closed
    for closed in '<&-' '2>&-' '<&- 2>&-' '>&-' '<&- >&- 2>&-'; do
        in_session sh -c '"$@" '"$closed" sh "${PROBING[@]}"
        case $closed in
        *'>&-'*'2>&-' | '>&-') ;; # nobody can be told
        *) whole_or_refused "closed: $closed" ;;
        esac
        nothing_left "closed: $closed"
    done
    # Without standard error it runs all the same.
    in_session sh -c '"$@" 2>&-' sh "${PROBING[@]}"
    assert_status 0
    assert_output WHOLE
}

@test "few descriptors" {
    fault_project
    probe
    local n
    for n in 3 4 5 6 8 10 12 16 20 24 32; do
        in_session sh -c 'ulimit -n "$0"; exec "$@"' "$n" "${PROBING[@]}"
        # Too few even for the dynamic linker: its own 127.
        if [ "$status" != 127 ]; then whole_or_refused "$n descriptors"; fi
        nothing_left "$n descriptors"
    done
    # The control: with more of them it runs.
    in_session sh -c 'ulimit -n 64; exec "$@"' sh "${PROBING[@]}"
    assert_status 0
    assert_output WHOLE
}

@test "no HOME, one that is not there, no XDG directories, none of any" {
    fault_project
    probe
    # What is made below the home directory then stays there, as it is meant to.
    FAULT_HOME=$BATS_TEST_TMPDIR/home
    mkdir "$FAULT_HOME"
    local xdg=(-u XDG_CACHE_HOME -u XDG_DATA_HOME -u XDG_CONFIG_HOME -u XDG_STATE_HOME -u XDG_RUNTIME_DIR)
    in_session env -u HOME "${PROBING[@]}"
    whole_or_refused 'no HOME'
    nothing_left 'no HOME'
    in_session env HOME=/nowhere "${PROBING[@]}"
    whole_or_refused 'HOME is not there'
    nothing_left 'HOME is not there'
    in_session env "${xdg[@]}" "${PROBING[@]}"
    assert_status 0
    assert_output WHOLE
    in_session env "${xdg[@]}" HOME="$FAULT_HOME" "$NIXCAGE" allow --yes
    assert_status 0
    in_session env "${xdg[@]}" HOME="$FAULT_HOME" "${PROBING[@]}"
    assert_status 0
    assert_output WHOLE
    in_session env -i PATH="$PATH" "${PROBING[@]}"
    whole_or_refused 'no variable but PATH'
    in_session env -i "${PROBING[@]}"
    whole_or_refused 'no variable at all'
    no_processes_left 'no variable at all'
}

# in_place SETUP CMD…: CMD after the shell commands of SETUP, in a mount namespace of its own and as the same user; the names in
# $PLACE before and after it go to $BATS_TEST_TMPDIR/names.{before,after}.
in_place() {
    local setup=$1 own=() drop=()
    shift
    if [ "$(id -u)" != 0 ]; then
        own=(--user --map-current-user --keep-caps)
        drop=(setpriv --inh-caps=-all --ambient-caps=-all)
    fi
    export PLACE T=$BATS_TEST_TMPDIR
    in_session unshare "${own[@]}" --mount sh -c '
        eval "$0" || { echo "cannot set the place up" >&2; exit 99; }
        cd . || exit 99
        find "$PLACE" | sort >"$T/names.before"
        status=0
        "$@" || status=$?
        find "$PLACE" | sort >"$T/names.after"
        exit $status' "$setup" "${drop[@]}" "$@"
    [ "$status" != 99 ] || _explain "the test itself"
}

# A small file system at $PLACE with what was there, and not a byte more free.
FULL='rm -rf "$T/copy" && cp -a "$PLACE" "$T/copy" && mount -t tmpfs -o size=2m,nr_inodes=4k,mode=700 tmpfs "$PLACE" && cp -a "$T/copy/." "$PLACE" && cd "$PWD" &&
    { cat /dev/zero >"$PLACE/.fill" 2>/dev/null; [ "$(stat -f -c %a "$PLACE")" = 0 ]; }'
# The same with room, as a control.
ROOM=${FULL%&& cd*}

same_names() {
    diff "$BATS_TEST_TMPDIR/names.before" "$BATS_TEST_TMPDIR/names.after" >&2 || _explain "left behind: $1"
}

@test "a full disk: the project's" {
    own_place
    PLACE=$PROJECT
    echo '# mine' >.envrc
    in_place "$ROOM" "$NIXCAGE" init
    assert_status 0
    in_place "$FULL" "$NIXCAGE" init
    assert_status 125
    assert_stderr_has 'No space left'
    same_names init
    "$NIXCAGE" init >/dev/null
    for command in 'reinit --yes' 'add coreutils'; do
        # shellcheck disable=SC2086
        in_place "$FULL; cksum nixcage.toml .envrc >\"\$T/sum\"" sh -c '"$@"; s=$?; cksum nixcage.toml .envrc | cmp - "$T/sum" || s=98; exit $s' sh "$NIXCAGE" $command
        assert_status 125
        assert_stderr_has 'No space left'
    done
    # Less, not more, can be done on a full disk.
    in_place "$FULL" "$NIXCAGE" destroy --yes
    [ "$status" = 0 ] || assert_stderr_has 'No space left'
}

@test "a full disk: the cache's, the state's, the data's, the temporary directory's" {
    own_place
    resolved
    local place
    for place in "$XDG_CACHE_HOME" "$XDG_STATE_HOME" "$XDG_DATA_HOME"; do
        PLACE=$place
        in_place "$FULL" "$NIXCAGE" run -- hello
        assert_status 0
        assert_output 'Hello, world!'
        same_names "a warm run, $place"
    done
    # A cold run.
    for place in "$XDG_CACHE_HOME" "$XDG_DATA_HOME"; do
        before
        PLACE=$place
        in_place "$FULL" "$NIXCAGE" run -- hello
        assert_status 0
        assert_output 'Hello, world!'
        [ "$place" = "$XDG_DATA_HOME" ] || assert_stderr_has 'cannot be cached'
    done
    before
    PLACE=$BATS_TEST_TMPDIR/tmp
    mkdir "$PLACE"
    TMPDIR=$PLACE in_place "$FULL" "$NIXCAGE" run -- hello
    [ "$status" = 0 ] || { assert_status 125; assert_stderr_has 'nixcage: '; }
    same_names 'a full temporary directory'
    # The user's word cannot be recorded.
    before
    "$NIXCAGE" deny >/dev/null
    PLACE=$XDG_STATE_HOME
    in_place "$FULL" "$NIXCAGE" allow --yes
    assert_status 125
    assert_stderr_has 'No space left'
    same_names allow
}

@test "a read-only home" {
    own_place
    resolved
    PLACE=$BATS_TEST_TMPDIR
    local setting
    setting='for d in "$HOME" "$XDG_CACHE_HOME" "$XDG_DATA_HOME" "$XDG_STATE_HOME"; do
        mount --bind "$d" "$d" && mount -o remount,bind,ro "$d" && ! touch "$d/x" 2>/dev/null || exit 99; done'
    in_place "$setting" "$NIXCAGE" run -- hello
    assert_status 0
    assert_output 'Hello, world!'
    before
    in_place "$setting" "$NIXCAGE" run -- hello
    assert_status 0
    assert_output 'Hello, world!'
    assert_stderr_has 'cannot be cached'
    in_place "$setting" "$NIXCAGE" allow --yes
    [ "$status" = 0 ] || { assert_status 125; assert_stderr_has 'Read-only file system'; }
    "$NIXCAGE" deny >/dev/null
    in_place "$setting" "$NIXCAGE" allow --yes
    assert_status 125
    assert_stderr_has 'Read-only file system'
    in_place "$setting" "$NIXCAGE" run -- hello
    assert_status 125
    assert_output ''
    rm nixcage.toml
    in_place "$setting" "$NIXCAGE" init
    assert_status 0
    assert_stderr_has 'not allowed yet'
}

@test "a clock in the past: every file is of tomorrow" {
    own_place
    resolved
    local file i
    tomorrow() {
        find "$PROJECT" "${FAULT_DIRS[@]}" "$HOME" -exec touch -h -d tomorrow {} +
    }
    tomorrow
    for i in 1 2; do
        in_session "$NIXCAGE" run -- hello
        assert_status 0
        assert_output 'Hello, world!'
    done
    # A change is seen all the same.
    printf '[sandbox.network]\nallow = false\n[nix]\npackages = ["hello"]\n[cage]\nenv = ["GREETING=x"]\n[sandbox.filesystem]\nro_bind = ["/var/log"]\n' >nixcage.toml
    touch -d tomorrow nixcage.toml
    in_session "$NIXCAGE" run -- hello
    assert_status 125
    assert_stderr_has 'allow'
    "$NIXCAGE" allow --yes >/dev/null 2>&1
    in_session "$NIXCAGE" run -- sh -c 'echo "$GREETING"'
    assert_status 0
    assert_output x
    # From nothing.
    before
    tomorrow
    for i in 1 2; do
        in_session "$NIXCAGE" run -- hello
        assert_status 0
        assert_output 'Hello, world!'
    done
    in_session "$NIXCAGE" gc
    assert_status 0
    in_session "$NIXCAGE" run -- hello
    assert_status 0
    no_processes_left 'a clock in the past'
}
