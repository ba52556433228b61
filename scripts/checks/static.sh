# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=bash disable=SC2154
# Jobs of scripts/check that read the sources.

# The files of the checkout, tracked or new, that match; from git, or by looking.
sources() {
    if git -C "$src" rev-parse --git-dir >/dev/null 2>&1; then
        git -C "$src" ls-files --cached --others --exclude-standard -- "$@" | while IFS= read -r file; do
            if [ -f "$src/$file" ]; then printf '%s\n' "$file"; fi
        done
    else
        local pattern
        for pattern in "$@"; do (cd "$src" && find . -type f -path "./$pattern" -not -path './build*' | sed 's|^\./||'); done
    fi | sort -u
}

shell_scripts() {
    sources '*' | while IFS= read -r file; do
        case $file in
        *.sh | *.bash | *.bats) printf '%s\n' "$file" ;;
        *.* | LICENSE) ;;
        *) if head -c 64 "$src/$file" | grep -aEq '^#!.*\b(sh|bash)$'; then printf '%s\n' "$file"; fi ;;
        esac
    done
}

lint_shell() {
    local file
    cd "$src" || return
    while IFS= read -r file; do
        case $file in
        share/offline/setup.sh) gate "shellcheck $file" shellcheck -S error "$file" ;; # nixpkgs' idioms
        # bats sets variables that shellcheck does not know of; a tilde is what a program shall print; its files are full of small pipelines.
        *.bats) gate "shellcheck $file" shellcheck -x -S warning -e SC2154,SC2088 "$file" ;;
        *) gate "shellcheck $file" shellcheck -x "$file" ;;
        esac
    done < <(shell_scripts)
}

lint_format() {
    local tool=clang-format version file
    if have clang-format-14; then tool=clang-format-14; fi
    version=$("$tool" --version | sed 's/.*version \([0-9]*\).*/\1/')
    if [ "$version" != 14 ]; then
        skip_job "clang-format 14 decides how the sources look; this is $version"
        return
    fi
    cd "$src" || return
    while IFS= read -r file; do
        gate "format $file" "$tool" --dry-run --Werror "$file"
    done < <(sources '*.c' '*.h' '*.cpp')
}

lint_sizes() {
    local files
    cd "$src" || return
    mapfile -t files < <(sources 'src/*.c' 'src/*.h' 'src/*.cpp')
    gate "functions have at most 80 lines, files about 500" awk -f scripts/lib/sizes.awk "${files[@]}"
    # Messages must be readable in every locale; src/cli/term.c chooses by the locale.
    gate "messages are ASCII" sh -c '! LC_ALL=C grep -nE "^[^/*]*\"[^\"]*[^ -~[:cntrl:]][^\"]*\"" "$@" | grep -v "^src/cli/term.c:" | grep .' - "${files[@]}"
    mapfile -t files < <(sources '*.c' '*.h' '*.cpp' '*.sh' '*.bats' '*.nix')
    gate "every source file names its licence" sh -c '! grep -L SPDX-License-Identifier "$@" | grep .' - "${files[@]}"
}

lint_man() {
    local file found=
    cd "$src" || return
    for file in man/*.[1578]; do
        if [ ! -e "$file" ]; then continue; fi
        found=1
        # Which manual pages are installed here is not about the page.
        gate "mandoc -Tlint $file" sh -c '! mandoc -Tlint "$1" 2>&1 | grep -v -e "referenced manual not found" -e "outdated mandoc.db lacks" | grep .' - "$file"
    done
    [ -n "$found" ]
}

# Files that differ from main, or all of them.
changed_or_all() {
    local base
    if [ -n "$fast" ] && base=$(git -C "$src" merge-base HEAD main 2>/dev/null); then
        { git -C "$src" diff --name-only "$base"; git -C "$src" ls-files --others --exclude-standard; } | sort -u |
            while IFS= read -r file; do if [ -f "$src/$file" ]; then echo "$file"; fi; done
    else
        sources '*'
    fi
}

# clang-tidy knows a file's flags from the clang build. One job for each file, so that two can run beside each other.
# Nearly all of its time goes into following paths. Unless there is time (--extended), it gives up on a function after a quarter
# of the steps that it would take.
lint_tidy() {
    local list depth=60000
    cd "$src" || return
    if [ -n "$extended" ]; then depth=225000; fi
    list=$(changed_or_all | grep -E '^src/.*\.c$' | grep -v -e '/macos_os\.c$' -e '/os_macos\.c$' -e 'src/backend/.*_macos' || :)
    if [ -z "$list" ]; then
        gate "clang-tidy: no source changed" true
        return
    fi
    printf '%s\n' "$list" | xargs -P "$places" -n 4 sh -c '
        dir=$1 out=$2 depth=$3; shift 3
        for file; do
            if clang-tidy --quiet -p "$dir" --extra-arg=-Xclang --extra-arg=-analyzer-config --extra-arg=-Xclang \
                --extra-arg="max-nodes=$depth" "$file" >"$out.$$" 2>&1; then echo "ok - clang-tidy $file"
            else echo "not ok - clang-tidy $file"; grep -v "warnings generated" "$out.$$"; fi
        done; rm -f "$out.$$"; :' - "$work-clang" "$results/$job.tmp" "$depth" | tee "$results/$job.tap"
    count "$(grep -c '^ok' "$results/$job.tap" || :)" "$(grep -c '^not ok' "$results/$job.tap" || :)" 0
}

# ctunullpointer takes sizeof err->message for a use of err; identicalInnerCondition is wrong about pointers to pointers.
lint_cppcheck() {
    cd "$src" || return
    mkdir -p "$work/cppcheck"
    gate "cppcheck" sh -c 'cppcheck --quiet --error-exitcode=1 --enable=warning,portability,performance --inline-suppr \
        --std=c11 --suppress=missingInclude --suppress=unknownMacro --suppress=ctunullpointer --suppress=identicalInnerCondition --suppress=normalCheckLevelMaxBranches -D__linux__ -D__x86_64__ -D_GNU_SOURCE -UNDEBUG \
        --cppcheck-build-dir="$0" -j "$1" -I src -I "$2" $(cat)' "$work/cppcheck" "$places" "$work-gcc" < <(sources 'src/*.c')
}

# SECURITY.md says of each defence which tests show it: `FILE`: "NAME", "NAME"; the name is a part of the test's.
lint_security() {
    cd "$src" || return
    gate "each defence of SECURITY.md names tests that are there" awk '
        function known(path, name,    line, found, cmd) {
            if (path == "src/selftest") path = "src/selftest/attempt_files.c src/selftest/attempt_kernel.c src/selftest/attempt_reach.c"
            cmd = "cat " path
            found = 0
            while ((cmd | getline line) > 0)
                if (path ~ /\.bats$/ ? line ~ /^@test / && index(line, name) : path ~ /^src/ ? index(line, "{\"" name "\"") : index(line, name "(void **state)")) found = 1
            close(cmd)
            return found
        }
        /^\| / && NF && !/^\| Promise/ {
            n = split($0, cells, " \\| "); rest = cells[n]; pairs = 0; path = ""
            while (match(rest, /`(tests|src)\/[A-Za-z0-9_\/.-]*`|"[^"]*"/)) {
                word = substr(rest, RSTART + 1, RLENGTH - 2)
                if (substr(rest, RSTART, 1) == "`") path = word
                else if (known(path, word)) pairs++
                else { print "SECURITY.md:" FNR ": " path " has no test \"" word "\""; bad = 1 }
                rest = substr(rest, RSTART + RLENGTH)
            }
            if (!pairs) { print "SECURITY.md:" FNR ": no test is named"; bad = 1 }
            total += pairs
        }
        END { print total " tests"; exit bad || total < 50 }' SECURITY.md
}
