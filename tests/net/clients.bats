#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
# Ordinary programs in a cage with `hosts`: nothing is configured in it. To be run by ./run.

load ../lib/common
load helpers/net

@test "curl by http and https, and the summary of what was denied" {
    net_project 'hosts = ["api.test"]'
    run_cage sh -c 'curl -sS http://api.test/ && curl -sS --cacert cert.pem https://api.test/'
    assert_status 0
    assert_output $'from the server\nfrom the server'
    [ -z "$stderr" ]
    run_cage curl -sS http://other.test/
    assert_status 6
    # Some versions of curl ask twice.
    [[ $stderr =~ other\.test:\ not\ in\ hosts\ \((1\ time|2\ times)\) ]] || _explain "other.test was refused"
    assert_stderr_has 'to allow: hosts = ["api.test", "other.test"]'
}

@test "a name below a wildcard, and a server that has IPv6 only" {
    net_project 'hosts = ["*.w.test", "v6.test"]'
    run_cage sh -c 'curl -sS http://a.b.w.test/ && curl -sS --cacert cert.pem https://www.w.test/ && curl -sS http://v6.test/'
    assert_output $'from the server\nfrom the server\nfrom the server'
    run_cage curl -sS http://w.test/
    assert_status 6
}

@test "a name whose answer is too long for UDP is asked of the system, by nixcage-nss" {
    net_project 'hosts = ["long.test"]'
    run_cage curl -sS http://long.test/
    assert_status 0
    assert_output "from the server"
}

@test "git over https" {
    net_project 'hosts = ["git.test:443"]'
    run_cage sh -c 'git -c http.sslCAInfo=cert.pem clone -q https://git.test/repo.git c && cat c/file'
    assert_output "from git"
    run_cage git -c http.sslCAInfo=cert.pem ls-remote https://api.test/repo.git
    [ "$status" -ne 0 ]
}

@test "git over ssh" {
    [ -d "$NET_DIR/ssh" ] || skip "no sshd"
    net_project 'hosts = ["git.test:22"]'
    cp "$NET_DIR/ssh/user" "$NET_DIR/ssh/known" .
    chmod 600 user
    export GIT_SSH_COMMAND="ssh -F /dev/null -i $PWD/user -o UserKnownHostsFile=$PWD/known -o StrictHostKeyChecking=yes"
    run_cage env GIT_SSH_COMMAND="$GIT_SSH_COMMAND" sh -c "git clone -q ssh://root@git.test$NET_DIR/www/repo.git c && cat c/file"
    assert_status 0
    assert_output "from git"
}

@test "node's fetch" {
    [ -x /usr/bin/node ] || skip "no node in /usr"
    net_project 'hosts = ["api.test"]'
    run_cage env NODE_EXTRA_CA_CERTS=cert.pem node -e '
        (async () => {
            console.log((await (await fetch("https://api.test/")).text()).trim());
            try { await fetch("https://other.test/"); } catch (e) { console.log(e.cause.code); }
        })()'
    assert_output $'from the server\nENOTFOUND'
}

@test "python's urllib" {
    net_project 'hosts = ["api.test"]'
    run_cage python3 -c '
import ssl, urllib.request
context = ssl.create_default_context(cafile="cert.pem")
print(urllib.request.urlopen("https://api.test/", context=context).read().decode().strip())'
    assert_output "from the server"
}

@test "npm install from a registry" {
    [ -x /usr/bin/npm ] || skip "no npm in /usr"
    net_project 'hosts = ["registry.test"]'
    echo '{"name": "p", "version": "1.0.0"}' >package.json
    run_cage env npm_config_cafile="$PWD/cert.pem" npm_config_cache="$PWD/cache" npm_config_update_notifier=false \
        npm install --no-audit --no-fund --registry https://registry.test/ left-pad-stand-in
    assert_status 0
    [ -e node_modules/left-pad-stand-in/package.json ]
}

@test "psql to the host's PostgreSQL by host_ports" {
    [ -d "$NET_DIR/pg" ] || skip "no PostgreSQL"
    net_project $'allow = false\nhost_ports = [5432]'
    run_cage psql -h localhost -U postgres -Atc 'select 40 + 2'
    assert_status 0
    assert_output 42
    net_project 'allow = false'
    run_cage psql -h localhost -U postgres -Atc 'select 40 + 2'
    assert_status 2
}

# answers PORT ADDRESS: polls until the dev server in the cage answers there.
answers() {
    local i
    for ((i = 0; i < 100; i++)); do
        output=$(timeout 2 bash -c "exec 3<>/dev/tcp/$2/$1 && cat <&3" 2>/dev/null) || :
        [ "$output" != "from the cage" ] || return 0
        sleep 0.05
    done
    return 1
}

@test "a dev server is reached through expose, on IPv4 and IPv6, whatever it listens on" {
    net_project $'allow = false\nexpose = [3000, 3001]'
    cp "$NET_DIR/client.py" .
    "$NIXCAGE" run -- python3 client.py listen 127.0.0.1 3000 >/dev/null 2>&1 </dev/null 3>&- &
    local cage=$!
    answers 3000 127.0.0.1
    answers 3000 ::1
    # Nothing listens on this one: refused, not open.
    run timeout 5 bash -c 'exec 3<>/dev/tcp/127.0.0.1/3001 && cat <&3'
    [ "$status" -ne 0 ]
    [[ $output != *"from the cage"* ]]
    answers 3000 127.0.0.1
    wait $cage
    "$NIXCAGE" run -- python3 client.py listen ::1 3001 >/dev/null 2>&1 </dev/null 3>&- &
    cage=$!
    answers 3001 127.0.0.1
    answers 3001 127.0.0.1
    answers 3001 ::1
    wait $cage
}

@test "a port of the host that is taken is an error before anything runs" {
    net_project $'allow = false\nexpose = [80]'
    run_cage touch ran
    assert_status 125
    assert_stderr_has "port 80 of this host"
    [ ! -e ran ]
}

@test "an outer proxy is used, with its password, and NO_PROXY is honoured" {
    net_project 'hosts = ["api.test", "refused.test", "git.test"]'
    export HTTPS_PROXY=http://us%65r:pass@10.77.0.4:3128 NO_PROXY=git.test
    run_cage sh -c 'curl -sS --cacert cert.pem https://api.test/; curl -sS http://api.test/; curl -sS --cacert cert.pem https://git.test/'
    assert_output $'from the server\nfrom the server\nfrom the server'
    run_cage curl -sS -m 60 http://refused.test/
    assert_status 56
    grep -q '^CONNECT api.test:443 HTTP/1.1 | Proxy-Authorization: Basic dXNlcjpwYXNz' "$NET_DIR/proxy.log"
    grep -q '^CONNECT api.test:80 ' "$NET_DIR/proxy.log"
    run grep -c '^CONNECT git.test' "$NET_DIR/proxy.log"
    [ "$output" = 0 ]
    export HTTPS_PROXY=socks5://10.77.0.4:1080
    run_cage true
    assert_status 125
    assert_stderr_has "HTTPS_PROXY"
}

@test "nixcage log shows it, as text, as JSON, and as it comes" {
    net_project 'hosts = ["api.test"]'
    run_split "$NIXCAGE" log
    assert_output ""
    assert_stderr_has 'nothing is recorded yet'
    run_cage sh -c 'curl -s http://api.test/; curl -s http://other.test/'
    run_split "$NIXCAGE" log
    assert_status 0
    assert_output_has "allowed  api.test:80  sent "
    assert_output_has "denied   other.test  not in hosts"
    run_split "$NIXCAGE" log --json "$PROJECT"
    [ "$(jq -r 'select(.verdict == "denied") | .name' <<<"$output")" = other.test ]
    "$NIXCAGE" log --follow >followed 2>&1 3>&- &
    local follower=$! i
    run_cage curl -s http://third.test/
    for ((i = 0; i < 50; i++)); do
        ! grep -q third.test followed || break
        sleep 0.1
    done
    kill $follower
    grep -q third.test followed
}
