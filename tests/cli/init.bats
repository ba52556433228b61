# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=bash
# init, reinit and destroy.

load ../lib/common

BLOCK='# >>> nixcage >>>
eval "$(nixcage _direnv_hook)"
# <<< nixcage <<<'

setup() {
    cd "$BATS_TEST_TMPDIR" || return 1
    W=$PWD/work
    mkdir "$W"
    cd "$W" || return 1
}

# Everything below a directory with types, modes and contents, for comparison.
snapshot() {
    (cd "$1" && find . -printf '%p %y %m %l\n' | sort && find . -type f -print0 | sort -z | xargs -0 -r sha256sum)
}

is_complete() {
    [ -s "$1/nixcage.toml" ] && [ -f "$1/.nixcage/.gitignore" ] && [ -d "$1/.nixcage/local" ] &&
        [ "$(stat -c %a "$1/.nixcage/local")" = 700 ] && grep -q '_direnv_hook' "$1/.envrc" &&
        [ "$(grep -c '>>> nixcage >>>' "$1/.envrc")" = 1 ]
}

no_leftovers() {
    [ -z "$(find "$1" -name '*.nixcage-*' -print)" ]
}

@test "init makes the project's files and says what comes next" {
    run_split "$NIXCAGE" init
    assert_status 0
    is_complete .
    no_leftovers .
    [ "$(cat .nixcage/.gitignore)" = '*' ]
    assert_output_has "$(pwd -P)"
    assert_output_has nixcage.toml
    assert_output_has 'direnv allow'
    assert_output_has 'nixcage shell'
    [ -z "$stderr" ]
    # Where there is no direnv, there is nothing to allow.
    mkdir bin other
    PATH=$PWD/bin run_split "$NIXCAGE" init other
    assert_status 0
    refute_output_has 'direnv allow'
    assert_output_has 'nixcage shell'
}

@test "init DIR makes the directory" {
    run_split "$NIXCAGE" init a/b/c
    assert_status 0
    is_complete a/b/c
    assert_output_has 'cd a/b/c'
}

@test "init refuses a project that is there, --force keeps the old file" {
    "$NIXCAGE" init
    echo '# mine' >>nixcage.toml
    cp nixcage.toml ../saved
    before=$(snapshot .)
    run_split "$NIXCAGE" init
    assert_status 125
    assert_stderr_has "nixcage.toml is already there"
    [ "$(snapshot .)" = "$before" ]
    run_split "$NIXCAGE" init --force
    assert_status 0
    cmp nixcage.toml.bak ../saved
    refute grep -q '# mine' nixcage.toml
    is_complete .
}

@test "--force with the same file again keeps the first backup" {
    "$NIXCAGE" init
    echo '# mine' >>nixcage.toml
    "$NIXCAGE" init --force
    "$NIXCAGE" init --force
    grep -q '# mine' nixcage.toml.bak
}

@test "a user's .envrc is kept, extended, and given back by destroy" {
    printf 'export A=1\n# é\n\tPATH_add bin\n' >.envrc
    chmod 0640 .envrc
    cp -p .envrc ../saved
    "$NIXCAGE" init
    [ "$(cat .envrc)" = "$(cat ../saved)
$BLOCK" ]
    [ "$(stat -c %a .envrc)" = 640 ]
    echo 'export B=2' >>.envrc
    run_split "$NIXCAGE" destroy --yes
    assert_status 0
    [ "$(cat .envrc)" = "$(cat ../saved)
export B=2" ]
    [ "$(stat -c %a .envrc)" = 640 ]
    [ "$(ls -A)" = .envrc ]
}

@test "destroy removes an .envrc that nixcage made, and everything else of its own" {
    echo keep >file
    before=$(snapshot .)
    "$NIXCAGE" init
    mkdir -p .nixcage/local/cache/deep
    echo x >.nixcage/local/cache/deep/file
    chmod 0500 .nixcage/local/cache/deep
    run_split "$NIXCAGE" destroy
    assert_status 0
    [ "$(snapshot .)" = "$before" ]
}

@test "destroy where there is nothing says so" {
    run_split "$NIXCAGE" destroy
    assert_status 0
    assert_output_has 'No files of nixcage'
    echo 'export A=1' >.envrc
    run_split "$NIXCAGE" destroy
    assert_status 0
    [ "$(cat .envrc)" = 'export A=1' ]
}

@test "destroy of a directory that is not there is an error" {
    run_split "$NIXCAGE" destroy nowhere
    assert_status 125
    assert_stderr_has nowhere
}

@test "reinit keeps the old configuration as nixcage.toml.bak" {
    "$NIXCAGE" init
    echo '# mine' >>nixcage.toml
    touch .nixcage/local/old
    run_split "$NIXCAGE" reinit
    assert_status 0
    is_complete .
    grep -q '# mine' nixcage.toml.bak
    refute grep -q '# mine' nixcage.toml
    [ ! -e .nixcage/local/old ]
    run_split "$NIXCAGE" destroy
    assert_output_has 'nixcage.toml.bak'
    [ -e nixcage.toml.bak ]
}

@test "reinit without a project is init" {
    run_split "$NIXCAGE" reinit new
    assert_status 0
    is_complete new
}

@test "odd names" {
    local name
    for name in 'a b' "it's" '"q"' $'new\nline' 'ünïcode ☃' '$(touch x)' '-dash' 'semi;colon'; do
        run_split "$NIXCAGE" init -- "$name"
        assert_status 0
        is_complete "./$name"
        run_split "$NIXCAGE" destroy --yes -- "$name"
        assert_status 0
        [ -z "$(ls -A "./$name")" ]
    done
    [ ! -e x ]
}

@test "a file in the place of the directory" {
    echo x >file
    run_split "$NIXCAGE" init file
    assert_status 125
    [ "${#stderr}" -lt 200 ]
    assert_stderr_has 'Not a directory'
    [ "$(cat file)" = x ]
}

@test "symlinks are never written through" {
    mkdir ../outside
    echo mine >../outside/file
    for name in nixcage.toml .envrc .nixcage; do
        ln -s ../outside/file "$name"
        run_split "$NIXCAGE" init --force
        assert_status 125
        assert_stderr_has "symbolic link"
        [ "$(cat ../outside/file)" = mine ]
        rm "$name"
        [ -z "$(ls -A)" ]
    done
    ln -s ../outside .nixcage
    run_split "$NIXCAGE" init
    assert_status 125
    [ "$(ls -A ../outside)" = file ]
    run_split "$NIXCAGE" destroy
    assert_status 0
    [ "$(ls -A ../outside)" = file ]
    [ -L .nixcage ]
    rm .nixcage
    mkdir .nixcage
    ln -s ../../outside .nixcage/local
    run_split "$NIXCAGE" init
    assert_status 125
    [ "$(ls -A ../outside)" = file ]
    run_split "$NIXCAGE" destroy
    assert_status 0
    [ "$(cat ../outside/file)" = mine ]
}

@test "destroy does not follow links out of .nixcage" {
    mkdir ../outside
    echo mine >../outside/file
    "$NIXCAGE" init
    ln -s "$PWD/../outside" .nixcage/local/out
    run_split "$NIXCAGE" destroy
    assert_status 0
    [ "$(cat ../outside/file)" = mine ]
}

@test "broken markers in .envrc are left to the user, and nothing is made" {
    printf 'a\n# >>> nixcage >>>\nb\n' >.envrc
    before=$(snapshot .)
    run_split "$NIXCAGE" init
    assert_status 125
    assert_stderr_has '.envrc:2:1'
    [ "$(snapshot .)" = "$before" ]
}

@test "a read-only directory" {
    [ "$NIXCAGE_TEST_MODE" = user ] || skip "root may write anywhere"
    chmod 0555 .
    run_split "$NIXCAGE" init
    chmod 0755 .
    assert_status 125
    assert_stderr_has 'Permission denied'
    [ "$(wc -l <<<"$stderr")" -le 2 ]
    [ -z "$(ls -A)" ]
}

@test "many inits at once: one makes the project, the others refuse" {
    local i pids=() made=0 refused=0 rc
    echo 'export A=1' >.envrc
    for i in 1 2 3 4 5 6 7 8; do
        "$NIXCAGE" init >/dev/null 2>"../err.$i" &
        pids+=($!)
    done
    for i in "${pids[@]}"; do
        rc=0
        wait "$i" || rc=$?
        case $rc in
        0) made=$((made + 1)) ;;
        125) refused=$((refused + 1)) ;;
        *) return 1 ;;
        esac
    done
    [ "$made" = 1 ]
    [ "$refused" = 7 ]
    is_complete .
    no_leftovers .
    grep -qx 'export A=1' .envrc
}

@test "init and destroy against each other leave all or nothing" {
    local i
    for i in 1 2 3 4 5 6; do
        "$NIXCAGE" init >/dev/null 2>&1 &
        "$NIXCAGE" destroy >/dev/null 2>&1 &
        "$NIXCAGE" reinit >/dev/null 2>&1 &
    done
    wait
    no_leftovers .
    [ ! -e nixcage.toml ] || is_complete .
    "$NIXCAGE" destroy
    [ "$(ls -A)" = '' ] || [ "$(ls -A)" = nixcage.toml.bak ]
}

# kill_at N CALLS CMD...: CMD is killed as it enters its Nth call of CALLS.
kill_at() {
    local n=$1 calls=$2
    shift 2
    strace -f -o /dev/null -e trace="$calls" -e inject="$calls":signal=KILL:when="$n" "$@" >/dev/null 2>&1
}

CALLS=mkdir,mkdirat,openat,write,fsync,rename,renameat,renameat2,unlink,unlinkat,flock

# Kills the command at every call it makes; check is called after each; then the command is completed.
kill_everywhere() {
    local check=$1 n=1 rc
    shift
    while :; do
        rm -rf "$W/p"
        mkdir "$W/p"
        prepare
        rc=0
        kill_at "$n" "$CALLS" "$NIXCAGE" "$@" "$W/p" || rc=$?
        [ "$rc" != 0 ] || break
        "$check" || {
            echo "-- killed at call $n of $*" >&2
            find "$W/p" >&2
            return 1
        }
        n=$((n + 1))
    done
    [ "$n" -gt 5 ]
}

@test "init killed anywhere: the next one completes or refuses, nothing is lost" {
    need strace
    # shellcheck disable=SC2317
    prepare() { echo 'export A=1' >"$W/p/.envrc"; }
    # shellcheck disable=SC2317
    after() {
        grep -qx 'export A=1' "$W/p/.envrc" || return 1
        if [ -e "$W/p/nixcage.toml" ]; then
            refute "$NIXCAGE" init "$W/p" 2>/dev/null || return 1
        else
            "$NIXCAGE" init "$W/p" >/dev/null || return 1
        fi
        is_complete "$W/p" && no_leftovers "$W/p"
    }
    kill_everywhere after init
}

@test "reinit killed anywhere: the configuration is there, as it was, new or as backup" {
    need strace
    # shellcheck disable=SC2317
    prepare() {
        printf 'export A=1\n' >"$W/p/.envrc"
        "$NIXCAGE" init "$W/p" >/dev/null
        echo '# mine' >>"$W/p/nixcage.toml"
    }
    # shellcheck disable=SC2317
    after() {
        grep -qx 'export A=1' "$W/p/.envrc" || return 1
        "$NIXCAGE" reinit "$W/p" >/dev/null || return 1
        is_complete "$W/p" && no_leftovers "$W/p" && grep -q '# mine' "$W/p/nixcage.toml.bak"
    }
    kill_everywhere after reinit
}

@test "destroy killed anywhere: the next one completes" {
    need strace
    # shellcheck disable=SC2317
    prepare() {
        printf 'export A=1\n' >"$W/p/.envrc"
        "$NIXCAGE" init "$W/p" >/dev/null
    }
    # shellcheck disable=SC2317
    after() {
        grep -qx 'export A=1' "$W/p/.envrc" || return 1
        "$NIXCAGE" destroy --yes "$W/p" >/dev/null || return 1
        [ "$(ls -A "$W/p")" = .envrc ] && [ "$(cat "$W/p/.envrc")" = 'export A=1' ]
    }
    kill_everywhere after destroy
}

# Fails every call with an error instead of killing: what was made is taken back.
@test "init failing anywhere takes back what it made" {
    need strace
    [ -z "${ASAN_OPTIONS:-}" ] || skip "sanitizers do not survive failing system calls"
    local n=1 rc call
    for call in mkdirat write fsync renameat; do
        n=1
        while :; do
            rm -rf p
            mkdir p
            echo 'export A=1' >p/.envrc
            before=$(snapshot p)
            rc=0
            strace -o /dev/null -e trace="$call" -e inject="$call":error=ENOSPC:when="$n" "$NIXCAGE" init p >out 2>err || rc=$?
            if [ "$rc" = 0 ]; then break; fi
            [ "$rc" = 125 ]
            if ! grep -q 'standard output' err; then
                grep -q 'No space left' err
                [ "$(snapshot p)" = "$before" ] || {
                    echo "-- $call $n" >&2
                    cat err >&2
                    return 1
                }
            fi
            n=$((n + 1))
        done
        [ "$n" -gt 1 ]
    done
}

@test "a full disk: one clear line, nothing half-made" {
    need unshare
    # A file system of a few pages, in a mount namespace of the test's own.
    unshare -Urm bash -c '
        set -e
        cd "$1"
        mkdir small
        mount -t tmpfs -o size=16k,mode=0777 none small
        echo "export A=1" >small/.envrc
        dd if=/dev/zero of=small/filler bs=4k 2>/dev/null || :
        rc=0
        "$2" init small >out 2>err || rc=$?
        cat err >&2
        [ "$rc" = 125 ]
        grep -q "No space left" err
        [ "$(cat small/.envrc)" = "export A=1" ]
        [ ! -e small/nixcage.toml ]
        rm small/filler
        "$2" init small >out
        [ -s small/nixcage.toml ]
        grep -qx "export A=1" small/.envrc
    ' - "$W" "$NIXCAGE"
}

@test "a preset's places for state are made where they are missing, and left alone where not" {
    cd "$BATS_TEST_TMPDIR"
    export HOME=$BATS_TEST_TMPDIR/newhome
    mkdir "$HOME"
    mkdir one two
    run_split "$NIXCAGE" init --preset claude-code one
    assert_status 0
    assert_output_has '~/.claude/'
    [ "$(stat -c %a "$HOME/.claude")" = 700 ]
    [ "$(stat -c %a "$HOME/.claude.json")" = 600 ]
    [ "$(<"$HOME/.claude.json")" = '{}' ]
    echo '{"mine": 1}' >"$HOME/.claude.json"
    run_split "$NIXCAGE" init --preset claude-code two
    refute_output_has '~/.claude'
    [ "$(<"$HOME/.claude.json")" = '{"mine": 1}' ]
    run_split "$NIXCAGE" init --preset opencode --force two
    [ -d "$HOME/.local/share/opencode" ]
    # Nothing is made without being asked for.
    rm -r "$HOME/.claude"
    run_split "$NIXCAGE" init --force two
    [ ! -e "$HOME/.claude" ]
}

@test "no place for state can be made: the project is good, and the loss is told" {
    cd "$BATS_TEST_TMPDIR"
    export HOME=$BATS_TEST_TMPDIR/newhome
    mkdir one "$HOME"
    ln -s /nowhere/at/all "$HOME/.codex"
    run_split "$NIXCAGE" init --preset codex one
    assert_status 0
    [ -e one/nixcage.toml ]
}

@test "init: not in the home directory nor above it; run neither; a directory below is fine" {
    run "$NIXCAGE" init --preset minimal "$HOME"
    [ "$status" -eq 125 ]
    [[ $output == *'holds your home directory'* ]]
    [ ! -e "$HOME/nixcage.toml" ]
    printf '[nix]\npackages = []\n[sandbox.filesystem]\nsystem = true\n[sandbox.network]\nallow = false\n' >"$HOME/nixcage.toml"
    "$NIXCAGE" allow --yes "$HOME"
    run "$NIXCAGE" run "$HOME" -- true
    [ "$status" -eq 125 ]
    [[ $output == *'holds your home directory'* ]]
    mkdir "$HOME/below"
    mv "$HOME/nixcage.toml" "$HOME/below/"
    "$NIXCAGE" allow --yes "$HOME/below"
    "$NIXCAGE" run "$HOME/below" -- true
}
