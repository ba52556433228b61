#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
#
# cost-guest.sh ROUNDS: what a limited cage costs, in a guest of tests/vm/cost, as the user it runs as. Prints lines
# `# figure NAME MINIMUM MEDIAN P90 ROUNDS`, milliseconds. A pause is before each: the kernel is slow to move a process to another cgroup
# unless that was done a moment before, and who starts one cage has not just started another. NAME is
#   bwrap      a bwrap with namespaces and a few mounts
#   scope      systemd-run --scope with true, and nothing else
#   unlimited  nixcage run -- true
#   scoped     the same with limits, by a nixcage that does not miss the controllers (held.c): everything of a limited cage but what
#              they and their files take; only where there are none
#   limited    the same with limits that nixcage does hold; only where it can
#   …_after    the last two again, without pauses
set -eu
nixcage=/srv/t/build/src/nixcage
export PATH=/usr/bin:/bin
manager=--user
if [ "$(id -u)" = 0 ]; then manager=--system; fi

fail() {
    echo "cost: $*" >&2
    exit 1
}

project() { # project NAME LINES
    mkdir "$HOME/$1"
    printf '[sandbox.filesystem]\nsystem = true\n[sandbox.network]\nallow = false\n[nix]\npackages = []\n%s\n' "$2" >"$HOME/$1/nixcage.toml"
    "$nixcage" allow --yes "$HOME/$1" >/dev/null 2>&1
}

limits=$'[sandbox.resources]\ncpus = 1\nmemory = "1G"\npids = 100'
project unlimited ''
project limited "$limits"
project warned "$limits"$'\nenforce = "warn"'
cd "$HOME"

# check_scope: what is timed is a cage in a scope.
check_scope() {
    local cage i
    "$nixcage-held" run limited -- /usr/bin/sleep 300 >/dev/null 2>&1 &
    cage=$!
    for ((i = 0; i < 100; i++)); do
        if systemctl "$manager" list-units --no-legend 'nixcage-*.scope' | grep -q running; then break; fi
        sleep 0.1
    done
    kill $cage
    wait $cage || :
    [ $i -lt 100 ] || fail 'there is no scope'
}

# What cannot be held is refused, or said, although systemd accepts it here.
check_refusal() {
    local said status=0
    said=$("$nixcage" run limited -- true 2>&1) || status=$?
    [[ $status = 125 && $said = *'cannot be enforced here'*controller* ]] || fail "require: $status: $said"
    said=$("$nixcage" run warned -- true 2>&1) || fail "warn: $said"
    [[ $said = *'warning: the limits cannot be enforced here'*controller* ]] || fail "warn: $said"
}

if "$nixcage" run limited -- true >/dev/null 2>&1; then
    last=limited cage="$nixcage run limited -- true"
else
    check_refusal
    check_scope
    last=scoped cage="$nixcage-held run limited -- true"
fi
echo "# user $(id -un)"
echo "# systemd $(systemctl --version | head -n1 | cut -d' ' -f2)"
echo "# kernel $(uname -r)"
# Warnings (a kernel without Landlock, limits that are not held) go away: they are printed in every case.
PAUSE_MS=100 /srv/t/alternate "$1" \
    bwrap "/usr/bin/bwrap --unshare-all --ro-bind / / --proc /proc --dev /dev /usr/bin/true" \
    scope "/usr/bin/systemd-run $manager --scope --quiet --collect -p Delegate=yes -p CPUQuota=100% -p MemoryMax=1G -p MemorySwapMax=0 -p TasksMax=100 -- /usr/bin/true" \
    unlimited "$nixcage run unlimited -- true" \
    "$last" "$cage" 2> >(grep -v '^nixcage: warning: ' >&2)
/srv/t/alternate "$1" \
    "unlimited_after" "$nixcage run unlimited -- true" \
    "${last}_after" "$cage" 2> >(grep -v '^nixcage: warning: ' >&2)
