# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=bash disable=SC2016
# Every preset in a home directory where the agent has never been: it starts, its state stays, nothing secret is seen.

load ../lib/common

setup() {
    export HOME=$HOME/presets.$BATS_TEST_NUMBER
    mkdir -p "$HOME/.ssh" "$HOME/.config/nix"
    cp "$HOME/../.config/nix/nix.conf" "$HOME/.config/nix/"
    unset XDG_CONFIG_HOME XDG_DATA_HOME XDG_STATE_HOME
    echo PRIVATE >"$HOME/.ssh/id_ed25519"
    echo PUBLIC >"$HOME/.ssh/id_ed25519.pub"
    printf 'Host x\n' | tee "$HOME/.ssh/config" >"$HOME/.ssh/known_hosts"
    PROJECT=$HOME/project
    mkdir "$PROJECT"
    cd "$PROJECT" || return 1
}

# from_preset NAME: a project made by init, as a user does it. A network is not needed here.
from_preset() {
    run_split "$NIXCAGE" init --preset "$1"
    assert_status 0
    sed -i 's/^allow = true$/allow = false/' nixcage.toml
    trust_project
}

# state_stays FILE…: what the cage writes in a home without it is on the host afterwards, and there in the next cage.
state_stays() {
    local file
    for file in "$@"; do
        run_cage sh -c 'echo state >"$HOME/$1" && echo written' - "$file"
        assert_output written
        [ "$(<"$HOME/$file")" = state ]
        run_cage cat "$HOME/$file"
        assert_output state
    done
}

# held FILE…: what the host would run cannot be left behind.
held() {
    local file
    for file in "$@"; do
        run_cage sh -c 'echo evil >"$HOME/$1"; echo done' - "$file"
        assert_output 'done'
        [ ! -e "$HOME/$file" ]
        mkdir -p "$(dirname "$HOME/$file")"
        echo good >"$HOME/$file"
        run_cage sh -c 'cat "$HOME/$1"; (echo evil >"$HOME/$1") || echo refused' - "$file"
        assert_output $'good\nrefused'
    done
}

no_private_key() {
    run_cage sh -c 'cat ~/.ssh/id_ed25519 || echo none; grep -rl PRIVATE ~ 2>/dev/null; ls ~/.ssh'
    assert_line none
    refute_output_has PRIVATE
}

@test "claude-code: starts, keeps its state, sees no private key" {
    from_preset claude-code
    run_split "$NIXCAGE" run
    assert_status 0
    assert_output_has 'claude stand-in'
    state_stays .claude/history.jsonl .claude.json .claude/.credentials.json
    no_private_key
    run_cage cat "$HOME/.ssh/id_ed25519.pub"
    assert_output PUBLIC
    held .claude/settings.json .claude/settings.local.json .claude/hooks
}

@test "claude-code: its key passes, nothing else that is secret" {
    from_preset claude-code
    ANTHROPIC_API_KEY=sk-ant-1 GITHUB_TOKEN=ghp_2 AWS_SECRET_ACCESS_KEY=aws3 OPENAI_API_KEY=sk-4 DB_PASSWORD=pw5 \
        HARMLESS=yes6 SSH_AUTH_SOCK=/tmp/agent.7 run_cage env
    assert_status 0
    assert_line ANTHROPIC_API_KEY=sk-ant-1
    assert_line HARMLESS=yes6
    local secret
    for secret in ghp_2 aws3 sk-4 pw5 agent.7; do refute_output_has "$secret"; done
}

@test "codex: starts, keeps its state" {
    from_preset codex
    run_split "$NIXCAGE" run
    assert_output 'codex stand-in --sandbox danger-full-access'
    state_stays .codex/auth.json
    held .codex/config.toml
    no_private_key
}

@test "gemini: starts, keeps its state" {
    from_preset gemini
    run_split "$NIXCAGE" run -- gemini --version
    assert_output 'gemini stand-in --version'
    state_stays .gemini/oauth_creds.json
    held .gemini/settings.json
    no_private_key
}

@test "opencode: starts, keeps its state" {
    from_preset opencode
    run_split "$NIXCAGE" run
    assert_output_has 'opencode stand-in'
    state_stays .local/share/opencode/auth.json
    no_private_key
}

@test "generic, default and minimal: a command runs" {
    local preset
    for preset in generic default minimal; do
        from_preset "$preset"
        run_cage sh -c 'echo "$NIXCAGE_ACTIVE $1"' - "$preset"
        assert_output "cage $preset"
        no_private_key
        rm nixcage.toml
    done
}
