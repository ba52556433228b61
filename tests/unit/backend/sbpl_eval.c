/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "sbpl_eval.h"
#include "sbpl_read.h"

#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const struct {
    const char *name, *parent;
} operations[] = {
    {"default", NULL},
    {"file*", "default"},
    {"file-read*", "file*"},
    {"file-read-data", "file-read*"},
    {"file-read-metadata", "file-read*"},
    {"file-read-xattr", "file-read*"},
    {"file-write*", "file*"},
    {"file-write-acl", "file-write*"},
    {"file-write-create", "file-write*"},
    {"file-write-data", "file-write*"},
    {"file-write-flags", "file-write*"},
    {"file-write-mode", "file-write*"},
    {"file-write-owner", "file-write*"},
    {"file-write-setugid", "file-write*"},
    {"file-write-times", "file-write*"},
    {"file-write-unlink", "file-write*"},
    {"file-write-xattr", "file-write*"},
    {"file-link", "file*"},
    {"file-ioctl", "file*"},
    {"file-map-executable", "file*"},
    {"process*", "default"},
    {"process-exec*", "process*"},
    {"process-exec", "process-exec*"},
    {"process-exec-interpreter", "process-exec*"},
    {"process-fork", "process*"},
    {"process-info*", "default"},
    {"process-info-pidinfo", "process-info*"},
    {"signal", "default"},
    {"sysctl*", "default"},
    {"sysctl-read", "sysctl*"},
    {"sysctl-write", "sysctl*"},
    {"mach*", "default"},
    {"mach-lookup", "mach*"},
    {"mach-register", "mach*"},
    {"mach-priv-task-port", "mach*"},
    {"ipc*", "default"},
    {"ipc-posix*", "ipc*"},
    {"ipc-posix-sem", "ipc-posix*"},
    {"ipc-posix-shm", "ipc-posix*"},
    {"ipc-posix-shm-read*", "ipc-posix-shm"},
    {"ipc-posix-shm-read-data", "ipc-posix-shm-read*"},
    {"ipc-posix-shm-write-create", "ipc-posix-shm"},
    {"iokit*", "default"},
    {"iokit-open", "iokit*"},
    {"pseudo-tty", "default"},
    {"hid-control", "default"},
    {"lsopen", "default"},
    {"appleevent-send", "default"},
    {"system-socket", "default"},
    {"network*", "default"},
    {"network-outbound", "network*"},
    {"network-inbound", "network*"},
    {"network-bind", "network*"},
};

static const char *const filters[] = {
    "literal",     "subpath",     "regex",  "target", "sysctl-name",    "sysctl-name-prefix",
    "extension",   "global-name", "remote", "local",  "ipc-posix-name", "iokit-registry-entry-class",
    "require-all", "require-not",
};

#define LEN(a) (sizeof(a) / sizeof((a)[0]))

static const char *operation(const char *name)
{
    for (size_t i = 0; i < LEN(operations); i++)
        if (strcmp(operations[i].name, name) == 0)
            return operations[i].name;
    return NULL;
}

bool sbpl_known_operation(const char *name)
{
    return operation(name) != NULL;
}

const char *sbpl_parent(const char *name)
{
    for (size_t i = 0; i < LEN(operations); i++)
        if (strcmp(operations[i].name, name) == 0)
            return operations[i].parent;
    return NULL;
}

/* A filter: a known name with the arguments it takes. */
static bool filter_ok(const struct sbpl_node *f)
{
    const char *name =
        f->kind == SBPL_LIST && f->n > 1 && f->items[0].kind == SBPL_ATOM ? f->items[0].text : "";
    bool known = false;

    for (size_t i = 0; i < LEN(filters); i++)
        known |= strcmp(filters[i], name) == 0;
    if (!known)
        return false;
    if (strncmp(name, "require-", 8) == 0) {
        for (size_t i = 1; i < f->n; i++)
            if (!filter_ok(&f->items[i]))
                return false;
        return strcmp(name, "require-not") != 0 || f->n == 2;
    }
    if (strcmp(name, "remote") == 0 || strcmp(name, "local") == 0)
        return f->items[1].kind == SBPL_ATOM && strcmp(f->items[1].text, "ip") == 0 &&
               (f->n == 2 || (f->n == 3 && f->items[2].kind == SBPL_STRING));
    if (strcmp(name, "target") == 0)
        return f->n == 2 && f->items[1].kind == SBPL_ATOM;
    if (strcmp(name, "literal") == 0 || strcmp(name, "subpath") == 0)
        return f->n == 2 && f->items[1].kind == SBPL_STRING && f->items[1].text[0] == '/';
    return f->n == 2 && f->items[1].kind == (strcmp(name, "regex") == 0 ? SBPL_REGEX : SBPL_STRING);
}

static bool is_tag(const struct sbpl_node *n)
{
    return n->kind == SBPL_LIST && n->n == 3 && n->items[0].kind == SBPL_ATOM &&
           strcmp(n->items[0].text, "with") == 0 && n->items[1].kind == SBPL_ATOM &&
           strcmp(n->items[1].text, "message") == 0 && n->items[2].kind == SBPL_STRING;
}

static bool read_rule(const struct sbpl_node *form, struct sbpl_rule *rule, const char **why)
{
    *rule = (struct sbpl_rule){.deny = strcmp(form->items[0].text, "deny") == 0};
    *why = "neither allow nor deny";
    if (!rule->deny && strcmp(form->items[0].text, "allow") != 0)
        return false;
    for (size_t i = 1; i < form->n; i++) {
        const struct sbpl_node *n = &form->items[i];

        *why = "unknown operation";
        if (n->kind == SBPL_ATOM) {
            const char *op = operation(n->text);

            if (!op || rule->n_filters || rule->tagged || rule->n_operations == LEN(rule->operations))
                return false;
            rule->operations[rule->n_operations++] = op;
            continue;
        }
        *why = "a rule goes on after its message";
        if (rule->tagged)
            return false;
        *why = "unknown filter";
        if (is_tag(n))
            rule->tagged = true;
        else if (!filter_ok(n) || rule->n_filters == LEN(rule->filters))
            return false;
        else
            rule->filters[rule->n_filters++] = n;
    }
    *why = "no operation";
    return rule->n_operations > 0;
}

bool sbpl_parse(const char *text, struct sbpl_profile *profile, char *why, size_t size)
{
    struct sbpl_reader reader;
    const char *problem = "the first form is not (version 1)";

    *profile = (struct sbpl_profile){0};
    if (!sbpl_read(&reader, text, &profile->root)) {
        snprintf(why, size, "%s", reader.why);
        return false;
    }
    profile->rules = calloc(profile->root.n + 1, sizeof *profile->rules);
    for (size_t i = 0; i < profile->root.n; i++) {
        const struct sbpl_node *form = &profile->root.items[i];

        if (form->n < 2 || form->items[0].kind != SBPL_ATOM)
            problem = "not a rule";
        else if (i == 0 && strcmp(form->items[0].text, "version") == 0 &&
                 strcmp(form->items[1].text, "1") == 0)
            continue;
        else if (i > 0 && read_rule(form, &profile->rules[profile->n], &problem)) {
            profile->n++;
            continue;
        }
        snprintf(why, size, "form %zu: %s", i, problem);
        return false;
    }
    return true;
}

void sbpl_finish(struct sbpl_profile *profile)
{
    free(profile->rules);
    sbpl_node_free(&profile->root);
    *profile = (struct sbpl_profile){0};
}

/* Names are compared as APFS does, without case. */
static bool under(const char *path, const char *dir)
{
    size_t n = strcmp(dir, "/") == 0 ? 0 : strlen(dir);

    return strncasecmp(path, dir, n) == 0 && (path[n] == '\0' || path[n] == '/');
}

static bool regex_matches(const char *pattern, const char *text)
{
    regex_t re;
    bool yes;

    if (regcomp(&re, pattern, REG_EXTENDED | REG_NOSUB) != 0)
        abort();
    yes = regexec(&re, text, 0, NULL, 0) == 0;
    regfree(&re);
    return yes;
}

static bool address_matches(const struct sbpl_node *f, const char *address)
{
    return address && (f->n == 2 || strcmp(f->items[2].text, address) == 0);
}

static bool matches(const struct sbpl_node *f, const struct sbpl_query *q)
{
    const char *name = f->items[0].text, *arg = f->items[1].text;

    if (strcmp(name, "require-not") == 0)
        return !matches(&f->items[1], q);
    if (strcmp(name, "require-all") == 0) {
        for (size_t i = 1; i < f->n; i++)
            if (!matches(&f->items[i], q))
                return false;
        return true;
    }
    if (strcmp(name, "literal") == 0)
        return q->path && strcasecmp(q->path, arg) == 0;
    if (strcmp(name, "subpath") == 0)
        return q->path && under(q->path, arg);
    if (strcmp(name, "regex") == 0)
        return q->path && regex_matches(arg, q->path);
    if (strcmp(name, "target") == 0)
        return q->target && strcmp(q->target, arg) == 0;
    if (strcmp(name, "extension") == 0)
        return q->extension && strcmp(q->extension, arg) == 0;
    if (strcmp(name, "remote") == 0)
        return address_matches(f, q->remote);
    if (strcmp(name, "local") == 0)
        return address_matches(f, q->local);
    if (strcmp(name, "sysctl-name-prefix") == 0)
        return q->name && strncmp(q->name, arg, strlen(arg)) == 0;
    return q->name && strcmp(q->name, arg) == 0;
}

static bool names_operation(const struct sbpl_rule *rule, const char *op)
{
    for (size_t i = 0; i < rule->n_operations; i++)
        if (strcmp(rule->operations[i], op) == 0)
            return true;
    return false;
}

/* The last rule that applies: to exactly `op`, or (up) to it or one of its parents; filtered: not a bare one.
 */
static const struct sbpl_rule *last(const struct sbpl_profile *profile, const struct sbpl_query *q,
                                    const char *op, bool up, int filtered)
{
    for (size_t i = profile->n; i-- > 0;) {
        const struct sbpl_rule *rule = &profile->rules[i];
        bool named = false, hit = rule->n_filters == 0;

        for (const char *o = op; o && !named; o = up ? sbpl_parent(o) : NULL)
            named = names_operation(rule, o);
        if (!named || (filtered >= 0 && filtered != (rule->n_filters > 0)))
            continue;
        for (size_t k = 0; k < rule->n_filters && !hit; k++)
            hit = matches(rule->filters[k], q);
        if (hit)
            return rule;
    }
    return NULL;
}

bool sbpl_decide(const struct sbpl_profile *profile, const struct sbpl_query *q, enum sbpl_model model)
{
    bool fallback = model == SBPL_FLAT_FALLBACK || model == SBPL_OPERATION_FIRST_FALLBACK;
    const struct sbpl_rule *rule = NULL;

    if (model == SBPL_FLAT || model == SBPL_FLAT_FALLBACK) {
        rule = last(profile, q, q->operation, true, fallback ? 1 : -1);
        if (!rule)
            rule = last(profile, q, q->operation, true, 0);
        return rule && !rule->deny;
    }
    for (const char *op = q->operation; op && !rule; op = sbpl_parent(op)) {
        rule = last(profile, q, op, false, fallback ? 1 : -1);
        if (!rule)
            rule = last(profile, q, op, false, 0);
    }
    return rule && !rule->deny;
}

bool sbpl_allowed(const struct sbpl_profile *profile, const struct sbpl_query *q)
{
    bool answer = sbpl_decide(profile, q, SBPL_OPERATION_FIRST_FALLBACK);

    if (!sbpl_known_operation(q->operation)) {
        fprintf(stderr, "no such operation: %s\n", q->operation);
        abort();
    }
    for (int m = 0; m < SBPL_MODELS; m++)
        if (sbpl_decide(profile, q, (enum sbpl_model)m) != answer) {
            fprintf(stderr, "model %d disagrees on %s %s\n", m, q->operation, q->path ? q->path : "");
            abort();
        }
    return answer;
}

bool sbpl_file(const struct sbpl_profile *profile, const char *op, const char *path)
{
    return sbpl_allowed(profile, &(struct sbpl_query){.operation = op, .path = path});
}

bool sbpl_can_rename(const struct sbpl_profile *profile, const char *from, const char *to)
{
    return sbpl_file(profile, "file-write-unlink", from) && sbpl_file(profile, "file-write-create", to);
}

bool sbpl_can_link(const struct sbpl_profile *profile, const char *from, const char *to)
{
    return sbpl_file(profile, "file-link", from) && sbpl_file(profile, "file-write-create", to);
}
