# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=bash
# Helpers for the network tests; `load helpers/net` after common.

# net_project LINES: a project of the host's system with these lines in [sandbox.network].
net_project() {
    make_project "net$((++net_projects))" <<EOF
[sandbox.filesystem]
system = true
[sandbox.network]
$1
EOF
    cp "$NET_DIR/cert.pem" "$NET_DIR/client.py" .
}
net_projects=0

# The log of the projects of this test's user.
net_log() {
    cat "$XDG_STATE_HOME"/nixcage/log/*.jsonl
}

# in_cage WHAT HOST [N]: client.py in the cage.
in_cage() {
    run_cage python3 client.py "$@"
}
