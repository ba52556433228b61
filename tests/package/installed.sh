#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Runs on the clean root that tests/package/deb makes: /out/nixcage.deb is the package. TAP.
set -u

n=0
log=/tmp/log
export LC_ALL=C.UTF-8

# check NAME CMD…: one test.
check() {
    local name=$1
    shift
    n=$((n + 1))
    if "$@" >"$log" 2>&1; then
        echo "ok $n - $name"
    else
        echo "not ok $n - $name"
        tail -n 20 "$log" | sed 's/^/# /'
    fi
}

# What a new user of this machine types in the directory.
user_does() {
    setpriv --reuid=visitor --regid=visitor --init-groups env -i HOME=/home/visitor USER=visitor LOGNAME=visitor TERM=dumb LANG=C.UTF-8 \
        PATH="${user_path:-/usr/local/bin:/usr/bin:/bin}" \
        sh -euc "cd ~/project; $1"
}

files_are_there() {
    local file
    for file in man/man1/nixcage.1.gz man/man5/nixcage.toml.5.gz man/man7/nixcage-security.7.gz bash-completion/completions/nixcage \
        zsh/site-functions/_nixcage fish/vendor_completions.d/nixcage.fish nixcage/presets/claude-code.toml nixcage/offline/default.nix \
        doc/nixcage/copyright; do
        # minbase leaves documents out of the installation; the package has them all the same.
        dpkg -c /out/nixcage.deb | grep -q " ./usr/share/$file\$" || { echo "missing: $file"; return 1; }
    done
    dpkg -c /out/nixcage.deb | grep -Eq ' \./(etc/apparmor\.d|usr/share/apparmor/extra-profiles)/nixcage$'
    [ -d /usr/share/nixcage/presets ]
    ! ldd /usr/bin/nixcage | grep 'not found'
}

# The machine's own programs, no Nix anywhere.
without_nix() {
    user_does 'nixcage init --preset minimal
        printf "[sandbox.filesystem]\nsystem = true\n[sandbox.network]\nallow = false\n" >nixcage.toml
        nixcage allow --yes
        nixcage plan >/dev/null
        nixcage run -- sh -c "ls -A ~" >/tmp/home
        cat /tmp/home
        [ "$(cat /tmp/home)" = project ]
        [ "$(nixcage run -- id -u)" = "$(id -u)" ]'
}

own_bwrap() {
    mkdir -p /opt/fake
    printf '#!/bin/sh\necho fake bwrap >&2\nexit 99\n' >/opt/fake/bwrap
    chmod +x /opt/fake/bwrap
    # The control: it is what a search of PATH finds.
    user_path=/opt/fake:/usr/bin:/bin
    user_does '! bwrap --version && nixcage run -- true'
}

policy_holds() {
    user_does 'nixcage run -- sh -c "touch in-the-project; ! touch nixcage.toml" && [ -e in-the-project ]'
}

debug_works() {
    user_does 'nixcage run --debug -- cat /home/visitor/.profile 2>&1 | grep "ro_bind"'
}

with_nix() {
    # As Debian means it: a daemon, and its users in a group. Build users have no namespaces here.
    printf 'sandbox = false\nsubstituters =\nbuild-users-group = nixbld\n' >/etc/nix/nix.conf
    usermod -aG nix-users visitor
    nix-daemon >/tmp/daemon.log 2>&1 &
    daemon=$!
    for _ in $(seq 400); do
        if [ -S /nix/var/nix/daemon-socket/socket ]; then break; fi
        sleep 0.05
    done
    user_does 'export NIX_PATH=nixpkgs=/usr/share/nixcage/offline
        sed -i "\$a [nix]\npackages = [\"hello\"]" nixcage.toml
        nixcage allow --yes
        nixcage status
        [ "$(nixcage run -- hello)" = "Hello, world!" ]'
}

removed() {
    kill "$daemon"
    apt-get purge -y nixcage
    [ ! -e /usr/bin/nixcage ] && [ ! -e /usr/share/nixcage ] && [ ! -e /usr/libexec/nixcage ] && [ ! -e /etc/apparmor.d/nixcage ]
}

. /etc/os-release
echo "# $PRETTY_NAME, kernel $(uname -r)"
echo 1..10
check "a clean $VERSION_CODENAME has neither nixcage nor bubblewrap nor Nix" \
    sh -c '! command -v nixcage bwrap nix-shell'
check "apt installs the package with what it depends on and recommends" \
    apt-get install -y /out/nixcage.deb bash-static busybox-static patchelf
check "the recommended programs came with it" sh -c 'command -v bwrap && command -v nix-shell && command -v direnv'
check "manual pages, completions, presets, the offline set and the AppArmor profile are in it" files_are_there
useradd -m -s /bin/bash visitor
install -d -o visitor /home/visitor/project
check "an ordinary user: init, plan and run with the machine's programs" without_nix
check "it uses its own bubblewrap, not the first on PATH" own_bwrap
check "the cage writes the project and not the policy" policy_holds
check "--debug says what would allow an access" debug_works
check "an ordinary user: a package from Nix" with_nix
check "purge leaves nothing" removed
