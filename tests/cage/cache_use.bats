#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
# The cache of environments: used when nothing changed, not used when anything did, and never trusted when damaged.

load ../lib/common
load ../lib/nix

entry() {
    find "$XDG_CACHE_HOME/nixcage/v1" -maxdepth 1 -type f ! -name '*.lock'
}

@test "cache: the second time no Nix process is started" {
    nix_project 'packages = ["hello"]'
    resolve_and_cache
    local cold=$output
    resolve
    assert_cached
    [ "$(sed '/^cached=/d' <<<"$cold")" = "$(sed '/^cached=/d' <<<"$output")" ]
    need strace
    strace -f -e trace=execve,fork,vfork,clone,clone3 -o trace "$NIX_RESOLVE" >/dev/null
    [ "$(grep -c execve trace)" = 1 ]
    [ "$(grep -cE 'clone|fork' trace)" = 0 ]
    # Positive control: a refresh starts some.
    strace -f -e trace=execve -o trace "$NIX_RESOLVE" --refresh >/dev/null
    [ "$(grep -c execve trace)" -gt 2 ]
}

@test "cache: it is private, also under a lax umask" {
    umask 000
    nix_project 'packages = ["hello"]'
    resolve_and_cache
    [ "$(stat -c %a "$XDG_CACHE_HOME/nixcage/v1")" = 700 ]
    [ -z "$(find "$XDG_CACHE_HOME/nixcage/v1" ! -type l -perm /077)" ]
}

@test "cache: packages, their order, pure and allow_unfree are other environments" {
    nix_project 'packages = ["hello"]'
    resolve_and_cache
    for line in 'packages = ["hello", "hooked"]' 'packages = ["hooked", "hello"]' \
        'packages = ["hello"]
pure = false' 'packages = ["hello"]
allow_unfree = true'; do
        printf '[nix]\n%s\n' "$line" >nixcage.toml
        resolve
        refute_cached
    done
    echo '[nix]
packages = ["hello"]' >nixcage.toml
    resolve
    assert_cached
}

@test "cache: variables that Nix reads are part of the key, others are not" {
    nix_project 'packages = ["hello"]'
    resolve_and_cache
    NIX_CONFIG='cores = 1' resolve
    refute_cached
    NIXPKGS_ALLOW_BROKEN=1 resolve
    refute_cached
    NIX_PATH=nixpkgs=$NIXCAGE_SRC/share/../share/offline resolve
    refute_cached
    TERM=other PWD=/ FOO=1 TMPDIR=$BATS_TEST_TMPDIR TZ=UTC NIX_BUILD_TOP=/x resolve
    assert_cached
    HOME=$BATS_TEST_TMPDIR resolve
    refute_cached
}

@test "cache: variables that the package set asks for are witnesses" {
    nix_project 'packages = ["hello"]'
    resolve_and_cache
    SLOW=7 resolve
    refute_cached
}

@test "cache: nix.conf, and what it includes" {
    nix_project 'packages = ["hello"]'
    export XDG_CONFIG_HOME=$BATS_TEST_TMPDIR/config
    mkdir -p "$XDG_CONFIG_HOME/nix"
    cp "$HOME/.config/nix/nix.conf" "$XDG_CONFIG_HOME/nix/nix.conf"
    echo '!include more.conf' >>"$XDG_CONFIG_HOME/nix/nix.conf"
    resolve_and_cache
    echo 'cores = 1' >"$XDG_CONFIG_HOME/nix/more.conf"
    resolve
    refute_cached
    resolve_and_cache
    echo '#' >>"$XDG_CONFIG_HOME/nix/nix.conf"
    resolve
    refute_cached
}

@test "cache: nixpkgs' config and overlays" {
    export HOME=$BATS_TEST_TMPDIR/home
    mkdir -p "$HOME/.config/nixpkgs" "$HOME/.config/nix"
    printf '%s\n' 'sandbox = false' 'substituters =' 'build-users-group =' >"$HOME/.config/nix/nix.conf"
    export XDG_CONFIG_HOME=$HOME/.config
    nix_project 'packages = ["hello"]'
    resolve_and_cache
    echo '{ }' >"$HOME/.config/nixpkgs/config.nix"
    resolve
    refute_cached
    resolve_and_cache
    mkdir "$HOME/.config/nixpkgs/overlays"
    echo 'self: super: { hello = super.hooked; }' >"$HOME/.config/nixpkgs/overlays/a.nix"
    resolve
    refute_cached
    assert_output_has hooked-1.0
    resolve_and_cache
    rm "$HOME/.config/nixpkgs/overlays/a.nix"
    resolve
    refute_cached
    refute_output_has hooked-1.0
}

@test "cache: an evaluated file of a mutable nixpkgs" {
    cp -r "$NIXCAGE_SRC/share/offline" "$BATS_TEST_TMPDIR/pkgs"
    chmod -R u+w "$BATS_TEST_TMPDIR/pkgs"
    export NIX_PATH=nixpkgs=$BATS_TEST_TMPDIR/pkgs
    nix_project 'packages = ["hello"]'
    resolve_and_cache
    echo '# more' >>"$BATS_TEST_TMPDIR/pkgs/unusual.nix"
    resolve
    refute_cached
    resolve_and_cache
    # A file that is copied to the store, with its time put back.
    touch -r "$BATS_TEST_TMPDIR/pkgs/setup.sh" stamp
    sed -i 's/CONFIG_SHELL=/CONFIG_SHELL= OTHER=/' "$BATS_TEST_TMPDIR/pkgs/setup.sh"
    touch -r stamp "$BATS_TEST_TMPDIR/pkgs/setup.sh"
    resolve
    refute_cached
}

@test "cache: a channel that moves to another generation" {
    local channels=$BATS_TEST_TMPDIR/channels
    cp -r "$NIXCAGE_SRC/share/offline" "$BATS_TEST_TMPDIR/one"
    cp -r "$NIXCAGE_SRC/share/offline" "$BATS_TEST_TMPDIR/two"
    ln -s one "$channels"
    export NIX_PATH=nixpkgs=$channels
    nix_project 'packages = ["hello"]'
    resolve_and_cache
    ln -sfn two "$channels"
    resolve
    refute_cached
}

@test "cache: shell.nix, what it imports, and what it only reads" {
    nix_project 'shell = "shell.nix"'
    echo one >version
    echo '{ FOO = 1; }' >other.nix
    cat >shell.nix <<'END'
with import <nixpkgs> { };
mkShell ({ packages = [ hello ]; version = builtins.readFile ./version; } // import ./other.nix)
END
    resolve_and_cache
    echo two >version
    resolve
    refute_cached
    assert_output_has "env version=two"
    resolve_and_cache
    echo '{ FOO = 2; }' >other.nix
    resolve
    refute_cached
    assert_line "env FOO=2"
    resolve_and_cache
    sed -i 's/hello/hello hooked/' shell.nix
    resolve
    refute_cached
    resolve_and_cache
    echo x >unrelated
    resolve
    assert_cached
}

@test "cache: a variable that shell.nix reads" {
    nix_project 'shell = "shell.nix"'
    echo 'with import <nixpkgs> { }; mkShell { FOO = builtins.getEnv "MY_OWN"; }' >shell.nix
    MY_OWN=1 resolve
    MY_OWN=1 poll_until 5 _is_cached
    MY_OWN=2 resolve
    refute_cached
    assert_line "env FOO=2"
}

# Seconds until the entry is not believed any more; nothing: it has no such time. (What then: tests/unit/nix/test_cache.c.)
expires() {
    local at
    at=$(tr '\0' '\n' <"$(entry)" | sed -n 's/^X\([0-9]*\)$/\1/p')
    [ -z "$at" ] || echo $((at - $(date +%s)))
}

@test "cache: what an unpinned URL gave is believed for an hour" {
    nix_project 'shell = "shell.nix"'
    cat >shell.nix <<'END'
with import <nixpkgs> { };
mkShell { packages = [ hello ]; unused = if true then "" else builtins.fetchTarball "https://example.org/x.tar.gz"; }
END
    resolve_and_cache
    [ "$(expires)" -gt 3000 ]
    [ "$(expires)" -le 3600 ]
    # The control: no URL.
    rm -r "$XDG_CACHE_HOME"
    echo 'with import <nixpkgs> { }; mkShell { packages = [ hello ]; }' >shell.nix
    resolve_and_cache
    [ -z "$(expires)" ]
}

@test "cache: a flake's files" {
    nix_project 'shell = "."'
    echo '{ FROM = "one"; }' >part.nix
    cat >flake.nix <<END
{
  outputs = _: let pkgs = import $NIXCAGE_SRC/share/offline { }; in {
    devShells.\${pkgs.system}.default = pkgs.mkShell ({ packages = [ pkgs.hello ]; } // import ./part.nix);
  };
}
END
    resolve_and_cache
    assert_line "env FROM=one"
    echo '{ FROM = "two"; }' >part.nix
    resolve
    refute_cached
    assert_line "env FROM=two"
}

@test "cache: roots survive the collector" {
    nix_project 'packages = ["multi", "hooked"]'
    resolve_and_cache
    local dead
    dead=$(nix-store --add nixcage.toml)
    [ -e "$dead" ]
    nix-store --gc >/dev/null 2>&1
    # Positive control: the collector did collect.
    [ ! -e "$dead" ]
    resolve
    assert_cached
    sed -n 's/^closure //p' <<<"$output" | xargs -n1 test -e
}

@test "cache: a missing store path is made again without a word" {
    nix_project 'packages = ["structured"]'
    resolve_and_cache
    rm -r "$XDG_CACHE_HOME"/nixcage/v1/gen/*/roots
    nix-store --gc >/dev/null 2>&1
    resolve
    refute_cached
    refute_stderr_has nixcage:
    sed -n 's/^closure //p' <<<"$output" | xargs -n1 test -e
}

@test "cache: truncated, emptied, noisy, unreadable or foreign entries are not used" {
    nix_project 'packages = ["hello"]'
    resolve_and_cache
    local good=$BATS_TEST_TMPDIR/good file size
    file=$(entry)
    cp "$file" "$good"
    size=$(stat -c %s "$good")
    damaged() {
        resolve
        refute_cached
        refute_stderr_has nixcage:
        cmp -s "$good" "$file" || resolve_and_cache
        cp "$(entry)" "$good"
    }
    for n in 0 1 20 90 $((size / 2)) $((size - 1)); do
        truncate -s "$n" "$file"
        damaged
    done
    head -c "$size" /dev/urandom >"$file"
    damaged
    printf '\377' | dd of="$file" bs=1 seek=$((size / 2)) conv=notrunc 2>/dev/null
    damaged
    cat "$good" "$good" >"$file"
    damaged
    rm "$file"
    mkdir "$file"
    resolve
    refute_cached
    rmdir "$file"
    cp "$good" "$file"
    chmod 666 "$file"
    damaged
    if [ "$NIXCAGE_TEST_MODE" = user ]; then
        chmod 000 "$file"
        resolve
        refute_cached
    fi
}

@test "cache: the directory of the entry is damaged" {
    nix_project 'packages = ["hello"]'
    resolve_and_cache
    rm -r "$XDG_CACHE_HOME"/nixcage/v1/gen/*/attrs
    resolve
    refute_cached
    resolve_and_cache
    rm -r "$XDG_CACHE_HOME"/nixcage/v1/gen
    resolve
    refute_cached
    resolve_and_cache
    rm "$XDG_CACHE_HOME"/nixcage/v1/gen/*/lock
    resolve
    refute_cached
}

@test "cache: where it cannot be written, it works and warns once" {
    nix_project 'packages = ["hello"]'
    mkdir -p "$XDG_CACHE_HOME"
    : >"$XDG_CACHE_HOME/nixcage"
    local tmp=$BATS_TEST_TMPDIR/tmp
    mkdir "$tmp"
    TMPDIR=$tmp resolve
    refute_cached
    [ "$(grep -c 'nixcage: warning' <<<"$stderr")" = 1 ]
    assert_stderr_has "cannot be cached"
    [ -z "$(ls -A "$tmp")" ]
}

@test "cache: a full disk" {
    [ "$NIXCAGE_TEST_MODE" = root ] || skip "needs a mount"
    nix_project 'packages = ["hello"]'
    mkdir -p "$XDG_CACHE_HOME/nixcage"
    mount -t tmpfs -o size=64k,mode=700 none "$XDG_CACHE_HOME/nixcage"
    head -c 60000 /dev/zero >"$XDG_CACHE_HOME/nixcage/fill" 2>/dev/null || :
    resolve
    umount "$XDG_CACHE_HOME/nixcage"
    assert_status 0
    assert_line "cached=0"
    assert_output_has "env PATH=/nix/store"
}

@test "cache: what changes while Nix looks is not kept" {
    nix_project 'shell = "shell.nix"'
    echo 'with import <nixpkgs> { }; mkShell { packages = [ slow ]; FOO = 1; }' >shell.nix
    SLOW=1 SLOW_LOG=$PWD/log "$NIX_RESOLVE" >out 2>&1 &
    local pid=$!
    poll_until 10 test -s log
    sed -i 's/FOO = 1/FOO = 2/' shell.nix
    wait "$pid" || cat out >&2
    grep -qx "env FOO=1" out
    SLOW=1 SLOW_LOG=$PWD/log resolve
    refute_cached
    assert_line "env FOO=2"
}

@test "cache: --stale uses the last environment, only when asked" {
    nix_project 'packages = ["hello"]'
    resolve_and_cache
    echo '[nix]
packages = ["failing"]' >nixcage.toml
    resolve
    assert_status 125
    resolve --stale
    assert_status 0
    assert_line stale=1
    assert_output_has hello-2.12
    assert_stderr_has "using the previous environment"
    echo '[nix]
packages = ["hello"]' >nixcage.toml
    resolve --stale
    assert_line stale=0
}

@test "cache: run --stale and shell --stale, with a warning" {
    nix_project 'packages = ["hello"]'
    poll_until 5 _has_entry
    nix_project 'packages = ["failing"]'
    run_cage hello
    assert_status 125
    run_split "$NIXCAGE" run --stale -- hello
    assert_status 0
    assert_output_has Hello
    assert_stderr_has 'warning: using the previous environment'
    # Without a terminal the shell reads its commands from standard input: there are none.
    run_split "$NIXCAGE" shell --stale
    assert_status 0
    assert_stderr_has 'warning: using the previous environment'
    # Nix can: then it is the new one, and there is nothing to warn of.
    nix_project 'packages = ["hooked"]'
    run_split "$NIXCAGE" run --stale -- true
    assert_status 0
    refute_stderr_has previous
}

_has_entry() {
    run_cage hello
    [ -n "$(entry)" ]
}

@test "cache: eight cold resolutions at once make one build" {
    nix_project 'packages = ["slow"]'
    export SLOW=1 SLOW_LOG=$PWD/log
    local pids=() pid i
    for i in 1 2 3 4 5 6 7 8; do
        "$NIX_RESOLVE" >"out$i" 2>"err$i" &
        pids+=($!)
    done
    for pid in "${pids[@]}"; do wait "$pid"; done
    [ "$(wc -l <log)" = 1 ]
    for i in 2 3 4 5 6 7 8; do
        diff <(grep '^env' out1) <(grep '^env' "out$i")
    done
    [ "$(cat out? | grep -c cached=0)" = 1 ]
}

@test "gc: keeps what a project or a running cage uses" {
    nix_project 'packages = ["hello"]'
    resolve_and_cache
    run_split "$NIX_RESOLVE" gc
    assert_output "removed=0 kept=1 in_use=0 stores=0"
    resolve
    assert_cached
    # A cage that runs with it holds it, also against --all.
    mkfifo hold
    "$NIX_RESOLVE" --wait <hold >out &
    local pid=$!
    exec 7>hold
    poll_until 5 grep -q ^env out
    run_split "$NIX_RESOLVE" gc --all
    assert_output "removed=0 kept=1 in_use=1 stores=0"
    exec 7>&-
    wait "$pid"
    run_split "$NIX_RESOLVE" gc --all
    assert_output "removed=1 kept=0 in_use=0 stores=0"
    [ -z "$(ls -A "$XDG_CACHE_HOME/nixcage/v1/gen")" ]
}

@test "gc: drops the environments of removed projects and of earlier configurations" {
    nix_project 'packages = ["hello"]'
    resolve_and_cache
    echo '[nix]
packages = ["hooked"]' >nixcage.toml
    resolve_and_cache
    run_split "$NIX_RESOLVE" gc
    assert_output "removed=1 kept=1 in_use=0 stores=0"
    resolve
    assert_cached
    rm nixcage.toml
    run_split "$NIX_RESOLVE" gc
    assert_output "removed=1 kept=0 in_use=0 stores=0"
}

@test "gc: two projects with the same packages share one environment" {
    nix_project 'packages = ["hello"]'
    resolve_and_cache
    mkdir other
    cp nixcage.toml other/
    cd other
    resolve
    assert_cached
    cd ..
    run_split "$NIX_RESOLVE" forget
    assert_status 0
    cd other
    resolve
    assert_cached
    run_split "$NIX_RESOLVE" forget
    resolve
    refute_cached
}
