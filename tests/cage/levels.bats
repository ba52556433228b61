# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=bash
# What the levels promise, seen from inside. Whatever is refused there is first shown to work where it is allowed.

load ../lib/common

# cage_at LEVEL [LINE…]: a project with that level and more lines of nixcage.toml.
cage_at() {
    local level=$1
    shift
    make_project < <(
        printf '[sandbox]\nlevel = "%s"\n' "$level"
        printf '%s\n' "$@" '[nix]' 'packages = ["coreutils"]'
    )
}

teardown() {
    rm -rf "$HOME/levels" "$HOME/.ssh" "$HOME/levels-file"
}

@test "strict: no project, an empty home to start in, no network" {
    cage_at standard
    echo here >file
    echo mine >"$HOME/levels-file"
    run_cage sh -c 'cat file; readlink /proc/self/ns/net'
    assert_status 0
    assert_line here
    assert_line "$(readlink /proc/self/ns/net)"

    cage_at strict
    run_cage sh -c 'pwd; ls -A; ls "$NIXCAGE_ROOT"; echo x >new && cat new; readlink /proc/self/ns/net; grep -c : /proc/net/dev'
    assert_line "$HOME"
    assert_line x
    refute_output_has here
    refute_output_has levels-file
    refute_output_has "$(readlink /proc/self/ns/net)"
    [ "${lines[-1]}" = 1 ] # lo
    [ ! -e "$HOME/new" ]
}

@test "standard: the project is writable, the home is empty and its own" {
    cage_at standard
    mkdir sub
    echo mine >"$HOME/levels-file"
    cd sub
    run_cage sh -c 'pwd; echo from the cage >../out; ls -A ~; echo x >~/left && cat ~/left'
    assert_status 0
    assert_line "$PROJECT/sub"
    assert_line x
    refute_output_has levels-file
    [ "$(cat "$PROJECT/out")" = 'from the cage' ]
    [ ! -e "$HOME/left" ]
}

@test "relaxed: the real home can be read and not written" {
    cage_at relaxed
    echo mine >"$HOME/levels-file"
    run_cage sh -c 'cat ~/levels-file; echo in >project-file; echo x >~/levels-file; echo y >~/new; cat project-file'
    assert_status 0
    assert_line mine
    assert_line in
    [ "$(cat "$HOME/levels-file")" = mine ]
    [ ! -e "$HOME/new" ]
}

@test "every level: own namespaces, no capabilities, no new privileges" {
    local level ns
    for level in strict standard relaxed; do
        cage_at "$level"
        run_cage sh -c 'cd /proc/self/ns; for ns in user mnt pid ipc uts cgroup; do readlink $ns; done; grep -E "^(Cap|NoNewPrivs)" /proc/self/status'
        assert_status 0
        for ns in user mnt pid ipc uts cgroup; do
            refute_output_has "$(readlink "/proc/self/ns/$ns")"
            assert_output_has "$ns:["
        done
        assert_output_has $'NoNewPrivs:\t1'
        [ "$(grep -c $'Cap.*:\t0000000000000000' <<<"$output")" = 5 ]
    done
}

@test "every level: only the cage's processes, devices and temporary files" {
    local level
    touch "/tmp/levels-$$" "/var/tmp/levels-$$"
    for level in strict standard relaxed; do
        cage_at "$level"
        run_cage sh -c 'ls -A /tmp /var/tmp; ls -d /proc/[0-9]*; ls /sys; ls /dev; echo x >/tmp/a && cat /tmp/a'
        assert_line x
        refute_output_has "levels-$$"
        [ "$(grep -c '^/proc/' <<<"$output")" -le 4 ]
        assert_line null
        refute_output_has kmsg
        refute_output_has vda
        assert_stderr_has /sys
    done
    rm "/tmp/levels-$$" "/var/tmp/levels-$$"
}

@test "every level: / cannot be written, scripts find their interpreters" {
    local level
    for level in strict standard relaxed; do
        cage_at "$level"
        run_cage /bin/sh -c '
            echo "#!/usr/bin/env sh
echo script ran" >/tmp/s; chmod +x /tmp/s; /tmp/s
            for f in /x /etc/x /etc/passwd /nix/x /nix/store/x /usr/x; do echo x >>$f && echo "wrote $f"; done; :' 2>/dev/null
        assert_line 'script ran'
        refute_output_has wrote
    done
}

@test "the store can be read and not written, and the environment's paths are run from it" {
    cage_at standard
    run_cage sh -c 'p=$(command -v ls); echo "$p"; [ -r "$p" ] && echo readable; echo x >>"$p" && echo wrote; rm -f "$p" && [ ! -e "$p" ] && echo removed; :'
    assert_output_has /nix/store/
    assert_line readable
    refute_output_has wrote
    refute_output_has removed
}

@test "root in the cage cannot write kernel settings" {
    cage_at standard
    run_cage sh -c 'echo x >file && echo wrote file; cat /proc/sys/kernel/core_pattern >/dev/null && echo read
        for f in /proc/sys/kernel/core_pattern /proc/sys/vm/drop_caches /proc/sysrq-trigger; do echo 1 >$f && echo "wrote $f"; done; :'
    assert_line 'wrote file'
    assert_line read
    refute_output_has 'wrote /proc'
}

@test "binds: read-only, writable, one in the other, missing" {
    mkdir -p "$HOME/levels/rw/ro"
    echo 1 >"$HOME/levels/file"
    cage_at standard '[sandbox.filesystem]' 'ro_bind = ["~/levels", "~/levels/rw/ro", "~/none?"]' 'rw_bind = ["~/levels/rw"]'
    run_cage sh -c 'cd ~/levels; cat file; echo x >file; echo x >rw/new; echo x >rw/ro/new; cat rw/new'
    assert_line 1
    assert_line x
    [ "$(cat "$HOME/levels/file")" = 1 ]
    [ -e "$HOME/levels/rw/new" ]
    [ ! -e "$HOME/levels/rw/ro/new" ]

    cage_at standard '[sandbox.filesystem]' 'ro_bind = ["~/none"]'
    run_cage true
    assert_status 125
    assert_stderr_has 'nixcage.toml:4:'
    assert_stderr_has 'is not there'
}

@test "the blacklist hides under every name, whatever the cage renames" {
    mkdir -p "$HOME/.ssh" "$HOME/levels/a"
    echo secret >"$HOME/.ssh/key"
    echo secret >"$HOME/levels/a/token"
    ln -s "$HOME/.ssh" "$HOME/levels/link"
    local attack='cat ~/.ssh/key ~/levels/link/key ~/levels/a/token /proc/self/root"$HOME"/.ssh/key 2>/dev/null
        mv ~/levels/a ~/levels/b 2>/dev/null; cat ~/levels/b/token ~/levels/a/token 2>/dev/null; :'
    cage_at relaxed '[sandbox.filesystem]' 'rw_bind = ["~/levels"]'
    run_cage sh -c "$attack"
    assert_line secret
    [ -e "$HOME/levels/b/token" ]
    mv "$HOME/levels/b" "$HOME/levels/a"

    cage_at relaxed '[sandbox.filesystem]' 'rw_bind = ["~/levels"]' \
        'blacklist = ["~/.ssh", "~/levels/a/token", "~/levels/absent", "~/nowhere"]'
    run_cage sh -c "$attack"
    refute_output_has secret
    [ "$(cat "$HOME/levels/a/token")" = secret ]
    [ ! -e "$HOME/levels/absent" ]
}

@test "few binds or many, which nixcage mounts by itself: the same root, and what is hidden is hidden" {
    local root='ls -A /; stat -c "%a %n" /etc /bin /usr /nix /run /run/nixcage; cat "$HOME/levels/a/token" "$HOME/levels/b" 2>/dev/null; :'
    local hide='blacklist = ["~/levels/a/token", "~/levels/b"]' many few
    mkdir -p "$HOME/levels/a" "$HOME/levels/many"/{1..60}
    echo secret | tee "$HOME/levels/a/token" >"$HOME/levels/b"
    many=$(printf '"~/levels/many/%s", ' {1..60})
    cage_at standard '[sandbox.filesystem]' 'ro_bind = ["~/levels"]'
    run_cage sh -c "$root"
    assert_line secret
    cage_at standard '[sandbox.filesystem]' 'ro_bind = ["~/levels"]' "$hide"
    run_cage sh -c "$root"
    assert_status 0
    assert_line '755 /etc'
    refute_output_has secret
    refute_output_has 700
    few=$output
    cage_at standard '[sandbox.filesystem]' "ro_bind = [${many}\"~/levels\"]" "$hide"
    run_cage sh -c "$root"
    assert_status 0
    [ "$output" = "$few" ] || _explain "$few"
}

@test "a bind under the blacklist is an error at its line" {
    mkdir -p "$HOME/.ssh"
    cage_at standard '[sandbox.filesystem]' 'ro_bind = ["~/.ssh"]'
    run_cage sh -c 'ls -d ~/.ssh'
    assert_status 0
    cage_at standard '[sandbox.filesystem]' "ro_bind = [\"$HOME/.ssh/\"]" 'blacklist = ["~/.ssh"]'
    run_cage true
    assert_status 125
    assert_stderr_has blacklist
}

@test "a bind in the project cannot leave it through a symlink" {
    cage_at standard '[sandbox.filesystem]' 'ro_bind = ["data"]'
    mkdir data
    run_cage true
    assert_status 0
    rmdir data
    ln -s "$HOME" data
    run_cage true
    assert_status 125
    assert_stderr_has symlink
}

@test "a source that others could exchange is refused" {
    local open=$BATS_TEST_TMPDIR/open
    mkdir -p "$open/data"
    cage_at standard '[sandbox.filesystem]' "ro_bind = [\"$open/data\"]"
    run_cage true
    assert_status 0
    chmod 0777 "$open"
    run_cage true
    assert_status 125
    assert_stderr_has 'anybody may replace'
    chmod 1777 "$open"
    run_cage true
    assert_status 0
}

@test "what the host trusts is read-only, and no stub is left for what is not there" {
    cage_at standard
    mkdir -p .git/hooks .claude
    echo '[core]' >.git/config
    : >.git/HEAD
    echo '{}' >.claude/settings.json
    : >.envrc
    run_cage true # makes .nixcage
    find . | sort >"$BATS_TEST_TMPDIR/before"
    run_cage sh -c '
        echo x >plain && echo "wrote plain" && rm plain
        for f in nixcage.toml .envrc .git/hooks/pre-commit .git/config .claude/settings.json .nixcage/x; do
            echo x >>"$f" && echo "wrote $f"; rm -f "$f" 2>/dev/null; done
        for d in .git .claude .nixcage .git/hooks; do mv "$d" moved && echo "moved $d"; rm -rf moved; done
        mkdir -p other && mv other other2 && echo "moved other" && rmdir other2; :' 2>/dev/null
    assert_line 'wrote plain'
    assert_line 'moved other'
    [ "$(grep -cE "^(wrote|moved) " <<<"$output")" = 2 ]
    find . | sort >"$BATS_TEST_TMPDIR/after"
    diff "$BATS_TEST_TMPDIR/before" "$BATS_TEST_TMPDIR/after"
}

@test "the environment is cleared; caches persist below .nixcage/local" {
    cage_at standard '[cage]' 'passthrough_env = ["LEVELS_NAMED"]'
    export LEVELS_NAMED=named LEVELS_OTHER=other
    run_cage sh -c 'env; echo kept >"$XDG_CACHE_HOME/kept"; umask 077; : >"$TMPDIR/t"'
    assert_status 0
    assert_line LEVELS_NAMED=named
    refute_output_has LEVELS_OTHER
    assert_line "TMPDIR=$PROJECT/.nixcage/local/tmp"
    run_cage sh -c 'cat "$XDG_CACHE_HOME/kept"'
    assert_line kept
    [ "$(stat -c %a .nixcage/local)" = 700 ]
}

@test "pure = false keeps the environment, but not secrets" {
    make_project <<'END'
[nix]
packages = ["coreutils"]
pure = false
[cage]
passthrough_env = ["GH_TOKEN"]
END
    export LEVELS_PLAIN=plain LEVELS_TOKEN=hush GH_TOKEN=named LD_LIBRARY_PATH=/levels
    run_cage env
    unset LD_LIBRARY_PATH
    assert_line LEVELS_PLAIN=plain
    assert_line GH_TOKEN=named
    refute_output_has hush
    refute_output_has LD_LIBRARY_PATH
}

@test "system = true shows the host's programs, read-only" {
    cage_at standard
    run_cage /usr/bin/find --version
    assert_status 127
    cage_at standard '[sandbox.filesystem]' 'system = true'
    run_cage sh -c '/usr/bin/find --version && echo x >/usr/levels; ls /etc/ssl/private /root; :'
    assert_output_has findutils
    [ ! -e /usr/levels ]
}

@test "nested = true allows user namespaces and mounts in the cage, and only then" {
    local config='[nix]\npackages = ["coreutils"]\nstore_view = "full"\n[sandbox.filesystem]\nsystem = true\n[sandbox]\nnested = %s\n'
    # shellcheck disable=SC2059
    make_project < <(printf "$config" true)
    run_cage /usr/bin/unshare -Urm /bin/sh -c 'mount -t tmpfs t /tmp && echo mounted'
    if [ "$(id -u)" = 0 ]; then
        assert_status 125
        assert_stderr_has 'not supported for root'
    else
        assert_line mounted
        run_cage /usr/bin/bwrap --unshare-all --ro-bind / / --proc /proc --dev /dev /bin/sh -c 'echo inner'
        # Since 0.12 it needs openat2, which a cage refuses: a filter cannot see whether it makes a set-uid file.
        local build=${NIXCAGE%/src/nixcage}
        if "${build%/tests/cage/runplan}/tests/cage/deny" ENOSYS openat2 -- bwrap --ro-bind / / true; then
            assert_line inner
        else
            assert_stderr_has 'Function not implemented'
        fi
    fi
    # shellcheck disable=SC2059
    make_project < <(printf "$config" false)
    run_cage /usr/bin/unshare -Urm /bin/sh -c 'echo mounted'
    refute_output_has mounted
}
