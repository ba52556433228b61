# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=bash
# plan --sbpl and plan --platform macos: a Mac's cage, seen from here.

load ../lib/common

setup() {
    [ "$(uname)" = Linux ] || skip "describes a Mac from elsewhere"
}

@test "the profile of a described Mac needs neither Nix nor trust" {
    mkdir -p project/bound && cd project
    printf '[nix]\npackages = ["jq"]\n[sandbox.filesystem]\nro_bind = ["bound"]\nblacklist = ["%s"]\n' \
        "$PWD/hidden" >nixcage.toml
    PATH=/usr/bin:/bin NIX_PATH='' run_split "$NIXCAGE" plan --platform macos --sbpl
    assert_status 0
    [[ $output == "(version 1)
(deny default)"* ]]
    [[ $output == *"(subpath \"$(pwd -P)/bound\")"* || $output == *"/bound\")"* ]]
    [[ $output == *"; blacklist"*"/hidden\")"*"; protected"*"nixcage.toml"*"; pins"* ]]
    [[ $output != *"network*"* ]]
}

@test "the plan of a described Mac says what is different there" {
    mkdir -p project && cd project
    printf '[nix]\npackages = ["jq"]\nstore_mode = "shared"\n' >nixcage.toml
    run_split "$NIXCAGE" plan --platform macos
    assert_status 0
    [[ $output == *"/nix/var/nix/daemon-socket/socket"* ]]
    printf '[sandbox.resources]\nmemory = "1G"\n' >nixcage.toml
    run_split "$NIXCAGE" plan --platform macos
    assert_status 125
    [[ $stderr == *"nixcage.toml:2:"*"macOS has no way"* ]]
}

@test "the plan of a described Mac is a tree of what is used where it lies" {
    mkdir -p project/bound && cd project
    printf '[nix]\npackages = ["jq"]\n[sandbox.filesystem]\nro_bind = ["bound"]\nblacklist = ["~/.ssh"]\n' >nixcage.toml
    printf '[sandbox.network]\nhosts = ["api.example.org"]\n' >>nixcage.toml
    run_split "$NIXCAGE" plan --platform macos
    assert_status 0
    [[ $output == *"Project     $(pwd -P)"*"Level       standard"*"Network     a proxy on one port of localhost: hosts (nixcage.toml:7)
            api.example.org"* ]]
    [[ $output == *"/nix/store"* && $output == *"bound"* && $output == *".ssh"* ]]
    [[ $output == *"everything else but the system's own is not permitted"* && $output == *"the cage cannot make it"* ]]
    [[ $output == *"HTTPS_PROXY "*"the gate's proxy (nixcage.toml:7)"* ]]
    # Nothing of what Linux makes up.
    local made_up
    for made_up in /proc /dev/shm /etc/passwd tmpfs; do [[ $output != *"$made_up"* ]] || { echo "$output"; return 1; }; done
    run_split "$NIXCAGE" plan --platform macos --sbpl
    assert_status 0
    [[ $output == *'(remote ip "localhost:49152")'* ]]
    [[ $output != *mDNSResponder* ]]
}

@test "--sbpl alone says where it belongs" {
    mkdir -p project && cd project && : >nixcage.toml
    run_split "$NIXCAGE" plan --sbpl
    assert_status 125
    [[ $stderr == *"--platform macos"* ]]
    run_split "$NIXCAGE" plan --platform plan9
    assert_status 125
}
