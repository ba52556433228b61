#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
# A cage needs pieces of the machine. Each is taken away in turn: nothing runs then, the exit code is 125, and one
# message names the piece and its fix. What has a replacement gives the same result without it.

load ../lib/common

setup() {
    local build=${NIXCAGE%/src/nixcage}
    DENY=$build/tests/cage/deny
    make_project <<<$'[sandbox.filesystem]\nsystem = true'
    # The control for all of them: here it works.
    run_cage sh -c 'echo ran >>control'
    assert_status 0
    [ -s control ]
}

# without CMD…: CMD runs nixcage with something missing; nothing may have run in a cage.
without() {
    run_split "$@" "$NIXCAGE" run -- sh -c 'echo ran >ran; echo ran'
    assert_status 125
    assert_output ''
    [ ! -e ran ] || _explain "the command ran"
    [[ $stderr == nixcage:* ]] || _explain "a message of nixcage was expected first"
}

# in_namespace CMD…: with a user and a mount namespace of its own, in which "setting up" is done by $setting_up.
in_namespace() {
    unshare --user --map-root-user --mount sh -c "$setting_up"' && exec "$@"' sh "$@"
}

@test "user namespaces refused to this process" {
    without "$DENY" EPERM userns --
    assert_stderr_has 'no user namespace can be made here'
    assert_stderr_has 'security module or an outer container forbids them'
    without "$DENY" ENOSYS userns --
    assert_stderr_has 'Linux 5.12 is needed'
}

@test "user namespaces refused, with so many binds that nixcage mounts by itself" {
    mkdir many
    {
        printf '[sandbox.filesystem]\nsystem = true\nro_bind = ['
        for i in $(seq 60); do mkdir "many/$i"; printf '"many/%s", ' "$i"; done
        echo ']'
    } >nixcage.toml
    trust_project
    run_cage true
    assert_status 0
    without "$DENY" EPERM userns --
    assert_stderr_has 'user namespace'
    assert_stderr_has 'outer container forbids them'
    without "$DENY" ENOSYS open_tree --
    assert_stderr_has 'Linux 5.12 is needed'
}

@test "user.max_user_namespaces is 0" {
    setting_up='echo 0 >/proc/sys/user/max_user_namespaces'
    without in_namespace
    assert_stderr_has 'user.max_user_namespaces is 0'
    assert_stderr_has 'sudo sysctl user.max_user_namespaces=65536'
}

@test "no Landlock: neither a shared network nor a narrowed store" {
    without "$DENY" ENOSYS landlock --
    assert_stderr_has 'Landlock ABI 6'
    assert_stderr_has 'boot a newer kernel, with landlock among its security modules'
    assert_stderr_has 'or name hosts, or set allow = false'
    without "$DENY" EOPNOTSUPP landlock --
    assert_stderr_has 'landlock among its security modules'
}

@test "no Landlock, and nothing that needs it: it runs" {
    printf '[sandbox.filesystem]\nsystem = true\n[sandbox.network]\nallow = false\n' >nixcage.toml
    trust_project
    run_split "$DENY" ENOSYS landlock -- "$NIXCAGE" run -- sh -c 'echo ran'
    assert_status 0
    assert_output ran
    # What is weaker there is said.
    run_split "$DENY" ENOSYS landlock -- "$NIXCAGE" plan
    assert_output_has 'can signal the process group'
    run_split "$NIXCAGE" plan
    refute_output_has 'can signal the process group'
}

@test "no Landlock: the closure view of the store is refused, the full one is not" {
    printf '[nix]\npackages = ["coreutils"]\n[sandbox.network]\nallow = false\n' >nixcage.toml
    trust_project
    run_cage true
    assert_status 0
    without "$DENY" ENOSYS landlock --
    assert_stderr_has Landlock
    assert_stderr_has 'store_view = "full"'
    printf '[nix]\npackages = ["coreutils"]\nstore_view = "full"\n[sandbox.network]\nallow = false\n' >nixcage.toml
    trust_project
    run_split "$DENY" ENOSYS landlock -- "$NIXCAGE" run -- sh -c 'echo ran'
    assert_status 0
    assert_output ran
}

@test "bwrap is not installed" {
    mkdir "$BATS_TEST_TMPDIR/bin"
    for tool in sh env true; do ln -s "$(command -v $tool)" "$BATS_TEST_TMPDIR/bin/$tool"; done
    without env PATH="$BATS_TEST_TMPDIR/bin"
    assert_stderr_has 'the program bwrap'
    assert_stderr_has 'bubblewrap'
}

# stub_bwrap: an executable bwrap of the text on standard input, first on PATH.
stub_bwrap() {
    mkdir -p "$BATS_TEST_TMPDIR/stub"
    cat >"$BATS_TEST_TMPDIR/stub/bwrap"
    chmod +x "$BATS_TEST_TMPDIR/stub/bwrap"
    STUBBED=$BATS_TEST_TMPDIR/stub:$PATH
}

@test "an old bwrap" {
    stub_bwrap <<<$'#!/bin/sh\necho bubblewrap 0.7.0'
    without env PATH="$STUBBED"
    assert_stderr_has 'bubblewrap 0.7.0; 0.8.0 or newer is needed'
}

@test "a bwrap that does not work" {
    stub_bwrap <<<$'#!/bin/sh\necho something else'
    without env PATH="$STUBBED"
    assert_stderr_has 'gave no version'
    stub_bwrap <<<$'#!/bin/sh\n[ "$1" = --version ] && echo bubblewrap 0.9.0 || exit 1'
    without env PATH="$STUBBED"
    assert_stderr_has 'bwrap'
    stub_bwrap <<<$'#!/bin/sh\n[ "$1" = --version ] && echo bubblewrap 0.9.0 || kill -KILL $$'
    without env PATH="$STUBBED"
    assert_stderr_has 'killed from outside'
}

@test "a bwrap that only claims to have built the cage runs nothing and is not believed" {
    stub_bwrap <<<$'#!/bin/sh\n[ "$1" = --version ] && echo bubblewrap 0.9.0; exit 0'
    without env PATH="$STUBBED"
}

@test "a set-uid bwrap" {
    stub_bwrap <"$(command -v bwrap)"
    run_split env PATH="$STUBBED" "$NIXCAGE" run -- true
    assert_status 0
    chmod u+s "$BATS_TEST_TMPDIR/stub/bwrap"
    without env PATH="$STUBBED"
    assert_stderr_has 'set-uid'
    assert_stderr_has 'chmod u-s'
}

@test "no /proc" {
    setting_up='mount -t tmpfs none /proc'
    without in_namespace
    assert_stderr_has '/proc'
}

@test "openat2 is missing: the same result, and symlinks out of the project are refused as well" {
    run_split "$DENY" ENOSYS openat2 -- "$NIXCAGE" run -- sh -c 'echo x >.envrc; echo ran'
    # bwrap itself needs it since 0.12.
    if "$DENY" ENOSYS openat2 -- bwrap --ro-bind / / true 2>/dev/null; then
        assert_status 0
        assert_output ran
    else
        assert_status 125
        assert_output ''
        assert_stderr_has 'too old for nixcage'
    fi
    [ ! -e .envrc ]
    rm -rf .nixcage
    ln -s "$HOME" .nixcage
    run_split "$DENY" ENOSYS openat2 -- "$NIXCAGE" run -- true
    assert_status 125
    local without_it=$stderr
    run_cage true
    assert_status 125
    [ "$stderr" = "$without_it" ]
}

@test "close_range is missing: no descriptor gets in" {
    run_split "$DENY" ENOSYS close_range -- bash -c 'exec 7</etc/passwd 200</; "$0" run -- sh -c "ls /proc/self/fd"' "$NIXCAGE"
    assert_status 0
    # 3 is the directory that ls reads.
    assert_output $'0\n1\n2\n3'
}
