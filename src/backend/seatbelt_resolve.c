/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "backend/seatbelt.h"
#include "base/mem.h"
#include "base/path.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_LINKS = 32 }; /* MAXSYMLINKS of macOS, sys/param.h */

/* Where macOS leads from a path whatever this machine has there: so that profiles can be made elsewhere too.
 */
static const char *fixed_link(const char *path)
{
    static const struct {
        const char *from, *to;
    } links[] = {
        {"/tmp", "/private/tmp"},
        {"/var", "/private/var"},
        {"/etc", "/private/etc"},
    };

    for (size_t i = 0; i < CAGE_LEN(links); i++)
        if (strcmp(path, links[i].from) == 0)
            return links[i].to;
    return NULL;
}

/* The part of a resolution that is still to do, and what was found so far. */
struct walk {
    char *at;   /* physical; "" for the root */
    char *rest; /* without leading slash; "" when done */
    int links;
    enum cage_file_type type;
};

static void set(char **slot, char *take_value)
{
    free(*slot);
    *slot = take_value;
}

static void parent(struct walk *w)
{
    char *slash = strrchr(w->at, '/');

    if (slash)
        *slash = '\0';
}

/* Puts a symlink's target in front of what is left. */
static int follow(struct walk *w, const char *node, const char *target, struct cage_strv *nodes,
                  struct cage_error *err)
{
    if (++w->links > MAX_LINKS)
        return cage_error_sys(err, ELOOP, "cannot resolve %s", node);
    if (nodes && !cage_strv_has(nodes, node))
        cage_strv_add(nodes, node);
    if (target[0] == '/')
        w->at[0] = '\0';
    set(&w->rest, cage_format("%s/%s", target, w->rest));
    return 0;
}

static int step(struct walk *w, const char *name, const struct cage_host *host, struct cage_strv *nodes,
                struct cage_error *err)
{
    cage_autofree char *path = cage_format("%s/%s", w->at, name);
    const char *fixed = fixed_link(path);
    struct cage_file_fact fact = {0};
    int rc = 0;

    if (fixed)
        return follow(w, path, fixed, nodes, err);
    if (host->lookup(host, path, &fact, err) < 0)
        return -1;
    if (fact.is_symlink && fact.link_target) {
        rc = follow(w, path, fact.link_target, nodes, err);
    } else {
        w->type = fact.type;
        set(&w->at, cage_steal(&path));
    }
    cage_file_fact_finish(&fact);
    return rc;
}

static int walk(struct walk *w, const struct cage_host *host, struct cage_strv *nodes, struct cage_error *err)
{
    while (*w->rest) {
        size_t n = strcspn(w->rest, "/");
        cage_autofree char *name = cage_strndup(w->rest, n);

        set(&w->rest, cage_strdup(w->rest + n + strspn(w->rest + n, "/")));
        if (n == 0 || strcmp(name, ".") == 0)
            continue;
        w->type = CAGE_FILE_DIR;
        if (strcmp(name, "..") == 0)
            parent(w);
        else if (step(w, name, host, nodes, err) < 0)
            return -1;
    }
    return 0;
}

/* The data volume's own mount point is the same tree as the root. */
static void drop_data_volume(struct walk *w)
{
    static const char data[] = "/System/Volumes/Data";
    size_t n = sizeof data - 1;

    if (strncmp(w->at, data, n) == 0 && w->at[n] == '/')
        memmove(w->at, w->at + n, strlen(w->at + n) + 1);
}

char *cage_seatbelt_resolve(const struct cage_host *host, const char *path, struct cage_strv *nodes,
                            enum cage_file_type *type, struct cage_error *err)
{
    struct walk w = {.at = cage_strdup(""), .rest = cage_strdup(path), .type = CAGE_FILE_DIR};
    int rc = walk(&w, host, nodes, err);

    free(w.rest);
    if (rc < 0) {
        free(w.at);
        return NULL;
    }
    drop_data_volume(&w);
    if (type)
        *type = w.type;
    if (w.at[0] == '\0') {
        free(w.at);
        return cage_strdup("/");
    }
    return w.at;
}
