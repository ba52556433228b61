#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
# The environment is what nix-shell --pure makes.

load ../lib/common
load ../lib/nix

@test "environment: a plain package" {
    nix_project 'packages = ["hello"]'
    same_environment -p hello
}

@test "environment: order of packages decides" {
    nix_project 'packages = ["coreutils", "hello"]'
    same_environment -p coreutils hello
    ! same_environment -p hello coreutils 2>/dev/null
}

@test "environment: a setup hook" {
    nix_project 'packages = ["hooked", "hello"]'
    same_environment -p hooked hello
    resolve
    assert_line "env HOOKED_VAR=from the setup hook"
}

@test "environment: propagated inputs" {
    nix_project 'packages = ["prop"]'
    same_environment -p prop
    resolve
    assert_output_has "hooked-1.0"
}

@test "environment: multiple outputs" {
    nix_project 'packages = ["multi"]'
    same_environment -p multi
    resolve
    assert_output_has "env MULTI_DEV=/nix/store/"
}

@test "environment: a nested attribute" {
    nix_project 'packages = ["nested.hello"]'
    same_environment -p nested.hello
}

@test "environment: no packages at all" {
    nix_project 'packages = []'
    same_environment -p
}

@test "environment: structured attributes" {
    nix_project 'shell = "shell.nix"'
    echo '(import <nixpkgs> { }).structuredShell' >shell.nix
    same_environment shell.nix
    resolve_and_cache
    assert_line "env EXPORTED=exported"
    grep -q "declare -a list=" "$(field attrs)/.attrs.sh"
}

@test "environment: shell.nix with a shellHook, which is reported and not run" {
    nix_project 'shell = "shell.nix"'
    cat >shell.nix <<END
with import <nixpkgs> { };
mkShell { packages = [ hello hooked ]; FOO = "a\nb"; shellHook = "touch $PROJECT/ran; export HOOK=1"; }
END
    resolve
    assert_status 0
    [ ! -e ran ]
    assert_line "hook=touch $PROJECT/ran; export HOOK=1"
    refute_output_has "env HOOK=1"
    # Positive control: nix-shell runs it. Without the hook both give the same.
    nix-shell --pure shell.nix --run true
    [ -e ran ]
    sed -i 's/export HOOK=1/true/' shell.nix
    same_environment shell.nix
}

@test "environment: attribute files are complete" {
    nix_project 'shell = "shell.nix"'
    cat >shell.nix <<'END'
with import <nixpkgs> { };
mkShell { big = "first\nsecond"; other = "x"; passAsFile = [ "big" "other" ]; }
END
    # What is not cached is gone once it was resolved.
    resolve_and_cache
    assert_status 0
    [ "$(cat "$(field attrs)"/.attr-*)" = "$(printf 'first\nsecondx')" ]
    assert_output_has "env bigPath=/run/nixcage/attrs/.attr-"
}

@test "environment: a flake's dev shell" {
    nix_project 'shell = "."'
    cat >flake.nix <<END
{
  inputs = { };
  outputs = _:
    let pkgs = import $NIXCAGE_SRC/share/offline { system = "$(nix-instantiate --eval -E builtins.currentSystem | tr -d '"')"; }; in {
      devShells.\${pkgs.system} = {
        default = pkgs.mkShell { packages = [ pkgs.hello ]; FROM_FLAKE = "default"; };
        other = pkgs.mkShell { packages = [ pkgs.hello ]; FROM_FLAKE = "other"; };
      };
    };
}
END
    resolve
    assert_status 0
    assert_line "env FROM_FLAKE=default"
    [ ! -e flake.lock ]
    echo '[nix]
shell = ".#other"' >nixcage.toml
    resolve
    assert_line "env FROM_FLAKE=other"
    echo '[nix]
shell = ".#none"' >nixcage.toml
    resolve
    assert_status 125
    assert_stderr_has 'no dev shell named none'
}

@test "environment: a pinned revision with its hash, and another hash" {
    local hash revision=0123456789012345678901234567890123456789
    # What is in the store already is not downloaded, so the package set can stand for nixpkgs.
    mkdir source
    cp "$NIXCAGE_SRC"/share/offline/* source/
    sed -i 's/Hello, world!/Hello, pinned!/' source/default.nix
    nix-store --add-fixed --recursive sha256 source >/dev/null
    # shellcheck disable=SC2059
    hash=$(printf "$(nix-hash --type sha256 source | sed 's/../\\x&/g')" | base64 -w 0)
    nix_project 'packages = ["hello"]' "nixpkgs = \"github:NixOS/nixpkgs/$revision#sha256-$hash\""
    NIX_PATH='' run_cage hello
    assert_status 0
    assert_output 'Hello, pinned!'
    # Without a download there is no other.
    hash=$(echo another | sha256sum | sed 's/../\\x&/g; s/ .*//')
    # shellcheck disable=SC2059
    hash=$(printf "${hash:0:128}" | base64 -w 0)
    nix_project 'packages = ["hello"]' "nixpkgs = \"github:NixOS/nixpkgs/$revision#sha256-$hash\""
    https_proxy=http://127.0.0.1:9 NIX_PATH='' run_cage hello
    assert_status 125
}

@test "environment: no package code runs on the host" {
    nix_project 'packages = ["nosy"]'
    resolve
    assert_status 0
    assert_line "env NOSY_SEES_HOST=no"
    [ ! -e "$HOME/nosy-was-here" ]
    # Positive control: nix-shell itself lets the hook write.
    nix-shell --pure -p nosy --run true
    [ -e "$HOME/nosy-was-here" ]
}

@test "environment: nothing of the caller's comes in" {
    nix_project 'packages = ["hello"]'
    SECRET=x AWS_SECRET_ACCESS_KEY=y resolve
    assert_status 0
    refute_output_has SECRET
}

@test "environment: the closure is complete" {
    nix_project 'packages = ["hello", "multi"]'
    resolve
    assert_status 0
    sed -n 's/^closure //p' <<<"$output" >closure
    [ -s closure ]
    diff <(xargs nix-store -qR <closure | sort -u) closure
    xargs -n1 test -e <closure
}

@test "rc: functions exist, variables are not doubled, the hook runs" {
    nix_project 'shell = "shell.nix"'
    cat >shell.nix <<'END'
with import <nixpkgs> { };
mkShell { packages = [ hooked ]; shellHook = "export HOOK=1"; }
END
    mapfile -d '' variables < <("$NIX_RESOLVE" --env0)
    "$NIX_RESOLVE" rc command >rc
    resolve
    local bash
    bash=$(field bash)
    # shellcheck disable=SC2016
    run_split env -i "${variables[@]}" "$bash" rc "$bash" -c 'echo "$HOOK:$HOOKED_PATH:$1"' x 'a  b'
    assert_status 0
    [[ $output == 1:*:"a  b" ]]
    [ "$(grep -o hooked-1.0 <<<"$output" | wc -l)" -le 1 ]
    run_split env -i "${variables[@]}" "$bash" rc /nonexistent
    assert_status 127
    "$NIX_RESOLVE" rc shell >rc
    run_split env -i "${variables[@]}" "$bash" --rcfile rc -i -c hookedFunction
    assert_output "hooked function"
}

@test "rc: in a cage, too: nothing is appended twice, the hook has the functions and runs once" {
    mkdir -p "$BATS_TEST_TMPDIR/project"
    cat >"$BATS_TEST_TMPDIR/project/shell.nix" <<'END'
with import <nixpkgs> { };
let
  twice = runCommand "twice" { } ''
    mkdir -p $out/nix-support
    echo 'export TWICE="''${TWICE-}+"' >$out/nix-support/setup-hook
  '';
in
mkShell {
  packages = [ hooked twice ];
  shellHook = "export LIST=$TWICE:hook; hookedFunction >functions; PS1='own> '; echo ran >>ran";
}
END
    nix_project 'shell = "shell.nix"'
    # shellcheck disable=SC2016
    run_cage bash -c 'echo "$LIST"; echo "$TWICE"'
    assert_status 0
    assert_output "+:hook
+"
    [ "$(cat functions)" = "hooked function" ]
    [ "$(cat ran)" = ran ]
    # An interactive one: as in nix-shell the hook has the last word about the prompt.
    # shellcheck disable=SC2016
    output=$(printf '%s\n' 'echo "<$LIST><$TWICE><$PS1>"; type -t hookedFunction' | "$NIXCAGE" shell 2>/dev/null)
    assert_output_has "<+:hook><+><own> >"
    assert_output_has function
}
