# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=sh
# What nixcage needs, how to see that it is there, and its name with each package manager. Needs common.sh.

package_managers="apt dnf pacman apk brew nix"

# Columns: need, sets it belongs to, probe, then the packages for each manager in the order above; "," separates
# several, "-" means that there is none or none is needed. Probes: cmd:PROGRAM, pc:PKG-CONFIG-MODULE, file:A,B (any), cc:LANGUAGE
# (a compiler that can make a program), san:COMPILER (one that has the sanitizers' libraries).
# Sets: build, run (the cage), demo (what the offline package set is made of), test, bench.
package_table() {
    cat <<'TABLE'
cc            build      cc:c                        gcc,libc6-dev      gcc,glibc-devel     gcc,glibc        gcc,musl-dev        -             gcc
cxx           build      cc:c++                      g++                gcc-c++             gcc              g++                 -             gcc
meson         build      cmd:meson                   meson              meson               meson            meson               meson         meson
ninja         build      cmd:ninja                   ninja-build        ninja-build         ninja            samurai             ninja         ninja
pkgconf       build      cmd:pkg-config              pkgconf            pkgconf             pkgconf          pkgconf             pkgconf       pkg-config
tomlplusplus  build      pc:tomlplusplus             libtomlplusplus-dev tomlplusplus-devel tomlplusplus     tomlplusplus-dev    tomlplusplus  tomlplusplus
jansson       build      pc:jansson                  libjansson-dev     jansson-devel       jansson          jansson-dev,jansson-static jansson jansson
sodium        build      pc:libsodium                libsodium-dev      libsodium-devel,libsodium-static libsodium libsodium-dev,libsodium-static libsodium libsodium
event         build      pc:libevent_extra           libevent-dev       libevent-devel      libevent         libevent-dev,libevent-static libevent libevent
seccomp       build      pc:libseccomp               libseccomp-dev     libseccomp-devel,libseccomp-static libseccomp libseccomp-dev,libseccomp-static - libseccomp
linux-headers build      file:/usr/include/linux/landlock.h linux-libc-dev kernel-headers   linux-api-headers linux-headers      -             linuxHeaders
nix           run        cmd:nix-shell               nix-bin            nix                 nix              nix                 -             -
bubblewrap    run        cmd:bwrap                   bubblewrap         bubblewrap          bubblewrap       bubblewrap          -             bubblewrap
direnv        run        cmd:direnv                  direnv             direnv              direnv           direnv              direnv        direnv
bash-static   demo       file:/bin/bash-static,/usr/bin/bash-static bash-static - -         -                -                   -
busybox       demo       file:/bin/busybox,/usr/bin/busybox busybox-static busybox          busybox          busybox-static      -             -
patchelf      test       cmd:patchelf                patchelf           patchelf            patchelf         patchelf            -             patchelf
git           test       cmd:git                     git                git                 git              git                 git           git
bats          test       cmd:bats                    bats               bats                bats             bats,bash           bats-core,bash bats
cmocka        test       pc:cmocka                   libcmocka-dev      libcmocka-devel     cmocka           cmocka-dev          cmocka        cmocka
clang         test       cmd:clang                   clang,lld          clang,compiler-rt,lld clang,compiler-rt clang,compiler-rt llvm          clang
clang-rt      test       san:clang                   libclang-rt-dev    compiler-rt         compiler-rt      compiler-rt         -             -
clang-format  test       cmd:clang-format            clang-format       clang-tools-extra   clang            clang-extra-tools   clang-format  clang-tools
clang-tidy    test       cmd:clang-tidy              clang-tidy         clang-tools-extra   clang            clang-extra-tools   -             clang-tools
cppcheck      test       cmd:cppcheck                cppcheck           cppcheck            cppcheck         cppcheck            cppcheck      cppcheck
shellcheck    test       cmd:shellcheck              shellcheck         ShellCheck          shellcheck       shellcheck          shellcheck    shellcheck
mandoc        test       cmd:mandoc                  mandoc             mandoc              mandoc           mandoc              mandoc        mandoc
ccache        test       cmd:ccache                  ccache             ccache              ccache           ccache              ccache        ccache
strace        test       cmd:strace                  strace             strace              strace           strace              -             strace
gdb           test       cmd:gdb                     gdb                gdb                 gdb              gdb                 -             gdb
jq            test       cmd:jq                      jq                 jq                  jq               jq                  jq            jq
node          test,bench cmd:node                    nodejs             nodejs              nodejs           nodejs              node          nodejs
curl          test       cmd:curl                    curl               curl                curl             curl                curl          curl
openssl       test       cmd:openssl                 openssl            openssl             openssl          openssl             openssl       openssl
python3       test,bench cmd:python3                 python3            python3             python           python3             python        python3
iproute       test       cmd:ip                      iproute2           iproute             iproute2         iproute2            -             iproute2
zsh           test       cmd:zsh                     zsh                zsh                 zsh              zsh                 zsh           zsh
fish          test       cmd:fish                    fish               fish                fish             fish                fish          fish
tmux          test       cmd:tmux                    tmux               tmux                tmux             tmux                tmux          tmux
dig           test       cmd:dig                     bind9-dnsutils     bind-utils          bind             bind-tools          bind          dnsutils
dnsmasq       test       cmd:dnsmasq                 dnsmasq-base       dnsmasq             dnsmasq          dnsmasq             -             dnsmasq
sshd          test       file:/usr/sbin/sshd,/usr/bin/sshd openssh-server openssh-server,openssh-clients openssh openssh   -             openssh
ssh           test       cmd:ssh                     openssh-client     openssh-clients     openssh          openssh-client      -             openssh
postgresql    test       cmd:psql                    postgresql         postgresql-server   postgresql       postgresql          -             postgresql
npm           test       cmd:npm                     npm                nodejs-npm          npm              npm                 node          nodejs
cargo         test       file:/usr/bin/cargo         cargo              cargo               rust             cargo               -             cargo
go            test       file:/usr/bin/go            golang-go          golang              go               go                  go            go
rustc         test       file:/usr/bin/rustc         rustc              rust                rust             rust                -             rustc
make          test       cmd:make                    make               make                make             make                make          gnumake
venv          test       file:/usr/share/python-wheels python3-venv,python3-pip python3-pip python-pip py3-pip - -
debhelper     test       cmd:dh                      debhelper,dpkg-dev -                -                -                   -             -
build-essential test     file:/usr/share/build-essential/list build-essential - -             -                   -             -
lintian       test       cmd:lintian                 lintian            -                   -                -                   -             -
debootstrap   test       file:/usr/sbin/debootstrap  debootstrap        -                   -                -                   -             -
rpmbuild      test       cmd:rpmbuild                rpm                rpm-build           -                -                   -             -
makepkg       test       cmd:makepkg                 makepkg            -                   -                -                   -             -
ruby          test       cmd:ruby                    ruby               ruby                ruby             ruby                -             ruby
apparmor      test       file:/sbin/apparmor_parser,/usr/sbin/apparmor_parser apparmor -                -                -                   -             -
python3-yaml  test       file:/usr/lib/python3/dist-packages/yaml,/usr/share/doc/python3-pyyaml python3-yaml python3-pyyaml - - - -
util-linux    test       cmd:setpriv                 util-linux         util-linux          util-linux       setpriv,util-linux  -             util-linux
procps        test       cmd:ps                      procps             procps-ng           procps-ng        procps              -             procps
hyperfine     bench      cmd:hyperfine               hyperfine          hyperfine           hyperfine        hyperfine           hyperfine     hyperfine
firejail      bench      cmd:firejail                firejail           firejail            firejail         firejail            -             firejail
npm           bench      cmd:npm                     npm                nodejs-npm          npm              npm                 node          nodejs
ripgrep       test,bench cmd:rg                      ripgrep            ripgrep             ripgrep          ripgrep             ripgrep       ripgrep
socat         bench      cmd:socat                   socat              socat               socat            socat               socat         socat
nspawn        bench      cmd:systemd-nspawn          systemd-container  -                   -                -                   -             -
mmdebstrap    bench      cmd:mmdebstrap              mmdebstrap         -                   -                -                   -             -
mke2fs        bench      file:/sbin/mke2fs,/usr/sbin/mke2fs e2fsprogs   -                   -                -                   -             -
TABLE
}

# The package manager of this machine (or $NIXCAGE_PM), or nothing.
package_manager() {
    if [ -n "${NIXCAGE_PM:-}" ]; then
        say "$NIXCAGE_PM"
        return
    fi
    for pm in $package_managers; do
        case $pm in
        apt) program=apt-get ;;
        nix) program=nix-shell ;;
        *) program=$pm ;;
        esac
        if have "$program"; then
            say "$pm"
            return
        fi
    done
    return 1
}

compiles() {
    compiler=${CC:-cc}
    if [ "$1" = c++ ]; then compiler=${CXX:-c++}; fi
    # $CC may be several words ("ccache gcc").
    # shellcheck disable=SC2086
    echo 'int main(void) { return 0; }' | $compiler ${CFLAGS:-} -x "$1" -o /dev/null - 2>/dev/null
}

# Whether a probe finds what it looks for.
package_present() {
    case $1 in
    cmd:*) have "${1#cmd:}" ;;
    pc:*) have pkg-config && pkg-config --exists "${1#pc:}" ;;
    cc:*) compiles "${1#cc:}" ;;
    san:*) have "${1#san:}" && (CC=${1#san:} && CFLAGS=-fsanitize=address && compiles c) ;;
    file:*)
        for file in $(say "${1#file:}" | tr , ' '); do
            if [ -e "$file" ]; then return 0; fi
        done
        return 1
        ;;
    *) die "unknown probe: $1" ;;
    esac
}

# packages_for MANAGER SET…: the packages of what the sets need and this machine lacks, one a line.
packages_for() {
    pm=$1
    shift
    column=4
    for each in $package_managers; do
        if [ "$each" = "$pm" ]; then break; fi
        column=$((column + 1))
    done
    for set in "$@"; do
        package_table | awk -v set="$set" -v column="$column" '
            { n = split($2, in_sets, ","); for (i = 1; i <= n; i++) if (in_sets[i] == set) print $3, $column }' |
            while read -r probe names; do
                if [ "$names" != - ] && ! package_present "$probe"; then say "$names"; fi
            done
    done | tr , '\n' | sort -u
}

# needs_missing SET…: what the sets need and this machine still lacks, where its manager has a package; words.
needs_missing() {
    packages_for "$(package_manager)" "$@" | tr '\n' ' '
}

# Installs packages with the given manager.
packages_install() {
    pm=$1
    shift
    case $pm in
    apt)
        as_root apt-get update -q &&
            as_root env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends "$@"
        ;;
    dnf) as_root dnf install -q -y --setopt=install_weak_deps=False "$@" ;;
    pacman) as_root pacman -Sy --needed --noconfirm "$@" ;;
    apk) as_root apk add "$@" ;;
    brew) brew install "$@" ;;
    *) die "cannot install packages with $pm" ;;
    esac
}

# need_packages SET…: installs what is missing; says nothing when all is there.
need_packages() {
    need_pm=$(package_manager) || {
        warn "no known package manager ($package_managers); going on with what is there"
        return 0
    }
    if [ "$need_pm" = nix ]; then
        need_packages_nix "$@"
        return
    fi
    need_list=$(packages_for "$need_pm" "$@")
    if [ -z "$need_list" ]; then return 0; fi
    need_root=
    if [ "$need_pm" != brew ] && [ "$(id -u)" != 0 ]; then need_root=" and sudo"; fi
    say "Installing with $need_pm$need_root: $(say "$need_list" | tr '\n' ' ')"
    need_log=$(mktemp "${TMPDIR:-/tmp}/nixcage-install.XXXXXX") || return 1
    # shellcheck disable=SC2086
    quietly "$need_log" packages_install "$need_pm" $need_list || {
        rm -f "$need_log"
        die "$need_pm could not install: $(say "$need_list" | tr '\n' ' ')"
    }
    rm -f "$need_log"
    need_list=$(packages_for "$need_pm" "$@")
    if [ -n "$need_list" ]; then
        warn "still missing after the installation: $(say "$need_list" | tr '\n' ' ')"
    fi
}

# Libraries from Nix are only found inside a nix-shell: start the script again in one.
need_packages_nix() {
    need_list=$(packages_for nix "$@")
    if [ -z "$need_list" ] || [ -n "${NIXCAGE_IN_NIX_SHELL:-}" ]; then return 0; fi
    say "Starting again in nix-shell with: $(say "$need_list" | tr '\n' ' ')"
    NIXCAGE_IN_NIX_SHELL=1
    export NIXCAGE_IN_NIX_SHELL
    # shellcheck disable=SC2046,SC2086
    exec nix-shell -p $need_list --run "$(shell_words "$0" ${script_arguments:-})"
}

# The arguments as words a shell reads back.
shell_words() {
    for word in "$@"; do
        printf "'%s' " "$(printf %s "$word" | sed "s/'/'\\\\''/g")"
    done
}
