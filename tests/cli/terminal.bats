# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=bash disable=SC2016
# What nixcage prints for people: width, colours and characters are those of the terminal.

load ../lib/common
load ../lib/terminal

setup() {
    need script
    need tmux
    export NIXCAGE TERM=xterm
    make_project <<'END'
[sandbox.filesystem]
system = true
ro_bind = ["/etc/passwd"]
[sandbox.network]
allow = false
[cage]
command = "sh -c true"
END
}

teardown() {
    terminal_end
}

# on_terminal COLUMNS COMMAND: the command's output on a terminal of that width, without what ends lines there.
on_terminal() {
    run_split script -qec "stty cols $1 rows 50; $2" /dev/null
    output=${output//$'\r'/}
    [ -n "$output" ]
}

# Lines that are wider than that, and could have been broken: a word alone cannot. In characters, which not every awk counts.
too_wide() {
    local line LC_ALL=C.UTF-8
    while IFS= read -r line; do
        if [ "${#line}" -gt "$1" ] && [[ $line =~ [^[:space:]][[:space:]]+[^[:space:]] ]]; then echo "$line"; fi
    done < <(sed -E 's/\x1b\[[0-9;]*m//g' <<<"$output")
}

# The words, however they are laid out.
words() {
    tr -s '[:space:]' '[\n*]' <<<"$1"
}

@test "help, plan, status and list-presets keep to the width of the terminal, and lose nothing" {
    local width command text
    for command in help 'help run' 'help init' plan status list-presets; do
        # shellcheck disable=SC2086
        text=$(TERM=dumb "$NIXCAGE" $command)
        for width in 40 80 200; do
            on_terminal $width "TERM=dumb \$NIXCAGE $command"
            [ -z "$(too_wide $width)" ] || _explain "$command at $width: $(too_wide $width)"
            [ "$(words "$output")" = "$(words "$text")" ] || _explain "$command at $width"
        done
    done
    # Where there is room for all, and where there is no terminal, nothing changes.
    on_terminal 400 'TERM=dumb $NIXCAGE plan'
    assert_output "$("$NIXCAGE" plan)"
    awk 'length($0) > 80 { found = 1 } END { exit !found }' <<<"$output"
}

@test "COLUMNS has a say on a terminal only" {
    on_terminal 200 'COLUMNS=40 $NIXCAGE plan'
    [ -z "$(too_wide 40)" ] || _explain 'at most 40 columns'
    on_terminal 200 'COLUMNS=nonsense $NIXCAGE plan'
    assert_output "$("$NIXCAGE" plan)"
    on_terminal 200 'COLUMNS=40 $NIXCAGE plan | cat'
    assert_output "$("$NIXCAGE" plan)"
}

@test "text for programs is never wrapped" {
    on_terminal 40 '$NIXCAGE plan --json'
    assert_output "$("$NIXCAGE" plan --json)"
    on_terminal 40 '$NIXCAGE _direnv_hook'
    assert_output "$("$NIXCAGE" _direnv_hook)"
    on_terminal 40 '$NIXCAGE init other'
    assert_output_has "  \$EDITOR nixcage.toml   # packages, network, limits"
}

@test "no word is cut on a narrow terminal" {
    TERMINAL_SIZE=40x50 terminal_start bash --norc --noprofile -c '"$NIXCAGE" help; sleep 100'
    wait_screen '^Usage: nixcage'
    wait_screen 'ended by signal'
    # Not joined: as the user sees it.
    tmux -S "$TERMINAL" capture-pane -p -S -100 >shown
    [ "$(words "$(<shown)" | sed '/^$/d')" = "$(words "$("$NIXCAGE" help)" | sed '/^$/d')" ]
}

@test "colours: on a terminal only, not with NO_COLOR, not on a dumb one" {
    on_terminal 80 '$NIXCAGE status'
    assert_output_has $'\e[32m'
    on_terminal 80 'NO_COLOR= $NIXCAGE status' # set, but empty: no-color.org
    assert_output_has $'\e[32m'
    local command
    for command in 'NO_COLOR=1 $NIXCAGE status' 'TERM=dumb $NIXCAGE status' 'env -u TERM $NIXCAGE status' '$NIXCAGE status | cat'; do
        on_terminal 80 "$command"
        refute_output_has $'\e'
    done
    # Messages have none at all.
    on_terminal 80 '$NIXCAGE run --nothing'
    refute_output_has $'\e'
}

@test "characters: ASCII where the locale is not UTF-8, on a terminal, too" {
    on_terminal 80 'LC_ALL=C.UTF-8 $NIXCAGE status'
    assert_output_has '✓'
    local name
    for name in LC_ALL=C 'LC_ALL= LC_CTYPE=POSIX' 'LC_ALL= LC_CTYPE= LANG=en_US.ISO-8859-1' 'LC_ALL= LC_CTYPE= LANG='; do
        on_terminal 80 "$name \$NIXCAGE status"
        LC_ALL=C grep -q '[^ -~[:cntrl:]]' <<<"$output" && _explain "$name"
        assert_output_has 'ok'
    done
    # Messages are ASCII everywhere.
    printf '[nix]\npackages = [1]\n[cage]\ncommand = "a | b"\n' >nixcage.toml
    for name in LC_ALL=C LC_ALL=C.UTF-8; do
        on_terminal 80 "$name \$NIXCAGE status"
        assert_output_has nixcage.toml:
        LC_ALL=C grep -q '[^ -~[:cntrl:]]' <<<"$output" && _explain "$name"
    done
    true
}
