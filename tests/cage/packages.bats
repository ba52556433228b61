#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
# add and remove: resolved before anything is written.

load ../lib/common

setup() {
    mkdir "$BATS_TEST_TMPDIR/p"
    cd "$BATS_TEST_TMPDIR/p" || return 1
    "$NIXCAGE" init >/dev/null
    cp nixcage.toml ../before
}

@test "add: the package is there in the next run, remove: the file is as it was" {
    "$NIXCAGE" add hello multi
    run "$NIXCAGE" run hello
    [ "$status" -eq 0 ]
    [ "$output" = 'Hello, world!' ]
    grep -q '# .*' nixcage.toml
    "$NIXCAGE" remove hello multi
    cmp nixcage.toml ../before
}

@test "add: what does not exist changes nothing" {
    run "$NIXCAGE" add hello nosuchpackage
    [ "$status" -eq 125 ]
    [[ $output == *'nothing was changed'*'no package "nosuchpackage"'* ]]
    cmp nixcage.toml ../before
    "$NIXCAGE" add hello
    ! cmp -s nixcage.toml ../before
}

@test "add: what does not build changes nothing" {
    run "$NIXCAGE" add failing
    [ "$status" -eq 125 ]
    [[ $output == *'nothing was changed'*'a build failed'* ]]
    cmp nixcage.toml ../before
}

@test "add: Nix is not asked for a project that was never allowed" {
    mkdir ../clone
    cp nixcage.toml ../clone/
    cd ../clone
    run "$NIXCAGE" add hello </dev/null
    [ "$status" -eq 125 ]
    [[ $output == *'never allowed'* ]]
    cmp nixcage.toml ../before
    "$NIXCAGE" allow --yes >/dev/null
    "$NIXCAGE" add hello
    ! cmp -s nixcage.toml ../before
}
