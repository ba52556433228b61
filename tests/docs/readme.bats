# SPDX-License-Identifier: GPL-3.0-or-later
# The examples of the documents do what the documents say.
load ../lib/common

# block FILE NAME: the fenced block of that name.
block() {
    awk -v name="$2" '/^```$/ { on = 0 } on { print } $0 ~ "^```[a-z]+ " name "$" { on = 1 }' "$1"
}

setup() {
    cd "$BATS_TEST_TMPDIR" || return 1
    mkdir bin
    ln -s "$NIXCAGE" bin/nixcage
    PATH=$BATS_TEST_TMPDIR/bin:$PATH
}

@test "README: the first cage, copied and pasted" {
    block "$NIXCAGE_SRC/README.md" first-cage >example
    [ "$(wc -l <example)" = 5 ]
    run_split bash example
    # The last command's last part fails: the policy is read-only.
    [ "$status" != 0 ] || _explain "the policy could be changed"
    [ "${lines[-1]}" = "Hello, world!" ] || _explain "expected hello's output, and nothing in the home directory"
    [ -e greeting/made-in-the-cage ]
    [ "$(grep -c 'level = 1' greeting/nixcage.toml)" = 0 ]
}

@test "README: the commands it names are commands" {
    local word
    while read -r word; do
        nixcage help "$word" >/dev/null || _explain "README names: nixcage $word"
    done < <(grep -o '`nixcage [a-z-]*' "$NIXCAGE_SRC/README.md" | cut -d' ' -f2 | sort -u)
}

@test "SECURITY.md: every test directory and file it names is there" {
    local path
    for path in $(grep -o '`\(tests\|src\)/[A-Za-z0-9_/.-]*`' "$NIXCAGE_SRC/SECURITY.md" | tr -d '`' | sort -u); do
        case $path in src/*) continue ;; esac # only the tests are beside the program
        [ -e "$NIXCAGE_SRC/$path" ] || _explain "SECURITY.md names $path"
    done
}
