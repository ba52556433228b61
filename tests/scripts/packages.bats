# SPDX-License-Identifier: GPL-3.0-or-later
# scripts/lib/packages.sh with package managers that only write down what they were asked for.

setup() {
    src=${NIXCAGE_SRC:-$BATS_TEST_DIRNAME/../..}
    fake=$BATS_TEST_TMPDIR/bin
    tools=$BATS_TEST_TMPDIR/tools
    calls=$BATS_TEST_TMPDIR/calls
    mkdir "$fake" "$tools"
    : >"$calls"
    # The only programs there are: what the scripts themselves use.
    local tool
    for tool in sh bash awk sed tr sort cat mktemp rm env uname; do ln -s "$(command -v "$tool")" "$tools/$tool"; done
    # As root, whoever runs the tests.
    printf '#!/bin/sh\nif [ "$1" = -u ]; then echo 0; else echo root; fi\n' >"$tools/id"
    chmod +x "$tools/id"
}

# fake NAME [SCRIPT]: a program that records its call.
fake() {
    printf '#!/bin/sh\necho "%s $*" >>"%s"\n%s\n' "$1" "$calls" "${2:-}" >"$fake/$1"
    chmod +x "$fake/$1"
}

# Bats does not notice a bare `! …` in the middle of a test.
refute() {
    ! "$@"
}

# library CODE: runs code with the library loaded and nothing on PATH but the fakes.
library() {
    env -i PATH="$fake:$tools" HOME="$BATS_TEST_TMPDIR" TMPDIR="$BATS_TEST_TMPDIR" ${CC_FOR_TEST:+CC="$CC_FOR_TEST"} \
        sh -c ". '$src/scripts/lib/common.sh'; . '$src/scripts/lib/packages.sh'; $1"
}

as_ordinary_user() {
    rm "$tools/id"
    fake id 'if [ "$1" = -u ]; then echo 1000; else echo somebody; fi'
    fake sudo 'exec "$@"'
}

@test "every row of the table has all its columns" {
    run library "package_table | awk 'NF != 9 { print; bad = 1 } END { exit bad }'"
    [ "$status" = 0 ]
    [ -z "$output" ]
}

@test "every probe is of a known kind" {
    run library "package_table | awk '\$3 !~ /^(cmd|pc|cc|san|file):/ { print; bad = 1 } END { exit bad }'"
    [ "$status" = 0 ]
}

@test "the package manager is recognised by its program" {
    local pair
    for pair in apt:apt-get dnf:dnf pacman:pacman apk:apk brew:brew nix:nix-shell; do
        rm -f "$fake"/*
        fake "${pair#*:}"
        run library package_manager
        [ "$output" = "${pair%%:*}" ]
    done
    rm -f "$fake"/*
    run library package_manager
    [ "$status" != 0 ]
}

installs() { # MANAGER PROGRAM EXPECTED-CALL PACKAGE…
    local manager=$1 program=$2 expected=$3 package
    shift 3
    fake "$program"
    run library "NIXCAGE_PM=$manager need_packages build run"
    [ "$status" = 0 ]
    cat "$calls" >&2
    grep -q -- "$expected" "$calls"
    for package in "$@"; do grep -qw -- "$package" "$calls"; done
}

@test "apt: refreshes its lists, then installs without questions" {
    installs apt apt-get 'apt-get install -q -y --no-install-recommends' g++ meson ninja-build libtomlplusplus-dev bubblewrap nix-bin
    head -n 1 "$calls" | grep -q 'apt-get update'
}

@test "dnf installs without questions" {
    installs dnf dnf 'dnf install -q -y' gcc-c++ ninja-build tomlplusplus-devel libseccomp-static bubblewrap
}

@test "pacman installs without questions" {
    installs pacman pacman 'pacman -Sy --needed --noconfirm' gcc meson tomlplusplus bubblewrap nix
}

@test "apk installs" {
    installs apk apk 'apk add' g++ musl-dev samurai tomlplusplus-dev libsodium-static
}

@test "brew installs, never through sudo" {
    as_ordinary_user
    installs brew brew 'brew install' meson ninja jansson libevent
    refute grep -q sudo "$calls"
}

@test "quickstart on a Mac: brew, a build, and a demonstration of what a cage there shows" {
    local copy=$BATS_TEST_TMPDIR/copy tool
    as_ordinary_user
    for tool in mkdir touch ls dirname mv chmod; do ln -s "$(command -v "$tool")" "$tools/$tool"; done
    rm "$tools/uname"
    mkdir -p "$copy/build/src"
    cp -R "$src/scripts" "$copy/scripts"
    fake uname 'echo Darwin'
    fake brew
    # Where there is no /nix, one is made: not here.
    fake install
    # Compilers come with the system, not from brew; the others from its packages.
    for tool in meson ninja nix-shell nix-instantiate cc c++; do fake "$tool"; done
    : >"$copy/build/build.ninja"
    # Runs the command where the policy cannot be written and the neighbour is not there, as its cage would have it.
    cat >"$copy/build/src/nixcage" <<'END'
#!/bin/sh
[ "$1" = run ] || exit 0
[ "$3" != hello ] || { echo "Hello, world!"; exit 0; }
shift 2
mv nixcage.toml ../kept && mkdir nixcage.toml && mv ../outside ../away
env -u DEMO_API_KEY "$@"
status=$?
mv ../away ../outside && rm -r nixcage.toml && mv ../kept nixcage.toml
exit $status
END
    chmod +x "$copy/build/src/nixcage"
    quickstart_there() {
        env -i PATH="$fake:$tools" HOME="$BATS_TEST_TMPDIR" TMPDIR="$BATS_TEST_TMPDIR" NIXCAGE_PM=brew \
            sh "$copy/scripts/quickstart"
    }
    run quickstart_there
    echo "$output" >&2
    [ "$status" = 0 ]
    [[ $output == *"Installing with brew: "*"It works."* ]]
    [[ $output != *✗* ]]
    grep -q '^brew install .*libevent.*' "$calls"
    refute grep -q '^sudo' "$calls"
    # The control: a cage that does not hold makes it fail.
    sed -i.bak 's/ && mv \.\.\/outside \.\.\/away//; s/^mv \.\.\/away \.\.\/outside && //' "$copy/build/src/nixcage"
    run quickstart_there
    [ "$status" != 0 ]
    [[ $output == *"1 of these are not as they should be"* ]]
}

@test "nix: starts the script again in a nix-shell, once" {
    fake nix-shell
    run library "script_arguments='--keep'; NIXCAGE_PM=nix need_packages build run"
    [ "$status" = 0 ]
    grep -q 'nix-shell -p .*meson.* --run' "$calls"
    : >"$calls"
    run library "NIXCAGE_IN_NIX_SHELL=1 NIXCAGE_PM=nix need_packages build run"
    [ ! -s "$calls" ]
}

@test "sudo is used by an ordinary user and not by root" {
    fake apt-get
    if [ "$(id -u)" = 0 ]; then
        library "NIXCAGE_PM=apt need_packages build"
        refute grep -q sudo "$calls"
    fi
    as_ordinary_user
    run library "NIXCAGE_PM=apt need_packages build"
    [ "$status" = 0 ]
    [[ $output == *"with apt and sudo"* ]]
    grep -q '^sudo apt-get update' "$calls"
}

@test "no root and no sudo: says what to run" {
    as_ordinary_user
    rm "$fake/sudo"
    fake apt-get
    run library "NIXCAGE_PM=apt need_packages build"
    [ "$status" != 0 ]
    [[ $output == *"root is needed"*"apt-get"* ]]
}

@test "a failing installation shows the manager's own text and stops" {
    fake apt-get 'echo "E: no network here" >&2; exit 100'
    run library "NIXCAGE_PM=apt need_packages build; echo went on"
    [ "$status" != 0 ]
    [[ $output == *"E: no network here"* ]]
    [[ $output == *"apt could not install"* ]]
    [[ $output != *"went on"* ]]
}

@test "what is there is not installed again, and nothing is said" {
    fake apt-get
    local program
    for program in meson ninja nix-shell bwrap direnv; do fake "$program"; done
    fake pkg-config
    fake cc 'exit 0'
    fake c++ 'exit 0'
    run library "NIXCAGE_PM=apt need_packages build run"
    [ "$status" = 0 ]
    # Only header files are looked for outside of PATH.
    if [ -e /usr/include/linux/landlock.h ]; then
        [ -z "$output" ]
        refute grep -q apt-get "$calls"
    fi
}

@test "without a package manager it goes on and says so" {
    run library "need_packages build; echo went on"
    [ "$status" = 0 ]
    [[ $output == *"no known package manager"* ]]
    [[ $output == *"went on"* ]]
}

@test "words come back from a shell as they went in" {
    run library "shell_words 'a b' \"it's\" '\$HOME' ''"
    eval "set -- $output"
    [ "$#" = 4 ]
    [ "$1" = 'a b' ]
    [ "$2" = "it's" ]
    [ "$3" = '$HOME' ]
}
