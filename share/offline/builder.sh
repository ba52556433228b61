# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=bash disable=SC1090,SC1091,SC2154
# The standard environment's builder, as nixpkgs' default-builder.sh.
if [ -e "${NIX_ATTRS_SH_FILE:-}" ]; then
    source "$NIX_ATTRS_SH_FILE"
elif [ -f .attrs.sh ]; then
    source .attrs.sh
fi
source "$stdenv/setup"
genericBuild
