# SPDX-License-Identifier: GPL-3.0-or-later
# package.nix and flake.nix, evaluated by real Nix with a stand-in for nixpkgs.

setup_file() {
    SRC=${NIXCAGE_SRC:-$(cd "$BATS_TEST_DIRNAME/../.." && pwd -P)}
    STANDIN=$SRC/tests/package/nixpkgs
    # A store of its own: nothing is built, and the machine's is left alone.
    local place=$BATS_FILE_TMPDIR/nix
    export NIX_STORE_DIR=$place/store NIX_STATE_DIR=$place/var NIX_LOG_DIR=$place/log NIX_CONF_DIR=$place/etc NIX_REMOTE=local
    export HOME=$BATS_FILE_TMPDIR/home SRC STANDIN
    export NIX_CONFIG='experimental-features = nix-command flakes
substituters =
build-users-group ='
    unset NIX_PATH XDG_CACHE_HOME XDG_CONFIG_HOME XDG_DATA_HOME XDG_STATE_HOME
    mkdir -p "$HOME" "$place/etc"
    # What git knows of: a flake is what is in it, and build directories are large.
    mkdir "$BATS_FILE_TMPDIR/src"
    (cd "$SRC" && cp -R ./*.nix meson.build meson_options.txt LICENSE src share man completions "$BATS_FILE_TMPDIR/src/")
    cp -R "$STANDIN" "$BATS_FILE_TMPDIR/nixpkgs"
    nix-instantiate --quiet -E "(import $BATS_FILE_TMPDIR/nixpkgs { system = \"x86_64-linux\"; }).callPackage $BATS_FILE_TMPDIR/src/package.nix { }" \
        >"$BATS_FILE_TMPDIR/drv" 2>"$BATS_FILE_TMPDIR/err" || { cat "$BATS_FILE_TMPDIR/err" >&2; return 1; }
    # Newer ones put the derivations one level deeper.
    nix show-derivation "$(cat "$BATS_FILE_TMPDIR/drv")" 2>/dev/null | jq '(.derivations // .)[] | .env' >"$BATS_FILE_TMPDIR/env"
}

teardown_file() {
    chmod -R u+w "$BATS_FILE_TMPDIR"
}

env_of() {
    jq -r ".$1" "$BATS_FILE_TMPDIR/env"
}

@test "package.nix: name and version are those of meson.build" {
    local version
    version=$(sed -n "s/^  version: '\(.*\)',$/\1/p" "$SRC/meson.build")
    [ -n "$version" ]
    [ "$(env_of name)" = "nixcage-$version" ]
}

@test "package.nix: the libraries that meson.build asks for are inputs" {
    local name all
    all="$(env_of buildInputs) $(env_of checkInputs)"
    for name in jansson libevent libsodium tomlplusplus libseccomp libc-static cmocka; do
        [[ $all == *"-$name"* ]] || { echo "missing: $name in $all" >&2; return 1; }
    done
    [[ $(env_of nativeBuildInputs) == *-meson*-ninja*-pkg-config* ]]
}

@test "package.nix: the program gets its own bubblewrap, and meson takes the options" {
    local flags build=$BATS_TEST_TMPDIR/build
    flags=$(env_of mesonFlags)
    [[ $flags == *"-Dbwrap=$NIX_STORE_DIR/"*-bubblewrap/bin/bwrap* ]]
    # Words on purpose, as stdenv does it.
    # shellcheck disable=SC2086
    meson setup "$build" "$SRC" -Dtests=false $flags >"$BATS_TEST_TMPDIR/log" 2>&1 || { cat "$BATS_TEST_TMPDIR/log" >&2; return 1; }
    grep -q "CAGE_BWRAP \"$NIX_STORE_DIR/.*-bubblewrap/bin/bwrap\"" "$build/cage_config.h"
}

@test "package.nix: on macOS it does not want it" {
    nix-instantiate --eval --strict --json -E "
        let pkgs = import $BATS_FILE_TMPDIR/nixpkgs { system = \"aarch64-darwin\"; };
            package = pkgs.callPackage $BATS_FILE_TMPDIR/src/package.nix { };
        in { inherit (package) mesonFlags; inputs = map (p: p.name) package.buildInputs; }" >"$BATS_TEST_TMPDIR/json"
    [ "$(jq -r '.mesonFlags | map(select(test("bwrap"))) | length' "$BATS_TEST_TMPDIR/json")" = 0 ]
    [ "$(jq -r '.inputs | map(select(. == "libseccomp")) | length' "$BATS_TEST_TMPDIR/json")" = 0 ]
    [ "$(jq -r '.inputs | map(select(. == "jansson")) | length' "$BATS_TEST_TMPDIR/json")" = 1 ]
}

flake() {
    nix eval --no-write-lock-file --override-input nixpkgs "path:$BATS_FILE_TMPDIR/nixpkgs" --offline --json "path:$BATS_FILE_TMPDIR/src#$1"
}

@test "flake.nix: a package for every system, the default one being it" {
    local system
    for system in x86_64-linux aarch64-linux x86_64-darwin aarch64-darwin; do
        flake "packages.$system.nixcage.drvPath" >"$BATS_TEST_TMPDIR/one"
        flake "packages.$system.default.drvPath" >"$BATS_TEST_TMPDIR/two"
        grep -q "nixcage-.*\.drv" "$BATS_TEST_TMPDIR/one"
        cmp "$BATS_TEST_TMPDIR/one" "$BATS_TEST_TMPDIR/two"
    done
}

@test "flake.nix: a shell to work on nixcage, and a check" {
    flake devShells.x86_64-linux.default.drvPath | grep -q 'shell.drv'
    [ "$(flake checks.x86_64-linux.nixcage.drvPath)" = "$(flake packages.x86_64-linux.nixcage.drvPath)" ]
}
