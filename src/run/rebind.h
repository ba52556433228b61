/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Puts mounts of a running cage back that the kernel took away because the host replaced the file or
 * directory that they lay on. Done in a forked process that enters the cage's user and mount namespaces
 * (base/nsfd.h).
 *
 * Nothing is brought in from outside. What is mounted is a copy of the cage's own view of the path, with
 * fewer rights, or something empty; so whatever a program in the cage puts there meanwhile, it can at most
 * lose the right to write it.
 */
#ifndef CAGE_RUN_REBIND_H
#define CAGE_RUN_REBIND_H

#include "base/error.h"
#include "base/nsfd.h"
#include "plan/plan.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* One mount to put back. */
struct cage_rebind {
    size_t index;           /* the caller's: comes back in the result */
    enum cage_op_kind kind; /* BIND (read-only), PIN, MASK_FILE or MASK_DIR */
    const char *dest;       /* in the cage */
    int dirfd;              /* on the host: the directory that holds it, … */
    const char *name;       /* … and its name in there, of which no symlink is followed */
};

enum cage_rebind_outcome {
    CAGE_REBIND_FINE,   /* the mount is there: nothing was done */
    CAGE_REBIND_AGAIN,  /* it was put back */
    CAGE_REBIND_GONE,   /* nothing is there on the host */
    CAGE_REBIND_LINK,   /* a symlink is there: nothing can be mounted on it */
    CAGE_REBIND_FAILED, /* sys: why; ESTALE: what the cage sees is not what is on the host */
};

enum cage_rebind_doubt {
    CAGE_DOUBT_WRITER = 1, /* some program had it open for writing after it was protected again (fcntl(2),
                              F_SETLEASE), for longer than a program that saves it would */
    CAGE_DOUBT_LINKS = 2,  /* it has other names (hard links), which are not protected */
};

struct cage_rebind_result {
    uint64_t index;
    int32_t outcome; /* enum cage_rebind_outcome */
    int32_t sys;
    uint32_t doubts; /* bits of enum cage_rebind_doubt; only of a read-only BIND of a file */
    uint32_t unused;
};

/*
 * Starts the process that does so, in the order of items. It writes one cage_rebind_result for each item to
 * the pipe whose reading end (non-blocking, close-on-exec) is left in *fd, then (unless it could not enter
 * the cage) a second one for each, of which only the doubts matter, and ends. Returns its process id, which
 * the caller reaps, or -1.
 */
pid_t cage_rebind_start(const struct cage_ns *ns, const struct cage_rebind *items, size_t n, int *fd,
                        struct cage_error *err) CAGE_MUST_CHECK;

#endif
