#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
# Stores of a project's own: made, brought up to date, removed, and never half there.

load ../lib/common
load ../lib/nix

setup() {
    export XDG_DATA_HOME=$BATS_TEST_TMPDIR/data
}

teardown() {
    # Copies of store paths are read-only, which bats' own clean-up does not expect.
    chmod -R u+w "$BATS_TEST_TMPDIR" 2>/dev/null || :
    if [ "$NIXCAGE_TEST_MODE" = root ]; then umount "$XDG_DATA_HOME/nixcage/stores" 2>/dev/null || :; fi
}

# The store that the last resolution gave.
root() {
    dirname "$(field store)"
}

closure() {
    sed -n 's/^closure //p' <<<"$output"
}

# All of the closure is in the store, known to its database, and as on the host.
assert_complete() {
    local store path
    store=$(root)
    for path in $(closure); do
        [ -e "$store$path" ] || _explain "missing: $path"
        NIX_REMOTE=$store nix-store --verify-path "$path"
    done
    # Several paths.
    # shellcheck disable=SC2046
    NIX_REMOTE=$store nix-store -qR $(closure) >/dev/null
}

@test "store modes: where /nix is and what NIX_REMOTE says" {
    nix_project 'packages = ["hello"]'
    resolve
    assert_line store=/nix
    assert_line remote=unix:///nixcage-store-is-readonly
    nix_project 'packages = ["hello"]' 'store_mode = "shared"'
    resolve
    assert_line store=/nix
    assert_line remote=local
    nix_project 'packages = ["hello"]' 'store_mode = "copy"'
    resolve
    assert_output_has "store=$XDG_DATA_HOME/nixcage/stores/"
    assert_line remote=local
}

@test "copy: holds the closure and nothing else, like the host's" {
    nix_project 'packages = ["hello", "multi"]' 'store_mode = "copy"'
    resolve
    assert_status 0
    assert_complete
    diff <(closure | sed 's#.*/##') <(ls "$(root)/nix/store" | sort)
    for path in $(closure); do
        diff -r --no-dereference "$path" "$(root)$path"
        [ "$(stat -c '%a %Y' "$path")" = "$(stat -c '%a %Y' "$(root)$path")" ]
    done
    [ "$(stat -c %a "$(root)")" = 700 ]
}

@test "copy: the second time nothing is started" {
    nix_project 'packages = ["hello"]' 'store_mode = "copy"'
    resolve_and_cache
    need strace
    strace -f -e trace=execve -o trace "$NIX_RESOLVE" >/dev/null
    [ "$(grep -c execve trace)" = 1 ]
}

@test "copy: brought up to date when packages change, with only what is new" {
    nix_project 'packages = ["hello"]' 'store_mode = "copy"'
    resolve
    local before
    before=$(stat -c %i "$(root)"/nix/store/*-hello-2.12/bin/hello)
    printf '[nix]\npackages = ["hello", "hooked"]\nstore_mode = "copy"\n' >nixcage.toml
    resolve
    assert_status 0
    assert_complete
    [ "$before" = "$(stat -c %i "$(root)"/nix/store/*-hello-2.12/bin/hello)" ]
    compgen -G "$(root)/nix/store/*-hooked-1.0" >/dev/null
}

@test "copy: a project's store is its own" {
    nix_project 'packages = ["hello"]' 'store_mode = "copy"'
    resolve
    local first
    first=$(root)
    nix_project_other() {
        make_project other < <(printf '[nix]\npackages = ["hello"]\nstore_mode = "copy"\n')
    }
    nix_project_other
    resolve
    [ "$first" != "$(root)" ]
}

@test "copy: killed anywhere, the next run completes it" {
    nix_project 'packages = ["wide"]' 'store_mode = "copy"'
    WIDE=40 resolve_and_cache
    local store delay
    store=$(root)
    for delay in 0.005 0.01 0.02 0.03 0.05 0.08; do
        chmod -R u+w "$store"
        rm -rf "$store"
        WIDE=40 timeout -s KILL "$delay" "$NIX_RESOLVE" >/dev/null 2>&1 || :
        WIDE=40 resolve
        assert_status 0
        assert_complete
    done
    [ ! -e "$store/nix/store/.nixcage-new" ]
}

@test "copy: a full disk leaves the old store as it was and says so" {
    [ "$NIXCAGE_TEST_MODE" = root ] || skip "needs a mount"
    mkdir -p "$XDG_DATA_HOME/nixcage/stores"
    mount -t tmpfs -o size=32m,mode=700 none "$XDG_DATA_HOME/nixcage/stores"
    nix_project 'packages = ["hello"]' 'store_mode = "copy"'
    resolve
    assert_status 0
    local store listing
    store=$(root)
    listing=$(find "$store/nix/store" | sort)
    head -c 22M /dev/zero >"$XDG_DATA_HOME/nixcage/stores/fill" || :
    printf '[nix]\npackages = ["hello", "nodejs_22"]\nstore_mode = "copy"\n' >nixcage.toml
    resolve
    assert_status 125
    assert_stderr_has "cannot update the project's own store"
    assert_stderr_has "No space left"
    assert_stderr_has "the store as it was before is intact"
    [ "$listing" = "$(find "$store/nix/store" | sort)" ]
    printf '[nix]\npackages = ["hello"]\nstore_mode = "copy"\n' >nixcage.toml
    resolve
    assert_status 0
    # Asking the database whether all is well takes some space, too.
    rm "$XDG_DATA_HOME/nixcage/stores/fill"
    assert_complete
}

@test "isolated: resolved in a store of its own, the host's is not touched" {
    nix_project 'packages = ["hooked"]' 'store_mode = "isolated"'
    local before
    before=$(find /nix/store -maxdepth 1 | sort)
    resolve
    assert_status 0
    assert_complete
    [ "$before" = "$(find /nix/store -maxdepth 1 | sort)" ]
    assert_line "env HOOKED_VAR=from the setup hook"
    resolve_and_cache
    diff <("$NIX_RESOLVE" --env0 | tr '\0' '\n') <("$NIX_RESOLVE" --env0 --refresh --quiet | tr '\0' '\n')
}

@test "stores: gc and forget remove what nobody uses" {
    nix_project 'packages = ["hello"]' 'store_mode = "copy"'
    resolve
    local store
    store=$(root)
    run_split "$NIX_RESOLVE" gc
    assert_output_has "stores=0"
    [ -e "$store/nix" ]
    # Running: neither gc --all nor forget takes it away.
    mkfifo hold
    "$NIX_RESOLVE" --wait <hold >out &
    local pid=$!
    exec 7>hold
    poll_until 5 grep -q ^env out
    run_split "$NIX_RESOLVE" gc --all
    assert_output_has "stores=0"
    run_split "$NIX_RESOLVE" forget
    assert_status 125
    assert_stderr_has "a cage is running"
    exec 7>&-
    wait "$pid"
    # Another mode: not wanted any more.
    printf '[nix]\npackages = ["hello"]\n' >nixcage.toml
    run_split "$NIX_RESOLVE" gc
    assert_output_has "stores=1"
    [ ! -e "$store" ]
    printf '[nix]\npackages = ["hello"]\nstore_mode = "copy"\n' >nixcage.toml
    resolve
    run_split "$NIX_RESOLVE" forget
    assert_status 0
    [ -z "$(ls -A "$XDG_DATA_HOME/nixcage/stores")" ]
}
