# SPDX-License-Identifier: GPL-3.0-or-later
#
# A package set for tests and demonstrations that needs no network: the shape of nixpkgs, filled with
# programs of the machine it is evaluated on. Real Nix, real derivations; only the sources are missing.
# Needs bash-static, busybox-static and, for the packages made of host programs, patchelf.
{ system ? builtins.currentSystem, config ? null, overlays ? null, ... }:

let
  # Where nixpkgs looks, too (pkgs/top-level/impure.nix): tests of the cache change these.
  home = builtins.getEnv "HOME";
  impure = file: default:
    if home != "" && builtins.pathExists (home + file) then home + file else default;
  configFile =
    let named = builtins.getEnv "NIXPKGS_CONFIG"; in
    if named != "" && builtins.pathExists named then named
    else impure "/.config/nixpkgs/config.nix" (impure "/.nixpkgs/config.nix" null);
  readConfig = value: if builtins.isFunction value then value { inherit pkgs; } else value;
  theConfig =
    if config != null then readConfig config
    else if configFile != null then readConfig (import configFile)
    else { };

  overlayDir = dir: map (name: import (dir + "/" + name))
    (builtins.filter (name: builtins.match ".*\\.nix" name != null)
      (builtins.attrNames (builtins.readDir dir)));
  overlayFile = impure "/.config/nixpkgs/overlays.nix" null;
  overlayFolder = impure "/.config/nixpkgs/overlays" null;
  theOverlays =
    if overlays != null then overlays
    else if overlayFile != null then import overlayFile
    else if overlayFolder != null then overlayDir overlayFolder
    else [ ];

  optional = yes: value: if yes then [ value ] else [ ];
  allowUnfree = theConfig.allowUnfree or false || builtins.getEnv "NIXPKGS_ALLOW_UNFREE" == "1";
  allowBroken = theConfig.allowBroken or false || builtins.getEnv "NIXPKGS_ALLOW_BROKEN" == "1";

  # The first of these files that the machine has, or an error that says how to get it.
  hostFile = what: candidates:
    let found = builtins.filter builtins.pathExists candidates; in
    if found != [ ] then toString (builtins.head found)
    else throw "the offline package set needs ${what} on this machine (looked for: ${toString candidates})";

  # Level 0: copied from the host by the host's own shell.
  hostPath = "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin";
  staticProgram = name: source: script: derivation {
    inherit name system source;
    builder = "/bin/sh";
    PATH = hostPath;
    args = [ "-c" ''set -e; mkdir -p "$out/bin"; ${script}'' ];
  };
  bashStatic = hostFile "bash-static" [ /bin/bash-static /usr/bin/bash-static ];
  busybox = hostFile "busybox-static" [ /bin/busybox /usr/bin/busybox ];
  mkBash = name: staticProgram name bashStatic
    ''cp -L "$source" "$out/bin/bash"; ln -s bash "$out/bin/sh"'';
  bash = mkBash "bash-5.2";
  # All applets but the shells; each names the store path, so that links stay true when followed.
  coreutils = staticProgram "coreutils-9.1" busybox ''
    cp -L "$source" "$out/bin/busybox"
    for a in $("$source" --list); do
      case $a in sh|ash|hush|busybox|init|linuxrc|bash) ;; *) ln -s busybox "$out/bin/$a" ;; esac
    done'';
  applets = name: list: staticProgram name busybox ''
    for a in ${list}; do ln -s "${coreutils}/bin/busybox" "$out/bin/$a"; done'';

  # A dynamically linked program of the host, with its libraries beside it and no path left that leads out.
  hostProgram = name: program: candidates: derivation {
    inherit name system program;
    source = hostFile program candidates;
    patchelf = hostFile "patchelf" [ /usr/bin/patchelf /usr/local/bin/patchelf ];
    builder = "/bin/sh";
    PATH = hostPath;
    args = [ ./host-program.sh ];
  };

  # Level 1: the standard environment.
  stdenv = derivation {
    name = "stdenv-offline";
    inherit system bash coreutils;
    builder = "${bash}/bin/bash";
    setup = ./setup.sh;
    defaultBuilder = ./builder.sh;
    PATH = "${coreutils}/bin";
    args = [ "-c" ''
      set -e
      mkdir -p "$out/nix-support"
      { echo "export SHELL=$bash/bin/bash"; echo "initialPath='$coreutils $bash'"; cat "$setup"; } >"$out/setup"
      cp "$defaultBuilder" "$out/builder.sh"
    '' ];
  } // { inherit mkDerivation; cc = null; };

  checkMeta = attrs:
    let
      meta = attrs.meta or { };
      license = meta.license or { free = true; };
      refuse = why: how: throw ''
        Package ‘${attrs.name}’ in ${toString ./default.nix} ${why}, refusing to evaluate.

        a) To temporarily allow it, you can use an environment variable
           for a single invocation of the nix tools.
             $ export ${how}=1
      '';
    in
    if !(license.free or true) && !allowUnfree
    then refuse "has an unfree license (‘${license.shortName or "unfree"}’)" "NIXPKGS_ALLOW_UNFREE"
    else if meta.broken or false && !allowBroken then refuse "is marked as broken" "NIXPKGS_ALLOW_BROKEN"
    else true;

  # As in nixpkgs: build inputs use the dev output where there is one.
  getDev = input: input.dev or input;
  inputAttrs = [ "buildInputs" "nativeBuildInputs" "propagatedBuildInputs" "propagatedNativeBuildInputs" ];

  mkDerivation = given:
    let
      attrs = given // { name = given.name or "${given.pname}-${given.version}"; };
      inputs = builtins.listToAttrs (map
        (name: { inherit name; value = map getDev (attrs.${name} or [ ]); })
        inputAttrs);
      plain = removeAttrs attrs ([ "meta" "passthru" ] ++ inputAttrs);
      drv = derivation ({
        inherit system;
        builder = "${bash}/bin/bash";
        args = [ "-e" "${stdenv}/builder.sh" ];
        outputs = [ "out" ];
      } // inputs // plain // { inherit stdenv; });
      checked = assert checkMeta attrs; drv;
      extra = { meta = attrs.meta or { }; passthru = attrs.passthru or { }; inherit (attrs) name; }
        // (attrs.passthru or { });
    in
    # Evaluating the name must not fail for a refused package, its derivation must.
    checked // extra;

  runCommandWith = extra: name: env: buildCommand: mkDerivation ({
    enableParallelBuilding = true;
    inherit buildCommand name;
    passAsFile = [ "buildCommand" ] ++ (env.passAsFile or [ ]);
  } // removeAttrs env [ "passAsFile" ] // extra);
  runCommand = runCommandWith { };

  writeShellScriptBin = name: text: runCommand name { inherit text; passAsFile = [ "text" ]; } ''
    mkdir -p $out/bin
    { echo "#!${bash}/bin/bash"; cat $textPath; } >$out/bin/${name}
    chmod +x $out/bin/${name}
  '';

  mkShell = { packages ? [ ], inputsFrom ? [ ], nativeBuildInputs ? [ ], buildInputs ? [ ], ... }@args:
    mkDerivation (removeAttrs args [ "packages" "inputsFrom" ] // {
      name = args.name or "nix-shell";
      buildInputs = buildInputs ++ builtins.concatLists (map (d: d.buildInputs or [ ]) inputsFrom);
      nativeBuildInputs = packages ++ nativeBuildInputs;
      phases = [ "buildPhase" ];
      buildPhase = "export >$out";
    });

  standIn = program: writeShellScriptBin program ''echo "${program} stand-in $*"'';

  base = {
    inherit pkgs system stdenv bash coreutils mkShell runCommand writeShellScriptBin;
    inherit (stdenv) mkDerivation;
    config = theConfig;
    lib = { inherit optional getDev; version = "24.11-offline"; };
    path = ./.;
    runCommandCC = runCommand;
    runCommandLocal = name: env: runCommandWith { preferLocalBuild = true; allowSubstitutes = false; } name env;
    stdenvNoCC = stdenv;
    mkShellNoCC = mkShell;
    bashInteractive = mkBash "bash-interactive-5.2";
    gnused = applets "gnused-4.9" "sed";
    gnugrep = applets "gnugrep-3.11" "grep egrep fgrep";
    gawk = applets "gawk-5.2" "awk";
    findutils = applets "findutils-4.9" "find xargs";
    gnutar = applets "gnutar-1.35" "tar";
    gzip = applets "gzip-1.13" "gzip gunzip zcat";
    less = applets "less-608" "less";

    # Debian's own reads parts of itself from /usr/share/nodejs, which is not there in a cage: another one goes before it.
    nodejs_22 = hostProgram "nodejs-22" "node" [ /usr/local/bin/node /usr/bin/node ];
    nodejs = pkgs.nodejs_22;
    git = hostProgram "git-2" "git" [ /usr/bin/git ];
    curl = hostProgram "curl-8" "curl" [ /usr/bin/curl ];
    jq = hostProgram "jq-1" "jq" [ /usr/bin/jq ];
    ripgrep = hostProgram "ripgrep-14" "rg" [ /usr/bin/rg ];
    zsh = hostProgram "zsh-5" "zsh" [ /usr/bin/zsh /bin/zsh ];
    fish = hostProgram "fish-3" "fish" [ /usr/bin/fish ];
    strace = hostProgram "strace-6" "strace" [ /usr/bin/strace ];

    hello = runCommand "hello-2.12"
      { version = "2.12"; meta.description = "A program that greets"; }
      ''
        mkdir -p $out/bin $out/share/hello
        cat >$out/bin/hello <<END
        #!${bash}/bin/bash
        case "\''${1:-}" in
        -g) echo "\$2" ;;
        --version) echo "hello (offline) 2.12" ;;
        *) echo "Hello, world!" ;;
        esac
        END
        chmod +x $out/bin/hello
        echo "Hello" >$out/share/hello/greeting
      '';
    nested.hello = pkgs.hello;

    # Stand-in for an agent with an unfree licence.
    claude-code = runCommand "claude-code-2.0"
      { meta.license = { free = false; shortName = "unfree"; }; }
      ''
        mkdir -p $out/bin
        printf '%s\n' '#!${bash}/bin/bash' 'echo "claude stand-in $*"' >$out/bin/claude
        chmod +x $out/bin/claude
      '';
    codex = standIn "codex";
    gemini-cli = standIn "gemini";
    opencode = standIn "opencode";
  };

  # Packages with something unusual to them, on purpose.
  unusual = import ./unusual.nix { inherit pkgs runCommand mkDerivation bash; };

  pkgs = builtins.foldl' (prev: overlay: prev // overlay pkgs prev) (base // unusual) theOverlays;
in
pkgs
