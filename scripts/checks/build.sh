# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=bash disable=SC2154
# Jobs of scripts/check that compile. Every configuration has its own directory, $work-NAME.

# configure DIR OPTION…: sets the build directory up, or keeps it when it was set up with these options.
configure() {
    local dir=$work-$1
    shift
    if [ "$(cat "$dir/.options" 2>/dev/null)" != "$CC $CXX $*" ]; then
        rm -rf "$dir"
        meson setup "$dir" "$src" "$@" || return 1
        echo "$CC $CXX $*" >"$dir/.options"
    fi
}

# With ccache in front where it is there.
compiler() {
    CC="${ccache:+ccache }$1" CXX="${ccache:+ccache }$2"
    export CC CXX
}

build_gcc() {
    compiler gcc g++
    configure gcc -Dwerror=true --buildtype=release -Db_ndebug=false
    gate "gcc builds without a warning" ninja -C "$work-gcc"
}

build_clang() {
    compiler clang clang++
    configure clang -Dwerror=true --buildtype=release -Db_ndebug=false
    gate "clang builds without a warning" ninja -C "$work-clang"
}

build_sanitized() {
    compiler clang clang++
    configure asan -Dwerror=true --buildtype=debugoptimized -Db_sanitize=address,undefined -Db_lundef=false
    gate "clang builds with sanitizers" ninja -C "$work-asan"
}

# GCC's static analysis: it needs a real compilation. C only: it does not know C++.
analyze_gcc() {
    compiler gcc g++
    configure analyzer --buildtype=debugoptimized -Dc_args=-fanalyzer -Db_ndebug=false
    ninja -C "$work-analyzer" src/libcage.a src/nixcage >"$results/$job.out" 2>&1 || cat "$results/$job.out"
    gate "gcc -fanalyzer finds nothing" sh -c '! grep -A 12 "Wanalyzer\|FAILED" "$1"' - "$results/$job.out"
    # A file that is up to date says nothing: keep it outdated until it is clean.
    if grep -q Wanalyzer "$results/$job.out"; then rm -rf "$work-analyzer"; fi
}

# The tests that meson knows, counted one by one from its JUnit report. unit_tests DIR [ENVIRONMENT…]
unit_tests() {
    local dir=$work-$1 report status=0
    shift
    env "$@" meson test -C "$dir" --no-rebuild --print-errorlogs --timeout-multiplier 4 || status=$?
    report=$dir/meson-logs/testlog.junit.xml
    awk '
        BEGIN { RS = "<" }
        /^testcase/ { n++ }
        /^(failure|error)/ { bad++ }
        /^skipped/ { skipped++ }
        END { printf "%d %d %d\n", n - bad - skipped, bad, skipped }' "$report" >>"$results/$job.count"
    # A program that died may have left no test case behind.
    if [ "$status" != 0 ] && ! grep -Eq '<(failure|error)' "$report"; then return "$status"; fi
}

install_test() {
    gate "meson install into DESTDIR" env DESTDIR="$work/dest" meson install -C "$work-gcc" --no-rebuild --quiet
    gate "the installed files are where they belong" "$src/tests/install/check-installed" "$work/dest" "$src"
    rm -rf "$work/dest"
}

# The tarball has what its build and its unit tests need: outside of the checkout, without optimization, which takes the least time.
dist_test() {
    local from=$work/dist
    if ! git -C "$src" rev-parse --git-dir >/dev/null 2>&1; then
        skip_job "not a git checkout"
        return
    fi
    rm -rf "$from" "$work-gcc/meson-dist"
    mkdir -p "$from"
    gate "meson dist makes a tarball" meson dist -C "$work-gcc" --no-tests --allow-dirty --formats gztar
    tar -xzf "$work-gcc"/meson-dist/nixcage-*.tar.gz -C "$from" --strip-components=1
    compiler gcc g++
    rm -rf "$work-dist"
    gate "the tarball is set up" meson setup "$work-dist" "$from" -Dwerror=true --buildtype=debug
    gate "the tarball builds" ninja -C "$work-dist"
    unit_tests dist
}

# The programs for both kinds of Mac. The compiler is a download of 60 MB, kept between runs; what cannot be had is a skip, which
# fails in CI.
check_macos() {
    local status=0
    if ! have npm; then
        skip_job "no compiler for macOS: npm is not there"
        return
    fi
    as_root mkdir -p "$test_cache"
    as_root chmod 1777 "$test_cache"
    timeout --kill-after=10 900 "$src/scripts/check-macos" "$test_cache/macos-$(id -u)" >"$results/$job.out" 2>&1 || status=$?
    if [ "$status" = 77 ]; then
        cat "$results/$job.out"
        skip_job "no compiler for macOS: npm cannot install it"
        return
    fi
    gate "both programs for macOS build" sh -c 'cat "$1"; exit "$2"' - "$results/$job.out" "$status"
}

# Limits that the kernel holds need systemd and cgroup v2: here, or in a virtual machine.
vm_limits() {
    local status=0 tool
    if [ -d /run/systemd/system ] && [ -e /sys/fs/cgroup/cgroup.controllers ]; then
        bash "$src/tests/vm/limits.sh" "$work-gcc/src/nixcage" >"$results/$job.tap" || status=$?
    else
        if ! have qemu-system-x86_64 || ! have mmdebstrap; then
            as_root sh -c 'apt-get update -q && apt-get install -q -y --no-install-recommends qemu-system-x86 seabios mmdebstrap e2fsprogs' || :
        fi
        for tool in qemu-system-x86_64 mmdebstrap; do
            have "$tool" && continue
            skip_job "no systemd with cgroup v2 here, and no $tool for a machine that has them"
            return
        done
        as_root env NIXCAGE_BUILD="$work-gcc" "$src/tests/vm/run" >"$results/$job.tap" || status=$?
    fi
    cat "$results/$job.tap"
    count_tap
    if [ "$status" -gt 1 ]; then return "$status"; fi
}

# fuzzed FILE NAME: the lines of tests/fuzz/run about one target; fails unless it says ok.
fuzzed() {
    grep "^# .* executions of $2 in " "$1"
    grep -q "^ok - $2 " "$1" || { cat "$1"; return 1; }
}

# 15 s each, one after the other; hours are spent beside each other, and beside the other jobs.
run_fuzzers() {
    local file name names=() seconds=${FUZZ_SECONDS:-15} out=$results/$job.out
    compiler clang clang++
    configure fuzz -Dfuzz=true --buildtype=debugoptimized -Db_sanitize=address,undefined -Db_lundef=false
    for file in "$src"/tests/fuzz/fuzz_*.c; do
        name=${file##*/fuzz_}
        names+=("${name%.c}")
    done
    # Only these: the static programs of the cage cannot be linked with the fuzzers' instrumentation.
    ninja -C "$work-fuzz" "${names[@]/#/tests/fuzz/fuzz_}"
    if [ "$seconds" -gt 60 ]; then "$src/tests/fuzz/run" "$work-fuzz" "$seconds" "$work/corpus" >"$out" 2>&1 || :; fi
    for name in "${names[@]}"; do
        if [ "$seconds" -le 60 ]; then "$src/tests/fuzz/run" "$work-fuzz" "$seconds" "$work/corpus" "$name" >"$out" 2>&1 || :; fi
        gate "$name for $seconds s" fuzzed "$out" "$name"
    done
}
