#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# For whoever has a Mac: compares the kernel with the decisions in docs/MACOS.md.
#
#   tests/macos/smoke.sh [PATH OF nixcage]     (default: build/src/nixcage)
#   tests/macos/smoke.sh --list                what would be tried, anywhere
#
# It works in a scratch directory with a home of its own, needs no Nix packages and leaves nothing behind. Each line
# of the table that can be tried from a shell is tried in a cage of each column; a difference is printed
# and makes the exit status 1. What fails without a cage, too, proves nothing and is left out, by name. Please send the
# output, with `sw_vers`, when there is a difference. (bash 3.2 is enough.)
set -u

source_dir=$(cd "$(dirname "$0")/../.." && pwd)
page=$source_dir/docs/MACOS.md
columns='strict standard offline binds relaxed hidden'

# The label in the table, and how to try it: success is "yes". In the cage $P is the project, $H the real home. With a "!" it is not
# tried without a cage first: it would do there what the user does not want.
probes() {
    cat <<'END'
read a file|cat "$P/main.c"
write a file|echo x >>"$P/main.c"
create a file|: >"$P/new.$$"
execute a program|"$P/run.sh"
hard-link a file|ln "$P/a" "$P/b.$$"
rename the project|mv "$P" "$P.moved"
read nixcage.toml|cat "$P/nixcage.toml"
write nixcage.toml|echo '# x' >>"$P/nixcage.toml"
write .envrc|echo '# x' >>"$P/.envrc"
create .git/hooks/pre-commit|: >"$P/.git/hooks/pre-commit"
write .git/config|echo '# x' >>"$P/.git/config"
write .git/index|: >>"$P/.git/index"
rename .git|mv "$P/.git" "$P/.g2"
create .claude/settings.local.json|: >"$P/.claude/settings.local.json"
create .mcp.json|: >"$P/.mcp.json"
write in .nixcage|: >"$P/.nixcage/x"
write in .nixcage/local|: >"$P/.nixcage/local/x"
list the real home|ls "$H"
read ~/.gitconfig|cat "$H/.gitconfig"
write ~/.gitconfig|echo x >>"$H/.gitconfig"
hard-link ~/.gitconfig into the project|ln "$H/.gitconfig" "$P/g.$$"
read ~/.ssh/id_ed25519|cat "$H/.ssh/id_ed25519"
the same through /System/Volumes/Data|cat "/System/Volumes/Data$H/.ssh/id_ed25519"
see that ~/.ssh exists|stat "$H/.ssh"
read secret/ in the project|cat "$P/secret/x"
write ~/.claude/history|: >"$H/.claude/history"
read ~/models/big|cat "$H/models/big/x"
write ~/models/big|: >"$H/models/big/y"
write in the session's home|: >"$HOME/x"
execute /usr/bin/env|/usr/bin/env
read /etc/hosts|cat /etc/hosts
write in /tmp|: >/tmp/nixcage-smoke-$$ && rm /tmp/nixcage-smoke-$$
write in the session's tmp|: >"$TMPDIR/x"
read /Library/Keychains|cat /Library/Keychains/System.keychain
read kern.procargs2|/bin/ps -p 1
signal a process outside|kill -0 "$OUTSIDE"
!open an application (open, osascript)|/usr/bin/open -g -a Calculator
!use the clipboard|echo x | /usr/bin/pbcopy && test "$(/usr/bin/pbpaste)" = x
use the keychain|/usr/bin/security list-keychains -d user | grep -q .
!write to the store|: >/nix/store/nixcage-smoke
connect to an address|/usr/bin/nc -z -w 5 1.1.1.1 443
listen|/usr/bin/perl -MIO::Socket::INET -e 'IO::Socket::INET->new(Listen => 1, LocalAddr => "127.0.0.1") or exit 1'
resolve names|/usr/bin/perl -e 'gethostbyname("example.org") or exit 1'
END
}

# $1: label, perhaps with a "!"; $2: column; prints yes or no as the page has it.
expected() {
    awk -F ' *[|] *' -v label="${1#!}" -v column="$2" '
        $2 == "Access" { for (i = 3; i <= NF; i++) if ($i == column) at = i }
        $2 == label && at { print ($at == "**yes**") ? "yes" : "no"; found = 1 }
        END { exit !found }' "$page"
}

list() {
    local label command column want
    while IFS='|' read -r label command; do
        for column in $columns; do
            want=$(expected "$label" "$column") || { echo "not in $page: $label" >&2; return 1; }
            printf '%-10s %-4s %s: %s\n' "$column" "$want" "${label#!}" "$command"
        done
    done < <(probes)
}

config() { # $1: column
    printf '[nix]\npackages = []\n[sandbox]\n'
    case $1 in
    strict) printf 'level = "strict"\n' ;;
    relaxed | hidden) printf 'level = "relaxed"\n' ;;
    *) printf 'level = "standard"\n' ;;
    esac
    printf '[sandbox.filesystem]\nsystem = true\n'
    case $1 in
    binds) printf 'rw_bind = ["~/.claude"]\nro_bind = ["~/models"]\n' ;;
    hidden) printf 'blacklist = ["~/.ssh", "~/work/secret"]\n' ;;
    esac
    [ "$1" != offline ] || printf '[sandbox.network]\nallow = false\n'
    printf '[cage]\nenv = ["P=%s", "H=%s", "OUTSIDE=%s"]\n' "$project" "$home" "$$"
}

# Makes a home in the directory $1, with a project in it: $home, $project.
make_home() {
    home=$1
    project=$home/work
    mkdir -p "$project/.git/hooks" "$project/.claude" "$project/secret" "$project/.nixcage/local" "$home/.ssh" \
        "$home/.claude" "$home/models/big"
    touch "$project/main.c" "$project/a" "$project/.envrc" "$project/nixcage.toml" "$project/.git/config" \
        "$project/.git/index"
    echo x | tee "$project/secret/x" "$home/.gitconfig" "$home/.ssh/id_ed25519" "$home/models/big/x" >/dev/null
    printf '#!/bin/sh\n' >"$project/run.sh"
    chmod +x "$project/run.sh"
}

# Whether the command $1 succeeds without a cage, in a home of its own.
works_outside() {
    local status
    make_home "$scratch/control" # sets home and project, for the subshell that this runs in
    mkdir -p "$scratch/control/tmp"
    (cd "$project" && P=$project H=$home HOME=$home TMPDIR=$scratch/control/tmp OUTSIDE=$$ /bin/sh -c "$1") </dev/null \
        >/dev/null 2>&1
    status=$?
    rm -rf "$scratch/control" "$scratch/control".*
    return $status
}

# Those of the probes that can show something on this machine.
provable() {
    local label command
    while IFS='|' read -r label command; do
        if [ "${label#!}" != "$label" ] || (works_outside "$command"); then
            printf '%s|%s\n' "$label" "$command"
        else
            echo "left out, since it fails without a cage, too: $label" >&2
        fi
    done < <(probes)
}

main() {
    local column label command want got n=0 wrong=0
    scratch=$(cd "$(mktemp -d /tmp/nixcage-smoke.XXXXXX)" && pwd -P)
    trap 'rm -rf "$scratch"' EXIT
    provable >"$scratch/probes"
    make_home "$scratch/home"
    export HOME=$home
    for column in $columns; do
        config "$column" >"$project/nixcage.toml"
        "$nixcage" allow --yes "$project" >/dev/null 2>&1
        "$nixcage" run "$project" -- /bin/sh -c 'exit 42' </dev/null 2>"$scratch/err"
        if [ $? -ne 42 ]; then
            echo "$column: no cage can be made: $(cat "$scratch/err")"
            wrong=$((wrong + 1))
            continue
        fi
        while IFS='|' read -r label command; do
            want=$(expected "$label" "$column") || { echo "not in $page: $label" >&2; exit 2; }
            got=no
            "$nixcage" run "$project" -- /bin/sh -c "$command" </dev/null >/dev/null 2>&1 && got=yes
            n=$((n + 1))
            [ "$got" = "$want" ] && continue
            wrong=$((wrong + 1))
            echo "$column: ${label#!}: the page says $want, the kernel $got"
        done <"$scratch/probes"
    done
    echo "$n accesses tried, $wrong differences"
    [ "$wrong" -eq 0 ] && [ "$n" -gt 0 ]
}

if [ "${1:-}" = --list ]; then
    list
    exit
fi
[ "$(uname)" = Darwin ] || { echo "smoke.sh: this is for macOS (--list works everywhere)" >&2; exit 77; }
nixcage=${1:-$source_dir/build/src/nixcage}
[ -x "$nixcage" ] || { echo "smoke.sh: no $nixcage: build it first, or name it" >&2; exit 2; }
sw_vers
main
