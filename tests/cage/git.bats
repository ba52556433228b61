# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=bash disable=SC2016
# git in the cage: commits in a plain repository, a linked worktree and a submodule, while what the host's git runs stays as it is.

load ../lib/common

setup() {
    need git
    cat >"$HOME/.gitconfig" <<'INI'
[user]
    name = "Ada \"L\" Ünsal" ; a comment
    email = ada@example.org
[core]
    sshCommand = touch /tmp/never
[credential]
    helper = store --file ~/secret
INI
    export GIT_CONFIG_NOSYSTEM=1
}

teardown() {
    rm -rf "$HOME/.gitconfig" "$HOME/.config/git" "$HOME/work.inc" "$HOME/private"
}

config_with_git() {
    printf '[nix]\npackages = ["git"]\n%s\n' "${1:-}"
}

# repository DIR: with one commit and a hook that tells that it ran.
repository() {
    git init -q -b main "$1"
    git -C "$1" commit -q --allow-empty -m first
    mkdir -p "$1/.git/hooks"
    printf '#!/bin/sh\necho hook ran\n' >"$1/.git/hooks/pre-commit"
    chmod +x "$1/.git/hooks/pre-commit"
}

# Commits in the cage, and what the host then sees.
commits_in_cage() {
    run_cage sh -c 'echo text >file && git add file && git commit -m "from the cage" && git status --porcelain -- file'
    assert_status 0
    assert_output_has 'from the cage'
    run_split git -C "$PROJECT" log -1 --format='%an|%ae|%s'
    assert_output 'Ada "L" Ünsal|ada@example.org|from the cage'
    run_split git -C "$PROJECT" fsck
    assert_status 0
}

# refuses_write PATH…: the cage can write its project, but not these.
refuses_write() {
    local path
    for path in "$@"; do
        [ -e "$path" ] || { echo "-- no $path" >&2; return 1; }
        run_cage sh -c 'touch control && echo writable; (echo x >>"$1") || echo refused; mv "$1" "$1.old" || echo kept' - "$path"
        assert_line writable
        assert_line refused
        assert_line kept
    done
}

@test "a plain repository: commit, name and address, hooks and config protected" {
    repository "$BATS_TEST_TMPDIR/project"
    make_project < <(config_with_git)
    commits_in_cage
    refuses_write "$PROJECT/.git/config" "$PROJECT/.git/hooks/pre-commit"
    run_cage git config user.name Mallory
    [ "$status" != 0 ]
    refute grep -q Mallory .git/config
    run_cage sh -c 'test ! -e ~/.gitconfig && git config --file /etc/gitconfig --list'
    assert_status 0
    assert_output $'user.name=Ada "L" Ünsal\nuser.email=ada@example.org'
}

@test "a linked worktree" {
    repository "$BATS_TEST_TMPDIR/main"
    git -C "$BATS_TEST_TMPDIR/main" worktree add -q -b side "$BATS_TEST_TMPDIR/project"
    make_project < <(config_with_git)
    commits_in_cage
    local main
    main=$(cd ../main && pwd -P)
    refuses_write "$PROJECT/.git" "$main/.git/config" "$main/.git/hooks/pre-commit" "$main/.git/worktrees/project/gitdir"
    # Of the main worktree only the repository is there.
    run_cage ls -A "$main"
    assert_output .git
}

@test "a submodule" {
    repository "$BATS_TEST_TMPDIR/lib"
    repository "$BATS_TEST_TMPDIR/super"
    git -C "$BATS_TEST_TMPDIR/super" -c protocol.file.allow=always submodule --quiet add "$BATS_TEST_TMPDIR/lib" sub
    make_project super/sub < <(config_with_git)
    git checkout -q -B main
    commits_in_cage
    local gitdir
    gitdir=$(cd ../.git/modules/sub && pwd -P)
    refuses_write "$PROJECT/.git" "$gitdir/config"
    run_cage ls -A "${PROJECT%/sub}/.git"
    assert_output modules
}

@test "a .git file that leads elsewhere shows nothing" {
    mkdir -p "$HOME/private/.git/worktrees/x"
    echo secret >"$HOME/private/.git/secret"
    echo 'ref: refs/heads/main' | tee "$HOME/private/.git/HEAD" >"$HOME/private/.git/worktrees/x/HEAD"
    echo ../.. >"$HOME/private/.git/worktrees/x/commondir"
    echo "$HOME/other/.git" >"$HOME/private/.git/worktrees/x/gitdir"
    make_project < <(config_with_git)
    local to
    for to in "$HOME/private/.git/worktrees/x" "$HOME/private/.git" "$HOME/private"; do
        echo "gitdir: $to" >.git
        run_cage cat "$HOME/private/.git/secret"
        [ "$status" != 0 ]
        assert_stderr_has 'leads back'
    done
    # Control: with the way back it is shown.
    echo "$PROJECT/.git" >"$HOME/private/.git/worktrees/x/gitdir"
    echo "gitdir: $HOME/private/.git/worktrees/x" >.git
    run_cage cat "$HOME/private/.git/secret"
    assert_output secret
}

@test "name and address from where git has them: included files, by directory, the XDG place" {
    make_project < <(config_with_git)
    local parent
    parent=$(dirname "$PROJECT")
    printf '[user]\n\temail = work@example.org\n' >"$HOME/work.inc"
    printf '[includeIf "gitdir:%s/"]\n\tpath = work.inc\n[includeIf "gitdir:/elsewhere/"]\n\tpath = nothing\n' \
        "$parent" >>"$HOME/.gitconfig"
    run_cage git config --file /etc/gitconfig user.email
    assert_output work@example.org

    rm "$HOME/.gitconfig"
    mkdir -p "$HOME/.config/git"
    printf '[user]\nname = Xdg\n[safe]\ndirectory = *\n' >"$HOME/.config/git/config"
    run_cage git config --file /etc/gitconfig --list
    assert_line user.name=Xdg
    assert_line "safe.directory=$PROJECT"

    rm "$HOME/.config/git/config"
    run_cage sh -c 'test ! -e /etc/gitconfig && echo none'
    assert_output none
}

@test "what the blacklist hides is not read; the user's own file wins where it is shown" {
    make_project < <(config_with_git $'[sandbox.filesystem]\nblacklist = ["~/.gitconfig"]')
    run_cage sh -c 'test ! -e /etc/gitconfig && echo none'
    assert_output none
    config_with_git $'[sandbox.filesystem]\nro_bind = ["~/.gitconfig"]' >nixcage.toml
    trust_project
    run_cage git config --get-all core.sshCommand
    assert_output 'touch /tmp/never'
}

@test "nothing of the project is asked who the user is" {
    repository "$BATS_TEST_TMPDIR/project"
    git -C "$BATS_TEST_TMPDIR/project" config core.fsmonitor "touch $BATS_TEST_TMPDIR/ran"
    git -C "$BATS_TEST_TMPDIR/project" config user.name Project
    make_project < <(config_with_git)
    run_cage cat /etc/gitconfig
    assert_output_has Ada
    refute_output_has Project
    [ ! -e "$BATS_TEST_TMPDIR/ran" ]
    # Control: git itself, asked by the user, runs it.
    git -C "$PROJECT" status >/dev/null 2>&1 || :
    [ -e "$BATS_TEST_TMPDIR/ran" ]
}
