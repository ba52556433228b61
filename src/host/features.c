/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Features of a kernel: what each is for, since when, and how to get it. */
#include "base/mem.h"
#include "host/kernel.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

enum { ABI_STORE = 2, ABI_SCOPES = 6 };

static bool has_store_view(const struct cage_kernel *kernel)
{
    return kernel->landlock_abi >= ABI_STORE;
}

static bool has_scopes(const struct cage_kernel *kernel)
{
    return kernel->landlock_abi >= ABI_SCOPES;
}

static char *landlock_detail(const struct cage_kernel *kernel)
{
    return kernel->landlock_abi > 0 ? cage_format("ABI %d", kernel->landlock_abi)
                                    : cage_strdup("not in this kernel, or not among its security modules");
}

static bool has_limits(const struct cage_kernel *kernel)
{
    return kernel->cgroup2 && kernel->cpu && kernel->memory && kernel->pids;
}

static char *cgroup_detail(const struct cage_kernel *kernel)
{
    if (!kernel->cgroup2)
        return cage_strdup("cgroup v2 is not at /sys/fs/cgroup");
    return cage_format("controllers:%s%s%s%s", kernel->cpu ? " cpu" : "", kernel->memory ? " memory" : "",
                       kernel->pids ? " pids" : "",
                       kernel->cpu || kernel->memory || kernel->pids ? "" : " none");
}

/* A row has a member of struct cage_kernel or a function; `since` is for the way to a newer kernel. */
static const struct row {
    const char *name, *use;
    size_t member;
    bool (*has)(const struct cage_kernel *kernel);
    char *(*detail)(const struct cage_kernel *kernel);
    const char *since; /* NULL: in all that are supported */
    const char *fix;   /* where the kernel is not too old; NULL: it only can be */
} rows[] = {
    {"user namespaces", "every cage; made without root", offsetof(struct cage_kernel, user_namespaces), NULL,
     NULL, NULL, "see `sandbox` above: a sysctl, a security module or an outer container forbids them"},
    {"seccomp", "the system call filter", offsetof(struct cage_kernel, seccomp), NULL, NULL, NULL,
     "boot a kernel with CONFIG_SECCOMP_FILTER"},
    {"Landlock files", "store_view = \"closure\": only the environment's store paths open", 0, has_store_view,
     landlock_detail, "5.19", "boot with landlock in the kernel's option lsm="},
    {"Landlock scopes", "no abstract socket and no signal leaves the cage", 0, has_scopes, landlock_detail,
     "6.12", "boot with landlock in the kernel's option lsm="},
    {"openat2", "files are opened without following links, in one call",
     offsetof(struct cage_kernel, openat2), NULL, NULL, "5.6", NULL},
    {"mount_setattr", "hundreds of shared paths are mounted at once",
     offsetof(struct cage_kernel, new_mounts), NULL, NULL, "5.12", NULL},
    {"pidfd", "the end of a process is seen at once", offsetof(struct cage_kernel, pidfd), NULL, NULL, "5.3",
     NULL},
    {"close_range", "nothing of the caller's stays open, in one call",
     offsetof(struct cage_kernel, close_range), NULL, NULL, "5.9", NULL},
    {"cgroup v2", "limits: cpus, memory, pids", 0, has_limits, cgroup_detail, NULL,
     "boot with systemd and the unified cgroup hierarchy (systemd.unified_cgroup_hierarchy=1)"},
};

_Static_assert(sizeof rows / sizeof rows[0] <= CAGE_FEATURES_MAX, "room for all features");

static bool is_older(const char *release, const char *since)
{
    char *have, *want;
    unsigned long major = strtoul(release, &have, 10), since_major = strtoul(since, &want, 10);
    unsigned long minor = *have == '.' ? strtoul(have + 1, NULL, 10) : 0;
    unsigned long since_minor = *want == '.' ? strtoul(want + 1, NULL, 10) : 0;

    return major < since_major || (major == since_major && minor < since_minor);
}

static char *way_to(const struct row *row, const struct cage_kernel *kernel, const struct cage_host *host)
{
    if (row->since && (!row->fix || is_older(kernel->release, row->since)))
        return cage_host_kernel_hint(host, row->since, kernel->release);
    return cage_strdup(row->fix);
}

void cage_kernel_features(const struct cage_kernel *kernel, const struct cage_host *host,
                          struct cage_features *features)
{
    *features = (struct cage_features){.n = CAGE_LEN(rows)};
    for (size_t i = 0; i < CAGE_LEN(rows); i++) {
        const struct row *row = &rows[i];
        struct cage_feature *feature = &features->items[i];

        feature->name = row->name;
        feature->use = row->use;
        feature->there = row->has ? row->has(kernel) : *(const bool *)((const char *)kernel + row->member);
        feature->detail = row->detail ? row->detail(kernel) : NULL;
        feature->fix = feature->there ? NULL : way_to(row, kernel, host);
    }
}

void cage_features_finish(struct cage_features *features)
{
    for (size_t i = 0; i < features->n; i++) {
        free(features->items[i].detail);
        free(features->items[i].fix);
    }
    *features = (struct cage_features){0};
}
