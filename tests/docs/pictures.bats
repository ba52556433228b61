# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=bash
# The pictures of the README show what the program prints now.

load ../lib/common

# text FILE: what a picture says.
text() {
    grep '<text' "$1" | sed 's/<[^>]*>//g'
}

@test "the pictures are current" {
    need script
    need python3
    need git
    # The home directory's name is part of the width of columns: the place is that of scripts/pictures.
    bash "$NIXCAGE_SRC/scripts/pictures" --draw "$BATS_TEST_TMPDIR/new"
    local name
    for name in init plan debug; do
        text "$BATS_TEST_TMPDIR/new/$name.svg" >new
        text "$NIXCAGE_SRC/docs/pictures/$name.svg" >old
        [ "$(wc -l <new)" -gt 8 ]
        diff old new || _explain "scripts/pictures draws $name.svg anew"
    done
    # The README shows them.
    for name in init plan debug; do grep -qF "docs/pictures/$name.svg" "$NIXCAGE_SRC/README.md"; done
}
