# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=bash disable=SC2034,SC2154,SC2317,SC2329
# Helpers of the fault suites that make projects and caches from nothing; `load fault` first.

# own_place: goes to an empty project directory, with directories of the user's that are this test's own.
own_place() {
    PROJECT=$BATS_TEST_TMPDIR/project
    mkdir -p "$PROJECT"
    PROJECT=$(cd "$PROJECT" && pwd -P)
    cd "$PROJECT" || return
    export XDG_CACHE_HOME=$BATS_TEST_TMPDIR/cache XDG_DATA_HOME=$BATS_TEST_TMPDIR/data XDG_STATE_HOME=$BATS_TEST_TMPDIR/state
    FAULT_DIRS=("$XDG_CACHE_HOME" "$XDG_DATA_HOME" "$XDG_STATE_HOME")
    mkdir -p "${FAULT_DIRS[@]}"
}

# Nix's stores are read-only.
teardown() {
    if [ ${#FAULT_DIRS[@]} != 0 ]; then chmod -R u+rwx "${FAULT_DIRS[@]}"; fi
}

# names: what is in the project and the user's directories.
names() {
    find "$PROJECT" "${FAULT_DIRS[@]}" "$TMPDIR" -path "$TMPDIR/bats*" -prune -o -print | sort
}

forget_all() {
    chmod -R u+rwx "${FAULT_DIRS[@]}"
    rm -rf .nixcage nixcage.toml nixcage.toml.bak .envrc "${FAULT_DIRS[@]}"
    mkdir -p "${FAULT_DIRS[@]}"
}

# As names(), the generations' own names aside.
generation_names() {
    names | sed -E 's#/gen/([0-9a-f]+)-[0-9]+-[0-9]+#/gen/\1#' | sort
}

as_undisturbed() {
    [ "$(generation_names)" = "$EXPECTED" ] || { echo "-- left behind: $CUT"; diff <(echo "$EXPECTED") <(generation_names); return 1; } >&2
}

# resolved LINES: a project with the package hello. The names that an undisturbed run leaves are $EXPECTED; before() makes it as it was
# before that run, mended() runs it again after something went wrong ($CUT).
resolved() {
    printf '[sandbox.network]\nallow = false\n[nix]\npackages = ["%s"]\n%s\n' "${PACKAGE:-hello}" "${1-}" >"$BATS_TEST_TMPDIR/toml"
    before() {
        forget_all
        cp "$BATS_TEST_TMPDIR/toml" nixcage.toml
        "$NIXCAGE" allow --yes >/dev/null
    }
    mended() {
        run_split "$NIXCAGE" run -- "${PROGRAM:-hello}"
        [ "$status" = 0 ] || _explain "not mended: $CUT"
        as_undisturbed
    }
    # The file system's time must have moved on, or what changed last counts as changing still.
    is_cached() {
        "$NIXCAGE" run -- "${PROGRAM:-hello}" >/dev/null &&
            [ -n "$(find "$XDG_CACHE_HOME/nixcage/v1" -maxdepth 1 -type f -name '*[0-9a-f]' ! -name '*.lock')" ]
    }
    before
    poll_until 60 is_cached
    EXPECTED=$(generation_names)
    PATIENCE=60
}
