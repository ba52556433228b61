#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
# What mistakes are answered with, word for word: tests/golden/messages/answers.txt. Those about nixcage.toml alone are in
# tests/golden/config/bad. To write it anew, take what a failing test prints.

load ../lib/common

setup() {
    make_project <<<$'[sandbox.filesystem]\nsystem = true'
    # Not in the project: its files would be part of what is allowed.
    ANSWERS=$BATS_TEST_TMPDIR/answers
    : >"$ANSWERS"
}

# answer ARG…: what nixcage says, and its exit code.
answer() {
    run_split "$NIXCAGE" "$@"
    {
        # Quoted, so that an empty word shows, and no line ends with a blank.
        echo "\$ nixcage$([ $# = 0 ] || printf ' %q' "$@")"
        sed "s#$PROJECT#PROJECT#g; s#$BATS_TEST_TMPDIR#TMP#g; s#$HOME#HOME#g" <<<"$stderr"
        echo "[$status]"
        echo
    } >>"$ANSWERS"
}

# toml TEXT: answer to `plan` with this nixcage.toml, which is printed first.
toml() {
    printf '%b\n' "$1" >nixcage.toml
    printf '%b\n' "$1" >>"$ANSWERS"
    if [ "${2:-}" != untrusted ]; then "$NIXCAGE" allow --yes >/dev/null 2>&1 || :; fi
    answer plan
}

same() {
    local want=$NIXCAGE_SRC/tests/golden/messages/answers-$1.txt
    diff -u "$want" "$ANSWERS" || {
        echo "-- it is now:"
        cat "$ANSWERS"
        return 1
    }
}

@test "answers: the command line" {
    answer
    answer stats
    answer ls -la
    answer --verison
    answer run --dbug ls
    answer init -x
    answer init --force=yes
    answer init --preset
    answer init --preset claude-cod ../new
    answer init --preset zzz ../new
    answer init ''
    answer init a b
    answer init
    answer help statu
    answer help zzz
    answer add
    answer add -- -x
    answer remove helo
    answer plan --platform windows
    answer plan --sbpl
    answer plan --diff --json
    answer run
    answer run --debug=nowhere/x -- true
    answer run --debug=events -- true
    answer run nixcage.toml -- true
    answer run ../nowhere -- true
    answer run -- nosuchprogram
    answer run -- ./nixcage.toml
    answer run -- ./nothing
    answer _completions tcsh
    answer allow x y
    cd "$BATS_TEST_TMPDIR"
    mkdir outside
    cd outside
    answer run -- true
    answer status
    answer allow
    same command-line
}

@test "answers: what the configuration asks for and this machine has not" {
    toml '[sandbox.filesystem]\nsystem = true\nro_bind = ["/no/such/place"]'
    toml '[sandbox.filesystem]\nsystem = true\nrw_bind = ["~/nothing?", "~/missing"]'
    toml '[sandbox.filesystem]\nsystem = true\nblacklist = ["/"]'
    toml '[sandbox.filesystem]\nsystem = true\nblacklist = ["/usr"]'
    toml '[sandbox.filesystem]\nsystem = true\nunprotect = ["nixcage.toml"]'
    toml '[sandbox.filesystem]\nsystem = true\nprotect = ["/etc/passwd"]'
    toml '[sandbox.filesystem]\nsystem = true\nro_bind = ["/etc/passwd"]\nblacklist = ["/etc"]'
    toml '[sandbox.filesystem]\nsystem = true\n[cage]\npassthrough_env = ["PATH"]'
    toml '[nix]\npackages = ["coreutils"]\nnixpkgs = "nothing"'
    toml '[nix]\nshell = "nothing.nix"'
    toml '[nix]\nshell = "."'
    mkdir here
    toml '[nix]\nshell = "here"'
    same configuration
}

@test "answers: a project whose files are not as expected" {
    toml '[sandbox.filesystem]\nsystem = true\n[sandbox.network]\nallow = true\n[cage]\npassthrough_env = ["EDITOR"]' untrusted
    answer run -- true
    toml '[sandbox.filesystem]\nsytem = true' untrusted
    toml '[sandbox.filesytem]\nsystem = true' untrusted
    toml '[sandbox]\nlevel = "strickt"' untrusted
    printf '[nix]\npackages = ["hello"]\n' >nixcage.toml
    answer remove helo
    rm nixcage.toml
    mkdir nixcage.toml
    answer plan
    rmdir nixcage.toml
    ln -s /no/such/file nixcage.toml
    answer plan
    rm nixcage.toml
    ln -s nixcage.toml nixcage.toml
    answer plan
    rm nixcage.toml
    mkdir ../other
    ln -s /etc/hostname ../other/.envrc
    answer init ../other
    : >../file
    answer init ../file
    same project
}
