# SPDX-License-Identifier: GPL-3.0-or-later
# tests/macos/smoke.sh, which nobody runs here, with a stand-in of nixcage that has the kernel's part: it answers as the page
# says, or as it is told to.

setup() {
    src=${NIXCAGE_SRC:-$BATS_TEST_DIRNAME/../..}
    smoke=$src/tests/macos/smoke.sh
    fake=$BATS_TEST_TMPDIR/bin
    mkdir "$fake"
    printf '#!/bin/sh\necho Darwin\n' >"$fake/uname"
    printf '#!/bin/sh\necho 15.0\n' >"$fake/sw_vers"
    "$smoke" --list >"$BATS_TEST_TMPDIR/list"
    # run DIR -- /bin/sh -c COMMAND: the column is told by the configuration, the answer by the list.
    cat >"$fake/nixcage" <<'END'
#!/bin/bash
here=${0%/*}
[ "$1" = run ] || exit 0
[ "$3 $4 $5" = "-- /bin/sh -c" ] || exit 99
[ "$6" != 'exit 42' ] || exit "${CAGE:-42}"
config=$2/nixcage.toml
column=standard
grep -q 'level = "strict"' "$config" && column=strict
grep -q 'level = "relaxed"' "$config" && column=relaxed
grep -q '^blacklist' "$config" && column=hidden
grep -q '^rw_bind' "$config" && column=binds
grep -q '^allow = false' "$config" && column=offline
echo "$column" >>"$here/../columns"
[ "$6" != "${LIE:-}" ] || exit 0
grep -F ": $6" "$here/../list" | grep -q "^$column *yes "
END
    chmod +x "$fake"/*
}

smoke() {
    run env PATH="$fake:$PATH" "$@" "$smoke" "$fake/nixcage"
    echo "$output"
}

@test "every access that is tried is one of the page" {
    run "$smoke" --list
    [ "$status" = 0 ]
    [ "${#lines[@]}" -gt 200 ]
    [[ $output == *"strict     no   read a file: cat \"\$P/main.c\""* ]]
    [[ $output == *"standard   yes  read a file: "* ]]
}

@test "a kernel that does as the page says; what fails without a cage, too, is left out by name" {
    smoke
    [ "$status" = 0 ]
    # This is no Mac: the second name of the data volume is not there.
    [[ $output == *"left out, since it fails without a cage, too: the same through /System/Volumes/Data"* ]]
    [[ $output != *"left out"*": read a file"* ]]
    [[ ${lines[-1]} =~ ^([0-9]+)" accesses tried, 0 differences"$ ]]
    [ "${BASH_REMATCH[1]}" -gt 100 ]
    [ "$(sort -u "$BATS_TEST_TMPDIR/columns" | tr '\n' ' ')" = "binds hidden offline relaxed standard strict " ]
    [ -z "$(find /tmp -maxdepth 1 -name 'nixcage-smoke*' -user "$(id -un)" -newer "$fake/nixcage")" ]
}

@test "one that allows what the page denies" {
    smoke LIE="echo '# x' >>\"\$P/nixcage.toml\""
    [ "$status" = 1 ]
    [[ $output == *"standard: write nixcage.toml: the page says no, the kernel yes"* ]]
    [[ ${lines[-1]} == *" tried, 6 differences" ]]
}

@test "no cage at all" {
    smoke CAGE=125
    [ "$status" = 1 ]
    [[ $output == *"strict: no cage can be made"* ]]
    [[ ${lines[-1]} == "0 accesses tried, 6 differences" ]]
}

@test "it is for a Mac" {
    run "$smoke" "$fake/nixcage"
    [ "$status" = 77 ] || [ "$(uname)" = Darwin ]
}
