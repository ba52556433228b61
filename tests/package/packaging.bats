# SPDX-License-Identifier: GPL-3.0-or-later
# The files for other systems' packages, checked with those systems' own tools as far as they are here.

setup() {
    SRC=${NIXCAGE_SRC:-$(cd "$BATS_TEST_DIRNAME/../.." && pwd -P)}
    VERSION=$(sed -n "s/^  version: '\(.*\)',$/\1/p" "$SRC/meson.build")
    cd "$BATS_TEST_TMPDIR" || return 1
    PATH=$PATH:/usr/sbin:/sbin
}

have() {
    command -v "$1" >/dev/null || skip "$1 is not here"
}

@test "AppArmor: the parser accepts the profile" {
    have apparmor_parser
    cp "$SRC/packaging/apparmor/nixcage" profile
    # Parsers before 4.0 know neither the rule nor the ABI; the rest they must like.
    case $(apparmor_parser --version | sed -n 's/.*version \([0-9]*\).*/\1/p') in
    [0-3]) sed -i -e '/^abi /d' -e '/^  userns,$/d' profile ;;
    esac
    apparmor_parser --skip-kernel-load --skip-cache --stdout profile >binary
    [ -s binary ]
    # The control: it does look.
    sed -i 's/^profile nixcage/& (/' profile
    ! apparmor_parser --skip-kernel-load --skip-cache --stdout profile >binary 2>/dev/null || return 1
}

@test "AppArmor: nixcage where packages and meson install it, and user namespaces" {
    grep -qx 'profile nixcage /usr/{,local/}bin/nixcage flags=(unconfined) {' "$SRC/packaging/apparmor/nixcage"
    grep -qx '  userns,' "$SRC/packaging/apparmor/nixcage"
}

@test "PKGBUILD: a shell script with all that makepkg asks for" {
    local field
    bash -n "$SRC/packaging/arch/PKGBUILD"
    for field in pkgname pkgver pkgrel pkgdesc arch url license depends makedepends source sha256sums; do
        (. "$SRC/packaging/arch/PKGBUILD" && [ -n "${!field}" ]) || { echo "no $field" >&2; return 1; }
    done
    (. "$SRC/packaging/arch/PKGBUILD" && declare -F build check package && [ "$pkgver" = "$VERSION" ] && [ "${#source[@]}" = "${#sha256sums[@]}" ])
}

@test "PKGBUILD: makepkg reads it" {
    have makepkg
    cp "$SRC/packaging/arch/PKGBUILD" .
    chmod 777 .
    local drop=()
    # makepkg refuses to be root.
    if [ "$(id -u)" = 0 ]; then
        drop=(setpriv --reuid=nobody --regid=nogroup --clear-groups)
        chmod o+x "${BATS_TEST_TMPDIR%/*}" "${BATS_TEST_TMPDIR%/*/*}" "${BATS_TEST_TMPDIR%/*/*/*}"
    fi
    # It looks for a pacman, which Debian's package of it does not bring, and does not call it.
    PACMAN=true CARCH=x86_64 "${drop[@]}" makepkg --printsrcinfo >srcinfo
    grep -qx "	pkgver = $VERSION" srcinfo
    grep -q 'depends = bubblewrap' srcinfo
}

@test "RPM: the specification is one, with the version and what the program needs" {
    have rpmspec
    # Fedora's macros for meson are not everywhere.
    rpmspec -P --define 'meson meson' --define 'meson_build build' --define 'meson_install install' --define 'meson_test test' \
        "$SRC/packaging/rpm/nixcage.spec" >spec
    rpmspec -q --define 'meson meson' --define 'meson_build build' --define 'meson_install install' --define 'meson_test test' \
        --queryformat '%{name} %{version} %{license}\n' "$SRC/packaging/rpm/nixcage.spec" >query
    grep -qx "nixcage $VERSION GPL-3.0-or-later" query
    grep -q '^Requires: *bubblewrap >= 0.8' spec
}

@test "RPM: its files are those that meson installs" {
    have rpmbuild
    local build=$SRC/build-check-gcc top=$BATS_TEST_TMPDIR/rpm
    [ -e "$build/build.ninja" ] || build=$SRC/build
    [ -x "$build/src/nixcage" ] || skip "nothing was built"
    # As rpmbuild would call it on Fedora, but what was built already is installed.
    mkdir -p "$top/SOURCES" "nixcage-$VERSION"
    cp "$SRC"/{LICENSE,README.md,NEWS.md,SECURITY.md} "nixcage-$VERSION/"
    tar -cJf "$top/SOURCES/nixcage-$VERSION.tar.xz" "nixcage-$VERSION"
    rpmbuild -bb --nodeps --quiet --define "_topdir $top" --define '_libexecdir %{_prefix}/libexec' --define 'debug_package %{nil}' \
        --define 'meson true' --define 'meson_build true' --define 'meson_test true' \
        --define "meson_install env DESTDIR=%{buildroot} meson install -C $build --no-rebuild --quiet && mkdir -p %{buildroot}/usr && if [ -d %{buildroot}/usr/local ]; then cp -a %{buildroot}/usr/local/. %{buildroot}/usr/ && rm -r %{buildroot}/usr/local; fi" \
        "$SRC/packaging/rpm/nixcage.spec" >log 2>&1 || { cat log >&2; return 1; }
    rpm -qpl "$top"/RPMS/*/nixcage-*.rpm >files
    grep -qx /usr/bin/nixcage files
    grep -qx /usr/libexec/nixcage/nixcage-init files
    grep -qx /usr/share/nixcage/presets/claude-code.toml files
}

@test "PKGBUILD and RPM: the tarball they fetch is the one that a release makes" {
    local made
    # As scripts/release says it when all of it holds.
    made=$(sed -n 's,.*attach build-release/build/meson-dist/\(nixcage-$version\.tar\.[a-z]*\).*,\1,p' "$SRC/scripts/release" | sed "s/\$version/$VERSION/")
    [ "${made#"nixcage-$VERSION.tar."}" != "$made" ]
    grep -q -- "--formats ${made##*.}tar" "$SRC/scripts/release"
    [ "$(. "$SRC/packaging/arch/PKGBUILD" && echo "${source[0]##*/}")" = "$made" ]
    grep -q "^Source0: .*/v%{version}/%{name}-%{version}\.tar\.${made##*.}$" "$SRC/packaging/rpm/nixcage.spec"
}

@test "Homebrew: the formula is Ruby, and its options are meson's" {
    have ruby
    ruby -c "$SRC/packaging/homebrew/nixcage.rb"
    local option
    for option in $(grep -oh -e '-D[a-z_]*=' "$SRC/packaging/homebrew/nixcage.rb" "$SRC/packaging/arch/PKGBUILD" "$SRC/packaging/rpm/nixcage.spec" \
        "$SRC/debian/rules" | sort -u | sed 's/^-D//; s/=$//'); do
        grep -q "^option('$option'," "$SRC/meson_options.txt" || { echo "no such option: $option" >&2; return 1; }
    done
}

@test "GitHub Actions: well formed, both systems, and Linux runs what .ci/run does" {
    python3 -c 'import yaml' 2>/dev/null || skip "python3-yaml is not here"
    python3 - "$SRC" <<'END'
import os, sys, yaml
src = sys.argv[1]
flow = yaml.safe_load(open(src + "/.github/workflows/ci.yml"))
assert flow[True].keys() >= {"push", "pull_request"}, "on"  # YAML 1.1 reads `on` as true
jobs = flow["jobs"]
assert jobs["linux"]["runs-on"].startswith("ubuntu-") and jobs["macos"]["runs-on"].startswith("macos-")
commands = {name: [s["run"] for s in job["steps"] if "run" in s] for name, job in jobs.items()}
assert ".ci/run" in commands["linux"]
assert any("--suite unit" in c for c in commands["macos"]) and "tests/macos/smoke.sh" in commands["macos"]
for job in jobs.values():
    assert job["timeout-minutes"] <= 60
    for step in job["steps"]:
        assert ("uses" in step) != ("run" in step), step
for program in (".ci/run", "tests/macos/smoke.sh"):
    assert os.access(os.path.join(src, program), os.X_OK), program
END
}
