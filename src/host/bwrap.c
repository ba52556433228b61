/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/fs.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/proc.h"
#include "host/host.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#ifdef __linux__
#include <sys/xattr.h>
#endif

enum { OLDEST_MAJOR = 0, OLDEST_MINOR = 8, MAX_CACHE = 8192 };

void cage_bwrap_finish(struct cage_bwrap *bwrap)
{
    free(bwrap->path);
    *bwrap = (struct cage_bwrap){0};
}

/* Set-uid, set-gid or file capabilities (capabilities(7)): it would run with more than the user's rights. */
static bool is_privileged(const char *path, const struct stat *st)
{
#ifdef __linux__
    if (getxattr(path, "security.capability", NULL, 0) > 0)
        return true;
#else
    (void)path;
#endif
    return (st->st_mode & (S_ISUID | S_ISGID)) != 0;
}

/* What the cached version is valid for. */
static char *cache_key(const char *path, const struct stat *st)
{
    return cage_format("%s %llu %llu %lld %lld.%09ld %lld.%09ld", path, (unsigned long long)st->st_dev,
                       (unsigned long long)st->st_ino, (long long)st->st_size, (long long)st->st_mtim.tv_sec,
                       st->st_mtim.tv_nsec, (long long)st->st_ctim.tv_sec, st->st_ctim.tv_nsec);
}

static bool parse_version(const char *text, struct cage_bwrap *bwrap)
{
    static const char name[] = "bubblewrap ";
    char *end;

    bwrap->patch = 0;
    if (strncmp(text, name, strlen(name)) != 0)
        return false;
    text += strlen(name);
    bwrap->major = (int)strtol(text, &end, 10);
    if (end == text || *end != '.')
        return false;
    text = end + 1;
    bwrap->minor = (int)strtol(text, &end, 10);
    if (end == text)
        return false;
    if (*end == '.')
        bwrap->patch = (int)strtol(end + 1, NULL, 10);
    return true;
}

static bool read_cache(const char *file, const char *key, struct cage_bwrap *bwrap)
{
    CAGE_STRBUF_AUTO text = {0};
    size_t n = strlen(key);

    cage_strbuf_init(&text);
    return cage_fs_read(AT_FDCWD, file, MAX_CACHE, &text, NULL) == 0 && strncmp(text.buf, key, n) == 0 &&
           text.buf[n] == '\n' && parse_version(text.buf + n + 1, bwrap);
}

/* A cache that cannot be written costs a millisecond a run, no more. */
static void write_cache(const struct cage_host *host, const char *file, const char *key,
                        const struct cage_bwrap *bwrap)
{
    cage_autofree char *text =
        cage_format("%s\nbubblewrap %d.%d.%d\n", key, bwrap->major, bwrap->minor, bwrap->patch);

    if (cage_fs_mkdirs(host->cache_home, 0700, NULL) == 0 &&
        cage_fs_write_atomic(AT_FDCWD, file, text, strlen(text), 0600, NULL) < 0)
        return;
}

static int ask_version(struct cage_bwrap *bwrap, struct cage_error *err)
{
    CAGE_STRBUF_AUTO out = {0};
    char version_option[] = "--version";
    char *argv[] = {bwrap->path, version_option, NULL};
    struct cage_proc proc = {.argv = argv, .out = &out, .max = 4096};
    int status;

    cage_strbuf_init(&out);
    status = cage_proc_run(&proc, err);
    if (status < 0)
        return -1;
    if (status != 0 || !parse_version(out.buf, bwrap)) {
        cage_error_set(err, CAGE_ERR_MISSING, "%s --version gave no version (exit code %d)", bwrap->path,
                       status);
        return cage_error_hint(
            err, "it is broken, or no bubblewrap: install it again, or put another one first on PATH");
    }
    return 0;
}

static int refuse(const struct cage_host *host, struct cage_error *err)
{
    cage_autofree char *hint = cage_host_install_hint(host, "bwrap");

    return cage_error_hint(err, "%s", hint);
}

static int check_version(const struct cage_host *host, const struct cage_bwrap *bwrap, struct cage_error *err)
{
    if (bwrap->major > OLDEST_MAJOR || bwrap->minor >= OLDEST_MINOR)
        return 0;
    cage_error_set(err, CAGE_ERR_MISSING, "%s is bubblewrap %d.%d.%d; 0.8.0 or newer is needed", bwrap->path,
                   bwrap->major, bwrap->minor, bwrap->patch);
    return refuse(host, err);
}

static int refuse_privileged(const struct cage_bwrap *bwrap, struct cage_error *err)
{
    cage_error_set(err, CAGE_ERR_MISSING,
                   "%s is set-uid or has file capabilities, which is refused: "
                   "it would build the cage with more rights than yours",
                   bwrap->path);
    return cage_error_hint(err, "chmod u-s,g-s %s && setcap -r %s, or put an ordinary bwrap first on PATH",
                           bwrap->path, bwrap->path);
}

static int probe(const struct cage_host *host, struct cage_bwrap *bwrap, struct cage_error *err)
{
    cage_autofree char *key = NULL;
    cage_autofree char *file = cage_path_join(host->cache_home, "bwrap-version");
    struct stat st;

    bwrap->path = cage_host_find_sandbox_tool(host, "bwrap");
    if (!bwrap->path) {
        cage_error_set(err, CAGE_ERR_MISSING, "bubblewrap (the program bwrap) was not found on PATH");
        return refuse(host, err);
    }
    if (stat(bwrap->path, &st) < 0)
        return cage_error_sys(err, errno, "cannot look at %s", bwrap->path);
    bwrap->setuid = is_privileged(bwrap->path, &st);
    if (bwrap->setuid)
        return refuse_privileged(bwrap, err);
    key = cache_key(bwrap->path, &st);
    if (!read_cache(file, key, bwrap)) {
        if (ask_version(bwrap, err) < 0)
            return -1;
        write_cache(host, file, key, bwrap);
    }
    return check_version(host, bwrap, err);
}

int cage_bwrap_probe(const struct cage_host *host, struct cage_bwrap *bwrap, struct cage_error *err)
{
    *bwrap = (struct cage_bwrap){0};
    if (probe(host, bwrap, err) == 0)
        return 0;
    cage_bwrap_finish(bwrap);
    return -1;
}
