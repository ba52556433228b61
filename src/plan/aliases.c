/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Other names of one object: bind mounts of the host show a directory at several physical paths, which
 * neither spelling nor symlinks tell. proc_pid_mountinfo(5) says which part of which file system each mount
 * shows.
 */
#include "base/mem.h"
#include "base/path.h"
#include "plan/planner.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_ALIASES = 64 };

struct mount {
    char *device, *root, *point; /* point into the text */
};

struct mounts {
    char *text;
    struct mount *items;
    size_t n;
};

/* "\040" and the like, in place. */
static void unescape(char *s)
{
    char *to = s;

    while (*s) {
        if (s[0] == '\\' && strspn(s + 1, "01234567") >= 3) {
            *to++ = (char)((s[1] - '0') * 64 + (s[2] - '0') * 8 + (s[3] - '0'));
            s += 4;
        } else {
            *to++ = *s++;
        }
    }
    *to = '\0';
}

/* "ID PARENT MAJOR:MINOR ROOT POINT …" */
static bool parse_line(char *line, struct mount *mount)
{
    char *save = NULL;
    char *words[5];

    for (size_t i = 0; i < CAGE_LEN(words); i++)
        if (!(words[i] = strtok_r(i == 0 ? line : NULL, " ", &save)))
            return false;
    unescape(words[3]);
    unescape(words[4]);
    *mount = (struct mount){.device = words[2], .root = words[3], .point = words[4]};
    return mount->root[0] == '/' && mount->point[0] == '/';
}

static void read_mounts(const struct cage_planner *p, struct mounts *mounts)
{
    char *save = NULL;

    *mounts = (struct mounts){.text = p->host->read_small(p->host, "/proc/self/mountinfo")};
    for (char *line = mounts->text ? strtok_r(mounts->text, "\n", &save) : NULL; line;
         line = strtok_r(NULL, "\n", &save)) {
        struct mount mount;

        if (!parse_line(line, &mount))
            continue;
        mounts->items = cage_realloc_array(mounts->items, mounts->n + 1, sizeof *mounts->items);
        mounts->items[mounts->n++] = mount;
    }
}

/* The mount that path lies on: the deepest, and of those at one place the last. */
static const struct mount *mount_of(const struct mounts *mounts, const char *path)
{
    const struct mount *best = NULL;

    for (size_t i = 0; i < mounts->n; i++)
        if (cage_path_is_under(path, mounts->items[i].point) &&
            (!best || strlen(mounts->items[i].point) >= strlen(best->point)))
            best = &mounts->items[i];
    return best;
}

/* base + what path has beyond dir, which it is under. */
static char *rebase(const char *path, const char *dir, const char *base)
{
    cage_autofree char *joined = cage_format("%s/%s", base, path + (strcmp(dir, "/") == 0 ? 0 : strlen(dir)));

    return cage_path_clean(joined);
}

static void find_aliases(const struct mounts *mounts, const char *real, struct cage_strv *names)
{
    const struct mount *own = mount_of(mounts, real);
    cage_autofree char *inner = own ? rebase(real, own->point, own->root) : NULL;

    for (size_t i = 0; inner && i < mounts->n && names->n < MAX_ALIASES; i++) {
        const struct mount *mount = &mounts->items[i];
        cage_autofree char *name = NULL;

        if (strcmp(mount->device, own->device) != 0 || !cage_path_is_under(inner, mount->root))
            continue;
        name = rebase(inner, mount->root, mount->point);
        if (mount_of(mounts, name) == mount && !cage_strv_has(names, name))
            cage_strv_add(names, name);
    }
}

void cage_plan_find_names(struct cage_planner *p)
{
    struct mounts mounts;

    if (p->n_hidden == 0)
        return;
    read_mounts(p, &mounts);
    for (size_t i = 0; i < p->n_hidden; i++) {
        cage_strv_add(&p->hidden[i].names, p->hidden[i].fact.real);
        find_aliases(&mounts, p->hidden[i].fact.real, &p->hidden[i].names);
    }
    free(mounts.items);
    free(mounts.text);
}
