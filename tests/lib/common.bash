# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=bash
# Helpers for the bats files; `load ../lib/common`. Everything is meant to run under tests/lib/inside.

# make_project [NAME]: makes $BATS_TEST_TMPDIR/NAME (default: project) with the nixcage.toml read from standard input,
# trusts it, and goes there. $PROJECT is its physical path.
make_project() {
    PROJECT=$BATS_TEST_TMPDIR/${1:-project}
    mkdir -p "$PROJECT"
    PROJECT=$(cd "$PROJECT" && pwd -P)
    cat >"$PROJECT/nixcage.toml"
    cd "$PROJECT" || return 1
    trust_project
}

# Trusts the nixcage.toml of the current project as it is now (after every change to it).
trust_project() {
    "$NIXCAGE" allow --yes "$PROJECT" >/dev/null 2>&1 || :
}

# run_cage CMD…: `nixcage run -- CMD…` through bats' run; standard error goes to $stderr, output to $output.
run_cage() {
    run_split "$NIXCAGE" run -- "$@"
}

# As bats' `run --separate-stderr`, also on bats 1.4 and older than that option's requirement to be declared.
# Sets status, output, stderr, lines.
run_split() {
    local errors=$BATS_TEST_TMPDIR/.stderr
    status=0
    output=$("$@" 2>"$errors" </dev/null) || status=$?
    stderr=$(<"$errors")
    # shellcheck disable=SC2034
    mapfile -t lines <<<"$output"
}

# Shows what a failed assertion saw.
_explain() {
    {
        echo "-- $*"
        echo "-- status: ${status-}"
        echo "-- output:"
        printf '%s\n' "${output-}"
        if [ -n "${stderr-}" ]; then
            echo "-- stderr:"
            printf '%s\n' "$stderr"
        fi
    } >&2
    return 1
}

assert_status() {
    [ "$status" = "$1" ] || _explain "expected status $1"
}

# The output is exactly this.
assert_output() {
    [ "$output" = "$1" ] || _explain "expected output: $1"
}

assert_output_has() {
    [[ $output == *"$1"* ]] || _explain "expected in the output: $1"
}

refute_output_has() {
    [[ $output != *"$1"* ]] || _explain "not expected in the output: $1"
}

assert_stderr_has() {
    [[ ${stderr-} == *"$1"* ]] || _explain "expected in standard error: $1"
}

refute_stderr_has() {
    [[ ${stderr-} != *"$1"* ]] || _explain "not expected in standard error: $1"
}

# A line of the output is exactly this.
assert_line() {
    grep -qxF -- "$1" <<<"$output" || _explain "expected as a line of the output: $1"
}

# The command fails. (`! CMD` does not end a test.)
refute() {
    if "$@"; then
        echo "-- should have failed: $*" >&2
        return 1
    fi
}

# poll_until SECONDS CMD…: runs CMD every 20 ms until it succeeds.
poll_until() {
    local limit=$1 start=$SECONDS
    shift
    until "$@"; do
        if ((SECONDS - start >= limit)); then
            echo "-- gave up after $limit s: $*" >&2
            return 1
        fi
        sleep 0.02
    done
}

# Skips when a program is missing; with NIXCAGE_TEST_REQUIRE=1 (scripts/check) that is a failure.
need() {
    command -v "$1" >/dev/null 2>&1 && return
    if [ "${NIXCAGE_TEST_REQUIRE:-}" = 1 ]; then
        echo "-- $1 is needed" >&2
        return 1
    fi
    skip "$1 is not installed"
}
