# SPDX-License-Identifier: GPL-3.0-or-later
# One package for each thing that makes an environment hard to reproduce, and one for each way to fail.
{ pkgs, runCommand, mkDerivation, bash }:

{
  # Its setup hook exports variables, defines a function and appends to a path.
  hooked = runCommand "hooked-1.0" { } ''
    mkdir -p $out/bin $out/nix-support
    printf '%s\n' '#!${bash}/bin/bash' 'echo hooked' >$out/bin/hooked
    chmod +x $out/bin/hooked
    cat >$out/nix-support/setup-hook <<'END'
    export HOOKED_VAR="from the setup hook"
    export HOOKED_MULTILINE=$'first\nsecond'
    hookedFunction() { echo "hooked function"; }
    hookedEnvHook() { addToSearchPath HOOKED_PATH "$1/share"; }
    addEnvHooks hookedEnvHook
    END
  '';

  # Brings `hooked` and `hello` along.
  prop = mkDerivation {
    name = "prop-1.0";
    propagatedBuildInputs = [ pkgs.hooked ];
    propagatedNativeBuildInputs = [ pkgs.hello ];
    buildCommand = ''
      mkdir -p $out/bin
      printf '%s\n' '#!${bash}/bin/bash' 'echo prop' >$out/bin/prop
      chmod +x $out/bin/prop
      recordPropagated
    '';
  };

  # A program in out, headers in dev.
  multi = mkDerivation {
    name = "multi-1.0";
    outputs = [ "out" "dev" ];
    buildCommand = ''
      mkdir -p $out/bin $dev/include $dev/nix-support
      printf '%s\n' '#!${bash}/bin/bash' 'echo multi' >$out/bin/multi
      chmod +x $out/bin/multi
      echo '#define MULTI 1' >$dev/include/multi.h
      echo "export MULTI_DEV=$dev" >$dev/nix-support/setup-hook
      echo "$out" >$dev/nix-support/propagated-build-inputs
    '';
  };

  # Attributes that arrive as .attrs.sh and .attrs.json; for use as a shell: nix-shell -A structuredShell.
  structured = mkDerivation {
    name = "structured-1.0";
    __structuredAttrs = true;
    list = [ "a" "b c" ];
    table.key = "value";
    buildCommand = ''
      mkdir -p $out/bin $out/share
      printf '%s\n' '#!${bash}/bin/bash' 'echo structured' >$out/bin/structured
      chmod +x $out/bin/structured
      printf '%s\n' "''${list[@]}" >$out/share/list
    '';
  };
  structuredShell = mkDerivation {
    name = "structured-shell";
    __structuredAttrs = true;
    buildInputs = [ pkgs.hello pkgs.hooked ];
    list = [ "a" "b c" ];
    table.key = "value";
    greeting = "hi there";
    env.EXPORTED = "exported";
    buildCommand = "echo >$out";
  };

  unfree = runCommand "unfree-1.0"
    { meta.license = { free = false; shortName = "unfree"; }; }
    ''
      mkdir -p $out/bin
      printf '%s\n' '#!${bash}/bin/bash' 'echo unfree' >$out/bin/unfree
      chmod +x $out/bin/unfree
    '';
  broken = runCommand "broken-1.0" { meta.broken = true; } "mkdir $out";
  failing = runCommand "failing-1.0" { } ''
    echo "failing: this build fails on purpose" >&2
    exit 3
  '';
  throwing = throw "throwing: this package does not evaluate on purpose";

  # Takes SLOW seconds (3 by default) and tells of every build in the file SLOW_LOG, when that is set at evaluation.
  slow = runCommand "slow-1.0"
    {
      seconds = let s = builtins.getEnv "SLOW"; in if s == "" then "3" else s;
      log = builtins.getEnv "SLOW_LOG";
    }
    ''
      if [ -n "$log" ]; then echo "slow: built by $$" >>"$log"; fi
      echo "slow: building" >&2
      sleep "$seconds"
      mkdir -p $out/bin
      printf '%s\n' '#!${bash}/bin/bash' 'echo slow' >$out/bin/slow
      chmod +x $out/bin/slow
    '';

  # Tries to write where a build or setup hook has no business: proves where the setup phase runs.
  nosy = runCommand "nosy-1.0" { } ''
    mkdir -p $out/nix-support
    cat >$out/nix-support/setup-hook <<'END'
    export NOSY_HOME=$HOME
    export NOSY_SEES_HOST=$([ -e /etc/shadow ] && echo yes || echo no)
    ( : >"$HOME/nosy-was-here" ) 2>/dev/null || :
    END
  '';

  # A closure of SIZE paths (default 50), for measurements.
  wide =
    let
      size = let s = builtins.getEnv "WIDE"; in if s == "" then 50 else builtins.fromJSON s;
      part = n: derivation {
        name = "wide-part-${toString n}";
        inherit (pkgs) system;
        builder = "${bash}/bin/bash";
        args = [ "-c" "echo ${toString n} >$out" ];
      };
    in
    runCommand "wide-${toString size}" { parts = builtins.genList part size; } ''
      mkdir -p $out/bin
      echo $parts >$out/parts
      printf '%s\n' '#!${bash}/bin/bash' 'echo wide' >$out/bin/wide
      chmod +x $out/bin/wide
    '';
}
