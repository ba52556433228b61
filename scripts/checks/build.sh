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

# fuzz NAME SECONDS: one target, with its seeds; new inputs go to $work/corpus. The last line tells what it did.
fuzz() {
    local name=$1 seconds=$2 status=0 corpus seeds log=$results/$job.$1
    corpus=$work/corpus/$name seeds=$src/tests/fuzz/corpus/${name#fuzz_}
    mkdir -p "$corpus"
    local words=(-max_total_time="$seconds" -timeout=60 -rss_limit_mb=1536 -artifact_prefix="$work/corpus/$name-" -print_final_stats=1 -verbosity=0)
    if [ "$name" = fuzz_config ]; then words+=(-dict="$src/tests/fuzz/config.dict"); fi
    TIMEFORMAT='%U %S'
    { time "$work-fuzz/tests/fuzz/$name" "${words[@]}" "$corpus" "$seeds" >"$log" 2>&1; } 2>"$log.time" || status=$?
    if [ "$status" != 0 ]; then cat "$log"; fi
    awk -v name="$name" -v seconds="$seconds" -v units="$(find "$corpus" -type f | wc -l)" '
        NR == FNR { cpu = $1 + $2; next }
        /number_of_executed_units/ { n = $2 }
        END { printf "# %d executions of %s in %d s, %d s of processor time, %d inputs kept\n", n, name, seconds, cpu, units }' "$log.time" "$log"
    return "$status"
}

run_fuzzers() {
    local fuzzer name found= seconds=${FUZZ_SECONDS:-15} i status pids=() names=()
    compiler clang clang++
    configure fuzz -Dfuzz=true --buildtype=debugoptimized -Db_sanitize=address,undefined -Db_lundef=false
    # Only these: the static programs of the cage cannot be linked with the fuzzers' instrumentation.
    # shellcheck disable=SC2046
    ninja -C "$work-fuzz" $(cd "$src" && for f in tests/fuzz/fuzz_*.c; do echo "${f%.c}"; done)
    for fuzzer in "$work-fuzz"/tests/fuzz/*; do
        if [ ! -f "$fuzzer" ] || [ ! -x "$fuzzer" ]; then continue; fi
        found=1
        name=${fuzzer##*/}
        # Hours are spent beside each other.
        if [ "$seconds" -gt 60 ]; then
            fuzz "$name" "$seconds" >"$results/$job.$name.out" 2>&1 &
            pids+=($!) names+=("$name")
        else
            gate "$name for $seconds s" fuzz "$name" "$seconds"
        fi
    done
    for i in "${!names[@]}"; do
        status=0
        wait "${pids[i]}" || status=$?
        gate "${names[i]} for $seconds s" sh -c 'cat "$1"; exit "$2"' - "$results/$job.${names[i]}.out" "$status"
    done
    [ -n "$found" ]
}
