# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=bash disable=SC2154
# Every example of the manual pages and of the README is run, or excepted here with a reason; none is forgotten.
load ../lib/common

# Examples are known by their first line.
declare -gA excepted=(
    ['git clone https://github.com/hamidr/nixcage.git && cd nixcage']='needs the network, and installs packages as root'
)

setup() {
    need jq
    # A home of their own: they make projects in it.
    export HOME=$BATS_TEST_TMPDIR/home
    mkdir -p "$HOME/.config/nix" "$HOME/.config/nixpkgs" "$BATS_TEST_TMPDIR/bin" "$BATS_TEST_TMPDIR/work"
    cp "$XDG_CONFIG_HOME/nix/nix.conf" "$HOME/.config/nix/"
    unset XDG_CONFIG_HOME XDG_DATA_HOME XDG_STATE_HOME XDG_CACHE_HOME
    ln -s "$NIXCAGE" "$BATS_TEST_TMPDIR/bin/nixcage"
    PATH=$BATS_TEST_TMPDIR/bin:$PATH
    examples=$BATS_TEST_TMPDIR/examples
    for document in "$NIXCAGE_SRC"/man/*.[157] "$NIXCAGE_SRC/README.md"; do
        "$NIXCAGE_SRC/tests/docs/helpers/extract" "$document" "$examples"
    done
    cd "$BATS_TEST_TMPDIR/work" || return 1
}

# What has to be there before the example with this first line, and what must be true after it. Fails for one that it does not know.
before() {
    case $1 in
    'nixcage init --preset claude-code') ;;
    'nixcage run ~/project -- npm test')
        mkdir ~/project
        printf '[nix]\npackages = ["nodejs_22", "npm"]\n' >~/project/nixcage.toml
        # The offline set has no npm.
        # shellcheck disable=SC2016
        echo '[ (self: super: { npm = super.writeShellScriptBin "npm" "echo npm: $* in $PWD"; }) ]' >~/.config/nixpkgs/overlays.nix
        nixcage allow --yes ~/project
        ;;
    'mkdir greeting && cd greeting') ;;
    *) return 1 ;;
    esac
}

after() {
    case $1 in
    'nixcage init --preset claude-code')
        assert_status 0
        assert_line 'claude stand-in '
        ;;
    'nixcage run ~/project -- npm test')
        assert_status 0
        assert_output "npm: test in $HOME/project"
        ;;
    # Its last command shows that the policy cannot be changed; readme.bats looks closer.
    'mkdir greeting && cd greeting')
        [ "$status" != 0 ]
        [ "${lines[-1]}" = 'Hello, world!' ] || _explain 'the greeting'
        ;;
    esac
}

@test "the examples are found, and each is of a known kind" {
    local example
    [ "$(find "$examples" -name 'nixcage.1.*' | wc -l)" -ge 2 ]
    [ "$(find "$examples" -name 'nixcage.toml.5.*.toml' | wc -l)" -ge 1 ]
    [ "$(find "$examples" -name 'README.md.*.sh' | wc -l)" -ge 2 ]
    for example in "$examples"/*.unknown; do
        [ ! -e "$example" ] || _explain "neither commands nor a nixcage.toml: $(cat "$example")"
    done
}

@test "every example of commands does what it says" {
    local example first ran=0
    for example in "$examples"/*.sh; do
        first=$(head -n 1 "$example")
        if [ -n "${excepted[$first]:-}" ]; then continue; fi
        rm -rf "$BATS_TEST_TMPDIR/here"
        mkdir "$BATS_TEST_TMPDIR/here"
        cd "$BATS_TEST_TMPDIR/here"
        before "$first" || _explain "nobody knows what this example needs and does: $(cat "$example")"
        run_split bash "$example"
        after "$first"
        ran=$((ran + 1))
    done
    [ "$ran" -ge 3 ]
}

@test "every example of a nixcage.toml can be planned" {
    local example n=0
    for example in "$examples"/*.toml; do
        make_project "toml$((++n))" <"$example"
        run_split nixcage plan --json
        assert_status 0
        jq -e '.project' <<<"$output" >/dev/null || _explain "$example"
    done
    # Not whatever is written is planned.
    sed 's/^packages/pakages/' "$examples"/nixcage.toml.5.1.toml >nixcage.toml
    run_split nixcage plan --json
    assert_status 125
}

@test "every exception is still there" {
    local first
    [ ${#excepted[@]} -ge 1 ]
    for first in "${!excepted[@]}"; do
        grep -lxF -- "$first" "$examples"/*.sh || _explain "no example begins with: $first"
    done
}

@test "an example that is new is noticed" {
    printf '.Bd -literal\n$ nixcage new thing\n.Ed\n.Dl neither this\n' >page.1
    printf '```sh\nnixcage one\n```\n```\nwhat\n```\n' >page.md
    "$NIXCAGE_SRC/tests/docs/helpers/extract" page.1 found
    "$NIXCAGE_SRC/tests/docs/helpers/extract" page.md found
    [ "$(cd found && echo *)" = 'page.1.1.sh page.1.2.unknown page.md.1.sh page.md.2.unknown' ]
    [ "$(cat found/page.1.1.sh)" = 'nixcage new thing' ]
    refute before 'nixcage new thing'
}
