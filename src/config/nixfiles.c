/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config/nixfiles.h"
#include "base/fs.h"
#include "base/hash.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/strbuf.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* More than any project has by hand; a file above the size is known by its time stamps only. */
enum { MAX_FILES = 4096, MAX_ENTRIES = 20000, MAX_DEPTH = 16, MAX_BYTES = 4 << 20 };

static bool ends_in(const char *path, const char *const *suffixes, size_t n)
{
    size_t len = strlen(path);

    for (size_t i = 0; i < n; i++) {
        size_t k = strlen(suffixes[i]);

        if (len >= k && strcmp(path + len - k, suffixes[i]) == 0)
            return true;
    }
    return false;
}

bool cage_nixfiles_is_code(const char *path)
{
    static const char *const suffixes[] = {".nix", "/flake.lock"};

    return ends_in(path, suffixes, CAGE_LEN(suffixes));
}

/* What Nix code reads to find more code: pins, locks. */
static bool is_read(const char *path)
{
    static const char *const suffixes[] = {".json", ".toml", ".lock"};

    return cage_nixfiles_is_code(path) || ends_in(path, suffixes, CAGE_LEN(suffixes));
}

/* --- what is named */

static enum cage_file_type type_of(const struct cage_host *host, const char *path)
{
    struct cage_file_fact fact;
    enum cage_file_type type;

    if (host->lookup(host, path, &fact, NULL) < 0)
        return CAGE_FILE_NONE;
    type = fact.type;
    cage_file_fact_finish(&fact);
    return type;
}

static char *absolute(const struct cage_host *host, const char *root, const char *written)
{
    cage_autofree char *expanded = cage_path_expand_home(written, host->home);
    cage_autofree char *joined = cage_path_join(root, expanded);

    return cage_path_clean(joined);
}

/* As nix/expr.c chooses, which is as nix-shell and nix develop do. */
static void name_shell(const struct cage_config *config, const struct cage_host *host, const char *root,
                       struct cage_strv *paths)
{
    const char *value = config->shell, *mark = strchr(value, '#');
    cage_autofree char *text = cage_strndup(value, mark ? (size_t)(mark - value) : strlen(value));
    cage_autofree char *path = absolute(host, root, text[0] ? text : ".");
    cage_autofree char *flake = cage_path_join(path, "flake.nix"), *shell = cage_path_join(path, "shell.nix");

    if (!mark && type_of(host, path) != CAGE_FILE_DIR) {
        cage_strv_add(paths, path);
        return;
    }
    cage_strv_add(paths, flake);
    if (mark || type_of(host, flake) != CAGE_FILE_NONE) {
        cage_strv_take(paths, cage_path_join(path, "flake.lock"));
        return;
    }
    cage_strv_add(paths, shell);
    if (type_of(host, shell) == CAGE_FILE_NONE)
        cage_strv_take(paths, cage_path_join(path, "default.nix"));
}

void cage_nixfiles_named(const struct cage_config *config, const struct cage_host *host, const char *root,
                         struct cage_strv *paths)
{
    if (config->shell && *config->shell)
        name_shell(config, host, root, paths);
    if (config->nixpkgs && *config->nixpkgs && strncmp(config->nixpkgs, "github:", 7) != 0)
        cage_strv_take(paths, absolute(host, root, config->nixpkgs));
}

/* --- what they refer to */

struct survey {
    const char *root;
    void *seen;                   /* tsearch(3): files, and directories with a slash at their end */
    struct cage_strv files, dirs; /* to look at; the first done_* of them are */
    size_t done_files, done_dirs, entries;
    struct cage_strv *lines;
};

static int compare(const void *a, const void *b)
{
    return strcmp(a, b);
}

/* Whether path is new here; remembers it. */
static bool is_new(struct survey *s, const char *path)
{
    char *copy;

    if (tfind(path, &s->seen, compare))
        return false;
    copy = cage_strdup(path);
    if (!tsearch(copy, &s->seen, compare))
        free(copy);
    return true;
}

static void add_file(struct survey *s, const char *path)
{
    if (s->files.n < MAX_FILES && cage_path_is_under(path, s->root) && is_new(s, path))
        cage_strv_add(&s->files, path);
}

static void add_dir(struct survey *s, const char *path)
{
    cage_autofree char *name = cage_format("%s/", path);

    if (cage_path_is_under(path, s->root) && is_new(s, name))
        cage_strv_add(&s->dirs, path);
}

static void add_path(struct survey *s, const char *path)
{
    struct stat st;

    if (stat(path, &st) < 0) {
        if (cage_nixfiles_is_code(path))
            add_file(s, path);
    } else if (S_ISDIR(st.st_mode)) {
        add_dir(s, path);
    } else if (is_read(path)) {
        add_file(s, path);
    }
}

/*
 * Every word of the form of a path literal (nix.dev, "Path literal": a slash in it), also in comments and
 * strings: one too many costs a question at worst.
 */
static void scan(struct survey *s, const char *dir, const char *text)
{
    static const char chars[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-+/";

    while (*(text += strcspn(text, chars))) {
        size_t n = strspn(text, chars);

        if (memchr(text, '/', n)) {
            cage_autofree char *literal = cage_strndup(text, n);
            cage_autofree char *joined = NULL, *path = NULL;

            /* ./a-${b}.nix: anything of the directory. */
            if (text[n] == '$')
                strrchr(literal, '/')[1] = '\0';
            joined = cage_path_join(dir, literal);
            path = cage_path_clean(joined);
            add_path(s, path);
        }
        text += n;
    }
}

static void add_line(struct survey *s, const char *hash, const char *path)
{
    CAGE_STRBUF_AUTO line = {0};

    cage_strbuf_init(&line);
    cage_strbuf_addf(&line, "%s ", hash);
    cage_strbuf_add_toml_string(&line, strlen(path) > strlen(s->root) ? path + strlen(s->root) + 1 : ".");
    cage_strv_add(s->lines, line.buf);
}

/* Where the symlinks on the way lead is part of what the file is. */
static void look_at_file(struct survey *s, const char *path)
{
    cage_autofree char *real = realpath(path, NULL);
    cage_autofree char *dir = cage_path_dirname(real ? real : path);
    cage_autofd int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    CAGE_STRBUF_AUTO text = {0};
    struct stat st;
    char hash[CAGE_HASH_HEX];

    cage_strbuf_init(&text);
    if (fd < 0 && errno == ENOENT) {
        add_line(s, "-", path);
        return;
    }
    if (real && strcmp(real, path) != 0)
        cage_strbuf_addf(&text, "%s\n", real);
    if (fd < 0 || fstat(fd, &st) < 0) {
        cage_strbuf_addf(&text, "error %d", errno);
    } else if (!S_ISREG(st.st_mode) || st.st_size > MAX_BYTES ||
               cage_fs_read_fd(fd, MAX_BYTES, &text, NULL) < 0) {
        /* The time of the last change of state cannot be set by anybody. */
        cage_strbuf_addf(&text, "%llx %llx %llx %llx", (unsigned long long)st.st_ino,
                         (unsigned long long)st.st_size, (unsigned long long)st.st_ctim.tv_sec,
                         (unsigned long long)st.st_ctim.tv_nsec);
    }
    cage_hash_hex(text.buf, text.len, hash);
    add_line(s, hash, path);
    if (cage_nixfiles_is_code(path))
        scan(s, dir, text.buf);
}

/* Hidden directories and node_modules hold other people's files, and many. */
static bool is_passed_over(const char *name)
{
    return name[0] == '.' || strcmp(name, "node_modules") == 0;
}

static void look_at_dir(struct survey *s, const char *path)
{
    DIR *dir = opendir(path);
    struct dirent *e;

    while (dir && (e = readdir(dir)) && s->entries++ < MAX_ENTRIES) {
        cage_autofree char *name = cage_path_join(path, e->d_name);
        struct stat st;

        if (is_passed_over(e->d_name) || lstat(name, &st) < 0)
            continue;
        if (S_ISDIR(st.st_mode)) {
            if (cage_path_depth(name) < cage_path_depth(s->root) + MAX_DEPTH)
                add_dir(s, name);
        } else if (cage_nixfiles_is_code(name)) {
            add_file(s, name);
        }
    }
    if (dir)
        closedir(dir);
}

/* tdestroy(3) is of glibc only. */
static void finish(struct survey *s)
{
    while (s->seen) {
        char *path = *(char **)s->seen;

        tdelete(path, &s->seen, compare);
        free(path);
    }
    cage_strv_finish(&s->files);
    cage_strv_finish(&s->dirs);
}

void cage_nixfiles_survey(const struct cage_config *config, const struct cage_host *host, const char *root,
                          struct cage_strv *lines)
{
    struct survey s = {.root = root, .lines = lines};
    CAGE_STRV_AUTO named = {0};
    struct stat st;

    cage_nixfiles_named(config, host, root, &named);
    for (size_t i = 0; i < named.n; i++) {
        if (stat(named.items[i], &st) == 0 && S_ISDIR(st.st_mode))
            add_dir(&s, named.items[i]);
        else
            add_file(&s, named.items[i]);
    }
    /* Files first: they are named one by one, and must have their place within the bounds. */
    while (s.done_files < s.files.n || s.done_dirs < s.dirs.n) {
        if (s.done_files < s.files.n)
            look_at_file(&s, s.files.items[s.done_files++]);
        else
            look_at_dir(&s, s.dirs.items[s.done_dirs++]);
    }
    cage_strv_sort_unique(lines);
    finish(&s);
}
