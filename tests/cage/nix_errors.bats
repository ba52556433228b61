#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
# What goes wrong with Nix is told in one line that says what to do, after Nix's own text.

load ../lib/common
load ../lib/nix

@test "errors: an unknown package, with the nearest name" {
    nix_project 'packages = ["hello", "helo"]'
    resolve
    assert_status 125
    assert_stderr_has "undefined variable 'helo'"
    assert_stderr_has "nixcage.toml:2:22: there is no package \"helo\""
    assert_stderr_has 'did you mean "hello"?'
}

@test "errors: an unknown nested attribute" {
    nix_project 'packages = ["nested.helo"]'
    resolve
    assert_status 125
    assert_stderr_has 'there is no package "nested.helo"'
}

@test "errors: an unfree package names allow_unfree, which helps" {
    nix_project 'packages = ["unfree"]'
    resolve
    assert_status 125
    assert_stderr_has 'the licence of "unfree"'
    assert_stderr_has 'allow_unfree = true'
    nix_project 'packages = ["unfree"]' 'allow_unfree = true'
    resolve
    assert_status 0
}

@test "errors: a broken package" {
    nix_project 'packages = ["broken"]'
    resolve
    assert_status 125
    assert_stderr_has '"broken" is marked as broken'
}

@test "errors: a failing build shows its log and how to see all of it" {
    nix_project 'packages = ["failing"]'
    resolve
    assert_status 125
    assert_stderr_has "failing: this build fails on purpose"
    assert_stderr_has "a build failed for failing"
    assert_stderr_has "nix-store --read-log /nix/store/"
}

@test "errors: a package that does not evaluate" {
    nix_project 'packages = ["throwing"]'
    resolve
    assert_status 125
    assert_stderr_has "does not evaluate on purpose"
    assert_stderr_has "Nix cannot provide throwing"
}

@test "errors: no <nixpkgs>" {
    nix_project 'packages = ["hello"]'
    NIX_PATH='' resolve
    assert_status 125
    assert_stderr_has "there is no <nixpkgs>"
    assert_stderr_has "nix-channel --add"
    assert_stderr_has "NIX_PATH=nixpkgs="
    assert_stderr_has "(needed for hello)"
    # As in the preset minimal, the first that many try.
    nix_project 'packages = []'
    NIX_PATH='' resolve
    assert_status 125
    assert_stderr_has "there is no <nixpkgs> (needed for a shell)"
}

@test "errors: no Nix" {
    nix_project 'packages = ["hello"]'
    mkdir empty
    PATH=$PWD/empty resolve
    assert_status 125
    assert_stderr_has "Nix is not installed"
    assert_stderr_has "hint:"
}

@test "errors: a nixpkgs that is not there" {
    nix_project 'packages = ["hello"]' 'nixpkgs = "./nothing"'
    resolve
    assert_status 125
    assert_stderr_has "there is no nixpkgs at $PROJECT/nothing"
}

@test "errors: a shell.nix that is not there" {
    nix_project 'shell = "shell.nix"'
    resolve
    assert_status 125
    assert_stderr_has "shell.nix"
}

@test "nixpkgs: a path, relative to the project" {
    nix_project 'packages = ["hello"]' 'nixpkgs = "./pkgs"'
    cp -r "$NIXCAGE_SRC/share/offline" pkgs
    chmod -R u+w pkgs
    echo '{ ... }@args: import ./real.nix args // { hello = (import ./real.nix args).nested.hello; own = (import ./real.nix args).hello; }' >default.nix
    mv pkgs/default.nix pkgs/real.nix
    mv default.nix pkgs/default.nix
    NIX_PATH='' resolve
    assert_status 0
    printf '[nix]\npackages = ["own"]\nnixpkgs = "./pkgs"\n' >nixcage.toml
    NIX_PATH='' resolve
    assert_status 0
}

@test "interrupted: Nix and its builder end, nothing is left behind" {
    nix_project 'packages = ["slow"]'
    local before tmp=$BATS_TEST_TMPDIR/tmp
    mkdir "$tmp"
    SLOW=1000 SLOW_LOG=$PWD/log TMPDIR=$tmp "$NIX_RESOLVE" 2>/dev/null &
    local pid=$!
    poll_until 10 test -s log
    before=$(sed 's/.*by //' log)
    kill -0 "$before"
    # Not SIGINT: a shell starts background jobs with it ignored.
    kill -TERM "$pid"
    local rc=0
    wait "$pid" || rc=$?
    [ "$rc" = 143 ]
    poll_until 5 bash -c "! kill -0 $before 2>/dev/null"
    [ -z "$(ls -A "$tmp")" ]
    [ -z "$(ls -A "$XDG_CACHE_HOME/nixcage/v1/gen")" ]
}
