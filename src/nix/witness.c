/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "nix/witness.h"
#include "base/fs.h"
#include "base/hash.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/strbuf.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* The first character of a fact says how to see it again. */
enum fact_kind { FACT_STAT = 'f', FACT_LINK = 'l', FACT_EXISTS = 'e', FACT_VARIABLE = 'v' };

enum { FACT_MAX = 512 };

#ifdef __APPLE__
#define st_mtim st_mtimespec
#define st_ctim st_ctimespec
#endif

/* Appends the fact about path as it is now to buf; false when it does not fit (then it never holds). */
static bool see(enum fact_kind kind, const struct cage_host *host, const char *path, char *buf, size_t size)
{
    struct stat st;
    ssize_t n;

    if (kind == FACT_VARIABLE) {
        const char *value = cage_host_getenv(host, path);
        char hex[CAGE_HASH_HEX];

        if (value)
            cage_hash_hex(value, strlen(value), hex);
        return snprintf(buf, size, "v%s", value ? hex : "-") < (int)size;
    }
    if (kind == FACT_LINK) {
        n = readlink(path, buf + 1, size - 2);
        buf[0] = 'l';
        buf[n < 0 ? 1 : n + 1] = '\0';
        return n < (ssize_t)size - 2;
    }
    if (lstat(path, &st) < 0)
        return snprintf(buf, size, "%c-%d", (char)kind, errno) < (int)size;
    if (kind == FACT_EXISTS)
        return snprintf(buf, size, "e%o", (unsigned)(st.st_mode & S_IFMT)) < (int)size;
    return snprintf(buf, size, "f%lx.%lx %lx.%lx %llx %llx %x", (unsigned long)st.st_ctim.tv_sec,
                    (unsigned long)st.st_ctim.tv_nsec, (unsigned long)st.st_mtim.tv_sec,
                    (unsigned long)st.st_mtim.tv_nsec, (unsigned long long)st.st_size,
                    (unsigned long long)st.st_ino, (unsigned)st.st_mode) < (int)size;
}

static void add(struct cage_strv *list, enum fact_kind kind, const struct cage_host *host, const char *path)
{
    char buf[FACT_MAX];

    /* What does not fit is kept as something that is never seen. */
    cage_strv_add(list, see(kind, host, path, buf, sizeof buf) ? buf : "?");
    cage_strv_add(list, path);
}

void cage_nix_witness_file(struct cage_strv *list, const char *path)
{
    struct stat st;

    if (lstat(path, &st) == 0 && S_ISLNK(st.st_mode)) {
        cage_autofree char *real = realpath(path, NULL);

        cage_nix_witness_chain(list, path);
        add(list, FACT_STAT, NULL, real ? real : path);
    } else {
        add(list, FACT_STAT, NULL, path);
    }
}

void cage_nix_witness_exists(struct cage_strv *list, const char *path)
{
    add(list, FACT_EXISTS, NULL, path);
}

/* The path that the symlink at `link` (with `rest` of the path to follow) leads to. */
static char *follow(const char *link, const char *target, const char *rest)
{
    cage_autofree char *dir = cage_path_dirname(link);
    cage_autofree char *to = cage_path_join(dir, target);
    cage_autofree char *whole = *rest ? cage_format("%s/%s", to, rest) : cage_strdup(to);

    return cage_path_clean(whole);
}

void cage_nix_witness_chain(struct cage_strv *list, const char *path)
{
    char *current = cage_path_clean(path);

    for (int links = 0; links < 40; links++) {
        char *next = NULL;

        for (char *p = current + 1; p[-1] && !next; p++) {
            char saved = *p;
            cage_autofree char *target = NULL;

            if (saved != '/' && saved != '\0')
                continue;
            *p = '\0';
            target = cage_fs_readlink(AT_FDCWD, current);
            if (target) {
                add(list, FACT_LINK, NULL, current);
                next = follow(current, target, saved ? p + 1 : "");
            }
            *p = saved;
            if (!saved)
                break;
        }
        if (!next)
            break;
        free(current);
        current = next;
    }
    cage_nix_witness_exists(list, current);
    free(current);
}

void cage_nix_witness_variable(struct cage_strv *list, const struct cage_host *host, const char *name)
{
    add(list, FACT_VARIABLE, host, name);
}

bool cage_nix_witness_holds(const struct cage_strv *list, const struct cage_host *host)
{
    char buf[FACT_MAX];

    for (size_t i = 0; i + 1 < list->n; i += 2) {
        const char *fact = list->items[i];

        if (!*fact || !strchr("flev", *fact) ||
            !see((enum fact_kind) * fact, host, list->items[i + 1], buf, sizeof buf) ||
            strcmp(buf, fact) != 0)
            return false;
    }
    return true;
}

bool cage_nix_witness_is_racy(const struct cage_strv *list, struct timespec since)
{
    for (size_t i = 0; i + 1 < list->n; i += 2) {
        unsigned long sec, nsec;
        char *end;

        if (list->items[i][0] != 'f')
            continue;
        sec = strtoul(list->items[i] + 1, &end, 16);
        if (*end != '.')
            continue;
        nsec = strtoul(end + 1, NULL, 16);
        if ((time_t)sec > since.tv_sec || ((time_t)sec == since.tv_sec && (long)nsec >= since.tv_nsec))
            return true;
    }
    return false;
}

bool cage_nix_is_url(const char *value)
{
    return strstr(value, "://") || strncmp(value, "channel:", 8) == 0 || strncmp(value, "flake:", 6) == 0;
}
