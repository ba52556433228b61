#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Adds up what tests/vm/cost has timed. Usage: cost.py [--busy] [--json=FILE] [--write=LIMITS.md] NSPAWN.log [HELD.log BARE.log]

All differences are of medians of runs that alternate; with --busy of the fastest, since other work only ever adds.
"""
import json
import os
import sys
import textwrap
import time
from pathlib import Path

HEADING = "## What a limited start costs"
USERS = {"tester": "ordinary user", "root": "root"}
BOUND_MS = 15
BUSY = "--busy" in sys.argv
TIME = "min_ms" if BUSY else "median_ms"


def read(path):
    """{user: {name: figures}} of a guest; its versions beside them."""
    guest, figures = {}, None
    for line in Path(path).read_text().splitlines():
        words = line.split()
        if words[:2] == ["#", "user"]:
            figures = guest.setdefault(words[2], {})
        elif words[:1] == ["#"] and words[1] in ("systemd", "kernel", "move"):
            guest[words[1]] = words[2]
        elif words[:2] == ["#", "figure"]:
            low, median, p90, runs = words[3:7]
            figures[words[2]] = {"median_ms": float(median), "min_ms": float(low), "p90_ms": float(p90), "runs": int(runs)}
    return guest


def over(figures, name, suffix=""):
    return figures[name + suffix][TIME] - figures["unlimited" + suffix][TIME]


def medians(figures, suffix=""):
    """The same of the medians, which is what is usual."""
    name = "limited" if "limited" in figures else "scoped"
    return round(figures[name + suffix]["median_ms"] - figures["unlimited" + suffix]["median_ms"], 2)


def slowness(native, uml):
    """How many times slower the guest is, by what it is least slow at: so that what is divided by it stays large."""
    return min(uml[name][TIME] / native[name][TIME] for name in ("bwrap", "scope", "unlimited"))


def add_up(native, held, bare):
    """What a limited start costs over an unlimited one, and what that is made of; milliseconds."""
    if "limited" in native:
        return {"cost_ms": round(over(native, "limited"), 2), "after_ms": round(over(native, "limited", "_after"), 2)}
    found = {"scope_ms": round(over(native, "scoped"), 2), "after_ms": round(over(native, "scoped", "_after"), 2)}
    if held and bare:
        found["uml_limited_ms"] = round(over(held, "limited"), 2)
        found["uml_scope_ms"] = round(over(bare, "scoped"), 2)
        found["uml_slower"] = round(min(slowness(native, held), slowness(native, bare)), 2)
        rest = max(0, found["uml_limited_ms"] - found["uml_scope_ms"]) / found["uml_slower"]
        found["rest_ms"] = round(rest, 2)
        found["cost_ms"] = round(found["scope_ms"] + rest, 2)
    return found


def row(what, values, unit=""):
    return f"| {what} | " + " | ".join(f"{value}{unit}" for value in values) + " |"


def section(data):
    nspawn, sums = data["nspawn"], [data["cost"][user] for user in USERS]
    time_of = lambda guest, name: [guest[user][name][TIME] for user in USERS]
    busy = ", so with real-time priority and the fastest of each" if BUSY else ", medians"
    lines = [HEADING, "", f"Made by `tests/vm/cost --write`. {data['date']}, {data['runs']} runs of each, in turn, at a load of {data['load']:.0f}{busy}; "
             "milliseconds.", "", "| | ordinary user | root |", "|---|---:|---:|"]
    if "limited" in nspawn["tester"]:
        return lines + [row("an unlimited cage", time_of(nspawn, "unlimited")), row("a limited one", time_of(nspawn, "limited")),
                        row("**the cost** (at most 15)", [cost["cost_ms"] for cost in sums]),
                        row("the cost right after another one", [cost["after_ms"] for cost in sums])]
    lines += [row("an unlimited cage", time_of(nspawn, "unlimited")),
              row("a cage in a scope of systemd, nothing held", time_of(nspawn, "scoped")),
              row("so the scope takes", [cost["scope_ms"] for cost in sums]),
              row("right after another cage in a scope it takes", [cost["after_ms"] for cost in sums])]
    if "move" in nspawn:
        lines += [row("of that, moving one process to another cgroup after a pause", [nspawn["move"]] * 2)]
    if BUSY:
        lines += [row(f"medians instead of the fastest: {what}", [medians(nspawn[user], suffix) for user in USERS])
                  for what, suffix in (("the scope takes", ""), ("right after another", "_after"))]
    if "uml_held" not in data:
        return lines + ["", f"systemd {nspawn['systemd']} in a container of this machine, where it has no controllers: what holding the limits "
                        "adds was not measured."]
    lines += [row("user-mode Linux: a limited cage over an unlimited one", [cost["uml_limited_ms"] for cost in sums]),
              row("user-mode Linux without controllers: a cage in a scope over an unlimited one", [cost["uml_scope_ms"] for cost in sums]),
              row("at least so many times slower is user-mode Linux", [cost["uml_slower"] for cost in sums]),
              row("so holding and verifying the limits adds about", [cost["rest_ms"] for cost in sums]),
              row(f"**the cost of limits** (at most {BOUND_MS})", [f"**{cost['cost_ms']}**" for cost in sums]), "",
              f"The first three lines are times of this machine, of nixcage under systemd {nspawn['systemd']} in a container (Linux {nspawn['kernel']}), "
              "which has no controllers there: nixcage would refuse to start, so it was linked with a made-up cgroup tree in the place of "
              "/sys/fs/cgroup (`tests/vm/held.c`). All the rest is as it is: it asks systemd for the scope, makes its plan meanwhile, waits, and "
              "compares the limits, with those in the tree.", "",
              "A tenth of a second passes before each start, but for the line that says otherwise. Before the kernel moves a process to another "
              "cgroup, it waits for an RCU grace period, ten milliseconds and more where the processors are idle and tick 250 times a second, "
              "unless a process was moved a moment before. Every way into a scope of systemd leads through that. A kernel that was told to favour "
              "such moves does not wait (`mount -o remount,favordynmods /sys/fs/cgroup`, from Linux 6.0 on; 6.18 stays so until it is started "
              "again): then the line about moving one process is below a millisecond, and starts and ends of processes cost more by a little.", "",
              *(["**That was so here.** Where it is not, a start after a pause is dearer: on 2026-11-28, with two idle processors that tick 250 times a "
                 "second, systemd 257 and nothing held, 21 ms over an unlimited one for the user and 20 for root, medians (29 and 29 with systemd-run instead "
                 "of nixcage's own request), and 8 and 13 right after another cage. So by default 15 ms are kept there only by cages that follow each other.", ""]
                if 0 < float(nspawn.get("move", 0)) < 1 else []),
              f"User-mode Linux ({data['uml_held']['kernel']}) has the controllers, and the limits are held and verified there. But system calls are "
              "slow: by the least of the factors that a plain bwrap, a plain scope and an unlimited cage show, what the controllers add is "
              "scaled down (0: below the noise). The last two lines are thus an estimate; measured on this machine itself is the scope, which is most of it."]
    if BUSY:
        lines += ["", "The sum is of the fastest starts; the medians say what is usual. On a machine this busy all of it differs by some "
                  "milliseconds from one run to the next."]
    return lines


def write_section(path, lines):
    document = Path(path)
    before = document.read_text().split(HEADING)[0].rstrip() if document.exists() else "# Limits"
    wrapped = [line if line.startswith("|") else textwrap.fill(line, 120) for line in lines]
    document.write_text(before + "\n\n" + "\n".join(wrapped) + "\n")


def main():
    options = [word for word in sys.argv[1:] if word.startswith("--")]
    logs = [read(word) for word in sys.argv[1:] if not word.startswith("--")]
    value = lambda name: next((o.split("=", 1)[1] for o in options if o.startswith(f"--{name}=")), None)
    data = {"date": time.strftime("%Y-%m-%d"), "load": os.getloadavg()[0], "busy": BUSY, "nspawn": logs[0],
            "runs": logs[0]["tester"]["unlimited"]["runs"]}
    if len(logs) == 3:
        data["uml_held"], data["uml_bare"] = logs[1:]
    data["cost"] = {user: add_up(logs[0][user], data.get("uml_held", {}).get(user), data.get("uml_bare", {}).get(user)) for user in USERS}
    lines = section(data)
    print("\n".join(lines))
    if value("json"):
        Path(value("json")).write_text(json.dumps(data, indent=1) + "\n")
    if value("write"):
        write_section(value("write"), lines)
    sys.exit(any(cost.get("cost_ms", 0) > BOUND_MS for cost in data["cost"].values()))


if __name__ == "__main__":
    main()
