#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes BENCHMARKS.md and bench.svg from bench.json. Usage: report.py DIR"""
import json
import sys
from html import escape
from pathlib import Path

BOUNDS = {"ratio to bare bwrap": 1.3, "over bare bwrap, ms": 1.2, "warm run, ms": 8.0, "cold run over nix-shell, ms": 150, "_direnv_hook, ms": 5.0,
          "supervisor, KiB": 3072, "3000 paths over 50, ms": 15.0, "300 binds to 100": 3.0, "slowest store mode to readonly": 1.2,
          "--debug on a build, ratio": 2.5, "limited over unlimited, ms": 15.0,
          "limited over unlimited as root, ms": 15.0, "limits that are not held, ms": 5.0,
          "gate: to connect, µs": 300, "gate: direct throughput to its own": 1.43}


def table(title, rows, base):
    lines = [f"### {title}", "", f"| | median ms | 90 % below | runs | ratio to {base} |", "|---|---:|---:|---:|---:|"]
    for name, row in rows.items():
        ratio = f"{row['median_ms'] / rows[base]['median_ms']:.2f}"
        lines.append(f"| {name} | {row['median_ms']} | {row['p90_ms']} | {row['runs']} | {ratio} |")
    return lines + [""]


def series(title, head, values):
    return [f"### {title}", "", f"| {head} | " + " | ".join(values) + " |", "|---|" + "---:|" * len(values),
            "| median ms | " + " | ".join(str(v) for v in values.values()) + " |", ""]


def limits_systemd(data):
    """What tests/vm/cost found; how it comes to the cost is in LIMITS.md."""
    names = {"unlimited": "no limits", "scoped": "in a scope of the user's systemd, nothing held", "limited": "held, in a scope of the user's systemd"}
    rows = {text: data["nspawn"]["tester"][name] for name, text in names.items() if name in data["nspawn"]["tester"]}
    title = f"Limits with systemd {data['nspawn']['systemd']}, in a container ({data['date']})"
    if data["busy"]:
        lines = [f"### {title}", "", f"The machine was busy: with real-time priority, the fastest of {data['runs']}, not the median.", "",
                 "| | fastest, ms |", "|---|---:|", *(f"| {name} | {row['min_ms']} |" for name, row in rows.items()), ""]
    else:
        lines = table(title, rows, "no limits")
    cost = data["cost"]["tester"]
    if "rest_ms" in cost:
        lines += [f"Where the kernel holds the limits, about {cost['rest_ms']} ms more, from user-mode Linux: see [LIMITS.md](LIMITS.md).", ""]
    move = float(data["nspawn"].get("move", 0))
    if 0 < move < 1:
        lines += [f"Moving a process to another cgroup took {move} ms here: the kernel had been told to favour that (favordynmods). By default, with 250 "
                  "ticks a second, it takes ten, and a limited start after a pause accordingly more: then the bound is kept only by cages that follow "
                  "each other. See [LIMITS.md](LIMITS.md).", ""]
    return lines


def bounds(data):
    start, paths = data.get("start", {}), data.get("closure_paths_ms", {})
    found = {}
    if "bwrap, same arguments" in start:
        ours, bare = start["nixcage run"]["median_ms"], start["bwrap, same arguments"]["median_ms"]
        found["ratio to bare bwrap"] = round(ours / bare, 2)
        found["over bare bwrap, ms"] = round(ours - bare, 2)
    if "nixcage run" in start:
        found["warm run, ms"] = start["nixcage run"]["median_ms"]
    if "cold" in data:
        cold = list(data["cold"].values())
        found["cold run over nix-shell, ms"] = round(cold[0]["median_ms"] - cold[1]["median_ms"], 2)
    if "hook" in data:
        found["_direnv_hook, ms"] = data["hook"]["nixcage _direnv_hook"]["median_ms"]
    if "debug_ratio" in data:
        found["--debug on a build, ratio"] = data["debug_ratio"]
    if {"100", "300"} <= data.get("binds_ms", {}).keys():
        found["300 binds to 100"] = round(data["binds_ms"]["300"] / data["binds_ms"]["100"], 2)
    if "store_modes" in data:
        modes = {name: row["median_ms"] for name, row in data["store_modes"].items()}
        found["slowest store mode to readonly"] = round(max(modes.values()) / modes["readonly"], 2)
    if len(data.get("limits", {})) == 2:
        free, held = (row["median_ms"] for row in data["limits"].values())
        is_held = any("by cgroup v2" in name for name in data["limits"])
        found["limited over unlimited, ms" if is_held else "limits that are not held, ms"] = round(held - free, 2)
    for user, suffix in ("tester", ""), ("root", " as root"):
        if "cost_ms" in data.get("limits_systemd", {}).get("cost", {}).get(user, {}):
            found[f"limited over unlimited{suffix}, ms"] = data["limits_systemd"]["cost"][user]["cost_ms"]
    if "gate" in data:
        found["gate: to connect, µs"] = data["gate"]["connect_us"] - data["gate"]["connect_direct_us"]
        found["gate: direct throughput to its own"] = round(data["gate"]["direct_mb_s"] / data["gate"]["mb_s"], 2)
    if "supervisor_rss_kib" in data:
        found["supervisor, KiB"] = data["supervisor_rss_kib"]
    if {"50", "3000"} <= paths.keys():
        found["3000 paths over 50, ms"] = round(paths["3000"] - paths["50"], 2)
    lines = ["### Bounds", "", "| | found | at most | |", "|---|---:|---:|---|"]
    for name, value in found.items():
        is_sum = name.startswith("limited over") and "rest_ms" in data.get("limits_systemd", {}).get("cost", {}).get("tester", {})
        note = " (estimated: see LIMITS.md" + (", of the fastest runs)" if data["limits_systemd"]["busy"] else ")") if is_sum else ""
        lines.append(f"| {name}{note} | {value} | {BOUNDS[name]} | {'held' if value <= BOUNDS[name] else '**not held**'} |")
    return lines + [""]


def markdown(data):
    lines = ["# Benchmarks", "", "Made by `./scripts/bench`; do not edit. The figures of one machine: the ratios are what to look at.", "",
             f"{data['date']}, {data['machine']}, {data['system']}, as {data['user']}, load {data['load']:.1f}"
             + (" (quick: few runs)" if data["quick"] else ""), "",
             ", ".join(f"{k}: {v}" for k, v in data["versions"].items()), "", "![start-up](bench.svg)", ""]
    for key, title, base in (("start", "Running `true`, environment known", "nixcage run"),
                             ("cold", "Nothing cached (the offline package set: evaluation of nixpkgs takes longer for both)", "nix-shell --pure"),
                             ("hook", "Entering a directory", "nixcage _direnv_hook"),
                             ("store_modes", "Store modes", "readonly"),
                             ("limits", "Limits", "no limits")):
        if key in data:
            lines += table(title, data[key], base)
    if "limits_systemd" in data:
        lines += limits_systemd(data["limits_systemd"])
    if data.get("start_left_out"):
        lines += ["Did not run here, so left out: " + ", ".join(data["start_left_out"]) + ".", ""]
    for key, title, head in (("closure_paths_ms", "Store paths in the closure", "paths"), ("binds_ms", "Shared directories", "binds")):
        if key in data:
            lines += series(title, head, data[key])
    if "gate" in data:
        gate = data["gate"]
        lines += ["### The network gate", "", "| | directly | through the gate |", "|---|---:|---:|",
                  f"| connect to first byte, µs | {gate['connect_direct_us']} | {gate['connect_us']} |",
                  f"| throughput, MB/s | {gate['direct_mb_s']} | {gate['mb_s']} |", ""]
    if "crowd" in data:
        crowd = data["crowd"]
        lines += [f"{crowd['cages']} cages started at once: all done after {crowd['seconds']} s, {crowd['failed']} failed. "
                  f"The supervisor of a running cage holds {data['supervisor_rss_kib']} KiB of memory.", ""]
    lines += bounds(data)
    for problem in data.get("problems", []):
        lines.append(f"Problem: {problem}")
    return "\n".join(lines).rstrip() + "\n"


def svg(rows):
    """Bars, as wide as the median; the longest fills the picture."""
    longest = max((r["median_ms"] for r in rows.values()), default=1)
    height = 30 * len(rows) + 30
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" width="760" height="{height}" font-family="sans-serif" font-size="14">',
           '<rect width="100%" height="100%" fill="white"/>', '<text x="10" y="20" fill="#555">running true, median in milliseconds</text>']
    for i, (name, row) in enumerate(rows.items()):
        y = 30 + 30 * i
        width = max(1, 440 * row["median_ms"] / longest)
        colour = "#2b6cb0" if name.startswith("nixcage") else "#a0aec0"
        out += [f'<text x="200" y="{y + 17}" text-anchor="end" fill="#222">{escape(name)}</text>',
                f'<rect x="210" y="{y + 3}" width="{width:.1f}" height="20" fill="{colour}"/>',
                f'<text x="{216 + width:.1f}" y="{y + 18}" fill="#222">{row["median_ms"]}</text>']
    return "\n".join(out + ["</svg>", ""])


def main():
    folder = Path(sys.argv[1])
    data = json.loads((folder / "bench.json").read_text())
    (folder / "BENCHMARKS.md").write_text(markdown(data))
    (folder / "bench.svg").write_text(svg(data.get("start", {})))


if __name__ == "__main__":
    main()
