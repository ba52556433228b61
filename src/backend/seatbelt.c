/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The order of a profile. What is known of the kernel's precedence (a rule for the exact operation is asked
 * before one for its wildcard; among those of one operation the last that matches decides; a rule without a
 * filter comes last) and plain "the last match decides" must give the same answer, so: allowing rules name
 * wildcard operations, denying rules name the wildcard and the concrete ones, and the final denials follow
 * every allow.
 */
#include "backend/seatbelt.h"
#include "backend/seatbelt_emit.h"
#include "backend/seatbelt_rules.h"
#include "base/mem.h"
#include "base/path.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static void sorted_copy(const struct cage_strv *from, struct cage_strv *to)
{
    for (size_t i = 0; i < from->n; i++)
        cage_strv_add(to, from->items[i]);
    cage_strv_sort_unique(to);
}

static void head(struct cage_sbpl *s)
{
    cage_strbuf_add(&s->text, "(version 1)\n(deny default");
    if (s->tag) {
        cage_strbuf_add(&s->text, "\n  (with message ");
        cage_sbpl_quote(&s->text, s->tag);
        cage_strbuf_addc(&s->text, ')');
    }
    cage_strbuf_add(&s->text, ")\n");
}

static void table(struct cage_sbpl *s, const struct cage_sbpl_rule *rules, size_t n, int state)
{
    for (size_t i = 0; i < n; i++) {
        if ((rules[i].when & state) != rules[i].when)
            continue;
        if (!rules[i].filters) {
            cage_sbpl_bare(s, rules[i].operations);
            continue;
        }
        cage_sbpl_allow(s, rules[i].operations);
        for (const char *const *f = rules[i].filters; *f; f++)
            cage_sbpl_filter(s, *f);
        cage_sbpl_end(s);
    }
}

static int state_of(const struct cage_seatbelt_input *in)
{
    int level = in->level == CAGE_LEVEL_STRICT ? CAGE_SBPL_STRICT : CAGE_SBPL_NOT_STRICT;

    return level | (in->net == CAGE_NET_HOST ? CAGE_SBPL_NET_ON : 0);
}

static void base(struct cage_sbpl *s, const struct cage_seatbelt_input *in)
{
    size_t n;
    const struct cage_sbpl_rule *rules = cage_sbpl_base_rules(&n);

    cage_sbpl_section(s, "processes, system services, devices");
    table(s, rules, n, state_of(in));
    if (in->tty) {
        cage_sbpl_allow(s, "file-read* file-write* file-ioctl");
        cage_sbpl_filter(s, "(literal \"/dev/tty\")");
        cage_sbpl_path(s, CAGE_SBPL_LITERAL, in->tty);
        cage_sbpl_end(s);
    }
}

static void system_reads(struct cage_sbpl *s)
{
    size_t n;
    const struct cage_sbpl_system_path *paths = cage_sbpl_system_paths(&n);

    cage_sbpl_section(s, "the system");
    cage_sbpl_allow(s, "file-read*");
    cage_sbpl_filter(s, "(literal \"/\")"); /* the dynamic linker ends the program without it */
    for (size_t i = 0; i < n; i++)
        cage_sbpl_path(s, paths[i].match, paths[i].path);
    cage_sbpl_end(s);
    /* The data volume is mounted there: every file of the machine under another name. */
    cage_sbpl_deny(s, "file-read*");
    cage_sbpl_path(s, CAGE_SBPL_SUBPATH, "/System/Volumes");
    cage_sbpl_end(s);
    cage_sbpl_allow(s, "file-read*");
    cage_sbpl_path(s, CAGE_SBPL_SUBPATH, "/System/Volumes/Preboot/Cryptexes");
    cage_sbpl_end(s);
}

static void nix_reads(struct cage_sbpl *s, const struct cage_seatbelt_input *in)
{
    cage_sbpl_section(s, "nix");
    cage_sbpl_allow(s, "file-read*");
    for (size_t i = 0; i < in->nix_reads.n; i++)
        cage_sbpl_path(s, CAGE_SBPL_SUBPATH, in->nix_reads.items[i]);
    cage_sbpl_end(s);
}

/* Shallowest first; of the same path the read-only one last, so that it decides. */
static int compare_grants(const void *a, const void *b)
{
    const struct cage_seatbelt_grant *x = *(const struct cage_seatbelt_grant *const *)a;
    const struct cage_seatbelt_grant *y = *(const struct cage_seatbelt_grant *const *)b;
    size_t dx = cage_path_depth(x->path), dy = cage_path_depth(y->path);
    int by_path;

    if (dx != dy)
        return dx < dy ? -1 : 1;
    by_path = strcmp(x->path, y->path);
    if (by_path != 0)
        return by_path;
    if (x->writable != y->writable)
        return x->writable ? -1 : 1;
    return (int)x->type - (int)y->type;
}

static enum cage_sbpl_match match_of(enum cage_file_type type)
{
    if (type == CAGE_FILE_DIR)
        return CAGE_SBPL_SUBPATH;
    return type == CAGE_FILE_NONE ? CAGE_SBPL_BOTH : CAGE_SBPL_LITERAL;
}

static void one_grant(struct cage_sbpl *s, const struct cage_seatbelt_grant *grant)
{
    /* file-link: the right to make another name of a file. Read-only files must not get a writable one. */
    cage_sbpl_allow(s, grant->writable ? "file-read* file-write* file-link" : "file-read*");
    cage_sbpl_path(s, match_of(grant->type), grant->path);
    cage_sbpl_end(s);
    if (grant->writable)
        return;
    cage_sbpl_deny(s, "file-write* file-link");
    cage_sbpl_path(s, CAGE_SBPL_BOTH, grant->path);
    cage_sbpl_end(s);
}

static struct cage_seatbelt_grant **sorted_grants(const struct cage_seatbelt_input *in)
{
    struct cage_seatbelt_grant **sorted = cage_alloc((in->n_grants + 1) * sizeof *sorted);

    for (size_t i = 0; i < in->n_grants; i++)
        sorted[i] = &in->grants[i];
    qsort(sorted, in->n_grants, sizeof *sorted, compare_grants);
    return sorted;
}

static void grants(struct cage_sbpl *s, const struct cage_seatbelt_input *in)
{
    cage_autofree struct cage_seatbelt_grant **sorted = sorted_grants(in);

    cage_sbpl_section(s, "session, project, binds");
    for (size_t i = 0; i < in->n_grants; i++)
        if (i == 0 || compare_grants(&sorted[i - 1], &sorted[i]) != 0)
            one_grant(s, sorted[i]);
}

/* Programs may be run wherever they may be read, as on Linux. */
static void execution(struct cage_sbpl *s, const struct cage_seatbelt_input *in)
{
    static const char *const operations[] = {"process-exec*", "file-map-executable"};
    cage_autofree struct cage_seatbelt_grant **sorted = sorted_grants(in);
    size_t n;
    const struct cage_sbpl_system_path *paths = cage_sbpl_system_paths(&n);

    cage_sbpl_section(s, "execution");
    for (size_t op = 0; op < CAGE_LEN(operations); op++) {
        cage_sbpl_allow(s, operations[op]);
        for (size_t i = 0; i < n; i++)
            if (paths[i].executable)
                cage_sbpl_path(s, paths[i].match, paths[i].path);
        for (size_t i = 0; i < in->nix_reads.n; i++)
            cage_sbpl_path(s, CAGE_SBPL_SUBPATH, in->nix_reads.items[i]);
        for (size_t i = 0; i < in->n_grants; i++)
            if (i == 0 || strcmp(sorted[i - 1]->path, sorted[i]->path) != 0 ||
                sorted[i - 1]->type != sorted[i]->type)
                cage_sbpl_path(s, match_of(sorted[i]->type), sorted[i]->path);
        cage_sbpl_end(s);
    }
}

static void add_ancestors(struct cage_strv *v, const char *path)
{
    for (const char *p = strchr(path + 1, '/'); p; p = strchr(p + 1, '/'))
        cage_strv_take(v, cage_strndup(path, (size_t)(p - path)));
}

static void metadata(struct cage_sbpl *s, const struct cage_seatbelt_input *in)
{
    CAGE_STRV_AUTO way = {0};
    size_t n;
    const struct cage_sbpl_system_path *paths = cage_sbpl_system_paths(&n);

    for (size_t i = 0; i < n; i++)
        add_ancestors(&way, paths[i].path);
    add_ancestors(&way, "/System/Volumes/Preboot/Cryptexes");
    cage_strv_add(&way, "/dev");
    for (size_t i = 0; i < in->nix_reads.n; i++)
        add_ancestors(&way, in->nix_reads.items[i]);
    for (size_t i = 0; i < in->sockets.n; i++) {
        add_ancestors(&way, in->sockets.items[i]);
        cage_strv_add(&way, in->sockets.items[i]);
    }
    for (size_t i = 0; i < in->n_grants; i++)
        add_ancestors(&way, in->grants[i].path);
    for (size_t i = 0; i < in->nodes.n; i++) {
        add_ancestors(&way, in->nodes.items[i]);
        cage_strv_add(&way, in->nodes.items[i]);
    }
    for (size_t i = 0, n_way = way.n; i < n_way; i++)
        cage_sbpl_names(way.items[i], false, &way);
    cage_strv_sort_unique(&way);
    cage_sbpl_section(s, "names on the way");
    cage_sbpl_allow(s, "file-read-metadata");
    for (size_t i = 0; i < way.n; i++)
        cage_sbpl_literal(s, way.items[i]);
    cage_sbpl_end(s);
}

static int compare_ports(const void *a, const void *b)
{
    return (int)*(const uint16_t *)a - (int)*(const uint16_t *)b;
}

static void ports(struct cage_sbpl *s, const char *operation, const char *side, const uint16_t *list,
                  size_t n)
{
    cage_autofree uint16_t *sorted = cage_alloc((n + 1) * sizeof *sorted);

    if (n > 0)
        memcpy(sorted, list, n * sizeof *sorted);
    qsort(sorted, n, sizeof *sorted, compare_ports);
    cage_sbpl_allow(s, operation);
    for (size_t i = 0; i < n; i++)
        if (i == 0 || sorted[i] != sorted[i - 1])
            cage_sbpl_filterf(s, "(%s ip \"localhost:%u\")", side, sorted[i]);
    cage_sbpl_end(s);
}

static void network(struct cage_sbpl *s, const struct cage_seatbelt_input *in)
{
    size_t n;
    const struct cage_sbpl_rule *rules = cage_sbpl_network_rules(&n);
    CAGE_STRV_AUTO sockets = {0};

    if (in->level == CAGE_LEVEL_STRICT)
        return;
    cage_sbpl_section(s, "network");
    table(s, rules, n, state_of(in));
    if (in->net == CAGE_NET_GATE)
        ports(s, "network-outbound", "remote", &in->gate_port, 1);
    if (in->net != CAGE_NET_HOST) {
        ports(s, "network-outbound", "remote", in->host_ports, in->n_host_ports);
        ports(s, "network-bind", "local", in->expose, in->n_expose);
        ports(s, "network-inbound", "local", in->expose, in->n_expose);
    }
    sorted_copy(&in->sockets, &sockets);
    cage_sbpl_allow(s, "network-outbound");
    for (size_t i = 0; i < sockets.n; i++)
        cage_sbpl_path(s, CAGE_SBPL_LITERAL, sockets.items[i]);
    cage_sbpl_end(s);
}

static bool has_outbound(const struct cage_seatbelt_input *in)
{
    return in->level != CAGE_LEVEL_STRICT && (in->net != CAGE_NET_NONE || in->n_host_ports || in->sockets.n);
}

static void blacklist(struct cage_sbpl *s, const struct cage_strv *deny, bool outbound)
{
    if (deny->n == 0)
        return;
    cage_sbpl_section(s, "blacklist");
    cage_sbpl_deny(s, outbound ? CAGE_SBPL_OPS_READ " " CAGE_SBPL_OPS_WRITE " " CAGE_SBPL_OPS_RUN
                                                    " network-outbound"
                               : CAGE_SBPL_OPS_READ " " CAGE_SBPL_OPS_WRITE " " CAGE_SBPL_OPS_RUN);
    for (size_t i = 0; i < deny->n; i++)
        cage_sbpl_path(s, CAGE_SBPL_BOTH, deny->items[i]);
    cage_sbpl_end(s);
}

/* "settings*.json" as the end of a path, in any case; false: it has characters that could mean something
 * else. */
static bool pattern_regex(const char *pattern, struct cage_strbuf *out)
{
    cage_strbuf_add(out, "(regex #\"/");
    for (const char *p = pattern; *p; p++) {
        if (isalpha((unsigned char)*p))
            cage_strbuf_addf(out, "[%c%c]", tolower((unsigned char)*p), toupper((unsigned char)*p));
        else if (isdigit((unsigned char)*p) || *p == '_' || *p == '-')
            cage_strbuf_addc(out, *p);
        else if (*p == '.')
            cage_strbuf_add(out, "[.]");
        else if (*p == '*')
            cage_strbuf_add(out, "[^/]*");
        else
            return false;
    }
    cage_strbuf_add(out, "$\")");
    return true;
}

/* (require-all (subpath PATH) CONDITION) under every name of the path. */
static void guard_with(struct cage_sbpl *s, const struct cage_seatbelt_guard *guard, const char *regex)
{
    CAGE_STRV_AUTO names = {0};

    cage_sbpl_names(guard->path, true, &names);
    for (size_t i = 0; i < names.n; i++) {
        CAGE_STRBUF_AUTO text = {0};

        cage_strbuf_init(&text);
        cage_strbuf_add(&text, "(require-all (subpath ");
        cage_sbpl_quote(&text, names.items[i]);
        cage_strbuf_add(&text, ") ");
        if (regex) {
            cage_strbuf_add(&text, regex);
        } else {
            cage_autofree char *except =
                cage_format("%s%s", names.items[i], guard->except + strlen(guard->path));

            cage_strbuf_add(&text, "(require-not (subpath ");
            cage_sbpl_quote(&text, except);
            cage_strbuf_add(&text, "))");
        }
        cage_strbuf_addc(&text, ')');
        cage_sbpl_filter(s, text.buf);
    }
}

static void one_guard(struct cage_sbpl *s, const struct cage_seatbelt_guard *guard)
{
    CAGE_STRBUF_AUTO regex = {0};

    cage_strbuf_init(&regex);
    if (guard->pattern && pattern_regex(guard->pattern, &regex))
        guard_with(s, guard, regex.buf);
    else if (guard->except)
        guard_with(s, guard, NULL);
    else /* a pattern that we cannot express guards its whole directory */
        cage_sbpl_path(s, CAGE_SBPL_BOTH, guard->path);
}

static int compare_guards(const void *a, const void *b)
{
    const struct cage_seatbelt_guard *x = *(const struct cage_seatbelt_guard *const *)a;
    const struct cage_seatbelt_guard *y = *(const struct cage_seatbelt_guard *const *)b;
    int by_path = strcmp(x->path, y->path);
    int by_pattern = strcmp(x->pattern ? x->pattern : "", y->pattern ? y->pattern : "");

    return by_path      ? by_path
           : by_pattern ? by_pattern
                        : strcmp(x->except ? x->except : "", y->except ? y->except : "");
}

static void guards(struct cage_sbpl *s, const struct cage_seatbelt_input *in)
{
    cage_autofree const struct cage_seatbelt_guard **sorted = cage_alloc((in->n_guards + 1) * sizeof *sorted);

    for (size_t i = 0; i < in->n_guards; i++)
        sorted[i] = &in->guards[i];
    qsort(sorted, in->n_guards, sizeof *sorted, compare_guards);
    cage_sbpl_section(s, "protected");
    cage_sbpl_deny(s, CAGE_SBPL_OPS_WRITE);
    for (size_t i = 0; i < in->n_guards; i++)
        if (i == 0 || compare_guards(&sorted[i - 1], &sorted[i]) != 0)
            one_guard(s, sorted[i]);
    cage_sbpl_end(s);
    /* A set-uid file that the cage leaves behind would run as the user. */
    cage_sbpl_deny(s, "file-write-setugid");
    cage_sbpl_filter(s, "(subpath \"/\")");
    cage_sbpl_end(s);
}

/* Renaming a directory would carry a denied path to a name that no rule mentions. */
static void pins(struct cage_sbpl *s, const struct cage_seatbelt_input *in, const struct cage_strv *deny)
{
    CAGE_STRV_AUTO way = {0};

    for (size_t i = 0; i < deny->n; i++)
        add_ancestors(&way, deny->items[i]);
    for (size_t i = 0; i < in->n_guards; i++) {
        add_ancestors(&way, in->guards[i].path);
        if (in->guards[i].pattern)
            cage_strv_add(&way, in->guards[i].path);
        if (in->guards[i].except)
            cage_strv_add(&way, in->guards[i].except);
    }
    cage_strv_sort_unique(&way);
    cage_sbpl_section(s, "pins");
    cage_sbpl_deny(s, "file-write-unlink");
    for (size_t i = 0; i < way.n; i++)
        cage_sbpl_path(s, CAGE_SBPL_LITERAL, way.items[i]);
    cage_sbpl_end(s);
}

int cage_seatbelt_render(const struct cage_seatbelt_input *in, struct cage_strbuf *out,
                         struct cage_error *err)
{
    CAGE_CLEANUP(cage_sbpl_finish) struct cage_sbpl s = {0};
    CAGE_STRV_AUTO deny = {0};

    if (cage_seatbelt_check(in, err) < 0)
        return -1;
    sorted_copy(&in->deny, &deny);
    cage_sbpl_init(&s, in->tag);
    head(&s);
    base(&s, in);
    system_reads(&s);
    nix_reads(&s, in);
    grants(&s, in);
    execution(&s, in);
    metadata(&s, in);
    network(&s, in);
    blacklist(&s, &deny, has_outbound(in));
    guards(&s, in);
    pins(&s, in, &deny);
    cage_strbuf_add_bytes(out, s.text.buf, s.text.len);
    return 0;
}
