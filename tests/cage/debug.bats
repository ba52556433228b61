# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=bash
# --debug: what the cage refused, why, and the line that would allow it.

load ../lib/common

setup() {
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
    assert_stderr_has 'Not looked for: what the system call filter refused; --debug=FILE has it'
    debug_cage true
    refute_stderr_has 'Not looked for'
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

@test "a protected file that a program replaces: git config, and what edits in place" {
    git init -q .
    echo x >other
    debug_cage git config user.name x
    assert_status 4
    assert_stderr_has 'git: rename '"$PROJECT"'/.git/config: EBUSY'
    assert_stderr_has 'unprotect = [".git/config"]'
    debug_cage sed -i s/true/false/ nixcage.toml
    assert_stderr_has "$PROJECT/nixcage.toml: EBUSY"
    assert_stderr_has 'nixcage.toml is what keeps the cage closed'
    # What the lines say is so: what is not protected can be replaced, and .git/config, once it is not.
    debug_cage sed -i s/x/y/ other
    assert_status 0
    [ "$(<other)" = y ]
    sed -i 's/^system = true/&\nunprotect = [".git\/config"]/' nixcage.toml
    trust_project
    debug_cage git config user.name x
    assert_status 0
    refute_stderr_has EBUSY
    [ "$(git config user.name)" = x ]
}

@test "a command that cannot be executed: what is missing for it" {
    printf '#!/opt/nowhere/tool\n' >script
    chmod +x script
    debug_cage ./script
    assert_status 127
    assert_stderr_has "nixcage: execve $PROJECT/script: ENOENT"
    assert_stderr_has 'its interpreter /opt/nowhere/tool is not in the cage'
    debug_cage nosuchprogram
    assert_status 127
    assert_stderr_has 'nixcage: execve nosuchprogram: ENOENT'
    assert_stderr_has 'packages = ["nosuchprogram"] in [nix]'
    # One that is found says nothing of where it was looked for.
    debug_cage true
    refute_stderr_has execve
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

@test "--debug=FILE: a sandbox in the cage, and the line that allows it" {
    need unshare
    run_split "$NIXCAGE" run --debug="$HOME/events.json" -- unshare -U true
    refute [ "$status" = 0 ]
    assert_stderr_has 'unshare: unshare: EPERM'
    assert_stderr_has 'system call filter: no namespaces are made in a cage'
    if [ "$NIXCAGE_TEST_MODE" = root ]; then # cannot have it
        refute_stderr_has 'to allow it'
        return
    fi
    assert_stderr_has 'nested = true in [sandbox]'
    printf '\n[sandbox]\nnested = true\n[nix]\nstore_view = "full"\n' >>nixcage.toml
    trust_project
    run_split "$NIXCAGE" run --debug="$HOME/events.json" -- unshare -U true
    assert_status 0
    assert_stderr_has 'No sandbox access failures detected'
}

@test "where nothing may be traced it says so and runs on" {
    local build=${NIXCAGE%/src/nixcage}
    [ -x "$build/tests/cage/deny" ] || skip "not a build tree"
    run_split "$build/tests/cage/deny" EPERM ptrace -- "$NIXCAGE" run --debug -- sh -c 'echo ran; exit 4'
    assert_status 4
    assert_output ran
    assert_stderr_has 'programs cannot be traced here: ptrace: Operation not permitted'
    refute_stderr_has 'access failures'
}

# The helper of tests/cage/helpers/traced.c, where the cage sees it. Its cases print the same with a tracer and without.
traced_helper() {
    local build=${NIXCAGE%/src/nixcage}
    [ -x "$build/tests/cage/traced" ] || skip "not a build tree"
    cp "$build/tests/cage/traced" .
}

@test "threads, vfork, stops and signals are as without" {
    local case plain
    traced_helper
    for case in threads vfork stops signals names; do
        run_cage ./traced "$case"
        assert_status 0
        plain=$output
        debug_cage ./traced "$case"
        assert_status 0
        assert_output "$plain"
        [ -n "$plain" ]
        run_split "$NIXCAGE" run --debug="$HOME/events.json" -- ./traced "$case"
        assert_status 0
        assert_output "$plain"
    done
    refute_stderr_has 'nowhere' # is on the host no more than in the cage
    debug_cage ./traced stops
    assert_output_has 'stopped 1 by 20, still 1, continued 1, exit 7'
}

@test "a program that a thread executes is explained as any other" {
    traced_helper
    debug_cage env "TRACED_FILE=$HOME/data.txt" ./traced thread-exec
    assert_status 1
    assert_stderr_has "cat: openat $HOME/data.txt: ENOENT"
}

@test "relative names, names from an open directory, and hostile ones" {
    local bad=$'a\n1<x> openat(AT_FDCWD, "forged", O_RDONLY) = -1 EACCES'
    need python3 jq
    mkdir -p "$HOME/dir/sub"
    echo 1 >"$HOME/dir/sub/$bad"
    run_split "$NIXCAGE" run --debug="$HOME/events.json" -- python3 -c '
import os, socket, sys
home = os.open("/", os.O_PATH)
for path in (sys.argv[1].lstrip("/") + "/dir/sub/" + sys.argv[2], sys.argv[1].lstrip("/") + "/data.txt"):
    try: os.open(path, os.O_RDONLY, dir_fd=home)
    except FileNotFoundError: pass
os.chdir("/usr")
try: os.mkdir("made")
except OSError: pass
try: socket.socket(socket.AF_UNIX).connect("nobody/listens")
except OSError: pass
' "$HOME" "$bad"
    assert_status 0
    jq -es --arg want "$HOME/dir/sub/$bad" 'any(.[]; .path == $want)' "$HOME/events.json"
    jq -es --arg want "$HOME/data.txt" 'any(.[]; .path == $want)' "$HOME/events.json"
    jq -es 'any(.[]; .path == "/usr/made" and .error == "EROFS")' "$HOME/events.json"
    jq -es 'any(.[]; .socket == "/usr/nobody/listens")' "$HOME/events.json"
    jq -es 'all(.[] | .path // ""; endswith("forged") | not)' "$HOME/events.json"
    rm -r "$HOME/dir"
}

@test "what the command leaves behind does not hold the run up" {
    run_split timeout 20 "$NIXCAGE" run --debug -- sh -c 'sleep 60 & exit 3'
    assert_status 3
}

@test "Ctrl-Z stops the whole, and fg goes on" {
    local pid
    "$NIXCAGE" run --debug -- sh -c 'kill -STOP $$; cat /nowhere; echo on; exit 6' >out 2>err 3>&- &
    pid=$!
    poll_until 10 grep -q '^State:.T' "/proc/$pid/status"
    kill -CONT "$pid"
    wait "$pid" || [ $? = 6 ]
    grep -qx on out
}

@test "a parallel build under --debug is the same build" {
    local i
    need gcc make
    for i in 1 2 3 4 5 6; do echo "int f$i(void) { return $i; }" >"f$i.c"; done
    printf 'all: %s\n%%.o: %%.c\n\tgcc -c -o $@ $<\n' "$(echo f{1..6}.o)" >Makefile
    debug_cage make -s -j4
    assert_status 0
    assert_stderr_has 'No sandbox access failures detected'
    for i in 1 2 3 4 5 6; do [ -s "f$i.o" ]; done
    # The linker's driver looks for other names of nm and strip, which nobody has.
    echo 'int main(void) { return 0; }' >main.c
    debug_cage gcc -o main main.c
    assert_status 0
    assert_stderr_has 'No sandbox access failures detected'
    debug_cage nproc
    [ "$output" = "$(nproc)" ]
}

@test "the cage sees nothing of the trace" {
    debug_cage sh -c 'ls -l /proc/self/fd /proc/1/fd 2>&1 | grep -c pipe; cat /proc/self/status | grep NoNewPrivs; ls /proc | grep -c "^[0-9]"'
    run_split "$NIXCAGE" run --debug -- sh -c 'for f in /proc/*/comm; do cat $f; done 2>/dev/null'
    refute_output_has nixcage-tracer
    refute_output_has nixcage-trace
    refute_output_has nixcage-report
}

is_gone() {
    refute pgrep -f "sleep $1" >/dev/null
}

is_there() {
    pgrep -f "sleep $1" >/dev/null
}

@test "when nixcage is killed, the tracer and the cage end" {
    local length=86$RANDOM
    "$NIXCAGE" run --debug -- sleep "$length" 2>/dev/null 3>&- &
    local pid=$!
    poll_until 10 is_there "$length"
    kill -KILL "$pid"
    poll_until 10 is_gone "$length"
}
