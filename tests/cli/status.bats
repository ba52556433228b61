# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=bash
# status and list-presets.

load ../lib/common

setup() {
    need jq
    make_project <<'END'
[sandbox.filesystem]
system = true
[sandbox.network]
allow = false
[nix]
packages = ["hello", "nodejs_22"]
END
    TOOLS=$BATS_TEST_TMPDIR/tools
    mkdir "$TOOLS"
    ln -s "$(command -v bwrap)" "$TOOLS/bwrap"
}

@test "status shows the configuration and the dependencies" {
    run_split "$NIXCAGE" status
    assert_status 0
    assert_line "Project:   $PROJECT"
    assert_line "Level:     standard"
    assert_line "Network:   none"
    assert_line "Packages:  hello, nodejs_22"
    assert_line "Pure:      true"
    assert_output_has '✓ bubblewrap'
    assert_output_has '✓ nix'
    assert_output_has 'All that is required is there.'
}

@test "status --json says the same" {
    run_split "$NIXCAGE" status --json
    assert_status 0
    jq -e --arg p "$PROJECT" '.project == $p and .ok and .level == "standard" and .network.mode == "none"
        and .packages == ["hello", "nodejs_22"] and .pure and (.dependencies | map(.name) | index("bubblewrap"))
        and (.dependencies | all(.ok or (.required | not)))' <<<"$output"
    run_split "$NIXCAGE" status --json "$PROJECT"
    assert_status 0
    cd /
    run_split "$NIXCAGE" status "$PROJECT"
    assert_line "Project:   $PROJECT"
}

@test "outside a project: says so, checks the dependencies all the same, exit 1" {
    mkdir ../outside
    cd ../outside
    run_split "$NIXCAGE" status
    assert_status 1
    assert_stderr_has 'no nixcage.toml found'
    assert_output_has 'bubblewrap'
    run_split "$NIXCAGE" status --json
    assert_status 1
    jq -e '.project == null and (.dependencies | length > 0)' <<<"$output"
}

@test "a missing program: a cross, a fix, exit 1" {
    PATH=$TOOLS run_split "$NIXCAGE" status
    assert_status 1
    assert_output_has '✗ nix'
    assert_output_has 'fix: '
    assert_output_has 'nix-bin'
    assert_output_has 'Something that is required is missing.'
    rm "$TOOLS/bwrap"
    PATH=$TOOLS run_split "$NIXCAGE" status
    assert_status 1
    assert_output_has '✗ bubblewrap'
    assert_output_has 'bubblewrap'
}

@test "Nix is not required where nothing needs it; direnv never is" {
    printf '[sandbox.filesystem]\nsystem = true\n[nix]\npackages = []\n' >nixcage.toml
    PATH=$TOOLS run_split "$NIXCAGE" status
    assert_status 0
    assert_output_has '✗ nix'
    assert_output_has 'not installed (optional: packages)'
    assert_output_has '✗ direnv'
}

@test "direnv: what it is for; how to get it" {
    PATH=$TOOLS run_split "$NIXCAGE" status
    assert_output_has '✗ direnv      not installed (optional: '
    PATH=$TOOLS run_split "$NIXCAGE" status --json
    jq -e '.dependencies | map(select(.name == "direnv")) | .[0].ok == false and (.[0].fix | endswith(" direnv"))' <<<"$output"
}

@test "the features of this kernel, in text and JSON" {
    run_split "$NIXCAGE" status
    assert_line "Kernel (Linux $(uname -r)), what a cage uses of it:"
    assert_output_has '✓ user namespaces every cage'
    assert_output_has '✓ seccomp         the system call filter'
    assert_output_has ' cgroup v2       limits: cpus, memory, pids ('
    run_split "$NIXCAGE" status --json
    jq -e --arg r "$(uname -r)" '.kernel.release == $r and (.kernel.landlock_abi | type == "number")
        and (.kernel.features | length == 9 and all(.there == (.fix == null)) and all(.use | length > 10))
        and (.kernel.features | map(select(.name == "seccomp")) | .[0].there)' <<<"$output"
}

@test "a kernel without Landlock, or without openat2: which one, and what to do" {
    local deny=${NIXCAGE%/src/nixcage}/tests/cage/deny
    run_split "$deny" ENOSYS landlock -- "$NIXCAGE" status
    assert_output_has '✗ Landlock files'
    assert_output_has '✗ Landlock scopes'
    assert_output_has 'fix: boot with landlock in the kernel'
    assert_output_has '✓ openat2'
    run_split "$deny" ENOSYS open_tree -- "$NIXCAGE" status --json
    jq -e '.kernel.features | map(select(.there | not).name) | index("mount_setattr")' <<<"$output"
}

@test "without Landlock status says what run says" {
    local deny=${NIXCAGE%/src/nixcage}/tests/cage/deny
    printf '[sandbox.filesystem]\nsystem = true\n' >nixcage.toml # the network is shared
    trust_project
    run_split "$deny" ENOSYS landlock -- "$NIXCAGE" status
    assert_status 1
    assert_output_has '✗ landlock'
    assert_output_has 'or name hosts, or set allow = false in [sandbox.network]'
    run_split "$deny" ENOSYS landlock -- "$NIXCAGE" run -- true
    assert_status 125
    printf '[sandbox.network]\nallow = false\n' >>nixcage.toml
    trust_project
    run_split "$deny" ENOSYS landlock -- "$NIXCAGE" status
    assert_status 0
    assert_output_has 'optional: a shared network'
    run_split "$deny" ENOSYS landlock -- "$NIXCAGE" run -- true
    assert_status 0
}

@test "a set-uid bwrap is refused" {
    rm "$TOOLS/bwrap"
    cp "$(command -v bwrap)" "$TOOLS/bwrap"
    chmod u+s "$TOOLS/bwrap"
    PATH=$TOOLS:$PATH run_split "$NIXCAGE" status
    assert_status 1
    assert_output_has '✗ bubblewrap'
}

@test "a bwrap that cannot make a cage: what is wrong" {
    rm "$TOOLS/bwrap"
    cat >"$TOOLS/bwrap" <<'END'
#!/bin/sh
case $1 in
--version) echo 'bubblewrap 0.8.0' ;;
*)
    echo 'bwrap: No permissions to create new namespace, likely because ...' >&2
    exit 1
    ;;
esac
END
    chmod +x "$TOOLS/bwrap"
    PATH=$TOOLS:$PATH run_split "$NIXCAGE" status
    assert_status 1
    assert_output_has '✗ sandbox'
    assert_output_has 'fix: '
}

@test "ASCII where the locale is not UTF-8, no colours where there is no terminal" {
    LC_ALL=C run_split "$NIXCAGE" status
    assert_output_has 'ok bubblewrap'
    refute_output_has '✓'
    run_split "$NIXCAGE" status
    [[ $output != *$'\e'* ]]
}

@test "colours on a terminal, unless NO_COLOR" {
    need script
    run_split script -qec "TERM=xterm '$NIXCAGE' status" /dev/null
    assert_output_has $'\e[32m✓'
    run_split script -qec "TERM=xterm NO_COLOR=1 '$NIXCAGE' status" /dev/null
    refute_output_has $'\e'
}

@test "limits, and whether they can be held here" {
    printf '[sandbox.resources]\ncpus = 1.5\nmemory = "64M"\nenforce = "warn"\n' >>nixcage.toml
    run_split "$NIXCAGE" status
    assert_status 0
    assert_line 'Limits:    cpus 1.5, memory 64M'
    assert_output_has ' limits '
    run_split "$NIXCAGE" status --json
    jq -e '.limits == {cpus: 1.5, memory: 67108864, pids: null, enforce: "warn"}' <<<"$output"
    run_split "$NIXCAGE" allow --yes
    run_split "$NIXCAGE" plan
    assert_status 0
    assert_output_has '  held by: '
    run_split "$NIXCAGE" plan --json
    jq -e '.limits.held_by | length > 10' <<<"$output"
}

@test "hosts are listed, none of them is none" {
    sed -i 's/allow = false/hosts = ["example.org", "*.example.net:443"]/' nixcage.toml
    run_split "$NIXCAGE" status
    assert_line 'Network:   example.org, *.example.net:443'
    sed -i 's/^hosts = .*/hosts = []/' nixcage.toml
    run_split "$NIXCAGE" status
    assert_line 'Network:   none'
}

@test "a broken nixcage.toml: its place, 125" {
    echo 'x = 1' >>nixcage.toml
    run_split "$NIXCAGE" status
    assert_status 125
    assert_stderr_has "$PROJECT/nixcage.toml:"
}

@test "list-presets: ours and the user's own" {
    run_split "$NIXCAGE" list-presets
    assert_status 0
    [[ $output == *claude-code\ * ]]
    mkdir -p "$XDG_CONFIG_HOME/nixcage/presets"
    printf '# My own\n[nix]\npackages = ["hello"]\n' >"$XDG_CONFIG_HOME/nixcage/presets/mine.toml"
    run_split "$NIXCAGE" list-presets
    assert_output_has 'My own (yours)'
    run_split "$NIXCAGE" list-presets --json
    jq -e 'map(select(.name == "mine")) == [{name: "mine", description: "My own", user: true,
        path: (env.XDG_CONFIG_HOME + "/nixcage/presets/mine.toml")}]' <<<"$output"
    "$NIXCAGE" init --preset mine ../other
    grep -q 'packages = \["hello"\]' ../other/nixcage.toml
    rm -r "$XDG_CONFIG_HOME/nixcage"
}

@test "every preset makes a project whose configuration is valid" {
    local name
    for name in $("$NIXCAGE" list-presets --json | jq -r '.[].name'); do
        "$NIXCAGE" init --preset "$name" "../$name"
        run_split "$NIXCAGE" status --json "../$name"
        jq -e '.project' <<<"$output"
        [ "$status" -le 1 ]
    done
}

@test "an unknown preset makes nothing" {
    run_split "$NIXCAGE" init --preset nope ../new
    assert_status 125
    assert_stderr_has "Unknown preset: 'nope' (see 'nixcage list-presets')"
    [ ! -e ../new ]
}
