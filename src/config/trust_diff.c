/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Which change of which key gives the cage more. Where two configurations cannot be compared the change
 * counts as widening: asking once too often is better than once too seldom.
 */
#include "base/mem.h"
#include "base/path.h"
#include "base/strbuf.h"
#include "config/dump.h"
#include "config/trust.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct diff {
    const struct cage_config *before, *now;
    const struct cage_trust_places *places;
    struct cage_strv *widened, *tightened; /* either may be NULL */
    bool fresh; /* there is nothing to compare with: say what is, not what changed */
};

/* Appends "text (nixcage.toml:7)" to the right list. */
static void tell(const struct diff *d, bool widens, const char *text, struct cage_mark mark)
{
    struct cage_strv *out = widens ? d->widened : d->tightened;
    CAGE_STRBUF_AUTO line = {0};

    if (!out)
        return;
    cage_strbuf_init(&line);
    cage_strbuf_add_printable(&line, text);
    if (mark.line > 0 && d->now->file)
        cage_strbuf_addf(&line, " (%s:%d)", cage_path_basename(d->now->file), mark.line);
    cage_strv_add(out, line.buf);
}

/* One item more or less in a list. A newline in it must not make a line of its own. */
static void tell_item(const struct diff *d, bool widens, char sign, const char *name, const char *value,
                      struct cage_mark mark)
{
    CAGE_STRBUF_AUTO text = {0};

    cage_strbuf_init(&text);
    cage_strbuf_addf(&text, "%c %s ", sign, name);
    if (strpbrk(value, "\n\t"))
        cage_strbuf_add_toml_string(&text, value);
    else
        cage_strbuf_add(&text, value);
    tell(d, widens, text.buf, sign == '+' ? mark : (struct cage_mark){0, 0});
}

/* One value instead of another. */
static void tell_change(const struct diff *d, bool widens, const struct cage_schema_entry *e, const char *old,
                        const char *new)
{
    cage_autofree char *text =
        d->fresh ? cage_format("+ %s %s", e->name, new) : cage_format("%s %s -> %s", e->name, old, new);

    tell(d, widens, text, d->now->marks[e->key]);
}

static const void *field(const struct cage_config *config, const struct cage_schema_entry *e)
{
    return (const char *)config + e->offset;
}

/* The key's value as TOML, without the quotes of a simple string. The caller frees. */
static char *value_text(const struct cage_config *config, const struct cage_schema_entry *e)
{
    CAGE_STRBUF_AUTO sb = {0};

    cage_strbuf_init(&sb);
    cage_config_dump_value(config, e, &sb);
    if (e->type == CAGE_TYPE_ENUM)
        return cage_strndup(sb.buf + 1, sb.len - 2);
    return cage_strbuf_steal(&sb);
}

/* Differs in a way that is nobody's risk: what runs in the cage has what the cage has, whatever it is. */
static void neutral(const struct diff *d, const struct cage_schema_entry *e)
{
    cage_autofree char *old = value_text(d->before, e), *new = value_text(d->now, e);

    if (strcmp(old, new) != 0 && !d->fresh)
        tell_change(d, false, e, old, new);
}

static void bool_up(const struct diff *d, const struct cage_schema_entry *e)
{
    bool old = *(const bool *)field(d->before, e), new = *(const bool *)field(d->now, e);

    if (old != new)
        tell_change(d, new, e, old ? "true" : "false", new ? "true" : "false");
}

static void bool_down(const struct diff *d, const struct cage_schema_entry *e)
{
    bool old = *(const bool *)field(d->before, e), new = *(const bool *)field(d->now, e);

    if (old != new)
        tell_change(d, !new, e, old ? "true" : "false", new ? "true" : "false");
}

/* How much each value of an enumeration gives away, in its order. */
static const int level_ranks[] = {
    [CAGE_LEVEL_STRICT] = 0,
    [CAGE_LEVEL_STANDARD] = 1,
    [CAGE_LEVEL_RELAXED] = 2,
};
static const int enforce_ranks[] = {
    [CAGE_ENFORCE_REQUIRE] = 0,
    [CAGE_ENFORCE_WARN] = 1,
};
static const int store_mode_ranks[] = {
    [CAGE_STORE_ISOLATED] = 0,
    [CAGE_STORE_COPY] = 0,
    [CAGE_STORE_READONLY] = 1,
    [CAGE_STORE_SHARED] = 2,
};
static const int store_view_ranks[] = {
    [CAGE_VIEW_CLOSURE] = 0,
    [CAGE_VIEW_FULL] = 1,
};

static void ranked(const struct diff *d, const struct cage_schema_entry *e)
{
    const int *ranks = e->key == CAGE_KEY_SANDBOX_LEVEL    ? level_ranks
                       : e->key == CAGE_KEY_RES_ENFORCE    ? enforce_ranks
                       : e->key == CAGE_KEY_NIX_STORE_MODE ? store_mode_ranks
                                                           : store_view_ranks;
    unsigned old, new;

    memcpy(&old, field(d->before, e), sizeof old);
    memcpy(&new, field(d->now, e), sizeof new);
    if (old != new)
        tell_change(d, ranks[new] > ranks[old], e, e->values[old], e->values[new]);
}

/* A path of the configuration as an absolute one, as text; without "?". The caller frees. */
static char *resolve(const struct diff *d, const char *value)
{
    size_t n = strlen(value);
    cage_autofree char *plain = cage_strndup(value, n && value[n - 1] == '?' ? n - 1 : n);
    cage_autofree char *expanded = cage_path_expand_home(plain, d->places->home);
    cage_autofree char *joined = cage_path_join(d->places->root, expanded);

    return cage_path_clean(joined);
}

/* Whether an item of `list` is the same as value; paths are compared as what they mean. */
static bool list_has(const struct diff *d, const struct cage_schema_entry *e, const struct cage_list *list,
                     const char *value)
{
    bool paths = strcmp(e->section, "sandbox.filesystem") == 0;
    cage_autofree char *one = paths ? resolve(d, value) : cage_strdup(value);

    for (size_t i = 0; i < list->n; i++) {
        cage_autofree char *other =
            paths ? resolve(d, list->items[i].value) : cage_strdup(list->items[i].value);

        if (strcmp(one, other) == 0)
            return true;
    }
    return false;
}

/* Calls back for every item that is in one list and not in the other. */
static void compare_lists(const struct diff *d, const struct cage_schema_entry *e, bool added_widens,
                          bool removed_widens)
{
    const struct cage_list *old = field(d->before, e), *new = field(d->now, e);

    for (size_t i = 0; i < new->n; i++)
        if (!list_has(d, e, old, new->items[i].value))
            tell_item(d, added_widens, '+', e->name, new->items[i].value, new->items[i].mark);
    for (size_t i = 0; i < old->n; i++)
        if (!list_has(d, e, new, old->items[i].value))
            tell_item(d, removed_widens, '-', e->name, old->items[i].value, old->items[i].mark);
}

static void list_grants(const struct diff *d, const struct cage_schema_entry *e)
{
    compare_lists(d, e, true, false);
}

static void list_denies(const struct diff *d, const struct cage_schema_entry *e)
{
    compare_lists(d, e, false, true);
}

/* Whether a path is writable in the new cage if nothing makes it read-only. */
static bool otherwise_writable(const struct diff *d, const char *value)
{
    cage_autofree char *path = resolve(d, value);

    if (d->now->level != CAGE_LEVEL_STRICT && cage_path_is_under(path, d->places->root))
        return true;
    for (size_t i = 0; i < d->now->rw_bind.n; i++) {
        cage_autofree char *dir = resolve(d, d->now->rw_bind.items[i].value);

        if (cage_path_is_under(path, dir))
            return true;
    }
    return false;
}

/*
 * A read-only path gives reading, also below a writable directory: it may be a symbolic link that a cage
 * left there. Taken out of a writable directory it gives writing.
 */
static void ro_bind(const struct diff *d, const struct cage_schema_entry *e)
{
    const struct cage_list *old = &d->before->ro_bind, *new = &d->now->ro_bind;
    const struct cage_schema_entry *rw = cage_schema_entry(CAGE_KEY_FS_RW_BIND);

    for (size_t i = 0; i < new->n; i++) {
        const char *value = new->items[i].value;

        if (!list_has(d, e, old, value))
            tell_item(d, !list_has(d, rw, &d->before->rw_bind, value), '+', e->name, value,
                      new->items[i].mark);
    }
    for (size_t i = 0; i < old->n; i++) {
        const char *value = old->items[i].value;

        if (!list_has(d, e, new, value))
            tell_item(d, otherwise_writable(d, value), '-', e->name, value, old->items[i].mark);
    }
}

static bool has_port(const struct cage_ports *ports, uint16_t port)
{
    for (size_t i = 0; i < ports->n; i++)
        if (ports->items[i].port == port)
            return true;
    return false;
}

static void ports(const struct diff *d, const struct cage_schema_entry *e)
{
    const struct cage_ports *old = field(d->before, e), *new = field(d->now, e);

    for (size_t i = 0; i < new->n; i++) {
        cage_autofree char *port = cage_format("%d", new->items[i].port);

        if (!has_port(old, new->items[i].port))
            tell_item(d, true, '+', e->name, port, new->items[i].mark);
    }
    for (size_t i = 0; i < old->n; i++) {
        cage_autofree char *port = cage_format("%d", old->items[i].port);

        if (!has_port(new, old->items[i].port))
            tell_item(d, false, '-', e->name, port, old->items[i].mark);
    }
}

/* The network as a whole, however it is written. */
enum reach { REACH_NONE, REACH_SOME, REACH_ANY };

static enum reach reach(const struct cage_config *config)
{
    if (config->level == CAGE_LEVEL_STRICT || !config->net_allow ||
        (config->hosts.set && config->hosts.n == 0))
        return REACH_NONE;
    return config->hosts.set ? REACH_SOME : REACH_ANY;
}

static void network(const struct diff *d, const struct cage_schema_entry *e)
{
    enum reach old = reach(d->before), new = reach(d->now);

    if (old == new || new == REACH_SOME) {
        if (old == REACH_ANY && new == REACH_SOME)
            tell(d, false, "- network: any host", (struct cage_mark){0, 0});
        return; /* single hosts are told of below */
    }
    if (new == REACH_ANY)
        tell(d, true, "+ network: any host", d->now->marks[e->key]);
    else
        tell(d, false, "- network", (struct cage_mark){0, 0});
}

static void hosts(const struct diff *d, const struct cage_schema_entry *e)
{
    if (reach(d->now) == REACH_SOME && reach(d->before) == REACH_NONE) {
        for (size_t i = 0; i < d->now->hosts.n; i++)
            tell_item(d, true, '+', "host", d->now->hosts.items[i].value, d->now->hosts.items[i].mark);
    } else if (reach(d->now) == REACH_SOME && reach(d->before) == REACH_SOME) {
        struct cage_schema_entry named = *e;

        named.name = "host";
        compare_lists(d, &named, true, false);
    }
}

/* Limits: 0 is none, so more than any number. */
static void limit(const struct diff *d, const struct cage_schema_entry *e)
{
    double old = e->type == CAGE_TYPE_NUMBER ? *(const double *)field(d->before, e)
                                             : (double)*(const uint64_t *)field(d->before, e);
    double new = e->type == CAGE_TYPE_NUMBER ? *(const double *)field(d->now, e)
                                             : (double)*(const uint64_t *)field(d->now, e);
    bool none_before = old <= 0, none_now = new <= 0;
    cage_autofree char *from = none_before ? cage_strdup("no limit") : cage_format("%.15g", old);
    cage_autofree char *to = none_now ? cage_strdup("no limit") : cage_format("%.15g", new);

    if (strcmp(from, to) != 0)
        tell_change(d, !none_before && (none_now || new > old), e, from, to);
}

static char *memory_text(const struct cage_config *config, const struct cage_schema_entry *e)
{
    return config->memory || config->memory_percent > 0 ? value_text(config, e) : cage_strdup("no limit");
}

static void memory(const struct diff *d, const struct cage_schema_entry *e)
{
    const struct cage_config *a = d->before, *b = d->now;
    cage_autofree char *from = memory_text(a, e), *to = memory_text(b, e);
    bool none_before = !a->memory && a->memory_percent <= 0, none_now = !b->memory && b->memory_percent <= 0;
    bool same_unit = (a->memory_percent > 0) == (b->memory_percent > 0);
    bool more = !same_unit || b->memory > a->memory || b->memory_percent > a->memory_percent;

    if (strcmp(from, to) != 0)
        tell_change(d, !none_before && (none_now || more), e, from, to);
}

/* Code of the project, or named by it, that Nix evaluates on the host: any other one is new. */
static void code(const struct diff *d, const struct cage_schema_entry *e)
{
    const char *old = *(char *const *)field(d->before, e), *new = *(char *const *)field(d->now, e);
    cage_autofree char *from = value_text(d->before, e), *to = value_text(d->now, e);

    if (strcmp(old, new) != 0)
        tell_change(d, *new != '\0', e, from, to);
}

static void (*const rules[CAGE_KEY_COUNT])(const struct diff *, const struct cage_schema_entry *) = {
    [CAGE_KEY_SANDBOX_LEVEL] = ranked,     [CAGE_KEY_SANDBOX_NESTED] = bool_up,
    [CAGE_KEY_FS_RO_BIND] = ro_bind,       [CAGE_KEY_FS_RW_BIND] = list_grants,
    [CAGE_KEY_FS_BLACKLIST] = list_denies, [CAGE_KEY_FS_PROTECT] = list_denies,
    [CAGE_KEY_FS_UNPROTECT] = list_grants, [CAGE_KEY_FS_SYSTEM] = bool_up,
    [CAGE_KEY_NET_ALLOW] = network,        [CAGE_KEY_NET_HOSTS] = hosts,
    [CAGE_KEY_NET_EXPOSE] = ports,         [CAGE_KEY_NET_HOST_PORTS] = ports,
    [CAGE_KEY_RES_CPUS] = limit,           [CAGE_KEY_RES_MEMORY] = memory,
    [CAGE_KEY_RES_PIDS] = limit,           [CAGE_KEY_RES_ENFORCE] = ranked,
    [CAGE_KEY_NIX_PACKAGES] = neutral, /* names of nixpkgs; their code runs in the cage only */
    [CAGE_KEY_NIX_ALLOW_UNFREE] = neutral, [CAGE_KEY_NIX_PURE] = bool_down,
    [CAGE_KEY_NIX_STORE_MODE] = ranked,    [CAGE_KEY_NIX_STORE_VIEW] = ranked,
    [CAGE_KEY_NIX_NIXPKGS] = code,         [CAGE_KEY_NIX_SHELL] = code,
    [CAGE_KEY_CAGE_COMMAND] = neutral,     [CAGE_KEY_CAGE_PASSTHROUGH_ENV] = list_grants,
    [CAGE_KEY_CAGE_ENV] = neutral, /* seen by what runs in the cage only */
    [CAGE_KEY_CAGE_SSH_AGENT] = bool_up,
};

static void run(const struct diff *d)
{
    for (int key = 0; key < CAGE_KEY_COUNT; key++)
        rules[key](d, cage_schema_entry((enum cage_key)key));
}

void cage_trust_diff(const struct cage_config *before, const struct cage_config *now,
                     const struct cage_trust_places *places, struct cage_strv *widened,
                     struct cage_strv *tightened)
{
    const struct diff d = {before, now, places, widened, tightened, false};

    run(&d);
}

void cage_trust_grants(const struct cage_config *config, const struct cage_trust_places *places,
                       struct cage_strv *grants)
{
    struct cage_config nothing;
    const struct diff d = {&nothing, config, places, grants, NULL, true};

    cage_config_init(&nothing);
    nothing.level = CAGE_LEVEL_STRICT;
    nothing.net_allow = false;
    for (size_t i = 0; i < nothing.passthrough_env.n; i++)
        free(nothing.passthrough_env.items[i].value);
    nothing.passthrough_env.n = 0;
    run(&d);
    cage_config_finish(&nothing);
}
