/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "trace/event.h"
#include "base/mem.h"
#include "base/path.h"

#include <stdlib.h>
#include <string.h>

enum { NONE = -1 };

enum effect {
    READS,
    WRITES,
    RUNS,
    BY_FLAGS, /* the argument after the path has the open(2) flags */
    SPECIAL,  /* mounts and the like, which the filter refuses */
};

/* Where a call has its paths. Rows of the same name are tried in order: `only` limits one to an error. */
static const struct shape {
    const char *name;
    int dirfd, path;
    enum effect effect;
    const char *only;
} shapes[] = {
    {"open", NONE, 0, BY_FLAGS, NULL},
    {"openat", 0, 1, BY_FLAGS, NULL},
    {"openat2", 0, 1, BY_FLAGS, NULL},
    {"creat", NONE, 0, WRITES, NULL},
    {"stat", NONE, 0, READS, NULL},
    {"lstat", NONE, 0, READS, NULL},
    {"stat64", NONE, 0, READS, NULL},
    {"lstat64", NONE, 0, READS, NULL},
    {"access", NONE, 0, READS, NULL},
    {"readlink", NONE, 0, READS, NULL},
    {"statfs", NONE, 0, READS, NULL},
    {"chdir", NONE, 0, READS, NULL},
    {"getxattr", NONE, 0, READS, NULL},
    {"lgetxattr", NONE, 0, READS, NULL},
    {"inotify_add_watch", NONE, 1, READS, NULL},
    {"newfstatat", 0, 1, READS, NULL},
    {"fstatat64", 0, 1, READS, NULL},
    {"statx", 0, 1, READS, NULL},
    {"faccessat", 0, 1, READS, NULL},
    {"faccessat2", 0, 1, READS, NULL},
    {"readlinkat", 0, 1, READS, NULL},
    {"execve", NONE, 0, RUNS, NULL},
    {"execveat", 0, 1, RUNS, NULL},
    {"mkdir", NONE, 0, WRITES, NULL},
    {"mkdirat", 0, 1, WRITES, NULL},
    {"rmdir", NONE, 0, WRITES, NULL},
    {"unlink", NONE, 0, WRITES, NULL},
    {"unlinkat", 0, 1, WRITES, NULL},
    {"truncate", NONE, 0, WRITES, NULL},
    {"chmod", NONE, 0, WRITES, NULL},
    {"fchmodat", 0, 1, WRITES, NULL},
    {"fchmodat2", 0, 1, WRITES, NULL},
    {"chown", NONE, 0, WRITES, NULL},
    {"lchown", NONE, 0, WRITES, NULL},
    {"fchownat", 0, 1, WRITES, NULL},
    {"utime", NONE, 0, WRITES, NULL},
    {"utimes", NONE, 0, WRITES, NULL},
    {"utimensat", 0, 1, WRITES, NULL},
    {"setxattr", NONE, 0, WRITES, NULL},
    {"lsetxattr", NONE, 0, WRITES, NULL},
    {"mknod", NONE, 0, WRITES, NULL},
    {"mknodat", 0, 1, WRITES, NULL},
    {"symlink", NONE, 1, WRITES, NULL},
    {"symlinkat", 1, 2, WRITES, NULL},
    /* What is missing is the old name; what cannot be written is the new one. */
    {"link", NONE, 0, WRITES, "ENOENT"},
    {"link", NONE, 1, WRITES, NULL},
    {"linkat", 0, 1, WRITES, "ENOENT"},
    {"linkat", 2, 3, WRITES, NULL},
    {"rename", NONE, 0, WRITES, "ENOENT"},
    {"rename", NONE, 0, WRITES, "EBUSY"},
    {"rename", NONE, 1, WRITES, NULL},
    {"renameat", 0, 1, WRITES, "ENOENT"},
    {"renameat", 0, 1, WRITES, "EBUSY"},
    {"renameat", 2, 3, WRITES, NULL},
    {"renameat2", 0, 1, WRITES, "ENOENT"},
    {"renameat2", 0, 1, WRITES, "EBUSY"},
    {"renameat2", 2, 3, WRITES, NULL},
    {"mount", NONE, 1, SPECIAL, NULL},
    {"umount", NONE, 0, SPECIAL, NULL},
    {"umount2", NONE, 0, SPECIAL, NULL},
    {"pivot_root", NONE, 0, SPECIAL, NULL},
    {"chroot", NONE, 0, SPECIAL, NULL},
    {"swapon", NONE, 0, SPECIAL, NULL},
    {"unshare", NONE, 0, SPECIAL, NULL}, /* these have no path */
    {"clone", NONE, 0, SPECIAL, "EPERM"},
};

/* What a cage can be the reason of. */
static const char *const errors[] = {
    "ENOENT",       "EACCES",          "EPERM",       "ENOTDIR",      "EROFS",
    "EBUSY",        "ECONNREFUSED",    "ENETUNREACH", "EHOSTUNREACH", "ENETDOWN",
    "EAFNOSUPPORT", "EPROTONOSUPPORT", "ENOSYS",      "EHOSTDOWN",    "EADDRNOTAVAIL",
};

static bool is_ours(struct cage_slice error)
{
    for (size_t i = 0; i < CAGE_LEN(errors); i++)
        if (cage_slice_is(error, errors[i]))
            return true;
    return false;
}

static const struct shape *find_shape(const struct cage_strace_line *line)
{
    for (size_t i = 0; i < CAGE_LEN(shapes); i++)
        if (cage_slice_is(line->name, shapes[i].name) &&
            (!shapes[i].only || cage_slice_is(line->error, shapes[i].only)))
            return &shapes[i];
    return NULL;
}

/* The row of the new name behind that of the old one that is busy, or NULL. */
static const struct shape *find_other(const struct shape *shape)
{
    return shape->only && strcmp(shape->only, "EBUSY") == 0 ? shape + 1 : NULL;
}

/* The absolute path of an argument, or NULL when it cannot be told. The caller frees. */
static char *absolute(const struct cage_strace_line *line, const struct shape *shape, cage_event_cwd *cwd,
                      void *context)
{
    CAGE_STRBUF_AUTO name = {0}, dir = {0};
    cage_autofree char *joined = NULL, *here = NULL;

    cage_strbuf_init(&name);
    cage_strbuf_init(&dir);
    if ((size_t)shape->path >= line->n_args || !cage_strace_string(line->args[shape->path], &name) ||
        name.len == 0)
        return NULL;
    if (name.buf[0] == '/')
        return cage_path_clean(name.buf);
    if (shape->dirfd == NONE || !cage_strace_annotation(line->args[shape->dirfd], &dir)) {
        here = cwd ? cwd(context, line->pid) : NULL;
        cage_strbuf_reset(&dir);
        cage_strbuf_add(&dir, here ? here : "");
    }
    if (dir.buf[0] != '/')
        return NULL;
    joined = cage_path_join(dir.buf, name.buf);
    return cage_path_clean(joined);
}

static bool by_flags(const struct cage_strace_line *line, size_t flags)
{
    return flags < line->n_args &&
           (cage_slice_has(line->args[flags], "O_WRONLY") || cage_slice_has(line->args[flags], "O_RDWR") ||
            cage_slice_has(line->args[flags], "O_CREAT") || cage_slice_has(line->args[flags], "O_TMPFILE"));
}

static bool read_file(const struct cage_strace_line *line, cage_event_cwd *cwd, void *context,
                      struct cage_event *event)
{
    const struct shape *shape = find_shape(line);

    if (!shape)
        return false;
    event->kind = shape->effect == SPECIAL ? CAGE_EVENT_REFUSED : CAGE_EVENT_FILE;
    event->execute = shape->effect == RUNS;
    event->write =
        shape->effect == WRITES || (shape->effect == BY_FLAGS && by_flags(line, (size_t)shape->path + 1));
    event->target = absolute(line, shape, cwd, context);
    if (find_other(shape))
        event->other = absolute(line, find_other(shape), cwd, context);
    if (!event->target && shape->effect == SPECIAL)
        event->target = cage_strdup("");
    return event->target != NULL;
}

/* `htons(80)`, wherever it stands. */
static uint16_t read_port(struct cage_slice address)
{
    struct cage_slice digits = cage_slice_after(address, "htons(");
    unsigned port = 0;

    for (size_t i = 0; i < digits.n && i < 5 && digits.at[i] >= '0' && digits.at[i] <= '9'; i++)
        port = port * 10 + (unsigned)(digits.at[i] - '0');
    return port > UINT16_MAX ? 0 : (uint16_t)port;
}

/* The string that begins where the slice does. The caller frees. */
static char *quoted(struct cage_slice at)
{
    CAGE_STRBUF_AUTO text = {0};
    size_t n = 1;

    cage_strbuf_init(&text);
    while (n < at.n && at.at[n] != '"')
        n += at.at[n] == '\\' ? 2 : 1;
    if (n >= at.n || !cage_strace_string((struct cage_slice){at.at, n + 1}, &text))
        return NULL;
    return cage_strbuf_steal(&text);
}

static bool read_address(struct cage_slice address, cage_event_cwd *cwd, void *context,
                         struct cage_event *event)
{
    event->kind = CAGE_EVENT_NET;
    event->port = read_port(address);
    if (cage_slice_has(address, "sa_family=AF_INET6"))
        event->target = quoted(cage_slice_after(address, "inet_pton(AF_INET6, "));
    else if (cage_slice_has(address, "sa_family=AF_INET,"))
        event->target = quoted(cage_slice_after(address, "inet_addr("));
    if (event->target || !cage_slice_has(address, "sa_family=AF_UNIX"))
        return event->target != NULL;
    event->kind = CAGE_EVENT_UNIX;
    if (cage_slice_has(address, "sun_path=@")) {
        cage_autofree char *name = quoted(cage_slice_after(address, "sun_path=@"));

        event->target = name ? cage_format("@%s", name) : NULL;
    } else {
        cage_autofree char *name = quoted(cage_slice_after(address, "sun_path="));
        cage_autofree char *here = name && name[0] != '/' && cwd ? cwd(context, event->pid) : NULL;
        cage_autofree char *path = here ? cage_path_join(here, name) : cage_strdup(name);

        event->target = path && path[0] == '/' ? cage_path_clean(path) : NULL;
    }
    return event->target != NULL;
}

static bool read_net(const struct cage_strace_line *line, cage_event_cwd *cwd, void *context,
                     struct cage_event *event)
{
    static const struct {
        const char *name;
        size_t address;
    } calls[] = {{"connect", 1}, {"sendto", 4}, {"sendmsg", 1}, {"sendmmsg", 1}, {"bind", 1}};

    if ((cage_slice_is(line->name, "socket") || cage_slice_is(line->name, "socketpair")) &&
        line->n_args > 0) {
        event->kind = CAGE_EVENT_REFUSED;
        event->target = cage_strndup(line->args[0].at, line->args[0].n);
        return true;
    }
    for (size_t i = 0; i < CAGE_LEN(calls); i++)
        if (cage_slice_is(line->name, calls[i].name) && calls[i].address < line->n_args) {
            event->write = cage_slice_is(line->name, "bind");
            return read_address(line->args[calls[i].address], cwd, context, event);
        }
    return false;
}

bool cage_event_read(const struct cage_strace_line *line, cage_event_cwd *cwd, void *context,
                     struct cage_event *event)
{
    *event = (struct cage_event){.pid = line->pid};
    if (!is_ours(line->error))
        return false;
    if (!read_file(line, cwd, context, event) && !read_net(line, cwd, context, event)) {
        cage_event_finish(event);
        return false;
    }
    event->program = cage_strndup(line->comm.n ? line->comm.at : "?", line->comm.n ? line->comm.n : 1);
    event->call = cage_strndup(line->name.at, line->name.n);
    event->error = cage_strndup(line->error.at, line->error.n);
    return true;
}

void cage_event_finish(struct cage_event *event)
{
    free(event->program);
    free(event->call);
    free(event->error);
    free(event->target);
    free(event->other);
    *event = (struct cage_event){0};
}
