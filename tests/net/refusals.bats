#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
# Everything the gate must refuse, each time beside something of the same kind that it must allow. To be run by ./run.

load ../lib/common
load helpers/net

# fetch URL…: curl in the cage, one line for each: the text, "no such host", "refused" (a connection refused, reset or without a
# way) or "timed out", which no refusal may be: curl has a minute.
fetch() {
    run_cage sh -c 'for url; do
        curl -sS -m 60 --cacert cert.pem "$url" 2>/dev/null && continue
        case $? in 6) echo "no such host" ;; 7 | 35 | 56) echo refused ;; 28) echo "timed out" ;; *) echo "another error" ;; esac
    done' fetch "$@"
}

# logged NAME REASON: the record has a refusal of NAME for REASON.
logged() {
    net_log | grep -F "\"name\":\"$1\"" | grep -F '"verdict":"denied"' | grep -qF "\"reason\":\"$2" || {
        net_log | tail -n 20 >&2
        return 1
    }
}

@test "names that are not in hosts, and no query for them leaves the host" {
    net_project 'hosts = ["api.test"]'
    : >"$BATS_TEST_TMPDIR/before"
    local before
    before=$(wc -l <"$NET_DIR/dns.log")
    fetch http://api.test/ http://other.test/ http://secret-data.attacker.test/ http://x.api.test/ http://api.test.attacker.test/
    assert_output $'from the server\nno such host\nno such host\nno such host\nno such host'
    run_cage sh -c 'for name in a.tunnel.attacker.test data.tunnel.api.test api.test; do
        for type in TXT NULL MX CNAME ANY; do dig +short $type $name; dig +tcp +short $type $name; done
    done | grep -v "^198\."'
    assert_output ""
    run tail -n +$((before + 1)) "$NET_DIR/dns.log"
    grep -qi 'api.test' <<<"$output" # the control: allowed names do go there
    [ "$(grep -ciE 'other|attacker|tunnel|x\.api|TXT|NULL|MX' <<<"$output")" = 0 ]
    logged other.test "not in hosts"
}

@test "rebinding: an allowed name that leads to loopback, this host, the local link or metadata" {
    curl -s http://127.0.0.1/ | grep -q secret # all of these would be answered
    curl -s http://10.77.0.1/ | grep -q secret
    curl -s 'http://[fd77::1]/' | grep -q secret
    curl -s http://169.254.169.254/ | grep -q server
    local names="loop loop6 mapped nat64 sixtofour self self6 zero multicast link link6 meta metamapped" name list=
    for name in $names; do list+="\"$name.test\", "; done
    net_project "hosts = [$list\"api.test\", \"mixed.test\"]"
    fetch http://api.test/
    assert_output "from the server"
    for name in $names; do
        fetch "http://$name.test/"
        assert_output refused
    done
    logged loop.test "loopback address"
    logged loop6.test "loopback address"
    logged mapped.test "loopback address"
    logged nat64.test "loopback address"
    logged sixtofour.test "loopback address"
    logged self.test "address of this host"
    logged self6.test "address of this host"
    logged zero.test "not the address of a host"
    logged multicast.test "not the address of a host"
    logged link.test "link-local address"
    logged link6.test "link-local address"
    logged meta.test "cloud metadata address"
    logged metamapped.test "cloud metadata address"
    # The acceptable one of two addresses is taken.
    fetch http://mixed.test/
    assert_output "from the server"
}

@test "addresses: only listed literals, with their ports, metadata too" {
    net_project 'hosts = ["10.77.0.3:80", "[fd77::3]:80"]'
    fetch http://10.77.0.3/ 'http://[fd77::3]/' http://10.77.0.3:8080/ http://10.77.0.1/ http://169.254.169.254/ 'http://[fd77::1]/'
    assert_output $'from the server\nfrom the server\nrefused\nrefused\nrefused\nrefused'
    net_project 'hosts = ["169.254.169.254:80", "meta.test"]'
    fetch http://169.254.169.254/ http://meta.test/
    assert_output $'from the server\nfrom the server'
    net_project 'hosts = ["api.test"]'
    fetch http://api.test/ http://10.77.0.3/ 'http://[fd77::3]/' 'http://[::ffff:10.77.0.3]/' http://198.18.200.7/
    assert_output $'from the server\nrefused\nrefused\nrefused\nrefused'
}

@test "the host's own loopback is not the cage's" {
    net_project 'hosts = ["api.test"]'
    fetch http://api.test/ http://127.0.0.1/ 'http://[::1]/' http://localhost/ http://10.77.0.1/
    assert_output $'from the server\nrefused\nrefused\nrefused\nrefused'
}

@test "ports that are not allowed, at once, and on record" {
    net_project 'hosts = ["api.test:8080", "both.test"]'
    fetch http://api.test:8080/ http://both.test/ http://api.test/ http://both.test:8080/ http://api.test:9999/
    assert_output $'from the server\nfrom the server\nrefused\nrefused\nrefused'
    assert_stderr_has "api.test port 80: port not in hosts (1 time)"
    assert_stderr_has "both.test port 8080: port not in hosts (1 time)"
    assert_stderr_has "api.test port 9999: port not in hosts (1 time)"
    assert_stderr_has 'hosts = ["api.test:8080", "both.test", "api.test", "both.test:8080", "api.test:9999"]'
}

@test "TLS: another server name, none, an encrypted one; on any port" {
    net_project 'hosts = ["api.test", "api.test:8443"]'
    in_cage tls-same api.test
    assert_output 22
    in_cage tls-other api.test
    assert_output reset
    in_cage tls-none api.test
    assert_output reset
    in_cage tls-ech api.test
    assert_output reset
    assert_stderr_has "TLS with an encrypted server name"
    in_cage tls-same api.test 8443
    assert_output 22
    in_cage tls-other api.test 8443
    assert_output reset
    in_cage tls-ech api.test 8443
    assert_output reset
    in_cage dribble api.test
    assert_output 22
    logged api.test "TLS to another host"
    logged api.test "TLS without a server name"
}

@test "port 443 without TLS, port 80 without HTTP or with another host" {
    net_project 'hosts = ["api.test"]'
    fetch http://api.test/ http://api.test:443/
    assert_output $'from the server\nrefused'
    run_cage sh -c 'curl -sS -m 60 -H "Host: other.test" http://api.test/ || echo refused
        curl -sS -m 60 -H "Host: api.test:80" http://api.test/ || echo refused
        curl -sS -m 60 -x http://api.test:80 http://other.test/ || echo refused
        curl -sSk -m 60 https://api.test:80/ || echo refused'
    assert_output $'refused\nfrom the server\nrefused\nrefused'
    logged api.test "HTTP to another host"
    logged api.test "not a TLS hello"
    logged api.test "not a plain HTTP request"
}

@test "HTTPS, SVCB and AAAA records are empty, so no ECH keys and no IPv6" {
    command -v dig >/dev/null || skip "no dig"
    net_project 'hosts = ["both.test"]'
    run_cage sh -c 'for type in A AAAA HTTPS SVCB TXT MX; do dig +noall +comments +answer both.test $type; done'
    [ "$(grep -c 'status: NOERROR' <<<"$output")" = 6 ]
    [ "$(grep -c $'IN\tA\t198.1[89].' <<<"$output")" = 1 ]
    [ "$(grep -c 'ANSWER: 0' <<<"$output")" = 5 ]
    run_cage sh -c 'dig +tcp +short both.test; dig +noall +comments nope.test | grep -o NXDOMAIN; dig +tcp +noall +comments nope.test | grep -o NXDOMAIN'
    [ "$(sed -n 1p <<<"$output" | cut -d. -f1)" = 198 ]
    [ "$(grep -c NXDOMAIN <<<"$output")" = 2 ]
}

@test "another resolver cannot be asked" {
    command -v dig >/dev/null || skip "no dig"
    [ -n "$(dig +short @10.77.0.2 api.test)" ]
    net_project 'hosts = ["api.test"]'
    run_cage sh -c 'dig +short +tries=1 +time=30 @10.77.0.2 api.test 2>&1 || echo refused; dig +short api.test'
    [[ $output == *refused* ]]
    [[ $output == *[Uu]nreachable* ]]
    [[ $output == *198.18.* ]]
}

@test "UDP, ICMP and raw sockets" {
    net_project 'hosts = ["api.test"]'
    in_cage udp api.test 443
    assert_output "Connection refused"
    in_cage udp 10.77.0.3 443
    assert_output "Network is unreachable"
    in_cage udp fd77::3 443
    [ "$output" != answered ]
    in_cage icmp 10.77.0.3
    assert_output refused
    in_cage icmp api.test
    assert_output refused
    fetch http://api.test/
    assert_output "from the server"
}

@test "allow = false, strict and hosts = [] give an empty namespace" {
    local lines
    for lines in 'allow = false' 'hosts = []'; do
        net_project "$lines"
        run_cage python3 client.py connect 10.77.0.3 80
        assert_output "Network is unreachable"
        run_cage python3 client.py connect 127.0.0.1 80
        assert_output "Connection refused"
        run_cage curl -sS -m 60 http://api.test/
        assert_status 6
        run_cage ls /sys/class/net
        [ "$status" -ne 0 ]
    done
    net_project 'hosts = ["api.test"]'
    fetch http://api.test/
    assert_output "from the server"
}

@test "the record is out of the cage's reach, and has no line that the cage could forge" {
    net_project 'hosts = ["api.test"]'
    fetch http://api.test/
    assert_output "from the server"
    net_log | python3 -c 'import json, sys; [json.loads(line) for line in sys.stdin]'
    run_cage sh -c 'ls "$1"/nixcage/log || echo none' sh "$XDG_STATE_HOME"
    assert_output none
    [ "$(stat -c %a "$XDG_STATE_HOME"/nixcage/log/*.jsonl | sort -u)" = 600 ]
}

@test "what leaves the cage's namespace is nothing: no route, no other interface" {
    net_project 'hosts = ["api.test"]'
    run_cage sh -c 'cat /proc/net/dev | tail -n +3 | cut -d: -f1; cat /proc/net/route | tail -n +2'
    assert_output "    lo"
}
