/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the two reports say of each attempt. When in doubt it is open. */
#include "base/mem.h"
#include "base/path.h"
#include "selftest/selftest.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { BY_SIGNAL = 1000 };

/* A line of a report. Points into it. */
struct row {
    const char *name, *path;
    int result;
    bool expected;
    char subject;
};

const char *cage_selftest_text(enum cage_selftest_result result)
{
    static const char *const texts[] = {
        [CAGE_SELFTEST_BLOCKED] = "blocked", [CAGE_SELFTEST_OPEN] = "open",
        [CAGE_SELFTEST_ALLOWED] = "allowed", [CAGE_SELFTEST_NOT_APPLICABLE] = "not applicable",
        [CAGE_SELFTEST_BROKEN] = "broken",
    };

    return texts[result];
}

void cage_selftest_finish(struct cage_selftest *test)
{
    for (size_t i = 0; i < test->n; i++) {
        free(test->lines[i].name);
        free(test->lines[i].detail);
    }
    free(test->lines);
    *test = (struct cage_selftest){0};
}

/* Reads the next line of *at, which it changes. 1; 0 at the end line, whose number goes to *total; -1: not a
 * report. */
static int next_row(char **at, struct row *row, size_t *total)
{
    char *line = strsep(at, "\n"), *result, *expected, *subject;

    if (!line)
        return -1;
    if (strncmp(line, "end ", 4) == 0) {
        *total = strtoul(line + 4, NULL, 10);
        return 0;
    }
    row->name = strsep(&line, "\t");
    result = strsep(&line, "\t");
    expected = strsep(&line, "\t");
    subject = strsep(&line, "\t");
    row->path = line;
    if (!row->path || !*row->name || !*result)
        return -1;
    row->result = (int)strtol(result, NULL, 10);
    row->expected = strcmp(expected, "1") == 0;
    row->subject = *subject;
    return 1;
}

/* The line of the configuration that shows this path, or leaves it writable; NULL: none does. */
static const struct cage_reason *bind_for(const struct cage_plan *plan, const char *path, bool writes)
{
    const struct cage_op *last = NULL;

    for (size_t i = 0; i < plan->n_ops; i++)
        if (plan->ops[i].kind != CAGE_OP_SEAL && cage_path_is_under(path, plan->ops[i].dest))
            last = &plan->ops[i];
    if (!last || last->kind != CAGE_OP_BIND || (writes && !last->writable) || last->reason.mark.line == 0)
        return NULL;
    return &last->reason;
}

static bool allow(struct cage_selftest_line *line, const char *what, struct cage_mark where)
{
    line->result = CAGE_SELFTEST_ALLOWED;
    line->detail = cage_strdup(what);
    line->where = where;
    return true;
}

static bool allowed_by_bind(struct cage_selftest_line *line, const struct cage_plan *plan,
                            const struct row *row)
{
    const struct cage_reason *reason = bind_for(plan, row->path, row->subject == 'w');

    return reason && allow(line, reason->rule, reason->mark);
}

static bool allowed_by_unprotect(struct cage_selftest_line *line, const struct cage_list *list,
                                 const char *path)
{
    for (size_t i = 0; i < list->n; i++)
        if (cage_path_is_under(path, list->items[i].value) || cage_path_is_under(list->items[i].value, path))
            return allow(line, "unprotect", list->items[i].mark);
    return false;
}

/* Whether the configuration asks for what worked. */
static bool is_allowed(struct cage_selftest_line *line, const struct cage_selftest_input *input,
                       const struct row *row)
{
    const struct cage_plan *plan = input->plan;

    switch (row->subject) {
    case 'n':
        return plan->nested && allow(line, "nested", input->config->marks[CAGE_KEY_SANDBOX_NESTED]);
    case 'p':
        return allowed_by_unprotect(line, &input->config->unprotect, row->path);
    case 'r':
    case 'w':
    case 's':
    case 'c':
        return allowed_by_bind(line, plan, row);
    case 'a':
        return plan->net == CAGE_NET_HOST && !plan->scope_abstract &&
               allow(line, "the host's network", plan->net_reason.mark);
    default:
        return false;
    }
}

/* Why nothing can be learned from this attempt here; NULL: it can. */
static const char *not_applicable(const struct cage_selftest_input *input, const struct row *control)
{
    if (control->subject == 'p' && faccessat(input->project->dirfd, control->path, W_OK, AT_EACCESS) < 0)
        return "this project has no such thing that you can change";
    if (control->subject == 'b' && !*control->path)
        return "nothing that can be read is in blacklist";
    return NULL;
}

static void judge_one(struct cage_selftest_line *line, const struct cage_selftest_input *input,
                      const struct row *control, const struct row *inside)
{
    const char *why = not_applicable(input, control);

    line->name = cage_strdup(control->name);
    if (inside->result >= BY_SIGNAL || control->result >= BY_SIGNAL || inside->result < 0 ||
        control->result < 0) {
        line->result = CAGE_SELFTEST_BROKEN;
        line->detail =
            cage_format("the attempt was killed by signal %d",
                        (inside->result >= BY_SIGNAL ? inside->result : control->result) - BY_SIGNAL);
    } else if (why) {
        line->result = CAGE_SELFTEST_NOT_APPLICABLE;
        line->detail = cage_strdup(why);
    } else if (inside->expected && control->expected) {
        line->result = CAGE_SELFTEST_NOT_APPLICABLE;
        line->detail = cage_strdup("refused outside the cage, too");
    } else if (inside->expected) {
        line->result = CAGE_SELFTEST_BLOCKED;
    } else if (!is_allowed(line, input, control)) {
        line->result = CAGE_SELFTEST_OPEN;
        line->detail = inside->result == 0
                           ? cage_strdup("it worked")
                           : cage_format("not refused as it must be: %s", strerror(inside->result));
    }
}

static int not_whole(struct cage_error *err, const char *where)
{
    return cage_error_set(err, CAGE_ERR_CAGE, "the attempts %s the cage did not run to their end", where);
}

static void add(struct cage_selftest *test, const struct cage_selftest_input *input,
                const struct row *control, const struct row *inside)
{
    struct cage_selftest_line *line;

    test->lines = cage_realloc_array(test->lines, test->n + 1, sizeof *test->lines);
    line = &test->lines[test->n++];
    *line = (struct cage_selftest_line){0};
    judge_one(line, input, control, inside);
    test->count[line->result]++;
}

int cage_selftest_judge(struct cage_selftest *test, const struct cage_selftest_input *input,
                        const char *control, const char *inside, struct cage_error *err)
{
    cage_autofree char *copy_a = cage_strdup(control), *copy_b = cage_strdup(inside);
    char *a = copy_a, *b = copy_b;
    size_t total_a = 0, total_b = 0;
    struct row x, y;

    for (;;) {
        int more_a = next_row(&a, &x, &total_a), more_b = next_row(&b, &y, &total_b);

        if (more_a < 0)
            return not_whole(err, "outside");
        if (more_b < 0 || more_a != more_b)
            return not_whole(err, "inside");
        if (more_a == 0)
            break;
        if (strcmp(x.name, y.name) != 0)
            return not_whole(err, "inside");
        add(test, input, &x, &y);
    }
    if (test->n == 0 || total_a != test->n || total_b != test->n)
        return not_whole(err, "inside");
    return 0;
}
