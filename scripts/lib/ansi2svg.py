# SPDX-License-Identifier: GPL-3.0-or-later
"""ansi2svg.py TITLE: terminal output on standard input as an SVG picture of text, for light and dark pages.

Understands colours and bold (SGR); a line that starts with "$ " is what the user typed."""
import re
import sys
from xml.sax.saxutils import escape

CHAR, LINE, PAD, SIZE = 7.8, 18, 14, 13
NAMES = {1: "bold", 2: "dim", 31: "red", 32: "green", 33: "yellow", 34: "blue", 35: "magenta", 36: "cyan"}
STYLE = """
    .page { fill: #f6f8fa; stroke: #d0d7de }
    text { fill: #1f2328; white-space: pre; font: 13px ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace }
    .bold { font-weight: bold } .dim, .prompt { fill: #59636e } .typed { font-weight: bold }
    .red { fill: #cf222e } .green { fill: #116329 } .yellow { fill: #7d4e00 } .blue { fill: #0550ae }
    .magenta { fill: #8250df } .cyan { fill: #1b7c83 }
    @media (prefers-color-scheme: dark) {
      .page { fill: #151b23; stroke: #3d444d } text { fill: #e6edf3 } .dim, .prompt { fill: #9198a1 }
      .red { fill: #ff7b72 } .green { fill: #56d364 } .yellow { fill: #e3b341 } .blue { fill: #79c0ff }
      .magenta { fill: #d2a8ff } .cyan { fill: #76e3ea }
    }
"""


def spans(line):
    """The line as pairs of text and class names."""
    if line.startswith("$ "):
        return [("$ ", "prompt"), (line[2:], "typed")]
    out, state = [], []
    for part in re.split(r"(\x1b\[[0-9;]*m)", line):
        code = re.fullmatch(r"\x1b\[([0-9;]*)m", part)
        if not code:
            if part:
                out.append((part, " ".join(state)))
            continue
        for number in (int(n or 0) for n in code[1].split(";")):
            if number == 0:
                state = []
            elif number in NAMES:
                state = [s for s in state if (s == "bold") != (number == 1)] + [NAMES[number]]
    return out


def main():
    title = sys.argv[1]
    lines = sys.stdin.read().replace("\r", "").rstrip("\n").split("\n")
    rows = [spans(line) for line in lines]
    columns = max(sum(len(text) for text, _ in row) for row in rows)
    width, height = round(columns * CHAR + 2 * PAD), len(rows) * LINE + 2 * PAD - 4
    print(f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}" role="img">')
    print(f"  <title>{escape(title)}</title>\n  <style>{STYLE}  </style>")
    print(f'  <rect class="page" x="0.5" y="0.5" width="{width - 1}" height="{height - 1}" rx="6"/>')
    for i, row in enumerate(rows):
        if not row:
            continue
        inner = "".join(f'<tspan class="{c}">{escape(t)}</tspan>' if c else escape(t) for t, c in row)
        length = round(sum(len(text) for text, _ in row) * CHAR, 1)
        print(f'  <text xml:space="preserve" x="{PAD}" y="{PAD + SIZE - 1 + i * LINE}" textLength="{length}">{inner}</text>')
    print("</svg>")


main()
