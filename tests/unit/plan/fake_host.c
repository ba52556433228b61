/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "fake_host.h"

#include "base/fs.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/strbuf.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct node {
    char *path, *target, *text;
    enum cage_file_type type;
    bool is_symlink, closed;
    uid_t uid;
    mode_t mode;
    nlink_t nlink;
    ino_t ino;
};

struct machine {
    struct node *nodes;
    size_t n;
};

static void give_up(const char *line)
{
    fprintf(stderr, "fake host: bad line: %s\n", line);
    abort();
}

static struct node *find(const struct machine *m, const char *path)
{
    for (size_t i = 0; i < m->n; i++)
        if (strcmp(m->nodes[i].path, path) == 0)
            return &m->nodes[i];
    return NULL;
}

static struct node *add(struct machine *m, const char *path, enum cage_file_type type)
{
    struct node *node = find(m, path);

    if (!node) {
        m->nodes = cage_realloc_array(m->nodes, m->n + 1, sizeof *m->nodes);
        node = &m->nodes[m->n++];
        *node = (struct node){.path = cage_strdup(path), .ino = m->n};
    }
    node->type = type;
    node->mode = type == CAGE_FILE_REGULAR ? 0644 : 0755;
    node->nlink = 1;
    return node;
}

static void add_parents(struct machine *m, const char *path)
{
    cage_autofree char *dir = cage_path_dirname(path);

    if (find(m, dir))
        return;
    if (strcmp(dir, "/") != 0)
        add_parents(m, dir);
    add(m, dir, CAGE_FILE_DIR);
}

static char *unescape(const char *s)
{
    char *out = cage_alloc(strlen(s) + 1), *to = out;

    for (; *s; s++) {
        if (s[0] == '\\' && s[1] == 'n') {
            *to++ = '\n';
            s++;
        } else {
            *to++ = *s;
        }
    }
    return out;
}

static void read_options(struct node *node, char *rest)
{
    while (rest && *rest) {
        char *word = rest + strspn(rest, " ");

        if (strncmp(word, "text=", 5) == 0) {
            free(node->text);
            node->text = unescape(word + 5);
            return;
        }
        rest = strchr(word, ' ');
        if (rest)
            *rest++ = '\0';
        if (strncmp(word, "uid=", 4) == 0)
            node->uid = (uid_t)strtoul(word + 4, NULL, 10);
        else if (strncmp(word, "mode=", 5) == 0)
            node->mode = (mode_t)strtoul(word + 5, NULL, 8);
        else if (strncmp(word, "nlink=", 6) == 0)
            node->nlink = strtoul(word + 6, NULL, 10);
        else if (*word)
            give_up(word);
    }
}

static char *cut(char **rest)
{
    char *word = *rest;
    char *space = strchr(word, ' ');

    *rest = space ? space + 1 : word + strlen(word);
    if (space)
        *space = '\0';
    return word;
}

static void set(char **slot, const char *value)
{
    free(*slot);
    *slot = cage_strdup(value);
}

static bool read_setting(struct cage_host *host, const char *key, char *rest)
{
    if (strcmp(key, "home") == 0) {
        set(&host->home, rest);
    } else if (strcmp(key, "cwd") == 0) {
        set(&host->cwd, rest);
    } else if (strcmp(key, "user") == 0) {
        set(&host->user, cut(&rest));
        host->uid = (uid_t)strtoul(cut(&rest), NULL, 10);
        host->gid = (gid_t)strtoul(rest, NULL, 10);
    } else if (strcmp(key, "os") == 0) {
        set(&host->os, rest);
        set(&host->system, strcmp(rest, "macos") == 0 ? "aarch64-darwin" : "x86_64-linux");
    } else if (strcmp(key, "landlock") == 0) {
        host->landlock_abi = atoi(rest);
    } else if (strcmp(key, "env") == 0) {
        cage_strv_add(&host->env, rest);
    } else {
        return false;
    }
    return true;
}

static void read_line(struct cage_host *host, struct machine *m, char *line)
{
    char *rest = line;
    const char *key = cut(&rest), *path;
    struct node *node;

    if (!*key || key[0] == '#' || read_setting(host, key, rest))
        return;
    path = cut(&rest);
    if (strlen(key) != 1 || path[0] != '/')
        give_up(key);
    add_parents(m, path);
    switch (key[0]) {
    case 'd':
        node = add(m, path, CAGE_FILE_DIR);
        break;
    case 'f':
        node = add(m, path, CAGE_FILE_REGULAR);
        break;
    case 's':
        node = add(m, path, CAGE_FILE_OTHER);
        break;
    case 'x':
        node = add(m, path, CAGE_FILE_OTHER);
        node->closed = true;
        break;
    case 'l':
        node = add(m, path, CAGE_FILE_OTHER);
        node->is_symlink = true;
        set(&node->target, cut(&rest));
        break;
    case 'a': {
        const struct node *first = find(m, path);
        struct node copy = first ? *first : (struct node){0};

        if (!first)
            give_up(path);
        add_parents(m, rest);
        node = add(m, rest, copy.type);
        node->ino = copy.ino;
        return;
    }
    default:
        give_up(key);
        return;
    }
    if (cage_path_is_under(path, host->home))
        node->uid = host->uid;
    read_options(node, rest);
}

/* Resolves path; links counts symlinks. The last component is followed too. NULL: ELOOP or EACCES in errno.
 */
static char *resolve(const struct machine *m, const char *path, int links)
{
    cage_autofree char *at = cage_strdup("/");
    cage_autofree char *copy = cage_strdup(path);
    char *save = NULL;

    for (char *name = strtok_r(copy, "/", &save); name; name = strtok_r(NULL, "/", &save)) {
        cage_autofree char *joined = cage_path_join(at, name);
        cage_autofree char *next = cage_path_clean(joined);
        const struct node *node = find(m, next);

        if (node && node->closed) {
            errno = EACCES;
            return NULL;
        }
        if (node && node->is_symlink) {
            cage_autofree char *target = cage_path_join(at, node->target);
            cage_autofree char *clean = cage_path_clean(target);
            char *there;

            if (links > 40) {
                errno = ELOOP;
                return NULL;
            }
            there = resolve(m, clean, links + 1);
            if (!there)
                return NULL;
            free(at);
            at = there;
            continue;
        }
        free(at);
        at = cage_steal(&next);
    }
    return cage_steal(&at);
}

static int fake_lookup(const struct cage_host *host, const char *path, struct cage_file_fact *fact,
                       struct cage_error *err)
{
    const struct machine *m = host->fake;
    cage_autofree char *clean = cage_path_clean(path);
    cage_autofree char *dir = cage_path_dirname(clean);
    cage_autofree char *dir_real = resolve(m, dir, 0);
    cage_autofree char *real = resolve(m, clean, 0);
    cage_autofree char *self = NULL;
    const struct node *node;

    *fact = (struct cage_file_fact){0};
    if (!real || !dir_real)
        return cage_error_sys(err, errno, "cannot look at %s", path);
    self = cage_path_join(dir_real, cage_path_basename(clean));
    node = strcmp(clean, "/") == 0 ? NULL : find(m, self);
    if (node && node->is_symlink) {
        fact->is_symlink = true;
        fact->link_uid = node->uid;
        fact->link_target = cage_strdup(node->target);
    }
    node = find(m, real);
    fact->real = cage_steal(&real);
    if (!node)
        return 0;
    fact->type = node->type;
    fact->uid = node->uid;
    fact->mode = node->mode;
    fact->nlink = node->nlink;
    fact->dev = 1;
    fact->ino = node->ino;
    return 0;
}

static int fake_list(const struct cage_host *host, const char *path, struct cage_strv *names,
                     struct cage_error *err)
{
    const struct machine *m = host->fake;
    cage_autofree char *real = resolve(m, path, 0);

    if (!real)
        return cage_error_sys(err, errno, "cannot list %s", path);
    for (size_t i = 0; i < m->n; i++) {
        cage_autofree char *dir = cage_path_dirname(m->nodes[i].path);

        if (strcmp(dir, real) == 0 && strcmp(m->nodes[i].path, "/") != 0)
            cage_strv_add(names, cage_path_basename(m->nodes[i].path));
    }
    cage_strv_sort_unique(names);
    return 0;
}

static char *fake_read_small(const struct cage_host *host, const char *path)
{
    const struct machine *m = host->fake;
    cage_autofree char *real = resolve(m, path, 0);
    const struct node *node = real ? find(m, real) : NULL;

    return node && node->type == CAGE_FILE_REGULAR ? cage_strdup(node->text ? node->text : "") : NULL;
}

static void set_own_dirs(struct cage_host *host)
{
    host->config_home = cage_path_join(host->home, ".config/nixcage");
    host->cache_home = cage_path_join(host->home, ".cache/nixcage");
    host->data_home = cage_path_join(host->home, ".local/share/nixcage");
    host->state_home = cage_path_join(host->home, ".local/state/nixcage");
}

void fake_host_init(struct cage_host *host, const char *text)
{
    struct machine *m = cage_alloc(sizeof *m);
    cage_autofree char *copy = cage_strdup(text);
    char *save = NULL;

    *host = (struct cage_host){
        .os = cage_strdup("linux"),
        .system = cage_strdup("x86_64-linux"),
        .home = cage_strdup("/home/u"),
        .user = cage_strdup("u"),
        .cwd = cage_strdup("/home/u/proj"),
        .uid = 1000,
        .gid = 1000,
        .landlock_abi = 7,
        .cpus = 4,
        .memory = (uint64_t)8 << 30,
        .data_dir = cage_strdup("/opt/nixcage/share"),
        .init_path = cage_strdup("/opt/nixcage/nixcage-init"),
        .record_path = cage_strdup("/opt/nixcage/nixcage-record"),
        .lookup = fake_lookup,
        .list = fake_list,
        .read_small = fake_read_small,
        .fake = m,
    };
    cage_strv_init(&host->env);
    add(m, "/", CAGE_FILE_DIR);
    for (char *line = strtok_r(copy, "\n", &save); line; line = strtok_r(NULL, "\n", &save))
        read_line(host, m, line);
    set_own_dirs(host);
}

void fake_host_load(struct cage_host *host, const char *dir, const char *name, const char *more)
{
    cage_autofree char *path = cage_format("%s/%s.host", dir, name);
    CAGE_STRBUF_AUTO text = {0};

    cage_strbuf_init(&text);
    if (cage_fs_read(AT_FDCWD, path, 1 << 20, &text, NULL) < 0)
        give_up(path);
    cage_strbuf_add(&text, "\n");
    cage_strbuf_add(&text, more ? more : "");
    fake_host_init(host, text.buf);
}

void fake_host_finish(struct cage_host *host)
{
    struct machine *m = host->fake;

    for (size_t i = 0; i < m->n; i++) {
        free(m->nodes[i].path);
        free(m->nodes[i].target);
        free(m->nodes[i].text);
    }
    free(m->nodes);
    free(m);
    cage_host_finish(host);
}
