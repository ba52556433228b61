/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the gate gives up once everything is open. It reads bytes that programs in the cage and servers
 * outside choose, so an error in it must not become a process of the user's with the user's files.
 */
#ifndef CAGE_NET_CONFINE_H
#define CAGE_NET_CONFINE_H

#include "base/error.h"

#include <stdbool.h>

struct cage_confine_options {
    const char
        *write_dir;      /* where files may be made, appended to and renamed: of the record; NULL: nowhere */
    const char *conf;    /* the resolver's configuration, read again when it changes; NULL: none */
    const char *program; /* what may still be executed (nixcage-nss), confined alike; NULL: nothing */
    bool enter_cage;     /* setns(2) stays, for sockets in the cage's namespace */
    bool keep_caps;      /* root's capabilities stay: the cage's namespace belongs to this user namespace */
};

/*
 * Confines the calling process and its children for good: no new privileges, no capabilities, no core dumps;
 * a system call filter without other processes' memory, mounts, namespaces, and changes to files other than
 * writing; Landlock, where the kernel has it, with nothing to read but system files, nothing to write outside
 * write_dir, and nothing to execute but program (and, for its loader, what lies among the system's
 * libraries). Fails when the kernel refuses any of these but Landlock.
 */
int cage_confine(const struct cage_confine_options *options, struct cage_error *err) CAGE_MUST_CHECK;

#endif
