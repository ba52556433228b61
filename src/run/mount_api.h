/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What older headers lack of the mount API: open_tree(2), move_mount(2), mount_setattr(2), fsopen(2). */
#ifndef CAGE_RUN_MOUNT_API_H
#define CAGE_RUN_MOUNT_API_H

#include <fcntl.h>
#include <linux/mount.h>
#include <linux/types.h>

#ifndef MOUNT_ATTR_RDONLY
#define MOUNT_ATTR_RDONLY 0x00000001
#define MOUNT_ATTR_NOSUID 0x00000002
#define MOUNT_ATTR_NODEV 0x00000004
struct mount_attr {
    __u64 attr_set, attr_clr, propagation, userns_fd;
};
#endif
#ifndef OPEN_TREE_CLONE
#define OPEN_TREE_CLONE 1
#define OPEN_TREE_CLOEXEC O_CLOEXEC
#define MOVE_MOUNT_F_EMPTY_PATH 0x00000004
#endif
#ifndef MOVE_MOUNT_T_EMPTY_PATH
#define MOVE_MOUNT_T_EMPTY_PATH 0x00000040
#endif
#ifndef AT_RECURSIVE
#define AT_RECURSIVE 0x8000
#endif

#endif
