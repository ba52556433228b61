/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The blacklist hides objects, not spellings: wherever the object is seen in the plan, something empty lies
 * over it, after everything else.
 *
 * A path that is not there: nothing can be mounted over it without leaving a stub on the host. Its existing
 * ancestors are pinned where the cage may write, so that it cannot be made to exist elsewhere, and every run
 * looks again: what appears there during a run (made by the cage, or by the host, in a directory that a bind
 * shows) is hidden from the next run on. A plan says so ("not there yet"). Who wants it hidden at once makes
 * it first.
 */
#include "base/mem.h"
#include "base/path.h"
#include "plan/planner.h"

#include <stdlib.h>
#include <string.h>

static int read_entry(struct cage_planner *p, const struct cage_item *item, struct cage_error *err)
{
    struct cage_hidden *hidden;

    p->hidden = cage_realloc_array(p->hidden, p->n_hidden + 1, sizeof *p->hidden);
    hidden = &p->hidden[p->n_hidden++];
    *hidden = (struct cage_hidden){.written = cage_plan_expand(p, item->value), .mark = item->mark};
    if (strcmp(hidden->written, "/") == 0) {
        cage_config_error(p->config, item->mark, err, "the blacklist cannot hide /");
        return cage_error_hint(err, "name the directories to hide");
    }
    /* What the user cannot look at, the cage cannot either: the name alone is enough then. */
    if (p->host->lookup(p->host, hidden->written, &hidden->fact, NULL) < 0)
        hidden->fact = (struct cage_file_fact){.real = cage_strdup(hidden->written)};
    if (hidden->fact.type == CAGE_FILE_REGULAR && hidden->fact.nlink > 1)
        cage_strv_addf(&p->plan->warnings, "blacklist: %s has %lu hard links; its other names are not hidden",
                       hidden->written, (unsigned long)hidden->fact.nlink);
    return 0;
}

int cage_plan_read_blacklist(struct cage_planner *p, struct cage_error *err)
{
    for (size_t i = 0; i < p->config->blacklist.n; i++)
        if (read_entry(p, &p->config->blacklist.items[i], err) < 0)
            return -1;
    cage_plan_find_names(p);
    return 0;
}

static bool is_under_any(const char *path, const struct cage_strv *names)
{
    for (size_t i = 0; i < names->n; i++)
        if (cage_path_is_under(path, names->items[i]))
            return true;
    return false;
}

const struct cage_hidden *cage_plan_hidden(const struct cage_planner *p, const char *path,
                                           const struct cage_file_fact *fact)
{
    for (size_t i = 0; i < p->n_hidden; i++) {
        const struct cage_hidden *hidden = &p->hidden[i];

        if (cage_path_is_under(path, hidden->written) || is_under_any(path, &hidden->names))
            return hidden;
        if (fact && fact->type != CAGE_FILE_NONE && hidden->fact.type == fact->type &&
            hidden->fact.dev == fact->dev && hidden->fact.ino == fact->ino)
            return hidden;
    }
    return NULL;
}

/* A symlink on the way to what is hidden, which the cage could change: the next run would hide something
 * else. */
static int check_way(struct cage_planner *p, const struct cage_hidden *hidden, struct cage_error *err)
{
    struct cage_walk walk;
    int rc = 0;

    if (strcmp(hidden->written, hidden->fact.real) == 0)
        return 0;
    if (cage_walk(p->host, hidden->written, &walk, NULL) < 0)
        return 0;
    for (size_t i = 0; rc == 0 && i < walk.n; i++) {
        CAGE_STRV_AUTO places = {0};

        if (!walk.hops[i].is_symlink)
            continue;
        cage_plan_views(p->plan, walk.hops[i].path, true, &places);
        if (places.n == 0)
            continue;
        cage_config_error(p->config, hidden->mark, err,
                          "the blacklist goes through the symlink %s, which the cage "
                          "could change",
                          walk.hops[i].path);
        rc = cage_error_hint(err, "add the path that it leads to, %s, instead", hidden->fact.real);
    }
    cage_walk_finish(&walk);
    return rc;
}

static void mask(struct cage_planner *p, const struct cage_file_fact *fact, const char *dest,
                 struct cage_reason reason)
{
    enum cage_op_kind kind = fact->type == CAGE_FILE_DIR ? CAGE_OP_MASK_DIR : CAGE_OP_MASK_FILE;
    char *lies_on = cage_plan_host_path(p->plan, dest);
    struct cage_op *op = cage_plan_add(p->plan, kind, NULL, dest, reason);

    op->lies_on = lies_on;
    op->dev = fact->dev;
    op->ino = fact->ino;
}

static int hide(struct cage_planner *p, const struct cage_hidden *hidden, struct cage_error *err)
{
    struct cage_reason reason = cage_rule_at("blacklist", hidden->mark);
    CAGE_STRV_AUTO places = {0};

    for (size_t i = 0; i < hidden->names.n; i++)
        cage_plan_views(p->plan, hidden->names.items[i], false, &places);
    for (size_t i = 0; i < places.n; i++) {
        if (cage_plan_pin_ancestors(p, places.items[i], reason, err) < 0)
            return -1;
        if (hidden->fact.type == CAGE_FILE_NONE)
            cage_plan_protect(p->plan, hidden->fact.real, false, reason)->hide = true;
    }
    /* Masks after all pins: adding a pin moves what views are made of. */
    for (size_t i = 0; hidden->fact.type != CAGE_FILE_NONE && i < places.n; i++)
        mask(p, &hidden->fact, places.items[i], reason);
    return 0;
}

/* The level relaxed shows the home directory, where OpenSSH 10.1 and newer keep the agent's socket. */
static void hide_agent(struct cage_planner *p)
{
    const char *socket = cage_host_getenv(p->host, "SSH_AUTH_SOCK");
    struct cage_file_fact fact;
    CAGE_STRV_AUTO places = {0};

    if (p->config->level != CAGE_LEVEL_RELAXED || p->config->ssh_agent || !socket || socket[0] != '/' ||
        p->host->lookup(p->host, socket, &fact, NULL) < 0)
        return;
    if (fact.type == CAGE_FILE_OTHER)
        cage_plan_views(p->plan, fact.real, false, &places);
    for (size_t i = 0; i < places.n; i++)
        if (!cage_plan_at(p->plan, places.items[i])) /* else the configuration names the socket itself */
            mask(p, &fact, places.items[i], cage_rule("ssh_agent is not set"));
    cage_file_fact_finish(&fact);
}

int cage_plan_add_masks(struct cage_planner *p, struct cage_error *err)
{
    for (size_t i = 0; i < p->n_hidden; i++) {
        if (check_way(p, &p->hidden[i], err) < 0)
            return -1;
        if (hide(p, &p->hidden[i], err) < 0)
            return -1;
    }
    hide_agent(p);
    return 0;
}
