# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=bash
# plan --argv and plan --diff.

load ../lib/common

setup() {
    make_project <<'END'
[sandbox.filesystem]
system = true
END
}

@test "plan --argv is a command that bash takes, and makes that cage" {
    run_cage true # makes .nixcage, as every run does
    run_split "$NIXCAGE" plan --argv
    assert_status 0
    assert_line '  --cap-drop ALL \'
    assert_output_has "--bind $PROJECT"
    assert_output_has '-- /run/nixcage/init'
    refute_output_has 'FD:'
    # With a command in the place of the init, which only a run can use.
    bash -c "${output/'-- /run/nixcage/init'/'-- cat /etc/passwd'}" >got
    grep -q ^root: got || grep -q "^$(id -un):" got
    refute grep -q ^games: got
    refute bash -c "${output/'-- /run/nixcage/init'/'-- touch nixcage.toml'}"
}

@test "plan --diff tells what is new since it was allowed, and asks nothing" {
    run_split "$NIXCAGE" plan --diff
    assert_status 0
    assert_output 'the same as was allowed'
    mkdir ../more
    printf 'rw_bind = ["%s"]\n' "$BATS_TEST_TMPDIR/more" >>nixcage.toml
    run_split "$NIXCAGE" plan --diff
    assert_status 0
    assert_line 'more than was allowed:'
    assert_output_has "+ rw_bind $BATS_TEST_TMPDIR/more (nixcage.toml:3)"
    refute_output_has 'system'
    "$NIXCAGE" deny
    run_split "$NIXCAGE" plan --diff
    assert_line 'never allowed; it grants:'
    assert_output_has 'rw_bind'
}
