# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=bash
# One nixcage.toml, the same accesses on both platforms: here a real cage tries them, for macOS the profile that
# would be used there is asked.

load ../lib/common

sbplcan() {
    local build=${NIXCAGE%/src/nixcage}
    "$build/tests/cage/sbplcan" "$@"
}

# The accesses; no two may get into each other's way. $P and $H are the project and the real home.
accesses() {
    cat <<END
read $P/main.c
write $P/main.c
create $P/new
remove $P/old
execute $P/run.sh
link $P/main.c $P/second
rename $P/from $P/to
read $P/nixcage.toml
write $P/nixcage.toml
remove $P/nixcage.toml
rename $P/nixcage.toml $P/other.toml
write $P/.envrc
create $P/.git/hooks/pre-commit
write $P/.git/config
write $P/.git/index
rename $P/.git $P/.g2
rename $P/.git/hooks $P/.git/h2
create $P/.nixcage/new
create $P/.nixcage/local/new
write $P/.claude/settings.json
create $P/.claude/notes
read $P/hidden/x
create $P/hidden/new
rename $P/hidden $P/shown
read $P/docs/x
create $P/docs/new
create $P/docs/gen/new
rename $P/docs $P/d2
read $H/outside
write $H/outside
read $H/kept/x
write $H/kept/x
create $H/kept/new
link $H/kept/x $P/kept-x
read $H/shared/x
create $H/shared/new
read /etc/shadow
END
}

# Tries one access; success is "yes". Meant for a shell in the cage.
attempts='
while read -r word path to; do
    case $word in
    read) cat "$path" ;;
    write) echo x >>"$path" ;;
    create) (set -C; echo x >"$path") ;;
    remove) rm "$path" ;;
    execute) "$path" ;;
    link) ln "$path" "$to" ;;
    rename) mv "$path" "$to" ;;
    esac >/dev/null 2>&1 && answer=yes || answer=no
    echo "$answer $word $path${to:+ $to}"
done'

set_up_files() {
    H=$HOME
    mkdir -p hidden docs/gen .git/hooks .claude .nixcage/local "$H/kept" "$H/shared"
    touch main.c old from .envrc .git/config .git/index .git/HEAD .claude/settings.json "$H/outside"
    echo x | tee hidden/x docs/x "$H/kept/x" "$H/shared/x" >/dev/null
    printf '#!/bin/sh\n' >run.sh
    chmod +x run.sh
}

# compare LEVEL LINE…: makes the project, asks both, shows where they differ.
compare() {
    local level=$1
    shift
    make_project < <(
        printf '[sandbox]\nlevel = "%s"\n[sandbox.network]\nallow = false\n[nix]\npackages = ["coreutils"]\n' "$level"
        printf '%s\n' '[sandbox.filesystem]' "$@"
    )
    P=$PROJECT
    set_up_files
    accesses >"$BATS_TEST_TMPDIR/accesses"
    # Linux has an empty home of its own in that place, where anything may be made; docs/MACOS.md says so.
    [ "$level" = relaxed ] || sed -i "\\|^write $H/outside|d" "$BATS_TEST_TMPDIR/accesses"
    "$NIXCAGE" plan --platform macos --sbpl >"$BATS_TEST_TMPDIR/profile"
    sbplcan "$BATS_TEST_TMPDIR/profile" <"$BATS_TEST_TMPDIR/accesses" >"$BATS_TEST_TMPDIR/macos"
    "$NIXCAGE" run -- bash -c "$attempts" <"$BATS_TEST_TMPDIR/accesses" >"$BATS_TEST_TMPDIR/linux"
    diff -u "$BATS_TEST_TMPDIR/linux" "$BATS_TEST_TMPDIR/macos"
}

teardown() {
    rm -rf "$HOME/kept" "$HOME/shared" "$HOME/outside"
}

@test "standard decides alike on both platforms" {
    compare standard 'ro_bind = ["docs", "~/kept"]' 'rw_bind = ["docs/gen", "~/shared"]'
    grep -q '^yes read .*/kept/x' "$BATS_TEST_TMPDIR/linux"
    grep -q '^no write .*/kept/x' "$BATS_TEST_TMPDIR/linux"
}

@test "relaxed decides alike on both platforms" {
    compare relaxed 'ro_bind = ["docs"]'
    grep -q '^yes read .*/outside' "$BATS_TEST_TMPDIR/linux"
    grep -q '^no write .*/outside' "$BATS_TEST_TMPDIR/linux"
}

@test "the blacklist decides alike on both platforms" {
    compare relaxed "blacklist = [\"$BATS_TEST_TMPDIR/project/hidden\", \"~/kept\"]"
    grep -q '^no read .*/hidden/x' "$BATS_TEST_TMPDIR/linux"
    grep -q '^no rename .*/hidden ' "$BATS_TEST_TMPDIR/linux"
}
