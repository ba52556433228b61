/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What git on the host runs or follows: hooks, configuration (core.fsmonitor, core.sshCommand, filters run
 * programs), and the files that say where a repository is (gitrepository-layout(5)). A repository that the
 * cage could redirect is as good as one whose hooks it could write.
 */
#include "base/mem.h"
#include "base/path.h"
#include "plan/gitconfig.h"
#include "plan/planner.h"

#include <stdlib.h>
#include <string.h>

enum { MAX_MODULES = 256, MAX_MODULE_DEPTH = 8, MAX_CONFIGS = 4096 };

/* In every git directory. */
static const char *const trusted[] = {"hooks", "config", "config.worktree", "commondir"};

static void add_gitdir(struct cage_strv *paths, const char *gitdir)
{
    for (size_t i = 0; i < CAGE_LEN(trusted); i++)
        cage_strv_addf(paths, "%s/%s", gitdir, trusted[i]);
}

static int type_at(const struct cage_planner *p, const char *path, enum cage_file_type *type,
                   struct cage_error *err)
{
    struct cage_file_fact fact;

    if (p->host->lookup(p->host, path, &fact, err) < 0)
        return -1;
    *type = fact.type;
    cage_file_fact_finish(&fact);
    return 0;
}

/* The first line of the file dir/name after `prefix`, as a path relative to dir. NULL: no such line. */
static char *read_pointer(const struct cage_planner *p, const char *file, const char *prefix)
{
    cage_autofree char *text = p->host->read_small(p->host, file);
    cage_autofree char *dir = cage_path_dirname(file);
    cage_autofree char *joined = NULL;
    size_t n = strlen(prefix);

    if (!text || strncmp(text, prefix, n) != 0)
        return NULL;
    text[strcspn(text, "\r\n")] = '\0';
    if (!text[n])
        return NULL;
    joined = cage_path_join(dir, text + n);
    return cage_path_clean(joined);
}

/* `core.worktree` of a submodule: its .git file is followed by the host as well. */
static void add_module_worktree(const struct cage_planner *p, const char *gitdir, struct cage_strv *paths)
{
    cage_autofree char *file = cage_path_join(gitdir, "config");
    cage_autofree char *text = p->host->read_small(p->host, file);
    char *save = NULL;

    for (char *line = text ? strtok_r(text, "\n", &save) : NULL; line; line = strtok_r(NULL, "\n", &save)) {
        cage_autofree char *joined = NULL;
        cage_autofree char *clean = NULL;

        line += strspn(line, " \t");
        if (strncmp(line, "worktree", 8) != 0)
            continue;
        line += 8 + strspn(line + 8, " \t=");
        line[strcspn(line, "\r")] = '\0';
        joined = cage_path_join(gitdir, line);
        clean = cage_path_clean(joined);
        cage_strv_addf(paths, "%s/.git", clean);
        return;
    }
}

/* Module names may have slashes, so a directory without HEAD is looked into. */
static int add_modules(const struct cage_planner *p, const char *dir, int depth, size_t *left,
                       struct cage_strv *paths, struct cage_error *err)
{
    CAGE_STRV_AUTO names = {0};

    if (p->host->list(p->host, dir, &names, err) < 0)
        return -1;
    for (size_t i = 0; i < names.n; i++) {
        cage_autofree char *module = cage_path_join(dir, names.items[i]);
        cage_autofree char *head = cage_path_join(module, "HEAD");
        cage_autofree char *below = NULL;
        enum cage_file_type type, is_repository;

        if (type_at(p, module, &type, err) < 0 || type_at(p, head, &is_repository, err) < 0)
            return -1;
        if (type != CAGE_FILE_DIR)
            continue;
        if (depth >= MAX_MODULE_DEPTH || *left == 0) {
            cage_error_set(err, CAGE_ERR_PROJECT, "%s: more than %d submodules, or nested more than %d deep",
                           dir, MAX_MODULES, MAX_MODULE_DEPTH);
            return cage_error_hint(
                err, "use a checkout without submodules, or git submodule deinit those that are not needed");
        }
        if (is_repository != CAGE_FILE_NONE) {
            (*left)--;
            add_gitdir(paths, module);
            add_module_worktree(p, module, paths);
        }
        below = is_repository != CAGE_FILE_NONE ? cage_path_join(module, "modules") : cage_strdup(module);
        if (add_modules(p, below, depth + 1, left, paths, err) < 0)
            return -1;
    }
    return 0;
}

/* Linked worktrees of this repository: the host may be working in them. */
static int add_worktrees(const struct cage_planner *p, const char *gitdir, struct cage_strv *paths,
                         struct cage_error *err)
{
    cage_autofree char *dir = cage_path_join(gitdir, "worktrees");
    CAGE_STRV_AUTO names = {0};

    if (p->host->list(p->host, dir, &names, err) < 0)
        return -1;
    for (size_t i = 0; i < names.n; i++) {
        cage_autofree char *gitdir_file = NULL, *tree = NULL;

        cage_strv_addf(paths, "%s/%s/config.worktree", dir, names.items[i]);
        cage_strv_addf(paths, "%s/%s/commondir", dir, names.items[i]);
        cage_strv_addf(paths, "%s/%s/gitdir", dir, names.items[i]);
        gitdir_file = cage_strdup(paths->items[paths->n - 1]);
        tree = read_pointer(p, gitdir_file, "");
        if (tree)
            cage_strv_add(paths, tree); /* its .git, which may lie in the project, too */
    }
    return 0;
}

static int add_repository(const struct cage_planner *p, const char *gitdir, struct cage_strv *paths,
                          struct cage_error *err)
{
    cage_autofree char *modules = cage_path_join(gitdir, "modules");
    size_t left = MAX_MODULES;

    add_gitdir(paths, gitdir);
    if (add_worktrees(p, gitdir, paths, err) < 0)
        return -1;
    return add_modules(p, modules, 0, &left, paths, err);
}

/* `.git` as a file: this is a linked worktree or a submodule, and its repository lies elsewhere. */
static int add_linked(const struct cage_planner *p, const char *git, struct cage_strv *paths,
                      struct cage_error *err)
{
    cage_autofree char *gitdir = read_pointer(p, git, "gitdir: ");
    cage_autofree char *pointer = gitdir ? cage_path_join(gitdir, "commondir") : NULL;
    cage_autofree char *common = pointer ? read_pointer(p, pointer, "") : NULL;

    cage_strv_add(paths, git);
    if (!gitdir)
        return 0;
    if (common && strcmp(common, gitdir) != 0 && add_repository(p, common, paths, err) < 0)
        return -1;
    return add_repository(p, gitdir, paths, err);
}

/* Whether text in a file of the repository, resolved, is exactly `expected`. */
static bool points_at(const struct cage_planner *p, const char *dir, const char *name, const char *expected)
{
    cage_autofree char *file = cage_path_join(dir, name);
    cage_autofree char *target = read_pointer(p, file, "");

    return target && strcmp(target, expected) == 0;
}

/* A physical path of a directory of the user's, with something in it that makes it a repository. */
static bool is_own_repository(const struct cage_planner *p, const char *dir)
{
    cage_autofree char *head = cage_path_join(dir, "HEAD");
    enum cage_file_type type;
    struct cage_file_fact fact;
    bool good;

    if (p->host->lookup(p->host, dir, &fact, NULL) < 0)
        return false;
    good = fact.type == CAGE_FILE_DIR && fact.uid == p->host->uid && strcmp(fact.real, dir) == 0;
    cage_file_fact_finish(&fact);
    return good && type_at(p, head, &type, NULL) == 0 && type == CAGE_FILE_REGULAR;
}

/*
 * The repository of a project whose `.git` is a file. It must lead back to the project, from files that only
 * its owner wrote: a project that came from elsewhere cannot have any directory shown by naming it. NULL:
 * there is none. The caller frees.
 */
static char *linked_repository(const struct cage_planner *p, const char *git, const char *gitdir)
{
    cage_autofree char *worktrees = cage_path_dirname(gitdir);
    cage_autofree char *common = cage_path_dirname(worktrees);
    CAGE_STRV_AUTO back = {0};

    if (!is_own_repository(p, gitdir))
        return NULL;
    if (strcmp(cage_path_basename(worktrees), "worktrees") == 0 && points_at(p, gitdir, "gitdir", git) &&
        points_at(p, gitdir, "commondir", common) && is_own_repository(p, common))
        return cage_strdup(common);
    add_module_worktree(p, gitdir, &back);
    return cage_strv_has(&back, git) ? cage_strdup(gitdir) : NULL;
}

static bool is_configured(const struct cage_op *op)
{
    return op && (strcmp(op->reason.rule, "rw_bind") == 0 || strcmp(op->reason.rule, "ro_bind") == 0);
}

int cage_plan_add_repository(struct cage_planner *p, struct cage_error *err)
{
    cage_autofree char *git = cage_path_join(p->root, ".git");
    cage_autofree char *gitdir = NULL;
    cage_autofree char *repository = NULL;
    enum cage_file_type type;

    if (!p->project_mounted)
        return 0;
    if (type_at(p, git, &type, err) < 0)
        return -1;
    gitdir = type == CAGE_FILE_REGULAR ? read_pointer(p, git, "gitdir: ") : NULL;
    /* What the project holds is shown with it; what the configuration shows is as it says. */
    if (!gitdir || cage_path_is_under(gitdir, p->root) || is_configured(cage_plan_covering(p->plan, gitdir)))
        return 0;
    repository = linked_repository(p, git, gitdir);
    if (!repository) {
        cage_strv_addf(
            &p->plan->warnings,
            "%s leads to %s, which is not a repository of yours that leads back: git does not work "
            "in the cage",
            git, gitdir);
        return 0;
    }
    return cage_plan_bind(p, repository, repository, CAGE_BIND_RW | CAGE_BIND_OPTIONAL,
                          cage_rule("the project's repository"), err) < 0
               ? -1
               : 0;
}

/* What is being collected from a configuration file. */
struct named {
    const struct cage_planner *p;
    const char *dir; /* of the file: its includes start there */
    struct cage_strv *paths;
    struct cage_strv *files; /* to be read, each once */
};

/* Where a path of a file in dir leads, by the rules of git-config(1). The caller frees. */
static char *resolve(const struct cage_planner *p, const char *dir, const char *value)
{
    cage_autofree char *joined =
        strncmp(value, "~/", 2) == 0 ? cage_path_join(p->host->home, value + 2) : cage_path_join(dir, value);

    return cage_path_clean(joined);
}

/* Nothing that holds the project itself, which has to stay writable. */
static void add_named(const struct named *named, const char *path)
{
    const struct cage_planner *p = named->p;
    enum cage_file_type type;

    /* What the user cannot look at, the cage cannot either. */
    if (cage_path_is_under(p->root, path) || type_at(p, path, &type, NULL) < 0)
        return;
    cage_strv_add(named->paths, path);
    /* husky's hooks lie beside the directory that git is given. */
    if (strcmp(cage_path_basename(path), "_") == 0) {
        cage_autofree char *parent = cage_path_dirname(path);

        if (!cage_path_is_under(p->root, parent))
            cage_strv_add(named->paths, parent);
    }
}

/* Hooks run in the top directory of a work tree, or in .git: githooks(5). So a relative path is one in each.
 */
static void add_hooks(const struct named *named, const char *value)
{
    cage_autofree char *path = resolve(named->p, named->p->root, value);
    size_t n = named->paths->n;

    add_named(named, path);
    for (size_t i = 0; value[0] != '/' && value[0] != '~' && i < n; i++) {
        cage_autofree char *tree = cage_path_dirname(named->paths->items[i]);
        cage_autofree char *hooks = resolve(named->p, tree, value);

        if (strcmp(cage_path_basename(named->paths->items[i]), ".git") == 0)
            add_named(named, hooks);
    }
}

static void take_named(const char *section, const char *subsection, const char *name, const char *value,
                       void *data)
{
    const struct named *named = data;

    (void)subsection;
    if (!*value)
        return;
    if (strcmp(section, "core") == 0 && strcmp(name, "hookspath") == 0) {
        add_hooks(named, value);
    } else if ((strcmp(section, "include") == 0 || strcmp(section, "includeif") == 0) &&
               strcmp(name, "path") == 0) {
        cage_autofree char *path = resolve(named->p, named->dir, value);

        add_named(named, path);
        if (!cage_strv_has(named->files, path) && named->files->n < MAX_CONFIGS)
            cage_strv_add(named->files, path);
    }
}

/* Hooks and configuration that the user keeps in the project (core.hooksPath, include.path). */
static void add_named_by(const struct cage_planner *p, const char *file, struct cage_strv *paths,
                         struct cage_strv *files)
{
    cage_autofree char *text = p->host->read_small(p->host, file);
    cage_autofree char *dir = cage_path_dirname(file);
    struct named named = {.p = p, .dir = dir, .paths = paths, .files = files};

    if (text)
        cage_gitconfig_parse(text, take_named, &named);
}

/* Where git looks for the user's and the machine's configuration (git-config(1), "FILES"). */
static void add_global_files(const struct cage_planner *p, struct cage_strv *files)
{
    const char *xdg = cage_host_getenv(p->host, "XDG_CONFIG_HOME");
    const char *global = cage_host_getenv(p->host, "GIT_CONFIG_GLOBAL");

    cage_strv_addf(files, "%s/.gitconfig", p->host->home);
    cage_strv_addf(files, "%s/.config/git/config", p->host->home);
    cage_strv_add(files, "/etc/gitconfig");
    if (xdg && xdg[0] == '/')
        cage_strv_addf(files, "%s/git/config", xdg);
    if (global && global[0] == '/')
        cage_strv_add(files, global);
}

/* Every configuration file found so far, the user's own, and what they include, whatever the condition. */
static void add_all_named(const struct cage_planner *p, struct cage_strv *paths)
{
    CAGE_STRV_AUTO files = {0};

    for (size_t i = 0; i < paths->n; i++) {
        const char *name = cage_path_basename(paths->items[i]);

        if (strcmp(name, "config") == 0 || strcmp(name, "config.worktree") == 0)
            cage_strv_add(&files, paths->items[i]);
    }
    add_global_files(p, &files);
    for (size_t i = 0; i < files.n; i++) {
        cage_autofree char *file = cage_strdup(files.items[i]); /* the list grows */

        add_named_by(p, file, paths, &files);
    }
}

static int add_repositories(const struct cage_planner *p, struct cage_strv *paths, struct cage_error *err)
{
    cage_autofree char *git = cage_path_join(p->root, ".git");
    enum cage_file_type type;

    if (type_at(p, git, &type, err) < 0)
        return -1;
    if (type == CAGE_FILE_DIR)
        return add_repository(p, git, paths, err);
    if (type == CAGE_FILE_REGULAR)
        return add_linked(p, git, paths, err);
    /* No repository: one that the cage makes would bring its own hooks and configuration. */
    cage_strv_add(paths, git);
    return 0;
}

/*
 * Where .git is missing or damaged, git takes a directory with HEAD, objects and refs for a bare repository
 * and follows its configuration. So no HEAD may appear; the project may also be such a repository.
 */
static int add_bare(const struct cage_planner *p, struct cage_strv *paths, struct cage_error *err)
{
    static const char *const marks[] = {"HEAD", "objects", "refs"};
    size_t found = 0;

    for (size_t i = 0; i < CAGE_LEN(marks); i++) {
        cage_autofree char *path = cage_path_join(p->root, marks[i]);
        enum cage_file_type type;

        if (type_at(p, path, &type, err) < 0)
            return -1;
        found += type != CAGE_FILE_NONE;
    }
    if (found == CAGE_LEN(marks))
        return add_repository(p, p->root, paths, err);
    cage_strv_addf(paths, "%s/HEAD", p->root);
    return 0;
}

int cage_plan_git_paths(struct cage_planner *p, struct cage_strv *paths, struct cage_error *err)
{
    if (add_repositories(p, paths, err) < 0 || add_bare(p, paths, err) < 0)
        return -1;
    add_all_named(p, paths);
    return 0;
}
