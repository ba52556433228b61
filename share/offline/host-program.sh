# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=sh disable=SC2154
# Builder of a package made of one of the host's dynamically linked programs. Run by the host's /bin/sh with
# $source (the program's path), $program (the name it gets), $patchelf and $out.
set -e
mkdir -p "$out/bin" "$out/lib"
cp -L "$source" "$out/bin/$program"
chmod 755 "$out/bin/$program"
loader=
# ldd prints "name => path (address)" or, for the loader, "path (address)".
for lib in $(ldd "$source" | sed -n 's/^[[:space:]]*\(.* => \)\{0,1\}\(\/[^ ]*\) (0x.*/\2/p'); do
    name=${lib##*/}
    [ -e "$out/lib/$name" ] || cp -L "$lib" "$out/lib/$name"
    case $name in
    ld-linux* | ld64* | ld-musl*)
        loader=$name
        chmod 755 "$out/lib/$name"
        ;;
    *) chmod 644 "$out/lib/$name" ;;
    esac
done
# Some versions sort a large program's sections into a program that crashes.
sort=
case $("$patchelf" --help 2>&1) in *--no-sort*) sort=--no-sort ;; esac
if [ -n "$loader" ]; then
    for f in "$out"/lib/*; do
        case $f in
        */ld-linux* | */ld64* | */ld-musl* | */libc.so* | */libm.so* | */libdl.so* | */libpthread.so* | */librt.so*) ;;
        *) "$patchelf" ${sort:+"$sort"} --force-rpath --set-rpath "$out/lib" "$f" ;;
        esac
    done
    "$patchelf" ${sort:+"$sort"} --set-interpreter "$out/lib/$loader" --force-rpath --set-rpath "$out/lib" "$out/bin/$program"
fi
