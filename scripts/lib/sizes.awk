# SPDX-License-Identifier: GPL-3.0-or-later
# Size limits: a function has at most 80 lines, a file about 500 (a tenth more is let pass). Relies on the format of
# .clang-format: a body's braces stand alone in the first column.

function report(text) {
    print text
    bad = 1
}

function end_of_file() {
    if (lines > 550)
        report(name ": " lines " lines (about 500 is the limit)")
}

FNR == 1 {
    end_of_file()
    name = FILENAME
    start = 0
}

{ lines = FNR }

/^{$/ { start = FNR - 1 }

/^}/ && start {
    if ($0 == "}" && FNR - start + 1 > 80)
        report(FILENAME ":" start ": a function of " FNR - start + 1 " lines (80 is the limit)")
    start = 0
}

END {
    end_of_file()
    exit bad
}
