#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Measures what entering a cage costs. Run by scripts/bench, inside tests/lib/inside.

Usage: measure.py [--quick] [--only=PART] REPLAY OUT.json
"""
import json
import os
import shutil
import statistics
import subprocess
import sys
import time
from pathlib import Path

NIXCAGE = os.environ["NIXCAGE"]
SRC = Path(os.environ["NIXCAGE_SRC"])
HOME = Path(os.environ["HOME"])
QUICK = "--quick" in sys.argv
ONLY = next((a.split("=", 1)[1] for a in sys.argv if a.startswith("--only=")), None)
REPLAY, OUT = [a for a in sys.argv[1:] if not a.startswith("--")]
ROUNDS, RUNS = (2, 5) if QUICK else (10, 20)
NULL = subprocess.DEVNULL


def say(text):
    print(f"bench: {text}", file=sys.stderr, flush=True)


def project(name, toml, **files):
    """A project of its own, allowed, and entered once."""
    path = HOME / name
    path.mkdir(parents=True)
    subprocess.run([NIXCAGE, "init", "--preset", "minimal"], cwd=path, check=True, stdout=NULL, stderr=NULL)
    (path / "nixcage.toml").write_text(toml)
    for file, text in files.items():
        (path / file.replace("_nix", ".nix")).write_text(text)
    subprocess.run([NIXCAGE, "allow", "--yes"], cwd=path, check=False, stdout=NULL, stderr=NULL)
    return path


def config(packages=("hello",), network=False, store_mode="readonly", **filesystem):
    lines = ["[sandbox.filesystem]"] + [f"{k} = {json.dumps(v)}" for k, v in filesystem.items()]
    lines += ["[sandbox.network]", f"allow = {str(network).lower()}", "[nix]", f"packages = {json.dumps(list(packages))}",
              f'store_mode = "{store_mode}"']
    return "\n".join(lines) + "\n"


def works(command, cwd):
    try:
        return subprocess.run(command, cwd=cwd, stdout=NULL, stderr=NULL, stdin=NULL, timeout=120).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


def interleaved(commands, cwd, rounds=ROUNDS, runs=RUNS, prepare=None):
    """{name: seconds of every run}: rounds of a few runs of each, so that a disturbance meets all of them."""
    times = {name: [] for name in commands}
    for _ in range(rounds):
        for name, command in commands.items():
            report = HOME / "hyperfine.json"
            extra = ["--prepare", prepare] if prepare else []
            subprocess.run(["hyperfine", "-N", "--style", "none", "--warmup", "1", "--runs", str(runs), *extra,
                            "--export-json", str(report), subprocess.list2cmdline([str(c) for c in command])],
                           cwd=cwd, check=True, stdout=NULL, stderr=NULL)
            times[name] += json.loads(report.read_text())["results"][0]["times"]
    return times


def figures(times):
    return {name: {"median_ms": round(statistics.median(t) * 1000, 2), "min_ms": round(min(t) * 1000, 2),
                   "p90_ms": round(sorted(t)[int(len(t) * 0.9)] * 1000, 2), "runs": len(t)}
            for name, t in times.items() if t}


def recorded(path):
    """Has nixcage run with a bwrap that writes down its arguments; returns the command that repeats them."""
    box = HOME / "record"
    box.mkdir(exist_ok=True)
    shutil.copy(SRC / "tests/bench/record-bwrap", box / "bwrap")
    env = dict(os.environ, PATH=f"{box}:{os.environ['PATH']}")
    subprocess.run([NIXCAGE, "run", "--", "true"], cwd=path, env=env, check=True)
    true = subprocess.run([NIXCAGE, "run", "--", "sh", "-c", "type -P true"], cwd=path, check=True,
                          capture_output=True, text=True).stdout.strip()
    if not (box / "recorded/list").exists():
        raise SystemExit("bench: nixcage did not start the recording bwrap")
    for name in "/bin/true", true:
        if name.startswith("/nix"):
            true = name
    return [REPLAY, str(box / "recorded"), "/usr/bin/bwrap", true if true.startswith("/") else "/bin/sh"]


def start_up():
    path = project("start", config())
    ours = [NIXCAGE, "run", "--", "true"]
    # What was written within the last moment is not remembered: the environment would be another one than the recorded.
    for _ in range(2):
        time.sleep(1.1)
        subprocess.run(ours, cwd=path, check=True)
    commands = {"nixcage run": ours, "bwrap, same arguments": recorded(path)}
    others = {
        "nix-shell --pure": ["nix-shell", "--pure", "-p", "hello", "--run", "true"],
        "sandbox-runtime (srt)": ["srt", "true"],
        "codex sandbox": ["codex", "sandbox", "true"],
        "firejail": ["firejail", "--quiet", "true"],
        "firejail --noprofile": ["firejail", "--quiet", "--noprofile", "true"],
    }
    if not works(others["codex sandbox"], path):
        others["codex sandbox"] = ["codex", "sandbox", "linux", "true"]
    left_out = []
    for name, command in others.items():
        if works(command, path):
            commands[name] = command
        else:
            left_out.append(name)
            say(f"{name} does not run here; left out")
    return {"start": figures(interleaved(commands, path)), "start_left_out": left_out}


def cold():
    path = project("cold", config())
    cache = Path(os.environ["XDG_CACHE_HOME"]) / "nixcage"
    ours = [NIXCAGE, "run", "--", "true"]
    theirs = ["nix-shell", "--pure", "-p", "hello", "--run", "true"]
    subprocess.run(theirs, cwd=path, check=True)
    subprocess.run(ours, cwd=path, check=True)
    return {"cold": figures(interleaved({"nixcage run, nothing cached": ours, "nix-shell --pure": theirs}, path,
                                        rounds=max(2, ROUNDS // 2), runs=max(3, RUNS // 4), prepare=f"rm -rf {cache}"))}


def hook():
    path = project("hook", config())
    commands = {"nixcage _direnv_hook": [NIXCAGE, "_direnv_hook"]}
    other = HOME / "hook-nix"
    other.mkdir()
    (other / ".envrc").write_text("use nix\n")
    (other / "shell.nix").write_text("with import <nixpkgs> { }; mkShell { packages = [ hello ]; }\n")
    if shutil.which("direnv") and works(["direnv", "allow", str(other)], other):
        exec_nix = ["direnv", "exec", str(other), "true"]
        if works(exec_nix, other):
            commands["direnv exec, use nix"] = exec_nix
    return {"hook": figures(interleaved(commands, path, runs=max(3, RUNS // 4)))}


def closures():
    """A package whose closure has N paths: plain texts that need no building."""
    sizes = [50, 300] if QUICK else [50, 300, 1000, 3000]
    overlay = Path(os.environ["XDG_CONFIG_HOME"]) / "nixpkgs/overlays.nix"
    overlay.parent.mkdir(parents=True, exist_ok=True)
    rows = "\n".join(f'many{n} = many {n};' for n in sizes)
    overlay.write_text("""[ (self: super: let many = n: super.runCommand "many-${toString n}" {
      text = builtins.concatStringsSep "\\n" (builtins.genList (i: "${builtins.toFile "t-${toString n}-${toString i}" "${toString i}"}") n);
      passAsFile = [ "text" ]; } "mkdir -p $out; cp $textPath $out/list"; in { """ + rows + " }) ]\n")
    commands = {}
    for n in sizes:
        path = project(f"closure{n}", config(packages=[f"many{n}"]))
        commands[str(n)] = [NIXCAGE, "run", path, "--", "true"]
        subprocess.run(commands[str(n)], check=True, stderr=NULL)
    times = figures(interleaved(commands, HOME, runs=max(3, RUNS // 2)))
    overlay.unlink()
    return {"closure_paths_ms": {n: row["median_ms"] for n, row in times.items()}}


def store_modes():
    commands = {}
    for mode in "readonly", "shared", "copy", "isolated":
        path = project(f"mode-{mode}", config(store_mode=mode))
        commands[mode] = [NIXCAGE, "run", path, "--", "true"]
        subprocess.run(commands[mode], check=True, stderr=NULL)
    return {"store_modes": figures(interleaved(commands, HOME, runs=max(3, RUNS // 2)))}


def limits():
    """A cage with limits beside one without: in a cgroup where the kernel can hold them, else what enforce = "warn" leaves."""
    commands = {}
    for name, lines in ("no limits", ""), ("cpus, memory and pids", '[sandbox.resources]\ncpus = 1\nmemory = "1G"\npids = 100\n'):
        for enforce in ["require", "warn"]:
            path = project(f"limits-{len(name)}-{enforce}", config() + (lines and lines + f'enforce = "{enforce}"\n'))
            command = [NIXCAGE, "run", path, "--", "true"]
            if works(command, HOME):
                held = "by cgroup v2" if enforce == "require" else "not held here: affinity and RLIMIT_NPROC"
                commands[f"{name}, {held}" if lines else name] = command
                break
    return {"limits": figures(interleaved(commands, HOME, runs=max(3, RUNS // 2)))}


def binds():
    commands = {}
    for n in [10, 50] if QUICK else [10, 50, 100, 200, 300]:
        sources = []
        for i in range(n):
            source = HOME / f"binds/{n}/{i}"
            source.mkdir(parents=True)
            sources.append(str(source))
        path = project(f"bind{n}", config(ro_bind=sources))
        commands[str(n)] = [NIXCAGE, "run", path, "--", "true"]
        subprocess.run(commands[str(n)], check=True)
    times = figures(interleaved(commands, HOME, rounds=max(2, ROUNDS // 2), runs=max(3, RUNS // 2)))
    return {"binds_ms": {n: row["median_ms"] for n, row in times.items()}}


def debug():
    """A build of ten small C files with the host's compiler, plain and under --debug. Runs alternate, and the lower quartiles are
    compared: other work only ever adds."""
    if not (shutil.which("gcc") and shutil.which("make")):
        return {}
    path = project("debug", "[sandbox.filesystem]\nsystem = true\n[sandbox.network]\nallow = false\n")
    for i in range(10):
        (path / f"f{i}.c").write_text(f"#include <stdio.h>\n#include <stdlib.h>\n#include <string.h>\n#include <unistd.h>\n"
                                      f"int f{i}(int x) {{ char b[99]; snprintf(b, sizeof b, \"%d\", x); return (int)strlen(b); }}\n")
    calls = "".join(f" + f{i}(1)" for i in range(10))
    (path / "main.c").write_text("".join(f"int f{i}(int);\n" for i in range(10)) + f"int main(void) {{ return 0{calls}; }}\n")
    (path / "Makefile").write_text("prog: $(patsubst %.c,%.o,$(wildcard *.c))\n\tgcc -o $@ $^\n%.o: %.c\n\tgcc -O1 -c -o $@ $<\n")
    commands = {"plain": [NIXCAGE, "run", "--", "make", "-s"], "--debug": [NIXCAGE, "run", "--debug", "--", "make", "-s"]}
    times = {name: [] for name in commands}
    for _ in range(5 if QUICK else 15):
        for name, command in commands.items():
            for made in [*path.glob("*.o"), path / "prog"]:
                made.unlink(missing_ok=True)
            begin = time.monotonic()
            subprocess.run(command, cwd=path, check=True, stdout=NULL, stderr=NULL)
            times[name].append(time.monotonic() - begin)
            if not (path / "prog").exists():
                raise OSError("the build made nothing")
    low = {name: statistics.quantiles(t, n=4)[0] for name, t in times.items()}
    return {"debug": figures(times), "debug_ratio": round(low["--debug"] / low["plain"], 2)}


def memory_and_crowd():
    path = project("crowd", config())
    subprocess.run([NIXCAGE, "run", "--", "true"], cwd=path, check=True)
    child = subprocess.Popen([NIXCAGE, "run", "--", "sh", "-c", "echo up; read -r line"], cwd=path,
                             stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    child.stdout.readline()
    time.sleep(1)  # what it holds while it waits, not what its start took
    status = Path(f"/proc/{child.pid}/status").read_text()
    rss = int(next(line for line in status.splitlines() if line.startswith("VmRSS")).split()[1])
    child.communicate(b"\n")
    count = 20 if QUICK else 100
    begin = time.monotonic()
    crowd = [subprocess.Popen([NIXCAGE, "run", "--", "true"], cwd=path, stdin=NULL) for _ in range(count)]
    failed = sum(p.wait() != 0 for p in crowd)
    return {"supervisor_rss_kib": rss,
            "crowd": {"cages": count, "failed": failed, "seconds": round(time.monotonic() - begin, 2)}}


def machine():
    def version(*command):
        try:
            text = subprocess.run(command, capture_output=True, text=True, timeout=60)
            return (text.stdout or text.stderr).strip().splitlines()[0]
        except (OSError, IndexError, subprocess.TimeoutExpired):
            return "not there"

    cpu = next((line.split(":")[1].strip() for line in Path("/proc/cpuinfo").read_text().splitlines()
                if line.startswith("model name")), os.uname().machine)
    release = dict(line.split("=", 1) for line in Path("/etc/os-release").read_text().splitlines() if "=" in line)
    return {
        "date": time.strftime("%Y-%m-%d"),
        "machine": f"{cpu}, {os.cpu_count()} processors",
        "system": f"{release.get('PRETTY_NAME', '?').strip(chr(34))}, Linux {os.uname().release}",
        "load": os.getloadavg()[0],
        "user": "root" if os.getuid() == 0 else "ordinary user",
        "versions": {"nixcage": version(NIXCAGE, "--version"), "bubblewrap": version("bwrap", "--version"),
                     "Nix": version("nix-shell", "--version"), "sandbox-runtime": version("srt", "--version"),
                     "Codex": version("codex", "--version"), "firejail": version("firejail", "--version"),
                     "direnv": version("direnv", "version")},
    }


def main():
    result = machine()
    result["quick"] = QUICK
    parts = (start_up, cold, hook, closures, store_modes, limits, binds, debug, memory_and_crowd)
    if ONLY and ONLY not in [part.__name__ for part in parts]:
        raise SystemExit(f"bench: --only takes one of {' '.join(part.__name__ for part in parts)}")
    for part in [part for part in parts if ONLY in (None, part.__name__)]:
        say(part.__name__.replace("_", " "))
        try:
            result.update(part())
        except (subprocess.CalledProcessError, OSError) as error:
            result.setdefault("problems", []).append(f"{part.__name__}: {error}")
            say(f"{part.__name__}: {error}")
    Path(OUT).write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
