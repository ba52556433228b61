# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=bash
# `nixcage shell`, and `run` on a terminal.

load ../lib/common
load ../lib/terminal

setup() {
    need tmux
    make_project <<'END'
[nix]
packages = ["coreutils"]
END
    export NIXCAGE
}

teardown() {
    terminal_end
}

# An interactive shell of the host with a prompt that can be told from the cage's.
start_host_shell() {
    terminal_start bash --norc --noprofile -i
    type_line "PS1='HOST> '; clear"
    wait_screen '^HOST> '
}

# A shell in the cage with a short prompt: a line that fills the terminal's width is joined with the next.
start_cage_shell() {
    terminal_start "$NIXCAGE" shell
    wait_screen 'cage:standard'
    type_line "PS1='CAGE> '; clear"
    wait_screen '^CAGE> '
}

@test "an interactive shell with a prompt, in the project" {
    terminal_start "$NIXCAGE" shell
    type_line 'echo "=$NIXCAGE_ACTIVE=$PWD="'
    wait_screen "^=cage=$PROJECT=\$"
    wait_screen 'cage:standard'
    type_line 'case $- in *i*) echo inter""active ;; esac'
    wait_screen '^interactive'
}

@test "the packages' shell functions are there" {
    start_cage_shell
    type_line 'type -t runHook; echo en""d'
    wait_screen '^end'
    screen | grep -qx function
}

@test "its exit status is nixcage's" {
    start_host_shell
    type_line '"$NIXCAGE" shell'
    wait_screen 'cage:standard'
    type_line 'exit 7'
    wait_screen '^HOST> ' 15
    type_line 'echo status=$?'
    wait_screen '^status=7'
}

@test "job control inside: stop, background, foreground, interrupt" {
    start_cage_shell
    type_line 'sleep 1000'
    wait_screen 'sleep 1000'
    press C-z
    wait_screen 'Stopped'
    type_line 'jobs | sed s/^/job:/'
    wait_screen '^job:.*sleep 1000'
    type_line 'fg'
    wait_screen '^sleep 1000'
    press C-c
    type_line 'echo status=$?'
    wait_screen '^status=130'
    type_line 'sleep 0 & wait; echo wai""ted'
    wait_screen '^waited'
}

@test "Ctrl-C at the prompt is the shell's business" {
    start_cage_shell
    press C-c
    type_line 'echo al""ive'
    wait_screen '^alive'
}

@test "run: Ctrl-C ends the command with 130" {
    start_host_shell
    type_line '"$NIXCAGE" run sh -c "echo rea\"\"dy; exec sleep 1000"'
    wait_screen '^ready'
    press C-c
    type_line 'echo status=$?'
    wait_screen '^status=130'
}

@test "run: Ctrl-Z stops the whole, fg goes on" {
    start_host_shell
    type_line '"$NIXCAGE" run sh -c "echo rea\"\"dy; read line; echo got=\$line"'
    wait_screen '^ready'
    press C-z
    wait_screen 'Stopped'
    type_line 'echo ho""st'
    wait_screen '^host'
    type_line 'fg'
    type_line 'hello'
    wait_screen '^got=hello'
    wait_screen '^HOST> '
}

@test "the size of the terminal, and its changes, reach the cage" {
    start_cage_shell
    type_line 'echo size=$(stty size)'
    wait_screen '^size=30 100'
    type_line 'trap "echo chan\"\"ged=\$(stty size)" WINCH'
    tmux -S "$TERMINAL" resize-window -x 90 -y 20
    press Enter
    wait_screen 'changed=20 90'
}

@test "a terminal left in raw mode is given back as it was" {
    start_host_shell
    type_line 'before=$(stty -g); "$NIXCAGE" run sh -c "stty raw -echo"; after=$(stty -g); [ "$before" = "$after" ] && echo sa""me'
    wait_screen '^same'
}

@test "[cage] command starts in place of the shell" {
    printf '[nix]\npackages = ["coreutils"]\n[cage]\ncommand = "echo from the command"\n' >nixcage.toml
    trust_project
    run_split "$NIXCAGE" shell
    assert_status 0
    assert_output 'from the command'
}

@test "a shell reads its commands from a pipe, too" {
    run_split bash -c 'echo "echo \$NIXCAGE_ACTIVE; exit 3" | "$NIXCAGE" shell'
    assert_status 3
    assert_output_has cage
}

@test "shell DIR" {
    mkdir sub
    cd /
    run_split bash -c 'echo pwd | "$NIXCAGE" shell "$1/sub"' - "$PROJECT"
    assert_status 0
    assert_output_has "$PROJECT/sub"
}

@test "shell outside a project" {
    cd /
    run_split "$NIXCAGE" shell
    assert_status 125
    assert_stderr_has 'no nixcage.toml found'
}
