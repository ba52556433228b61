# SPDX-License-Identifier: GPL-3.0-or-later
# Stands for nixpkgs as a flake.
{
  outputs = _: {
    lib = import ./lib.nix;
    legacyPackages = (import ./lib.nix).genAttrs [ "x86_64-linux" "aarch64-linux" "x86_64-darwin" "aarch64-darwin" ] (
      system: import ./default.nix { inherit system; }
    );
  };
}
