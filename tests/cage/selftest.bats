# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=bash disable=SC2154
# nixcage selftest: what it says of a good cage, of holes that are asked for, and of holes that are not.

load ../lib/common

# config [LINE…]: of the host's system, with further lines in [sandbox.filesystem], in a project that has everything.
config() {
    make_project < <(
        printf '[sandbox]\nlevel = "%s"\n[sandbox.network]\nallow = false\n[sandbox.filesystem]\nsystem = true\n' \
            "${LEVEL:-standard}"
        printf '%s\n' "$@"
    )
    mkdir -p .git/hooks
    printf '[core]\n\tbare = false\n' >.git/config
}

selftest() {
    run_split "$NIXCAGE" selftest "$@"
}

everything_here() {
    find . -path ./.nixcage -prune -o -printf '%p %i %m %s\n' | sort
    find . -maxdepth 1 -type f -exec sha256sum {} +
}

# wrap_bwrap WORD OPERANDS: a bwrap first on PATH that leaves that option out wherever it is asked for.
wrap_bwrap() {
    need python3
    mkdir -p "$BATS_TEST_TMPDIR/bin"
    cat >"$BATS_TEST_TMPDIR/bin/bwrap" <<PY
#!/usr/bin/python3
import os, sys
argv = sys.argv[1:]
if argv[:1] == ["--args"]:
    data = os.fdopen(os.dup(int(argv[1])), "rb").read().split(b"\0")[:-1]
    out = []
    while data:
        word = data.pop(0)
        if word == b"$1":
            del data[:$2]
        else:
            out.append(word)
    fd = os.memfd_create("args", 0)
    os.write(fd, b"".join(w + b"\0" for w in out))
    os.lseek(fd, 0, 0)
    argv[1] = str(fd)
os.execv("$(command -v bwrap)", ["bwrap"] + argv)
PY
    chmod +x "$BATS_TEST_TMPDIR/bin/bwrap"
    PATH=$BATS_TEST_TMPDIR/bin:$PATH
}

@test "a good cage has nothing open, at every level, in less than 10 s, and nothing is left behind" {
    local level before start=$SECONDS
    for level in strict standard relaxed; do
        LEVEL=$level config
        before=$(everything_here)
        selftest
        assert_status 0
        assert_output_has ' 0 open, '
        assert_output_has 'blocked         type into the terminal'
        assert_output_has 'blocked         write nixcage.toml'
        refute_output_has OPEN
        [ "$(everything_here)" = "$before" ]
        [ ! -e .nixcage/held ]
        [ -z "$(find /tmp "$XDG_RUNTIME_DIR" "$TMPDIR" -maxdepth 1 -user "$(id -un)" -name 'nixcage-selftest*')" ]
    done
    [ $((SECONDS - start)) -lt 30 ]
}

@test "JSON has every attempt with its result" {
    need jq
    config
    selftest --json
    assert_status 0
    [ -z "$stderr" ]
    jq -e '.version == 1 and .open == 0 and .broken == 0 and .blocked > 80 and
        (.attempts | length) == .blocked + .open + .allowed + .not_applicable + .broken' <<<"$output"
    [ "$(jq -r '.attempts[] | select(.name == "write nixcage.toml").result' <<<"$output")" = blocked ]
}

@test "what the configuration asks for is allowed, with its line" {
    config 'ro_bind = ["/var/log"]' 'unprotect = [".git/hooks"]'
    selftest
    assert_status 0
    assert_line 'allowed         see /var/log: ro_bind (nixcage.toml:7)'
    assert_line 'allowed         plant a git hook: unprotect (nixcage.toml:8)'
    assert_output_has ' 0 open, '
    # The control.
    config
    selftest
    assert_line 'blocked         see /var/log'
    assert_line 'blocked         plant a git hook'
}

@test "nested = true allows namespaces and nothing else" {
    make_project <<<$'[sandbox]\nnested = true\n[nix]\nstore_view = "full"\n[sandbox.network]\nallow = false\n[sandbox.filesystem]\nsystem = true'
    selftest
    if [ "$NIXCAGE_TEST_MODE" = root ]; then
        assert_status 125
        assert_stderr_has 'not supported for root'
        return
    fi
    assert_status 0
    assert_line 'allowed         unshare user: nested (nixcage.toml:2)'
    assert_output_has 'blocked         type into the terminal'
    assert_output_has 'blocked         write nixcage.toml'
}

@test "what blacklist hides is tried for, and what is not hidden is not called blocked" {
    mkdir -p "$HOME/.ssh"
    echo secret >"$HOME/.ssh/id_test"
    LEVEL=relaxed config
    selftest
    assert_line 'not applicable  read a blacklisted file: nothing that can be read is in blacklist'
    LEVEL=relaxed config 'blacklist = ["~/.ssh"]'
    selftest
    assert_status 0
    assert_line 'blocked         read a blacklisted file'
}

@test "a bwrap that leaves the filter out is found out" {
    wrap_bwrap --seccomp 1
    config
    selftest
    assert_status 1
    assert_output_has 'OPEN            type into the terminal: it worked'
    assert_output_has 'OPEN            unshare user'
    refute_output_has ' 0 open'
}

@test "a bwrap that leaves --cap-drop out is found out" {
    wrap_bwrap --cap-drop 1
    config
    selftest
    if [ "$NIXCAGE_TEST_MODE" = root ]; then
        assert_status 1
        assert_output_has 'OPEN            capabilities in the bounding set'
    else
        # bwrap drops them for ordinary users in any case.
        assert_output_has ' 0 open'
    fi
}

@test "a bwrap that leaves a protected file writable is no cage that passes" {
    wrap_bwrap --ro-bind 2
    config
    selftest
    [ "$status" = 1 ] || [ "$status" = 125 ]
    refute_output_has ' 0 open'
}

# A copy of the program whose helper is the script on standard input.
with_helper() {
    local build=${NIXCAGE%/nixcage} at=$BATS_TEST_TMPDIR/copy
    mkdir -p "$at"/{bin,libexec/nixcage,share}
    cp "$NIXCAGE" "$at/bin/nixcage"
    cp "$build"/init/nixcage-{init,record} "$at/libexec/nixcage/"
    cp "$build"/selftest/nixcage-attempt "$at/libexec/nixcage/real"
    cat >"$at/libexec/nixcage/nixcage-attempt"
    chmod +x "$at/libexec/nixcage/nixcage-attempt"
    NIXCAGE=$at/bin/nixcage
}

@test "attempts that do not run are never called blocked" {
    config
    # The control of this test: the copy works.
    with_helper < <(cat "${NIXCAGE%/nixcage}/selftest/nixcage-attempt")
    selftest
    assert_status 0
    local script
    for script in 'exit 0' 'exit 1' 'kill -SEGV $$' "[ \$2 = inside ] && exit 0; exec $BATS_TEST_TMPDIR/copy/libexec/nixcage/real \"\$@\"" \
        "[ \$2 = outside ] && exit 0; exit 1" "[ \$2 = inside ] && { echo end 0 >&3; exit 0; }; exec $BATS_TEST_TMPDIR/copy/libexec/nixcage/real \"\$@\"" \
        "[ \$2 = inside ] && { printf 'unshare user\t1\t1\tn\t\nend 1\n' >&3; exit 0; }; exec $BATS_TEST_TMPDIR/copy/libexec/nixcage/real \"\$@\""; do
        printf '#!/bin/sh\n%s\n' "$script" >"$BATS_TEST_TMPDIR/copy/libexec/nixcage/nixcage-attempt"
        selftest
        [ "$status" = 125 ] || _explain "helper: $script"
        assert_output ''
        [ -n "$stderr" ]
    done
}

@test "a project that was not allowed is not tried" {
    config
    "$NIXCAGE" deny
    selftest
    assert_status 125
    assert_stderr_has 'was never allowed'
}
