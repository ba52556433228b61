# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=bash
# allow and deny, and what run makes of them. The cages are of the host's system: no Nix is needed.

load ../lib/common
load ../lib/terminal

setup() {
    PROJECT=$BATS_TEST_TMPDIR/project
    mkdir "$PROJECT"
    cd "$PROJECT" || return 1
    PROJECT=$(pwd -P)
    write_config
}

teardown() {
    terminal_end
}

# write_config [LINE…]: a configuration with further lines in [sandbox.filesystem].
write_config() {
    {
        printf '[sandbox]\nlevel = "standard"\n[sandbox.network]\nallow = false\n[sandbox.filesystem]\nsystem = true\n'
        printf '%s\n' "$@"
    } >nixcage.toml
}

@test "a project of somebody else does not run until it is allowed" {
    run_cage touch ran
    assert_status 125
    [ ! -e ran ]
    assert_stderr_has 'was never allowed'
    assert_stderr_has 'system true (nixcage.toml:6)'
    assert_stderr_has 'nixcage allow'
    run_split "$NIXCAGE" allow --yes
    assert_status 0
    assert_output_has 'system true'
    run_cage touch ran
    assert_status 0
    [ -e ran ]
    run_split "$NIXCAGE" allow --yes
    assert_output "Already allowed: $PROJECT/nixcage.toml"
}

@test "what init wrote is allowed, until it is widened" {
    rm nixcage.toml
    "$NIXCAGE" init --preset minimal >/dev/null
    run_split "$NIXCAGE" status
    assert_line 'Trust:     allowed'
    sed -i 's/allow = false/allow = true/' nixcage.toml
    run_split "$NIXCAGE" status
    assert_line 'Trust:     grants more than was allowed (read nixcage.toml, then: nixcage allow)'
    run_cage true
    assert_status 125
    assert_stderr_has 'grants more than was allowed'
    assert_stderr_has network
    refute_stderr_has 'level standard'
}

@test "tightening is accepted, and asked for again when it is taken back" {
    mkdir "$BATS_TEST_TMPDIR/data"
    write_config "ro_bind = [\"$BATS_TEST_TMPDIR/data\"]"
    "$NIXCAGE" allow --yes >/dev/null
    run_cage true
    assert_status 0
    write_config
    run_cage true
    assert_status 0
    [ -z "$stderr" ]
    write_config "ro_bind = [\"$BATS_TEST_TMPDIR/data\"]"
    run_cage true
    assert_status 125
    assert_stderr_has "$BATS_TEST_TMPDIR/data"
}

@test "deny withdraws" {
    "$NIXCAGE" allow --yes >/dev/null
    run_split "$NIXCAGE" deny
    assert_status 0
    assert_output "No longer allowed: $PROJECT/nixcage.toml"
    run_cage true
    assert_status 125
    run_split "$NIXCAGE" deny
    assert_status 0
    assert_output_has 'Was not allowed'
    echo broken >nixcage.toml
    run_split "$NIXCAGE" deny
    assert_status 0
}

@test "destroy forgets what was allowed" {
    "$NIXCAGE" allow --yes >/dev/null
    cp nixcage.toml ../saved
    "$NIXCAGE" destroy --yes >/dev/null
    cp ../saved nixcage.toml
    run_cage true
    assert_status 125
    assert_stderr_has 'was never allowed'
}

@test "without a terminal allow wants --yes" {
    run_split "$NIXCAGE" allow
    assert_status 125
    assert_stderr_has '--yes'
    run_cage true
    assert_status 125
}

@test "on a terminal allow asks, and so does run" {
    need tmux
    terminal_start bash --norc --noprofile -i
    type_line "PS1='HOST> '; clear"
    wait_screen '^HOST> '
    type_line '"$NIXCAGE" allow; echo status=$?'
    wait_screen 'Allow this\? \[y/N\]'
    type_line n
    wait_screen '^status=125'
    run_cage true
    assert_status 125
    type_line 'clear'
    type_line '"$NIXCAGE" run echo ra""n; echo again=$?'
    wait_screen 'Allow this\? \[y/N\]'
    type_line y
    wait_screen '^ran'
    wait_screen '^again=0'
    run_cage true
    assert_status 0
}

@test "moved or copied elsewhere a project is somebody else's again" {
    "$NIXCAGE" allow --yes >/dev/null
    cp -R . ../copy
    cd ../copy
    run_cage true
    assert_status 125
}

@test "what was allowed is not kept in the project" {
    "$NIXCAGE" allow --yes >/dev/null
    [ "$(ls -A)" = nixcage.toml ]
    [ "$(find "$XDG_STATE_HOME/nixcage" -type f -perm /077 | wc -l)" = 0 ]
}

@test "add and remove change the list, and keep the user's word" {
    printf '# mine\n[nix]\npackages = ["hello"] # why\n[sandbox.filesystem]\nsystem = true\n' >nixcage.toml
    chmod 0640 nixcage.toml
    "$NIXCAGE" allow --yes >/dev/null
    run_split "$NIXCAGE" add nodejs_22 hello
    assert_status 0
    assert_output "Added 1 package: $PROJECT/nixcage.toml"
    [ "$(sed -n 3p nixcage.toml)" = 'packages = ["hello", "nodejs_22"] # why' ]
    [ "$(stat -c %a nixcage.toml)" = 640 ]
    run_split "$NIXCAGE" status --json
    [ "$(jq -r .trust <<<"$output")" = allowed ]
    run_split "$NIXCAGE" add 'a b'
    assert_status 125
    run_split "$NIXCAGE" add
    assert_status 125
    run_split "$NIXCAGE" remove hello nodejs_22
    assert_status 0
    run_split "$NIXCAGE" remove hello
    assert_status 125
}

@test "add does not allow what was not allowed" {
    cp nixcage.toml ../saved
    # It would evaluate what the configuration names.
    run_split "$NIXCAGE" add hello
    assert_status 125
    assert_stderr_has 'was never allowed'
    cmp nixcage.toml ../saved
    run_cage true
    assert_status 125
    assert_stderr_has 'was never allowed'
}

@test "add does not write through a symlink" {
    "$NIXCAGE" allow --yes >/dev/null
    mv nixcage.toml ../elsewhere
    ln -s ../elsewhere nixcage.toml
    cp ../elsewhere ../saved
    run_split "$NIXCAGE" add hello
    assert_status 125
    cmp ../elsewhere ../saved
    [ -L nixcage.toml ]
}

@test "plan shows every mount with its reason, and no secret" {
    mkdir "$BATS_TEST_TMPDIR/data"
    write_config "ro_bind = [\"$BATS_TEST_TMPDIR/data\"]" '[cage]' 'passthrough_env = ["ANTHROPIC_API_KEY"]'
    export ANTHROPIC_API_KEY=sk-very-secret
    run_split "$NIXCAGE" plan
    assert_status 0
    assert_output_has "$BATS_TEST_TMPDIR/data"
    assert_output_has 'ro_bind (nixcage.toml:7)'
    assert_output_has ANTHROPIC_API_KEY
    refute_output_has sk-very-secret
    run_split "$NIXCAGE" plan --json
    assert_status 0
    jq -e --arg p "$PROJECT" '.project == $p and .level == "standard"' <<<"$output"
    refute_output_has sk-very-secret
    [ "$(ls -A)" = nixcage.toml ]
}

@test "gc has nothing to do" {
    run_split "$NIXCAGE" gc
    assert_status 0
    assert_output_has 'Environments:'
    run_split "$NIXCAGE" gc --all
    assert_status 0
}

@test "in a cage these commands say that they are inside" {
    local command
    for command in init reinit destroy allow deny plan gc; do
        NIXCAGE_ACTIVE=cage run_split "$NIXCAGE" "$command"
        assert_status 125
        assert_stderr_has 'already inside'
    done
    NIXCAGE_ACTIVE=cage run_split "$NIXCAGE" version
    assert_status 0
}
