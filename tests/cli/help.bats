# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=bash
# help, version, usage errors, the manual.

load ../lib/common

commands() {
    "$NIXCAGE" help | sed -n 's/^  \([a-z-]*\)  *.*/\1/p'
}

options() {
    "$NIXCAGE" "$1" --help | sed -n 's/^  \(-h, \)\{0,1\}\(--[a-z]*\).*/\2/p'
}

@test "help, --help and -h are the same, on standard output" {
    run_split "$NIXCAGE" help
    assert_status 0
    [ -z "$stderr" ]
    local help=$output
    run_split "$NIXCAGE" --help
    assert_output "$help"
    run_split "$NIXCAGE" -h
    assert_output "$help"
}

# A screen has 24 lines of 80 columns.
assert_fits() {
    [ "${#lines[@]}" -le 24 ] || _explain "${#lines[@]} lines"
    ! grep -E '.{81}' <<<"$output" || _explain "more than 80 columns"
}

@test "every command has help that fits a screen" {
    local command
    run_split "$NIXCAGE" help
    assert_fits
    [ "$(commands | wc -l)" -ge 9 ]
    for command in $(commands); do
        run_split "$NIXCAGE" "$command" --help
        assert_status 0
        assert_output_has "Usage: nixcage $command"
        assert_fits
        run_split "$NIXCAGE" help "$command"
        assert_output_has "Usage: nixcage $command"
        run_split "$NIXCAGE" "$command" -h
        assert_output_has "Usage: nixcage $command"
    done
}

@test "hidden commands are not listed" {
    run_split "$NIXCAGE" help
    refute_output_has _direnv_hook
    refute_output_has _completions
}

@test "version" {
    run_split "$NIXCAGE" version
    assert_status 0
    [[ $output =~ ^nixcage\ [0-9]+\.[0-9]+\.[0-9]+ ]]
    local version=$output
    run_split "$NIXCAGE" --version
    assert_output "$version"
}

@test "usage errors: one line and a hint on standard error, 125" {
    run_split "$NIXCAGE"
    assert_status 125
    assert_stderr_has 'no command given'
    [ -z "$output" ]
    run_split "$NIXCAGE" stauts
    assert_status 125
    assert_stderr_has "unknown command 'stauts'"
    assert_stderr_has "did you mean 'status'?"
    run_split "$NIXCAGE" init --forse
    assert_stderr_has "did you mean '--force'?"
    run_split "$NIXCAGE" init --preset
    assert_stderr_has '--preset requires a value'
    run_split "$NIXCAGE" help nothing
    assert_status 125
}

@test "control characters of a word do not reach the terminal" {
    run_split "$NIXCAGE" $'\e[31mred'
    assert_status 125
    [[ $stderr != *$'\e'* ]]
    assert_stderr_has '\x1b[31mred'
}

@test "the manual names every command and every option, and no others" {
    local command option page=$NIXCAGE_SRC/man/nixcage.1 synopsis
    for command in $(commands); do
        # From its line in the SYNOPSIS to the next command's.
        synopsis=$(sed -n '/^\.Sh SYNOPSIS/,/^\.Sh DESCRIPTION/p' "$page" |
            awk -v c="$command" '/^\.Nm/ { on = ($2 == "nixcage" && $4 == c) } on')
        [ -n "$synopsis" ] || { echo "no synopsis of $command" >&2; return 1; }
        for option in $(options "$command"); do
            [ "$option" != --help ] || continue
            grep -q -- "Fl -${option#--}\b" <<<"$synopsis" || { echo "$command lacks $option" >&2; return 1; }
        done
        while read -r option; do
            options "$command" | grep -qx -- "$option" || { echo "$command has no $option" >&2; return 1; }
        done < <(grep -o 'Fl -[a-z][a-z]*' <<<"$synopsis" | sed 's/Fl -/--/')
        grep -q "^\.It Cm $command" "$page"
    done
    [ "$(sed -n '/^\.Sh SYNOPSIS/,/^\.Sh DESCRIPTION/s/^\.Nm nixcage Cm //p' "$page" | sort)" = "$(commands | sort)" ]
}

@test "the manual is clean" {
    need mandoc
    run_split mandoc -Tlint -W warning "$NIXCAGE_SRC/man/nixcage.1"
    assert_output ''
}
