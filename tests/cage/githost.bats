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

# A submodule of the user's, in $1, whose configuration is protected.
add_submodule() {
    local lib=$BATS_TEST_TMPDIR/lib-${1//\//-}
    git init -q "$lib"
    git -C "$lib" commit -q --allow-empty -m x
    git -c protocol.file.allow=always submodule --quiet add "$lib" "$1"
    git commit -qm "$1"
}

# Makes the repository $1/evil and names it in the index of the repository $1; $2: the proof.
plant='plant() { git init -q "$1/evil"; git -C "$1/evil" -c user.name=a -c user.email=a@b commit -q --allow-empty -m x
    git -C "$1" update-index --add --cacheinfo 160000,$(git -C "$1/evil" rev-parse HEAD),evil
    git -C "$1/evil" config core.fsmonitor "touch $2; false"; }; '

@test "a submodule that the cage adds to a submodule's index" {
    add_submodule sub
    attack "$plant"'plant sub "$1"'
    assert_stderr_has "$PROJECT/sub/evil/.git"
    [ ! -e sub/evil/.git ]
    [ -f sub/.git ]
}

@test "a submodule that the cage adds to a linked worktree's index" {
    git worktree add -q ../tree
    cp nixcage.toml ../tree/
    cd ../tree
    "$NIXCAGE" allow --yes >/dev/null
    run_cage sh -c "$plant"'plant . "$1"' sh "$PROOF"
    (git commit -q --allow-empty -m two; git status) >/dev/null 2>&1 || :
    [ ! -e "$PROOF" ]
    assert_stderr_has /tree/evil/.git
    # The control: the same without a cage.
    sh -c "$plant"'plant . "$1"' sh "$PROOF"
    git status >/dev/null 2>&1 || :
    [ -e "$PROOF" ]
}

@test "a submodule that the cage adds to the index of a worktree in the project" {
    git worktree add -q tree
    attack 'sed -i "s|.*|gitdir: $PWD/.git/worktrees/tree|" tree/.git 2>/dev/null; echo "$PWD/tree/.git" 2>/dev/null >.git/worktrees/tree/gitdir
        '"$plant"'plant tree "$1"; cd tree; git status'
    assert_stderr_has "$PROJECT/tree/evil/.git"
    git -C tree status >/dev/null
    [ ! -e "$PROOF" ]
}

@test "a worktree in the project leads to no other repository" {
    git worktree add -q tree
    cp -a "$PROJECT" "$CONTROL"
    local lead='git init -q evil; git -C evil config core.fsmonitor "touch $1; false"; echo "gitdir: $PWD/evil/.git" >tree/.git'
    (cd "$CONTROL" && sh -c "$lead" sh "$PROOF" && git -C tree status) >/dev/null 2>&1 || :
    [ -e "$PROOF" ]
    rm -rf "$PROOF" "$CONTROL"
    run_cage sh -c "$lead" sh "$PROOF"
    git -C tree status >/dev/null
    [ ! -e "$PROOF" ]
    # Its hooks are those of the whole repository.
    git config core.hooksPath .hooks
    run_cage sh -c 'mkdir -p tree/.hooks; printf "#!/bin/sh\ntouch $1\n" >tree/.hooks/pre-commit; chmod +x tree/.hooks/pre-commit' sh "$PROOF"
    git -C tree commit -q --allow-empty -m two
    [ ! -e "$PROOF" ]
}

@test "an index that is large hides no submodule" {
    # An extension that git does not know, of 70 MiB, before the checksum.
    attack "$plant"'plant . "$1"; cp .git/index i; { head -c -20 i; printf "ZZZZ\004\140\000\000"; head -c 73400320 /dev/zero; tail -c 20 i; } >.git/index; rm i'
    assert_stderr_has "$PROJECT/evil/.git"
    # Many that are not there, before one that is.
    rm -rf evil
    git reset -q
    run_cage sh -c "$plant"'plant . "$1"; for i in $(seq 10500); do printf "160000 %040d 0\ta%s\n" 1 "$i"; done | git update-index --index-info' \
        sh "$PROOF"
    assert_stderr_has "$PROJECT/evil/.git"
    [ "$(git ls-files --stage | grep -c '^160000')" = 10501 ]
}

@test "a repository of one run that another names in the index" {
    run_cage sh -c "$plant"'plant . "$1"; git update-index --force-remove evil' sh "$PROOF"
    # Nobody goes in there by itself: it stays.
    [ -d evil/.git ]
    git status >/dev/null
    [ ! -e "$PROOF" ]
    attack 'git update-index --add --cacheinfo 160000,$(git -C evil rev-parse HEAD),evil'
    assert_stderr_has "$PROJECT/evil/.git"
}

@test "an index that cannot be looked through is told" {
    run_cage sh -c 'echo x >x; git add x; echo damaged >.git/index'
    assert_stderr_has "$PROJECT/.git/index"
    assert_stderr_has 'git ls-files --stage'
    # The control: one that can.
    rm .git/index
    git reset -q
    run_cage sh -c 'git add x'
    refute_stderr_has '.git/index'
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

@test "hooks that are named in a file that the user's configuration includes" {
    printf '[include]\n\tpath = one.inc\n' >"$HOME/.gitconfig"
    printf '[includeIf "gitdir:%s/"]\n\tpath = two.inc\n' "${PROJECT%/*}" >"$HOME/one.inc"
    printf '[core]\n\thooksPath = .hooks\n' >"$HOME/two.inc"
    attack 'mkdir -p .hooks; printf "#!/bin/sh\ntouch $1\n" >.hooks/pre-commit; chmod +x .hooks/pre-commit'
    rm "$HOME/.gitconfig"
    # XDG_CONFIG_HOME is git's, too.
    mkdir -p "$XDG_CONFIG_HOME.other/git"
    cp "$HOME/two.inc" "$XDG_CONFIG_HOME.other/git/config"
    export XDG_CONFIG_HOME=$XDG_CONFIG_HOME.other
    trust_project
    attack 'mkdir -p .hooks; printf "#!/bin/sh\ntouch $1\n" >.hooks/pre-commit; chmod +x .hooks/pre-commit'
    rm -r "$XDG_CONFIG_HOME" "$HOME"/*.inc
}

@test "configuration that an included file includes" {
    git config include.path ../first
    printf '[include]\n\tpath = sub/second\n' >first
    attack 'mkdir -p sub; printf "[core]\nfsmonitor = \"touch $1; false\"\n" >sub/second'
    # One that includes itself ends.
    printf '[include]\n\tpath = first\n' >first
    run_cage true
    assert_status 0
}

@test "hooks of a submodule that the user's configuration names" {
    add_submodule sub
    git config --global core.hooksPath .hooks
    attack 'mkdir -p sub/.hooks; printf "#!/bin/sh\ntouch $1\n" >sub/.hooks/pre-commit; chmod +x sub/.hooks/pre-commit
        git -C sub commit -q --allow-empty -m x'
    (git -C sub commit -q --allow-empty -m two) >/dev/null 2>&1 || :
    [ ! -e "$PROOF" ]
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
