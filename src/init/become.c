/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The way from process 1's child to the command. */
#include "init/init.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { EXIT_FAILED = 125, EXIT_NOT_EXECUTABLE = 126, EXIT_NOT_FOUND = 127 };
enum { NR_CLOSE_RANGE = 436, CLOSE_RANGE_ON_EXEC = 4 /* CLOSE_RANGE_CLOEXEC, Linux 5.11 */ };

/* Everything from `first` on closes at the exec; until then the child can still report. */
static int close_later(unsigned first, struct init_failure *failure)
{
    struct rlimit limit;

    if (syscall(NR_CLOSE_RANGE, first, ~0U, CLOSE_RANGE_ON_EXEC) == 0)
        return 0;
    if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
        return init_fail(failure, "cannot close descriptors", NULL);
    /* Numbers above the limit cannot be in use unless it was lowered, which bwrap does not do. */
    for (rlim_t fd = first; fd < limit.rlim_cur && fd < INT_MAX; fd++)
        (void)fcntl((int)fd, F_SETFD, FD_CLOEXEC);
    return 0;
}

static int place_descriptors(const struct init_child *child, struct init_failure *failure)
{
    int keep = child->spec->keep_fd;

    for (int n = 0; n < 3; n++)
        if (child->stdio[n] != n && dup2(child->stdio[n], n) < 0)
            return init_fail(failure, "cannot place the standard streams", NULL);
    if (keep >= 0 && keep != 3 && dup2(keep, 3) < 0)
        return init_fail(failure, "cannot place a descriptor", NULL);
    return close_later(keep >= 0 ? 4 : 3, failure);
}

/* As execvp(3): a file in no known format is a script of /bin/sh. */
static void try_exec(const struct init_spec *spec, char *file)
{
    char **argv = spec->argv, *name = argv[0], shell[] = "sh";

    execve(file, argv, spec->envp);
    if (errno != ENOEXEC)
        return;
    argv[-1] = shell; /* init_load() left room */
    argv[0] = file;
    execve("/bin/sh", argv - 1, spec->envp);
    argv[0] = name;
}

/* Looks argv[0] up as execvp(3) does and executes it; returns with errno of the most telling failure. */
static void search_and_exec(const struct init_spec *spec)
{
    const char *dir = spec->path ? spec->path : "";
    const char *name = spec->argv[0];
    size_t length = strlen(name);
    char file[PATH_MAX];
    int verdict = ENOENT;

    if (strchr(name, '/')) {
        try_exec(spec, spec->argv[0]);
        return;
    }
    errno = ENOENT;
    if (length == 0)
        return;
    for (;; dir++) {
        size_t n = strcspn(dir, ":");

        if (n + 1 + length < sizeof file) {
            memcpy(file, dir, n);
            file[n] = '/';
            memcpy(file + n + (n > 0), name, length + 1);
            try_exec(spec, file);
            if (errno == EACCES)
                verdict = EACCES;
            else if (errno != ENOENT && errno != ENOTDIR && errno != ENAMETOOLONG && errno != ELOOP) {
                verdict = errno;
                break;
            }
        }
        dir += n;
        if (!*dir)
            break;
    }
    errno = verdict;
}

static int prepare(const struct init_child *child, struct init_failure *failure)
{
    const struct init_spec *spec = child->spec;
    const struct rlimit nproc = {spec->nproc, spec->nproc};

    if (spec->nproc && setrlimit(RLIMIT_NPROC, &nproc) < 0)
        return init_fail(failure, "cannot limit the number of processes", NULL);
    if (spec->cwd && chdir(spec->cwd) < 0)
        return init_fail(failure, "cannot enter", spec->cwd);
    if (place_descriptors(child, failure) < 0 || init_restrict(child->ruleset, failure) < 0)
        return -1;
    if (sigprocmask(SIG_SETMASK, &spec->mask, NULL) < 0)
        return init_fail(failure, "cannot set the signal mask", NULL);
    return 0;
}

void init_become(const struct init_child *child)
{
    struct init_failure failure = {.kind = CAGE_MSG_NOEXEC};
    int code = EXIT_FAILED;

    if (prepare(child, &failure) == 0) {
        char *name = child->spec->argv[0];

        search_and_exec(child->spec);
        init_fail(&failure, name, NULL);
        failure.kind = CAGE_MSG_NOEXEC;
        code = failure.sys == ENOENT ? EXIT_NOT_FOUND : EXIT_NOT_EXECUTABLE;
    }
    init_send(child->control, (uint32_t)failure.kind, failure.sys, failure.what);
    _exit(code);
}
