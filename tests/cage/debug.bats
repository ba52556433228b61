# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=bash
# --debug: what the cage refused, why, and the line that would allow it.

load ../lib/common

setup() {
    need strace
    make_project <<'END'
[sandbox.filesystem]
system = true
[sandbox.network]
allow = false
END
    echo data >"$HOME/data.txt"
}

teardown() {
    rm -f "$HOME/data.txt" "$HOME/events.json"
}

# As run_cage, with --debug.
debug_cage() {
    run_split "$NIXCAGE" run --debug -- "$@"
}

@test "output and exit code are the command's" {
    debug_cage sh -c 'echo out; echo err >&2; exit 7'
    assert_status 7
    assert_output out
    assert_stderr_has err
    assert_stderr_has 'No sandbox access failures detected'
    debug_cage sh -c 'kill -TERM $$'
    assert_status 143
    debug_cage nosuchprogram
    assert_status 127
    run_cage sh -c 'exit 7'
    assert_status 7
    refute_stderr_has 'access failures'
}

@test "what is not in the cage: the path, the program and the line that allows it" {
    debug_cage cat "$HOME/data.txt"
    assert_status 1
    assert_stderr_has 'Sandbox access failures (1 unique, 1 total):'
    assert_stderr_has "cat: openat $HOME/data.txt: ENOENT"
    assert_stderr_has 'not mounted'
    assert_stderr_has 'ro_bind = ["~/data.txt"] in [sandbox.filesystem]'
    # What it says is right: with the line it works.
    sed -i 's/^system = true/&\nro_bind = ["~\/data.txt"]/' nixcage.toml
    trust_project
    debug_cage cat "$HOME/data.txt"
    assert_status 0
    assert_output data
    assert_stderr_has 'No sandbox access failures detected'
}

@test "protected, read-only, no network, a missing program" {
    mkdir -p .vscode
    debug_cage sh -c 'touch .vscode/x nixcage.toml; nosuchtool; nosuchtool; cat </dev/tcp/1.2.3.4/80'
    assert_stderr_has '.vscode/x: EROFS'
    assert_stderr_has 'unprotect = [".vscode"]'
    assert_stderr_has 'nixcage.toml is what keeps the cage closed'
    assert_stderr_has 'missing program: no package of this cage has it'
    assert_stderr_has 'packages = ["nosuchtool"]'
    debug_cage bash -c 'cat </dev/tcp/1.2.3.4/80'
    assert_stderr_has 'connect 1.2.3.4:80: ENETUNREACH'
    assert_stderr_has 'allow = true'
}

@test "secrets are named" {
    mkdir -p "$HOME/.ssh"
    echo key >"$HOME/.ssh/id_ed25519"
    debug_cage cat "$HOME/.ssh/id_ed25519"
    assert_stderr_has 'careful: whoever can use it has SSH keys'
    rm -r "$HOME/.ssh"
}

@test "--debug=FILE: JSON lines, with what the system call filter refused; never where the cage can write" {
    need jq
    run_split "$NIXCAGE" run --debug="$HOME/events.json" -- sh -c "touch f; chmod u+s f; cat $HOME/data.txt; exit 3"
    assert_status 3
    jq -es 'map(select(.type == "denial")) | map(.why) | sort == ["not mounted", "system call filter"]' "$HOME/events.json"
    jq -es '.[-1].type == "end" and .[-1].total == 2' "$HOME/events.json"
    run_split "$NIXCAGE" run --debug=events.json -- true
    assert_status 125
    assert_stderr_has 'the cage could write'
    [ ! -e events.json ]
    run_split "$NIXCAGE" run --debug=.nixcage/events.json -- true
    assert_status 0
    jq -es '.[-1].type == "end"' .nixcage/events.json
}

@test "without strace it says so and runs on" {
    # Not in the project: what the cage can write is no place for programs of the host.
    local bin=$BATS_TEST_TMPDIR/bin program
    mkdir "$bin"
    for program in bwrap nix nix-shell; do
        ! command -v "$program" >/dev/null || ln -s "$(command -v "$program")" "$bin/"
    done
    PATH=$bin run_split "$NIXCAGE" run --debug -- sh -c 'echo ran; exit 4'
    assert_status 4
    assert_output ran
    assert_stderr_has 'strace is not installed'
}

@test "the cage sees nothing of the trace" {
    debug_cage sh -c 'ls -l /proc/self/fd /proc/1/fd 2>&1 | grep -c pipe; cat /proc/self/status | grep NoNewPrivs; ls /proc | grep -c "^[0-9]"'
    run_split "$NIXCAGE" run --debug -- sh -c 'for f in /proc/*/comm; do cat $f; done 2>/dev/null'
    refute_output_has strace
    refute_output_has nixcage-report
}

is_gone() {
    refute pgrep -f "sleep $1" >/dev/null
}

is_there() {
    pgrep -f "sleep $1" >/dev/null
}

@test "when nixcage is killed, strace and the cage end" {
    local length=86$RANDOM
    "$NIXCAGE" run --debug -- sleep "$length" 2>/dev/null 3>&- &
    local pid=$!
    poll_until 10 is_there "$length"
    kill -KILL "$pid"
    poll_until 10 is_gone "$length"
}
