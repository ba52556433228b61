#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
# What Nix evaluates on the host is the user's to allow: a cage can neither change those files nor get a change by.

load ../lib/common
load ../lib/nix

# A shell.nix that imports a file, reads a pin, and looks whether another file is there.
shell_project() {
    PROJECT=$BATS_TEST_TMPDIR/project
    mkdir -p "$PROJECT/nix" "$PROJECT/src"
    cat >"$PROJECT/shell.nix" <<'NIX'
with import <nixpkgs> { };
mkShell {
  buildInputs = import ./nix/inputs.nix pkgs;
  pin = (builtins.fromJSON (builtins.readFile ./nix/pin.json)).version;
  extra = if builtins.pathExists ./local.nix then import ./local.nix else "";
}
NIX
    echo 'pkgs: [ pkgs.hello ]' >"$PROJECT/nix/inputs.nix"
    echo '{"version": "one"}' >"$PROJECT/nix/pin.json"
    echo 'int main;' >"$PROJECT/src/main.c"
    make_project <<<$'[nix]\nshell = "shell.nix"'
}

# run_cage does not run and the reason names $1; allowed, it runs.
asks_about() {
    run_cage true
    assert_status 125
    assert_stderr_has "$1"
    run_split "$NIXCAGE" plan
    assert_status 125
    run_split "$NIXCAGE" status
    assert_output_has 'grants more than was allowed'
    run_split "$NIXCAGE" allow --yes
    assert_status 0
    assert_output_has "$1"
    run_cage true
    assert_status 0
}

@test "a cage cannot write what Nix evaluates on the host" {
    shell_project
    run_cage hello
    assert_status 0
    for file in shell.nix nix/inputs.nix; do
        run_cage bash -c "echo evil >$file"
        refute [ "$status" = 0 ]
        run_cage bash -c "echo evil >new; mv new $file"
        refute [ "$status" = 0 ]
        run_cage bash -c "rm -f $file"
        refute [ "$status" = 0 ]
        refute grep -q evil "$file"
    done
    run_cage mv nix nix2
    refute [ "$status" = 0 ]
    # The control: what lies beside them can be written, and nothing has to be allowed again.
    run_cage bash -c 'echo good >src/main.c; echo good >nix/notes'
    assert_status 0
    [ "$(cat src/main.c nix/notes)" = $'good\ngood' ]
}

@test "plan says which key makes a file read-only" {
    shell_project
    run_split "$NIXCAGE" plan
    assert_status 0
    grep -E 'shell\.nix.*evaluated by Nix on the host' <<<"$output"
}

@test "unprotect does not reach what Nix evaluates" {
    shell_project
    for path in shell.nix nix; do
        printf '[nix]\nshell = "shell.nix"\n[sandbox.filesystem]\nunprotect = ["%s"]\n' "$path" >nixcage.toml
        trust_project
        run_cage true
        assert_status 125
        assert_stderr_has 'is evaluated by Nix on the host and stays protected'
    done
    # The control: another one can be lifted.
    printf '[nix]\nshell = "shell.nix"\n[sandbox.filesystem]\nunprotect = [".vscode"]\n' >nixcage.toml
    trust_project
    run_cage true
    assert_status 0
}

@test "a change of an evaluated file asks again, whoever made it" {
    shell_project
    run_cage hello
    assert_status 0
    echo '# more' >>shell.nix
    asks_about 'shell.nix changed since it was allowed'
    echo '# more' >>nix/inputs.nix
    asks_about 'nix/inputs.nix changed since it was allowed'
    # The control: other files may change.
    echo more >>src/main.c
    run_cage true
    assert_status 0
}

@test "data that Nix code reads, and a file that appears where one is looked for" {
    shell_project
    echo '{"version": "two"}' >nix/pin.json
    asks_about 'nix/pin.json changed since it was allowed'
    echo '"x"' >local.nix
    asks_about 'local.nix appeared since it was allowed'
    rm local.nix
    asks_about 'local.nix is gone since it was allowed'
    run_cage bash -c 'echo "\"evil\"" >local.nix'
    [ ! -e local.nix ]
}

@test "nothing of a changed file is evaluated before the user's word" {
    shell_project
    run_cage true
    assert_status 0
    echo "builtins.trace \"evaluated\" (builtins.readFile $PROJECT/src/main.c)" >shell.nix
    run_cage true
    assert_status 125
    refute_stderr_has 'trace: evaluated'
    assert_stderr_has 'shell.nix changed'
    # The control: allowed, it is.
    trust_project
    run_cage true
    assert_stderr_has 'trace: evaluated'
}

@test "the time stamp of a file alone asks nothing" {
    shell_project
    run_cage true
    touch shell.nix nix/inputs.nix
    run_cage hello
    assert_status 0
}

@test "a directory as shell: a flake.nix cannot appear beside shell.nix" {
    shell_project
    printf '[nix]\nshell = "."\n' >nixcage.toml
    trust_project
    run_cage bash -c 'echo "{ outputs = _: { }; }" >flake.nix'
    [ ! -e flake.nix ]
    run_cage hello
    assert_status 0
    # Made by anybody else, it is asked about.
    echo '{ outputs = _: { }; }' >flake.nix
    run_cage true
    assert_status 125
    assert_stderr_has 'flake.nix appeared since it was allowed'
}

@test "a nixpkgs in the project is read-only, and its changes are asked about" {
    mkdir -p "$BATS_TEST_TMPDIR/project"
    cp -r "$NIXCAGE_SRC/share/offline" "$BATS_TEST_TMPDIR/project/pkgs"
    chmod -R u+w "$BATS_TEST_TMPDIR/project/pkgs"
    nix_project 'packages = ["hello"]' 'nixpkgs = "./pkgs"'
    run_cage hello
    assert_status 0
    run_cage bash -c 'echo evil >pkgs/evil.nix'
    refute [ "$status" = 0 ]
    run_cage bash -c 'echo "# evil" >>pkgs/default.nix'
    refute [ "$status" = 0 ]
    # The control.
    run_cage bash -c 'echo good >beside.nix'
    assert_status 0
    echo '# more' >>pkgs/default.nix
    asks_about 'pkgs/default.nix changed since it was allowed'
    echo '{ }' >pkgs/another.nix
    asks_about 'pkgs/another.nix is new since this was allowed'
}

@test "the project itself is no nixpkgs" {
    nix_project 'packages = ["hello"]' "nixpkgs = \"$NIXCAGE_SRC/share/offline\""
    run_cage hello
    assert_status 0
    cp -r "$NIXCAGE_SRC"/share/offline/. .
    nix_project 'packages = ["hello"]' 'nixpkgs = "./."'
    run_cage hello
    assert_status 125
    assert_stderr_has 'the project is in what Nix evaluates on the host'
}

@test "a symlink that leads to another file is a change" {
    shell_project
    cp shell.nix other.nix
    rm shell.nix
    ln -s other.nix shell.nix
    trust_project
    run_cage hello
    assert_status 0
    run_cage bash -c 'echo evil >other.nix'
    refute [ "$status" = 0 ]
    run_cage bash -c 'ln -sfn src/main.c shell.nix'
    [ "$(readlink shell.nix)" = other.nix ]
    ln -sfn src/main.c shell.nix
    run_cage true
    assert_status 125
    assert_stderr_has 'shell.nix changed since it was allowed'
}
