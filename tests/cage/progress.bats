#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
# While Nix is asked, a terminal shows for what; a pipe gets nothing. Nix here waits for a file before it begins, so that what
# is on the screen was there before Nix had said a word.

load ../lib/common
load ../lib/nix
load ../lib/terminal

setup() {
    need tmux
    nix_project 'packages = ["hello"]'
    GO=$BATS_TEST_TMPDIR/go BUSY=$BATS_TEST_TMPDIR/busy STUBS=$BATS_TEST_TMPDIR/stubs
    mkdir "$STUBS"
    local tool
    for tool in nix nix-store nix-instantiate nix-build nix-shell; do
        printf '#!/bin/sh\n: >"%s"\nwhile [ ! -e "%s" ]; do sleep 0.05; done\nexec %s "$@"\n' \
            "$BUSY" "$GO" "$(command -v $tool)" >"$STUBS/$tool"
    done
    chmod +x "$STUBS"/*
    export PATH=$STUBS:$PATH
}

teardown() {
    terminal_end
}

is_busy() {
    [ -e "$BUSY" ]
}

@test "a terminal shows what Nix is asked for while it is busy, and not afterwards" {
    terminal_start bash --norc --noprofile -c '"$NIXCAGE" run -- sh -c "echo ran"; echo "exit $?"; sleep 100'
    poll_until 20 is_busy
    wait_screen '^nixcage: asking Nix for hello\.\.\.$'
    refute _on_screen ran
    : >"$GO"
    wait_screen '^ran$' 60
    wait_screen '^exit 0$'
    refute _on_screen 'asking Nix'
}

@test "what Nix prints stands above it, whole" {
    nix_project 'packages = ["failing"]'
    terminal_start bash --norc --noprofile -c '"$NIXCAGE" run -- true; echo "exit $?"; sleep 100'
    poll_until 20 is_busy
    wait_screen 'asking Nix for failing'
    : >"$GO"
    wait_screen '^exit 125$' 60
    _on_screen '^failing: this build fails on purpose'
    refute _on_screen 'asking Nix'
}

@test "Ctrl-C while Nix is busy: it ends, and the terminal is as it was" {
    PS1='host> ' terminal_start bash --norc --noprofile -i
    wait_screen 'host>|[$#] '
    type_line 'PS1="host> "; stty -a >"$BATS_TEST_TMPDIR/before"; clear; "$NIXCAGE" run -- true'
    poll_until 20 is_busy
    wait_screen 'asking Nix for hello'
    press C-c
    wait_screen '^host>'
    type_line 'echo "exit $?"; stty -a >"$BATS_TEST_TMPDIR/after"; echo measured'
    wait_screen '^exit 130$'
    wait_screen '^measured$'
    refute _on_screen 'asking Nix'
    diff "$BATS_TEST_TMPDIR/before" "$BATS_TEST_TMPDIR/after"
}

@test "a narrow terminal: one line, which goes as a whole" {
    local long
    printf -v long 'long%.0s' {1..40}
    mkdir "$long"
    echo 'with import <nixpkgs> { }; mkShell { packages = [ hello ]; }' >"$long/shell.nix"
    nix_project "shell = \"./$long/shell.nix\""
    terminal_start bash --norc --noprofile -c '"$NIXCAGE" run -- true; echo "exit $?"; sleep 100'
    poll_until 20 is_busy
    wait_screen 'asking Nix for /.*'
    [ "$(tmux -S "$TERMINAL" capture-pane -p | grep -c .)" = 1 ] || _explain "more than one line: $(screen)"
    : >"$GO"
    wait_screen '^exit [0-9]+$' 60
    refute _on_screen 'asking Nix'
}

@test "a dumb terminal: a line that stays" {
    terminal_start bash --norc --noprofile -c 'TERM=dumb "$NIXCAGE" run -- sh -c "echo ran"; sleep 100'
    poll_until 20 is_busy
    wait_screen '^nixcage: asking Nix for hello\.\.\.$'
    : >"$GO"
    wait_screen '^ran$' 60
    _on_screen '^nixcage: asking Nix for hello\.\.\.$'
}

@test "a pipe gets nothing, but all of it when Nix fails" {
    : >"$GO"
    run_split "$NIXCAGE" run -- sh -c 'echo ran'
    assert_status 0
    assert_output ran
    [ -z "$stderr" ] || _explain "there is: $stderr"
    nix_project 'packages = ["failing"]'
    run_split "$NIXCAGE" run -- true
    assert_status 125
    refute_stderr_has 'asking Nix'
    assert_stderr_has 'this build fails on purpose'
    assert_stderr_has 'a build failed for failing'
}
