#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
# Protected paths that are not there yet: what appears is put away, reported, and can be accepted.

load ../lib/common

setup() {
    make_project <<<$'[sandbox.filesystem]\nsystem = true'
}

# The one held file or directory that stands for $1.
held() {
    local found=("$PROJECT"/.nixcage/held/*/"$1")
    [ "${#found[@]}" = 1 ] && [ -e "${found[0]}" ] && echo "${found[0]}"
}

# Files of the project but nixcage's own.
listing() {
    (cd "$PROJECT" && find . -path ./.nixcage -prune -o -print | sort)
}

# A loop in the cage that waits until $1 is no longer there (10 s), and says whether.
gone='gone() { for i in $(seq 200); do [ -e "$1" ] || [ -L "$1" ] || return 0; sleep 0.05; done; return 1; };'

@test "a run that creates nothing leaves nothing" {
    local before
    before=$(listing)
    run_cage true
    assert_status 0
    [ "$(listing)" = "$before" ]
    [ ! -e .nixcage/held ]
    [ -z "$stderr" ]
}

@test "what appears is put away, reported, and accepted by the line that is printed" {
    run_cage sh -c 'echo "echo hi" >.envrc; mkdir .vscode; echo t >.vscode/tasks.json; echo fine >ordinary'
    assert_status 0
    [ ! -e .envrc ]
    [ ! -e .vscode ]
    [ "$(cat ordinary)" = fine ]
    [ "$(cat "$(held .envrc)")" = "echo hi" ]
    # What was written after the rename, by path, may have failed or be a second one: the directory is there.
    held .vscode
    assert_stderr_has "$PROJECT/.envrc"
    eval "$(grep -o 'mv -nT .*/\.envrc$' <<<"$stderr")"
    [ "$(cat .envrc)" = "echo hi" ]
    # The control: the next run leaves what was accepted, and protects it.
    run_cage sh -c 'echo evil >.envrc'
    refute [ "$status" = 0 ]
    [ "$(cat .envrc)" = "echo hi" ]
}

@test "it happens at once, not only at the end" {
    run_cage sh -c "$gone"' touch .envrc; gone .envrc && mkdir .vscode && gone .vscode && mkdir .claude && mkdir .claude/hooks && gone .claude/hooks'
    assert_status 0
    # The control: an ordinary file stays.
    run_cage sh -c "$gone"' touch ordinary; sleep 0.5; [ -e ordinary ]'
    assert_status 0
}

@test "renaming a prepared directory into place does not help" {
    run_cage sh -c "$gone"' mkdir -p d/hooks; echo x >d/hooks/h; mv d .claude; gone .claude/hooks'
    assert_status 0
    [ "$(cat "$(held .claude/hooks/h)")" = x ]
    [ ! -e .claude/hooks ]
}

@test "a symlink on the way or in place is put away" {
    run_cage sh -c "$gone"' mkdir -p d/hooks; ln -s d .claude; gone .claude; ln -s d .vscode; gone .vscode'
    assert_status 0
    [ ! -L .claude ]
    [ ! -L .vscode ]
    [ -d d/hooks ]
}

@test "a directory held open leads nowhere" {
    run_cage sh -c "$gone"' mkdir .vscode; cd .vscode; gone "$0/.vscode"; cd -P ..; pwd -P; ls; touch .nixcage/planted; touch ../../planted; touch ../nixcage.toml' "$PROJECT"
    refute [ "$status" = 0 ]
    [ ! -e .nixcage/planted ]
    [ ! -e .nixcage/held/planted ]
    [ ! -e .nixcage/nixcage.toml ]
}

@test "a held file shares no inode with the project" {
    run_cage sh -c 'echo one >twin; ln twin .envrc; mkdir .vscode; ln twin .vscode/t 2>/dev/null; :'
    assert_status 0
    echo two >twin
    [ "$(cat "$(held .envrc)")" = one ]
    [ "$(stat -c %h twin)" = 1 ]
}

# planted LINK TARGET PATH SCRIPT: LINK -> TARGET, which is not there, came with the project; the cage makes PATH through it.
planted() {
    ln -s "$2" "$1"
    run_cage sh -c "$4" # what it made is moved away at once, so that the rest may fail
    [ "$(readlink "$1")" = "$2" ]
    [ ! -e "$3" ] || _explain "$3 is there"
    assert_stderr_has 'put away'
    held "${5:-$2}"
    rm -rf "$1" .nixcage/held
}

@test "a symlink that leads to nothing: nothing appears there" {
    planted .vscode made .vscode/tasks.json 'mkdir made; echo x >made/tasks.json'
    planted .mcp.json made.json .mcp.json 'echo x >made.json'
    planted .claude made .claude/settings.json 'mkdir -p made; echo x >made/settings.json' made/settings.json
    planted .claude made .claude/hooks/h 'mkdir -p made/hooks; echo x >made/hooks/h' made/hooks
    planted .git made .git/config 'mkdir -p made/refs made/objects; echo "ref: refs/heads/x" >made/HEAD; echo "[core]" >made/config'
    planted .idea sub/made .idea/x 'mkdir -p sub/made; echo x >sub/made/x'
    # The control: what nothing leads to stays.
    run_cage sh -c 'mkdir -p other; echo x >other/x'
    [ -e other/x ]
}

@test "a full disk: what cannot be put away does not stay, either" {
    [ "$NIXCAGE_TEST_MODE" = root ] || skip "needs a mount"
    mkdir "$BATS_TEST_TMPDIR/small"
    mount -t tmpfs -o nr_inodes=64,mode=755 none "$BATS_TEST_TMPDIR/small"
    make_project small <<<$'[sandbox.filesystem]\nsystem = true'
    run_cage sh -c 'mkdir d; echo x >d/f; i=0; while touch "fill$i" 2>/dev/null; do i=$((i + 1)); done; mv d/f .envrc; mv d .vscode'
    assert_status 0
    [ ! -e .envrc ]
    [ ! -e .vscode ]
    [[ $stderr =~ $PROJECT/\.envrc\;\ now\ ($PROJECT/\.nixcage-aside-[0-9a-f]+)\ \(.*No\ space ]]
    [ "$(cat "${BASH_REMATCH[1]}")" = x ]
    cd /
    umount "$BATS_TEST_TMPDIR/small"
}

@test "another name of a protected file is told" {
    echo x >build.sh
    ln build.sh twin
    printf '[sandbox.filesystem]\nsystem = true\nprotect = ["build.sh"]\n' >nixcage.toml
    trust_project
    run_cage true
    assert_status 0
    assert_stderr_has "$PROJECT/build.sh has 2 names"
    # The control: one.
    rm twin
    run_cage true
    [ -z "$stderr" ]
}

@test "a pattern holds what is new and leaves what was there" {
    mkdir .claude
    echo mine >.claude/settings.json
    run_cage sh -c 'echo x >.claude/settings.local.json; echo ok >.claude/notes'
    assert_status 0
    [ "$(cat .claude/settings.json)" = mine ]
    [ "$(cat .claude/notes)" = ok ]
    [ ! -e .claude/settings.local.json ]
    held .claude/settings.local.json
    run_cage sh -c 'echo evil >.claude/settings.json'
    refute [ "$status" = 0 ]
}

@test "a program that creates without end neither wins nor fills the disk" {
    run_cage sh -c 'i=0; while [ $i -lt 400 ]; do mkdir .vscode 2>/dev/null; touch .envrc; i=$((i + 1)); done'
    assert_status 0
    [ ! -e .envrc ]
    [ ! -e .vscode ]
    [ "$(find . -name '.nixcage-aside-*' | wc -l)" = 0 ]
    [ "$(find .nixcage/held -mindepth 2 | wc -l)" -le 140 ]
}

@test "taking rights away from the parent does not keep it" {
    run_cage sh -c 'mkdir -p .claude/hooks; chmod 0 .claude; chmod 0500 .'
    chmod u+rwx .
    assert_status 0
    chmod u+rwx .claude
    [ ! -e .claude/hooks ]
}

@test "unprotect lets a path be" {
    printf '[sandbox.filesystem]\nsystem = true\nunprotect = [".envrc"]\n' >nixcage.toml
    trust_project
    run_cage sh -c 'echo mine >.envrc'
    assert_status 0
    [ "$(cat .envrc)" = mine ]
}

@test "a killed run leaves nothing trusted behind" {
    run_cage sh -c 'touch .envrc; sleep 0.3; kill -KILL $$'
    assert_status 137
    [ ! -e .envrc ]
    held .envrc
}

@test "unprotect reaches into a pattern, for files that are not there yet as well" {
    mkdir .claude
    printf '[sandbox.filesystem]\nsystem = true\nunprotect = [".claude/settings.local.json"]\n' >nixcage.toml
    trust_project
    run_cage sh -c 'echo mine >.claude/settings.local.json; echo x >.claude/settings.json'
    assert_status 0
    [ "$(cat .claude/settings.local.json)" = mine ]
    [ ! -e .claude/settings.json ]
    held .claude/settings.json
}

@test "a blacklisted path that appears during a run stays where it is, and is hidden from the next one" {
    mkdir "$HOME/shared"
    printf '[sandbox.filesystem]\nsystem = true\nrw_bind = ["~/shared"]\nblacklist = ["~/shared/later"]\n' >nixcage.toml
    trust_project
    run_cage sh -c 'echo text >~/shared/later; cat ~/shared/later'
    assert_output text
    run_cage cat "$HOME/shared/later"
    assert_output ''
    # It may be the host's: it is not moved.
    [ "$(cat "$HOME/shared/later")" = text ]
    rm -r "$HOME/shared"
}
