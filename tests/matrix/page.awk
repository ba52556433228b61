# SPDX-License-Identifier: GPL-3.0-or-later
# docs/matrix.tsv -> the tables of docs/MATRIX.md. Lines: SUITE, then "version" NAME VALUE (with a space between), "job" NAME PASSED
# FAILED SKIPPED COMMIT, "failure" JOB TEST, "skip" JOB TEST (WHY).
BEGIN {
    FS = "\t"
    n_suites = split("bookworm trixie sid", suites, " ")
}

function once(list, count, word,    i) {
    for (i = 1; i <= count; i++) if (list[i] == word) return count
    list[count + 1] = word
    return count + 1
}

$2 == "version" {
    name = $3
    sub(/ .*/, "", name)
    value = $3
    sub(/^[^ ]* /, "", value)
    n_versions = once(versions, n_versions, name)
    version[$1, name] = value
    there[$1] = 1
}
$2 == "job" {
    n_jobs = once(jobs, n_jobs, $3)
    passed[$1] += $4
    failed[$1] += $5
    skipped[$1] += $6
    if (!index(" " commits[$1] " ", " " $7 " ")) commits[$1] = commits[$1] (commits[$1] ? " " : "") $7
    cell[$1, $3] = $4 ($5 ? ", **" $5 " failed**" : "") ($6 ? ", " $6 " skipped" : "")
}
$2 == "failure" { failures[$1] = failures[$1] "- " $3 ": " $4 "\n" }
$2 == "skip" {
    if ($4 ~ /\([^)]*$/) $4 = $4 ")"
    n_skips = once(skips, n_skips, $3 ": " $4)
    skip_in[$3 ": " $4] = skip_in[$3 ": " $4] (skip_in[$3 ": " $4] ? ", " : "") $1
}

function row(first, kind, key,    i, line) {
    line = "| " first " |"
    for (i = 1; i <= n_suites; i++)
        if (suites[i] in there) line = line " " (kind == "version" ? version[suites[i], key] : cell[suites[i], key]) " |"
    print line
}

function head(first, align,    i, line, rule) {
    line = "| " first " |"
    rule = "|---|"
    for (i = 1; i <= n_suites; i++)
        if (suites[i] in there) { line = line " " suites[i] " |"; rule = rule align "|" }
    print line
    print rule
}

END {
    print "## Versions\n"
    head("", "---")
    for (v = 1; v <= n_versions; v++) row(versions[v], "version", versions[v])
    for (i = 1; i <= n_suites; i++) version[suites[i], "commits"] = commits[suites[i]]
    row("of commit", "version", "commits")
    print "\n## Tests passed\n"
    head("job", "--:")
    for (j = 1; j <= n_jobs; j++) row("`" jobs[j] "`", "job", jobs[j])
    for (i = 1; i <= n_suites; i++)
        cell[suites[i], "all"] = "**" passed[suites[i]] "**, " failed[suites[i]] + 0 " failed, " skipped[suites[i]] + 0 " skipped"
    row("all", "job", "all")
    print "\n## What failed\n"
    for (i = 1; i <= n_suites; i++) if (suites[i] in failures) { printf "In %s:\n\n%s\n", suites[i], failures[suites[i]]; bad = 1 }
    if (!bad) print "Nothing.\n"
    print "## What was skipped\n"
    for (s = 1; s <= n_skips; s++) print "- " skips[s] " [" skip_in[skips[s]] "]"
    if (!n_skips) print "Nothing."
}
