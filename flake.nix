# SPDX-License-Identifier: GPL-3.0-or-later
{
  description = "Run a program in a project, in a sandbox with tools from Nix";

  inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixos-25.11";

  outputs =
    { self, nixpkgs }:
    let
      systems = [
        "x86_64-linux"
        "aarch64-linux"
        "x86_64-darwin"
        "aarch64-darwin"
      ];
      each = make: nixpkgs.lib.genAttrs systems (system: make nixpkgs.legacyPackages.${system});
    in
    {
      packages = each (pkgs: rec {
        nixcage = pkgs.callPackage ./package.nix { };
        default = nixcage;
      });
      overlays.default = final: _: { nixcage = final.callPackage ./package.nix { }; };
      devShells = each (pkgs: {
        default = pkgs.mkShell {
          inputsFrom = [ self.packages.${pkgs.stdenv.hostPlatform.system}.nixcage ];
          packages = [
            pkgs.bats
            pkgs.shellcheck
          ];
        };
      });
      checks = each (pkgs: { inherit (self.packages.${pkgs.stdenv.hostPlatform.system}) nixcage; });
    };
}
