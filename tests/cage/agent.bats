# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=bash disable=SC2016
# [cage] ssh_agent, with a real ssh-agent: the cage can use its keys when it is told so, else it cannot reach it.

load ../lib/common

setup() {
    need ssh-agent
    make_project <<'TOML'
[sandbox.filesystem]
system = true
[sandbox.network]
allow = false
TOML
    # Short: the name of a socket has at most 107 bytes. Not below the project or a mount of the cage.
    AGENT_DIR=$(mktemp -d "$XDG_RUNTIME_DIR/a.XXXXXX")
    export SSH_AUTH_SOCK=$AGENT_DIR/s
    ssh-agent -D -a "$SSH_AUTH_SOCK" >/dev/null 2>&1 3>&- &
    AGENT=$!
    poll_until 20 test -S "$SSH_AUTH_SOCK"
    ssh-keygen -q -t ed25519 -N '' -C key-of-the-test -f "$AGENT_DIR/key"
    ssh-add -q "$AGENT_DIR/key" 2>/dev/null
    # The control: here the agent answers.
    ssh-add -l | grep -q key-of-the-test
}

teardown() {
    if [ -n "${AGENT:-}" ]; then kill "$AGENT"; fi
    if [ -n "${AGENT_DIR:-}" ]; then rm -r "$AGENT_DIR"; fi
}

with_agent() {
    printf '[cage]\nssh_agent = true\n' >>nixcage.toml
    trust_project
}

@test "ssh_agent = true: keys can be listed and used, not read" {
    with_agent
    run_cage ssh-add -l
    assert_status 0
    assert_output_has key-of-the-test
    assert_stderr_has 'every key that your agent holds'
    # A signature of git's kind, made in the cage, is good on the host.
    cp "$AGENT_DIR/key.pub" signing.pub
    echo text >text
    run_cage ssh-keygen -q -Y sign -f signing.pub -n git text
    assert_status 0
    echo "me $(<signing.pub)" >allowed
    ssh-keygen -Y verify -f allowed -I me -n git -s text.sig <text
    # Nothing but the socket: neither the private key nor the directory it lies in.
    run_cage sh -c 'ls -A "$1" 2>/dev/null; cat "$1/key"; echo "$SSH_AUTH_SOCK"' - "$AGENT_DIR"
    assert_output /run/nixcage/ssh-agent
}

@test "signed commits, as the presets say" {
    need git
    with_agent
    cp "$AGENT_DIR/key.pub" signing.pub
    git init -q .
    git config gpg.format ssh
    git config user.signingkey "$PROJECT/signing.pub"
    git config commit.gpgsign true
    run_cage git -c user.name=Ada -c user.email=a@b commit -q --allow-empty -m signed
    assert_status 0
    echo "a@b $(<signing.pub)" >allowed
    run_split git -c gpg.ssh.allowedSignersFile="$PROJECT/allowed" log -1 --format='%G? %s'
    assert_output 'G signed'
}

@test "without it the agent cannot be reached, by its name neither" {
    run_cage sh -c 'echo "${SSH_AUTH_SOCK-unset}"; SSH_AUTH_SOCK=$1 ssh-add -l' - "$SSH_AUTH_SOCK"
    [ "$status" != 0 ]
    assert_output unset
    # The variable alone shows no socket, and says so.
    printf '[cage]\npassthrough_env = ["SSH_AUTH_SOCK"]\n' >>nixcage.toml
    trust_project
    run_cage ssh-add -l
    [ "$status" != 0 ]
    refute_output_has key-of-the-test
    assert_stderr_has 'ssh_agent = true'
}

@test "relaxed shows the home directory, but not the agent in it" {
    kill "$AGENT"
    local dir
    dir=$(mktemp -d "$HOME/a.XXXXXX")
    export SSH_AUTH_SOCK=$dir/s
    ssh-agent -D -a "$SSH_AUTH_SOCK" >/dev/null 2>&1 3>&- &
    AGENT=$!
    poll_until 20 test -S "$SSH_AUTH_SOCK"
    ssh-add -q "$AGENT_DIR/key" 2>/dev/null
    echo seen >"$dir/file"
    sed -i '1i[sandbox]\nlevel = "relaxed"' nixcage.toml
    trust_project
    run_cage sh -c 'cat "${1%/s}/file"; SSH_AUTH_SOCK=$1 ssh-add -l' - "$SSH_AUTH_SOCK"
    [ "$status" != 0 ]
    assert_output seen
    with_agent
    run_cage ssh-add -l
    assert_output_has key-of-the-test
    rm -r "$dir"
}

@test "no agent, or a file in its place: a warning, an error" {
    with_agent
    SSH_AUTH_SOCK='' run_cage true
    assert_status 0
    assert_stderr_has 'no agent is running'
    echo >"$AGENT_DIR/file"
    SSH_AUTH_SOCK=$AGENT_DIR/file run_cage true
    assert_status 125
    assert_stderr_has 'is not a socket of yours'
    SSH_AUTH_SOCK=$AGENT_DIR/gone run_cage true
    assert_status 125
    assert_stderr_has nixcage.toml
}
