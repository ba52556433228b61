# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=bash
# Root directories of Debian releases, for tests that want a machine of another release or without anything of this one.
# Needs root, debootstrap and a mirror ($MATRIX_MIRROR, or the one this machine uses). They are kept in $MATRIX_DIR; what runs in one
# writes to a layer above it, which is thrown away.

root_dir=${MATRIX_DIR:-/var/tmp/nixcage-matrix}

root_fail() {
    echo "${0##*/}: $*" >&2
    exit 125
}

root_check() {
    local layer
    [ "$(id -u)" = 0 ] || root_fail "needs root, for debootstrap and mounts"
    PATH=$PATH:/usr/sbin:/sbin
    command -v debootstrap >/dev/null || root_fail "debootstrap is not installed"
    mkdir -p "$root_dir"
    chmod 755 "$root_dir"
    # What a killed run left: nobody holds its lock.
    for layer in "$root_dir"/run.*; do
        if [ -e "$layer/lock" ] && flock -n "$layer/lock" true; then rm -rf --one-file-system "$layer"; fi
    done
}

root_mirror() {
    local mirror=${MATRIX_MIRROR:-}
    if [ -z "$mirror" ]; then
        mirror=$(cat /etc/apt/sources.list.d/*.sources /etc/apt/sources.list 2>/dev/null |
            sed -n 's/^URIs: *//p; s/^deb \(\[[^]]*\] \)\{0,1\}\(http[^ ]*\) .*/\2/p' | grep -v security | head -n 1 || :)
    fi
    echo "${mirror:-http://deb.debian.org/debian}"
}

# Whether a root is what is wanted now: made for the same packages, and this month: what its index names is not kept for ever.
root_is() {
    [ "$(cat "$root_dir/$1.is" 2>/dev/null)" = "$(date +%Y-%m) $2" ]
}

root_is_now() {
    echo "$(date +%Y-%m) $2" >"$root_dir/$1.is"
}

# root_clean SUITE PACKAGE…: a root of nothing but the release's minimal system, its package lists, and the archives of the packages
# and what they need, not installed. Sets $root.
root_clean() {
    local suite=$1 log components=main
    shift
    root=$root_dir/clean-$suite
    log=$root.log
    exec 8>"$root.lock"
    flock 8
    if ! root_is "clean-$suite" "$suite"; then
        rm -rf --one-file-system "$root" "$root.is" "$root.has"
        case $(root_mirror) in *ubuntu*) components=main,universe ;; esac
        debootstrap --variant=minbase --components="$components" "$suite" "$root" "$(root_mirror)" >"$log" 2>&1 ||
            root_fail "debootstrap failed; see $log"
        cp -L /etc/resolv.conf /etc/hosts "$root/etc/" 2>/dev/null || :
        # The suite may be a snapshot, whose index is older than it says it may be.
        echo 'Acquire::Check-Valid-Until "false";' >"$root/etc/apt/apt.conf.d/99nixcage"
        printf '#!/bin/sh\nexit 101\n' >"$root/usr/sbin/policy-rc.d"
        chmod +x "$root/usr/sbin/policy-rc.d"
        # Nobody needs it after a crash.
        echo force-unsafe-io >"$root/etc/dpkg/dpkg.cfg.d/nixcage"
        root_apt "$log" apt-get update
        root_is_now "clean-$suite" "$suite"
    fi
    if [ $# != 0 ] && [ "$(cat "$root.has" 2>/dev/null)" != "$*" ]; then
        root_apt "$log" apt-get install -y --download-only "$@"
        echo "$*" >"$root.has"
    fi
    flock -u 8
}

# root_with NAME SUITE PACKAGE…: a root that has the packages. Sets $root.
root_with() {
    local name=$1 suite=$2 log
    shift 2
    exec 7>"$root_dir/$name.lock"
    flock 7
    if ! root_is "$name" "$*"; then
        root_clean "$suite"
        log=$root_dir/$name.log
        rm -rf --one-file-system "${root_dir:?}/$name" "$root_dir/$name.is"
        cp -a --reflink=auto "$root" "$root_dir/$name"
        root=$root_dir/$name
        root_apt "$log" apt-get install -y --no-install-recommends "$@"
        root_is_now "$name" "$*"
    fi
    root=$root_dir/$name
    flock -u 7
}

# root_apt LOG CMD…: runs a command in $root itself.
root_apt() {
    local log=$1
    shift
    # The inner shell's own arguments.
    # shellcheck disable=SC2016
    DEBIAN_FRONTEND=noninteractive unshare -m --propagation private sh -c \
        'mount -t proc proc "$0/proc" && exec chroot "$0" "$@"' "$root" "$@" >>"$log" 2>&1 || root_fail "apt-get failed; see $log"
}

# root_run SOURCE OUT CMD…: runs CMD in a layer above $root, with a copy of the directory SOURCE as /src and the directory OUT as /out.
# In a namespace of its own, with pivot_root: in a plain chroot the kernel refuses user namespaces. /src, /var/tmp and the tests' own
# directory are of the disk's file system, as on a machine: an overlay cannot lie upon an overlay.
root_run() {
    local status=0 layer
    layer=$(mktemp -d "$root_dir/run.XXXXXX")
    mkdir "$layer"/{up,work,mem,root,src,tests,tmp}
    chmod 755 "$layer"
    chmod 1777 "$layer/tmp"
    exec 6>"$layer/lock"
    flock 6
    # shellcheck disable=SC2016
    base=$root layer=$layer source=$1 out=$2 unshare -m -p -f --kill-child --propagation private /bin/bash -c '
        set -e
        if ! mount -t overlay overlay -o lowerdir="$base",upperdir="$layer/up",workdir="$layer/work" "$layer/root" 2>/dev/null; then
            # All of this is on an overlay already, as in a container: what changes is in memory.
            mount -t tmpfs tmpfs "$layer/mem"
            mkdir "$layer"/mem/{up,work}
            mount -t overlay overlay -o lowerdir="$base",upperdir="$layer/mem/up",workdir="$layer/mem/work" "$layer/root"
        fi
        cd "$layer/root"
        mkdir -p src out old var/lib/nixcage-t var/tmp etc/ssl/certs
        mount --bind "$layer/src" src
        mount --bind "$layer/tests" var/lib/nixcage-t
        mount --bind "$layer/tmp" var/tmp
        tar -C "$source" --exclude="./build*" --exclude=./.git -cf - . | tar -C src --no-same-owner -xf -
        mount --bind "$out" out
        mount --rbind /dev dev
        mount -t proc proc proc
        mount --rbind /sys sys
        mount -t tmpfs tmpfs tmp
        chmod 1777 tmp
        cp -L /etc/resolv.conf /etc/hosts etc/ 2>/dev/null || :
        # Whom this machine trusts: there may be a proxy before the network.
        cp -L /etc/ssl/certs/ca-certificates.crt etc/ssl/certs/ 2>/dev/null || :
        pivot_root . old
        umount -l /old
        rmdir /old
        unset base layer source out
        export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8 HOME=/root DEBIAN_FRONTEND=noninteractive
        cd /
        exec "$@"' - "${@:3}" &
    # Whoever ends this ends all that runs in there. unshare itself takes no notice of anything less.
    # shellcheck disable=SC2064
    trap "kill -KILL $! 2>/dev/null; exit 143" HUP INT TERM
    wait $! || status=$?
    trap - HUP INT TERM
    exec 6>&-
    rm -rf --one-file-system "$layer"
    return "$status"
}
