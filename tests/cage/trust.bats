# SPDX-License-Identifier: GPL-3.0-or-later
# What is written into nixcage.toml is never honoured without a word from the user, however it got there. (What allow, deny and
# the questions do: tests/cli/trust.bats.)

load ../lib/common
load ../lib/terminal

setup() {
    DATA=$BATS_TEST_TMPDIR/data
    mkdir "$DATA"
    echo outside >"$DATA/file"
}

teardown() {
    if [ -n "${RUNNING:-}" ]; then kill "$RUNNING" 2>/dev/null || :; fi
    terminal_end
}

# config [LINE…]: a small one of the host's system on standard output, with further lines in [sandbox.filesystem].
config() {
    printf '[sandbox.network]\nallow = false\n[sandbox.filesystem]\nsystem = true\n'
    printf '%s\n' "$@"
}

wide() {
    config "rw_bind = [\"$DATA\"]"
}

# start_waiting SCRIPT: runs (through RUNNER, if that is set) SCRIPT in the cage of this project, in the background, once `go` is there; waits until it waits.
start_waiting() {
    rm -f ready go finished
    "${RUNNER[@]}" "$NIXCAGE" run -- sh -c "touch ready; while [ ! -e go ]; do sleep 0.02; done; $1; touch finished" \
        >"$BATS_TEST_TMPDIR/running" 2>&1 3>&- &
    RUNNING=$!
    poll_until 20 test -e ready
}

let_go() {
    touch go
    status=0
    wait "$RUNNING" || status=$?
    RUNNING=
    [ -e finished ]
}

# The wide configuration is in nixcage.toml, and a run neither honours it nor runs at all.
assert_refused_wide() {
    grep -qF rw_bind nixcage.toml
    run_cage cat "$DATA/file"
    assert_status 125
    assert_stderr_has 'grants more than was allowed'
    assert_stderr_has "+ rw_bind $DATA (nixcage.toml:5)"
    refute_stderr_has '+ system'
    assert_output ''
    # The control: allowed, it is honoured.
    trust_project
    run_cage cat "$DATA/file"
    assert_status 0
    assert_output outside
}

@test "nixcage.toml replaced while a cage runs: what the cage writes then is not honoured" {
    make_project < <(config)
    # On a kernel where the mount cannot be put back; elsewhere the cage has only a moment for it (replaced.bats).
    RUNNER=("${NIXCAGE%/src/nixcage}/tests/cage/deny" ENOSYS open_tree --)
    start_waiting "printf '%s\n' '[sandbox.network]' 'allow = false' '[sandbox.filesystem]' 'system = true' 'rw_bind = [\"$DATA\"]' >nixcage.toml"
    # As an editor or git does: the read-only bind of the old file goes with it.
    config >new
    mv new nixcage.toml
    let_go
    assert_refused_wide
}

@test "nixcage.toml is what the cage cannot write while nobody replaces it" {
    make_project < <(config)
    before=$(sha256sum nixcage.toml)
    start_waiting 'echo x >>nixcage.toml; rm -f nixcage.toml; mv nixcage.toml other; :'
    let_go
    [ "$(sha256sum nixcage.toml)" = "$before" ]
}

@test "nixcage.toml cannot be left writable" {
    make_project < <(config 'unprotect = ["nixcage.toml"]')
    run_cage true
    assert_status 125
    assert_stderr_has 'stays protected'
}

@test "a symlink as nixcage.toml is not followed to what the cage can write" {
    make_project < <(config)
    mv nixcage.toml real.toml
    ln -s real.toml nixcage.toml
    run_cage true
    assert_status 125
    [ -n "$stderr" ]
    # Nor swapped for one while a cage runs.
    rm nixcage.toml
    mv real.toml nixcage.toml
    start_waiting "rm -f nixcage.toml; ln -s wide.toml nixcage.toml; cp nixcage.toml copy"
    wide >wide.toml
    ln -s wide.toml new
    mv -T new nixcage.toml
    let_go
    run_cage cat "$DATA/file"
    assert_status 125
    assert_output ''
    # The control: as a file and allowed, it is honoured.
    rm nixcage.toml
    cp wide.toml nixcage.toml
    trust_project
    run_cage cat "$DATA/file"
    assert_output outside
}

@test "a project directory that is a symlink has the trust of where it leads" {
    make_project one < <(config)
    wide >"$BATS_TEST_TMPDIR/wide"
    mkdir ../two
    cp ../wide ../two/nixcage.toml
    ln -s one ../link
    run_split "$NIXCAGE" run ../link -- true
    assert_status 0
    ln -sfn two ../link
    run_split "$NIXCAGE" run ../link -- cat "$DATA/file"
    assert_status 125
    assert_stderr_has 'was never allowed'
}

@test "what is asked about is what is used, when the file changes during the question" {
    need tmux
    make_project < <(config)
    config 'ro_bind = ["/usr/share"]' >nixcage.toml
    terminal_start bash --norc --noprofile -i
    type_line "PS1='HOST> '; clear"
    wait_screen '^HOST> '
    type_line "\"\$NIXCAGE\" run sh -c 'cat $DATA/file || echo not''hing'; echo status=\$?"
    wait_screen 'Allow this\? \[y/N\]'
    wide >nixcage.toml
    type_line y
    wait_screen '^status='
    screen | grep -qx nothing
    assert_refused_wide
}

@test "allow records what it showed, when the file changes during the question" {
    need tmux
    make_project < <(config)
    config 'ro_bind = ["/usr/share"]' >nixcage.toml
    terminal_start bash --norc --noprofile -i
    type_line "PS1='HOST> '; clear"
    wait_screen '^HOST> '
    type_line '"$NIXCAGE" allow; echo status=$?'
    wait_screen '^ *\+ ro_bind /usr/share'
    wait_screen 'Allow this\? \[y/N\]'
    wide >nixcage.toml
    type_line y
    wait_screen '^status=0'
    assert_refused_wide
}

@test "the file is opened once: a change between reading and use cannot matter" {
    need strace
    make_project < <(config)
    strace -f -o "$BATS_TEST_TMPDIR/trace" -e trace=open,openat,openat2 "$NIXCAGE" run -- true
    # What the kernel opened for reading; bwrap and the init open the place of the mount as O_PATH, and bwrap may try to make it.
    [ "$(grep 'nixcage\.toml' "$BATS_TEST_TMPDIR/trace" | grep -v O_PATH | grep -vc ' = -1 E')" = 1 ]
    # What edits it judges what it edits. (It writes another file, which gets the name.)
    make_project two < <(config; printf '[nix]\npackages = ["hello"]\n')
    strace -f -o "$BATS_TEST_TMPDIR/trace" -e trace=open,openat,openat2 "$NIXCAGE" remove hello
    [ "$(grep '"[^"]*nixcage\.toml"' "$BATS_TEST_TMPDIR/trace" | grep -vc O_CREAT)" = 1 ]
}

# replaced_after WORD CMD…: CMD, with a while between its renaming a file and going on, in which nixcage.toml is replaced by ./wide as soon
# as it is there and has no WORD in it.
replaced_after() {
    local word=$1
    shift
    {
        poll_until 20 test -e nixcage.toml
        while grep -q "$word" nixcage.toml; do sleep 0.01; done
        cp wide new
        mv -T new nixcage.toml
    } 3>&- &
    RUNNING=$!
    run_split strace -qq -o /dev/null -e trace=rename,renameat,renameat2 -e inject=rename,renameat,renameat2:delay_exit=1000000 "$@"
    assert_status 0
    wait "$RUNNING"
    RUNNING=
}

@test "what init, add and remove wrote is allowed, not what takes its place at once" {
    need strace
    PROJECT=$BATS_TEST_TMPDIR/project
    mkdir "$PROJECT"
    cd "$PROJECT"
    wide >wide
    replaced_after '\[no such' "$NIXCAGE" init --preset minimal
    assert_refused_wide
    make_project two < <(config; printf '[nix]\npackages = ["hello"]\n')
    wide >wide
    replaced_after '"hello"' "$NIXCAGE" remove hello
    assert_refused_wide
    make_project three < <(config; printf '[nix]\npackages = [] # empty\n')
    wide >wide
    replaced_after '= \[\]' "$NIXCAGE" add hello
    assert_refused_wide
    # The control: what they wrote is allowed when it stays.
    make_project four < <(config; printf '[nix]\npackages = ["hello"]\n')
    "$NIXCAGE" remove hello
    run_cage true
    assert_status 0
}

@test "every kind of widening is refused with what is new" {
    make_project < <(config 'blacklist = ["~/.ssh"]')
    local before line want
    before=$(cat nixcage.toml)
    while IFS='|' read -r line want; do
        printf '%s\n%b\n' "$before" "$line" >nixcage.toml
        run_cage true
        [ "$status" = 125 ] || _explain "not refused: $line"
        assert_stderr_has "$want"
        assert_stderr_has 'grants more than was allowed'
    done <<'ROWS'
ro_bind = ["/srv"]|+ ro_bind /srv
rw_bind = ["/srv"]|+ rw_bind /srv
unprotect = [".git/hooks"]|+ unprotect .git/hooks
[cage]\npassthrough_env = ["MY_VARIABLE"]|MY_VARIABLE
[cage]\nssh_agent = true|ssh_agent
[nix]\npure = false|pure
[nix]\nstore_mode = "shared"|store_mode
[nix]\nstore_view = "full"|store_view
[nix]\nnixpkgs = "/srv/nixpkgs"|nixpkgs
[nix]\nshell = "shell.nix"|shell
ROWS
    sed 's/allow = false/allow = true/' <<<"$before" >nixcage.toml
    run_cage true
    assert_status 125
    assert_stderr_has network
    grep -v blacklist <<<"$before" >nixcage.toml
    run_cage true
    assert_status 125
    assert_stderr_has .ssh
    # The control; what only matters inside is no grant.
    echo "$before" >nixcage.toml
    run_cage true
    assert_status 0
    printf '%s\n[cage]\ncommand = "ls"\nenv = ["A=b"]\n' "$before" >nixcage.toml
    run_cage true
    assert_status 0
}

@test "the level and nested are compared" {
    printf '[sandbox]\nlevel = "strict"\n[sandbox.filesystem]\nsystem = true\n' | make_project strict
    cd "$BATS_TEST_TMPDIR/strict"
    "$NIXCAGE" allow --yes >/dev/null
    run_cage true
    assert_status 0
    sed -i s/strict/standard/ nixcage.toml
    run_cage true
    assert_status 125
    assert_stderr_has 'level strict -> standard'
    sed -i 's/level = "standard"/level = "strict"\nnested = true/' nixcage.toml
    run_cage true
    assert_status 125
    assert_stderr_has nested
}

@test "a trust record that somebody could have forged is refused or does not count" {
    make_project < <(config)
    local records=$XDG_STATE_HOME/nixcage/trust record
    run_cage true
    assert_status 0
    record=$(find "$records" -type f -printf '%T@ %p\n' | sort -n | tail -n 1 | cut -d ' ' -f 2)
    # A copy of an honest record with a wider body, its hash not made anew.
    cp "$record" "$BATS_TEST_TMPDIR/saved"
    sed -i 's/system = true/system = false/' "$record"
    run_cage true
    assert_status 125
    cp "$BATS_TEST_TMPDIR/saved" "$record"
    chmod 0622 "$record"
    run_cage true
    assert_status 125
    assert_stderr_has 'can be written by other users'
    chmod 0600 "$record"
    chmod 0777 "$records"
    run_cage true
    assert_status 125
    chmod 0700 "$records"
    # A record torn at any place is none.
    head -c 100 "$BATS_TEST_TMPDIR/saved" >"$record"
    run_cage true
    assert_status 125
    cp "$BATS_TEST_TMPDIR/saved" "$record"
    run_cage true
    assert_status 0
}

@test "a cage cannot reach the records" {
    make_project < <(printf '[sandbox]\nlevel = "relaxed"\n'; config)
    local records=$XDG_STATE_HOME/nixcage/trust
    [ -n "$(ls -A "$records")" ]
    run_cage sh -c "echo x >'$records/new' || mv '$records' '$records.old' || rm -rf '$records'/*"
    [ "$status" != 0 ]
    [ -n "$(ls -A "$records")" ]
    [ ! -e "$records/new" ]
}

# A project full of files that something on the host might execute or read as a program.
booby_trap() {
    local name
    for name in bwrap nix nix-shell nix-build nix-store nix-instantiate bash sh env git systemd-run node direnv; do
        printf '#!/bin/sh\necho "%s" >>"%s"\nexit 1\n' "$name" "$BATS_TEST_TMPDIR/sprung" >"$name"
        chmod +x "$name"
    done
    for name in .envrc .bashrc .bash_profile .profile .zshrc .env; do
        echo "echo $name >>'$BATS_TEST_TMPDIR/sprung'" >"$name"
    done
    for name in shell.nix default.nix flake.nix; do
        echo "builtins.trace \"$name\" (builtins.abort \"sprung $name\")" >"$name"
    done
    mkdir -p .git/hooks
    printf '[core]\n\tfsmonitor = "sh -c \\"echo fsmonitor >>%s/sprung\\""\n' "$BATS_TEST_TMPDIR" >.git/config
    cp sh .git/hooks/post-checkout
}

@test "no file of the project is executed or sourced on the host" {
    need strace
    make_project < <(config; printf '[nix]\npackages = ["hello"]\n')
    booby_trap
    local command
    export PATH=.:$PROJECT::$PATH BASH_ENV=$PROJECT/.bashrc ENV=$PROJECT/.profile
    for command in status 'status --json' plan allow _direnv_hook 'run -- hello' selftest 'add coreutils' 'remove hello' log gc list-presets \
        '_completions bash' deny 'init --force' 'reinit --yes' 'destroy --yes'; do
        # shellcheck disable=SC2086
        strace -f -o "$BATS_TEST_TMPDIR/trace" -e trace=execve,execveat "$NIXCAGE" $command >/dev/null 2>"$BATS_TEST_TMPDIR/err" </dev/null
        [ -s "$BATS_TEST_TMPDIR/trace" ]
        refute grep -E "execve(at)?\((\"$PROJECT|\"\.|[0-9]+, \"[^/])" "$BATS_TEST_TMPDIR/trace"
    done
    [ ! -e "$BATS_TEST_TMPDIR/sprung" ] || { cat "$BATS_TEST_TMPDIR/sprung"; false; }
    # The control: the traps work.
    ./nix || :
    grep -qx nix "$BATS_TEST_TMPDIR/sprung"
}

@test "Nix on the host runs no program of the project either" {
    need git
    make_project < <(config; printf '[nix]\nshell = "."\n')
    cat >flake.nix <<END
{
  outputs = _: let pkgs = import $NIXCAGE_SRC/share/offline { system = "$(nix-instantiate --eval -E builtins.currentSystem | tr -d '"')"; }; in {
    devShells.\${pkgs.system}.default = pkgs.mkShell { packages = [ pkgs.hello ]; };
  };
}
END
    mkdir -p node_modules/.bin
    git -c init.defaultBranch=main init -q .
    git add flake.nix
    git -c user.name=a -c user.email=a@b commit -qm one
    trust_project
    printf '#!/bin/sh\necho git >>"%s"\nexec /usr/bin/git "$@"\n' "$BATS_TEST_TMPDIR/sprung" >node_modules/.bin/git
    chmod +x node_modules/.bin/git
    export PATH=$PROJECT/node_modules/.bin:node_modules/.bin:$PATH
    run_cage hello
    assert_status 0
    [ ! -e "$BATS_TEST_TMPDIR/sprung" ]
    # The control: Nix itself takes it.
    nix --extra-experimental-features 'nix-command flakes' eval --impure --expr "(builtins.getFlake \"git+file://$PROJECT\").outPath" >/dev/null 2>&1 || :
    [ -e "$BATS_TEST_TMPDIR/sprung" ]
}
