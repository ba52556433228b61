/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "run/maclog.h"
#include "base/mem.h"

#include <jansson.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_ENTRIES = 4096, MAX_ROWS = 20, MAX_COUNT = 1000000 };

void cage_maclog_init(struct cage_maclog *log)
{
    *log = (struct cage_maclog){0};
}

void cage_maclog_finish(struct cage_maclog *log)
{
    for (size_t i = 0; i < log->n; i++) {
        free(log->entries[i].operation);
        free(log->entries[i].target);
    }
    free(log->entries);
    cage_maclog_init(log);
}

/* "3 duplicate reports for Sandbox: …": 3; else 1. */
static size_t read_count(const char *message)
{
    char *end;
    unsigned long n;

    if (message[0] < '1' || message[0] > '9')
        return 1;
    n = strtoul(message, &end, 10);
    if (strncmp(end, " duplicate report", 17) != 0)
        return 1;
    return n < MAX_COUNT ? n : MAX_COUNT;
}

/* The end of the process part, `cat(1234) deny(1) `: a process may have any name, even one like a denial. */
static const char *after_verdict(const char *at)
{
    const char *best = NULL;

    for (const char *p = at; (p = strstr(p, ") deny(")); p++) {
        const char *open = p;
        const char *digits = p + strlen(") deny(");
        size_t n = strspn(digits, "0123456789");

        while (open > at && open[-1] >= '0' && open[-1] <= '9')
            open--;
        if (open == p || open == at || open[-1] != '(' || n == 0 || strncmp(digits + n, ") ", 2) != 0)
            continue;
        best = digits + n + 2;
        break; /* what comes later may be part of a path */
    }
    return best;
}

bool cage_maclog_message(const char *message, char **operation, char **target, size_t *count)
{
    const char *at = strstr(message, "Sandbox: ");
    const char *rest = at ? after_verdict(at + strlen("Sandbox: ")) : NULL;
    size_t n;

    if (!rest)
        return false;
    n = strcspn(rest, " \n");
    if (n == 0)
        return false;
    *operation = cage_strndup(rest, n);
    rest += n + (rest[n] == ' ');
    *target = cage_strndup(rest, strcspn(rest, "\n"));
    *count = read_count(message);
    return true;
}

/* Takes over operation and target. */
static void count_one(struct cage_maclog *log, char *operation, char *target, size_t count)
{
    log->total += count;
    for (size_t i = 0; i < log->n; i++) {
        struct cage_maclog_entry *entry = &log->entries[i];

        if (strcmp(entry->operation, operation) == 0 && strcmp(entry->target, target) == 0) {
            entry->count += count;
            free(operation);
            free(target);
            return;
        }
    }
    if (log->n == MAX_ENTRIES) {
        log->dropped++;
        free(operation);
        free(target);
        return;
    }
    if (log->n == log->alloc) {
        log->alloc = log->alloc ? log->alloc * 2 : 64;
        log->entries = cage_realloc_array(log->entries, log->alloc, sizeof *log->entries);
    }
    log->entries[log->n++] =
        (struct cage_maclog_entry){.operation = operation, .target = target, .count = count};
}

bool cage_maclog_line(struct cage_maclog *log, const char *line, size_t n, const char *tag)
{
    json_t *root = json_loadb(line, n, JSON_REJECT_DUPLICATES, NULL);
    const char *message = json_string_value(json_object_get(root, "eventMessage"));
    char *operation, *target;
    size_t count;
    bool found = message && (!tag || strstr(message, tag)) &&
                 cage_maclog_message(message, &operation, &target, &count);

    if (found) {
        char *at = tag ? strstr(target, tag) : NULL;

        /* Some versions write the tag on the same line. */
        while (at && at > target && at[-1] == ' ')
            at--;
        if (at)
            *at = '\0';
        count_one(log, operation, target, count);
    }
    json_decref(root);
    return found;
}

bool cage_maclog_is_ready(const char *line, size_t n)
{
    static const char text[] = "Filtering the log data using ";

    return n >= sizeof text - 1 && memcmp(line, text, sizeof text - 1) == 0;
}

static int compare(const void *a, const void *b)
{
    const struct cage_maclog_entry *x = a, *y = b;
    int by_operation;

    if (x->count != y->count)
        return x->count > y->count ? -1 : 1;
    by_operation = strcmp(x->operation, y->operation);
    return by_operation ? by_operation : strcmp(x->target, y->target);
}

void cage_maclog_summary(struct cage_maclog *log, struct cage_strbuf *out)
{
    if (log->n == 0) {
        cage_strbuf_add(out, "No sandbox denials detected\n");
        return;
    }
    qsort(log->entries, log->n, sizeof *log->entries, compare);
    cage_strbuf_addf(out, "Sandbox denials (%zu unique, %zu total):\n", log->n + log->dropped, log->total);
    for (size_t i = 0; i < log->n && i < MAX_ROWS; i++) {
        cage_strbuf_addf(out, "%7zu  ", log->entries[i].count);
        cage_strbuf_add_printable(out, log->entries[i].operation);
        cage_strbuf_add(out, log->entries[i].target[0] ? "  " : "");
        cage_strbuf_add_printable(out, log->entries[i].target);
        cage_strbuf_addc(out, '\n');
    }
    if (log->n + log->dropped > MAX_ROWS)
        cage_strbuf_addf(out, "... and %zu more\n", log->n + log->dropped - MAX_ROWS);
}
