#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
# A store of the project's own is the cage's to write, and the host's when packages change: what a cage leaves there leads
# the host nowhere.

load ../lib/common
load ../lib/nix

setup() {
    export XDG_DATA_HOME=$BATS_TEST_TMPDIR/data
    VICTIM=$BATS_TEST_TMPDIR/victim
    mkdir -p "$VICTIM/nixcage"
    echo precious >"$VICTIM/nixcage/file"
    chmod 700 "$VICTIM"
}

teardown() {
    chmod -R u+w "$BATS_TEST_TMPDIR" 2>/dev/null || :
}

# with_packages MODE NAME…: the project's configuration.
with_packages() {
    local mode=$1 names
    shift
    printf -v names '"%s", ' "$@"
    make_project < <(printf '%s\n' '[sandbox.filesystem]' 'system = true' '[nix]' "packages = [${names%, }]" "store_mode = \"$mode\"")
}

# after MODE SCRIPT: a cage does this to its store, and then packages change.
after() {
    "$NIXCAGE" destroy --yes "$BATS_TEST_TMPDIR/project" >/dev/null 2>&1 || :
    with_packages "$1" hello
    run_cage sh -c "$2" sh "$VICTIM"
    assert_status 0
    with_packages "$1" hello hooked
    run_cage true
}

assert_untouched() {
    [ "$(find "$VICTIM" | sort)" = "$VICTIM"$'\n'"$VICTIM/nixcage"$'\n'"$VICTIM/nixcage/file" ] || _explain "$(find "$VICTIM")"
    [ "$(cat "$VICTIM/nixcage/file")" = precious ]
    [ "$(stat -c %a "$VICTIM")" = 700 ]
}

# What Nix and nixcage would follow, each with the path in the store that is named.
leads_nowhere() {
    local attack
    for attack in \
        'rm -rf /nix/var/nix/gcroots; ln -s "$1" /nix/var/nix/gcroots' \
        'rm -rf /nix/var/nix/gcroots/nixcage; ln -s "$1/nixcage" /nix/var/nix/gcroots/nixcage; rm -rf /nix/var/nix/db/reserved; ln -s "$1/nixcage/file" /nix/var/nix/db/reserved' \
        'rm -rf /nix/var/nix/db/schema; ln -s "$1/nixcage/file" /nix/var/nix/db/schema' \
        'rm -rf /nix/var/nix/temproots; ln -s "$1" /nix/var/nix/temproots' \
        'rm -rf /nix/var/nix/profiles/per-user; mkdir -p /nix/var/nix/profiles/per-user; for u in root nixcage-test; do ln -s "$1" /nix/var/nix/profiles/per-user/$u; done' \
        'mv /nix/store /nix/old; ln -s "$1" /nix/store' \
        'rm -rf /nix/var/nix/db/big-lock; mkfifo /nix/var/nix/db/big-lock'; do
        after "$1" "$attack"
        assert_untouched
        assert_status 125
        assert_stderr_has "a cage has changed its store: "
        assert_stderr_has "nixcage gc --all"
    done
    # The way out that it names.
    "$NIXCAGE" gc --all >/dev/null
    run_cage hooked
    assert_status 0
}

@test "control: Nix follows what is in a store's state" {
    local store=$BATS_TEST_TMPDIR/store
    mkdir -p "$store/nix/var/nix"
    ln -s "$VICTIM" "$store/nix/var/nix/db"
    NIX_REMOTE=$store nix-store --init
    [ -e "$VICTIM/db.sqlite" ]
}

@test "copy: symlinks that a cage leaves lead the host nowhere" {
    leads_nowhere copy
}

@test "isolated: symlinks that a cage leaves lead the host nowhere" {
    leads_nowhere isolated
}

@test "what a cage built stays when packages change" {
    local mode
    for mode in copy isolated; do
        after "$mode" 'echo mine >/nix/store/mine; ln -s /nix/store/mine /nix/var/nix/gcroots/mine'
        assert_status 0
        run_cage cat /nix/store/mine
        assert_output mine
    done
}

@test "isolated: Nix on the host reads nothing that a cage could write" {
    echo '"fine"' >"$BATS_TEST_TMPDIR/fine.nix"
    make_project <<E2
[sandbox.filesystem]
system = true
[nix]
shell = "shell.nix"
store_mode = "isolated"
E2
    # As a pinned source is: in the store, found by its hash.
    cat >shell.nix <<'E2'
with import <nixpkgs> { };
let code = builtins.toFile "code.nix" "\"fine\"";
in mkShell { name = "x"; FROM_CODE = import code; buildInputs = [ hello ]; }
E2
    trust_project
    run_cage sh -c 'echo "$FROM_CODE"; for f in /nix/store/*-code.nix; do chmod u+w /nix/store "$f" && echo "builtins.readFile $1" >"$f"; done; :' sh \
        "$VICTIM/nixcage/file"
    assert_status 0
    assert_output fine
    echo '# changed' >>shell.nix
    trust_project
    run_cage sh -c 'echo "$FROM_CODE"'
    assert_status 0
    assert_output fine
}

@test "a store is not changed under a running cage" {
    with_packages copy hello
    mkfifo hold
    "$NIXCAGE" run -- sh -c 'echo up >up; read -r line <hold' 3>&- &
    local pid=$!
    poll_until 20 test -e up
    with_packages copy hello hooked
    run_cage true
    assert_status 125
    assert_stderr_has "a cage is running with the project's own store"
    # The control: the same packages, and later the new ones.
    with_packages copy hello
    run_cage true
    assert_status 0
    echo >hold
    wait "$pid"
    with_packages copy hello hooked
    run_cage hooked
    assert_status 0
}
