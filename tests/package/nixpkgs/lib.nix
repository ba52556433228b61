# SPDX-License-Identifier: GPL-3.0-or-later
# The functions of nixpkgs' library that package.nix and flake.nix use, as its manual describes them.
rec {
  inherit (builtins) head;
  genAttrs = names: make: builtins.listToAttrs (map (name: { inherit name; value = make name; }) names);
  optionals = yes: list: if yes then list else [ ];
  getOutput = output: package: package.${output} or package;
  getExe' = package: name: "${package}/bin/${name}";
  mesonOption = name: value: assert builtins.isString value; "-D${name}=${value}";
  mesonBool = name: value: assert builtins.isBool value; mesonOption name (if value then "true" else "false");
  cleanSource = path: builtins.filterSource (file: _: builtins.match "(\\.git|build.*)" (baseNameOf file) == null) path;
  licenses.gpl3Plus.spdxId = "GPL-3.0-or-later";
  platforms.linux = [ "x86_64-linux" "aarch64-linux" ];
  platforms.darwin = [ "x86_64-darwin" "aarch64-darwin" ];
}
