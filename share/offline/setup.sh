# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=bash disable=SC2154,SC2123
# $stdenv/setup of the offline package set: the parts of nixpkgs' that an environment is made by.
# `SHELL` and `initialPath` are set in the lines put before this file.
__setup_options=$-
set -eu

# Structured attributes: the outputs arrive as an associative array.
if [ -n "${NIX_ATTRS_SH_FILE:-}" ] || [ -n "${__structuredAttrs:-}" ]; then
    if [[ "$(declare -p outputs 2>/dev/null)" == "declare -A"* ]]; then
        for __name in "${!outputs[@]}"; do
            export "$__name=${outputs[$__name]}"
        done
    fi
    if [[ "$(declare -p env 2>/dev/null)" == "declare -A"* ]]; then
        for __name in "${!env[@]}"; do
            export "$__name=${env[$__name]}"
        done
    fi
    unset __name
fi

_eval() {
    if declare -F "$1" >/dev/null; then
        "$@"
    else
        eval "$1"
    fi
}

runHook() {
    local hook=$1 item
    local -n array="${hook%Hook}Hooks"
    shift
    for item in ${array[@]+"${array[@]}"}; do
        _eval "$item" "$@"
    done
    if declare -F "$hook" >/dev/null; then
        "$hook" "$@"
    elif [ -n "${!hook:-}" ]; then
        eval "${!hook}"
    fi
    return 0
}

exitHandler() {
    local code=$? hook
    set +e
    # Somebody who sources this file may have registered hooks before.
    for hook in ${exitHooks[@]+"${exitHooks[@]}"}; do
        eval "$hook"
    done
    if [ "$code" != 0 ]; then
        for hook in ${failureHooks[@]+"${failureHooks[@]}"}; do
            eval "$hook"
        done
    fi
    return "$code"
}
trap 'exitHandler' EXIT

addToSearchPathWithCustomDelimiter() {
    local delimiter=$1 name=$2 dir=$3
    if [ -d "$dir" ]; then
        export "$name=${!name:-}${!name:+$delimiter}$dir"
    fi
}

addToSearchPath() {
    addToSearchPathWithCustomDelimiter : "$@"
}

envHooks=()
addEnvHooks() {
    local hook
    # nixpkgs has the host offset as first parameter; here it may be left out.
    if [[ ${1:-} =~ ^-?[0-9]+$ ]]; then
        shift
    fi
    for hook in "$@"; do
        envHooks+=("$hook")
    done
}

# All inputs with what they propagate, each once, in the order of nixpkgs: an input before its propagated ones.
allInputs=()
findInputs() {
    local package=$1 known propagated file
    for known in ${allInputs[@]+"${allInputs[@]}"}; do
        [ "$known" != "$package" ] || return 0
    done
    if [ ! -e "$package" ]; then
        echo "build input $package does not exist" >&2
        exit 1
    fi
    allInputs+=("$package")
    for file in propagated-build-inputs propagated-native-build-inputs; do
        if [ -f "$package/nix-support/$file" ]; then
            for propagated in $(<"$package/nix-support/$file"); do
                findInputs "$propagated"
            done
        fi
    done
}

# A list is a string of words, or an array when attributes are structured.
concatTo() {
    local -n target=$1
    local name
    shift
    for name in "$@"; do
        if [[ "$(declare -p "$name" 2>/dev/null)" == "declare -a"* ]]; then
            local -n source_array=$name
            target+=(${source_array[@]+"${source_array[@]}"})
            unset -n source_array
        else
            # shellcheck disable=SC2206
            target+=(${!name:-})
        fi
    done
}

PATH=
HOST_PATH=
for __dir in $initialPath; do
    addToSearchPath PATH "$__dir/bin"
done
unset __dir

__inputs=()
concatTo __inputs nativeBuildInputs propagatedNativeBuildInputs buildInputs propagatedBuildInputs
for __input in ${__inputs[@]+"${__inputs[@]}"}; do
    findInputs "$__input"
done
unset __inputs

_PATH=
for __input in ${allInputs[@]+"${allInputs[@]}"}; do
    addToSearchPath _PATH "$__input/bin"
    addToSearchPath HOST_PATH "$__input/bin"
    addToSearchPath XDG_DATA_DIRS "$__input/share"
    if [ -f "$__input/nix-support/setup-hook" ]; then
        # shellcheck disable=SC1091
        source "$__input/nix-support/setup-hook"
    fi
done
for __input in ${allInputs[@]+"${allInputs[@]}"}; do
    for __hook in ${envHooks[@]+"${envHooks[@]}"}; do
        "$__hook" "$__input"
    done
done
unset __input __hook
export PATH="$_PATH${_PATH:+:}$PATH"
export HOST_PATH
export -n _PATH
unset _PATH

export CONFIG_SHELL=$SHELL
export SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-315532800}
export NIX_ENFORCE_PURITY=${NIX_ENFORCE_PURITY:-1}
export NIX_BUILD_TOP=${NIX_BUILD_TOP:-$PWD}

# What a package propagates, for those that depend on it.
recordPropagated() {
    local words
    mkdir -p "$out/nix-support"
    words=()
    concatTo words propagatedBuildInputs
    [ ${#words[@]} = 0 ] || echo "${words[*]}" >"$out/nix-support/propagated-build-inputs"
    words=()
    concatTo words propagatedNativeBuildInputs
    [ ${#words[@]} = 0 ] || echo "${words[*]}" >"$out/nix-support/propagated-native-build-inputs"
}

genericBuild() {
    local phase
    if [ -f "${buildCommandPath:-}" ]; then
        # shellcheck disable=SC1090
        source "$buildCommandPath"
    elif [ -n "${buildCommand:-}" ]; then
        eval "$buildCommand"
    else
        for phase in ${phases:-buildPhase installPhase}; do
            if [ -n "${!phase:-}" ] || declare -F "$phase" >/dev/null; then
                runHook "pre${phase^}"
                if declare -F "$phase" >/dev/null; then "$phase"; else eval "${!phase}"; fi
                runHook "post${phase^}"
            fi
        done
    fi
}

# Restore the options of a shell that sources this file (nix-shell); a builder keeps them.
[[ $__setup_options == *e* ]] || set +e
[[ $__setup_options == *u* ]] || set +u
unset __setup_options
