# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=bash disable=SC2154
# Jobs of scripts/check that run the bats suites, as root and as an ordinary user, in the place that tests/lib/inside makes.

# Counts a TAP stream in $results/$job.tap: what was planned and not reported has failed.
count_tap() {
    awk '
        /^1\.\.[0-9]+/ { plan += substr($1, 4) }
        /^ok / { if (/# skip/ || /# SKIP/) skipped++; else passed++ }
        /^not ok / { failed++ }
        END {
            missing = plan - passed - skipped - failed
            if (missing > 0) failed += missing
            printf "%d %d %d\n", passed, failed, skipped
        }' "$results/$job.tap" >>"$results/$job.count"
    sed -n "s/^ok [0-9]* \(.*\) # skip *(\{0,1\}\(.*\)/$job: \1 (\2/Ip" "$results/$job.tap" >>"$results/$job.skips"
    if [ ! -s "$results/$job.skips" ]; then rm -f "$results/$job.skips"; fi
}

# suite BUILD MODE DIR [FILTER-ARG…]: every .bats file of tests/DIR with the program of a build.
suite() {
    local build=$1 mode=$2 dir=$3 status=0 place run
    shift 3
    place=("$src/tests/lib/inside" "$mode" bash -c 'exec bats --tap "$@" "$NIXCAGE_SRC/tests/$0"' "$dir" "$@")
    # A suite that needs more around it brings a script of its own.
    printf -v run ' %q' "$@"
    run="exec bats --tap${1+$run} \"\$NIXCAGE_SRC/tests/$dir\""
    if [ -x "$src/tests/$dir/run" ]; then place=(env "NET_CMD=$run" "SUITE_CMD=$run" "$src/tests/$dir/run" "$mode"); fi
    # A shell's background jobs ignore these, and not every version of timeout sets them back.
    as_root env --default-signal=INT,QUIT NIXCAGE_BUILD="$work-$build" NIXCAGE="$work-$build/src/nixcage" NIXCAGE_TEST_CACHE="$test_cache" \
        NIXCAGE_TEST_REQUIRE=1 ASAN_OPTIONS="${ASAN_OPTIONS:-}" UBSAN_OPTIONS="${UBSAN_OPTIONS:-}" \
        NIXCAGE_EXTENDED="${NIXCAGE_EXTENDED:-}" NIXCAGE_TEST_KEEP="${NIXCAGE_EXTENDED:+NIXCAGE_EXTENDED }NIXCAGE_TEST_REQUIRE ASAN_OPTIONS UBSAN_OPTIONS CI" CI="${CI:-}" \
        timeout --kill-after=10 "${suite_timeout:-400}" \
        "${place[@]}" \
        >"$results/$job.tap" || status=$?
    cat "$results/$job.tap"
    count_tap
    # bats answers 1 for failed tests, which were counted; anything else is trouble of its own.
    if [ "$status" -gt 1 ]; then return "$status"; fi
    grep -q '^\(not \)\{0,1\}ok ' "$results/$job.tap" || gate "tests/$dir has tests" false
}

# A suite that needs neither root nor a cage: tests of the scripts.
suite_plain() {
    local status=0
    env -u CI NIXCAGE_SRC="$src" NIXCAGE="$work-gcc/src/nixcage" timeout --kill-after=10 "${suite_timeout:-400}" \
        bats --tap "$src/tests/$1" >"$results/$job.tap" || status=$?
    cat "$results/$job.tap"
    count_tap
    if [ "$status" -gt 1 ]; then return "$status"; fi
}

# The check in another Debian release, which is downloaded.
suite_matrix() {
    local status=0
    if ! have debootstrap; then as_root apt-get install -y --no-install-recommends debootstrap >/dev/null 2>&1 || :; fi
    if ! have debootstrap && [ ! -x /usr/sbin/debootstrap ]; then
        skip_job "debootstrap cannot be had"
        return
    fi
    as_root timeout --kill-after=10 7200 "$src/tests/matrix/run" "$1" >"$results/$job.tap" || status=$?
    cat "$results/$job.tap"
    count_tap
    if [ "$status" -gt 1 ]; then return "$status"; fi
}

# The checks of the checks: every gate must go red for a defect.
check_gates() {
    local status=0
    "$src/scripts/check-gates" >"$results/$job.tap" || status=$?
    cat "$results/$job.tap"
    count_tap
    if [ "$status" -gt 1 ]; then return "$status"; fi
}

# As suite, with the sanitized program: whatever a sanitizer reported counts, also where the test did not look.
suite_sanitized() {
    local reports=/tmp/nixcage-sanitizer.$$.$job
    mkdir -p "$reports"
    chmod 1777 "$reports"
    # Leaks are the unit tests' affair: their detector does not work under strace, which the suites use.
    ASAN_OPTIONS=log_path=$reports/asan:detect_leaks=0:exitcode=99:handle_abort=1:quarantine_size_mb=1
    UBSAN_OPTIONS=log_path=$reports/ubsan:print_stacktrace=1:halt_on_error=1
    suite asan "$@"
    gate "no sanitizer report" sh -c 'for f in "$1"/*; do [ ! -e "$f" ] || { cat "$f"; bad=1; }; done; [ -z "${bad:-}" ]' - "$reports"
    as_root rm -rf "$reports"
}
