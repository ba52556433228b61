# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=bash disable=SC2016
# Real agents, as npm installs them, in the cage of their preset. tests/agents/run installs them.

load ../lib/common

setup() {
    need node
    [ -e "$NIXCAGE_AGENTS/node_modules" ] || {
        echo "-- the agents could not be installed from npm (is the registry reachable?)" >&2
        return 1
    }
    export HOME=$HOME/agents.$BATS_TEST_NUMBER
    mkdir -p "$HOME/.config/nix" "$HOME/project"
    cp "$HOME/../.config/nix/nix.conf" "$HOME/.config/nix/"
    unset XDG_CONFIG_HOME XDG_DATA_HOME XDG_STATE_HOME
    printf '[user]\nname = Ada\nemail = ada@example.org\n' >"$HOME/.gitconfig"
    PROJECT=$HOME/project
    cd "$PROJECT" || return 1
    PATH=$PATH:/usr/local/bin
}

teardown() {
    if [ -n "${API:-}" ]; then kill "$API"; fi
}

# from_preset NAME PACKAGE: the preset, with the agent from npm in place of the package of that name.
from_preset() {
    "$NIXCAGE" init --preset "$1" >/dev/null
    sed -i -e "s#\"$2\", ##" -e "s#^\[sandbox.filesystem\]#&\nsystem = true#" \
        -e "s#^ro_bind = \[#&\n  \"$NIXCAGE_AGENTS\",#" -e 's/^allow = true$/allow = false/' nixcage.toml
    trust_project
}

# The API's stand-in on the host's localhost, which is all of the network that the cage gets.
start_api() {
    node "$NIXCAGE_SRC/tests/agents/helpers/api.js" "$HOME/port" "$HOME/requests" 3>&- &
    API=$!
    poll_until 10 test -e "$HOME/port"
    sed -i -e "s#^allow = false#&\nhost_ports = [$(<"$HOME/port")]#" \
        -e "s#^env = \[#&\n  \"ANTHROPIC_BASE_URL=http://127.0.0.1:$(<"$HOME/port")\",#" nixcage.toml
    trust_project
}

claude() {
    run_cage timeout 60 "$NIXCAGE_AGENTS/node_modules/.bin/claude" "$@"
}

@test "Claude Code starts" {
    from_preset claude-code claude-code
    claude --version
    assert_status 0
    assert_output_has '(Claude Code)'
}

@test "Claude Code: a turn, with the key of the host; its state stays" {
    from_preset claude-code claude-code
    start_api
    export ANTHROPIC_API_KEY=sk-ant-test GITHUB_TOKEN=ghp_never_to_be_seen
    claude -p 'say something'
    assert_status 0
    assert_output 'stand-in heard you'
    grep -q '"x-api-key":"sk-ant-test"' "$HOME/requests"
    refute grep -q ghp_never_to_be_seen "$HOME/requests"
    # What it wrote outlives the cage.
    grep -q userID "$HOME/.claude.json"
    [ -n "$(find "$HOME/.claude/projects" -name '*.jsonl')" ]
}

@test "Claude Code: its shell tool and git work, in the cage" {
    from_preset claude-code claude-code
    git init -q .
    start_api
    export ANTHROPIC_API_KEY=sk-ant-test
    claude -p --allowedTools Bash -- 'RUN: echo "active=$NIXCAGE_ACTIVE" && echo made >made && git add made && git commit -qm tool && rg -c made made && ls -A ~'
    assert_status 0
    assert_output_has 'active=cage'
    [ "$(<made)" = made ]
    run_split git log -1 --format=%an:%s
    assert_output Ada:tool
}

@test "Codex starts" {
    from_preset codex codex
    run_cage "$NIXCAGE_AGENTS/node_modules/.bin/codex" --version
    assert_status 0
    assert_output_has codex-cli
}

# codex_exec PROMPT: one turn with the stand-in, by the command of the preset.
codex_exec() {
    local provider=model_providers.standin
    run_cage timeout 60 "$NIXCAGE_AGENTS/node_modules/.bin/codex" --sandbox danger-full-access exec --skip-git-repo-check \
        -m stand-in -c model_provider=standin -c $provider.name=standin -c $provider.wire_api=responses \
        -c $provider.env_key=OPENAI_API_KEY -c "$provider.base_url=http://127.0.0.1:$(<"$HOME/port")/v1" "$1"
}

@test "Codex: a turn, with the key of the host; its state stays" {
    from_preset codex codex
    grep -qF 'command = "codex --sandbox danger-full-access"' nixcage.toml
    start_api
    export OPENAI_API_KEY=sk-openai-test GITHUB_TOKEN=ghp_never_to_be_seen
    codex_exec 'say something'
    assert_status 0
    assert_output 'stand-in heard you'
    grep -q '"authorization":"Bearer sk-openai-test"' "$HOME/requests"
    refute grep -q ghp_never_to_be_seen "$HOME/requests"
    [ -n "$(find "$HOME/.codex/sessions" -name '*.jsonl')" ]
    # What the host's codex would run is not for the cage to write.
    [ ! -e "$HOME/.codex/config.toml" ]
}

@test "Codex: its shell tool and git work, with the cage as its sandbox" {
    from_preset codex codex
    git init -q .
    start_api
    export OPENAI_API_KEY=sk-openai-test
    codex_exec 'RUN: echo "active=$NIXCAGE_ACTIVE" && echo made >made && git add made && git commit -qm tool && rg -c made made'
    assert_status 0
    assert_output_has 'active=cage'
    [ "$(<made)" = made ]
    run_split git log -1 --format=%an:%s
    assert_output Ada:tool
}

# starts PRESET PACKAGE PROGRAM
starts() {
    from_preset "$1" "$2"
    run_cage "$NIXCAGE_AGENTS/node_modules/.bin/$3" --version
    assert_status 0
    [[ $output =~ ^[0-9]+\.[0-9]+\.[0-9]+$ ]] || _explain 'a version'
}

@test "Gemini CLI starts" {
    starts gemini gemini-cli gemini
}

@test "opencode starts" {
    [ -e "$NIXCAGE_AGENTS/node_modules/.bin/opencode" ] || [ -n "${NIXCAGE_EXTENDED-}" ] || skip "a large download, for --extended only"
    starts opencode opencode opencode
}
