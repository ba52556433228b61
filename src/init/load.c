/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "init/init.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SHELL_SLOTS = 1 }; /* in front of argv, for "sh" before a script without #! */

/* Appends s to buf[0..size), which is a string, cutting it to fit. */
static void append(char *buf, size_t size, const char *s)
{
    size_t used = strlen(buf), n = strlen(s);

    if (n > size - 1 - used)
        n = size - 1 - used;
    memcpy(buf + used, s, n);
    buf[used + n] = '\0';
}

int init_fail(struct init_failure *failure, const char *what, const char *detail)
{
    failure->kind = CAGE_MSG_FAILED;
    failure->sys = errno;
    failure->what[0] = '\0';
    append(failure->what, sizeof failure->what, what);
    if (detail) {
        append(failure->what, sizeof failure->what, " ");
        append(failure->what, sizeof failure->what, detail);
    }
    return -1;
}

static int map(struct init_spec *spec, int fd)
{
    struct stat st;
    void *at;

    if (fstat(fd, &st) < 0)
        return -1;
    spec->size = (size_t)st.st_size;
    at = mmap(NULL, spec->size, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
    if (at == MAP_FAILED)
        return -1;
    spec->buf = at;
    return close(fd);
}

/* Counts the arguments and variables; -1 when the spec is not well-formed. */
static int count(const struct init_spec *spec, size_t *n_args, size_t *n_env)
{
    struct cage_spec_record record;
    size_t offset = 0;
    int more;

    *n_args = *n_env = 0;
    while ((more = cage_spec_next(spec->buf, spec->size, &offset, &record)) > 0) {
        *n_args += record.tag == CAGE_SPEC_ARG;
        *n_env += record.tag == CAGE_SPEC_ENV;
    }
    errno = EBADMSG;
    return more < 0 || *n_args == 0 ? -1 : 0;
}

static void take_mask(sigset_t *mask, uint64_t bits)
{
    sigemptyset(mask);
    for (int sig = 1; sig <= 64; sig++)
        if (bits >> (sig - 1) & 1)
            sigaddset(mask, sig); /* libc may refuse its own two, which nobody blocks */
}

static void take(struct init_spec *spec, const struct cage_spec_record *record, size_t *n_args, size_t *n_env)
{
    char *text = spec->buf + (record->data - spec->buf);
    uint32_t word = 0;
    uint64_t bits = 0;

    if (record->length == sizeof word)
        memcpy(&word, record->data, sizeof word);
    if (record->length == sizeof bits)
        memcpy(&bits, record->data, sizeof bits);
    if (record->tag == CAGE_SPEC_ARG)
        spec->argv[(*n_args)++] = text;
    else if (record->tag == CAGE_SPEC_ENV)
        spec->envp[(*n_env)++] = text;
    else if (record->tag == CAGE_SPEC_PATH)
        spec->path = text;
    else if (record->tag == CAGE_SPEC_CWD)
        spec->cwd = text;
    else if (record->tag == CAGE_SPEC_FLAGS)
        spec->flags = word;
    else if (record->tag == CAGE_SPEC_KEEP_FD)
        spec->keep_fd = (int)word;
    else if (record->tag == CAGE_SPEC_SIGMASK)
        take_mask(&spec->mask, bits);
    else if (record->tag == CAGE_SPEC_NPROC)
        spec->nproc = bits;
}

int init_load(struct init_spec *spec, int fd, struct init_failure *failure)
{
    struct cage_spec_record record;
    size_t n_args, n_env, offset = 0;
    char **slots;

    if (map(spec, fd) < 0)
        return init_fail(failure, "cannot read the description of the cage", NULL);
    if (count(spec, &n_args, &n_env) < 0)
        return init_fail(failure, "the description of the cage is damaged", NULL);
    slots = mmap(NULL, (SHELL_SLOTS + n_args + 1 + n_env + 1) * sizeof *slots, PROT_READ | PROT_WRITE,
                 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (slots == MAP_FAILED)
        return init_fail(failure, "cannot hold the description of the cage", NULL);
    spec->argv = slots + SHELL_SLOTS;
    spec->envp = spec->argv + n_args + 1;
    spec->keep_fd = -1;
    sigemptyset(&spec->mask);
    n_args = n_env = 0;
    while (cage_spec_next(spec->buf, spec->size, &offset, &record) > 0)
        take(spec, &record, &n_args, &n_env);
    return 0;
}
