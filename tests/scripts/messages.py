#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""The catalogue of messages: every place in the sources that makes one, what it says, and where its fix comes from.

Usage: messages.py [--update] CATALOGUE [SOURCE_DIR]

Fails when the catalogue is not what the sources have, and for a message of bad form. A fix is one of
  hint: TEXT   the hint that is set beside it
  errno        of a failed system call: cage_error_render() gives a hint by errno
  bug          an internal error: cage_error_render() says how to report it
  adds         puts words before another message, which keeps its fix
  note         a notice of something that was done all the same; it says so
  says         the message itself says what to do; a reader has looked at it: --update keeps it, and never writes it
--update writes NONE for the rest, which fails until it has a hint or somebody writes `says`.
"""
import re
import sys
from pathlib import Path

CALLS = {"cage_error_set": "set", "cage_error_sys": "errno", "cage_config_error": "set", "cage_error_wrap": "adds",
         "cage_error_hint": "hint", "cage_cli_note": "note", "init_fail": "errno"}
STRING = r'"(?:\\.|[^"\\])*"'
TOKEN = re.compile(rf"/\*.*?\*/|//[^\n]*|{STRING}|'(?:\\.|[^'\\])*'|[A-Za-z_]\w*|PRI\w+|\n|\S", re.S)
WRITES_ITSELF = {"src/base/error.c", "src/config/message.c", "src/init/main.c"}  # what the calls are made of


def tokens(text):
    line, found = 1, []
    for match in TOKEN.finditer(text):
        token = match.group()
        if not token.startswith(("/*", "//")) and token != "\n":
            found.append((token, line))
        line += token.count("\n")
    return found


def arguments(found, i):
    """The top-level arguments after the parenthesis at i, as lists of tokens; and where they end."""
    depth, args = 0, [[]]
    while i < len(found):
        token = found[i][0]
        if token in "([{":
            depth += 1
        elif token in ")]}":
            depth -= 1
            if depth == 0:
                return args, i
        if depth == 1 and token == ",":
            args.append([])
        elif not (depth == 1 and token == "("):
            args[-1].append(token)
        i += 1
    return args, i


def text_of(args):
    """The format: the first argument with a string in it."""
    for argument in args:
        strings = [t for t in argument if t.startswith('"')]
        if strings:
            join = " / " if "?" in argument else ""
            return join.join(t[1:-1] for t in strings).strip()
    return "(variable)"


def messages(path):
    """(function, kind, text, whether its value is returned) of each call, in order."""
    source = path.read_text()
    found = tokens(source)
    calls = dict(CALLS)
    # A macro of the file for one of the calls.
    for name, target in re.findall(r"#define (\w+)\([^)]*\)\s*\\?\s*(cage_\w+)\(", source):
        if target in CALLS:
            calls[name] = CALLS[target]
    # A function that returns a hint is one.
    for name in re.findall(r"^static int (\w+)\(", source, re.M):
        body = re.search(rf"^static int {name}\([^;]*?^{{(.*?)^}}", source, re.M | re.S)
        if body and "cage_error_hint(" in body.group(1) and not re.search(r"cage_(error_set|error_sys|config_error)\(|\bfail\(", body.group(1)):
            calls[name] = "hint"
    function, depth, rows, i = "?", 0, [], 0
    while i < len(found):
        token = found[i][0]
        if token == "{":
            depth += 1
        elif token == "}":
            depth -= 1
        elif depth == 0 and token == "(" and i and re.match(r"[A-Za-z_]\w*$", found[i - 1][0]):
            if found[i - 1][0] not in ("__attribute__", "CAGE_PRINTF"):
                function = found[i - 1][0]
        elif depth > 0 and token in calls and i + 1 < len(found) and found[i + 1][0] == "(":
            args, end = arguments(found, i + 1)
            flat = [t for a in args for t in a]
            kind = "bug" if "CAGE_ERR_INTERNAL" in flat else calls[token]
            # A call may be an argument of nothing else, so what is inside is not looked at again.
            rows.append((function, kind, text_of(args), found[i - 1][0] == "return"))
            i = end
        i += 1
    return rows


def catalogue(source):
    """{(file, function, text): fix}, NONE where the sources show none."""
    rows = {}
    for path in sorted(source.glob("src/**/*.c*")):
        name = str(path.relative_to(source))
        if name in WRITES_ITSELF or name.startswith("src/selftest/"):
            continue
        calls = messages(path)
        for n, (function, kind, text, _) in enumerate(calls):
            if kind == "hint":
                continue
            # What returns is followed by nothing of its own.
            after = [c for c in calls[n + 1:n + 3] if c[0] == function] if not calls[n][3] else []
            # Two ways to say it may share the hint after them.
            if kind == "set" and len(after) > 1 and after[0][1] == "set":
                after = after[1:]
            hint = after[0][2] if after and after[0][1] == "hint" else None
            fix = f"hint: {hint}" if hint else "NONE" if kind == "set" else kind
            rows[(name, function, text)] = fix
    return rows


def write(rows):
    lines, last = [], None
    for (name, function, text), fix in rows.items():
        if name != last:
            lines += ([""] if lines else []) + [name]
        last = name
        lines += [f"  {function}: {text}", f"      {fix}"]
    return "\n".join(lines) + "\n"


def read(text):
    rows, name, key = {}, None, None
    for line in text.splitlines():
        if line.startswith("      "):
            rows[key] = line.strip()
        elif line.startswith("  "):
            function, _, message = line.strip().partition(": ")
            key = (name, function, message)
        elif line:
            name = line
    return rows


def problems_of(key, fix):
    text, found = key[2], []
    if fix == "NONE":
        found.append("nothing says how to fix it: add a hint, or write `says` when the message does")
    if text.rstrip().endswith((".", "!")) and not text.endswith("..."):
        found.append("ends like a sentence; messages are clauses")
    for pattern, why in ((r"\b(invalid|illegal|bad) (argument|value|input)\b", "does not say what is wrong with it"),
                         (r"^(error|failed|failure)\b", "begins with what is clear already"), (r"\\n.", "more than one line")):
        if re.search(pattern, text, re.I):
            found.append(why)
    if fix.startswith("hint: ") and fix.rstrip().endswith("."):
        found.append("the hint ends with a full stop")
    return found


def main():
    update = "--update" in sys.argv
    args = [a for a in sys.argv[1:] if a != "--update"]
    path, source = Path(args[0]), Path(args[1] if len(args) > 1 else ".")
    known, now = read(path.read_text()) if path.exists() else {}, catalogue(source)
    for key, fix in now.items():
        if fix == "NONE" and known.get(key) == "says":
            now[key] = "says"
    if update:
        path.write_text(write(now))
    bad = [f"{k[0]}: {k[1]}: \"{k[2]}\": {why}" for k, fix in now.items() for why in problems_of(k, fix)]
    if not update:
        bad += [f"{k[0]}: {k[1]}: \"{k[2]}\": not in the catalogue as it is now" for k in now if known.get(k) != now[k]]
        bad += [f"{k[0]}: {k[1]}: \"{k[2]}\": in the catalogue, not in the sources" for k in known if k not in now]
    for line in bad:
        print(line)
    print(f"{len(now)} messages, {len(bad)} problems")
    return 1 if bad or len(now) < 200 else 0


if __name__ == "__main__":
    sys.exit(main())
