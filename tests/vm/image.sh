# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=bash
# The guest of tests/vm: a Debian with systemd, as a disk image. Starts /srv/t/guest and powers off when that has ended.

vm=${NIXCAGE_VM_DIR:-/var/tmp/nixcage-vm-image}
suite=${SUITE:-trixie}
packages=systemd-sysv,dbus,dbus-user-session,libpam-systemd,udev,kmod,procps,passwd,linux-image-cloud-amd64,bubblewrap,ca-certificates
# The number goes up when what is below changes what is made.
made_as="$suite $packages 2"

debian_mirror() { # where this machine gets its packages
    local mirror
    mirror=$({ cat /etc/apt/sources.list.d/debian.sources /etc/apt/sources.list 2>/dev/null || :; } |
        sed -n -e 's/^URIs: *\([^ ]*\).*/\1/p' -e 's/^deb \(\[[^]]*\] *\)\{0,1\}\([^ ]*\).*/\2/p' | sed -n '/debian/{p;q}')
    echo "${mirror:-http://deb.debian.org/debian}"
}

# put_programs DIR: nixcage and what it needs beside it, as the guest gets them.
# shellcheck disable=SC2154
put_programs() {
    mkdir -p "$1/build/src/init"
    cp "$build/src/nixcage" "$1/build/src/"
    cp "$build"/src/init/nixcage-{init,record} "$1/build/src/init/"
    mkdir -p "$1/build/src/tracer"
    cp "$build/src/tracer/nixcage-tracer" "$1/build/src/tracer/"
    cp -R "$src/share" "$1/"
}

put() { # put FILE MODE: standard input becomes a file of the image
    mkdir -p "$vm/root/${1%/*}"
    cat >"$vm/root/$1"
    chmod "$2" "$vm/root/$1"
}

make_image() {
    rm -rf --one-file-system "$vm"
    mkdir -p "$vm"
    # Only the two drivers that the disks need: the guest boots from virtio over PCI.
    # shellcheck disable=SC2016
    mmdebstrap --quiet --variant=apt --components=main --include="$packages" \
        --dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/locale/*' \
        --essential-hook='mkdir -p "$1/etc/initramfs-tools/conf.d" "$1/etc/initramfs-tools/hooks"
            echo MODULES=list >"$1/etc/initramfs-tools/conf.d/vm"
            printf "#!/bin/sh\n[ \"\$1\" = prereqs ] && exit 0\n. /usr/share/initramfs-tools/hook-functions\nmanual_add_modules virtio_pci virtio_blk\n" \
                >"$1/etc/initramfs-tools/hooks/vm"
            chmod 755 "$1/etc/initramfs-tools/hooks/vm"' \
        --customize-hook='set -e; chroot "$1" useradd -m -u 1000 -s /bin/bash tester; mkdir -p "$1/var/lib/systemd/linger"
            touch "$1/var/lib/systemd/linger/tester"; : >"$1/etc/fstab"; echo vm >"$1/etc/hostname"; rm -f "$1"/etc/systemd/system/timers.target.wants/*' \
        "$suite" "$vm/root" "$(debian_mirror)"
    put etc/systemd/system/tests.service 0644 <<'UNIT'
[Unit]
After=user@1000.service dbus.service systemd-logind.service
Wants=user@1000.service
[Service]
Type=oneshot
StandardOutput=journal+console
StandardError=journal+console
ExecStart=-/usr/local/sbin/tests
ExecStopPost=systemctl poweroff --force --no-block
UNIT
    put usr/local/sbin/tests 0755 <<'TESTS'
#!/bin/bash
# What is to be run is there already, or came as a plain tar stream on the second disk.
[ -x /srv/t/guest ] || { mkdir -p /srv/t && tar xf /dev/[uv]*db -C /srv/t && chmod -R a+rX /srv/t; }
exec /srv/t/guest
TESTS
    mkdir -p "$vm/root/etc/systemd/system/multi-user.target.wants"
    ln -sf ../tests.service "$vm/root/etc/systemd/system/multi-user.target.wants/tests.service"
    ln -sf /lib/systemd/system/multi-user.target "$vm/root/etc/systemd/system/default.target"
    for unit in getty@tty1.service serial-getty@ttyS0.service systemd-timesyncd.service apt-daily.timer; do
        ln -sfn /dev/null "$vm/root/etc/systemd/system/$unit"
    done
    cp "$vm"/root/boot/vmlinuz-* "$vm/vmlinuz"
    cp "$vm"/root/boot/initrd.img-* "$vm/initrd"
    truncate -s 3G "$vm/disk.img"
    mke2fs -q -F -t ext4 -E lazy_itable_init=1,lazy_journal_init=1,nodiscard -d "$vm/root" "$vm/disk.img"
    rm -rf --one-file-system "$vm/root"
    echo "$made_as" >"$vm/done"
}

# ensure_image: makes it unless it is there as it is made now.
ensure_image() {
    local lock
    exec {lock}>"$vm.lock"
    flock "$lock" # two may need it at once
    [ "$(cat "$vm/done" 2>/dev/null)" = "$made_as" ] || make_image >&2
    exec {lock}>&-
}

# put_disk DIR: DIR/t, with the program `guest` in it, as the plain tar stream that is the guest's second disk.
put_disk() {
    chmod 755 "$1/t/guest"
    chmod -R a+rX "$1/t"
    tar cf "$1/in.tar" --owner=0 --group=0 -C "$1/t" .
}

# User-mode Linux of Debian's next release: older ones do not know the large registers of newer processors. Its libc comes along.
ensure_uml() {
    uml=$vm/uml
    if [ -e "$uml/done" ]; then return; fi
    rm -rf --one-file-system "$uml"
    mmdebstrap --quiet --variant=extract --components=main --aptopt='Acquire::Check-Valid-Until "false"' --include=user-mode-linux \
        sid "$uml" "$(debian_mirror)" >&2
    for dir in lib lib64; do [ -e "$uml/$dir" ] || ln -s "usr/$dir" "$uml/$dir"; done
    mkdir -p "$uml"/{dev,proc,mnt/work,mnt/image}
    touch "$uml/done"
}

# in_uml DIR [PREFIX…] -- [KERNEL OPTION…]: the guest under user-mode Linux, with the disk DIR/in.tar, started by PREFIX; prints what
# its tests print. Programs run natively there, on one processor, but system calls, page faults and switches are several times slower.
in_uml() {
    local work=$1 prefix=()
    shift
    while [ "$1" != -- ]; do
        prefix+=("$1")
        shift
    done
    shift
    # shellcheck disable=SC2016
    timeout "${NIXCAGE_VM_LIMIT:-600}" unshare --mount bash -euc '
        work=$1 image=$2 uml=$3
        shift 3
        mount -t proc proc "$uml/proc"
        mount --rbind /dev "$uml/dev"
        mount --bind "$work" "$uml/mnt/work"
        mount --bind "$image" "$uml/mnt/image"
        TMPDIR=/dev/shm exec "$@" </dev/null' - "$work" "$vm" "$uml" "${prefix[@]}" chroot "$uml" /usr/bin/linux.uml mem=1536M seccomp=on \
        uml_dir=/mnt/work ubd0=/mnt/work/changes,/mnt/image/disk.img ubd1r=/mnt/work/in.tar root=/dev/ubda rootfstype=ext4 rw quiet panic=-1 \
        con=null con0=null,fd:1 systemd.show_status=0 "$@" >"$work/console" 2>&1 || :
    rm -f "$work/changes"
    sed -n 's/\r//g; s/^.*tests\[[0-9]*\]: //p' "$work/console"
}
