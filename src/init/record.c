/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * nixcage-record: two small jobs for src/nix, in one static program without any library but libc.
 *
 * As $NIX_BUILD_SHELL ("bash [--rcfile] RC") it is what nix-shell executes instead of a shell: it records in
 * $NIXCAGE_RECORD_DIR the environment it was given ("pre", NUL-separated), the attribute files nix-shell
 * wrote beside RC ("attrs/"), where they were ("tmpdir"), and at last an empty file "done". No package code
 * runs.
 *
 * "nixcage-record --dump FD", inside the cage, writes its environment, NUL-separated, to the descriptor FD.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define DIR_VARIABLE "NIXCAGE_RECORD_DIR"

extern char **environ;

static int fail(const char *what)
{
    fprintf(stderr, "nixcage-record: %s: %s\n", what, strerror(errno));
    return 125;
}

static int write_all(int fd, const char *p, size_t n)
{
    while (n > 0) {
        ssize_t done = write(fd, p, n);

        if (done < 0 && errno == EINTR)
            continue;
        if (done < 0)
            return -1;
        p += done;
        n -= (size_t)done;
    }
    return 0;
}

static int write_environment(int fd)
{
    for (char **e = environ; *e; e++)
        if (strncmp(*e, DIR_VARIABLE "=", sizeof DIR_VARIABLE) != 0 && write_all(fd, *e, strlen(*e) + 1) < 0)
            return -1;
    return 0;
}

static int create_at(int dirfd, const char *name)
{
    return openat(dirfd, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
}

static int copy_file(int from_dir, int to_dir, const char *name)
{
    char chunk[65536];
    int in = openat(from_dir, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    int out = in < 0 ? -1 : create_at(to_dir, name);
    ssize_t n = -1;
    int rc = -1;

    if (out >= 0) {
        while ((n = read(in, chunk, sizeof chunk)) > 0)
            if (write_all(out, chunk, (size_t)n) < 0)
                break;
        rc = n == 0 ? 0 : -1;
    }
    if (in >= 0)
        close(in);
    if (out >= 0 && close(out) < 0)
        rc = -1;
    return rc;
}

/* The files nix-shell makes for passAsFile (.attr-N) and structured attributes (.attrs.sh, .attrs.json). */
static int copy_attributes(int from_dir, int record_dir)
{
    int to_dir, rc = 0;
    DIR *dir;
    struct dirent *e;

    if (mkdirat(record_dir, "attrs", 0700) < 0 && errno != EEXIST)
        return -1;
    to_dir = openat(record_dir, "attrs", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    dir = to_dir < 0 ? NULL : fdopendir(dup(from_dir));
    if (!dir)
        return -1;
    while (rc == 0 && (e = readdir(dir)))
        if (strncmp(e->d_name, ".attr", 5) == 0)
            rc = copy_file(from_dir, to_dir, e->d_name);
    closedir(dir);
    close(to_dir);
    return rc;
}

static int write_text(int dirfd, const char *name, const char *text)
{
    int fd = create_at(dirfd, name);

    if (fd < 0)
        return -1;
    if (write_all(fd, text, strlen(text)) < 0) {
        close(fd);
        return -1;
    }
    return close(fd);
}

static int record(int argc, char **argv)
{
    const char *dir = getenv(DIR_VARIABLE);
    char tmpdir[PATH_MAX];
    char *slash;
    int record_dir, from_dir, fd;

    if (!dir || argc < 2) {
        fprintf(stderr, "nixcage-record: this program is started by nixcage\n");
        return 125;
    }
    if (snprintf(tmpdir, sizeof tmpdir, "%s", argv[argc - 1]) >= (int)sizeof tmpdir)
        return errno = ENAMETOOLONG, fail("rc file");
    slash = strrchr(tmpdir, '/');
    if (!slash || slash == tmpdir)
        return errno = EINVAL, fail("rc file");
    *slash = '\0';
    record_dir = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (record_dir < 0)
        return fail(dir);
    from_dir = open(tmpdir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (from_dir < 0)
        return fail(tmpdir);
    fd = create_at(record_dir, "pre");
    if (fd < 0 || write_environment(fd) < 0 || close(fd) < 0)
        return fail("cannot record the environment");
    if (copy_attributes(from_dir, record_dir) < 0)
        return fail("cannot copy the attribute files");
    if (write_text(record_dir, "tmpdir", tmpdir) < 0 || write_text(record_dir, "done", "") < 0)
        return fail("cannot finish the record");
    return 0;
}

int main(int argc, char **argv)
{
    if (argc == 3 && strcmp(argv[1], "--dump") == 0)
        return write_environment((int)strtol(argv[2], NULL, 10)) < 0 ? fail("cannot write the environment")
                                                                     : 0;
    return record(argc, argv);
}
