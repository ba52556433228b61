# SPDX-License-Identifier: GPL-3.0-or-later
# scripts/release in a repository of the test's own, with a check and a meson that only say what they are told.

setup() {
    src=${NIXCAGE_SRC:-$BATS_TEST_DIRNAME/../..}
    export GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_SYSTEM=/dev/null GIT_AUTHOR_NAME=t GIT_AUTHOR_EMAIL=t@t GIT_COMMITTER_NAME=t GIT_COMMITTER_EMAIL=t@t
    mkdir -p "$BATS_TEST_TMPDIR/repo/scripts/lib" "$BATS_TEST_TMPDIR/bin"
    cd "$BATS_TEST_TMPDIR/repo" || return 1
    cp "$src/scripts/release" scripts/
    cp "$src/scripts/lib/common.sh" scripts/lib/
    check_says '3 passed, 0 failed, 1 skipped'
    printf "project('nixcage', 'c',\n  version: '1.2.3',\n)\n" >meson.build
    printf '# News\n\n## 1.2.3 (2026-01-02)\n' >NEWS.md
    mkdir -p debian packaging/arch packaging/rpm
    echo 'nixcage (1.2.3) unstable; urgency=medium' >debian/changelog
    echo 'pkgver=1.2.3' >packaging/arch/PKGBUILD
    echo 'Version:        1.2.3' >packaging/rpm/nixcage.spec
    echo build-release >.gitignore
    printf '#!/bin/sh\nexit "${MESON_STATUS:-0}"\n' >"$BATS_TEST_TMPDIR/bin/meson"
    chmod +x "$BATS_TEST_TMPDIR/bin/meson"
    PATH=$BATS_TEST_TMPDIR/bin:$PATH
    git init -q -b main
    git add -A
    git commit -qm start
}

# check_says LINE [STATUS]
check_says() {
    printf '#!/bin/sh\necho "%s"\nexit %s\n' "$1" "${2:-0}" >scripts/check
    chmod +x scripts/check
}

commit() {
    git add -A
    git commit -qm change
}

# refused WORDS: it ends with an error that has them, and tells nobody to publish.
refused() {
    [ "$status" != 0 ]
    [[ $output == *"no release: "*"$1"* ]] || { echo "$output" >&2; return 1; }
    [[ $output != *"git push"* ]]
}

@test "release: all in order: the commands to publish, and no tag is made" {
    run scripts/release 1.2.3
    [ "$status" = 0 ] || { echo "$output" >&2; return 1; }
    [[ $output == *"git tag -s v1.2.3"* ]]
    [ -z "$(git tag)" ]
    [ -z "$(git status --porcelain)" ]
}

@test "release: a red check, by its exit code and by its last line" {
    check_says '3 passed, 1 failed' 1
    commit
    run scripts/release 1.2.3
    refused 'the check is red'
    check_says '3 passed, 1 failed'
    commit
    run scripts/release 1.2.3
    refused 'did not say that all passed'
    check_says '0 passed, 0 failed'
    commit
    run scripts/release 1.2.3
    refused 'did not say that all passed'
}

@test "release: changes, another branch, a tag that exists" {
    echo more >>NEWS.md
    run scripts/release 1.2.3
    refused 'not committed'
    git checkout -q NEWS.md
    git switch -qc other
    run scripts/release 1.2.3
    refused 'not the branch main'
    git switch -q main
    git tag v1.2.3
    run scripts/release 1.2.3
    refused 'the tag v1.2.3 exists'
}

@test "release: another version in any of the places" {
    local file
    for file in meson.build NEWS.md debian/changelog packaging/arch/PKGBUILD packaging/rpm/nixcage.spec; do
        sed -i 's/1\.2\.3/1.2.4/' "$file"
        commit
        run scripts/release 1.2.3
        refused "$file is not of version 1.2.3"
        git revert --no-edit HEAD >/dev/null
    done
    sed -i 's/(2026-01-02)/(unreleased)/' NEWS.md
    commit
    run scripts/release 1.2.3
    refused 'NEWS.md'
}

@test "release: a tarball that does not pass its tests" {
    MESON_STATUS=1 run scripts/release 1.2.3
    [ "$status" != 0 ]
    [[ $output != *"git push"* ]]
}

@test "release: no version, or none that is one" {
    run scripts/release
    [ "$status" = 2 ]
    run scripts/release v1
    [ "$status" = 2 ]
}
