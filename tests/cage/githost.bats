#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
# What git on the host would run for the cage: each way is first shown to work on a repository without a cage.

load ../lib/common

setup() {
    need git
    export GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@b GIT_COMMITTER_NAME=a GIT_COMMITTER_EMAIL=a@b
    make_project <<<$'[sandbox.filesystem]\nsystem = true'
    git -c init.defaultBranch=main init -q .
    git commit -q --allow-empty -m one
    CONTROL=$BATS_TEST_TMPDIR/control
    PROOF=$BATS_TEST_TMPDIR/proof
}

# attack SCRIPT: it does its work in a copy of the project without a cage, and not in the cage.
attack() {
    cp -a "$PROJECT" "$CONTROL"
    (cd "$CONTROL" && sh -c "$1" sh "$PROOF" && git commit -q --allow-empty -m two; git status) >/dev/null 2>&1 || :
    [ -e "$PROOF" ] || _explain "the attack does not work anyway"
    rm -rf "$PROOF" "$CONTROL"
    run_cage sh -c "$1" sh "$PROOF"
    (git commit -q --allow-empty -m two; git status) >/dev/null 2>&1 || :
    [ ! -e "$PROOF" ] || _explain "git on the host ran what the cage had left"
}

@test "a project that looks like a bare repository" {
    attack 'rm .git/HEAD; mkdir objects refs; echo "ref: refs/heads/main" >HEAD
        printf "[core]\nrepositoryformatversion = 0\nbare = false\nworktree = .\nfsmonitor = \"touch $1; false\"\n" >config'
    held=("$PROJECT"/.nixcage/held/*/HEAD)
    [ -f "${held[0]}" ]
}

@test "a submodule that the cage adds to the index" {
    attack 'git init -q sub; git -C sub -c user.name=a -c user.email=a@b commit -q --allow-empty -m x
        git update-index --add --cacheinfo 160000,$(git -C sub rev-parse HEAD),sub
        git -C sub config core.fsmonitor "touch $1; false"'
    assert_stderr_has "$PROJECT/sub/.git"
    held=("$PROJECT"/.nixcage/held/*/sub/.git)
    [ -d "${held[0]}" ]
}

@test "a submodule of the user's stays where it is; one that the cage could configure is told" {
    git init -q lib
    git -C lib commit -q --allow-empty -m x
    git clone -q lib one 2>/dev/null
    git -c protocol.file.allow=always submodule --quiet add "$PROJECT/lib" two
    git add one 2>/dev/null
    git commit -qm both
    run_cage true
    assert_status 0
    assert_stderr_has 'submodule one'
    refute_stderr_has 'submodule two'
    [ -e one/.git/config ]
    [ -f two/.git ]
    printf '[sandbox.filesystem]\nsystem = true\nprotect = ["one/.git/config"]\n' >nixcage.toml
    trust_project
    run_cage sh -c 'echo x >two/.git; echo x >one/.git/config'
    [ -z "$(grep submodule <<<"$stderr")" ]
    git -C two status --short
}

@test "hooks that the user keeps in the project (core.hooksPath), there or not" {
    mkdir githooks
    git config core.hooksPath githooks
    attack 'printf "#!/bin/sh\ntouch $1\n" >githooks/pre-commit; chmod +x githooks/pre-commit'
    rmdir githooks
    attack 'mkdir -p githooks; printf "#!/bin/sh\ntouch $1\n" >githooks/pre-commit; chmod +x githooks/pre-commit'
}

@test "husky's hooks, beside the directory that git is given" {
    mkdir -p .husky/_
    git config core.hooksPath .husky/_
    printf '#!/bin/sh\nsh .husky/pre-commit\n' >.husky/_/pre-commit
    chmod +x .husky/_/pre-commit
    attack 'echo "touch $1" >.husky/pre-commit'
}

@test "configuration that the user includes from the project" {
    git config include.path ../.gitconfig
    attack 'printf "[core]\nfsmonitor = \"touch $1; false\"\n" >.gitconfig'
    : >.gitconfig
    attack 'printf "[core]\nfsmonitor = \"touch $1; false\"\n" >.gitconfig'
}

@test "the user's own configuration may name them, too" {
    git config --global core.hooksPath .hooks
    attack 'mkdir -p .hooks; printf "#!/bin/sh\ntouch $1\n" >.hooks/pre-commit; chmod +x .hooks/pre-commit'
    git config --global --unset core.hooksPath
}

@test "unprotect leaves such hooks writable" {
    mkdir githooks
    git config core.hooksPath githooks
    printf '[sandbox.filesystem]\nsystem = true\nunprotect = ["githooks"]\n' >nixcage.toml
    trust_project
    run_cage sh -c 'echo mine >githooks/pre-commit'
    assert_status 0
    [ "$(cat githooks/pre-commit)" = mine ]
}

@test "ordinary work with git goes on" {
    git config core.hooksPath githooks
    run_cage sh -c 'export GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@b GIT_COMMITTER_NAME=a GIT_COMMITTER_EMAIL=a@b
        git status --short; echo x >file; git add file; git commit -qm two; git checkout -qb side; git worktree add -q /tmp/w; git status --short'
    assert_status 0
    assert_output $'?? nixcage.toml\n?? nixcage.toml'
    [ "$(git log --oneline --all | wc -l)" = 2 ]
    [ ! -e githooks ]
}

@test "a protected file that the host replaces during a run is told" {
    mkfifo go
    "$NIXCAGE" run -- sh -c 'echo x >>.git/config && echo open >before; read -r x <go; echo "; by the cage" >>.git/config' 2>"$BATS_TEST_TMPDIR/told" &
    local pid=$!
    # Opening the other end waits for the cage.
    exec 8>go
    git config user.name somebody
    echo >&8
    exec 8>&-
    wait "$pid" || :
    [ ! -e before ]
    grep -q "/.git/config was replaced during the run" "$BATS_TEST_TMPDIR/told"
    # The control: without that nothing is said.
    run_cage true
    [ -z "$stderr" ]
}
