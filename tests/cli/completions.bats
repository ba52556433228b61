# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=bash
# The completions, as the shells themselves complete.

load ../lib/common

setup() {
    mkdir -p "$BATS_TEST_TMPDIR/bin" "$BATS_TEST_TMPDIR/work/some-dir"
    ln -s "$NIXCAGE" "$BATS_TEST_TMPDIR/bin/nixcage"
    PATH=$BATS_TEST_TMPDIR/bin:$PATH
    cd "$BATS_TEST_TMPDIR/work" || return 1
    for shell in bash zsh fish; do "$NIXCAGE" _completions "$shell" >"../completion.$shell"; done
    cp ../completion.zsh ../_nixcage
}

# Two projects whose packages Nix has resolved, and one that is only there; this is the first.
make_projects() {
    make_project other < <(printf '[nix]\npackages = ["hello", "nodejs_22"]\n')
    "$NIXCAGE" run -- true
    make_project third < <(printf '[nix]\npackages = ["never-resolved"]\n')
    make_project < <(printf '[nix]\npackages = ["coreutils"]\n')
    "$NIXCAGE" run -- true
}

# bash_completes WORD…: what bash offers for the last word.
bash_completes() {
    output=$(bash --norc -c '
        source $BATS_TEST_TMPDIR/completion.bash
        COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)) COMP_LINE="$*" COMP_POINT=${#COMP_LINE}
        _nixcage "$1" "${@: -1}" "" 2>/dev/null
    printf "%s\n" "${COMPREPLY[@]}"' - "$@" | sort -u)
}

@test "bash: commands, options, presets, directories, commands to run" {
    bash_completes nixcage in
    assert_output init
    bash_completes nixcage ''
    assert_line run
    assert_line list-presets
    refute_output_has _direnv_hook
    bash_completes nixcage init --p
    assert_output --preset
    bash_completes nixcage init --preset cl
    assert_output claude-code
    bash_completes nixcage init so
    assert_output some-dir
    bash_completes nixcage help des
    assert_output destroy
    bash_completes nixcage run mkfif
    assert_output mkfifo
    bash_completes nixcage run --de
    assert_output --debug
    bash_completes nixcage run some-dir -- mkfif
    assert_output mkfifo
    bash_completes nixcage run some-d
    assert_output some-dir
    bash_completes nixcage run -- some-d
    assert_output ''
    bash_completes nixcage run --debug -- mkfif
    assert_output mkfifo
    bash_completes nixcage run ls so
    assert_output some-dir
    bash_completes cagerun mkfif
    assert_output mkfifo
    bash_completes nixcage status --j
    assert_output --json
}

@test "bash: packages: add knows those of other projects, remove those of this one" {
    make_projects
    bash_completes nixcage add ''
    assert_line hello
    assert_line nodejs_22
    refute_output_has never-resolved
    refute_output_has coreutils
    bash_completes nixcage add hel
    assert_output hello
    bash_completes nixcage add hello nodej
    assert_output nodejs_22
    bash_completes nixcage remove ''
    assert_output coreutils
    # Where there is nothing to know, nothing is offered or said.
    cd /
    bash_completes nixcage remove ''
    assert_output ''
    printf 'broken' >"$PROJECT/nixcage.toml"
    cd "$PROJECT"
    bash_completes nixcage remove ''
    assert_output ''
}

@test "bash: what is generated is clean" {
    need shellcheck
    shellcheck -s bash ../completion.bash
}

@test "fish: commands, options, presets" {
    need fish
    fish_completes() {
        output=$(fish --no-config -c "source $BATS_TEST_TMPDIR/completion.fish; complete -C '$1'" | cut -f 1)
    }
    fish_completes 'nixcage in'
    assert_output init
    # Not --p: some versions of fish offer --help for it as well.
    fish_completes 'nixcage init --pre'
    assert_output --preset
    fish_completes 'nixcage init --preset cl'
    assert_output claude-code
    fish_completes 'nixcage init so'
    assert_output some-dir/
    fish_completes 'nixcage status --j'
    assert_output --json
    fish_completes 'nixcage run mkfif'
    assert_line mkfifo
    fish_completes 'nixcage run some-d'
    assert_output some-dir/
    make_projects
    fish_completes 'nixcage add hel'
    assert_output hello
    fish_completes 'nixcage remove '
    assert_output coreutils
}

@test "zsh: commands, options, presets" {
    need zsh
    need tmux
    load ../lib/terminal
    mkdir "$BATS_TEST_TMPDIR/project"
    mv "$BATS_TEST_TMPDIR/work/some-dir" "$BATS_TEST_TMPDIR/project/"
    make_projects
    terminal_start zsh -f -i
    type_line "fpath=(.. \$fpath); autoload -U compinit; compinit -u -D; PS1='Z> '; LISTMAX=1000; clear"
    wait_screen '^Z> '
    tmux -S "$TERMINAL" send-keys -l 'nixcage list-p'
    press Tab
    wait_screen '^Z> nixcage list-presets'
    press C-u
    tmux -S "$TERMINAL" send-keys -l 'nixcage init --preset=claude'
    press Tab
    wait_screen '^Z> nixcage init --preset=claude-code'
    press C-u
    tmux -S "$TERMINAL" send-keys -l 'nixcage status --j'
    press Tab
    wait_screen '^Z> nixcage status --json'
    press C-u
    tmux -S "$TERMINAL" send-keys -l 'nixcage destroy some'
    press Tab
    wait_screen '^Z> nixcage destroy some-dir/'
    press C-u
    tmux -S "$TERMINAL" send-keys -l 'nixcage run mkfif'
    press Tab
    wait_screen '^Z> nixcage run mkfifo'
    press C-u
    tmux -S "$TERMINAL" send-keys -l 'nixcage run some-d'
    press Tab
    wait_screen '^Z> nixcage run some-dir/'
    press C-u
    tmux -S "$TERMINAL" send-keys -l 'nixcage add nodej'
    press Tab
    wait_screen '^Z> nixcage add nodejs_22'
    press C-u
    tmux -S "$TERMINAL" send-keys -l 'nixcage remove co'
    press Tab
    wait_screen '^Z> nixcage remove coreutils'
    terminal_end
}

@test "the installed files are what the program prints" {
    local built=${NIXCAGE%/*}/../completions
    cmp ../completion.bash "$built/nixcage"
    cmp ../completion.zsh "$built/_nixcage"
    cmp ../completion.fish "$built/nixcage.fish"
}
