/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a cage uses of this kernel, for `status`: from facts, which are gathered once, to a list. Linux. */
#ifndef CAGE_HOST_KERNEL_H
#define CAGE_HOST_KERNEL_H

#include "host/host.h"

#include <stdbool.h>

/* What was found. Zeroed: nothing is there. */
struct cage_kernel {
    char release[65];         /* uname(2): "6.12.1" */
    bool user_namespaces;     /* may be made: neither a sysctl nor a filter of this process forbids it */
    bool seccomp;             /* filters, SECCOMP_RET_ERRNO */
    int landlock_abi;         /* 0: none */
    bool openat2, new_mounts; /* Linux 5.6; open_tree(2), move_mount(2), mount_setattr(2): 5.12 */
    bool pidfd, close_range;  /* 5.3; 5.9 */
    bool cgroup2;             /* mounted at /sys/fs/cgroup */
    bool cpu, memory, pids;   /* its controllers that are enabled for the root's children */
};

struct cage_feature {
    const char *name, *use; /* static: "openat2", "files are opened without following links" */
    bool there;
    char *detail; /* "ABI 7"; NULL: nothing to add */
    char *fix;    /* what to do to have it; NULL: it is there */
};

enum { CAGE_FEATURES_MAX = 12 };

struct cage_features {
    struct cage_feature items[CAGE_FEATURES_MAX];
    size_t n;
};

/* Asks the kernel, by calls that cannot succeed or change nothing. What cannot be found out is not there. */
void cage_kernel_probe(const struct cage_host *host, struct cage_kernel *kernel);

/*
 * The features in the order of a cage's making, with this distribution's way to a newer kernel for what is
 * missing. Pure but for host->read_small(). cage_features_finish() frees, and accepts zeroed ones.
 */
void cage_kernel_features(const struct cage_kernel *kernel, const struct cage_host *host,
                          struct cage_features *features);
/* Frees what it owns; accepts zeroed ones. */
void cage_features_finish(struct cage_features *features);

#endif
