# SPDX-License-Identifier: GPL-3.0-or-later
# nixcage, for callPackage. It is told where its bubblewrap is; Nix itself it finds on PATH, so that it is the user's.
{
  lib,
  stdenv,
  meson,
  ninja,
  pkg-config,
  mandoc,
  cmocka,
  jansson,
  libevent,
  libseccomp,
  libsodium,
  tomlplusplus,
  bubblewrap,
}:

let
  linux = stdenv.hostPlatform.isLinux;
in
stdenv.mkDerivation {
  pname = "nixcage";
  # The one place that has it is meson.build; its beginning will do.
  version = lib.head (
    builtins.match ".*version: '([0-9.]+)'.*" (builtins.substring 0 100 (builtins.readFile ./meson.build))
  );

  src = lib.cleanSource ./.;

  strictDeps = true;
  nativeBuildInputs = [
    meson
    ninja
    pkg-config
  ];
  buildInputs = [
    jansson
    libevent
    libsodium
    tomlplusplus
  ]
  ++ lib.optionals linux [
    libseccomp
    # The programs that run inside a cage are static.
    (lib.getOutput "static" stdenv.cc.libc)
  ];
  nativeCheckInputs = [ mandoc ];
  checkInputs = [ cmocka ];

  mesonFlags = [
    # nixpkgs has no archives of them.
    (lib.mesonBool "static_libs" false)
    (lib.mesonBool "static_cxx" false)
  ]
  ++ lib.optionals linux [
    (lib.mesonOption "bwrap" (lib.getExe' bubblewrap "bwrap"))
  ];

  # The unit tests; the suites need a Nix of their own.
  doCheck = true;
  mesonCheckFlags = [
    "--suite"
    "unit"
  ];

  meta = {
    description = "Run a program in a project, in a sandbox with tools from Nix";
    homepage = "https://github.com/hamidr/nixcage";
    license = lib.licenses.gpl3Plus;
    mainProgram = "nixcage";
    platforms = lib.platforms.linux ++ lib.platforms.darwin;
  };
}
