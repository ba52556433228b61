/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The second layer: which store paths can be opened, and no abstract socket or signal out of the cage.
 * Constants are our own copies of linux/landlock.h, so that building needs no recent kernel headers; numbers
 * and structures are kernel ABI (Documentation/userspace-api/landlock.rst).
 */
#include "init/init.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { NR_CREATE_RULESET = 444, NR_ADD_RULE = 445, NR_RESTRICT_SELF = 446 };
enum { CREATE_RULESET_VERSION = 1, RULE_PATH_BENEATH = 1 };

#define FS_EXECUTE (1ULL << 0)
#define FS_READ_FILE (1ULL << 2)
#define FS_REFER (1ULL << 13)
#define SCOPE_ABSTRACT_UNIX_SOCKET (1ULL << 0)
#define SCOPE_SIGNAL (1ULL << 1)

/* Of a file, only reading and executing can be allowed; REFER is a right of directories. */
#define FILE_RIGHTS (FS_READ_FILE | FS_EXECUTE)
#define DIR_RIGHTS (FILE_RIGHTS | FS_REFER)

struct ruleset_attr {
    uint64_t handled_access_fs, handled_access_net, scoped;
};

/* getdents64(2) */
struct entry {
    uint64_t inode, offset;
    unsigned short length;
    unsigned char type;
    char name[];
};

struct path_beneath {
    uint64_t allowed_access;
    int32_t parent_fd;
} __attribute__((packed));

/* The first ABI that has what a flag asks for, and how much of the structure that ABI knows. */
static const struct need {
    uint32_t flag;
    long abi;
    uint64_t fs, scoped;
    size_t attr_size;
    const char *missing;
} needs[] = {
    /* ABI 1 denies every rename or link between two directories, which breaks git, npm and cargo. */
    {CAGE_SPEC_LIMIT_STORE, 2, DIR_RIGHTS, 0, 8,
     "the store view \"closure\" needs Landlock ABI 2 (Linux 5.19)"},
    {CAGE_SPEC_SCOPE_ABSTRACT, 6, 0, SCOPE_ABSTRACT_UNIX_SOCKET, 24,
     "closing abstract sockets needs Landlock ABI 6 (Linux 6.12)"},
    {CAGE_SPEC_SCOPE_SIGNAL, 6, 0, SCOPE_SIGNAL, 24, "closing signals needs Landlock ABI 6 (Linux 6.12)"},
};

/* Rights on a directory that a file cannot have are left out for a file. */
static int allow(int ruleset, int dir, const char *path, uint64_t rights, struct init_failure *failure)
{
    struct path_beneath rule = {.allowed_access = rights};
    long rc;

    rule.parent_fd = openat(dir, path, O_PATH | O_NOFOLLOW | O_CLOEXEC);
    if (rule.parent_fd < 0)
        return init_fail(failure, "cannot open the store path", path);
    rc = syscall(NR_ADD_RULE, ruleset, RULE_PATH_BENEATH, &rule, 0);
    if (rc < 0 && errno == EINVAL) { /* not a directory */
        rule.allowed_access = FILE_RIGHTS;
        rc = syscall(NR_ADD_RULE, ruleset, RULE_PATH_BENEATH, &rule, 0);
    }
    close(rule.parent_fd);
    return rc < 0 ? init_fail(failure, "Landlock refused a rule for", path) : 0;
}

/* Everything outside /nix stays open: what is there is decided by mounts. */
static int allow_top_level(int ruleset, struct init_failure *failure)
{
    union {
        struct entry first;
        char bytes[4096];
    } list;
    int root = openat(AT_FDCWD, "/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    long n = -1;

    while (root >= 0 && (n = syscall(SYS_getdents64, root, &list, sizeof list)) > 0)
        for (long at = 0; at < n;) {
            const struct entry *entry = (const struct entry *)(const void *)(list.bytes + at);

            at += entry->length;
            if (entry->type != DT_LNK && strcmp(entry->name, "nix") != 0 && strcmp(entry->name, ".") != 0 &&
                strcmp(entry->name, "..") != 0 && allow(ruleset, root, entry->name, DIR_RIGHTS, failure) < 0)
                return -1;
        }
    if (n < 0)
        return init_fail(failure, "cannot list /", NULL);
    close(root);
    return 0;
}

/* Nothing in the store is renamed, and the rights of a file fit a directory: one call for each of thousands
 * of paths. */
static int allow_store(const struct init_spec *spec, int ruleset, struct init_failure *failure)
{
    struct cage_spec_record record;
    size_t offset = 0;

    while (cage_spec_next(spec->buf, spec->size, &offset, &record) > 0)
        if (record.tag == CAGE_SPEC_STORE && allow(ruleset, AT_FDCWD, record.data, FILE_RIGHTS, failure) < 0)
            return -1;
    return 0;
}

int init_landlock(const struct init_spec *spec, struct init_failure *failure)
{
    struct ruleset_attr attr = {0};
    size_t size = 0;
    long abi;
    int ruleset;

    if (!(spec->flags & (CAGE_SPEC_LIMIT_STORE | CAGE_SPEC_SCOPE_ABSTRACT | CAGE_SPEC_SCOPE_SIGNAL)))
        return -2;
    abi = syscall(NR_CREATE_RULESET, NULL, 0, CREATE_RULESET_VERSION);
    if (abi < 0)
        return init_fail(failure, "this kernel has no Landlock, or it is not enabled (lsm= boot option)",
                         NULL);
    for (size_t i = 0; i < sizeof needs / sizeof needs[0]; i++) {
        if (!(spec->flags & needs[i].flag))
            continue;
        errno = ENOTSUP;
        if (abi < needs[i].abi)
            return init_fail(failure, needs[i].missing, NULL);
        attr.handled_access_fs |= needs[i].fs;
        attr.scoped |= needs[i].scoped;
        size = size > needs[i].attr_size ? size : needs[i].attr_size;
    }
    ruleset = (int)syscall(NR_CREATE_RULESET, &attr, size, 0);
    if (ruleset < 0)
        return init_fail(failure, "Landlock refused the ruleset", NULL);
    if (spec->flags & CAGE_SPEC_LIMIT_STORE)
        if (allow_top_level(ruleset, failure) < 0 || allow_store(spec, ruleset, failure) < 0)
            return -1;
    return ruleset;
}

int init_restrict(int ruleset, struct init_failure *failure)
{
    /* bwrap has set it already; without it, Landlock would refuse an ordinary user. */
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
        return init_fail(failure, "cannot forbid new privileges", NULL);
    if (ruleset >= 0 && syscall(NR_RESTRICT_SELF, ruleset, 0) < 0)
        return init_fail(failure, "Landlock refused to restrict the command", NULL);
    return 0;
}
