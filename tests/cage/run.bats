# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=bash
# `nixcage run`: arguments, exit codes, input and output, and which project it means.

load ../lib/common

setup() {
    make_project <<'END'
[nix]
packages = ["coreutils"]
END
}

# A program in the project that writes its arguments NUL-terminated.
write_args() {
    printf '%s\n' '#!/bin/sh' '[ $# = 0 ] || printf "%s\\0" "$@"' >args
    chmod +x args
}

@test "a command runs in the project, and what it prints comes out" {
    run_cage sh -c 'echo "$NIXCAGE_ACTIVE $PWD"; echo to stderr >&2'
    assert_status 0
    assert_output "cage $PROJECT"
    [ "$stderr" = 'to stderr' ]
}

@test "a package of nixcage.toml is there, and is not outside" {
    printf '[nix]\npackages = ["hello"]\n' >nixcage.toml
    trust_project
    run_cage hello
    assert_status 0
    assert_output 'Hello, world!'
    refute command -v hello
}

@test "arguments arrive byte for byte" {
    write_args
    local words=('' ' ' 'a b' $'new\nline' $'tab\t' "it's" '"' '\' '*' '$HOME' '`id`' '-x' '--' '--help' '--debug' '' é $'\xff' '~' '!')
    "$NIXCAGE" run -- ./args "${words[@]}" >got
    printf '%s\0' "${words[@]}" >want
    cmp got want
    "$NIXCAGE" run ./args "${words[@]}" >got
    cmp got want
    "$NIXCAGE" run ./args >got
    [ ! -s got ]
}

@test "many and long arguments" {
    write_args
    local long
    long=$(head -c 100000 /dev/zero | tr '\0' x)
    # shellcheck disable=SC2046
    "$NIXCAGE" run -- ./args "$long" $(seq 12000) >got
    # shellcheck disable=SC2046
    printf '%s\0' "$long" $(seq 12000) >want
    cmp got want
}

@test "options of nixcage end at the first word that is not one" {
    write_args
    run_split "$NIXCAGE" run ./args --help
    assert_status 0
    assert_output '--help'
    run_split "$NIXCAGE" run --help
    assert_output_has 'Usage: nixcage run'
    run_split "$NIXCAGE" run --dbg ls
    assert_status 125
    assert_stderr_has "unknown option '--dbg'"
}

@test "exit codes are the command's" {
    local code
    for code in 0 1 2 77 100 125 126 127 128 255; do
        run_cage sh -c "exit $code"
        assert_status "$code"
        [ -z "$stderr" ]
    done
}

@test "a signal's death is 128 and its number" {
    local signal
    for signal in HUP INT KILL TERM USR1 SEGV PIPE; do
        run_cage sh -c "kill -$signal \$\$"
        assert_status $((128 + $(kill -l "$signal")))
    done
}

@test "not found is 127, not executable 126, each with a word about it" {
    run_cage no-such-command
    assert_status 127
    assert_stderr_has 'no-such-command'
    run_cage ./no-such-file
    assert_status 127
    echo x >plain
    run_cage ./plain
    assert_status 126
    assert_stderr_has './plain'
    run_cage ''
    assert_status 127
    run_cage /
    assert_status 126
    assert_stderr_has 'nixcage run / -- COMMAND'
}

@test "bytes go through standard input and output unchanged" {
    head -c 3000000 /dev/urandom >in
    "$NIXCAGE" run -- cat <in >out
    cmp in out
    "$NIXCAGE" run cat <in | cmp in -
    [ "$(cat in | "$NIXCAGE" run head -c 1 | wc -c)" = 1 ]
    "$NIXCAGE" run sh -c 'cat >&2' <in 2>out
    cmp in out
}

@test "a closed output ends the command as without a cage" {
    run_split timeout 20 bash -o pipefail -c '"$NIXCAGE" run yes | head -n 1'
    assert_output y
    assert_status 141
}

@test "a full output device is the command's business" {
    [ -e /dev/full ] || skip 'no /dev/full'
    run_split sh -c '"$NIXCAGE" run sh -c "echo x" >/dev/full'
    [ "$status" != 0 ]
    run_split sh -c '"$NIXCAGE" version >/dev/full'
    assert_status 125
    assert_stderr_has 'No space left'
}

@test "closed standard descriptors" {
    run_split bash -c '"$NIXCAGE" run sh -c "echo fine" 0<&-'
    assert_status 0
    assert_output fine
    run_split bash -c '"$NIXCAGE" run sh -c "echo fine >&2" >&-'
    assert_status 0
    [ "$stderr" = fine ]
}

@test "DIR before the -- is the project and the start directory" {
    cd /
    run_split "$NIXCAGE" run "$PROJECT" -- sh -c 'pwd; echo "$NIXCAGE_ROOT"'
    assert_status 0
    assert_output "$PROJECT
$PROJECT"
    mkdir -p "$PROJECT/a b/c"
    run_split "$NIXCAGE" run "$PROJECT/a b" -- pwd
    assert_output "$PROJECT/a b"
    cd "$PROJECT"
    run_split "$NIXCAGE" run 'a b/c' -- pwd
    assert_output "$PROJECT/a b/c"
}

@test "the first -- decides: a word before it is DIR, none before it is no DIR" {
    write_args
    run_split "$NIXCAGE" run -- echo -- x
    assert_status 0
    assert_output '-- x'
    run_split "$NIXCAGE" run ./args -- x
    assert_status 125
    assert_stderr_has 'args is not a directory'
    assert_stderr_has 'nixcage run -- ./args -- ...'
}

@test "a directory in the place of the command: what was meant" {
    mkdir sub
    run_split "$NIXCAGE" run ./sub pwd
    assert_status 126
    assert_stderr_has 'nixcage run ./sub -- COMMAND'
    cd /
    run_split "$NIXCAGE" run "$PROJECT" pwd
    assert_status 125
    assert_stderr_has 'no nixcage.toml found'
    assert_stderr_has "nixcage run $PROJECT -- COMMAND"
}

@test "the nearest nixcage.toml above is the project, and the directory is kept" {
    mkdir -p deep/er
    cd deep/er
    run_cage sh -c 'pwd; echo "$NIXCAGE_ROOT"'
    assert_output "$PROJECT/deep/er
$PROJECT"
    printf '[nix]\npackages = []\n' >../nixcage.toml
    "$NIXCAGE" allow --yes .. >/dev/null 2>&1 || :
    run_cage sh -c 'echo "$NIXCAGE_ROOT"'
    assert_output "$PROJECT/deep"
}

@test "through a symlink the physical directory is meant" {
    ln -s project "$BATS_TEST_TMPDIR/link"
    cd "$BATS_TEST_TMPDIR/link"
    run_cage pwd
    assert_status 0
    assert_output "$PROJECT"
}

@test "outside a project: says where it looked" {
    mkdir "$BATS_TEST_TMPDIR/elsewhere"
    cd "$BATS_TEST_TMPDIR/elsewhere"
    run_cage true
    assert_status 125
    assert_stderr_has "no nixcage.toml found (searched up from $(pwd -P))"
    assert_stderr_has 'nixcage init'
    run_split "$NIXCAGE" run "$BATS_TEST_TMPDIR/nowhere" -- true
    assert_status 125
    assert_stderr_has nowhere
}

@test "without CMD: [cage] command, else a usage error" {
    run_split "$NIXCAGE" run
    assert_status 125
    assert_stderr_has 'no command given'
    run_split "$NIXCAGE" run --
    assert_status 125
    printf '[nix]\npackages = ["coreutils"]\n[cage]\ncommand = "echo one '"'two three'"'"\n' >nixcage.toml
    trust_project
    run_split "$NIXCAGE" run
    assert_status 0
    assert_output "one two three"
    run_split "$NIXCAGE" run "$PROJECT" --
    assert_output "one two three"
    run_cage echo other
    assert_output other
}

@test "nixcage in a cage says that it is inside" {
    NIXCAGE_ACTIVE=cage run_cage true
    assert_status 125
    assert_stderr_has 'already inside'
    NIXCAGE_ACTIVE=1 run_cage true
    assert_status 0
}

@test "a fresh clone has no .nixcage: run makes it, ignored by git" {
    rm -rf .nixcage
    run_cage sh -c 'echo x >"$TMPDIR/file" && echo y >"$XDG_CACHE_HOME/file"'
    assert_status 0
    [ -f .nixcage/.gitignore ]
    [ "$(stat -c %a .nixcage/local)" = 700 ]
    run_cage sh -c 'cat "$XDG_CACHE_HOME/file"'
    assert_output y
}

@test ".nixcage that leads elsewhere is refused" {
    mkdir "$BATS_TEST_TMPDIR/elsewhere"
    rm -rf .nixcage
    ln -s "$BATS_TEST_TMPDIR/elsewhere" .nixcage
    run_cage true
    assert_status 125
    assert_stderr_has 'symbolic link'
    [ -z "$(ls -A "$BATS_TEST_TMPDIR/elsewhere")" ]
}

@test "a broken nixcage.toml: file, line, column, caret; nothing runs" {
    printf '[sandbox]\nlevl = "strict"\n' >nixcage.toml
    run_cage touch ran
    assert_status 125
    assert_stderr_has "$PROJECT/nixcage.toml:2:1"
    assert_stderr_has '^'
    assert_stderr_has 'level'
    [ ! -e ran ]
}

@test "system = true needs no Nix" {
    printf '[sandbox.filesystem]\nsystem = true\n[nix]\npackages = []\n' >nixcage.toml
    trust_project
    mkdir bin
    ln -s "$(command -v bwrap)" bin/bwrap
    PATH=$PROJECT/../nonix NIX_PATH='' run_cage true
    assert_status 125
    assert_stderr_has bwrap
    mkdir ../tools
    ln -s "$(command -v bwrap)" ../tools/bwrap
    PATH=$BATS_TEST_TMPDIR/tools NIX_PATH='' run_split "$NIXCAGE" run -- /usr/bin/env echo fine
    assert_status 0
    assert_output fine
}

@test "without Nix, a project that needs it says how to get it" {
    printf '[nix]\npackages = ["never-resolved"]\n' >nixcage.toml
    trust_project
    mkdir ../tools
    ln -s "$(command -v bwrap)" ../tools/bwrap
    PATH=$BATS_TEST_TMPDIR/tools run_split "$NIXCAGE" run -- true
    assert_status 125
    assert_stderr_has nix-shell
}

@test "cagerun and cage belong to the project of NIXCAGE_ROOT" {
    local bin
    bin=$("$NIXCAGE" _direnv_hook | sed -n 's/^PATH_add //p')
    mkdir sub
    cd sub
    NIXCAGE_ROOT=$PROJECT run_split "$bin/cagerun" sh -c 'pwd; echo "$NIXCAGE_ROOT"'
    assert_status 0
    assert_output "$PROJECT/sub
$PROJECT"
    cd /
    NIXCAGE_ROOT=$PROJECT run_split "$bin/cagerun" echo -- -x 'a  b'
    assert_status 0
    assert_output '-- -x a  b'
    run_split "$bin/cage" --help
    assert_output_has 'Usage: nixcage shell'
    unset NIXCAGE_ROOT
    run_split "$bin/cagerun" true
    assert_status 125
    assert_stderr_has 'no nixcage.toml'
}

@test "init, add, run: a first cage" {
    mkdir ../first
    cd ../first
    "$NIXCAGE" init >/dev/null
    "$NIXCAGE" add hello >/dev/null
    run_cage hello
    assert_status 0
    assert_output 'Hello, world!'
    [ -z "$stderr" ] || [[ $stderr != *'warning'* ]]
}
