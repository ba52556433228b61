/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Shared by the files of src/host only. */
#ifndef CAGE_HOST_INTERNAL_H
#define CAGE_HOST_INTERNAL_H

#include "host/host.h"

#include <sys/stat.h>

/* The members of struct cage_host of the same names, on the real file system; host is not used. */
int cage_host_real_lookup(const struct cage_host *host, const char *path, struct cage_file_fact *fact,
                          struct cage_error *err);
/* struct cage_host's lookup_child on the real file system. */
int cage_host_real_lookup_child(const struct cage_host *host, const char *dir, const char *name,
                                struct cage_file_fact *fact, struct cage_error *err);
/* struct cage_host's list on the real file system. */
int cage_host_real_list(const struct cage_host *host, const char *path, struct cage_strv *names,
                        struct cage_error *err);
/* struct cage_host's read_small on the real file system. */
char *cage_host_real_read_small(const struct cage_host *host, const char *path);

/* Fills the XDG directories from host->env and host->home (XDG Base Directory Specification 0.8). */
void cage_host_find_xdg(struct cage_host *host);

/*
 * Fills data_dir, init_path, record_path, bin_dir: beside the program in a build tree, then in the prefix
 * that the program lies in, then in the prefix it was configured with. Whether they exist is found out on
 * use.
 */
void cage_host_find_own_files(struct cage_host *host);

/* --- os_linux.c, os_macos.c: what each system has its own way to find out */

/* The physical path of the running program, or NULL. The caller frees. */
char *cage_host_own_program(void);

/* Bytes of RAM; 0: unknown. */
uint64_t cage_host_memory(void);

/* The Landlock ABI; 0: there is none. */
int cage_host_landlock_abi(void);

/* Name and home directory of a user, from wherever the system knows its users; false: unknown. The caller
 * frees. */
bool cage_host_find_user(uid_t uid, char **name, char **dir);

/* As stat(2) of what path leads to, also when it may not be read; *real gets the physical path. Returns 0 or
 * an errno. */
int cage_host_stat(const char *path, struct stat *st, char **real);

#endif
