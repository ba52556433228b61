/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Who commits, for git in the cage: /etc/gitconfig with name and address from the user's own configuration,
 * and nothing else of it. It is the weakest of git's sources: ~/.gitconfig, where it is shown, the
 * repository's own and variables win. The user's configuration is read by us, never by git; the project's
 * is not read at all.
 */
#include "base/mem.h"
#include "base/path.h"
#include "base/strbuf.h"
#include "plan/gitconfig.h"
#include "plan/planner.h"

#include <stdlib.h>
#include <string.h>

enum { MAX_DEPTH = 10 }; /* of includes, as in git */

struct identity {
    const struct cage_planner *p;
    char *name, *email;
    bool safe;        /* the project is a safe.directory of the user's */
    const char *file; /* that is being read */
    int depth;
};

static void set(char **field, const char *value)
{
    free(*field);
    *field = *value ? cage_strdup(value) : NULL;
}

/* includeIf "gitdir:DIR/": only whole directories; other conditions count as not met. */
static bool condition_holds(const struct identity *id, const char *condition)
{
    const struct cage_planner *p = id->p;
    cage_autofree char *expanded = NULL;
    cage_autofree char *clean = NULL;
    size_t n = strlen(condition);

    if (strncmp(condition, "gitdir:", 7) != 0 || condition[n - 1] != '/' || strpbrk(condition, "*?["))
        return false;
    expanded = cage_path_expand_home(condition + 7, p->host->home);
    if (expanded[0] != '/')
        return false;
    clean = cage_path_clean(expanded);
    return cage_path_is_under(p->root, clean);
}

static void read_file(struct identity *id, const char *file);

static void include(struct identity *id, const char *path)
{
    cage_autofree char *dir = cage_path_dirname(id->file);
    cage_autofree char *expanded = cage_path_expand_home(path, id->p->host->home);
    cage_autofree char *joined = cage_path_join(dir, expanded);
    cage_autofree char *clean = cage_path_clean(joined);

    read_file(id, clean);
}

static void take(const char *section, const char *subsection, const char *name, const char *value, void *data)
{
    struct identity *id = data;

    if (strcmp(section, "user") == 0 && !*subsection && strcmp(name, "name") == 0)
        set(&id->name, value);
    else if (strcmp(section, "user") == 0 && !*subsection && strcmp(name, "email") == 0)
        set(&id->email, value);
    else if (strcmp(section, "safe") == 0 && !*subsection && strcmp(name, "directory") == 0)
        /* An empty value takes back the ones before it. */
        id->safe = *value && (id->safe || strcmp(value, "*") == 0 || strcmp(value, id->p->root) == 0);
    else if (strcmp(name, "path") == 0 && strcmp(section, "include") == 0 && !*subsection)
        include(id, value);
    else if (strcmp(name, "path") == 0 && strcmp(section, "includeif") == 0 &&
             condition_holds(id, subsection))
        include(id, value);
}

/* What the cage could write must not decide who the user is, nor be followed. */
static bool is_trusted(const struct cage_planner *p, const char *file)
{
    struct cage_file_fact fact;
    CAGE_STRV_AUTO places = {0};
    bool good;

    if (p->host->lookup(p->host, file, &fact, NULL) < 0)
        return false;
    cage_plan_views(p->plan, fact.real, true, &places);
    good = fact.type == CAGE_FILE_REGULAR && places.n == 0 && !cage_plan_hidden(p, file, NULL) &&
           !cage_plan_hidden(p, fact.real, &fact);
    cage_file_fact_finish(&fact);
    return good;
}

static void read_file(struct identity *id, const char *file)
{
    cage_autofree char *text = NULL;
    const char *outer = id->file;

    if (id->depth >= MAX_DEPTH || !is_trusted(id->p, file))
        return;
    text = id->p->host->read_small(id->p->host, file);
    if (!text)
        return;
    id->file = file;
    id->depth++;
    cage_gitconfig_parse(text, take, id);
    id->depth--;
    id->file = outer;
}

/* git's order, the strongest last. */
static void read_all(struct identity *id)
{
    const struct cage_host *host = id->p->host;
    const char *global = cage_host_getenv(host, "GIT_CONFIG_GLOBAL");
    const char *xdg = cage_host_getenv(host, "XDG_CONFIG_HOME");
    cage_autofree char *config =
        xdg && xdg[0] == '/' ? cage_strdup(xdg) : cage_path_join(host->home, ".config");
    cage_autofree char *second = cage_path_join(config, "git/config");
    cage_autofree char *first = cage_path_join(host->home, ".gitconfig");

    read_file(id, "/etc/gitconfig");
    if (global && global[0] == '/') {
        read_file(id, global);
        return;
    }
    read_file(id, second);
    read_file(id, first);
}

static void add_line(struct cage_strbuf *out, const char *name, const char *value)
{
    cage_autofree char *quoted = value ? cage_gitconfig_quote(value) : NULL;

    if (quoted)
        cage_strbuf_addf(out, "\t%s = %s\n", name, quoted);
}

int cage_plan_add_identity(struct cage_planner *p, struct cage_error *err)
{
    struct identity id = {.p = p};
    CAGE_STRBUF_AUTO text = {0};
    struct cage_op *op;

    (void)err;
    if (!p->project_mounted)
        return 0;
    cage_strbuf_init(&text);
    read_all(&id);
    if (id.name || id.email)
        cage_strbuf_add(&text, "[user]\n");
    add_line(&text, "name", id.name);
    add_line(&text, "email", id.email);
    if (id.safe)
        cage_strbuf_add(&text, "[safe]\n");
    add_line(&text, "directory", id.safe ? p->root : NULL);
    free(id.name);
    free(id.email);
    if (text.len == 0)
        return 0;
    op = cage_plan_add(p->plan, CAGE_OP_FILE, NULL, "/etc/gitconfig",
                       cage_rule("your name and address, for commits"));
    op->content = cage_strbuf_steal(&text);
    op->soft = true;
    return 0;
}
