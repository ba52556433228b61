# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=bash disable=SC2154
# Jobs of scripts/check about packages: what is made from the sources, and that it works where it is installed.

# A copy of the sources as they are now: what git knows, with the changes.
export_sources() {
    rm -rf "$1"
    mkdir -p "$1"
    (cd "$src" && sources '*' | tar -cf - -T -) | tar -C "$1" -xf -
}

# The directory of the last .deb, built here. Always the same: the compiler's cache knows the paths.
deb_dir() {
    echo "$work/deb"
}

build_deb() {
    export_sources "$(deb_dir)/nixcage"
    cd "$(deb_dir)/nixcage" || return
    rm -f ../nixcage_*
    # The tests have been run by other jobs.
    PATH=${ccache:+/usr/lib/ccache:}$PATH CCACHE_BASEDIR=$(deb_dir) DEB_BUILD_OPTIONS="nocheck noautodbgsym parallel=$places" dpkg-buildpackage -us -uc -b
}

lint_deb() {
    lintian --allow-root --fail-on error "$(deb_dir)"/nixcage_*.changes
}

# deb_on SUITE DEB: the package on a clean root.
deb_on() {
    local status=0
    as_root env MATRIX_DIR="${MATRIX_DIR:-}" timeout --kill-after=10 "${suite_timeout:-600}" "$src/tests/package/deb" "$1" "$2" >"$results/$job.tap" || status=$?
    cat "$results/$job.tap"
    count_tap
    if [ "$status" -gt 1 ]; then return "$status"; fi
}

deb_test() {
    if ! have dpkg-buildpackage || ! have dh || ! have lintian || { ! have debootstrap && [ ! -x /usr/sbin/debootstrap ]; }; then
        skip_job "debhelper, lintian and debootstrap are needed"
        return
    fi
    unset CC CXX
    gate "dpkg-buildpackage" build_deb
    gate "lintian finds no error" lint_deb
    deb_on "$(. /etc/os-release && echo "$VERSION_CODENAME")" "$(deb_dir)"/nixcage_*.deb
}

# Built on the oldest release, installed on the newer one; and built on the newer one.
deb_releases() {
    deb_on trixie "$(deb_dir)"/nixcage_*.deb
    rm -rf "$work/deb-trixie"
    mkdir -p "$work/deb-trixie"
    gate "Debian 13: the package builds, and lintian finds no error" \
        as_root env MATRIX_DIR="${MATRIX_DIR:-}" "$src/tests/package/deb" --build trixie "$work/deb-trixie"
    deb_on trixie "$work"/deb-trixie/nixcage_*.deb
}

packaging_test() {
    suite_plain package
}
