# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=bash disable=SC2016
# The usual build tools, those of the host (system = true) beside the packages, without a network; their caches stay.

load ../lib/common

setup() {
    make_project <<'TOML'
[sandbox.filesystem]
system = true
[sandbox.network]
allow = false
[nix]
packages = ["nodejs_22"]
[cage]
env = ["CARGO_TERM_COLOR=never"]
TOML
}

teardown() {
    if [ -n "${SERVER:-}" ]; then kill "$SERVER"; fi
}

# Nothing of a tool's is left in the host's home directory.
home_is_as_before() {
    [ ! -e "$HOME/.npm" ] && [ ! -e "$HOME/.cache/pip" ] && [ ! -e "$HOME/.cargo" ]
}

# npm_package DIR NAME: a package of one file.
npm_package() {
    mkdir -p "$1"
    printf '{"name":"%s","version":"1.0.0","main":"index.js","bin":{"%s":"index.js"}}\n' "$2" "$2" >"$1/package.json"
    printf '#!/usr/bin/env node\nconsole.log("%s runs in " + process.env.NIXCAGE_ACTIVE);\n' "$2" >"$1/index.js"
    chmod +x "$1/index.js"
}

@test "npm: install of a tarball, its program, a script" {
    need npm
    npm_package parts/package greeter
    tar -C parts -czf greeter.tgz package
    echo '{"name":"app","version":"1.0.0","private":true,"scripts":{"start":"greeter"}}' >package.json
    run_cage npm install --no-audit --no-fund ./greeter.tgz
    assert_status 0
    run_cage npm run --silent start
    assert_output 'greeter runs in cage'
    run_cage npx --no-install greeter
    assert_output 'greeter runs in cage'
    home_is_as_before
}

@test "npm: a registry on the host's localhost, and a cache that outlives the cage" {
    need npm
    need python3
    npm_package parts/package from-registry
    mkdir www
    tar -C parts -czf www/from-registry-1.0.0.tgz package
    # The port is the server's choice, and the registry's answer names it.
    python3 -u - >port 3>&- <<'PY' &
import hashlib, base64, http.server, json, os
os.chdir("www")
class Handler(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *args): pass
    def do_GET(self):
        if self.path != "/from-registry":
            return super().do_GET()
        data = open("from-registry-1.0.0.tgz", "rb").read()
        integrity = "sha512-" + base64.b64encode(hashlib.sha512(data).digest()).decode()
        url = "http://127.0.0.1:%d/from-registry-1.0.0.tgz" % self.server.server_port
        version = {"name": "from-registry", "version": "1.0.0", "bin": {"from-registry": "index.js"},
                   "dist": {"tarball": url, "integrity": integrity}}
        body = json.dumps({"name": "from-registry", "dist-tags": {"latest": "1.0.0"}, "versions": {"1.0.0": version}}).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
print(server.server_port)
server.serve_forever()
PY
    SERVER=$!
    poll_until 10 test -s port
    sed -i -e "s/^allow = false/&\nhost_ports = [$(<port)]/" -e "s#^env = \[#&\"npm_config_registry=http://127.0.0.1:$(<port)/\", #" nixcage.toml
    trust_project
    echo '{"name":"app","version":"1.0.0","private":true}' >package.json
    run_cage npm install --no-audit --no-fund from-registry
    kill "$SERVER"
    SERVER=
    assert_status 0
    run_cage npx --no-install from-registry
    assert_output 'from-registry runs in cage'
    # Without the server: from the cache in .nixcage/local.
    rm -r node_modules package-lock.json
    run_cage npm install --offline --no-audit --no-fund from-registry
    assert_status 0
    [ -d .nixcage/local ]
    home_is_as_before
}

@test "pip: a virtual environment and a local wheel" {
    /usr/bin/python3 -c 'import ensurepip, venv' 2>/dev/null || need python3-venv
    mkdir -p wheel/greeter-1.0.dist-info wheel/greeter
    echo 'def main(): import os; print("wheel runs in " + os.environ["NIXCAGE_ACTIVE"])' >wheel/greeter/__init__.py
    printf 'Metadata-Version: 2.1\nName: greeter\nVersion: 1.0\n' >wheel/greeter-1.0.dist-info/METADATA
    printf 'Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n' >wheel/greeter-1.0.dist-info/WHEEL
    printf '[console_scripts]\ngreeter = greeter:main\n' >wheel/greeter-1.0.dist-info/entry_points.txt
    printf 'greeter/__init__.py,,\ngreeter-1.0.dist-info/METADATA,,\ngreeter-1.0.dist-info/WHEEL,,\ngreeter-1.0.dist-info/entry_points.txt,,\ngreeter-1.0.dist-info/RECORD,,\n' \
        >wheel/greeter-1.0.dist-info/RECORD
    (cd wheel && /usr/bin/python3 -m zipfile -c ../greeter-1.0-py3-none-any.whl greeter greeter-1.0.dist-info)
    run_cage sh -c '/usr/bin/python3 -m venv venv && venv/bin/pip install --quiet --no-index ./greeter-1.0-py3-none-any.whl && venv/bin/greeter'
    assert_status 0
    assert_output 'wheel runs in cage'
    # The next cage finds the environment, and pip its cache.
    run_cage sh -c 'venv/bin/greeter; venv/bin/pip cache dir'
    assert_output "wheel runs in cage
$PROJECT/.nixcage/local/cache/pip"
    # The control: what was installed is what runs.
    run_cage sh -c 'venv/bin/pip uninstall --quiet --yes greeter; venv/bin/greeter'
    [ "$status" = 127 ]
    home_is_as_before
}

@test "cargo: build and run of a crate" {
    [ -x /usr/bin/cargo ] || need cargo-of-the-system
    mkdir src
    printf '[package]\nname = "greeter"\nversion = "0.1.0"\nedition = "2021"\n' >Cargo.toml
    echo 'fn main() { println!("crate runs in {}", std::env::var("NIXCAGE_ACTIVE").unwrap()); }' >src/main.rs
    run_cage cargo run --quiet --offline
    assert_status 0
    assert_output 'crate runs in cage'
    home_is_as_before
}

@test "cargo: what it downloads outlives the cage" {
    [ -x /usr/bin/cargo ] || need cargo-of-the-system
    need git
    mkdir -p part/src app/src
    printf '[package]\nname = "part"\nversion = "0.1.0"\nedition = "2021"\n' >part/Cargo.toml
    echo 'pub fn where_am_i() -> String { std::env::var("NIXCAGE_ACTIVE").unwrap() }' >part/src/lib.rs
    git -C part init -q
    git -C part add .
    git -C part -c user.name=a -c user.email=a@b commit -qm part
    printf '[package]\nname = "app"\nversion = "0.1.0"\nedition = "2021"\n[dependencies]\npart = { git = "file://%s/part" }\n' "$PROJECT" \
        >app/Cargo.toml
    echo 'fn main() { println!("dependency runs in {}", part::where_am_i()); }' >app/src/main.rs
    cd app
    run_cage cargo run --quiet
    assert_status 0
    assert_output 'dependency runs in cage'
    [ -n "$(ls "$PROJECT/.nixcage/local/data/cargo/git/checkouts")" ]
    # Another cage, and the source of the download is gone.
    rm -r "$PROJECT/part" target
    run_cage cargo run --quiet --offline
    assert_status 0
    assert_output 'dependency runs in cage'
    # The control: without what was kept it cannot be built.
    rm -r target "$PROJECT/.nixcage/local/data/cargo"
    run_cage cargo run --quiet --offline
    [ "$status" != 0 ]
    home_is_as_before
}

@test "make: a small C project, with dependencies by time stamp" {
    need make
    need gcc
    printf 'CFLAGS = -O2 -Wall -Werror\nprogram: main.o part.o\n\t$(CC) -o $@ $^\nclean:\n\trm -f program *.o\n' >Makefile
    printf '#include <stdio.h>\n#include <stdlib.h>\nint part(void);\nint main(void) { printf("%%s %%d\\n", getenv("NIXCAGE_ACTIVE"), part()); return 0; }\n' >main.c
    echo 'int part(void) { return 7; }' >part.c
    run_cage sh -c 'make --silent CC=gcc && ./program'
    assert_status 0
    assert_output 'cage 7'
    run_cage make CC=gcc
    assert_output_has 'up to date'
    echo 'int part(void) { return 7; }' >part.c
    run_cage make CC=gcc
    assert_output_has part.c
    [ "$(env NIXCAGE_ACTIVE=host ./program)" = 'host 7' ]
}

@test "temporary files and caches go to .nixcage/local, and stay" {
    run_cage sh -c 'for dir in "$XDG_CACHE_HOME" "$XDG_DATA_HOME" "$XDG_STATE_HOME" "$XDG_CONFIG_HOME" "$TMPDIR"; do echo kept >"$dir/mark" || exit 1; done'
    assert_status 0
    run_cage sh -c 'cat "$XDG_CACHE_HOME/mark" "$XDG_DATA_HOME/mark" "$XDG_STATE_HOME/mark" "$XDG_CONFIG_HOME/mark"'
    assert_output $'kept\nkept\nkept\nkept'
    [ -e .nixcage/local/cache/mark ]
}
