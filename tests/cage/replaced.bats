#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
# The host replaces or deletes what a cage may not write (or see) while that runs: the kernel takes the mount away with
# the file, and nixcage puts it back.

load ../lib/common

setup() {
    BUILD=${NIXCAGE%/src/nixcage}
    make_project <<<$'[sandbox.filesystem]\nsystem = true'
    echo 'export A=1' >.envrc
    echo plain >plain
}

# Waits until $1 is there, 10 s.
waits='waits() { for i in $(seq 500); do [ -e "$1" ] && return; sleep 0.02; done; };'

# What a cage does to find out: each of "$@" is written to, or it says why not.
tries=$waits' touch ready; waits go; for f; do if (echo evil >>"$f") 2>error; then echo "$f: written"; else echo "$f: $(sed "s/.*: //" error)"; fi; done'

# start_cage SCRIPT ARG…: sh -c SCRIPT sh ARG… in a cage, in the background; waits until it has made `ready`.
start_cage() {
    "${RUNNER[@]}" "$NIXCAGE" run "$PROJECT" -- sh -c "$1" sh "${@:2}" >"$BATS_TEST_TMPDIR/out" 2>"$BATS_TEST_TMPDIR/err" </dev/null 3>&- &
    CAGE=$!
    poll_until 20 test -e ready
}

# Lets it go on, and waits for its end.
finish_cage() {
    # What is put back is put back in milliseconds; a loaded machine takes longer.
    sleep "${1:-0.6}"
    touch go
    status=0
    wait "$CAGE" || status=$?
    output=$(<"$BATS_TEST_TMPDIR/out")
    stderr=$(<"$BATS_TEST_TMPDIR/err")
}

# As editors save.
replace() {
    cp "$1" "$1.new"
    echo "# by the host" >>"$1.new"
    mv "$1.new" "$1"
}

# The cage tries to write "$@" after the host did what the functions in HOST do.
refused() {
    local file
    for file; do
        assert_line "$file: Read-only file system"
        refute grep -qs evil "$file"
    done
}

@test "replaced by rename: nixcage.toml, .envrc, and .git/config by git" {
    need git
    git init -q .
    start_cage "$tries" nixcage.toml .envrc .git/config plain
    replace nixcage.toml
    replace .envrc
    replace plain
    git config core.editor true
    finish_cage
    assert_status 0
    refused nixcage.toml .envrc .git/config
    # The control: an ordinary file that was replaced the same way.
    assert_line 'plain: written'
    [ "$(tail -n 1 plain)" = evil ]
    for file in nixcage.toml .envrc .git/config; do
        assert_stderr_has "$PROJECT/$file was replaced during the run by a program outside the cage, and protected again within"
    done
    refute_stderr_has plain
    refute_stderr_has 'look at it'
}

@test "what the host does not replace is not reported, in-place edits neither" {
    start_cage "$tries" .envrc nixcage.toml
    echo '# more' >>.envrc
    touch unrelated
    finish_cage
    refused .envrc nixcage.toml
    [ -z "$stderr" ]
}

@test "the same file under its name anew" {
    start_cage "$tries" .envrc
    ln .envrc twin
    rm .envrc
    mv twin .envrc
    finish_cage
    refused .envrc
}

@test "again and again, and a storm of it" {
    start_cage "$tries" .envrc nixcage.toml
    for i in $(seq 300); do replace .envrc; done
    replace nixcage.toml
    replace .envrc
    finish_cage 1
    assert_status 0
    refused .envrc nixcage.toml
    assert_stderr_has "$PROJECT/.envrc was replaced"
    assert_stderr_has 'times during the run'
}

@test "directories replaced by rename" {
    need git
    git init -q .
    mkdir .vscode
    echo t >.vscode/tasks.json
    start_cage "$tries" .vscode/tasks.json .vscode/new .git/hooks/pre-commit plain
    cp -R .vscode v
    mv .vscode .vscode.old
    mv v .vscode
    mkdir h
    mv .git/hooks .git/hooks.old
    mv h .git/hooks
    finish_cage
    refused .vscode/tasks.json .vscode/new .git/hooks/pre-commit
    assert_line 'plain: written'
    assert_stderr_has "$PROJECT/.git/hooks was replaced"
}

@test "a repository made anew" {
    need git
    git init -q .
    start_cage "$waits"' touch ready; waits go; echo x >.git/ordinary && echo ordinary; mv .git g 2>/dev/null && echo moved;
        echo evil >>.git/config; echo evil >.git/hooks/pre-commit; echo evil >.git/config.worktree; :'
    rm -rf .git
    git init -q .
    finish_cage
    # The control: what is not protected in it can be written.
    assert_output ordinary
    refute grep -q evil .git/config
    [ ! -e .git/hooks/pre-commit ]
    [ ! -e .git/config.worktree ]
}

@test "deleted, and made again at once" {
    start_cage "$tries" .envrc plain
    rm .envrc plain
    echo new >.envrc
    echo new >plain
    finish_cage
    refused .envrc
    assert_line 'plain: written'
    [ "$(cat .envrc)" = new ]
}

@test "deleted for good: what the cage makes there is put away" {
    start_cage "$waits"' touch ready; waits go; echo evil >.envrc; echo mine >plain; :'
    rm .envrc plain
    finish_cage
    [ ! -e .envrc ]
    [ "$(cat .nixcage/held/*/.envrc)" = evil ]
    [ "$(cat plain)" = mine ]
    assert_stderr_has 'put away'
}

@test "blacklisted files and directories stay hidden" {
    mkdir hidden
    echo secret >hidden/inside
    echo secret >secret
    printf '[sandbox.filesystem]\nsystem = true\nblacklist = ["%s/secret", "%s/hidden"]\n' "$PROJECT" "$PROJECT" >nixcage.toml
    trust_project
    start_cage "$waits"' touch ready; waits go; cat plain; cat secret hidden/inside; ls -A hidden; echo x >secret; echo x >hidden/x; mv secret s; :'
    replace secret
    replace plain
    cp -R hidden h
    mv hidden hidden.old
    mv h hidden
    finish_cage
    assert_output $'plain\n# by the host'
    [ "$(head -n 1 secret)" = secret ]
    [ "$(ls -A hidden)" = inside ]
    assert_stderr_has "$PROJECT/secret was replaced during the run by a program outside the cage, and hidden again within"
}

@test "a symlink is never followed" {
    echo outside >"$HOME/outside"
    start_cage "$waits"' touch ready; waits go; cat .envrc; grep -c outside /proc/self/mountinfo; :'
    ln -s "$HOME/outside" link
    mv link .envrc
    finish_cage
    refute_output_has outside
    assert_output 0
    assert_stderr_has "$PROJECT/.envrc was replaced"
    assert_stderr_has 'a symlink is there now'
    rm "$HOME/outside"
}

@test "what the cage puts there while it can is its own, and nothing else is mounted" {
    # It swaps symlinks for as long as it is let.
    start_cage "$waits"' touch ready; for i in $(seq 3000); do ln -sfn /etc/passwd .envrc || echo e >.envrc; rm -f .envrc; done 2>/dev/null
        grep -c "passwd .*envrc" /proc/self/mountinfo; :'
    for i in $(seq 20); do
        echo new >e.new
        mv e.new .envrc
        sleep 0.01
    done
    finish_cage
    assert_status 0
    assert_output 0
}

@test "with hosts, and with many binds, which nixcage mounts by itself" {
    {
        printf '[sandbox.network]\nhosts = ["api.test"]\n[sandbox.filesystem]\nsystem = true\nro_bind = ['
        for i in $(seq 60); do
            mkdir -p "many/$i"
            printf '"many/%s", ' "$i"
        done
        echo ']'
    } >nixcage.toml
    trust_project
    start_cage "$tries" .envrc nixcage.toml plain many/7/x
    replace .envrc
    replace nixcage.toml
    replace plain
    mv many/7 many/old
    mkdir many/7
    finish_cage
    refused .envrc nixcage.toml many/7/x
    assert_line 'plain: written'
}

@test "level strict: what rw_bind shows" {
    mkdir "$HOME/shared"
    echo secret >"$HOME/shared/secret"
    printf '[sandbox]\nlevel = "strict"\n[sandbox.filesystem]\nsystem = true\nrw_bind = ["~/shared"]\nblacklist = ["~/shared/secret"]\n' >nixcage.toml
    trust_project
    cd "$HOME/shared"
    start_cage 'cd ~/shared; '"$waits"' touch ready; waits go; cat secret; echo done'
    replace secret
    finish_cage
    cd "$PROJECT"
    rm -r "$HOME/shared"
    assert_output 'done'
}

@test "the repository of a linked worktree, outside the project" {
    need git
    git init -q "$BATS_TEST_TMPDIR/main"
    git -C "$BATS_TEST_TMPDIR/main" -c user.name=a -c user.email=a@b commit -q --allow-empty -m one
    cp nixcage.toml .envrc plain "$BATS_TEST_TMPDIR/"
    rm -rf "$PROJECT"
    git -C "$BATS_TEST_TMPDIR/main" worktree add -q -b side "$PROJECT"
    local main
    main=$(cd "$BATS_TEST_TMPDIR/main" && pwd -P)
    make_project <<<$'[sandbox.filesystem]\nsystem = true'
    start_cage "$tries" "$main/.git/config" "$main/.git/ordinary"
    git config core.editor true
    finish_cage
    refused "$main/.git/config"
    assert_line "$main/.git/ordinary: written"
}

@test "where the kernel cannot, the end of the run says so" {
    local call
    for call in open_tree move_mount mount_setattr; do
        rm -f ready go
        RUNNER=("$BUILD/tests/cage/deny" ENOSYS "$call" --)
        start_cage "$tries" .envrc
        replace .envrc
        finish_cage 1.5
        assert_status 0
        # The control for everything above: without it the cage can write.
        assert_line '.envrc: written'
        assert_stderr_has "$PROJECT/.envrc was replaced during the run by a program outside the cage; since then the cage could write it, so look at it before you go on (it could not be protected again: Function not implemented)"
    done
}

@test "a helper that is stuck does not hold the run up" {
    need strace
    # strace itself ends only when the time is over.
    RUNNER=(strace -f -o /dev/null -e trace=move_mount -e 'inject=move_mount:delay_enter=7000000' sh -c '"$@"; echo >ended' sh)
    # The run ends while it is stuck; then the run goes on until it is given up.
    for seconds in 0.5 4.5; do
        rm -f ready go ended
        start_cage "$tries" .envrc
        replace .envrc
        sleep "$seconds"
        touch go
        poll_until 2 test -e ended
        wait "$CAGE"
        output=$(<"$BATS_TEST_TMPDIR/out")
        stderr=$(<"$BATS_TEST_TMPDIR/err")
        assert_line '.envrc: written'
        assert_stderr_has "$PROJECT/.envrc was replaced"
        assert_stderr_has 'since then the cage could write it, so look at it before you go on'
    done
    assert_stderr_has '(it could not be protected again: that took too long)'
}

@test "a program that has the file open for writing is told of, and so are other names" {
    start_cage "$waits"' touch ready; waits go; :'
    exec 7>.envrc.new
    echo new >&7
    mv .envrc.new .envrc
    finish_cage 1
    exec 7>&-
    assert_stderr_has 'some program still had it open for writing: look at it'
    rm -f ready go
    start_cage "$waits"' touch ready; waits go; :'
    echo new >twin
    ln twin new
    mv new .envrc
    finish_cage
    assert_stderr_has 'it has other names (hard links): look at it'
    rm -f ready go twin
    start_cage "$waits"' touch ready; waits go; :'
    replace .envrc
    sleep 0.5
    echo more >>.envrc
    finish_cage
    assert_stderr_has 'it has changed since: look at it'
}

@test "nothing is started before something is replaced" {
    need strace
    # Of nixcage itself, without its children: no process is made beyond bwrap, no thread.
    strace -o "$BATS_TEST_TMPDIR/calls" -e trace=process "$NIXCAGE" run -- sh -c 'touch a; mv a b; rm b; sleep 0.2'
    [ "$(grep -cE '^(vfork|clone|clone3|fork)\(' "$BATS_TEST_TMPDIR/calls")" = 1 ]
}
