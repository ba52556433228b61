/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/fs.h"
#include "base/mem.h"
#include "base/proc.h"
#include "host/host_internal.h"
#include "host/nss.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { MAX_PASSWD = 16 << 20 };

char *cage_host_own_program(void)
{
    return cage_fs_readlink(AT_FDCWD, "/proc/self/exe");
}

uint64_t cage_host_memory(void)
{
    return (uint64_t)sysconf(_SC_PHYS_PAGES) * (uint64_t)sysconf(_SC_PAGESIZE);
}

int cage_host_landlock_abi(void)
{
#if defined(SYS_landlock_create_ruleset) && defined(LANDLOCK_CREATE_RULESET_VERSION)
    long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);

    return abi > 0 ? (int)abi : 0;
#else
    return 0;
#endif
}

/* Field n (from 0) of a line of passwd(5) that ends at `end`. The caller frees; NULL: there is none. */
static char *field(const char *line, const char *end, int n)
{
    while (n-- > 0) {
        line = memchr(line, ':', (size_t)(end - line));
        if (!line)
            return NULL;
        line++;
    }
    return cage_strndup(line, strcspn(line, ":\n"));
}

/* Whether it is the line of this user. */
static bool is_line_of(const char *line, const char *end, uid_t uid)
{
    cage_autofree char *number = field(line, end, 2);
    char *rest;

    return line[0] != '+' && line[0] != '-' && number && number[0] >= '0' && number[0] <= '9' &&
           strtoul(number, &rest, 10) == uid && !*rest;
}

static bool find_in_file(uid_t uid, char **name, char **dir)
{
    CAGE_STRBUF_AUTO text = {0};

    cage_strbuf_init(&text);
    if (cage_fs_read(AT_FDCWD, "/etc/passwd", MAX_PASSWD, &text, NULL) < 0)
        return false;
    for (const char *line = text.buf; *line;) {
        const char *end = line + strcspn(line, "\n");

        if (is_line_of(line, end, uid)) {
            *name = field(line, end, 0);
            *dir = field(line, end, 5);
            return *dir != NULL;
        }
        line = end + (*end == '\n');
    }
    return false;
}

static bool ask_services(uid_t uid, char **name, char **dir)
{
    cage_autofree char *program = cage_host_nss_program();
    cage_autofree char *number = cage_format("%u", (unsigned)uid);
    char user[] = "user";
    char *argv[] = {program, user, number, NULL};
    CAGE_STRBUF_AUTO out = {0};
    struct cage_proc proc = {.argv = argv, .out = &out, .max = MAX_PASSWD};
    struct cage_error ignored;
    size_t n;

    cage_strbuf_init(&out);
    if (cage_proc_run(&proc, &ignored) != 0)
        return false;
    n = strlen(out.buf);
    if (n == 0 || n + 1 >= out.len)
        return false;
    *name = cage_strdup(out.buf);
    *dir = cage_strdup(out.buf + n + 1);
    return true;
}

/* /etc/passwd knows nearly every user, without any service (LDAP, systemd-homed) being asked. */
bool cage_host_find_user(uid_t uid, char **name, char **dir)
{
    if (find_in_file(uid, name, dir))
        return true;
    free(*name);
    *name = NULL;
    return ask_services(uid, name, dir);
}

/* The physical path of an open descriptor; realpath(3) where /proc is not there. */
static char *physical_path(int fd, const char *path)
{
    cage_autofree char *link = cage_format("/proc/self/fd/%d", fd);
    char *real = cage_fs_readlink(AT_FDCWD, link);

    if (real && real[0] == '/')
        return real;
    free(real);
    return realpath(path, NULL);
}

int cage_host_stat(const char *path, struct stat *st, char **real)
{
    cage_autofd int fd = open(path, O_PATH | O_CLOEXEC);

    if (fd < 0 || fstat(fd, st) < 0)
        return errno;
    *real = physical_path(fd, path);
    return *real ? 0 : errno;
}
