# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=bash
# A terminal for tests: tmux on a private socket. `load ../lib/terminal`; call terminal_end in teardown.

# terminal_start CMD…: runs CMD in a terminal of TERMINAL_SIZE (default: 100x30).
terminal_start() {
    TERMINAL=$BATS_TEST_TMPDIR/.tmux
    local words size=${TERMINAL_SIZE:-100x30}
    printf -v words '%q ' "$@"
    tmux -S "$TERMINAL" -f /dev/null new-session -d -x "${size%x*}" -y "${size#*x}" "exec $words"
}

terminal_end() {
    if [ -n "${TERMINAL:-}" ] && [ -S "$TERMINAL" ]; then tmux -S "$TERMINAL" kill-server 2>/dev/null || :; fi
}

# type_line TEXT: types it and presses Enter. press KEY…: in tmux's names (C-c, C-z, Up).
type_line() {
    tmux -S "$TERMINAL" send-keys -l "$1"
    tmux -S "$TERMINAL" send-keys Enter
}

press() {
    tmux -S "$TERMINAL" send-keys "$@"
}

# What the terminal shows, with the lines that scrolled away.
screen() {
    tmux -S "$TERMINAL" capture-pane -p -J -S -1000
}

_on_screen() {
    screen | grep -qE -- "$1"
}

# wait_screen REGEX [SECONDS]: until a line on the screen matches.
wait_screen() {
    poll_until "${2:-15}" _on_screen "$1" || {
        echo "-- waited for: $1" >&2
        screen >&2
        return 1
    }
}
