# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=bash
# plan --argv, plan --diff, and the form of plan --json.

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

# has_form [FILE…]: the documents, or standard input, are as the schema says.
has_form() {
    python3 "$NIXCAGE_SRC/tests/scripts/schema.py" "$NIXCAGE_SRC/share/plan-schema.json" "$@"
}

@test "plan --json has the form that its schema describes, in every kind of project" {
    need jq
    "$NIXCAGE" plan --json | has_form
    has_form "$NIXCAGE_SRC"/tests/golden/plan/explain-*-json.golden
    mkdir -p .git/hooks .vscode
    cat >nixcage.toml <<'END'
[sandbox.filesystem]
system = true
protect = ["later"]
blacklist = ["~/none"]
[sandbox.network]
hosts = ["example.org:443"]
host_ports = [8080]
[sandbox.resources]
cpus = 1.5
memory = "50%"
pids = 100
enforce = "warn"
END
    trust_project
    run_split "$NIXCAGE" plan --json
    assert_status 0
    has_form <<<"$output"
    jq -e '.network.mode == "gate" and .limits.cpus == 1.5 and (.limits.held_by | length > 0)' <<<"$output"
    printf '[sandbox]\nlevel = "strict"\n[sandbox.filesystem]\nsystem = true\n' >nixcage.toml
    trust_project
    run_split "$NIXCAGE" plan --json
    has_form <<<"$output"
    jq -e '.project == null and .level == "strict"' <<<"$output"
    # The check notices what is not in the schema, what is missing, and what is of another type.
    refute has_form <<<"$(jq '.more = 1' <<<"$output")"
    refute has_form <<<"$(jq 'del(.store)' <<<"$output")"
    refute has_form <<<"$(jq '.mounts[0].path = 7' <<<"$output")"
    refute has_form <<<"$(jq '.version = 2' <<<"$output")"
}
