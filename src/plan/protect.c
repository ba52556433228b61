/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Paths of the project that the host executes or trusts. What exists is bound read-only wherever the cage
 * could write it, with every directory above it pinned (else it could be renamed away and made anew); what
 * does not exist is recorded for the supervisor, which moves it away when it appears. The same treatment is
 * given to nixcage's own directories and to what ro_bind names.
 */
#include "base/mem.h"
#include "base/path.h"
#include "config/nixfiles.h"
#include "plan/planner.h"

#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

/* Relative to the project. A pattern may only be the last component. */
static const char *const built_in[] = {
    "nixcage.toml",           ".envrc",        ".nixcage", ".vscode", ".idea", ".mcp.json",
    ".claude/settings*.json", ".claude/hooks",
};

/*
 * Relative to the home directory: where agents keep what they run on the host, too (hooks, MCP servers,
 * notification programs), in directories that presets show writable for their state.
 */
static const char *const of_agents[] = {
    ".claude/settings*.json", ".claude/hooks",         ".codex/config.toml",
    ".codex/hooks.json",      ".gemini/settings.json", ".gemini/extensions",
};

/* Without these the cage could change its own rules: `unprotect` does not reach them. */
static const char *const always[] = {"nixcage.toml", ".nixcage"};

static bool is_unprotected(const struct cage_planner *p, const char *path)
{
    for (size_t i = 0; i < p->config->unprotect.n; i++) {
        cage_autofree char *dir = cage_plan_expand(p, p->config->unprotect.items[i].value);

        if (cage_path_is_under(path, dir))
            return true;
    }
    return false;
}

/*
 * What Nix evaluates on the host: named in [nix], or found evaluated when the packages were resolved. Each
 * with the key that makes it so.
 */
static void nix_files(const struct cage_planner *p, struct cage_strv *paths)
{
    cage_nixfiles_named(p->config, p->host, p->root, paths);
    if (p->nix)
        cage_strv_add_all(paths, p->nix->project_files.items);
    cage_strv_sort_unique(paths);
}

static int check_unprotect(const struct cage_planner *p, struct cage_error *err)
{
    CAGE_STRV_AUTO code = {0};

    if (p->config->unprotect.n > 0)
        nix_files(p, &code);
    for (size_t i = 0; i < p->config->unprotect.n; i++) {
        const struct cage_item *item = &p->config->unprotect.items[i];
        cage_autofree char *dir = cage_plan_expand(p, item->value);

        for (size_t k = 0; k < code.n; k++)
            if (cage_path_is_under(code.items[k], dir) || cage_path_is_under(dir, code.items[k])) {
                cage_config_error(p->config, item->mark, err,
                                  "%s is evaluated by Nix on the host and stays protected", code.items[k]);
                return cage_error_hint(err, "take it out of unprotect");
            }
        for (size_t k = 0; k < CAGE_LEN(always); k++) {
            cage_autofree char *path = cage_path_join(p->root, always[k]);

            if (cage_path_is_under(path, dir)) {
                cage_config_error(p->config, item->mark, err,
                                  "%s is what keeps the cage closed and stays protected", always[k]);
                return cage_error_hint(err, "take it out of unprotect");
            }
        }
    }
    return 0;
}

static bool is_pattern(const char *path)
{
    return strpbrk(cage_path_basename(path), "*?[") != NULL;
}

/* Binds the object read-only at the places where the cage could write it. */
static int guard(struct cage_planner *p, const struct cage_file_fact *fact, const struct cage_strv *places,
                 struct cage_reason reason, struct cage_error *err)
{
    for (size_t i = 0; i < places->n; i++) {
        const struct cage_op *at;
        struct cage_op *op;

        if (cage_plan_pin_ancestors(p, places->items[i], reason, err) < 0)
            return -1;
        at = cage_plan_at(p->plan, places->items[i]);
        if (fact->type == CAGE_FILE_NONE || (at && at->kind == CAGE_OP_BIND && !at->writable))
            continue;
        op = cage_plan_add(p->plan, CAGE_OP_BIND, fact->real, places->items[i], reason);
        op->verify = fact->ino != 0; /* .nixcage may be made only just before the run */
        op->dev = fact->dev;
        op->ino = fact->ino;
        op->lies_on = cage_strdup(fact->real);
    }
    return 0;
}

static void record_symlinks(struct cage_planner *p, const char *path, struct cage_reason reason)
{
    struct cage_walk walk;

    if (cage_walk(p->host, path, &walk, NULL) < 0)
        return;
    for (size_t i = 0; i < walk.n; i++) {
        CAGE_STRV_AUTO places = {0};

        if (!walk.hops[i].is_symlink)
            continue;
        cage_plan_views(p->plan, walk.hops[i].path, true, &places);
        if (places.n > 0) {
            struct cage_protected *item = cage_plan_protect(p->plan, walk.hops[i].path, true, reason);

            if (!item->link)
                item->link = cage_strdup(walk.hops[i].fact.link_target);
        }
    }
    cage_walk_finish(&walk);
}

/* One path without a pattern. What the cage cannot write needs nothing. */
static int protect(struct cage_planner *p, const char *path, struct cage_reason reason,
                   struct cage_error *err)
{
    struct cage_file_fact fact;
    bool own = p->local && strcmp(path, p->plan->make_dirs.items[0]) == 0; /* .nixcage: made before the run */
    CAGE_STRV_AUTO places = {0};
    int rc;

    if (p->host->lookup(p->host, path, &fact, err) < 0)
        return -1;
    if (fact.is_symlink || strcmp(fact.real, path) != 0)
        record_symlinks(p, path, reason);
    cage_plan_views(p->plan, fact.real, true, &places);
    if (places.n > 0 && fact.type == CAGE_FILE_REGULAR && fact.nlink > 1)
        cage_strv_addf(&p->plan->warnings,
                       "%s has %lu names (hard links); what is writable under another one is not protected",
                       path, (unsigned long)fact.nlink);
    if (own)
        cage_plan_protect(p->plan, path, true, reason);
    else if (places.n > 0 && (fact.type == CAGE_FILE_NONE || !fact.is_symlink))
        /* What a symlink leads to that is not there may appear there. */
        cage_plan_protect(p->plan, fact.type == CAGE_FILE_NONE ? fact.real : path,
                          fact.type != CAGE_FILE_NONE, reason);
    if (own)
        fact.type = CAGE_FILE_DIR;
    rc = guard(p, &fact, &places, reason, err);
    cage_file_fact_finish(&fact);
    return rc;
}

/* What `unprotect` names in dir, whether it is there or not. */
static void add_exceptions(const struct cage_planner *p, const char *dir, struct cage_strv *names)
{
    for (size_t i = 0; i < p->config->unprotect.n; i++) {
        cage_autofree char *path = cage_plan_expand(p, p->config->unprotect.items[i].value);
        cage_autofree char *parent = cage_path_dirname(path);

        if (strcmp(parent, dir) == 0)
            cage_strv_add(names, cage_path_basename(path));
    }
}

/* The names that match now, and the pattern itself for those that may appear. */
static int protect_pattern(struct cage_planner *p, const char *path, struct cage_reason reason,
                           struct cage_error *err)
{
    cage_autofree char *dir = cage_path_dirname(path);
    cage_autofree char *real = NULL;
    CAGE_STRV_AUTO names = {0};
    CAGE_STRV_AUTO places = {0};
    struct cage_file_fact none = {.type = CAGE_FILE_NONE}, fact;
    bool is_there;

    if (p->host->list(p->host, dir, &names, err) < 0 || p->host->lookup(p->host, dir, &fact, err) < 0)
        return -1;
    real = cage_path_join(fact.real, cage_path_basename(path));
    is_there = fact.type != CAGE_FILE_NONE;
    cage_file_fact_finish(&fact);
    if (strcmp(real, path) != 0)
        record_symlinks(p, dir, reason);
    for (size_t i = 0; i < names.n; i++) {
        cage_autofree char *match = cage_path_join(dir, names.items[i]);

        if (fnmatch(cage_path_basename(path), names.items[i], FNM_PERIOD) != 0 || is_unprotected(p, match))
            continue;
        if (protect(p, match, reason, err) < 0)
            return -1;
    }
    cage_plan_views(p->plan, real, true, &places);
    if (places.n > 0) {
        struct cage_protected *item = cage_plan_protect(p->plan, is_there ? path : real, false, reason);

        item->is_glob = true;
        add_exceptions(p, dir, &item->except);
    }
    return guard(p, &none, &places, reason, err);
}

static int protect_any(struct cage_planner *p, const char *path, struct cage_reason reason,
                       struct cage_error *err)
{
    if (is_unprotected(p, path))
        return 0;
    return is_pattern(path) ? protect_pattern(p, path, reason, err) : protect(p, path, reason, err);
}

/* Nothing is done for what the cage does not see or cannot write. */
static int protect_agents(struct cage_planner *p, struct cage_error *err)
{
    for (size_t i = 0; i < CAGE_LEN(of_agents); i++) {
        cage_autofree char *path = cage_path_join(p->host->home, of_agents[i]);
        cage_autofree char *dir = cage_path_dirname(path);
        CAGE_STRV_AUTO places = {0};
        struct cage_file_fact fact;

        if (p->host->lookup(p->host, dir, &fact, NULL) < 0)
            continue;
        if (fact.type == CAGE_FILE_DIR)
            cage_plan_views(p->plan, fact.real, true, &places);
        cage_file_fact_finish(&fact);
        if (places.n > 0 && protect_any(p, path, cage_rule("protected"), err) < 0)
            return -1;
    }
    return 0;
}

static int protect_built_in(struct cage_planner *p, struct cage_error *err)
{
    CAGE_STRV_AUTO paths = {0};

    for (size_t i = 0; i < CAGE_LEN(built_in); i++)
        cage_strv_addf(&paths, "%s/%s", p->root, built_in[i]);
    if (cage_plan_git_paths(p, &paths, err) < 0)
        return -1;
    for (size_t i = 0; i < paths.n; i++)
        if (protect_any(p, paths.items[i], cage_rule("protected"), err) < 0)
            return -1;
    return 0;
}

static int protect_configured(struct cage_planner *p, struct cage_error *err)
{
    for (size_t i = 0; i < p->config->protect.n; i++) {
        const struct cage_item *item = &p->config->protect.items[i];
        cage_autofree char *path = cage_plan_expand(p, item->value);

        if (!cage_path_is_under(path, p->root) || strcmp(path, p->root) == 0) {
            cage_config_error(p->config, item->mark, err, "protect: %s is not in the project", item->value);
            return cage_error_hint(err, "name files of the project; ro_bind shows others read-only");
        }
        if (protect_any(p, path, cage_rule_at("protect", item->mark), err) < 0)
            return -1;
    }
    return 0;
}

/* Whoever writes these decides what the host evaluates and builds: `unprotect` does not reach them. */
static int protect_nix_files(struct cage_planner *p, struct cage_error *err)
{
    CAGE_STRV_AUTO paths = {0};
    const struct cage_mark *marks = p->config->marks;
    enum cage_key key = p->config->shell && *p->config->shell ? CAGE_KEY_NIX_SHELL : CAGE_KEY_NIX_NIXPKGS;

    nix_files(p, &paths);
    for (size_t i = 0; i < paths.n; i++) {
        if (cage_path_is_under(p->root, paths.items[i])) {
            cage_config_error(p->config, marks[CAGE_KEY_NIX_NIXPKGS], err,
                              "the project is in what Nix evaluates on the host: %s", paths.items[i]);
            return cage_error_hint(err, "name a directory outside the project, or below it");
        }
        if (protect(p, paths.items[i], cage_rule_at("evaluated by Nix on the host", marks[key]), err) < 0)
            return -1;
    }
    return 0;
}

/* What nixcage itself trusts: allowed configurations, cached environments, private stores, logs. */
static int protect_own_directories(struct cage_planner *p, struct cage_error *err)
{
    const char *dirs[] = {p->host->config_home, p->host->cache_home, p->host->data_home, p->host->state_home};

    for (size_t i = 0; i < CAGE_LEN(dirs); i++) {
        CAGE_STRV_AUTO places = {0};
        struct cage_file_fact fact;
        int rc = 0;

        if (!dirs[i] || p->host->lookup(p->host, dirs[i], &fact, NULL) < 0)
            continue;
        cage_plan_views(p->plan, fact.real, true, &places);
        if (places.n > 0)
            rc = protect(p, dirs[i], cage_rule("nixcage's own files"), err);
        cage_file_fact_finish(&fact);
        if (rc < 0)
            return -1;
    }
    return 0;
}

/* What ro_bind names of a directory that is shown anyway: there the host can take the mount away. */
static void note_read_only(struct cage_planner *p)
{
    for (size_t i = 0; i < p->plan->n_ops; i++) {
        struct cage_op *op = &p->plan->ops[i];
        cage_autofree char *dir = NULL, *host_dir = NULL, *place = NULL;

        if (op->kind != CAGE_OP_BIND || op->writable || op->lies_on || op->reason.mark.line == 0)
            continue;
        dir = cage_path_dirname(op->dest);
        host_dir = cage_plan_host_path(p->plan, dir);
        place = host_dir ? cage_path_join(host_dir, cage_path_basename(op->dest)) : NULL;
        if (place && strcmp(place, op->source) == 0)
            op->lies_on = cage_steal(&place);
    }
}

/* ro_bind holds for the object, whatever other writable bind it can be seen through. */
static int guard_read_only(struct cage_planner *p, struct cage_error *err)
{
    note_read_only(p);
    for (size_t i = 0; i < p->read_only.n; i++) {
        CAGE_STRV_AUTO places = {0};
        struct cage_file_fact fact;
        int rc;

        if (p->host->lookup(p->host, p->read_only.items[i], &fact, err) < 0)
            return -1;
        cage_plan_views(p->plan, fact.real, true, &places);
        rc = guard(p, &fact, &places, cage_rule("ro_bind, under another name"), err);
        cage_file_fact_finish(&fact);
        if (rc < 0)
            return -1;
    }
    return 0;
}

/* A writable bind at or below something protected would open it again. */
static int check_opened(const struct cage_planner *p, struct cage_error *err)
{
    for (size_t i = 0; i < p->plan->n_ops; i++) {
        const struct cage_op *op = &p->plan->ops[i];

        if (op->kind != CAGE_OP_BIND || !op->writable || op->reason.mark.line == 0)
            continue;
        for (size_t k = 0; k < p->plan->n_protected; k++) {
            const struct cage_protected *item = &p->plan->protected_paths[k];

            if (item->is_glob || !item->exists || !cage_path_is_under(op->source, item->path) ||
                (p->local && cage_path_is_under(op->source, p->local)))
                continue;
            cage_config_error(p->config, op->reason.mark, err, "%s opens %s, which is protected",
                              op->reason.rule, item->path);
            return cage_error_hint(err, "unprotect = [\"...\"] is the way to say that it may be written");
        }
    }
    return 0;
}

int cage_plan_add_protected(struct cage_planner *p, struct cage_error *err)
{
    CAGE_STRV_AUTO seen = {0};

    if (check_unprotect(p, err) < 0 || protect_nix_files(p, err) < 0 || guard_read_only(p, err) < 0 ||
        protect_own_directories(p, err) < 0)
        return -1;
    if (protect_agents(p, err) < 0)
        return -1;
    cage_plan_views(p->plan, p->root, true, &seen);
    if (!p->project_mounted && seen.n == 0)
        return 0;
    if (protect_built_in(p, err) < 0 || protect_configured(p, err) < 0)
        return -1;
    return check_opened(p, err);
}
