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
    [ "$(id -u)" = 0 ] || root_fail "needs root, for debootstrap and mounts"
    PATH=$PATH:/usr/sbin:/sbin
    command -v debootstrap >/dev/null || root_fail "debootstrap is not installed"
    mkdir -p "$root_dir"
    chmod 755 "$root_dir"
}

root_mirror() {
    local mirror=${MATRIX_MIRROR:-}
    if [ -z "$mirror" ]; then
        mirror=$(cat /etc/apt/sources.list.d/*.sources /etc/apt/sources.list 2>/dev/null |
            sed -n 's/^URIs: *//p; s/^deb \(\[[^]]*\] \)\{0,1\}\(http[^ ]*\) .*/\2/p' | grep -v security | head -n 1 || :)
    fi
    echo "${mirror:-http://deb.debian.org/debian}"
}

# Whether a root is what is wanted now: made for the same packages.
root_is() {
    [ "$(cat "$root_dir/$1.is" 2>/dev/null)" = "$2" ]
}

# root_clean SUITE PACKAGE…: a root of nothing but the release's minimal system, its package lists, and the archives of the packages
# and what they need, not installed. Sets $root.
root_clean() {
    local suite=$1 what log components=main
    shift
    what="$suite $*"
    root=$root_dir/clean-$suite
    log=$root.log
    exec 8>"$root.lock"
    flock 8
    if ! root_is "clean-$suite" "$what"; then
        rm -rf --one-file-system "$root" "$root.is"
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
        root_apt "$log" sh -c "apt-get update && apt-get install -y --download-only $*"
        echo "$what" >"$root.is"
    fi
    flock -u 8
}

# root_with NAME SUITE PACKAGE…: a root that has the packages. Sets $root.
root_with() {
    local name=$1 suite=$2 log
    shift 2
    root_clean "$suite"
    exec 7>"$root_dir/$name.lock"
    flock 7
    if ! root_is "$name" "$*"; then
        log=$root_dir/$name.log
        rm -rf --one-file-system "${root_dir:?}/$name" "$root_dir/$name.is"
        cp -a --reflink=auto "$root" "$root_dir/$name"
        root=$root_dir/$name
        root_apt "$log" apt-get install -y --no-install-recommends "$@"
        echo "$*" >"$root.is"
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
# In a namespace of its own, with pivot_root: in a plain chroot the kernel refuses user namespaces.
root_run() {
    local status=0 layer
    layer=$(mktemp -d "$root_dir/run.XXXXXX")
    mkdir "$layer"/{up,work,root}
    chmod 755 "$layer"
    # shellcheck disable=SC2016
    base=$root layer=$layer source=$1 out=$2 unshare -m -p -f --propagation private /bin/bash -c '
        set -e
        mount -t overlay overlay -o lowerdir="$base",upperdir="$layer/up",workdir="$layer/work" "$layer/root"
        cd "$layer/root"
        mkdir -p src out old
        tar -C "$source" --exclude="./build*" --exclude=./.git -cf - . | tar -C src --no-same-owner -xf -
        mount --bind "$out" out
        mount --rbind /dev dev
        mount -t proc proc proc
        mount --rbind /sys sys
        mount -t tmpfs tmpfs tmp
        chmod 1777 tmp
        cp -L /etc/resolv.conf /etc/hosts etc/ 2>/dev/null || :
        pivot_root . old
        umount -l /old
        rmdir /old
        unset base layer source out
        export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8 HOME=/root DEBIAN_FRONTEND=noninteractive
        cd /
        exec "$@"' - "${@:3}" || status=$?
    rm -rf --one-file-system "$layer"
    return "$status"
}
