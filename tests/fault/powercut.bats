# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=bash disable=SC2034,SC2154
# As if the power were cut in the middle of any write: SIGKILL at each system call that changes a file. Each file is the old one or
# the new one, whole; no line of the user's is lost; the next run of the same command works and leaves nothing behind.

load ../lib/common
load fault
load cold

# What changes a file system, or decides whether it does.
WRITES='write pwrite64 writev sendfile copy_file_range fallocate ftruncate rename renameat renameat2 link linkat symlink symlinkat
    mkdir mkdirat unlink unlinkat rmdir openat open creat fsync fdatasync sync_file_range syncfs fchmod fchmodat chmod utimensat flock'

setup() {
    need strace
    own_place
}

# calls_of CMD…: lines "NAME NUMBER" of the calls of one undisturbed run that change something.
calls_of() {
    strace -qq -o "$BATS_TEST_TMPDIR/trace" -e trace="$(tr -s ' \n' ',' <<<"$WRITES")" "$@" >/dev/null
    # An open that makes nothing changes nothing.
    awk -F'(' '/^[a-z0-9_]+\(/ { n[$1]++; if ($1 !~ /^open/ || $0 !~ /O_RDONLY/) print $1, n[$1] }' "$BATS_TEST_TMPDIR/trace"
}

# cut_everywhere STEP CMD…: CMD killed before each STEP-th of its writes, from a random start. The functions before, after_cut and
# mended make the state, look at what the kill left, and run the command again.
cut_everywhere() {
    local step=$1 offset name number i=0 done=0 missed=0
    shift
    offset=$((RANDOM % step))
    before
    calls_of "$@" >"$BATS_TEST_TMPDIR/calls"
    [ -s "$BATS_TEST_TMPDIR/calls" ]
    while read -r name number; do
        i=$((i + 1))
        if [ $((i % step)) != "$offset" ]; then continue; fi
        CUT="$name $number: $*"
        before
        in_session strace -qq -o /dev/null -e trace="$name" -e inject="$name:signal=KILL:when=$number" "$@"
        # How often something is looked at again differs from run to run: the last of these calls may not come.
        if [ "$status" = 0 ]; then
            missed=$((missed + 1))
            continue
        fi
        [ "$status" = 137 ] || _explain "was not killed: $CUT"
        no_processes_left "$CUT"
        after_cut
        mended
        done=$((done + 1))
    done <"$BATS_TEST_TMPDIR/calls"
    [ "$done" -gt $((missed * 20)) ]
    echo "# $done cuts in $i writes of ${*##*/}" >&3
}

# whole FILE OLD NEW: it is one of the two; "-" for one that is not there.
whole() {
    local file
    for file in "$2" "$3"; do
        if [ "$file" = - ]; then
            if [ ! -e "$1" ]; then return; fi
        elif cmp -s "$1" "$file"; then
            return
        fi
    done
    _explain "$1 is neither the old one nor the new one: $CUT"
}

keep() {
    mkdir -p "$BATS_TEST_TMPDIR/keep"
    cp -p "$1" "$BATS_TEST_TMPDIR/keep/$2"
}

@test "init, cut at any write" {
    local keep=$BATS_TEST_TMPDIR/keep
    before() {
        forget_all
        echo '# mine' >.envrc
    }
    before
    keep .envrc envrc.old
    "$NIXCAGE" init >/dev/null
    keep .envrc envrc.new
    keep nixcage.toml toml.new
    EXPECTED=$(generation_names)
    after_cut() {
        whole .envrc "$keep/envrc.old" "$keep/envrc.new"
        whole nixcage.toml - "$keep/toml.new"
    }
    mended() {
        rm -f nixcage.toml
        run_split "$NIXCAGE" init
        [ "$status" = 0 ] || _explain "not mended: $CUT"
        cmp .envrc "$keep/envrc.new"
        as_undisturbed
        run_split "$NIXCAGE" plan
        [ "$status" = 0 ] || _explain "not allowed: $CUT"
    }
    cut_everywhere "$(every 7 1)" "$NIXCAGE" init
}

@test "reinit, cut at any write" {
    local keep=$BATS_TEST_TMPDIR/keep
    before() {
        forget_all
        echo '# mine' >.envrc
        "$NIXCAGE" init >/dev/null
        echo '# my own' >>nixcage.toml
    }
    before
    keep .envrc envrc
    keep nixcage.toml toml.old
    "$NIXCAGE" reinit --yes >/dev/null
    keep nixcage.toml toml.new
    EXPECTED=$(generation_names)
    after_cut() {
        grep -qx '# mine' .envrc
        whole nixcage.toml "$keep/toml.old" "$keep/toml.new"
        # The user's own configuration is in one place or the other.
        cmp -s nixcage.toml "$keep/toml.old" || cmp "$keep/toml.old" nixcage.toml.bak
    }
    mended() {
        run_split "$NIXCAGE" reinit --yes
        [ "$status" = 0 ] || _explain "not mended: $CUT"
        cmp .envrc "$keep/envrc"
        cmp nixcage.toml.bak "$keep/toml.old"
        as_undisturbed
    }
    cut_everywhere "$(every 11 1)" "$NIXCAGE" reinit --yes
}

@test "destroy, cut at any write" {
    local keep=$BATS_TEST_TMPDIR/keep
    before() {
        forget_all
        echo '# mine' >.envrc
        "$NIXCAGE" init >/dev/null
        mkdir -p .nixcage/local/deep/er
        touch .nixcage/local/deep/er/file
    }
    before
    keep .envrc envrc.old
    keep nixcage.toml toml
    "$NIXCAGE" destroy --yes >/dev/null
    keep .envrc envrc.new
    EXPECTED=$(generation_names)
    after_cut() {
        whole .envrc "$keep/envrc.old" "$keep/envrc.new"
        whole nixcage.toml "$keep/toml" -
    }
    mended() {
        run_split "$NIXCAGE" destroy --yes
        [ "$status" = 0 ] || _explain "not mended: $CUT"
        cmp .envrc "$keep/envrc.new"
        as_undisturbed
    }
    cut_everywhere "$(every 5 1)" "$NIXCAGE" destroy --yes
}

@test "add, cut at any write" {
    local keep=$BATS_TEST_TMPDIR/keep
    printf '# mine\n[nix]\npackages = [ "hello" ] # mine\n' >"$BATS_TEST_TMPDIR/toml"
    # What a resolution leaves in the cache is another test's.
    before() {
        forget_all
        cp "$BATS_TEST_TMPDIR/toml" nixcage.toml
        "$NIXCAGE" allow --yes >/dev/null
    }
    before
    keep nixcage.toml toml.old
    "$NIXCAGE" add coreutils >/dev/null
    keep nixcage.toml toml.new
    [ "$(grep -c mine nixcage.toml)" = 2 ]
    refute cmp -s "$keep/toml.old" "$keep/toml.new"
    after_cut() {
        whole nixcage.toml "$keep/toml.old" "$keep/toml.new"
    }
    mended() {
        run_split "$NIXCAGE" add coreutils
        [ "$status" = 0 ] || _explain "not mended: $CUT"
        cmp nixcage.toml "$keep/toml.new"
        [ -z "$(find . -name '*.nixcage-*')" ] || _explain "left behind: $CUT"
        # Killed between the two files, the user is asked once more.
        "$NIXCAGE" allow --yes >/dev/null
        run_split "$NIXCAGE" plan
        assert_status 0
    }
    cut_everywhere "$(every 41 1)" "$NIXCAGE" add coreutils
}

@test "a cold run, which writes the cache, cut at any write" {
    resolved
    after_cut() {
        cmp nixcage.toml "$BATS_TEST_TMPDIR/toml"
    }
    cut_everywhere "$(every 29 1)" "$NIXCAGE" run -- hello
}

@test "a cold run with a store of its own (copy), cut at any write" {
    resolved 'store_mode = "copy"'
    after_cut() {
        cmp nixcage.toml "$BATS_TEST_TMPDIR/toml"
    }
    # Most of them copy one file after the other.
    cut_everywhere "$(every 211 7)" "$NIXCAGE" run -- hello
}
