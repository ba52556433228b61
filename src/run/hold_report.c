/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The end of a run: what appeared at protected paths is put away, and the user is told. */
#include "base/mem.h"
#include "base/path.h"
#include "base/strbuf.h"
#include "run/gitlinks.h"
#include "run/hold_internal.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MAX_TOLD = 50, MAX_FIRST_LOOK = 8 << 20 /* of an index: more takes a start too long */ };

void cage_hold_tell(struct cage_hold *hold, const char *path, const char *now, bool checked)
{
    CAGE_STRBUF_AUTO line = {0};

    cage_strbuf_init(&line);
    cage_strbuf_add(&line, "  ");
    cage_strbuf_add_printable(&line, path);
    if (now) {
        cage_strbuf_add(&line, checked ? "; accept it with: mv -nT "
                                       : "; it could not be checked completely, look before: mv -nT ");
        cage_strbuf_add_shell_word(&line, now);
        cage_strbuf_addc(&line, ' ');
        cage_strbuf_add_shell_word(&line, path);
    }
    cage_strv_take(&hold->told, cage_strbuf_steal(&line));
}

/* It cannot be moved away (the disk is full): under another name beside its place it means nothing, either.
 */
static void leave_aside(struct cage_hold *hold, int dirfd, const char *name, const char *path,
                        const struct cage_error *why)
{
    bool is_aside = cage_hold_is_aside(name);
    cage_autofree char *aside = is_aside ? cage_strdup(name) : cage_hold_aside_name();
    cage_autofree char *dir = cage_path_dirname(path);
    bool moved = is_aside || (aside && renameat2(dirfd, name, dirfd, aside, RENAME_NOREPLACE) == 0);
    cage_autofree char *text = moved ? cage_format("%s; now %s/%s (%s)", path, dir, aside, why->message)
                                     : cage_format("%s is still there: %s", path, why->message);

    cage_hold_tell(hold, text, NULL, false);
}

void cage_hold_put_away(struct cage_hold *hold, int dirfd, const char *name, const char *path)
{
    struct cage_error err;
    cage_autofree char *now = cage_hold_store_take(&hold->store, dirfd, name, path, &err);
    bool checked = now && cage_hold_unlink_twins(AT_FDCWD, now);

    if (now)
        cage_hold_tell(hold, path, now, checked);
    else
        leave_aside(hold, dirfd, name, path, &err);
}

bool cage_hold_is_protected(const struct cage_plan *plan, const char *path)
{
    for (size_t i = 0; i < plan->n_protected; i++)
        if (cage_path_is_under(path, plan->protected_paths[i].path))
            return true;
    return false;
}

static void remember(const struct cage_gitlink *link, void *data)
{
    struct cage_hold *hold = data;

    cage_strv_add(&hold->links, link->path);
    hold->links_known &= !link->indexed;
}

static void forget(const char *index, bool changed, void *data)
{
    struct cage_hold *hold = data;

    (void)index;
    (void)changed;
    hold->links_known = false;
}

void cage_hold_remember(struct cage_hold *hold)
{
    const struct cage_gitlinks links = {.since = hold->started,
                                        .max_bytes = MAX_FIRST_LOOK,
                                        .found = remember,
                                        .unreadable = forget,
                                        .data = hold};

    if (!hold->plan->project_root)
        return;
    hold->links_known = true;
    cage_gitlinks_each(&links, hold->store.root_fd, hold->plan->project_root);
}

/* Whether the index names it since this run: what was named before is the user's. */
static bool is_new(const struct cage_hold *hold, const struct cage_gitlink *link)
{
    return hold->links_known ? !cage_strv_has(&hold->links, link->path) : link->indexed;
}

/* A repository below the project that git on the host would go into by itself. */
static void check_submodule(const struct cage_gitlink *link, void *data)
{
    struct cage_hold *hold = data;
    cage_autofree char *git = cage_format("%s/%s/.git", hold->plan->project_root, link->path);
    cage_autofree char *config = cage_path_join(git, "config");
    CAGE_STRBUF_AUTO line = {0};

    if (cage_hold_is_protected(hold->plan, config))
        return;
    if (link->configured || is_new(hold, link)) {
        cage_hold_put_away(hold, link->dirfd, ".git", git);
        return;
    }
    cage_strbuf_init(&line);
    cage_strbuf_add(&line, "git on the host follows the configuration of the submodule ");
    cage_strbuf_add_printable(&line, link->path);
    cage_strbuf_add(&line, ", which the cage can write; protect = [\"");
    cage_strbuf_add_printable(&line, link->path);
    cage_strbuf_add(&line, "/.git/config\"] keeps it from that");
    cage_strv_take(&hold->warned, cage_strbuf_steal(&line));
}

static void warn_unreadable(const char *index, bool changed, void *data)
{
    struct cage_hold *hold = data;
    CAGE_STRBUF_AUTO line = {0};

    if (!changed)
        return;
    cage_strbuf_init(&line);
    cage_strbuf_add_printable(&line, index);
    cage_strbuf_add(&line,
                    " has changed and could not be looked through: git on the host may go into "
                    "submodules that the cage added; 'git ls-files --stage | grep ^160000' names them");
    cage_strv_take(&hold->warned, cage_strbuf_steal(&line));
}

void cage_hold_look_over(struct cage_hold *hold)
{
    const struct cage_gitlinks links = {
        .since = hold->started, .found = check_submodule, .unreadable = warn_unreadable, .data = hold};
    cage_autofd int root = -1;

    if (!hold->plan->project_root)
        return;
    root = open(hold->plan->project_root, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (root >= 0)
        cage_gitlinks_each(&links, root, hold->plan->project_root);
}

void cage_hold_report(const struct cage_hold *hold, void (*say)(const char *line))
{
    for (size_t i = 0; say && i < hold->warned.n && i < MAX_TOLD; i++)
        say(hold->warned.items[i]);
    if (!say || hold->told.n == 0)
        return;
    say("protected paths appeared in the project during the run; the host would trust them, so they were put "
        "away:");
    for (size_t i = 0; i < hold->told.n && i < MAX_TOLD; i++)
        say(hold->told.items[i]);
    if (hold->told.n > MAX_TOLD) {
        cage_autofree char *rest = cage_format("  and %zu more", hold->told.n - MAX_TOLD);

        say(rest);
    }
}
