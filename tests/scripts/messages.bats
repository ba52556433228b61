# SPDX-License-Identifier: GPL-3.0-or-later
# The catalogue of messages is complete, and the check of it notices what it is for.

setup() {
    src=${NIXCAGE_SRC:-$BATS_TEST_DIRNAME/../..}
    check=$src/tests/scripts/messages.py
    catalogue=$src/tests/golden/messages/catalogue.txt
}

# A tree with one file that has this body; $1 in it is the text of C.
tree() {
    mkdir -p "$BATS_TEST_TMPDIR/tree/src/base"
    cp -r "$src/src/." "$BATS_TEST_TMPDIR/tree/src/"
    printf 'static int seeded(struct cage_error *err)\n{\n%s\n}\n' "$1" >"$BATS_TEST_TMPDIR/tree/src/base/seeded.c"
    cp "$catalogue" "$BATS_TEST_TMPDIR/catalogue"
}

# refused TEXT: the check of the tree fails, and says TEXT; --update first, as somebody who adds a message does.
refused() {
    python3 "$check" --update "$BATS_TEST_TMPDIR/catalogue" "$BATS_TEST_TMPDIR/tree" || :
    run python3 "$check" "$BATS_TEST_TMPDIR/catalogue" "$BATS_TEST_TMPDIR/tree"
    echo "$output"
    [ "$status" = 1 ]
    [[ $output == *"src/base/seeded.c: seeded: "*"$1"* ]]
}

@test "every message is in the catalogue, and says how to fix what is wrong" {
    cd "$src"
    run python3 "$check" "$catalogue"
    echo "$output"
    [ "$status" = 0 ]
}

@test "a message without a fix" {
    tree '    return cage_error_set(err, CAGE_ERR_USAGE, "the frob is wrong");'
    refused 'nothing says how to fix it'
}

@test "a new message, and one that is gone" {
    tree '    cage_error_set(err, CAGE_ERR_USAGE, "the frob is wrong");
    return cage_error_hint(err, "turn it round");'
    run python3 "$check" "$BATS_TEST_TMPDIR/catalogue" "$BATS_TEST_TMPDIR/tree"
    [ "$status" = 1 ]
    [[ $output == *'"the frob is wrong": not in the catalogue as it is now'* ]]
    python3 "$check" --update "$BATS_TEST_TMPDIR/catalogue" "$BATS_TEST_TMPDIR/tree"
    python3 "$check" "$BATS_TEST_TMPDIR/catalogue" "$BATS_TEST_TMPDIR/tree"
    rm "$BATS_TEST_TMPDIR/tree/src/base/seeded.c"
    run python3 "$check" "$BATS_TEST_TMPDIR/catalogue" "$BATS_TEST_TMPDIR/tree"
    [ "$status" = 1 ]
    [[ $output == *'in the catalogue, not in the sources'* ]]
}

@test "messages of bad form" {
    tree '    return cage_error_sys(err, errno, "Failed to frob");'
    refused 'begins with what is clear already'
    tree '    return cage_error_sys(err, errno, "cannot frob.");'
    refused 'ends like a sentence'
    tree '    return cage_error_sys(err, errno, "invalid argument");'
    refused 'does not say what is wrong with it'
}
