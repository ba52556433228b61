# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=sh disable=SC2154
# Quickstart's second half: a usable Nix, a project, and what its cage shows. Needs common.sh; $src is the checkout,
# $nixcage the program, $keep whether the project stays.

# An ordinary user's Nix needs either a daemon or a /nix of the user's own.
nix_make_usable() {
    # On a Mac it is a volume that Nix's installer makes.
    if [ "$(uname -s)" = Darwin ] || [ "$(id -u)" = 0 ] || [ -S /nix/var/nix/daemon-socket/socket ] || [ -w /nix ]; then return 0; fi
    if [ -e /nix/store ]; then
        # shellcheck disable=SC2012
        die "/nix belongs to $(ls -ld /nix | awk '{ print $3 }') and no Nix daemon is running: start nix-daemon, or (single-user) sudo chown -R $(id -un) /nix"
    fi
    say "Making /nix for a single-user Nix: sudo install -d -m 0755 -o $(id -un) /nix"
    as_root install -d -m 0755 -o "$(id -un)" /nix
}

# Where the user has no <nixpkgs>, the demonstration uses the package set that comes with nixcage, made of programs of
# this machine. Its settings are for this process only.
nix_find_packages() {
    if nix-instantiate --find-file nixpkgs >/dev/null 2>&1; then
        say "Packages: your <nixpkgs> ($(nix-instantiate --find-file nixpkgs))"
        return 0
    fi
    if package_present file:/bin/bash-static,/usr/bin/bash-static; then
        offline=1
        NIX_PATH=nixpkgs=$src/share/offline
        NIX_CONFIG='sandbox = false
substituters =
build-users-group ='
        say "Packages: there is no <nixpkgs> here; using the offline set in share/offline"
    else
        NIX_PATH=nixpkgs=https://channels.nixos.org/nixos-25.05/nixexprs.tar.xz
        NIX_CONFIG='build-users-group ='
        say "Packages: there is no <nixpkgs> here; using $NIX_PATH"
    fi
    export NIX_PATH NIX_CONFIG
}

# The commands a visitor would type; $demo/project is the project, $demo/outside a neighbour of it.
demo_make() {
    demo=$(mktemp -d "${HOME:?}/nixcage-demo.XXXXXX")
    demo=$(cd "$demo" && pwd -P)
    mkdir "$demo/project" "$demo/outside"
    say "not for the cage" >"$demo/outside/secret.txt"
    cd "$demo/project" || die "cannot enter $demo/project"
    "$nixcage" init >"$demo/init.log" 2>&1 || {
        cat "$demo/init.log" >&2
        die "nixcage init failed"
    }
    cat >nixcage.toml <<'TOML'
[sandbox]
level = "standard"
[sandbox.network]
allow = false
[nix]
packages = ["hello"]
TOML
    "$nixcage" allow --yes >>"$demo/init.log" 2>&1 || :
}

demo_remove() {
    cd /
    if [ -n "${demo:-}" ] && [ -z "$keep" ]; then rm -rf "$demo"; fi
}

# What to look at, once outside and once in the cage: name=value lines. One text, so that both see through the same eyes.
demo_probe='
can() { if "$@" >/dev/null 2>&1; then echo yes; else echo no; fi; }
count() { n=0; for f in "$1"/* "$1"/.[!.]*; do case $f in "$2") continue ;; esac; if [ -e "$f" ] || [ -L "$f" ]; then n=$((n + 1)); fi; done; echo $n; }
echo "project=$(can touch made-in-the-cage)"
echo "policy=$(if (: >>nixcage.toml) 2>/dev/null; then echo yes; else echo no; fi)"
echo "outside=$(can cat "$OUTSIDE/secret.txt")"
echo "home=$(count "$HOME" "$DEMO")"
echo "etc=$(count /etc -)"
echo "secret=${DEMO_API_KEY:+yes}"
[ -d /proc/self ] || exit 0
echo "processes=$(count_p=0; for p in /proc/[0-9]*; do count_p=$((count_p + 1)); done; echo $count_p)"
echo "interfaces=$(n=-2; while read -r l; do n=$((n + 1)); done </proc/net/dev; echo $n)"
'

demo_value() {
    sed -n "s/^$1=//p" "$demo/$2"
}

# demo_row NAME WHAT EXPECTED-IN-THE-CAGE: one line of the table; a surprise makes the demonstration fail.
demo_row() {
    mark=✓
    inside=$(demo_value "$1" inside)
    if [ "$3" != any ] && [ "${inside:-no}" != "$3" ]; then
        mark=✗
        surprises=$((surprises + 1))
    fi
    printf '  %s %-46s %-9s %s\n' "$mark" "$2" "$(value=$(demo_value "$1" host); say "${value:-no}")" "${inside:-no}"
}

demo_show() {
    trap demo_remove EXIT
    trap 'exit 130' INT
    trap 'exit 143' TERM
    demo_make
    DEMO_API_KEY=abc123 OUTSIDE=$demo/outside DEMO=$demo
    export DEMO_API_KEY OUTSIDE DEMO
    say "\$ nixcage run -- hello"
    "$nixcage" run -- hello || die "the cage did not run; see the message above"
    sh -c "$demo_probe" >"$demo/host"
    rm -f made-in-the-cage
    "$nixcage" run -- sh -c "OUTSIDE='$demo/outside' DEMO='$demo'; $demo_probe" >"$demo/inside" ||
        die "the cage did not run; see the message above"
    surprises=0
    say
    printf '    %-46s %-9s %s\n' "the same questions, asked" "here" "in the cage"
    demo_row project "the project can be written" yes
    demo_row policy "nixcage.toml can be changed" no
    demo_row outside "a file beside the project can be read" no
    demo_row secret "DEMO_API_KEY is in the environment" no
    # On macOS nothing is made up for the cage: the rest of the system answers "not permitted", or is shown.
    if [ "$(uname)" != Darwin ]; then
        demo_row home "entries in the home directory" 0
        demo_row etc "entries in /etc" any
        demo_row processes "processes" any
        demo_row interfaces "network interfaces (1: only its own loopback)" 1
    fi
    [ -e made-in-the-cage ] || die "what the cage wrote into the project is not there"
    [ "$surprises" = 0 ] || die "$surprises of these are not as they should be (see ✗)"
    say
    say "It works. The program is build/src/nixcage; to install it: meson install -C build"
    if [ -n "${offline:-}" ]; then
        say "Your own projects need a <nixpkgs>: nix-channel --add https://nixos.org/channels/nixos-25.05 nixpkgs && nix-channel --update"
    fi
    if [ -n "$keep" ]; then say "The project is $demo/project"; fi
}
