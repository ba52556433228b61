/* SPDX-License-Identifier: GPL-3.0-or-later */
/* ro_bind and rw_bind: each source followed and judged step by step, then shown where it was written and
 * where it is. */
#include "base/mem.h"
#include "base/path.h"
#include "plan/planner.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

char *cage_plan_expand(const struct cage_planner *p, const char *written)
{
    cage_autofree char *expanded = cage_path_expand_home(written, p->host->home);
    cage_autofree char *joined = cage_path_join(p->root, expanded);

    return cage_path_clean(joined);
}

int cage_plan_bind(struct cage_planner *p, const char *source, const char *dest, unsigned flags,
                   struct cage_reason reason, struct cage_error *err)
{
    const struct cage_hidden *hidden;
    struct cage_file_fact fact;
    struct cage_op *op;

    if (p->host->lookup(p->host, source, &fact, err) < 0)
        return flags & CAGE_BIND_OPTIONAL ? 0 : cage_error_wrap(err, "%s", reason.rule);
    hidden = cage_plan_hidden(p, source, NULL);
    if (!hidden && fact.type != CAGE_FILE_NONE)
        hidden = cage_plan_hidden(p, fact.real, &fact);
    if ((fact.type == CAGE_FILE_NONE || hidden) && (flags & CAGE_BIND_OPTIONAL)) {
        cage_file_fact_finish(&fact);
        return 0;
    }
    if (hidden || fact.type == CAGE_FILE_NONE) {
        cage_file_fact_finish(&fact);
        if (!hidden) {
            cage_error_set(err, CAGE_ERR_CAGE, "%s (%s) is not there", source, reason.rule);
            return cage_error_hint(err, "make it, or change what names it");
        }
        cage_config_error(p->config, hidden->mark, err,
                          "the blacklist hides %s, which the cage is made of (%s)", source, reason.rule);
        return cage_error_hint(err, "take it, or the directory that holds it, out of the blacklist");
    }
    op = cage_plan_add(p->plan, CAGE_OP_BIND, fact.real, dest, reason);
    op->writable = flags & CAGE_BIND_RW;
    op->soft = flags & CAGE_BIND_SOFT;
    op->verify = true;
    op->dev = fact.dev;
    op->ino = fact.ino;
    cage_file_fact_finish(&fact);
    return 1;
}

/* Places that cannot be bound, and why. */
static const struct {
    const char *path;
    bool below; /* what is below it neither */
    bool only_rw;
    const char *why;
} refused[] = {
    {"/", false, false, "it would show the whole machine; name the directories that are needed"},
    {"/proc", true, false, "the cage has its own /proc, of its own processes"},
    {"/sys", true, false, "the cage has no /sys"},
    {"/dev", true, false, "the cage has its own minimal /dev"},
    {"/etc", false, false, "the cage has its own /etc; name the files in it that are needed"},
    {"/run", false, false,
     "the cage has its own /run; name the sockets or directories in it that are needed"},
    {"/run/nixcage", true, false, "the cage keeps its own files there"},
    {"/nix", true, true, "the store is written through `store_mode` only"},
    {"/nix", false, false, "the store is shown through `store_mode` and `store_view`"},
    {"/nix/store", false, false, "the store is shown through `store_mode` and `store_view`"},
    {"/nix/var", true, false, "Nix's state is shown through `store_mode = \"shared\"` only"},
};

static const char *refusal(const char *path, bool writable)
{
    for (size_t i = 0; i < CAGE_LEN(refused); i++) {
        bool hit = strcmp(path, refused[i].path) == 0 ||
                   (refused[i].below && cage_path_is_under(path, refused[i].path));

        if (hit && (writable || !refused[i].only_rw))
            return refused[i].why;
    }
    return NULL;
}

/* In the home directory: what a shell, git, Nix or the session reads to know what to run. */
static const char *const obeyed[] = {
    ".bash_login",    ".bash_profile",
    ".bashrc",        ".config/autostart",
    ".config/direnv", ".config/environment.d",
    ".config/fish",   ".config/git",
    ".config/nix",    ".config/systemd",
    ".gitconfig",     ".local/bin",
    ".nix-profile",   ".nixpkgs",
    ".profile",       ".ssh",
    ".zprofile",      ".zshenv",
    ".zshrc",         "bin",
};

/* The one of them that lies at, below or above a path, or NULL. */
static const char *obeyed_in(const char *home, const char *path)
{
    for (size_t i = 0; i < CAGE_LEN(obeyed); i++) {
        cage_autofree char *there = cage_path_join(home, obeyed[i]);

        if (cage_path_is_under(there, path) || cage_path_is_under(path, there))
            return obeyed[i];
    }
    return NULL;
}

/* Things whose use amounts to leaving the cage: allowed, since they were named, but said each time. */
static void warn_about(struct cage_planner *p, const char *key, const char *real,
                       const struct cage_file_fact *fact, bool writable)
{
    const char *name = cage_path_basename(real);
    const char *obeys = writable ? obeyed_in(p->host->home, real) : NULL;

    if (fact->type == CAGE_FILE_OTHER &&
        (strstr(name, "docker") || strstr(name, "podman") || strstr(name, "containerd")))
        cage_strv_addf(&p->plan->warnings,
                       "%s: %s gives the cage full control of this machine's containers, and so of "
                       "the machine",
                       key, real);
    else if (fact->type == CAGE_FILE_OTHER)
        cage_strv_addf(&p->plan->warnings, "%s: %s lets the cage talk to a service outside it", key, real);
    else if (writable && strcmp(real, p->host->home) == 0)
        cage_strv_addf(&p->plan->warnings,
                       "%s: the whole home directory is writable, with the files that your shell "
                       "and other programs run",
                       key);
    else if (obeys)
        cage_strv_addf(&p->plan->warnings, "%s: %s is writable, and programs on the host do what ~/%s says",
                       key, real, obeys);
    else if (strcmp(real, "/tmp") == 0 || cage_path_is_under(real, "/run/user"))
        cage_strv_addf(&p->plan->warnings, "%s: %s holds sockets of programs outside the cage", key, real);
}

/* One item of ro_bind or rw_bind. */
struct request {
    const char *key; /* "ro_bind" */
    const struct cage_item *item;
    bool writable;
    bool optional;
    bool relative;
    char *path; /* absolute, clean, as written */
};

#define fail(p, r, err, ...) cage_config_error((p)->config, (r)->item->mark, err, __VA_ARGS__)

/* A symlink that the cage could change decides on the next run what is shown: none may take part. */
static int check_symlink_places(const struct cage_planner *p, const struct request *r,
                                const struct cage_walk *walk, struct cage_error *err)
{
    for (size_t i = 0; i < walk->n; i++) {
        const struct cage_hop *hop = &walk->hops[i];
        CAGE_STRV_AUTO places = {0};

        if (!hop->is_symlink)
            continue;
        if (r->relative && cage_path_is_under(hop->path, p->root)) {
            fail(p, r, err, "%s goes through the symlink %s, and a path in the project may not", r->key,
                 hop->path);
            return cage_error_hint(err, "write the path that it leads to");
        }
        cage_plan_views(p->plan, hop->path, true, &places);
        if (places.n > 0) {
            fail(p, r, err, "%s goes through the symlink %s, which the cage could change", r->key, hop->path);
            return cage_error_hint(err, "write the path that it leads to");
        }
    }
    return 0;
}

static int check_way(const struct cage_planner *p, const struct request *r, struct cage_error *err)
{
    struct cage_walk walk;
    char reason[768];
    int rc;

    if (cage_walk(p->host, r->path, &walk, err) < 0) {
        struct cage_error why = *err;

        fail(p, r, err, "%s %s: %s", r->key, r->path, why.message);
        err->sys = why.sys; /* its hint */
        return -1;
    }
    rc = check_symlink_places(p, r, &walk, err);
    if (rc == 0 && cage_walk_swappable(p->host, &walk, reason, sizeof reason)) {
        rc = fail(p, r, err, "%s refused: %s", r->key, reason);
        cage_error_hint(err, "bind a path that only root and you can change");
    }
    cage_walk_finish(&walk);
    return rc;
}

static int check_not_hidden(const struct cage_planner *p, const struct request *r,
                            const struct cage_file_fact *fact, struct cage_error *err)
{
    const struct cage_hidden *hidden = cage_plan_hidden(p, r->path, NULL);

    if (!hidden)
        hidden = cage_plan_hidden(p, fact->real, fact);
    if (!hidden)
        return 0;
    fail(p, r, err, "%s %s lies at or under %s, which the blacklist hides (line %d)", r->key, r->path,
         hidden->written, hidden->mark.line);
    return cage_error_hint(err, "the blacklist always wins: take one of the two away");
}

/* Two operations when a symlink was on the way: where it really is, and (softly) where it was written. */
static void add_places(struct cage_planner *p, const struct request *r, const struct cage_file_fact *fact)
{
    const char *places[] = {fact->real, r->path};

    for (size_t i = 0; i < CAGE_LEN(places); i++) {
        struct cage_op *op;

        if (i == 1 && strcmp(places[0], places[1]) == 0)
            break;
        if (i == 0 && cage_path_is_under(fact->real, "/nix/store"))
            continue; /* seen in the store, if the store view lets it be */
        op = cage_plan_add(p->plan, CAGE_OP_BIND, fact->real, places[i], cage_rule_at(r->key, r->item->mark));
        op->writable = r->writable;
        op->soft = i == 1;
        op->verify = true;
        op->dev = fact->dev;
        op->ino = fact->ino;
    }
    if (!r->writable)
        cage_strv_add(&p->read_only, fact->real);
    if (cage_path_is_under(fact->real, "/nix/store"))
        cage_strv_add(&p->plan->store_paths, fact->real);
}

static int judge(struct cage_planner *p, const struct request *r, const struct cage_file_fact *fact,
                 struct cage_error *err)
{
    const char *why = refusal(r->path, r->writable);

    if (!why && fact->type != CAGE_FILE_NONE)
        why = refusal(fact->real, r->writable);
    if (why) {
        fail(p, r, err, "%s cannot show %s: %s", r->key, r->path, why);
        return -1;
    }
    if (check_not_hidden(p, r, fact, err) < 0)
        return -1;
    if (fact->type == CAGE_FILE_NONE && r->optional)
        return 0;
    if (fact->type == CAGE_FILE_NONE) {
        fail(p, r, err, "%s %s is not there", r->key, r->path);
        return cage_error_hint(err, "make it, or write \"%s?\" if it may be missing", r->item->value);
    }
    if (check_way(p, r, err) < 0)
        return -1;
    if (r->relative && !cage_path_is_under(fact->real, p->root)) {
        fail(p, r, err, "%s %s leads out of the project", r->key, r->item->value);
        return cage_error_hint(err, "name what it leads to by its absolute path");
    }
    warn_about(p, r->key, fact->real, fact, r->writable);
    add_places(p, r, fact);
    return 0;
}

static int add_one(struct cage_planner *p, const char *key, const struct cage_item *item, bool writable,
                   struct cage_error *err)
{
    size_t n = strlen(item->value);
    bool optional = n > 1 && item->value[n - 1] == '?';
    cage_autofree char *written = cage_strndup(item->value, optional ? n - 1 : n);
    cage_autofree char *path = cage_plan_expand(p, written);
    struct request r = {.key = key,
                        .item = item,
                        .writable = writable,
                        .optional = optional,
                        .path = path,
                        .relative = written[0] != '/' && written[0] != '~'};
    struct cage_file_fact fact;
    int rc;

    if (p->host->lookup(p->host, path, &fact, err) < 0) {
        struct cage_error why = *err;

        fail(p, &r, err, "%s: %s", key, why.message);
        err->sys = why.sys;
        return -1;
    }
    rc = judge(p, &r, &fact, err);
    cage_file_fact_finish(&fact);
    return rc;
}

int cage_plan_add_binds(struct cage_planner *p, struct cage_error *err)
{
    const struct {
        const char *key;
        const struct cage_list *list;
        bool writable;
    } lists[] = {{"rw_bind", &p->config->rw_bind, true}, {"ro_bind", &p->config->ro_bind, false}};

    for (size_t k = 0; k < CAGE_LEN(lists); k++)
        for (size_t i = 0; i < lists[k].list->n; i++)
            if (add_one(p, lists[k].key, &lists[k].list->items[i], lists[k].writable, err) < 0)
                return -1;
    return 0;
}
