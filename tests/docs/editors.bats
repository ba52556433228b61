# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=bash disable=SC2154
# docs/EDITORS.md: the examples do what they say, and a server over stdio has no byte more on its output.
load ../lib/common

# block NAME: the fenced block of that name.
block() {
    awk -v name="$1" '/^```$/ { on = 0 } on { print } $0 ~ "^```[a-z]+ " name "$" { on = 1 }' "$NIXCAGE_SRC/docs/EDITORS.md"
}

setup() {
    need jq
    mkdir "$BATS_TEST_TMPDIR/bin"
    ln -s "$NIXCAGE" "$BATS_TEST_TMPDIR/bin/nixcage"
    PATH=$BATS_TEST_TMPDIR/bin:$PATH
    make_project <<'TOML'
[nix]
packages = ["nodejs_22"]
TOML
    # Answers each JSON-RPC message in the framing of the language server protocol or, a line each, of MCP.
    cat >server.js <<'JS'
let data = Buffer.alloc(0);
const answer = (m) => JSON.stringify({ jsonrpc: '2.0', id: m.id, result: { method: m.method, active: process.env.NIXCAGE_ACTIVE } });
process.stdin.on('data', (more) => {
  data = Buffer.concat([data, more]);
  for (;;) {
    const head = /^Content-Length: (\d+)\r\n\r\n/.exec(data.toString('latin1'));
    const line = data.indexOf(10);
    if (head) {
      const end = head[0].length + Number(head[1]);
      if (data.length < end) return;
      const body = answer(JSON.parse(data.subarray(head[0].length, end)));
      data = data.subarray(end);
      process.stdout.write(`Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`);
    } else if (line >= 0 && data[0] === 123) {
      const body = answer(JSON.parse(data.subarray(0, line)));
      data = data.subarray(line + 1);
      process.stdout.write(`${body}\n`);
    } else return;
  }
});
JS
}

@test "an MCP server as .mcp.json starts it: exactly its answers, the first run included" {
    block mcp >.mcp.json
    mapfile -t words < <(jq -r '.mcpServers.notes | .command, .args[]' .mcp.json)
    [ "${#words[@]}" = 5 ]
    printf '%s\n' '{"jsonrpc":"2.0","id":1,"method":"initialize"}' '{"jsonrpc":"2.0","id":2,"method":"tools/list"}' >input
    "${words[@]}" <input >output 2>errors
    printf '%s\n' '{"jsonrpc":"2.0","id":1,"result":{"method":"initialize","active":"cage"}}' \
        '{"jsonrpc":"2.0","id":2,"result":{"method":"tools/list","active":"cage"}}' >expected
    cmp expected output
    # From elsewhere, with the project named.
    cd /
    "${words[0]}" run "$PROJECT" -- "${words[@]:3}" <"$PROJECT/input" >"$PROJECT/output"
    cmp "$PROJECT/expected" "$PROJECT/output"
}

@test "a conversation: each answer comes before the next question; the end of input ends the cage" {
    nixcage run true
    coproc SERVER { exec nixcage run -- node server.js 2>"$BATS_TEST_TMPDIR/errors" 3>&-; }
    local pid=$SERVER_PID id answer
    for id in 1 2 3; do
        echo "{\"jsonrpc\":\"2.0\",\"id\":$id,\"method\":\"m\"}" >&"${SERVER[1]}"
        read -r -t 10 answer <&"${SERVER[0]}"
        [ "$answer" = "{\"jsonrpc\":\"2.0\",\"id\":$id,\"result\":{\"method\":\"m\",\"active\":\"cage\"}}" ]
    done
    local input=${SERVER[1]}
    exec {input}>&-
    wait "$pid"
    [ ! -s "$BATS_TEST_TMPDIR/errors" ]
}

@test "a language server's framing, with bytes of every kind" {
    local body='{"jsonrpc":"2.0","id":7,"method":"häß\u0000€"}'
    printf 'Content-Length: %d\r\n\r\n%s' "$(printf %s "$body" | wc -c)" "$body" >input
    nixcage run -- node server.js <input >output
    local answer='{"jsonrpc":"2.0","id":7,"result":{"method":"häß\u0000€","active":"cage"}}'
    printf 'Content-Length: %d\r\n\r\n%s' "$(printf %s "$answer" | wc -c)" "$answer" >expected
    cmp expected output
    head -c 1000000 /dev/urandom >bytes
    nixcage run -- cat <bytes >copy
    cmp bytes copy
}

@test "VS Code: the task runs in the cage, the terminal's profile is a shell there" {
    mkdir .vscode
    block tasks >.vscode/tasks.json
    mapfile -t words < <(jq -r '.tasks[0] | .command, .args[]' .vscode/tasks.json)
    run_split "${words[@]}"
    assert_status 0
    assert_output 'tested in cage'
    mapfile -t words < <(block terminal | jq -r '.["terminal.integrated.profiles.linux"].cage | .path, .args[]')
    # shellcheck disable=SC2016
    run_split bash -c 'echo "echo in=\$NIXCAGE_ACTIVE" | "$@"' - "${words[@]}"
    assert_output_has in=cage
    # The cage cannot change what the editor would run.
    run_cage sh -c '(echo {} >.vscode/tasks.json) || echo refused; echo {} >made && echo writable'
    assert_output $'refused\nwritable'
}
