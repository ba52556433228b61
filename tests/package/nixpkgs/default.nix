# SPDX-License-Identifier: GPL-3.0-or-later
# Stands for nixpkgs where package.nix is evaluated without a network: packages are empty derivations with the right names, and
# mkDerivation passes on what it is given. What is not here is not in the real one, or package.nix must not use it.
{ system ? builtins.currentSystem, ... }:

let
  lib = import ./lib.nix;
  stub = name: derivation { inherit name system; builder = "/bin/sh"; args = [ "-c" "echo >$out" ]; };
  mkDerivation =
    args:
    let
      # As in nixpkgs: attributes of the package, not of the build.
      build = removeAttrs args [ "meta" "pname" "version" ];
    in
    derivation (build // { name = "${args.pname}-${args.version}"; inherit system; builder = "/bin/sh"; args = [ "-c" "exit 1" ]; })
    // { inherit (args) meta pname version; };
  names = [
    "bats" "bubblewrap" "cmocka" "jansson" "libevent" "libseccomp" "libsodium" "mandoc" "meson" "ninja" "pkg-config" "shellcheck"
    "tomlplusplus"
  ];
  isLinux = builtins.match ".*-linux" system != null;
  pkgs = lib.genAttrs names stub // {
    inherit lib;
    stdenv = {
      inherit mkDerivation;
      hostPlatform = { inherit system isLinux; };
      cc.libc = stub "libc" // { static = stub "libc-static"; };
    };
    mkShell = args: derivation (args // { name = "shell"; inherit system; builder = "/bin/sh"; args = [ ]; });
    callPackage = file: extra:
      let f = import file; in
      f (builtins.intersectAttrs (builtins.functionArgs f) pkgs // extra);
  };
in
pkgs
