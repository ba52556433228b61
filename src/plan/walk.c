/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Every step that the kernel takes when it follows a path, so that each can be judged. */
#include "base/mem.h"
#include "base/path.h"
#include "plan/planner.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { MAX_HOPS = 400 };

void cage_walk_finish(struct cage_walk *walk)
{
    for (size_t i = 0; i < walk->n; i++) {
        free(walk->hops[i].path);
        cage_file_fact_finish(&walk->hops[i].fact);
    }
    free(walk->hops);
    *walk = (struct cage_walk){0};
}

static struct cage_hop *add_hop(struct cage_walk *walk, const char *path)
{
    walk->hops = cage_realloc_array(walk->hops, walk->n + 1, sizeof *walk->hops);
    walk->hops[walk->n] = (struct cage_hop){.path = cage_strdup(path)};
    return &walk->hops[walk->n++];
}

/* The next component of *rest is cut off and appended to *at, which is physical. */
static void step(char **at, char **rest)
{
    const char *name = *rest + strspn(*rest, "/");
    size_t n = strcspn(name, "/");
    cage_autofree char *component = cage_strndup(name, n);
    cage_autofree char *joined = cage_path_join(*at, component);
    char *left = cage_strdup(name + n);

    free(*at);
    free(*rest);
    *at = cage_path_clean(joined);
    *rest = left;
}

/* Replaces the symlink *at (already judged) by its directory and puts its target before *rest. */
static void follow(char **at, char **rest, const char *target)
{
    char *dir = target[0] == '/' ? cage_strdup("/") : cage_path_dirname(*at);
    char *joined = cage_format("%s/%s", target, *rest);

    free(*at);
    free(*rest);
    *at = dir;
    *rest = joined;
}

int cage_walk(const struct cage_host *host, const char *path, struct cage_walk *walk, struct cage_error *err)
{
    cage_autofree char *at = cage_strdup("/");
    cage_autofree char *rest = cage_strdup(path);

    *walk = (struct cage_walk){0};
    if (host->lookup(host, "/", &add_hop(walk, "/")->fact, err) < 0) {
        cage_walk_finish(walk);
        return -1;
    }
    while (rest[strspn(rest, "/")]) {
        struct cage_hop *hop;

        if (walk->n >= MAX_HOPS) {
            cage_walk_finish(walk);
            return cage_error_sys(err, ELOOP, "cannot follow %s", path);
        }
        step(&at, &rest);
        hop = add_hop(walk, at);
        if (host->lookup(host, at, &hop->fact, err) < 0) {
            cage_walk_finish(walk);
            return -1;
        }
        hop->is_symlink = hop->fact.is_symlink;
        if (hop->is_symlink)
            follow(&at, &rest, hop->fact.link_target);
        else if (hop->fact.type == CAGE_FILE_NONE)
            break;
    }
    return 0;
}

bool cage_walk_swappable(const struct cage_host *host, const struct cage_walk *walk, char *reason, size_t n)
{
    /* In a user namespace the real root may show as "nobody": who owns / is trusted with all of it. */
    uid_t root = walk->n > 0 ? walk->hops[0].fact.uid : 0;

    for (size_t i = 0; i < walk->n; i++) {
        const struct cage_hop *hop = &walk->hops[i];
        uid_t owner = hop->is_symlink ? hop->fact.link_uid : hop->fact.uid;
        bool last = i + 1 == walk->n;

        if (!hop->is_symlink && hop->fact.type == CAGE_FILE_NONE)
            continue;
        if (owner != root && owner != 0 && owner != host->uid && !(last && !hop->is_symlink)) {
            snprintf(reason, n, "%s belongs to user %ld, who could make it lead elsewhere", hop->path,
                     (long)owner);
            return true;
        }
        if (!hop->is_symlink && !last && hop->fact.type == CAGE_FILE_DIR && (hop->fact.mode & S_IWOTH) &&
            !(hop->fact.mode & S_ISVTX)) {
            snprintf(reason, n, "anybody may replace what is in %s (mode %04o)", hop->path, hop->fact.mode);
            return true;
        }
    }
    return false;
}
