# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=bash disable=SC2154
# Runs the jobs of scripts/check, a few at a time, and adds up what they counted.
#
# A job is a function. It runs in a subshell with its output in a log, and reports with `count PASSED FAILED SKIPPED`. A job that
# counts nothing has failed: nothing that was meant to run may be missed. Uses $work and $results.

declare -A job_pid=() job_start=()
job_names=() jobs_beside=
jobs_passed=0 jobs_failed=0 jobs_skipped=0

# Called by a job: adds to its counts.
count() {
    printf '%d %d %d\n' "$1" "$2" "$3" >>"$results/$job.count"
}

# Called by a job: runs a command and counts it as one test.
gate() {
    local name=$1 status=0
    shift
    "$@" >"$results/$job.gate" 2>&1 || status=$?
    if [ "$status" = 0 ]; then
        echo "ok - $name"
        count 1 0 0
    else
        echo "not ok - $name (status $status)"
        count 0 1 0
    fi
    # Without ninja's progress.
    sed -e '/^\[[0-9]*\/[0-9]*\]/d' -e 's/^/  /' "$results/$job.gate"
}

# Called by a job that cannot run here: counts one skip, with its reason.
skip_job() {
    echo "ok - $job # SKIP $*"
    echo "$job: $*" >>"$results/$job.skips"
    count 0 0 1
}

# How many places are taken. A job of $jobs_beside runs on what the others leave, and takes none.
running() {
    local name n=0
    for name in "${!job_pid[@]}"; do
        if [[ " $jobs_beside " == *" $name "* ]]; then continue; fi
        if [ ! -e "$results/$name.done" ] && alive "$name"; then n=$((n + 1)); fi
    done
    echo "$n"
}

# Not through a pipe to grep -q: that ends at the match, and with pipefail the list's broken pipe says that the job is gone.
alive() {
    local pids
    pids=$(jobs -rp)
    [[ $'\n'$pids$'\n' == *$'\n'${job_pid[$1]}$'\n'* ]]
}

# start NAME FUNCTION [ARG…]: waits for a free place, then runs the function as a job.
start() {
    local name=$1
    shift
    if [ -n "$only" ] && [[ " $only " != *" $name "* ]]; then return; fi
    while [ "$(running)" -ge "$places" ]; do
        collect
        sleep 0.1
    done
    job_names+=("$name")
    job_start[$name]=$SECONDS
    rm -f "$results/$name".*
    (
        job=$name
        # Not `|| status=$?`: that would turn errexit off inside.
        (
            set -e
            "$@"
        )
        status=$?
        if [ "$status" != 0 ]; then
            echo "not ok - $name ended with status $status"
            count 0 1 0
        fi
        : >"$results/$name.done"
    ) >"$results/$name.log" 2>&1 </dev/null &
    job_pid[$name]=$!
}

# Prints the line of every job that has ended since.
collect() {
    local name
    for name in "${job_names[@]}"; do
        if [ -n "${job_pid[$name]:-}" ] && [ -e "$results/$name.done" ]; then finish_job "$name"; fi
    done
}

# Waits for jobs by name (all of them without one).
wait_for() {
    local name names=("$@")
    if [ $# = 0 ]; then names=("${job_names[@]}"); fi
    for name in "${names[@]}"; do
        while [ -n "${job_pid[$name]:-}" ] && [ ! -e "$results/$name.done" ]; do
            if ! alive "$name" && [ ! -e "$results/$name.done" ]; then
                echo "not ok - $name was killed" >>"$results/$name.log"
                echo "0 1 0" >>"$results/$name.count"
                : >"$results/$name.done"
            fi
            collect
            sleep 0.1
        done
    done
    collect
}

finish_job() {
    local name=$1 p=0 f=0 s=0 a b c mark=ok
    wait "${job_pid[$name]}" 2>/dev/null || :
    unset "job_pid[$name]"
    if [ -e "$results/$name.count" ]; then
        while read -r a b c; do p=$((p + a)) f=$((f + b)) s=$((s + c)); done <"$results/$name.count"
    fi
    if [ $((p + f + s)) = 0 ]; then
        echo "not ok - $name ran no test at all" >>"$results/$name.log"
        f=1
    fi
    if ! skips_allowed "$name"; then f=$((f + 1)); fi
    if [ "$f" != 0 ]; then
        mark=FAIL
        failed_jobs+=("$name")
    fi
    jobs_passed=$((jobs_passed + p)) jobs_failed=$((jobs_failed + f)) jobs_skipped=$((jobs_skipped + s))
    printf '%-4s %-28s %5d passed %3d failed %3d skipped %5d s\n' "$mark" "$name" "$p" "$f" "$s" \
        $((SECONDS - job_start[$name]))
    if [ "$f" != 0 ]; then show_failure "$name"; fi
    if [ -n "$extended" ]; then sed -nE 's/^ *# ([0-9]+ (of [0-9]+ )?(executions|faults|cuts|kills) .*)/     \1/p' "$results/$name.log"; fi
}

# What a reader needs of a failed job's log: the failures, or its end.
show_failure() {
    local log=$results/$1.log
    if grep -q '^not ok' "$log"; then
        awk '/^ok/ { shown = 0 } /^not ok/ { shown = 16 } shown-- > 0' "$log" | grep -v '^# -- *$' | head -n 60 | cut -c 1-600 | sed 's/^/     | /'
    else
        tail -n 60 "$log" | sed 's/^/     | /'
    fi
    echo "     | (all of it: $log)"
}

# In CI a skip is a failure unless tests/allowed-skips gives a reason for it. Locally it is only shown.
skips_allowed() {
    local name=$1 line pattern reason allowed bad=0
    [ -e "$results/$name.skips" ] || return 0
    while IFS= read -r line; do
        allowed=
        while IFS='|' read -r pattern reason; do
            case $pattern in '' | '#'*) continue ;; esac
            pattern=${pattern%"${pattern##*[! ]}"}
            # The pattern is one on purpose.
            # shellcheck disable=SC2053
            if [[ $line == $pattern ]]; then allowed=${reason# }; fi
        done <"$src/tests/allowed-skips"
        if [ -n "$allowed" ]; then continue; fi
        if [ "${CI:-}" = true ]; then
            echo "not ok - skipped, and tests/allowed-skips does not allow it: $line" >>"$results/$name.log"
            bad=1
        fi
    done <"$results/$name.skips"
    return "$bad"
}
