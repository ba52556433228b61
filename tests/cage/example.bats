# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=bash disable=SC2016
# A project of the usual kind, command by command, as the first pages of a manual tell it.

load ../lib/common

setup() {
    need direnv
    export HOME=$HOME/example.$BATS_TEST_NUMBER
    mkdir -p "$HOME/bin" "$HOME/.ssh" "$HOME/.config/nix" "$HOME/my-project"
    cp "$HOME/../.config/nix/nix.conf" "$HOME/.config/nix/"
    unset XDG_CONFIG_HOME XDG_DATA_HOME XDG_STATE_HOME NIXCAGE_ACTIVE NIXCAGE_ROOT
    ln -s "$NIXCAGE" "$HOME/bin/nixcage"
    PATH=$HOME/bin:$PATH
    cd "$HOME/my-project" || return 1
    PROJECT=$(pwd -P)
}

# loaded CMD…: with the environment that direnv makes here.
loaded() {
    run_split direnv exec . "$@"
}

@test "a preset, direnv, the agent, debug, another preset, the end" {
    run_split nixcage init --preset claude-code
    assert_status 0
    assert_output_has 'nixcage run bash'
    direnv allow
    loaded nixcage run claude
    assert_status 0
    assert_output_has 'claude stand-in'
    # [cage] command is what starts without a name; a shell is a command, too, as init says.
    loaded bash -c 'cagerun claude --flag && cage && cagerun bash -c "echo in \$NIXCAGE_LEVEL" && echo "$NIXCAGE_ACTIVE $NIXCAGE_ROOT"'
    assert_line 'claude stand-in --flag'
    assert_line 'claude stand-in '
    assert_line 'in standard'
    assert_output_has "1 $PROJECT"
    run_split nixcage run --debug -- sh -c 'cat /etc/shadow; exit 3'
    assert_status 3
    assert_stderr_has '/etc/shadow'
    assert_stderr_has 'not mounted'
    cd ..
    sed -i 's/^command = .*/command = ""/' my-project/nixcage.toml
    nixcage allow --yes my-project >/dev/null 2>&1
    run_split bash -c 'echo pwd | nixcage shell --debug my-project'
    assert_status 0
    assert_output_has "$PROJECT"
    run_split nixcage run my-project -- node -e 'console.log(process.env.NIXCAGE_ACTIVE)'
    assert_output cage
    run_split nixcage reinit --preset minimal my-project
    assert_status 0
    grep -q claude my-project/nixcage.toml.bak
    run_split nixcage destroy my-project
    assert_status 0
    [ "$(ls -A my-project)" = nixcage.toml.bak ]
}

@test "a configuration with a bit of everything" {
    mkdir -p "$HOME/models" "$HOME/shared" .ssh
    echo weights >"$HOME/models/m"
    echo PRIVATE >"$HOME/.ssh/id_rsa"
    cat >nixcage.toml <<END
[sandbox]
level = "relaxed"
[sandbox.filesystem]
ro_bind = ["$HOME/models"]
rw_bind = ["$HOME/shared"]
blacklist = ["~/.ssh"]
[sandbox.network]
allow = true
[sandbox.resources]
cpus = 4
memory = "4G"
enforce = "warn"
[nix]
packages = ["nodejs_22"]
pure = true
store_mode = "readonly"
[cage]
command = ""
passthrough_env = ["TERM", "LANG", "ANTHROPIC_API_KEY"]
END
    trust_project
    export ANTHROPIC_API_KEY=sk-ant-test UNNAMED=1
    run_cage sh -c 'cat "$HOME/models/m"; echo out >"$HOME/shared/out"; echo "$ANTHROPIC_API_KEY ${UNNAMED-unset}"; node -p 1+1
        ls -A "$HOME/.ssh"; echo no >"$HOME/models/m" || echo no >"$HOME/new" || echo no >/nix/store/new || echo refused'
    assert_status 0
    assert_output $'weights\nsk-ant-test unset\n2\nrefused'
    [ "$(<"$HOME/shared/out")" = out ]
    [ "$(<"$HOME/models/m")" = weights ]
    # The control: without the blacklist the file can be read at this level.
    sed -i '/^blacklist/d' nixcage.toml
    trust_project
    run_cage cat "$HOME/.ssh/id_rsa"
    assert_output PRIVATE
}
