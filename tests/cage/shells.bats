# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=bash disable=SC2016
# `nixcage shell` in bash, and in zsh and fish when they are among the packages: prompt, history, completion.

load ../lib/common
load ../lib/terminal

setup() {
    need tmux
    export NIXCAGE
}

teardown() {
    terminal_end
    rm -rf "$HOME/.config/nixpkgs"
}

# system = true: the parts of zsh and fish that are files of the host's (modules, functions).
shell_project() {
    make_project < <(printf '[sandbox.filesystem]\nsystem = true\n[nix]\npackages = [%s]\n' "$1")
}

# remembers COMMAND-LINE FILE: typed in one cage, it is in the history of the next, which is kept in the project.
remembers() {
    type_line "$1"
    wait_screen '^remembered 42'
    type_line exit
    poll_until 10 sh -c "grep -rqF 'remembered' '$PROJECT/.nixcage/local/$2'"
    # Other tests' shells may have made these.
    refute grep -qs remembered "$HOME/.bash_history" "$HOME/.zsh_history"
}

@test "bash: history is kept in the project, and comes back" {
    shell_project '"hello"'
    terminal_start bash --norc --noprofile -c '"$NIXCAGE" shell; "$NIXCAGE" shell; sleep 100'
    wait_screen 'cage:standard'
    remembers 'echo remembered $((40 + 2))' bash_history
    wait_screen 'cage:standard.*[$#] *$'
    type_line 'clear'
    press Up Up Up
    wait_screen 'echo remembered'
}

# A package with a command, completions of it for the three shells, and a setup hook that defines a function.
add_greeter() {
    mkdir -p "$HOME/.config/nixpkgs"
    cat >"$HOME/.config/nixpkgs/overlays.nix" <<'NIX'
[ (self: super: { greeter = super.runCommand "greeter" { } ''
  mkdir -p $out/bin $out/nix-support $out/share/{bash-completion/completions,zsh/site-functions,fish/vendor_completions.d}
  printf '#!/bin/sh\necho got "$@"\n' >$out/bin/greet
  chmod +x $out/bin/greet
  echo 'complete -W "well-known-word" greet' >$out/share/bash-completion/completions/greet
  printf '#compdef greet\ncompadd well-known-word\n' >$out/share/zsh/site-functions/_greet
  echo 'complete -c greet -f -a well-known-word' >$out/share/fish/vendor_completions.d/greet.fish
  echo 'greeterFunction() { echo "function of $1"; }; export GREETER=variable' >$out/nix-support/setup-hook
''; }) ]
NIX
}

# What Tab makes of "greet wel", with the shell's prompt set by the line given.
completes() {
    wait_screen 'cage:standard' 20
    type_line "$1"
    wait_screen '^CAGE> *$' 20
    tmux -S "$TERMINAL" send-keys -l 'greet wel'
    press Tab
    wait_screen 'greet well-known-word' 20
    press Enter
    wait_screen '^got well-known-word' 20
}

@test "completion of a package's command, by the package: bash" {
    add_greeter
    shell_project '"greeter"'
    terminal_start "$NIXCAGE" shell
    completes "PS1='CAGE> '; clear"
}

@test "completion of a package's command, by the package: zsh" {
    need zsh
    add_greeter
    shell_project '"greeter", "zsh"'
    terminal_start "$NIXCAGE" shell
    completes "PROMPT='CAGE> '; clear"
}

@test "completion of a package's command, by the package: fish" {
    need fish
    add_greeter
    shell_project '"greeter", "fish"'
    terminal_start "$NIXCAGE" shell
    completes "function fish_prompt; echo -n 'CAGE> '; end; clear"
}

# in_shell SHELL LINE: typed in `nixcage shell`, with that shell as the user's own.
in_shell() {
    run_split bash -c 'echo "$2" | SHELL=/usr/bin/$1 "$NIXCAGE" shell' - "$1" "$2"
}

@test "functions of packages and of the hook: in bash; zsh and fish have what they export" {
    need zsh
    need fish
    add_greeter
    make_project < <(printf '[sandbox.filesystem]\nsystem = true\n[nix]\nshell = "shell.nix"\n')
    cat >shell.nix <<'NIX'
with import <nixpkgs> { };
mkShell { packages = [ greeter ]; shellHook = ''
  hookFunction() { echo "hook of $1"; }
  alias hooked='echo aliased'
  export HOOK=exported
''; }
NIX
    trust_project
    run_split bash -c 'printf "%s\n" "greeterFunction a; hookFunction b" "hooked c" "echo \$GREETER \$HOOK" | "$NIXCAGE" shell'
    assert_line 'function of a'
    assert_line 'hook of b'
    assert_line 'aliased c'
    assert_line 'variable exported'
    shell_project '"greeter", "zsh", "fish"'
    in_shell zsh 'echo "=$GREETER=$(whence greeterFunction)=$ZSH_NAME="'
    assert_output_has '=variable==zsh='
    in_shell fish 'functions -q greeterFunction; echo "=$GREETER=$status="'
    assert_output_has '=variable=1='
}

@test "zsh among the packages: prompt, history, completion, hook of the packages" {
    need zsh
    shell_project '"zsh", "hello"'
    terminal_start bash --norc --noprofile -c '"$NIXCAGE" shell; "$NIXCAGE" shell; sleep 100'
    wait_screen '\[cage:standard\] .*[%#]' 20
    type_line 'echo "=$ZSH_VERSION=$NIXCAGE_ACTIVE=${SHELL:t}="'
    wait_screen '^=[0-9.]+=cage=zsh=$'
    type_line 'hello'
    wait_screen '^Hello, world!'
    tmux -S "$TERMINAL" send-keys -l 'cat nixca'
    press Tab
    wait_screen 'cat nixcage.toml'
    press C-c
    remembers 'echo remembered $((40 + 2))' zsh_history
    wait_screen '\[cage:standard\]'
    type_line 'clear'
    press Up Up Up
    wait_screen 'echo remembered'
}

@test "fish among the packages: prompt, history" {
    need fish
    shell_project '"fish", "hello"'
    terminal_start bash --norc --noprofile -c '"$NIXCAGE" shell; sleep 100'
    wait_screen '\[cage:standard\] .*>' 20
    type_line 'echo "=$FISH_VERSION=$NIXCAGE_ACTIVE="'
    wait_screen '^=[0-9.]+=cage=$'
    type_line 'hello'
    wait_screen '^Hello, world!'
    remembers 'echo remembered (math 40 + 2)' data/fish
}

@test "the user's own shell decides where both are there; bash where neither is" {
    shell_project '"zsh", "fish"'
    run_split bash -c 'echo "echo \"=\$FISH_VERSION=\$ZSH_VERSION=\"" | SHELL=/usr/bin/fish "$NIXCAGE" shell'
    [[ $output == *=[0-9]*== ]] || _explain fish
    run_split bash -c 'echo "echo \"=\$FISH_VERSION=\$ZSH_VERSION=\"" | SHELL=/bin/bash "$NIXCAGE" shell'
    [[ $output == *==[0-9]*= ]] || _explain zsh
    shell_project '"hello"'
    run_split bash -c 'echo "echo =\${BASH_VERSION:+bash}=" | SHELL=/usr/bin/fish "$NIXCAGE" shell'
    assert_output_has '=bash='
}

# coloured: whether a shell in the cage, on a terminal of its own, has a prompt in colours.
coloured() {
    echo exit | script -qec '"$NIXCAGE" shell' /dev/null >screen
    grep -qF '[cage:standard]' screen || _explain "$(cat -v screen)"
    grep -qF $'\e[1;32m' screen
}

@test "a prompt has colours on a terminal only, not with NO_COLOR, not on a dumb one" {
    need script
    shell_project '"hello"'
    TERM=xterm coloured
    NO_COLOR=1 TERM=xterm refute coloured
    TERM=dumb refute coloured
    run_split bash -c 'echo : | TERM=xterm "$NIXCAGE" shell 2>&1'
    assert_output_has 'cage:standard'
    refute_output_has $'\e[1;32m'
}
