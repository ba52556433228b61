/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef CAGE_NIX_COPY_H
#define CAGE_NIX_COPY_H

#include "base/error.h"
#include "nix/child.h"

/*
 * Copies the store path `name` (files, directories, symlinks; anything else is an error) of the directory
 * from_dir into to_dir, where it must not exist, with the modes and time stamps a store has. File contents
 * are shared where the file system can (ioctl_ficlone(2)), else copied in the kernel (copy_file_range(2)).
 * Gives up with err->sys == EINTR when a signal is pending; what was copied until a failure is left to the
 * caller to remove.
 */
int cage_nix_copy_tree(const char *from_dir, const char *to_dir, const char *name,
                       const struct cage_nix_guard *guard, struct cage_error *err) CAGE_MUST_CHECK;

#endif
