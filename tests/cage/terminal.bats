#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-3.0-or-later
# On a terminal: Ctrl-C, Ctrl-Z, fg, bg, resize, job control inside, and the terminal as it was afterwards.

load ../lib/common

setup() {
    need tmux
    make_project <<<$'[sandbox.filesystem]\nsystem = true'
    export CAGE="$NIXCAGE run --"
    TMUX_SOCKET=$BATS_TEST_TMPDIR/tmux
    in_tmux -f /dev/null new-session -d -x 100 -y 30 "env PS1='host> ' bash --norc --noprofile -i" 3>&-
    wait_for 'host>'
}

teardown() {
    in_tmux kill-server 2>/dev/null || :
}

in_tmux() {
    tmux -S "$TMUX_SOCKET" "$@"
}

type_line() {
    in_tmux send-keys -l "$1"
    in_tmux send-keys Enter
}

press() {
    in_tmux send-keys "$1"
}

screen_has() {
    in_tmux capture-pane -p -S -200 | grep -qE -- "$1"
}

wait_for() {
    poll_until 15 screen_has "$1" || {
        in_tmux capture-pane -p -S -200 >&2
        return 1
    }
}

@test "Ctrl-C ends a command and the shell sees it" {
    type_line '$CAGE sh -c "echo rea\"\"dy; exec sleep 1000"; echo "rc=$?"'
    wait_for '^ready'
    press C-c
    wait_for '^host> *$|rc=130'
    type_line 'echo "al""ive"'
    wait_for '^alive'
}

@test "Ctrl-C ends the script that runs nixcage, as it does without a cage" {
    cat >loop <<'E2'
for i in 1 2; do
    echo "turn-$i"
    $1 sleep 1000
    echo "go""es on: $?"
done
E2
    local runner
    for runner in env '$CAGE'; do
        type_line "clear; bash loop \"$runner\""
        wait_for '^turn-1'
        poll_until 15 pgrep -x sleep -s "$(in_tmux display-message -p '#{pane_pid}')"
        press C-c
        wait_for '^host> *$'
        refute screen_has '^goes on|^turn-2'
        type_line 'echo "r""c=$?"'
        wait_for 'rc=130'
    done
}

@test "Ctrl-C reaches a command that handles it, once" {
    type_line '$CAGE sh -c "trap \"echo GO\"\"T\" INT; echo rea\"\"dy; for i in 1 2 3 4 5 6 7 8 9 10; do sleep 0.1; done; exit 5"; echo "rc=$?"'
    wait_for '^ready'
    press C-c
    wait_for 'rc=5'
    [ "$(in_tmux capture-pane -p -S -200 | grep -c GOT)" = 1 ]
}

@test "Ctrl-Z stops, fg goes on, bg goes on" {
    type_line '$CAGE sh -c "echo rea\"\"dy; sleep 1; read line; echo re\"\"ad \$line; exit 6"; echo "rc=$?"'
    wait_for '^ready'
    press C-z
    wait_for 'Stopped'
    type_line 'jobs; echo "sti""ll here"'
    wait_for '^still here'
    type_line 'fg; echo "rc=$?"'
    type_line 'hello'
    wait_for '^read hello'
    wait_for 'rc=6'
    type_line '$CAGE sh -c "echo rea\"\"dy2; sleep 2; echo en\"\"ded"'
    wait_for '^ready2'
    press C-z
    wait_for '\[1\]\+ +Stopped.*ready2|\[1\]\+ +Stopped'
    type_line 'bg'
    wait_for '(^|> )ended'
}

@test "an interactive shell in the cage has job control" {
    type_line '$CAGE env PS1="cage> " bash --norc --noprofile -i; echo "rc=$?"'
    wait_for '^cage>'
    refute screen_has 'no job control|cannot set terminal'
    type_line 'sleep 1000'
    sleep 0.3
    press C-z
    wait_for 'Stopped'
    type_line 'jobs -l'
    wait_for 'sleep 1000'
    type_line 'fg'
    sleep 0.3
    press C-c
    type_line 'echo "in""side"'
    wait_for '^inside'
    type_line 'exit 7'
    wait_for 'rc=7'
    type_line 'echo "al""ive"'
    wait_for '^alive'
}

@test "a new size reaches the command" {
    type_line '$CAGE bash -c "trap \"stty size\" WINCH; echo rea\"\"dy; while :; do sleep 0.05; done"'
    wait_for '^ready'
    in_tmux resize-window -x 91 -y 27
    wait_for '^27 91'
    press C-c
}

@test "the terminal's modes come back" {
    cat >script <<'E2'
stty >before
$CAGE sh -c 'stty raw -echo; kill -KILL $$'
stty >after
cmp before after && echo "modes: sa""me"
# The control: without a cage they stay.
sh -c 'stty -echo'
stty >after
cmp -s before after || echo "control: differ""ent"
stty sane
E2
    type_line 'bash script'
    wait_for '^control: different'
    screen_has '^modes: same'
}

@test "the terminal comes back from a process group that is gone" {
    cat >script <<'E2'
$CAGE bash --norc -ic 'stty -icanon; kill -KILL $$'
read -r line
echo "line: $line"
E2
    type_line 'bash script'
    sleep 1
    type_line 'hello'
    wait_for '^line: hello'
}

@test "nonblocking mode of the terminal does not stay" {
    need python3
    cat >script <<'E2'
$CAGE python3 -c 'import os; os.set_blocking(0, False)'
python3 -c 'import os; print("blocking:", os.get_blocking(0))'
python3 -c 'import os; os.set_blocking(0, False)'
python3 -c 'import os; print("control:", os.get_blocking(0)); os.set_blocking(0, True)'
E2
    type_line 'bash script'
    wait_for '^control: False'
    screen_has '^blocking: True'
}

@test "output that was stopped goes on" {
    need python3
    cat >script <<'E2'
$CAGE python3 -c 'import termios; termios.tcflow(1, termios.TCOOFF)'
echo "goes ""on"
# The control: without a cage it stays stopped.
python3 -c 'import termios; termios.tcflow(1, termios.TCOOFF)'
{ sleep 3; : >waited; } &
echo "con""trol"
E2
    type_line 'bash script'
    wait_for '^goes on'
    poll_until 10 test -e waited
    refute screen_has '^control'
}
